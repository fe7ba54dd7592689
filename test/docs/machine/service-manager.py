#!/usr/bin/python3
"""systemctl, systemd-run and journalctl, as far as the pages ask for them, where no systemd runs.

A service has what its unit says of user, groups, umask, credentials, environment, directories, capabilities and what of the
machine it may write. Anything else that the pages' units say is left out; what they do not say is refused.
"""
import glob
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

UNITS, RUN = Path('/etc/systemd/system'), Path('/run/stand-in')


def text_of(unit):
    drop_ins = sorted(glob.glob(f'{UNITS}/{unit}.d/*.conf'))
    return '\n'.join(Path(file).read_text() for file in [UNITS / unit, *drop_ins])


def settings_of(lines):
    """Each with its values; an empty one takes back those before it."""
    settings = {}
    for line in lines:
        name, equals, value = line.partition('=')
        if equals == '' or line.startswith(('#', ';', '[')):
            continue
        settings[name] = [*settings.get(name, []), value] if value != '' else []
    return settings


def user_of(settings):
    import pwd

    return pwd.getpwnam(settings['User'][-1])


def directory_for(settings, kind, base):
    for name in settings.get(f'{kind}Directory', []):
        directory = Path(base) / name
        directory.mkdir(exist_ok=True)
        user = user_of(settings)
        os.chown(directory, user.pw_uid, user.pw_gid)
        directory.chmod(int(settings.get(f'{kind}DirectoryMode', ['0755'])[-1], 8))
        yield str(directory)


def credentials_for(settings, name):
    user = user_of(settings)
    place = Path('/run/credentials') / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for line in settings.get('LoadCredential', []):
        credential, _, file = line.partition(':')
        copy = place / credential
        shutil.copyfile(file, copy)
        os.chown(copy, user.pw_uid, user.pw_gid)
        copy.chmod(0o400)
    os.chown(place, user.pw_uid, user.pw_gid)
    place.chmod(0o500)
    return str(place)


def start(name, settings, command, directory='/', **streams):
    """What systemd does between fork and exec. Mounts of its own, in which it writes only where it may."""
    user = user_of(settings)
    environment = {
        'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin',
        'HOME': user.pw_dir,
        'CREDENTIALS_DIRECTORY': credentials_for(settings, name),
    }
    for line in settings.get('Environment', []):
        environment.update(pair.split('=', 1) for pair in line.split(' '))
    writes = [*directory_for(settings, 'State', '/var/lib')]
    for line in settings.get('ReadWritePaths', []):
        for one in line.split(' '):
            if os.path.exists(one.lstrip('-')) or not one.startswith('-'):
                writes.append(one.lstrip('-'))
    closed = []
    if settings.get('ProtectSystem') == ['strict']:
        closed = [
            *(f'mount --bind {one} {one}' for one in writes),
            *(f'mount --rbind {one} {one}; mount -o remount,bind,ro {one}' for one in ['/etc', '/opt', '/usr', '/usr/local']),
            'mount -o remount,bind,ro /var',
        ]
    groups = [str(user.pw_gid)]
    for line in settings.get('SupplementaryGroups', []):
        groups += line.split(' ')
    own = subprocess.run(['id', '-G', user.pw_name], check=True, capture_output=True, text=True).stdout.split()
    capabilities = [name.removeprefix('CAP_').lower() for line in settings.get('AmbientCapabilities', []) for name in line.split()]
    allowed = ','.join(f'+{name}' for name in capabilities)
    setpriv = ['setpriv', '--reuid', str(user.pw_uid), '--regid', str(user.pw_gid), '--groups', ','.join({*groups, *own})]
    if settings.get('NoNewPrivileges') == ['yes']:
        setpriv.append('--no-new-privs')
    setpriv += ['--inh-caps', f'-all,{allowed}', '--ambient-caps', f'-all,{allowed}'] if allowed else []
    setpriv += ['--bounding-set', f'-all,{allowed}'] if allowed else ['--bounding-set', '-all']

    def limits():
        os.umask(int(settings.get('UMask', ['0022'])[-1], 8))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    script = '\n'.join(['set -e', *closed, 'exec "$@"'])
    return subprocess.Popen(
        ['unshare', '--mount', 'sh', '-c', script, 'sh', *setpriv, *command],
        cwd=directory,
        env=environment,
        preexec_fn=limits,
        start_new_session=True,
        **streams,
    )


def name_of(words):
    name = words[-1]
    return name if '.' in name else f'{name}.service'


def pid_of(unit):
    file = RUN / f'{unit}.pid'
    return int(file.read_text()) if file.exists() else None


def running(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def systemctl(words):
    RUN.mkdir(exist_ok=True)
    with (RUN / 'asked').open('a') as asked:
        asked.write(' '.join(words) + '\n')
    if words == ['daemon-reload']:
        return 0
    unit = name_of(words)
    if words[0] == 'cat':
        print(text_of(unit))
        return 0
    settings = settings_of(text_of(unit).splitlines())
    pid = pid_of(unit)
    if words[0] == 'start' or words[:2] == ['enable', '--now']:
        with (RUN / f'{unit}.log').open('ab') as log:
            child = start(unit, settings, settings['ExecStart'][-1].split(' '), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        (RUN / f'{unit}.pid').write_text(str(child.pid))
    elif words[0] == 'stop':
        os.kill(pid, signal.SIGTERM)
        while running(pid):
            time.sleep(0.05)
    elif words[0] == 'reload':
        subprocess.run(settings['ExecReload'][-1].replace('$MAINPID', str(pid)).split(' '), check=True)
    else:
        sys.exit(f'systemctl: {words}')
    return 0


def systemd_run(words):
    lines, directory = ['NoNewPrivileges=no'], '/'
    while words[0].startswith('--'):
        option, _, value = words.pop(0).partition('=')
        if option == '--property':
            lines.append(value)
        elif option == '--working-directory':
            directory = value
        elif option not in ('--pipe', '--wait', '--collect', '--quiet', '--service-type'):
            sys.exit(f'systemd-run: {option}')
    settings = settings_of(lines)
    settings['NoNewPrivileges'] = settings['NoNewPrivileges'][-1:]
    return start(f'run-{os.getpid()}.service', settings, words, directory).wait()


def journalctl(words):
    options = dict(zip(words[::2], words[1::2]))
    log = (RUN / f"{options['--unit']}.service.log").read_text()
    print('\n'.join(log.splitlines()[-int(options['--lines']) :]))
    return 0


stand_in = {'systemctl': systemctl, 'systemd-run': systemd_run, 'journalctl': journalctl}[os.path.basename(sys.argv[0])]
sys.exit(stand_in(sys.argv[1:]))
