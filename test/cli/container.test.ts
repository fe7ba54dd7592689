import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { chmod, chown, cp, lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import anyTest, { type TestFn } from 'ava';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import type { Run } from './command-line.ts';

/*
 * As containers run a node: a user id without an entry in passwd, a group of its own for secrets (Kubernetes' fsGroup),
 * and secrets that root owns, read-only, behind links that are exchanged when they change.
 */

const uid = 123_456;
const fsGroup = 123_789;
const command = path.resolve(import.meta.dirname, '../../bin/holdfast');

interface Context {
  node: TestNode;
  fixture: TokenFixture;
  /** Where secrets are mounted. */
  secrets: string;
  asPod: (words: string[], env?: Record<string, string>) => Promise<Run>;
}
const test = anyTest as TestFn<Context>;

/** Undefined where the tests can be run: another user has to be taken on, and to reach this checkout. */
const whyNot = (() => {
  if (process.getuid?.() !== 0) return 'only root can take on another user';
  try {
    execFileSync('setpriv', [...identity(), 'test', '-x', command]);
    return undefined;
  } catch {
    return 'another user cannot reach this checkout';
  }
})();
const testAsPod = whyNot === undefined ? test.serial : test.serial.skip;
if (whyNot !== undefined) console.error(`container.test.ts: skipped: ${whyNot}`);

function identity(): string[] {
  return ['--reuid', String(uid), '--regid', String(uid), '--groups', String(fsGroup)];
}

test.before(async (t) => {
  if (whyNot !== undefined) return;
  const fixture = await createSoftHsmToken();
  const node = await TestNode.create({ tokens: [{ fixture }], admin: true, init: false });
  const secrets = path.join(node.directory, 'secrets');
  await mountSecrets(secrets, { pin: fixture.pinFile, 'tls.key': node.tls.key });
  const text = await readFile(node.config, 'utf8');
  await writeFile(
    node.config,
    text
      .replaceAll(fixture.pinFile, path.join(secrets, 'pin'))
      .replaceAll(node.tls.key, path.join(secrets, 'tls.key')),
  );
  for (const directory of [node.directory, fixture.directory]) await give(directory, secrets);
  const asPod = async (words: string[], env: Record<string, string> = {}) =>
    new Promise<Run>((resolve) => {
      execFile(
        'setpriv',
        [...identity(), command, '--config', node.config, ...words],
        { env: { PATH: process.env['PATH'] ?? '', ...env } },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  t.context = { node, fixture, secrets, asPod };
});
test.after.always(async (t) => {
  await t.context.node?.dispose();
  await t.context.fixture?.dispose();
});

/** As the kubelet writes a secret volume of a pod with an fsGroup. */
async function mountSecrets(directory: string, files: Record<string, string>): Promise<void> {
  const data = path.join(directory, '..2027_01_01_00_00_00.1');
  await mkdir(data, { recursive: true });
  await symlink(path.basename(data), path.join(directory, '..data'));
  for (const [name, from] of Object.entries(files)) {
    const file = path.join(data, name);
    await cp(from, file);
    await chown(file, 0, fsGroup);
    await chmod(file, 0o440);
    await symlink(path.join('..data', name), path.join(directory, name));
  }
  for (const one of [directory, data]) {
    await chown(one, 0, fsGroup);
    await chmod(one, 0o3777);
  }
}

/** Everything but the secrets belongs to the pod's user. */
async function give(directory: string, secrets: string): Promise<void> {
  await chown(directory, uid, uid);
  for (const name of await readdir(directory)) {
    const file = path.join(directory, name);
    if (file === secrets) continue;
    if ((await lstat(file)).isDirectory()) await give(file, secrets);
    else await chown(file, uid, uid);
  }
}

testAsPod('init and serve --check work with secrets that Kubernetes mounts', async (t) => {
  const { node, asPod } = t.context;
  const made = await asPod(['init']);
  t.is(made.code, 0, made.stderr);
  t.regex(made.stdout, /administrator admin, first password: \S+/);
  const checked = await asPod(['serve', '--check']);
  t.is(checked.code, 0, checked.stderr);
  t.is(checked.stdout, `${node.config}: fine\n`);
});

testAsPod('a user id without a name is the actor by its number', async (t) => {
  const store = await SqliteStore.open(path.join(t.context.node.directory, 'state', 'holdfast.db'));
  t.teardown(async () => store.close());
  const names = await store.db.selectFrom('audit_events').select('actor_name').execute();
  t.true(names.length > 0);
  for (const { actor_name: name } of names) t.is(name, `init, run by user id ${uid}`);
});

testAsPod('serve takes such secrets, serves, and ends when told', async (t) => {
  const { node } = t.context;
  const serving = spawn('setpriv', [...identity(), command, '--config', node.config, 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  t.teardown(() => serving.kill('SIGKILL'));
  const exited = once(serving, 'exit');
  const lines = createInterface({ input: serving.stdout });
  const hosts = new Set<string>();
  for await (const line of lines) {
    if (line.includes('"token host ready"')) hosts.add(line);
    if (line.startsWith('holdfast ready')) break;
  }
  t.true(hosts.size > 0);
  // What it says at its end needs a reader.
  serving.stdout.resume();
  serving.kill('SIGTERM');
  t.deepEqual(await exited, [0, null]);
});

testAsPod('a first password that cannot be shown is told with the way to another', async (t) => {
  const { node } = t.context;
  const words = [...identity(), command, '--config', node.config, 'init', '--reset-administrator'];
  const run = spawnSync('setpriv', words, {
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  t.is(run.status, 74);
  t.regex(
    run.stderr.toString(),
    /first password of the administrator admin was made, but its secret is lost: .*ENOSPC.*\n {2}hint: holdfast init --reset-administrator admin/,
  );
});

testAsPod('signing in without a home asks for one, in words', async (t) => {
  const { code, stderr } = await t.context.asPod(['login', '--endpoint', 'https://127.0.0.1:1']);
  t.is(code, 78);
  t.regex(stderr, /HOME is not set, and this user has no entry in passwd\n {2}hint: set XDG_CONFIG_HOME/);
  const root = await t.context.asPod(['login', '--endpoint', 'https://127.0.0.1:1', '--username', 'ada'], {
    HOME: '/',
  });
  t.is(root.code, 74);
  t.regex(
    root.stderr,
    /cannot be kept in \/\.config\/holdfast\/credentials\.json: permission is denied \(EACCES\)/,
  );
});

for (const [what, mode, group] of [
  ['others may read', 0o444, fsGroup],
  ['its group may write', 0o460, fsGroup],
] as const)
  testAsPod(`a secret of root's that ${what} is refused, with words that fit a pod`, async (t) => {
    const { secrets, asPod } = t.context;
    for (const name of ['pin', 'tls.key']) {
      const file = path.join(secrets, '..data', name);
      await chown(file, 0, group);
      await chmod(file, mode);
      const { code, stderr } = await asPod(name === 'pin' ? ['init'] : ['serve', '--check']);
      t.is(code, 78);
      t.regex(
        stderr,
        /group or others may use it \(mode 04[46][04]\).*0440, with a group of theirs \(docs\/kubernetes\.md\)/,
      );
      await chmod(file, 0o440);
    }
  });

testAsPod('an API key may be such a file too', async (t) => {
  const { secrets, asPod } = t.context;
  await mountSecrets(path.join(secrets, 'key'), { 'api-key': t.context.fixture.pinFile });
  const { code, stderr } = await asPod(['whoami'], {
    HOLDFAST_API_KEY_FILE: path.join(secrets, 'key', 'api-key'),
    HOLDFAST_ENDPOINT: 'https://127.0.0.1:1',
  });
  t.is(code, 69);
  t.regex(stderr, /nothing listens there/);
});
