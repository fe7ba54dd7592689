import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import test from 'ava';
import Database from 'better-sqlite3';
import { AdminClient } from '../support/admin-client.ts';
import { blocks } from '../support/process-facts.ts';
import { childrenOf, commandLine, memoryDirectory } from '../../testing/test-node.ts';
import { PatientClient } from '../../testing/xks-client.ts';

const command = path.resolve(import.meta.dirname, '../../bin/holdfast');

const rule = '-'.repeat(80);

interface Running {
  child: ChildProcess;
  /** The line that starts with `holdfast ready`. */
  line: string;
  port: number;
  /** All lines so far that are not of the log. */
  said: string[];
}

async function up(home: string, environment: Record<string, string> = {}): Promise<Running> {
  const child = spawn(command, ['quickstart'], {
    env: {
      ...process.env,
      HOLDFAST_HOME: home,
      HOLDFAST_XKS_PORT: '0',
      HOLDFAST_ADMIN_PORT: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const said: string[] = [];
  const ready = Promise.withResolvers<string>();
  child.once('exit', (code) => ready.reject(new Error(`quickstart ended with ${code}: ${output}`)));
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      output += `${line}\n`;
      if (!line.startsWith('{')) said.push(line);
      // The last word is framed.
      if (line === rule && said.indexOf(rule) < said.length - 1)
        ready.resolve(
          said.find((one) => one.startsWith('holdfast ready')) ?? 'no line starts with holdfast ready',
        );
    });
  const line = await ready.promise;
  return { child, line, said, port: Number(/port (\d+)/.exec(line)?.[1]) };
}

async function down({ child }: Running): Promise<number | null> {
  if (child.exitCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }
  return child.exitCode;
}

let home = '';
test.before(async () => {
  home = await mkdtemp(path.join(memoryDirectory(), 'holdfast-up-'));
});
test.after.always(async () => rm(home, { recursive: true, force: true }));

const file = (name: string) => path.join(home, 'quickstart', name);
const json = async (name: string) => JSON.parse(await readFile(file(name), 'utf8')) as Record<string, never>;

test.serial('make up serves from nothing, with files for AWS that are for their owner only', async (t) => {
  const first = await up(home);
  t.teardown(async () => void (await down(first)));
  for (const pid of [first.child.pid ?? 0, ...childrenOf(first.child.pid ?? 0)])
    t.true(blocks(pid, 'SIGUSR1'), `an inspector on SIGUSR1: ${commandLine(pid)}`);
  for (const name of ['xks-proxy-config.json', 'ca.pem', 'keys.json', 'admin.json', 'admin.password'])
    t.is((await stat(file(name))).mode & 0o777, 0o600, name);
  t.deepEqual(Object.keys(await json('admin.json')), ['endpoint', 'username', 'password']);
  const keys: Record<string, string> = await json('keys.json');
  t.deepEqual(Object.keys(keys), ['encryptDecrypt', 'encryptOnly', 'decryptOnly', 'neither']);

  // What tests of people have less of (VaultContext.passwordCost) a node has whole.
  const store = new Database(path.join(home, 'state/holdfast.db'), { readonly: true });
  const hashes = store.prepare('SELECT password_hash FROM users').pluck().all() as string[];
  store.close();
  t.is(hashes.length, 2);
  for (const hash of hashes) t.regex(hash, /^\$argon2id\$v=19\$m=47104,t=1,p=1\$/);

  // The last word: four commands, to be copied as they stand, after which all is as before: README's request comes next.
  const printed = first.said.slice(first.said.indexOf(rule)).join('\n').replaceAll('\\\n', ' ');
  const commands = [...printed.matchAll(/^ {2}(bin\/holdfast .*)$/gm)].map(([, words = '']) => words);
  t.is(commands.length, 4, printed);
  t.regex(printed, /sign in without\s+--vault, with the same name and password/);
  const [, endpoint = '', address = ''] = /^ {2}console +(https:\S+?)(\/sign-in\/\S+) /m.exec(printed) ?? [];
  t.is(endpoint, String((await json('admin.json'))['endpoint']), printed);
  const browser = new AdminClient({ port: Number(new URL(endpoint).port), ca: file('ca.pem') } as never);
  t.is((await browser.request('GET', `/${address}`, { headers: { Accept: 'text/html' } })).status, 200);
  browser.close();
  const root = path.dirname(path.dirname(command));
  const env = { ...process.env, XDG_CONFIG_HOME: home };
  const { stdout } = await promisify(execFile)('bash', ['-ec', commands.join('\n')], { cwd: root, env });
  t.regex(stdout, /encrypt-only/);
  t.regex(stdout, /DISABLED[^]*AVAILABLE as of/);

  const config = (await json('xks-proxy-config.json')) as unknown as {
    XksProxyUriPath: string;
    XksProxyAuthenticationCredential: { AccessKeyId: string; RawSecretAccessKey: string };
  };
  const access = {
    uriPath: config.XksProxyUriPath,
    accessKeyId: config.XksProxyAuthenticationCredential.AccessKeyId,
    secretAccessKey: config.XksProxyAuthenticationCredential.RawSecretAccessKey,
  };
  const connect = (port: number) => new PatientClient(port, access, { ca: file('ca.pem') });
  const client = connect(first.port);
  const encrypted = await client.encrypt(keys['encryptDecrypt'] ?? '', 'kept over a restart', { cdiv: true });
  t.is(encrypted.status, 200, encrypted.text);
  client.close();
  t.is(await down(first), 0);

  // The second start finds its keys again.
  const second = await up(home);
  t.teardown(async () => void (await down(second)));
  t.deepEqual(await json('keys.json'), keys as Record<string, never>);
  const again = connect(second.port);
  t.teardown(() => again.close());
  const decrypted = await again.decrypt(keys['encryptDecrypt'] ?? '', encrypted.body);
  t.is(decrypted.status, 200, decrypted.text);
  t.is(Buffer.from(decrypted.body.plaintext, 'base64').toString(), 'kept over a restart');

  // A third beside it is refused before it has touched what the second works with.
  const before = await filesOf(home);
  await t.throwsAsync(up(home, { HOLDFAST_ADMIN_PORT: '9444' }), {
    message: new RegExp(
      `ended with 78: .*in use already: holdfast quickstart, process ${second.child.pid} on .*end that node first, or give this one a home and ports of its own: HOLDFAST_HOME`,
      's',
    ),
  });
  t.deepEqual(await filesOf(home), before);
});

/** What is in the files of a home that quickstart writes, and when that was changed. */
async function filesOf(directory: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const name = path.join(entry.parentPath, entry.name);
    // A running node writes in its state directory and in its token.
    if (!entry.isFile() || /\/(state|softhsm)\//.test(name)) continue;
    files[name] = `${(await stat(name, { bigint: true })).mtimeNs} ${await readFile(name, 'utf8')}`;
  }
  return files;
}

test.serial('a port that is no port is refused by the name of its variable', async (t) => {
  for (const port of ['x', '70000', '-1', '1e3'])
    await t.throwsAsync(up(home, { HOLDFAST_XKS_PORT: port }), {
      message: /HOLDFAST_XKS_PORT: is not a port number/,
    });
});

test.serial(
  'a set-up that was interrupted before its first keys goes on at the next start; a port that is taken is told, with the way out',
  async (t) => {
    await rm(file('keys.json'));
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => void server.close());
    const { port } = server.address() as AddressInfo;
    await t.throwsAsync(up(home, { HOLDFAST_XKS_PORT: String(port) }), {
      message: /port \d+ is in use by another process; end it, or set another HOLDFAST_XKS_PORT/,
    });
    t.is(Object.keys(await json('keys.json')).length, 4);
  },
);
