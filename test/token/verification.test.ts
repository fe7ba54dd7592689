import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import test from 'ava';
import type { LoadedMember } from '../../src/config/load.ts';
import { loadProfile } from '../../src/config/profile.ts';
import { verifyToken } from '../../src/node/token-verification.ts';
import { Secret } from '../../src/secret.ts';
import { CKR } from '../../src/token/faults.ts';
import { HostKeeper, LoginGate, type HostSettings } from '../../src/token/keeper/host-keeper.ts';
import type { KnownPins } from '../../src/token/keeper/host-life.ts';
import { verificationSteps } from '../../src/token/verification-steps.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { Shim } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { OpenPool, settingsFor, type PoolSetUp } from './open-pool.ts';

const state = {} as { fixture: TokenFixture; shim: Shim };

test.before(async () => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
  const first = new OpenPool(state.fixture);
  await first.startInTurn();
  await first.stop();
});

test.afterEach.always(async (t) => {
  await state.shim.clear();
  t.deepEqual(hostProcesses(), [], 'no process is left');
});

test.after.always(async () => {
  await state.shim.dispose();
  await state.fixture.dispose();
});

function settings(options: PoolSetUp = {}, fixture: Partial<TokenFixture> = {}): HostSettings {
  return settingsFor({ ...state.fixture, ...fixture }, options, false);
}

const token: LoadedMember = {
  ...{ name: 'primary', token: 'primary', title: 'primary' },
  moduleProfile: loadProfile('softhsm2'),
  environment: {},
  start_timeout_ms: 30_000,
};

async function verify(options: PoolSetUp = {}, fixture: Partial<TokenFixture> = {}, gate = new LoginGate()) {
  return verifyToken(token, settings(options, fixture), gate);
}

async function logins(): Promise<number> {
  return (await state.shim.counts())['C_Login'] ?? 0;
}

/** Token hosts that are children of this process. */
function hostProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const [status, parent] = read(`/proc/${pid}/stat`)
        .replace(/^.*\) /, '')
        .split(' ');
      const isHost = read(`/proc/${pid}/cmdline`).includes('host-process.ts');
      return isHost && parent === String(process.pid) && status !== 'Z';
    });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // the process has gone meanwhile
  }
}

/** A memory that has seen `known` refused; `events` says what it was told. */
function memoryOf(known?: string) {
  const events: string[] = [];
  return {
    events,
    check: async (pin: Secret) => {
      await Promise.resolve();
      if (pin.reveal() === known)
        throw Object.assign(new Error('the token has refused this PIN before'), {
          remediation: 'remove the file',
        });
    },
    pins: {
      standing: async () => Promise.resolve('proven'),
      refused: async () => Promise.resolve(void events.push('refused')),
      accepted: async () => Promise.resolve(void events.push('accepted')),
    } satisfies KnownPins as KnownPins,
  };
}

test.serial(
  'a token that is well: every step told with its time, its facts and its mechanisms',
  async (t) => {
    const memory = memoryOf();
    const report = await verifyToken(token, settings({ pins: memory.pins }), new LoginGate(), memory.check);
    t.true(report.ok, JSON.stringify(report));
    t.is(report.remediation, undefined);
    t.deepEqual(
      report.steps.map(({ name, ok }) => [name, ok]),
      [
        ['module', true],
        ['token', true],
        ['login', true],
        ['mechanisms', true],
        ['self-test', true],
        ['key-making', true],
        ['latency', true],
      ],
    );
    const [module, , , , , , latency] = report.steps;
    t.regex(module?.detail ?? '', /^SoftHSM.* \d+\.\d+, Cryptoki \d+\.\d+, \/.*\.so$/);
    t.regex(latency?.detail ?? '', /^20 encryptions with decryption: p50 \d+\.\d ms, max \d+\.\d ms$/);
    for (const { milliseconds } of report.steps) t.true(milliseconds >= 0 && milliseconds < 30_000);
    t.is(report.info?.label, state.fixture.label);
    t.regex(report.info?.serial ?? '', /^[0-9a-f]{16}$/);
    t.true(report.mechanisms?.includes('CKM_AES_GCM'));
    t.deepEqual(memory.events, ['accepted']);
    t.false(JSON.stringify(report).includes(state.fixture.pin));
  },
);

test.serial('a wrong PIN: tried once, told with its CKR name, and by nobody after that', async (t) => {
  const gate = new LoginGate();
  const memory = memoryOf();
  const wrong = settings({
    shim: state.shim,
    pin: async () => new Secret('wrong-pin'),
    pins: memory.pins,
  });
  const before = await logins();
  const report = await verifyToken(token, wrong, gate, memory.check);
  t.false(report.ok);
  t.deepEqual(
    report.steps.map(({ name, ok }) => [name, ok]),
    [
      ['module', true],
      ['token', true],
      ['login', false],
    ],
  );
  t.is(report.steps.at(-1)?.detail, 'the token refused the PIN (CKR_PIN_INCORRECT)');
  t.regex(report.remediation ?? '', /put the right PIN in place/);
  t.is(report.info?.label, state.fixture.label, 'what was found before is told');
  t.deepEqual(memory.events, ['refused']);
  t.true(gate.refused, 'hosts that start later know');
  t.false(JSON.stringify(report).includes('wrong-pin'));

  const again = await verifyToken(token, wrong, gate, memory.check);
  t.is(again.steps.at(-1)?.detail, 'the token has refused this PIN to another host of this node');
  t.regex(again.remediation ?? '', /then send SIGHUP to the node$/);
  const handedOver = new LoginGate('restart');
  await handedOver.enter(AbortSignal.timeout(1_000));
  handedOver.leave('pin-refused');
  const byRestart = await verifyToken(token, wrong, handedOver, memory.check);
  t.regex(byRestart.remediation ?? '', /then restart the node: a reload hands it no other PIN$/);
  t.is(await logins(), before + 1);
});

test.serial('a PIN that was refused in an earlier life is not tried', async (t) => {
  const gate = new LoginGate();
  const before = await logins();
  const report = await verifyToken(
    token,
    settings({ shim: state.shim }),
    gate,
    memoryOf(state.fixture.pin).check,
  );
  t.like(report.steps.at(-1), { name: 'login', ok: false, detail: 'the token has refused this PIN before' });
  t.is(report.remediation, 'remove the file');
  t.is(await logins(), before);
  t.false(gate.refused);
  t.true((await verify({ shim: state.shim }, {}, gate)).ok, 'the gate was given back');
});

test.serial('a PIN that cannot be read, and one that is not configured', async (t) => {
  const unreadable = await verify({
    pin: async () => {
      throw new Error('pin.txt: others may read the PIN');
    },
  });
  t.like(unreadable.steps.at(-1), { name: 'login', detail: 'pin.txt: others may read the PIN' });
  t.is(unreadable.remediation, 'check token.pin');
  const none = await verify({ pin: async () => undefined });
  t.like(none.steps.at(-1), { name: 'login', detail: 'the token wants a PIN, and there is none' });
});

test.serial('a PIN that is locked at the token: the way out names the security officer', async (t) => {
  await state.shim.set([{ call: 'C_Login', rv: CKR.PIN_LOCKED }]);
  const report = await verify({ shim: state.shim });
  t.is(report.steps.at(-1)?.detail, 'the token refused the PIN (CKR_PIN_LOCKED)');
  t.regex(report.remediation ?? '', /security officer unlock/);
});

test.serial(
  'a verification does not wait at the gate for module and token, only for its login',
  async (t) => {
    const gate = new LoginGate();
    t.true(await gate.enter(new AbortController().signal));
    const before = await logins();
    const report = await verify({ shim: state.shim, startTimeout: 5_000 }, {}, gate);
    t.deepEqual(
      report.steps.map(({ name, ok }) => [name, ok]),
      [
        ['module', true],
        ['token', true],
        ['login', false],
      ],
    );
    t.regex(report.steps.at(-1)?.detail ?? '', /^no turn to log in within 5000 ms: another host/);
    t.is(await logins(), before);
  },
);

test.serial('no such token: those that are there are named', async (t) => {
  const report = await verify({}, { label: 'another' });
  t.deepEqual(
    report.steps.map(({ name, ok, detail }) => [name, ok, name === 'token' ? detail : '']),
    [
      ['module', true, ''],
      ['token', false, 'no token with label "another"'],
    ],
  );
  t.true(report.remediation?.includes(`"${state.fixture.label}"`));
  t.is(report.info, undefined);
});

test.serial('a token that one process misses is found by the next, and no step is told twice', async (t) => {
  await state.shim.set([
    { call: 'C_GetTokenInfo', rv: CKR.GENERAL_ERROR, claim: await state.shim.claimToken() },
  ]);
  const report = await verify({ shim: state.shim });
  t.true(report.ok, report.steps.at(-1)?.detail);
  t.deepEqual(
    report.steps.map(({ name }) => name),
    verificationSteps,
  );
});

test.serial('a module that is not there, and a file that is none', async (t) => {
  const missing = await verify({}, { module: '/nowhere/libpkcs11.so' });
  t.like(missing.steps, [{ name: 'module', ok: false, detail: 'no PKCS#11 module found' }]);
  t.regex(missing.remediation ?? '', /\/nowhere\/libpkcs11\.so/);
  const none = await verify({}, { module: state.fixture.pinFile });
  t.regex(none.steps[0]?.detail ?? '', /cannot be loaded: it is no shared library/);
  t.regex(none.remediation ?? '', /ldd/);
});

test.serial('a module that lacks a library of its own is told in the words of the loader', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-module-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const [needed, module] = ['libvendor.so.7', 'libpkcs11.so'].map((name) => path.join(directory, name));
  const compile = async (...words: string[]) =>
    promisify(execFile)('cc', ['-shared', '-x', 'c', '/dev/null', ...words]);
  await compile('-Wl,-soname,libvendor.so.7', '-o', needed ?? '');
  await compile('-o', module ?? '', '-x', 'none', '-Wl,--no-as-needed', needed ?? '');
  await rm(needed ?? '');
  const { steps } = await verify({}, { module: module ?? '' });
  t.regex(
    steps[0]?.detail ?? '',
    /libpkcs11\.so cannot be loaded: libvendor\.so\.7: cannot open shared object file/,
  );
});

test.serial('a module that hangs in C_Initialize: told in time, and its process is gone', async (t) => {
  await state.shim.set([{ call: 'C_Initialize', hang: true }]);
  const began = performance.now();
  const report = await verify({ shim: state.shim, startTimeout: 700 });
  t.true(performance.now() - began < 20_000);
  t.like(report.steps, [
    { name: 'module', ok: false, detail: 'the token host did not become ready within 700 ms' },
  ]);
  t.true((report.steps[0]?.milliseconds ?? 0) >= 690);
  t.regex(report.remediation ?? '', /may hang/);
});

test.serial('a module that crashes is told with its signal, at the step where it did', async (t) => {
  await state.shim.set([{ call: 'C_GetMechanismList', crash: 'segv' }]);
  const report = await verify({ shim: state.shim });
  t.like(report.steps.at(-1), {
    name: 'mechanisms',
    ok: false,
    detail: 'the token host did not become ready and ended (SIGSEGV)',
  });
});

for (const [call, rv, step, told, remediation] of [
  [
    'C_Initialize',
    CKR.ARGUMENTS_BAD,
    'module',
    'C_Initialize failed (CKR_ARGUMENTS_BAD)',
    /initialize_parameters/,
  ],
  ['C_GetSlotList', CKR.DEVICE_ERROR, 'token', 'C_GetSlotList failed (CKR_DEVICE_ERROR)', /network to it/],
  [
    'C_OpenSession',
    CKR.SESSION_COUNT,
    'login',
    'C_OpenSession failed (CKR_SESSION_COUNT)',
    /no session left/,
  ],
  ['C_Login', CKR.DEVICE_REMOVED, 'login', 'device in C_Login (CKR_DEVICE_REMOVED)', /does not answer/],
  [
    'C_GetMechanismList',
    CKR.GENERAL_ERROR,
    'mechanisms',
    'C_GetMechanismList failed (CKR_GENERAL_ERROR)',
    /own log/,
  ],
  [
    'C_FindObjectsInit',
    CKR.DEVICE_ERROR,
    'self-test',
    'C_FindObjectsInit failed (CKR_DEVICE_ERROR)',
    /fault/,
  ],
] as const)
  test.serial(`${told}: the step ${step} fails, and the way out fits`, async (t) => {
    await state.shim.set([{ call, rv }]);
    const report = await verify({ shim: state.shim });
    t.false(report.ok);
    t.like(report.steps.at(-1), { name: step, ok: false, detail: told });
    t.regex(report.remediation ?? '', remediation);
  });

test.serial(
  'a token without the mechanism of the profile: told with its number, and with what it has',
  async (t) => {
    const profile = loadProfile('softhsm2');
    const report = await verify({ profile: { ...profile, gcm: { ...profile.gcm, mechanism: 0x8000_1234 } } });
    t.like(report.steps.at(-1), { name: 'mechanisms', ok: false });
    t.regex(report.steps.at(-1)?.detail ?? '', /has no AES-GCM \(mechanism 0x80001234\)/);
    t.true(report.mechanisms?.includes('CKM_AES_KEY_GEN'));
  },
);

test.serial('a token that makes its IV otherwise than the profile says fails the self-test', async (t) => {
  await state.shim.set([{ call: 'C_EncryptInit', iv: 'init' }]);
  const report = await verify({ shim: state.shim });
  t.like(report.steps.at(-1), { name: 'self-test', ok: false });
  t.regex(report.steps.at(-1)?.detail ?? '', /does not make its IV as iv\.mode "caller" says/);
  t.regex(report.remediation ?? '', /iv\.mode/);
});

test.serial('a token that was never prepared is told what to run', async (t) => {
  const fresh = await createSoftHsmToken();
  t.teardown(async () => fresh.dispose());
  const report = await verify({}, fresh);
  t.like(report.steps.at(-1), { name: 'self-test', ok: false });
  t.is(report.remediation, 'run: holdfast init');
});

test.serial('a second look for a token that is late does not hide what the first one saw', async (t) => {
  const barrier = await state.shim.barrier();
  await state.shim.set([{ call: 'C_GetSlotList', wait: barrier.path }]);
  const lists = async () => (await state.shim.counts())['C_GetSlotList'] ?? 0;
  const before = await lists();
  const verified = verify({ shim: state.shim, startTimeout: 5_000 }, { label: 'of nobody' });
  while ((await lists()) === before) await delay(5);
  // The first has loaded the module; the next one will hang there.
  await state.shim.set([{ call: 'C_Initialize', hang: true }]);
  await barrier.lift();
  const report = await verified;
  t.false(report.ok);
  t.deepEqual(
    report.steps.map(({ name, ok }) => [name, ok]),
    [
      ['module', true],
      ['token', false],
    ],
  );
  t.is(report.steps[1]?.detail, 'no token with label "of nobody"');
  t.regex(report.remediation ?? '', /^the module shows: /);
});

test.serial('a token that stops answering while it is measured', async (t) => {
  await state.shim.set([{ call: 'C_Decrypt', hang: true, after: 20 }]);
  const report = await verify({ shim: state.shim, startTimeout: 5_000 });
  t.like(report.steps.at(-1), { name: 'latency', ok: false });
  t.regex(report.steps.at(-1)?.detail ?? '', /timeout/);
});

test.serial(
  'beside hosts that serve nothing of theirs changes, and two who ask get one verification',
  async (t) => {
    const gate = new LoginGate();
    const served = settings({ shim: state.shim });
    const up = Promise.withResolvers<number>();
    const gone: string[] = [];
    const keeper = new HostKeeper(served, gate, {
      onReady: ({ pid }) => up.resolve(pid),
      onGone: (_, why) => gone.push(why),
      onFailed: (problem) => gone.push(problem),
    });
    keeper.start();
    await up.promise;
    const before = await logins();
    const [one, two] = await Promise.all([
      verifyToken(token, served, gate),
      verifyToken(token, served, gate),
    ]);
    t.true(one.ok);
    t.is(one, two);
    t.is(await logins(), before + 1);
    t.deepEqual(gone, []);
    t.not(await verifyToken(token, served, gate), one, 'the next one is fresh');
    await keeper.stop();
  },
);
