import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import test from 'ava';
import { freePort } from '../support/free-port.ts';
import { PageTyping, scriptOf } from '../docs/typing.ts';
import { memoryDirectory } from '../support/memory-directory.ts';

/* docs/simulator.md, "With make up", as it is typed. */

const root = path.resolve(import.meta.dirname, '../..');
const read = async (file: string) => readFile(path.join(root, file), 'utf8');

/** Runs until it has said what it should; its output so far. */
async function started(
  command: string,
  env: NodeJS.ProcessEnv,
  ready: (output: string) => boolean,
): Promise<{ child: ChildProcess; output: string }> {
  const child = spawn('bash', ['-ec', `exec ${command}`], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const said = Promise.withResolvers<void>();
  child.once('exit', (code) => said.reject(new Error(`${command} ended with ${code}: ${output}`)));
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      output += `${line}\n`;
      if (ready(output)) said.resolve();
    });
  await said.promise;
  return { child, output };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, 'exit');
  child.kill('SIGTERM');
  await over;
}

test('make up and the simulator work together by the commands of the page', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-together-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const page = new PageTyping(import.meta.url, 'docs/simulator.md');
  const [simulate, serve, ...others] = page.beneath('With make up');
  t.deepEqual([simulate?.text, serve?.text], ['make simulator', 'make up']);
  const makefile = await read('Makefile');
  for (const recipe of [
    'exec bin/holdfast-simulator --quickstart $(SIMULATOR_FLAGS)',
    'exec bin/holdfast quickstart',
  ])
    t.true(makefile.includes(`\t@${recipe}\n`), recipe);

  const home = path.join(directory, '.holdfast');
  const { SOFTHSM2_CONF: _, ...inherited } = process.env;
  const env = {
    ...inherited,
    ...{ HOLDFAST_HOME: home, HOLDFAST_XKS_PORT: `${await freePort()}`, HOLDFAST_ADMIN_PORT: '0' },
    ...{ XDG_CONFIG_HOME: directory, AWS_PAGER: '' },
  };
  const simulator = await started('bin/holdfast-simulator --quickstart --port 0', env, (output) =>
    output.includes('sts get-caller-identity'),
  );
  t.teardown(async () => ended(simulator.child));
  const rule = '-'.repeat(80);
  const up = await started('bin/holdfast quickstart', env, (output) => output.split(`${rule}\n`).length > 2);
  t.teardown(async () => ended(up.child));
  t.regex(up.output, /^ {2}AWS {14}https:\/\/127\.0\.0\.1:\d+ {3}the simulator/m);

  // In a folder that has what the directory of a checkout has: the page names paths in it.
  await symlink(path.join(root, 'bin'), path.join(directory, 'bin'));
  const printed = up.output.replaceAll('\\\n', ' ');
  const [login = ''] = /bin\/holdfast .* login .*$/m.exec(printed) ?? [];
  const typed = [scriptOf(others.slice(0, 1)), login, scriptOf(others.slice(1))].join('\n');
  const { stdout, stderr } = await promisify(execFile)('bash', ['-ec', typed], { cwd: directory, env });
  t.regex(stdout, /"CiphertextBlob"/);
  t.deepEqual(page.untyped(stderr).slice(2), [], 'but for the two that were started above');
  // boto3 and the first AWS CLI read the one name of the Region, the others the other.
  t.regex(simulator.output, /AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1/);

  const added = path.join(home, 'conf.d', 'aws-simulator.toml');
  await access(added);
  await ended(simulator.child);
  await t.throwsAsync(access(added), { code: 'ENOENT' }, 'make up is itself again');
});
