import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import {
  confinementOfManagement,
  confinementOfXksWorker,
  problemsOfConfinement,
} from '../../src/node/confinement.ts';
import { confinedNodeCommand, nodeCommand, type Confinement } from '../../src/node-process.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { memoryDirectory } from '../../testing/test-node.ts';

/*
 * What code gets that runs in a process which faces the network: a script in the place of the worker's. That the workers of
 * a node are started so is in test/whole-node/processes.test.ts.
 */

const source = path.resolve(import.meta.dirname, '../../src');

interface Place {
  directory: string;
  state: string;
  pin: string;
  config: Parameters<typeof confinementOfManagement>[0] & { storePath: string };
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
  return {
    directory,
    state,
    pin,
    config: {
      store: { kind: 'sqlite', path: storePath },
      storePath,
      aws,
    },
  };
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
import { createRequire, Module } from 'node:module';
import { Worker } from 'node:worker_threads';
import inspector from 'node:inspector';
import { runWorker } from ${JSON.stringify(path.join(source, 'node/worker-process.ts'))};
import { SqliteStore } from ${JSON.stringify(path.join(source, 'store/sqlite/sqlite.ts'))};
const require = createRequire(${JSON.stringify(path.join(source, 'main.ts'))});
const Database = require('better-sqlite3');
// What every worker does first.
if (${may !== undefined}) runWorker('worker', () => new Promise(() => undefined));
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
  const errors = path.join(directory, 'errors');
  const output = await open(errors, 'w');
  const child = spawn(command, words, {
    env: { PATH: process.env['PATH'], PIN: 'a secret' },
    stdio: ['ignore', 'pipe', output.fd],
  });
  if (child.stdout === null) throw new Error('no pipe');
  const exited = once(child, 'exit');
  const stdout = await text(child.stdout);
  await Promise.all([exited, output.close()]);
  const stderr = await readFile(errors, 'latin1');
  // Warnings would stand in a node's log at each start; those of what is tried here are asked for, and so is an addon there.
  const warnings = stderr.replaceAll(
    /^.*(?:WASI|SQLite|process\.execve) is an experimental.*\n(?:\(Use.*\n)?/gm,
    '',
  );
  if (!stderr.includes('napi_register_module') && warnings !== '') throw new Error(stderr);
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

/** Native code that Node and SQLite load, as somebody brings it who has taken a worker over. */
const addon = createRequire(createRequire(import.meta.url).resolve('better-sqlite3'))(
  './binding',
).getPrebuildPath();

for (const [name, confine, writable] of [
  ['an XKS worker', ({ config }: Place) => confinementOfXksWorker(config), () => []],
  [
    'the management process',
    ({ config }: Place) => confinementOfManagement(config, {}),
    ({ config }: Place) => [`${config.storePath}-reserve`],
  ],
] as const)
  test(`native code that is written where ${name} may write is not loaded by it, nor what is there already`, async (t) => {
    const here = await place();
    t.teardown(async () => rm(here.directory, { recursive: true }));
    // Its output may be a file of the service manager's.
    const files = ['/proc/self/fd/2', ...writable(here)];
    const there = path.join(here.state, 'there.node');
    await copyFile(addon, there);
    const doors = (file: string) => {
      const named = JSON.stringify(file);
      return {
        [`${file} by dlopen`]: `process.dlopen({ exports: {} }, ${named});`,
        [`${file} by require`]: `Module._extensions['.node']({ exports: {} }, ${named});`,
        [`${file} by SQLite`]: `new Database(':memory:').loadExtension(${named});`,
        [`${file} by SQLite's own object`]: `const database = new Database(':memory:');
          const [native] = Object.getOwnPropertySymbols(database).map((symbol) => database[symbol]);
          native.loadExtension(${named});`,
      };
    };
    const statements = Object.assign({}, ...[...files, there].map((file) => doors(file))) as Record<
      string,
      string
    >;
    const others = {
      'require of its name': `require(${JSON.stringify(there)});`,
      'import of its name': `await import(${JSON.stringify(there)});`,
      'another door to dlopen': `Object.defineProperty(process, 'dlopen', { value: undefined });`,
      'its original': `delete process.dlopen;`,
    };
    const planting = Object.fromEntries(
      files.map((file) => [
        file,
        `fs.writeFileSync(${JSON.stringify(file)}, fs.readFileSync(${JSON.stringify(addon)}));`,
      ]),
    );
    const told = await tryAs(here, confine(here), { ...planting, ...statements, ...others });
    t.deepEqual(told, {
      ...Object.fromEntries(files.map((file) => [file, 'done'])),
      ...Object.fromEntries(Object.keys(statements).map((what) => [what, 'ERR_DLOPEN_DISABLED'])),
      'require of its name': 'ERR_DLOPEN_DISABLED',
      'import of its name': 'ERR_DLOPEN_DISABLED',
      'another door to dlopen': 'Cannot redefine property: dlopen',
      'its original': "Cannot delete property 'dlopen' of #<process>",
    });
  });

test('doors to native code that Node itself keeps shut for what is confined', async (t) => {
  const here = await place();
  t.teardown(async () => rm(here.directory, { recursive: true }));
  const engine = JSON.stringify(addon);
  const told = await tryAs(here, confinementOfXksWorker(here.config), {
    engine: `(await import('node:crypto')).setEngine(${engine});`,
    'engine of TLS': `(await import('node:tls')).createSecureContext({ clientCertEngine: ${engine} });`,
    'extension of node:sqlite': `new (await import('node:sqlite')).DatabaseSync(':memory:', { allowExtension: true });`,
    'bindings of Node’s own': `process.binding('fs');`,
    'another program in its place': `process.execve('/bin/true', [], {});`,
    'compiled code of its own': `if (Module.enableCompileCache(${JSON.stringify(here.state)}).status !== 0) return;
      fs.writeFileSync(${JSON.stringify(path.join(here.state, 'v24'))}, '');`,
  });
  t.deepEqual(told, {
    engine: 'ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED',
    'engine of TLS': 'ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED',
    'extension of node:sqlite': 'ERR_LOAD_SQLITE_EXTENSION',
    'bindings of Node’s own': 'ERR_ACCESS_DENIED',
    'another program in its place': 'ERR_ACCESS_DENIED',
    'compiled code of its own': 'ERR_ACCESS_DENIED',
  });
});

test('the management process keeps the reserve, and not the id of the node; credentials of the node’s own only where the configuration gives them', async (t) => {
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
    'the id': 'ERR_ACCESS_DENIED',
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

  const env = { AWS_CONFIG_FILE: path.join(wild, 'config'), AWS_REGION: '*' };
  const ambient = { aws: { ...here.config.aws, ambient: true } };
  const words = (problems: string[]) => problems.map((problem) => problem.replace(/ must have .*/, ''));
  t.deepEqual(words(problemsOfConfinement(here.config, env)), []);
  t.deepEqual(words(problemsOfConfinement(ambient, env)), [`AWS_CONFIG_FILE: ${wild}/config:`]);
  t.deepEqual(problemsOfConfinement(ambient, {}), []);
});
