import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import anyTest, { type TestFn } from 'ava';
import { LoopDisk } from '../../testing/loop-disk.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/*
 * What scripts/set-up makes of a registry that lies or refuses, and of a disk that is full: it says so, and runs nothing of it.
 * That it comes to its end on a machine with nothing on it is tried by scripts/bare/machine.
 */

const root = path.resolve(import.meta.dirname, '../..');
const npm = ['../../../npm', '../../lib/node_modules/npm']
  .map((at) => path.resolve(process.execPath, at, 'bin/npm-cli.js'))
  .find((file) => existsSync(file));

const test = anyTest as TestFn<{ directory: string; mark: string; tarball: Buffer }>;
const testSetUp = npm === undefined ? test.skip : test;

test.before(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-set-up-'));
  const mark = path.join(directory, 'it was run');
  t.context = { directory, mark, tarball: await packageThatMarks(directory, mark) };
});
test.after.always(async (t) => rm(t.context.directory, { recursive: true, force: true }));

/** A package whose install script, and whose program, leave a mark. */
async function packageThatMarks(directory: string, mark: string): Promise<Buffer> {
  const made = path.join(directory, 'package');
  await mkdir(path.join(made, 'bin'), { recursive: true });
  const touch = `touch '${mark}'`;
  await writeFile(
    path.join(made, 'package.json'),
    JSON.stringify({ name: 'it', version: '1.0.0', scripts: { preinstall: touch, install: touch } }),
  );
  await writeFile(path.join(made, 'bin/node'), `#!/bin/sh\n${touch}\n`);
  await chmod(path.join(made, 'bin/node'), 0o755);
  const tarball = path.join(directory, 'it.tgz');
  await promisify(execFile)('tar', ['-czf', tarball, '-C', directory, 'package']);
  return readFileSync(tarball);
}

/** Every version of every package is this one. */
function lying(tarball: Buffer): RequestListener {
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  return (request, response) => {
    if (request.url?.endsWith('.tgz') === true) return void response.end(tarball);
    const name = decodeURIComponent(request.url?.slice(1) ?? '');
    const of = (version: string) => ({
      ...{ name, version, hasInstallScript: true, scripts: { install: 'true' } },
      dist: { integrity, tarball: `http://${request.headers.host}/${name}.tgz` },
    });
    response.setHeader('Content-Type', 'application/json');
    response.end(
      JSON.stringify({
        name,
        'dist-tags': {},
        versions: Object.fromEntries(versionsOf(name).map((version) => [version, of(version)])),
      }),
    );
  };
}

const locks = ['x64', 'arm64'].map(
  (arch) =>
    JSON.parse(readFileSync(path.join(root, 'scripts/node', arch, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version?: string }>;
    },
);
const versionsOf = (name: string) =>
  locks.flatMap(({ packages }) => packages[`node_modules/${name}`]?.version ?? []);

const refusing: RequestListener = (_, response) => {
  response.statusCode = 403;
  response.end('{}');
};

/** A checkout that has nothing yet, as far as the first packages need it. */
async function makeCheckout(checkout: string): Promise<void> {
  for (const name of ['bin', 'docs', 'native-config', 'packaging', 'src', 'web', 'home', 'path'])
    await mkdir(path.join(checkout, name), { recursive: true });
  await cp(path.join(root, 'scripts/set-up'), path.join(checkout, 'scripts/set-up'));
  await cp(path.join(root, 'scripts/node'), path.join(checkout, 'scripts/node'), { recursive: true });
  await writeFile(path.join(checkout, 'package.json'), '{}');
  // The npm that a machine has, whatever this one has.
  const program = path.join(checkout, 'path/npm');
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${npm}' "$@"\n`, { mode: 0o755 });
}

async function setUp(checkout: string, registry: string): Promise<{ code: number; said: string }> {
  const { PATH = '' } = process.env;
  return new Promise((resolve) => {
    execFile(
      path.join(checkout, 'scripts/set-up'),
      ['client'],
      {
        env: {
          ...{ PATH: `${path.join(checkout, 'path')}:${PATH}`, HOME: path.join(checkout, 'home') },
          ...{ npm_config_registry: registry, npm_config_globalconfig: '/dev/null' },
        },
      },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), said: stdout + stderr }),
    );
  });
}

for (const [what, answer, reason] of [
  [
    'sends something else than the lock file has the hash of',
    lying,
    /fetching Node and npm .*: the registry sent something else than the lock file has the hash of/,
  ],
  ['wants a credential', () => refusing, /fetching Node and npm .*: the registry or proxy refuses/],
] as const)
  testSetUp(`of a registry that ${what} set-up runs and keeps nothing, and says why`, async (t) => {
    const { directory, mark, tarball } = t.context;
    const checkout = await mkdtemp(path.join(directory, 'checkout-'));
    await makeCheckout(checkout);
    const server = createServer(answer(tarball)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    const { code, said } = await setUp(checkout, `http://127.0.0.1:${port}/`);
    t.is(code, 1, said);
    t.regex(said, reason);
    t.false(existsSync(mark));
    t.false(existsSync(path.join(checkout, '.tools/node')));
  });

testSetUp('on a disk that is full set-up says so', async (t) => {
  const disk = await LoopDisk.create(16);
  if (typeof disk === 'string') {
    t.log(`not run: ${disk}`);
    return t.pass();
  }
  t.teardown(async () => disk.dispose());
  const checkout = path.join(disk.directory, 'checkout');
  await makeCheckout(checkout);
  disk.fill();
  const { code, said } = await setUp(checkout, 'http://127.0.0.1:1/');
  t.is(code, 1, said);
  t.regex(said, /the disk is full: .* left for this checkout/);
});
