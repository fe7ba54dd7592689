import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { confinedNodeCommand, nodeCommand } from '../../src/node-process.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/*
 * Set-up strips the types of our code once, and every process loads what that made, of the very source that it would have
 * stripped itself, and from nowhere where others may write. Compiled code of Node's, which nobody could read, is not kept.
 */

const checkout = path.resolve(import.meta.dirname, '../..');
const isRoot = process.geteuid?.() === 0;
const run = promisify(execFile);

async function place(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-stripped-'));
  await chmod(directory, 0o755);
  t.teardown(async () => rm(directory, { recursive: true }));
  return directory;
}

async function strip(home: string): Promise<void> {
  await run(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    path.join(home, 'scripts/strip-types.js'),
  ]);
}

/** What of it stands in every process that stripped types. */
const stripper = `process.moduleLoadList.filter((name) => name.includes('amaro')).length`;

async function told(command: [string, ...string[]], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const [program, ...words] = command;
  return (await run(program, words, { env })).stdout.trim();
}

test('no process strips types: neither those that are confined, nor those with a PIN, nor a thread', async (t) => {
  await strip(checkout);
  const directory = await place(t);
  const probe = async (file: string, report = '') => {
    const script = path.join(directory, `${path.basename(file, '.ts')}.mjs`);
    const code = JSON.stringify(path.join(checkout, 'src', file));
    await writeFile(
      script,
      `await import(${code});\n${report || `console.log(${stripper}); process.exit(0);`}\n`,
    );
    return script;
  };
  const confined = { read: [directory], write: [] };
  for (const file of ['node/xks-worker.ts', 'node/management-worker.ts'])
    t.is(await told(confinedNodeCommand(await probe(file), confined)), '0', file);
  for (const file of ['token/keeper/host-keeper.ts', 'cli/node/serve.ts'])
    t.is(await told(nodeCommand(await probe(file))), '0', file);
  const inThread = JSON.stringify(await probe('store/sqlite/sqlite.ts'));
  const thread = `new (await import('node:worker_threads')).Worker(${inThread});`;
  t.is(await told(nodeCommand(await probe('clock.ts', thread))), '0', 'a thread');
  t.is(await told([process.execPath, await probe('clock.ts')]), '1', 'that is where one would see it');
});

test('the command and what it starts have no compiled code of Node’s, whatever the environment says', async (t) => {
  const directory = await place(t);
  const cache = path.join(directory, 'compiled');
  const env = { ...process.env, NODE_COMPILE_CACHE: cache };
  for (const command of ['holdfast', 'holdfast-simulator'])
    execFileSync(path.join(checkout, 'bin', command), ['--help'], { env });
  t.false(existsSync(cache), 'Node would have made it');
  const script = path.join(directory, 'child.mjs');
  await writeFile(script, `console.log(process.env.NODE_COMPILE_CACHE ?? 'none');`);
  t.is(await told(nodeCommand(script), env), 'none', 'nor would it reach what is started next');
});

test('it is found whatever the working directory is, and whatever the name of the directory that Holdfast is in', async (t) => {
  const directory = await place(t);
  await writeFile(path.join(directory, 'package.json'), 'no package of anybody’s');
  const version = (bin: string) => execFileSync(bin, ['--version'], { cwd: directory, encoding: 'utf8' });
  const expected = version(path.join(checkout, 'bin/holdfast'));
  t.regex(expected, /^\d+\.\d+\.\d+/);
  const odd = path.join(directory, 'a b%20#c?d\\e');
  await mkdir(path.join(odd, 'bin'), { recursive: true });
  for (const name of ['bin/holdfast', 'bin/holdfast-simulator'])
    await copyFile(path.join(checkout, name), path.join(odd, name));
  for (const name of ['src', 'simulator', 'build', '.tools', 'node_modules', 'package.json'])
    await symlink(path.join(checkout, name), path.join(odd, name));
  t.is(version(path.join(odd, 'bin/holdfast')), expected);
  const help = (bin: string) => execFileSync(bin, ['--help'], { cwd: directory, encoding: 'utf8' });
  t.is(help(path.join(odd, 'bin/holdfast-simulator')), help(path.join(checkout, 'bin/holdfast-simulator')));
});

/** An installation of one file, which says `own words`. */
async function installation(t: ExecutionContext) {
  const home = await place(t);
  for (const name of ['src', 'scripts']) await mkdir(path.join(home, name), { mode: 0o755 });
  for (const name of ['src/stripped-types.js', 'scripts/strip-types.js'])
    await copyFile(path.join(checkout, name), path.join(home, name));
  await writeFile(path.join(home, 'package.json'), '{"type":"module"}');
  const source = path.join(home, 'src/main.ts');
  await writeFile(source, `const words: string = 'own words';\nconsole.log(words);\n`);
  await strip(home);
  const says = async () =>
    told([
      process.execPath,
      '--import',
      pathToFileURL(path.join(home, 'src/stripped-types.js')).href,
      source,
    ]);
  const build = path.join(home, 'build');
  const [name = ''] = await readdir(path.join(build, 'stripped'));
  return {
    home,
    source,
    says,
    build,
    stripped: path.join(build, 'stripped'),
    made: path.join(build, 'stripped', name),
  };
}

/** Its last line says that it is. */
const whole = (made: string, text: string) => `${text}\n// whole ${path.basename(made)}\n`;

test('what was cut short, as by a machine that lost power, is stripped by Node, and made anew by set-up', async (t) => {
  const { home, says, made } = await installation(t);
  const text = await readFile(made, 'utf8');
  for (const length of [0, 1, text.length - 1]) {
    await writeFile(made, text.slice(0, length));
    t.is(await says(), 'own words', `${length} characters`);
    await strip(home);
    t.is(await readFile(made, 'utf8'), text);
  }
});

test('what was edited since set-up is stripped by Node', async (t) => {
  const { home, source, says, stripped, made } = await installation(t);
  t.is(await says(), 'own words');
  // So that one sees where it came from.
  await writeFile(made, whole(made, `console.log('as set-up made it')`));
  t.is(await says(), 'as set-up made it');
  const text = await readFile(source, 'utf8');
  await writeFile(source, text.replace('own words', 'new words'));
  t.is(await says(), 'new words');
  await strip(home);
  t.false(existsSync(made), 'nobody would load it any more');
  t.is((await readdir(stripped)).length, 1);
  t.is(await says(), 'new words');
  await rm(stripped, { recursive: true });
  t.is(await says(), 'new words', 'without a set-up too');
});

test('code without its types is taken from nowhere where somebody may write who may not change our code', async (t) => {
  const { says, build, stripped, made } = await installation(t);
  await writeFile(made, whole(made, `console.log('planted')`));
  t.is(await says(), 'planted');
  for (const directory of [build, stripped])
    for (const mode of [0o775, 0o757, 0o1777]) {
      await chmod(directory, mode);
      t.is(await says(), 'own words', `${directory} of mode ${mode.toString(8)}`);
      await chmod(directory, 0o755);
    }
  t.is(await says(), 'planted');
  if (!isRoot) return;
  const service = 10_001;
  for (const directory of [build, stripped]) {
    await chown(directory, service, service);
    t.is(await says(), 'own words', directory);
    await chown(directory, 0, 0);
  }
});

test('whatever the umask of whoever sets up, nobody else may write what it made, and the service can read it', async (t) => {
  const { home, stripped, build, says } = await installation(t);
  await rm(build, { recursive: true });
  for (const mask of ['000', '077']) {
    execFileSync('/bin/sh', [
      '-c',
      `umask ${mask}; exec "$0" --disable-warning=ExperimentalWarning "$1"`,
      process.execPath,
      path.join(home, 'scripts/strip-types.js'),
    ]);
    const modes = execFileSync(
      'stat',
      ['-c', '%a', build, stripped, ...(await readdir(stripped)).map((name) => path.join(stripped, name))],
      { encoding: 'utf8' },
    );
    t.is(modes, '755\n755\n644\n', mask);
    t.is(await says(), 'own words');
    await rm(build, { recursive: true });
  }
});

test('the packages whose files are taken for ES modules unseen have no others', async (t) => {
  for (const name of ['kysely', 'zod']) {
    const directory = path.join(checkout, 'node_modules', name);
    const files = await readdir(directory, { recursive: true });
    const manifests = files.filter((file) => path.basename(file) === 'package.json');
    t.true(manifests.length > 0, name);
    for (const file of manifests)
      t.is(
        (JSON.parse(await readFile(path.join(directory, file), 'utf8')) as { type?: string }).type,
        'module',
        file,
      );
  }
});
