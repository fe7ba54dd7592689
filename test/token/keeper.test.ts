import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { nodeFlags } from '../../src/node-process.ts';
import { monotonicNow } from '../../src/clock.ts';
import { Secret } from '../../src/secret.ts';
import { OpenPool } from './open-pool.ts';
import { preparedToken } from './prepared-token.ts';

const state = preparedToken();

/** Token hosts that are children of this process. */
function hostProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const status = read(`/proc/${pid}/stat`)
        .replace(/^.*\) /, '')
        .split(' ');
      const isHost = read(`/proc/${pid}/cmdline`).includes('host-process.ts');
      return isHost && status[1] === String(process.pid) && status[0] !== 'Z';
    });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // the process has gone meanwhile
  }
}

test.serial('a host that is killed comes back as another process, each time', async (t) => {
  const open = await OpenPool.start(t, state.fixture);
  const pids = new Set(open.pids);
  for (let times = 1; times <= 4; times++) {
    const already = open.events.length;
    const [pid = 0] = open.pids;
    process.kill(pid, 'SIGKILL');
    t.like(await open.event((event) => event.kind === 'gone', already), { pid, why: 'SIGKILL' });
    await open.event((event) => event.kind === 'ready', already);
    pids.add(open.pids[0] ?? 0);
    t.is(pids.size, times + 1);
    await open.call({ kind: 'health' });
  }
  t.is(open.events.filter(({ kind }) => kind === 'failed').length, 0);
});

test.serial(
  'a module that hangs while it loads is killed in time, and tried again with growing pauses',
  async (t) => {
    await state.shim.set([{ call: 'C_Initialize', hang: true }]);
    const startTimeout = 400;
    const open = new OpenPool(state.fixture, { shim: state.shim, startTimeout });
    t.teardown(async () => open.stop());
    open.startAll();
    const at: number[] = [];
    for (let failures = 0; failures < 4; failures++) {
      const { problem, final } = await open.failure(failures);
      at.push(performance.now());
      t.is(problem, `the token host did not become ready within ${startTimeout} ms`);
      t.false(final);
      t.deepEqual(hostProcesses(), [], 'the one that hung is gone');
    }
    // A pause is half to whole of 100, 200, 400 ms; timers may be a millisecond early.
    const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0) - startTimeout);
    for (const [index, pause] of pauses.entries())
      t.true(pause >= 50 * 2 ** index - 2, `pauses: ${pauses.join()}`);
    await state.shim.clear();
    await open.stop();
    t.deepEqual(hostProcesses(), []);
  },
);

test.serial('a module that crashes while it loads is told with its signal, and tried again', async (t) => {
  const claim = await state.shim.claimToken();
  await state.shim.set([{ call: 'C_GetMechanismList', crash: 'segv', claim }]);
  const open = new OpenPool(state.fixture, { shim: state.shim });
  t.teardown(async () => open.stop());
  open.startAll();
  t.like(await open.failure(), {
    problem: 'the token host did not become ready and ended (SIGSEGV)',
    final: false,
  });
  await open.allReady();
  t.is(open.pool.health, 'ACTIVE');
});

test.serial('a module that is not there is told by its path', async (t) => {
  const open = new OpenPool({ ...state.fixture, module: '/nowhere/libpkcs11.so' });
  t.teardown(async () => open.stop());
  open.startAll();
  const { problem, remediation } = await open.failure();
  t.is(problem, 'no PKCS#11 module found');
  t.regex(remediation, /\/nowhere\/libpkcs11\.so/);
});

test.serial('a file that is no module is told as such', async (t) => {
  const open = new OpenPool({ ...state.fixture, module: state.fixture.pinFile });
  t.teardown(async () => open.stop());
  open.startAll();
  t.regex((await open.failure()).problem, /cannot be loaded: it is no shared library/);
});

test.serial('a token of another label is not taken, and those that are there are named', async (t) => {
  const open = new OpenPool({ ...state.fixture, label: 'another' });
  t.teardown(async () => open.stop());
  open.startAll();
  const { problem, remediation } = await open.failure();
  t.is(problem, 'no token with label "another"');
  t.true(remediation.includes(`"${state.fixture.label}"`), remediation);
});

test.serial('where the PIN is gone by the second look for a token, there are pauses as ever', async (t) => {
  let asked = 0;
  const pin = async () => {
    await Promise.resolve();
    if (asked++ === 0) return new Secret(state.fixture.pin);
    throw new Error('the PIN file is gone');
  };
  const open = new OpenPool({ ...state.fixture, label: 'of nobody' }, { pin });
  t.teardown(async () => open.stop());
  open.startAll();
  t.is((await open.failure()).problem, 'the PIN file is gone');
  const began = monotonicNow();
  for (let failures = 1; failures < 4; failures++) await open.failure(failures);
  // Of 100, 200 and 400 ms each half at the least; a timer may be early by a part of a millisecond.
  t.true(monotonicNow() - began > 340, `${monotonicNow() - began} ms`);
});

test.serial('stop() leaves no process, whenever it comes', async (t) => {
  const pin = async () => {
    await delay(20);
    return new Secret(state.fixture.pin);
  };
  for (const [name, wait] of [
    ['at once', async () => undefined],
    ['while the PIN is read', async () => delay(5)],
    ['while the module loads', async () => until(() => hostProcesses().length > 0)],
    ['while others wait at the gate', async (open: OpenPool) => open.event(({ kind }) => kind === 'ready')],
    ['when all are up', async (open: OpenPool) => open.allReady()],
  ] as const) {
    const open = new OpenPool(state.fixture, { hosts: 3, pin });
    open.startAll();
    await wait(open);
    await open.stop();
    t.deepEqual(hostProcesses(), [], name);
    const told = open.events.length;
    await open.stop();
    t.is(open.events.length, told, 'nothing is told after the end');
  }
});

test.serial('a host that is told to end closes its sessions and finalizes the module', async (t) => {
  let told = { opened: 0, left: Infinity, finalized: 0 };
  // One that gets no core for two seconds is killed at its end: that does not come three times in a row.
  for (let tries = 3; tries > 0 && (told.left !== 0 || told.finalized !== 2); tries--) {
    const before = await state.shim.counts();
    const open = await OpenPool.start(t, state.fixture, { hosts: 2, shim: state.shim });
    await open.call({ kind: 'health' });
    await open.stop();
    t.deepEqual(hostProcesses(), []);
    const counts = await state.shim.counts();
    const since = (name: string) => (counts[name] ?? 0) - (before[name] ?? 0);
    const opened = since('C_OpenSession');
    told = { opened, left: opened - since('C_CloseSession'), finalized: since('C_Finalize') };
  }
  t.true(told.opened >= 4);
  t.like(told, { left: 0, finalized: 2 });
});

for (const call of ['C_CloseSession', 'C_Finalize'] as const)
  test.serial(`a host whose ${call} hangs is killed within a bound`, async (t) => {
    const open = await OpenPool.start(t, state.fixture, { shim: state.shim });
    await state.shim.set([{ call, hang: true }]);
    await open.stop();
    t.deepEqual(hostProcesses(), []);
  });

test.serial('stop() ends a wait for the right PIN', async (t) => {
  const open = new OpenPool(state.fixture, { hosts: 2, pin: async () => new Secret('wrong') });
  open.startAll();
  await open.failure();
  await open.stop();
  t.deepEqual(hostProcesses(), []);
});

test.serial('no argument or variable of a host holds the PIN', async (t) => {
  const open = await OpenPool.start(t, state.fixture);
  const [pid] = open.pids;
  for (const place of ['cmdline', 'environ']) {
    const content = read(`/proc/${pid}/${place}`);
    t.not(content, '');
    t.false(content.includes(state.fixture.pin), place);
  }
});

test.serial(
  'what is printed in a host, on either output, goes to the standard error of its keeper',
  async (t) => {
    const printing = 'process.stdout.write("one\\n");process.stderr.write("two\\n")';
    const child = spawn(
      process.execPath,
      [...nodeFlags, path.join(import.meta.dirname, 'keeping.ts'), JSON.stringify(state.fixture)],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(printing)}`,
        },
      },
    );
    const printed = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => (printed[name] += text));
    t.teardown(() => child.kill('SIGKILL'));
    await until(() => /one[^]*two/.test(printed.stderr) && printed.stdout.includes('['));
    t.is(printed.stdout.split('one').length - 1, 1, 'nothing of theirs is among what the keeper prints');
  },
);

test.serial('hosts end with the process that kept them, even if it is killed', async (t) => {
  const child = spawn(
    process.execPath,
    [...nodeFlags, path.join(import.meta.dirname, 'keeping.ts'), JSON.stringify(state.fixture)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const pids = JSON.parse(line) as number[];
  t.is(pids.length, 2);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await until(() => pids.every((pid) => !read(`/proc/${pid}/cmdline`).includes('host-process.ts')));
  t.pass();
});

/** For what nothing tells: looks every few milliseconds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}
