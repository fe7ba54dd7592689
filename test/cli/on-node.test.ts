import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';

const command = path.resolve(import.meta.dirname, '../../packaging/holdfast-on-node');

/** Runs it on a machine whose service manager has this unit; each argument that systemd-run is given, a line. */
async function onNode(
  unit: string | undefined,
  ...words: string[]
): Promise<{ code: number; asked: string[]; errors: string }> {
  const bin = await mkdtemp(path.join(tmpdir(), 'holdfast-on-node-'));
  const program = async (name: string, script: string) => {
    await writeFile(path.join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(path.join(bin, name), 0o755);
  };
  await writeFile(path.join(bin, 'unit'), unit ?? '');
  await program(
    'systemctl',
    unit === undefined ? 'echo "No files found for $2." >&2; exit 1' : `cat '${bin}/unit'`,
  );
  await program('systemd-run', `printf '%s\\n' "$@"; exit 78`);
  try {
    return await new Promise((resolve) => {
      execFile(
        command,
        words,
        { env: { PATH: `${bin}:${process.env['PATH']}` } },
        (error, stdout, stderr) => {
          const asked = stdout.split('\n').slice(0, -1);
          resolve({ code: error === null ? 0 : Number(error.code), asked, errors: stderr });
        },
      );
    });
  } finally {
    await rm(bin, { recursive: true });
  }
}

test('a command on the node has the user, PINs, groups and umask that the unit and its drop-ins give the service', async (t) => {
  const { code, asked } = await onNode(
    `# /etc/systemd/system/holdfast.service
[Service]
User=holdfast
Group=holdfast
ExecStart=/opt/holdfast/bin/holdfast serve
LoadCredential=primary-pin:/etc/holdfast/primary.pin
UMask=0077
Restart=on-failure

# /etc/systemd/system/holdfast.service.d/override.conf
[Service]
LoadCredential=second-pin:/etc/holdfast/second.pin
SupplementaryGroups=nfast
UMask=0027
Environment=ChrystokiConfigurationPath=/etc/luna "TWO=of them"
`,
    'init',
    '--password-file',
    'a file',
  );
  t.is(code, 78, 'its exit code is the command’s');
  t.deepEqual(asked, [
    '--pipe',
    '--wait',
    '--collect',
    '--quiet',
    '--service-type=exec',
    '--property=User=holdfast',
    '--property=Group=holdfast',
    '--property=LoadCredential=primary-pin:/etc/holdfast/primary.pin',
    '--property=UMask=0077',
    '--property=LoadCredential=second-pin:/etc/holdfast/second.pin',
    '--property=SupplementaryGroups=nfast',
    '--property=UMask=0027',
    '--property=Environment=ChrystokiConfigurationPath=/etc/luna "TWO=of them"',
    '--property=LimitCORE=0',
    '--property=NoNewPrivileges=yes',
    '--working-directory=/var/lib/holdfast',
    '/opt/holdfast/bin/holdfast',
    'init',
    '--password-file',
    'a file',
  ]);
});

test('without the unit, and without a command, a command on the node says what is missing', async (t) => {
  const without = await onNode(undefined, 'init');
  t.deepEqual([without.code, without.asked], [1, []]);
  t.regex(without.errors, /No files found for holdfast\.service/);
  const empty = await onNode('[Service]\n');
  t.is(empty.code, 64);
  t.regex(empty.errors, /^usage: holdfast-on-node COMMAND/);
});
