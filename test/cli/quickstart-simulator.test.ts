import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { rootCertificates } from 'node:tls';
import test from 'ava';
import { freePort } from '../../testing/free-port.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { bash } from '../docs/bash.ts';
import { looksLike, PageTyping, scriptOf } from '../docs/typing.ts';
import { walk } from './guide-walk.ts';

/* What README.md, docs/simulator.md and docs/doctor.md have people type in a checkout, with make up and the simulator. */

const root = path.resolve(import.meta.dirname, '../..');
const page = new PageTyping(import.meta.url, 'docs/simulator.md');
const readme = new PageTyping(import.meta.url, 'README.md');
const doctor = new PageTyping(import.meta.url, 'docs/doctor.md');

/** Runs until it has said what it should; its output so far. */
async function started(
  command: string,
  env: NodeJS.ProcessEnv,
  ready: (output: string) => boolean,
  cwd = root,
): Promise<{ child: ChildProcess; output: string }> {
  const child = spawn('bash', ['-ec', `exec ${command}`], {
    cwd,
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

/** A directory that has what the one of a checkout has: the pages name paths in it. */
async function checkoutIn(directory: string): Promise<void> {
  await symlink(path.join(root, 'bin'), path.join(directory, 'bin'));
}

test.serial('make up and the simulator work together by the commands of the pages', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-together-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const [simulate, serve, ...others] = page.beneath('With make up');
  t.deepEqual([simulate?.text, serve?.text], ['make simulator', 'make up']);
  const makefile = await readFile(path.join(root, 'Makefile'), 'utf8');
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

  await checkoutIn(directory);
  const printed = up.output.replaceAll('\\\n', ' ');
  const [login = ''] = /bin\/holdfast .* login .*$/m.exec(printed) ?? [];
  const [, port = '', adminPort = ''] = /ready on port (\d+), management on port (\d+)/.exec(up.output) ?? [];
  const put = [
    ['localhost:8443', `localhost:${port}`],
    ['localhost:9443', `localhost:${adminPort}`],
  ] as const;
  const [lookAround, ...requests] = readme.blocks.filter(({ info }) => info === 'sh');
  const script = [
    'set -euo pipefail',
    // What reads from standard input needs a process of its own.
    `function bin/holdfast { if [ "$1 $2" = 'csp-account create' ]; then '${root}/bin/holdfast' "$@"; else holdfast "$@"; fi; }`,
    // As with encrypt below: KMS gives the node 250 ms, twice, and the machine is that of other tests.
    `eval "$(declare -f aws | sed '1s/aws/ask_aws/')"
aws() { ask_aws "$@" || ask_aws "$@" || ask_aws "$@"; }`,
    scriptOf(lookAround === undefined ? [] : [lookAround], { put }),
    scriptOf(requests.slice(0, 1), { put }),
    timeout,
    scriptOf(requests.slice(1), { put }),
    scriptOf(doctor.blocks, { put }),
    scriptOf(others.slice(0, 1)),
    login,
    scriptOf(others.slice(1)),
  ];
  const { code, output, errors } = await walk(script.join('\n'), { directory, env: stringsOf(env) });
  t.is(code, 0, `${output.slice(-2000)}\n${errors.slice(-2000)}`);
  t.regex(output, /"CiphertextBlob"/);
  t.regex(output, /encrypt-decrypt/);
  const shown = readme.in('json');
  const [answer = '{}'] = /^\{\n {2}"ciphertext":[^}]*\}$/m.exec(output) ?? [];
  t.deepEqual(lengthsOf(answer), lengthsOf(shown.text));
  readme.saw(shown);
  t.regex(output, /DISABLED[^]*"InvalidStateException"[^]*"The external key is disabled\."[^]*AVAILABLE/);
  t.deepEqual(readme.untyped(errors), []);
  t.deepEqual(doctor.untyped(errors), []);
  typed.push(errors);

  // boto3 and the first AWS CLI read the one name of the Region, the others the other.
  t.regex(simulator.output, /AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1/);

  const added = path.join(home, 'conf.d', 'aws-simulator.toml');
  await access(added);
  await ended(simulator.child);
  await t.throwsAsync(access(added), { code: 'ENOENT' }, 'make up is itself again');
});

test.serial('the simulator alone says what its page shows, and is told what the page tells it', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-simulator-page-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  await checkoutIn(directory);
  const { HOLDFAST_HOME: _, ...env } = process.env;
  await mkdir(path.join(directory, '.holdfast/tls'), { recursive: true });
  await writeFile(path.join(directory, '.holdfast/tls/ca.pem'), rootCertificates[0] ?? '');
  const [start, ...orders] = page.beneath('Starting it').filter(({ info }) => info === 'sh');
  const control = await freePort();
  const { child, output } = await started(
    `${start?.text ?? ''} --port 0 --control ${control}`,
    env,
    (said) => said.includes('sts get-caller-identity'),
    directory,
  );
  t.teardown(async () => ended(child));
  if (start !== undefined) page.saw(start);
  const shown = page.in('text');
  for (const line of shown.text.split('\n')) t.true(looksLike(line, output, [/4568/g]), `${line}\n${output}`);
  page.saw(shown);
  const told = await bash(`set -e\n${scriptOf(orders, { put: [['4569', `${control}`]] })}`, {
    cwd: directory,
    env,
  });
  t.is(told.code, 0, told.errors);
  t.regex(told.output, /"consistencyMs": ?20000/);
  typed.push(told.errors);
});

test.serial('a test starts the simulator as its page says', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-simulator-page-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'page.ts');
  const example = page.in('ts');
  await writeFile(
    file,
    `const xksCa = ${JSON.stringify(rootCertificates[0])};
${example.text.replaceAll('../../simulator', path.join(root, 'simulator'))}
console.log(JSON.stringify({ id: account.id, url: simulator.url, undo: typeof undo }));
`,
  );
  const { code, output, errors } = await bash(`'${process.execPath}' page.ts`, {
    cwd: directory,
    env: process.env,
  });
  t.is(code, 0, errors);
  const told = JSON.parse(output) as { id: string; undo: string };
  t.regex(told.id, /^\d{12}$/);
  t.is(told.undo, 'function');
  page.saw(example);
});

test.serial('between them they have typed every block of the page on the simulator', (t) => {
  // Two were started instead: the recipes are those of the Makefile.
  for (const block of page.beneath('With make up').slice(0, 2)) page.saw(block);
  t.deepEqual(page.untyped(...typed), []);
});

/**
 * The node has production's times, and the machine other tests: what was too late is asked again, as AWS KMS does. Here, once
 * more too.
 */
const timeout = `
eval "$(declare -f encrypt | sed '1s/encrypt/ask/')"
encrypt() {
  local answer
  for _ in {1..20}; do
    answer=$(ask)
    [[ $answer == *DependencyTimeoutException* ]] || break
  done
  printf '%s\\n' "$answer"
}
encrypt`;

/** What the scripts have said on standard error. */
const typed: string[] = [];

/** Of an answer in JSON: what there is, and how long. */
const lengthsOf = (json: string) =>
  Object.fromEntries(
    Object.entries(JSON.parse(json) as Record<string, string>).map(([name, value]) => [name, value.length]),
  );

const stringsOf = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value ?? '']));
