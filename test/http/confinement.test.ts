import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import {
  confinementOfManagement,
  confinementOfXksWorker,
  problemsOfConfinement,
} from '../../src/http/confinement.ts';
import { confinedNodeCommand, nodeCommand, type Confinement } from '../../src/node-process.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { memoryDirectory } from '../support/test-node.ts';

/*
 * What code gets that runs in a process which faces the network: a script in the place of the worker's. That the workers of
 * a node are started so is in test/whole-node/processes.test.ts.
 */

const source = path.resolve(import.meta.dirname, '../../src');

interface Place {
  directory: string;
  state: string;
  pin: string;
  config: Parameters<typeof confinementOfManagement>[0];
}

async function place(): Promise<Place> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-confined-'));
  const state = path.join(directory, 'state');
  await mkdir(state);
  await mkdir(path.join(directory, 'aws'));
  const pin = path.join(directory, 'pin');
  for (const name of ['pin', 'holdfast.toml', 'server-key.pem', 'aws/token', 'state/refused-pin.primary'])
    await writeFile(path.join(directory, name), 'a secret\n', { mode: 0o600 });
  const storePath = path.join(state, 'holdfast.db');
  await (await SqliteStore.init(storePath)).close();
  const aws = { ambient: false } as Place['config']['aws'];
  return { directory, state, pin, config: { storePath, node: { state_directory: state } as never, aws } };
}

/** Runs statements, each by its name; answers the code of what each throws, or `done`. */
async function tryAs(
  { directory }: Place,
  may: Confinement | undefined,
  statements: Record<string, string>,
): Promise<Record<string, string>> {
  const script = path.join(directory, 'taken-over.ts');
  await writeFile(
    script,
    `import fs from 'node:fs';
import { execFileSync, spawn, fork } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import inspector from 'node:inspector';
import { SqliteStore } from ${JSON.stringify(path.join(source, 'store/sqlite.ts'))};
const told = {};
const attempt = async (name, run) => {
  try { await run(); told[name] = 'done'; } catch (error) { told[name] = error.code ?? error.message; }
};
${Object.entries(statements)
  .map(([name, statement]) => `await attempt(${JSON.stringify(name)}, async () => { ${statement} });`)
  .join('\n')}
console.log(JSON.stringify(told));
`,
  );
  const [command, ...words] =
    may === undefined
      ? nodeCommand(script)
      : confinedNodeCommand(script, { ...may, read: [...may.read, script] });
  const { stdout, stderr } = await promisify(execFile)(command, words, {
    env: { PATH: process.env['PATH'], PIN: 'a secret' },
  });
  // Warnings would stand in a node's log at each start; that of WASI is asked for here.
  if (stderr.replace(/^.*WASI is an experimental.*\n.*\n/, '') !== '') throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, string>;
}

const read = (file: string) => `fs.readFileSync(${JSON.stringify(file)});`;
const write = (file: string) => `fs.writeFileSync(${JSON.stringify(file)}, '');`;

/** What neither of the two may. */
function forbidden({ directory, state, pin, config }: Place): Record<string, string> {
  return {
    'the PIN': read(pin),
    'the configuration': read(path.join(directory, 'holdfast.toml')),
    'the TLS key': read(path.join(directory, 'server-key.pem')),
    'a link to the PIN': `fs.symlinkSync(${JSON.stringify(pin)}, ${JSON.stringify(path.join(state, 'link'))});`,
    'that there is a PIN': `fs.statSync(${JSON.stringify(pin)});`,
    'the environment of its parent': "fs.readFileSync('/proc/' + process.ppid + '/environ');",
    'its own environment, by /proc': read('/proc/self/environ'),
    'the memory of its parent': "fs.openSync('/proc/' + process.ppid + '/mem');",
    'the users of the machine': read('/etc/passwd'),
    'a program': "execFileSync('true');",
    'a program, spawned':
      "await new Promise((resolve, reject) => spawn('true').on('exit', resolve).on('error', reject));",
    'a Node': `fork(${JSON.stringify(path.join(source, 'main.ts'))});`,
    'a thread': "new Worker('0', { eval: true });",
    'an inspector': 'inspector.open(0);',
    WASI: "const { WASI } = await import('node:wasi'); new WASI({ version: 'preview1', preopens: { '/': '/' } });",
    'the store, past SQLite': write(config.storePath),
    'our code': write(path.join(source, 'main.ts')),
    'a new file beside the store': write(path.join(state, 'new')),
    'a file in /tmp': write('/tmp/holdfast-confined'),
  };
}

const allowed = ({ config }: Place) => ({
  'its output, to open it anew': "fs.statSync('/proc/self/fd/1');",
  'the store': `const store = await SqliteStore.open(${JSON.stringify(config.storePath)}); store.revision(); await store.close();`,
});

for (const [name, confine] of [
  ['an XKS worker', ({ config }: Place) => confinementOfXksWorker(config)],
  ['the management process', ({ config }: Place) => confinementOfManagement(config, {})],
] as const)
  test(`${name} opens the store; code that runs in it reads no PIN, TLS key or /proc, writes and starts nothing`, async (t) => {
    const here = await place();
    t.teardown(async () => rm(here.directory, { recursive: true }));
    const tried = forbidden(here);
    const told = await tryAs(here, confine(here), { ...tried, ...allowed(here) });
    for (const what of Object.keys(allowed(here))) {
      t.is(told[what], 'done', what);
      delete told[what];
    }
    t.deepEqual(told, Object.fromEntries(Object.keys(tried).map((what) => [what, 'ERR_ACCESS_DENIED'])));
    // It is the confinement that refuses, and not this machine.
    const free = await tryAs(here, undefined, {
      'the PIN': tried['the PIN'] ?? '',
      'a program': tried['a program'] ?? '',
    });
    t.deepEqual(free, { 'the PIN': 'done', 'a program': 'done' });
  });

test('the management process keeps its id and the reserve; credentials of the node’s own only where the configuration gives them', async (t) => {
  const here = await place();
  t.teardown(async () => rm(here.directory, { recursive: true }));
  const token = path.join(here.directory, 'aws/token');
  const env = { AWS_WEB_IDENTITY_TOKEN_FILE: token };
  const statements = {
    'the id': write(path.join(here.state, 'node-id')),
    'the reserve': write(`${here.config.storePath}-reserve`),
    'the token of AWS': read(token),
  };
  const { config } = here;
  t.deepEqual(await tryAs(here, confinementOfManagement(config, env), statements), {
    'the id': 'done',
    'the reserve': 'done',
    'the token of AWS': 'ERR_ACCESS_DENIED',
  });
  const lending = { ...config, aws: { ...config.aws, ambient: true } };
  t.is((await tryAs(here, confinementOfManagement(lending, env), statements))['the token of AWS'], 'done');
});

test('no path with an asterisk is handed to Node, which would take it for any characters', async (t) => {
  const here = await place();
  t.teardown(async () => rm(here.directory, { recursive: true }));
  const wild = path.join(here.directory, 'a*b');
  const error = t.throws(() => confinedNodeCommand('script.ts', { read: [wild], write: [] }));
  t.true(error.message.startsWith(`${wild} must have no asterisk (*) in it`));
  t.throws(() => confinedNodeCommand('script.ts', { read: [], write: [wild] }), { message: /no asterisk/ });

  const env = { NODE_COMPILE_CACHE: wild, AWS_CONFIG_FILE: path.join(wild, 'config'), AWS_REGION: '*' };
  const ambient = { aws: { ...here.config.aws, ambient: true } };
  const words = (problems: string[]) => problems.map((problem) => problem.replace(/ must have .*/, ''));
  t.deepEqual(words(problemsOfConfinement(here.config, env)), [`NODE_COMPILE_CACHE: ${wild}:`]);
  t.deepEqual(words(problemsOfConfinement(ambient, env)), [
    `NODE_COMPILE_CACHE: ${wild}:`,
    `AWS_CONFIG_FILE: ${wild}/config:`,
  ]);
  t.deepEqual(problemsOfConfinement(ambient, {}), []);
});
