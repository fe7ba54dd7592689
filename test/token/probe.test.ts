import { spawn, type ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import path from 'node:path';
import pkcs11js from 'pkcs11js';
import test, { type ExecutionContext } from 'ava';
import { listProfiles, loadProfile, parseProfile } from '../../src/config/profile.ts';
import { Secret } from '../../src/secret.ts';
import { CKR } from '../../src/token/faults.ts';
import type { Finding, ProbeReport } from '../../src/token/probe/findings.ts';
import { ProbeChild, ProbeFailure } from '../../src/token/probe/probe-child.ts';
import { labelOf, probeId, probeLabel, probeOf } from '../../src/token/probe/probe-names.ts';
import { probeToken, type ProbeRequest } from '../../src/token/probe/probe.ts';
import { Shim, type Rule } from '../../testing/shim.ts';
import {
  createNssToken,
  createOpencryptokiToken,
  createSoftHsmToken,
  type TokenFixture,
} from '../../testing/tokens.ts';
import { decryptOf, encryptOf, OpenPool } from './open-pool.ts';

const state = {} as { fixture: TokenFixture; shim: Shim };

test.before(async () => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
});

test.afterEach.always(async () => state.shim.clear());

test.after.always(async () => {
  await state.shim.dispose();
  await state.fixture.dispose();
});

type Given = Partial<ProbeRequest> & { rules?: Rule[] };

/** Of the shim before SoftHSM, unless another fixture is given. */
async function probe({ rules, ...given }: Given = {}, fixture?: TokenFixture): Promise<ProbeReport> {
  if (rules !== undefined) await state.shim.set(rules);
  const { fixture: own, shim } = state;
  const { label, pin, environment, initializeParameters, module } = fixture ?? {
    ...own,
    module: shim.module,
    environment: { ...own.environment, ...shim.environment },
  };
  return probeToken({
    module,
    choose: { label },
    environment,
    initializeParameters,
    mechanism: undefined,
    pin: async () => new Secret(pin),
    force: false,
    timeout: 20_000,
    name: undefined,
    taken: listProfiles(),
    version: '0.0.0',
    signal: new AbortController().signal,
    onFinding: () => undefined,
    ...given,
  });
}

const found = ({ findings }: ProbeReport, step: Finding['step']) =>
  findings
    .filter((finding) => finding.step === step)
    .map((finding) => finding.found)
    .join('\n');

/** The profile makes a key, encrypts and decrypts by way of a host that has proven itself, as a node's are. */
async function assertServes(t: ExecutionContext, report: ProbeReport, fixture?: TokenFixture): Promise<void> {
  t.is(report.verdict, 'profile', JSON.stringify(report, null, 1));
  const { name = '', toml = '' } = report.profile ?? {};
  const profile = parseProfile(toml, `${name}.toml`);
  t.is(profile.name, name);
  const open = new OpenPool(fixture ?? state.fixture, {
    profile,
    ...(fixture === undefined ? { shim: state.shim } : {}),
    limits: { healthInterval: 600_000 },
  });
  try {
    await open.startInTurn();
    const key = await open.makeKey(`served ${Math.random()}`);
    const request = encryptOf(key, Buffer.alloc(4300, 1), {
      aad: Buffer.alloc(8192, 2),
      aadForm: profile.aad.form,
      verify: true,
    });
    const { plaintext } = await open.call(decryptOf(request, await open.call(request)));
    t.deepEqual(Buffer.from(plaintext), Buffer.alloc(4300, 1));
  } finally {
    await open.stop();
  }
}

test.serial(
  'SoftHSM: every step is told, the profile serves, and nothing is left in the token',
  async (t) => {
    const report = await probe();
    t.deepEqual(
      [...new Set(report.findings.map(({ step }) => step))],
      [
        'module',
        'slots',
        'token',
        'pin',
        'login',
        'sessions',
        'mechanisms',
        'left-overs',
        'key-making',
        'attributes',
        'names',
        'search',
        'iv-mode',
        'tag',
        'data',
        'second-session',
        'second-process',
        'destruction',
        'latency',
        'whole',
        'clean-up',
      ],
    );
    t.deepEqual(
      // How fast this machine is at the moment is not the question.
      report.findings.filter(
        ({ step, result }) => result !== 'ok' && step !== 'latency' && step !== 'search',
      ),
      [],
    );
    t.is(report.token?.label, state.fixture.label);
    t.regex(found(report, 'tag'), /C_Decrypt CKR_/);
    t.false(JSON.stringify(report).includes(state.fixture.pin));
    t.deepEqual(await objects(), []);
    t.like(parseProfile(report.profile?.toml ?? '', 'x'), {
      iv: { mode: 'caller', bytes: 12 },
      aad: { form: 'full' },
      limits: { plaintext_bytes: 8192 },
      keys: { omit: [], not_told: [] },
      modules: [state.shim.module],
    });
    await assertServes(t, report);
  },
);

test.serial('NSS softokn: what it does not tell for true is in the profile, and that serves', async (t) => {
  const fixture = await createNssToken();
  t.teardown(async () => fixture.dispose());
  const report = await probe({ name: 'ours' }, fixture);
  t.is(report.profile?.name, 'ours');
  t.deepEqual(parseProfile(report.profile?.toml ?? '', 'x').keys.not_told, ['CKA_LOCAL']);
  await assertServes(t, report, fixture);
});

test.serial('opencryptoki without AES-GCM: that is why there is no profile', async (t) => {
  const fixture = await createOpencryptokiToken();
  t.teardown(async () => fixture.dispose());
  const report = await probe({}, fixture);
  if (report.verdict === 'profile') return assertServes(t, report, fixture);
  t.is(report.verdict, 'cannot');
  t.regex(
    report.reason ?? '',
    /^mechanisms: the token has no CKM_AES_GCM \(0x1087\) among its \d+ mechanisms/,
  );
});

test.serial('p11-kit’s client: a profile, or before 0.25 that it drops AES-GCM', async (t) => {
  const { label, directory, environment, module } = state.fixture;
  const socket = path.join(directory, 'p11-kit');
  const words = [
    'server',
    '-f',
    '-n',
    socket,
    '--provider',
    module,
    `pkcs11:token=${encodeURIComponent(label)}`,
  ];
  const server = spawn('p11-kit', words, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => void server.kill('SIGKILL'));
  // It says where it listens once it does.
  await new Promise((resolve) => server.stdout.once('data', resolve));
  const client = {
    ...state.fixture,
    module: clients.find((file) => existsSync(file)) ?? '',
    environment: { P11_KIT_SERVER_ADDRESS: `unix:path=${socket}` },
  };
  const report = await probe({}, client);
  if (report.verdict === 'profile') return assertServes(t, report, client);
  t.is(report.verdict, 'cannot', JSON.stringify(report, null, 1));
  t.regex(report.reason ?? '', /^mechanisms: the token has no CKM_AES_GCM/);
  t.regex(report.remediation ?? '', /p11-kit’s client and server drop it before version 0\.25/);
});

/** As Debian has it. */
const clients = ['x86_64', 'aarch64'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/pkcs11/p11-kit-client.so`,
);

/** Habits of real modules with which a profile is found: rules, and what the profile then says. */
const borne: [name: string, given: Given, profile: object, told: [Finding['step'], RegExp][]][] = [
  [
    'slots that cannot be read, signals, descriptors made non-blocking, and a short AAD',
    {
      rules: [
        { call: 'C_GetSlotList', ghosts: 2 },
        { call: 'C_GetTokenInfo', rv: CKR.TOKEN_NOT_RECOGNIZED, uninitialised: true },
        { call: 'C_Initialize', nonblocking: true, timerMicroseconds: 2_000 },
        { call: 'C_EncryptInit', maxAad: 4096 },
        { call: 'C_DecryptInit', maxAad: 4096 },
      ],
    },
    { aad: { form: 'sha256' } },
    [
      ['slots', /C_GetSlotInfo failed \(CKR_SLOT_ID_INVALID\)/],
      ['slots', /C_GetTokenInfo failed \(CKR_TOKEN_NOT_RECOGNIZED\)/],
      ['data', /AAD of 4096 bytes at the most/],
    ],
  ],
  [
    'attributes that are refused, not told or told wrong, and AAD that is cut silently',
    {
      rules: [
        { call: 'C_GenerateKey', refuse: [pkcs11js.CKA_MODIFIABLE, pkcs11js.CKA_SIGN, pkcs11js.CKA_CLASS] },
        {
          call: 'C_GetAttributeValue',
          attributes: { [pkcs11js.CKA_LOCAL]: false, [pkcs11js.CKA_ALWAYS_SENSITIVE]: 'unavailable' },
        },
        { call: 'C_EncryptInit', cutAad: 4096 },
        { call: 'C_DecryptInit', cutAad: 4096 },
      ],
    },
    {
      aad: { form: 'sha256' },
      keys: {
        omit: ['CKA_CLASS', 'CKA_MODIFIABLE', 'CKA_SIGN'],
        not_told: ['CKA_LOCAL', 'CKA_ALWAYS_SENSITIVE'],
      },
    },
    [['key-making', /with CKA_MODIFIABLE C_GenerateKey failed \(CKR_ATTRIBUTE_TYPE_INVALID\)/]],
  ],
  [
    'an IV of the HSM’s own, two sessions a process',
    {
      rules: [
        { call: 'C_EncryptInit', iv: 'init' },
        { call: 'C_OpenSession', sessions: 2 },
      ],
    },
    { iv: { mode: 'hsm-at-init', bytes: 12 } },
    [['sessions', /0 more opened, then C_OpenSession failed \(CKR_SESSION_COUNT\)/]],
  ],
  [
    'an IV of 16 bytes after the tag, one refused attribute, a plaintext of 5,000 bytes',
    {
      rules: [
        { call: 'C_EncryptInit', iv: 'append', ivBytes: 16 },
        { call: 'C_GenerateKey', refuse: [pkcs11js.CKA_DERIVE] },
        { call: 'C_Encrypt', maxData: 5000 },
      ],
    },
    {
      iv: { mode: 'hsm-appended', bytes: 16 },
      keys: { omit: ['CKA_DERIVE'], not_told: [] },
      limits: { plaintext_bytes: 5000 },
    },
    [['data', /a plaintext of 5000 and AAD/]],
  ],
  [
    'a number of its own for AES-GCM, the IV made in C_Encrypt, a wrong PIN before, and 15 ms an encryption',
    {
      mechanism: 0x80001087,
      rules: [
        { call: 'C_GetMechanismList', asGcm: 0x80001087 },
        { call: 'C_GetMechanismInfo', asGcm: 0x80001087 },
        { call: 'C_EncryptInit', iv: 'encrypt', asGcm: 0x80001087, delayMicroseconds: 15_000 },
        { call: 'C_DecryptInit', asGcm: 0x80001087 },
        { call: 'C_GetTokenInfo', setFlags: pkcs11js.CKF_USER_PIN_COUNT_LOW },
      ],
    },
    { iv: { mode: 'hsm-at-encrypt', bytes: 12 }, gcm: { mechanism: 0x80001087, iv_bits: true } },
    [['pin', /count-low/]],
  ],
];

for (const [name, given, profile, told] of borne)
  test.serial(`a token with ${name}: the profile serves`, async (t) => {
    const report = await probe(given);
    t.like(parseProfile(report.profile?.toml ?? '', 'x'), profile, JSON.stringify(report, null, 1));
    for (const [step, words] of told) t.regex(found(report, step), words);
    await assertServes(t, report);
  });

test.serial('a module that crashes in a trial is started again, and the walk goes on', async (t) => {
  const [before, claim] = [await objects(), await state.shim.claimToken()];
  const report = await probe({ rules: [{ call: 'C_EncryptInit', claim, times: 1, crash: 'segv' }] });
  t.is(report.verdict, 'profile', JSON.stringify(report, null, 1));
  t.deepEqual(await objects(), before);
});

test.serial(
  'what a module died in is told by the last line, though that is read when the process is gone',
  async (t) => {
    await state.shim.set([{ call: 'C_Initialize', crash: 'segv' }]);
    const started: ChildProcess[] = [];
    const onProcess = (message: unknown) => void started.push((message as { process: ChildProcess }).process);
    subscribe('child_process', onProcess);
    const { fixture, shim } = state;
    const child = new ProbeChild({ ...fixture.environment, ...shim.environment }, 20_000);
    unsubscribe('child_process', onProcess);
    const [process] = started;
    const [, stdout, stderr, , lines] = (process?.stdio ?? []) as unknown as Socket[];
    const ended = Promise.all([
      once(process as ChildProcess, 'exit'),
      ...[stdout, stderr].map(async (stream) => once(stream as Socket, 'close')),
    ]);
    await once(process as ChildProcess, 'spawn');
    // Held back until nothing else of it is awaited; Node itself resumes what a process that ends has left unread.
    lines?.pause();
    const resume = lines?.resume.bind(lines);
    if (lines !== undefined) lines.resume = () => lines;
    const asked = child.ask('open', { module: shim.module, choose: {}, profile: loadProfile('softhsm2') });
    const failed = t.throwsAsync(asked, { instanceOf: ProbeFailure, message: /\(SIGSEGV\) in C_Initialize/ });
    await ended;
    setImmediate(() => resume?.());
    await failed;
  },
);

test.serial('a slow token: hosts by its latency, and sick_after_ms for the configuration', async (t) => {
  const slow: Rule[] = [
    { call: 'C_Encrypt', delayMicroseconds: 25_000 },
    { call: 'C_Decrypt', delayMicroseconds: 25_000 },
  ];
  const { profile } = await probe({ rules: slow });
  const { hosts } = parseProfile(profile?.toml ?? '', 'x');
  t.is(hosts, 64);
  const [, sickAfter] = /^# sick_after_ms = (\d+)$/m.exec(profile?.toml ?? '') ?? [];
  t.true(Number(sickAfter) >= 150, sickAfter);
});

/** Habits for which there is no profile: what is said, and what can be done. */
const refused: [name: string, given: Given, reason: RegExp, remediation: RegExp][] = [
  [
    'ids of 16 bytes',
    { rules: [{ call: 'C_GenerateKey', maxId: 16 }] },
    /^names: .*an id \(CKA_ID\) of 20 bytes: C_GenerateKey failed \(CKR_ATTRIBUTE_VALUE_INVALID\); the longest id that it takes has 16 bytes/,
    /what keys are found by/,
  ],
  [
    'labels that are cut silently',
    { rules: [{ call: 'C_GenerateKey', cutLabel: 64 }] },
    /^names: .*a label \(CKA_LABEL\) of 189 bytes: it is cut silently to 64 bytes; .*the longest label 64$/,
    /whose key it is/,
  ],
  [
    'data of 4,096 bytes',
    { rules: [{ call: 'C_Encrypt', maxData: 4096 }] },
    /^data: .*a plaintext of \d+ bytes: C_Encrypt failed \(CKR_DATA_LEN_RANGE\); the token takes a plaintext of 4096/,
    /AWS KMS needs 4300/,
  ],
  [
    'ids of 16 bytes, and data of 4,096',
    {
      rules: [
        { call: 'C_GenerateKey', maxId: 16 },
        { call: 'C_Encrypt', maxData: 4096 },
      ],
    },
    /^names: .*; and not only that: data$/,
    /what keys are found by/,
  ],
  [
    'one session',
    { rules: [{ call: 'C_OpenSession', sessions: 1 }] },
    /C_OpenSession failed \(CKR_SESSION_COUNT\)$/,
    /no session left/,
  ],
  [
    'write protection',
    { rules: [{ call: 'C_GenerateKey', rv: CKR.TOKEN_WRITE_PROTECTED }] },
    /^key-making: the token makes no key: C_GenerateKey failed \(CKR_TOKEN_WRITE_PROTECTED\)$/,
    /takes no new objects/,
  ],
  [
    'a policy against what is asked for',
    { rules: [{ call: 'C_GenerateKey', rv: CKR.TEMPLATE_INCONSISTENT }] },
    /^key-making: the token makes no key: C_GenerateKey failed \(CKR_TEMPLATE_INCONSISTENT\)$/,
    /keys\.omit|policy/,
  ],
  [
    'keys that come out extractable',
    {
      rules: [{ call: 'C_GetAttributeValue', attributes: { [pkcs11js.CKA_EXTRACTABLE]: true } }],
    },
    /^key-making: .*CKA_EXTRACTABLE is true and has to be false$/,
    /keys that never leave it/,
  ],
  [
    'an IV of zero',
    { rules: [{ call: 'C_EncryptInit', iv: 'zero' }] },
    /^iv-mode: no IV mode works \(hsm-at-init: .*; caller: /,
    /--gcm-mechanism/,
  ],
  [
    'searches that find nothing',
    { rules: [{ call: 'C_FindObjects', empty: true }] },
    /^search: a search by CKA_ID finds 0 keys where one was made|^key-making: /,
    /by id|restore/,
  ],
  [
    'a decryption that gives other bytes',
    { rules: [{ call: 'C_Decrypt', corrupt: 'any' }] },
    /^iv-mode: /,
    /vendor/,
  ],
];

for (const [name, given, reason, remediation] of refused)
  test.serial(`a token with ${name}: no profile, and why`, async (t) => {
    const report = await probe(given);
    t.not(report.verdict, 'profile');
    t.is(report.profile, undefined);
    t.regex(report.reason ?? '', reason, JSON.stringify(report, null, 1));
    t.regex(report.remediation ?? '', remediation);
  });

test.serial('what cannot be loaded is told in the loader’s words', async (t) => {
  const file = path.join(state.fixture.directory, 'text.so');
  await writeFile(file, 'no library');
  const text = await probe({ module: file });
  t.is(text.verdict, 'unreached');
  t.is(text.reason, `module: ${file} cannot be loaded: it is no shared library (no ELF file)`);
  const absent = await probe({ module: '/nowhere/module.so' });
  t.regex(
    `${absent.reason} ${absent.remediation}`,
    /module: no PKCS#11 module found .*\/nowhere\/module\.so/,
  );
});

test.serial('a call that never comes back is named, and its process is killed', async (t) => {
  const report = await probe({ rules: [{ call: 'C_Login', hang: true }], timeout: 6_000 });
  t.is(report.verdict, 'unreached');
  t.is(report.reason, 'login: the module hangs: C_Login did not come back within 6 s');
  t.deepEqual(probeProcesses(), []);
});

test.serial('a token that is not chosen, or not there, is told with those that are', async (t) => {
  const none = await probe({ choose: { label: 'of another' } });
  t.is(none.verdict, 'unreached');
  t.is(none.reason, 'token: no token with label "of another"');
  t.true(none.remediation?.includes(`"${state.fixture.label}"`));
  const only = await probe({
    choose: {},
    rules: [{ call: 'C_GenerateKey', rv: CKR.FUNCTION_NOT_SUPPORTED }],
  });
  t.is(only.token?.label, state.fixture.label, 'the only token that was initialised');
  t.is(only.verdict, 'cannot');
});

for (const [flag, name] of [
  [pkcs11js.CKF_USER_PIN_FINAL_TRY, 'CKF_USER_PIN_FINAL_TRY'],
  [pkcs11js.CKF_USER_PIN_LOCKED, 'CKF_USER_PIN_LOCKED'],
] as const)
  test.serial(`${name}: the PIN is not tried unless a person says so`, async (t) => {
    const rules: Rule[] = [
      { call: 'C_GetTokenInfo', setFlags: flag },
      { call: 'C_GenerateKey', rv: CKR.FUNCTION_NOT_SUPPORTED },
    ];
    const logins = async () => (await state.shim.counts())['C_Login'] ?? 0;
    const before = await logins();
    const kept = await probe({ rules });
    t.is(kept.verdict, 'pin-kept');
    t.true(kept.reason?.includes(name));
    t.regex(kept.remediation ?? '', /--force/);
    t.is(await logins(), before);
    t.is((await probe({ force: true })).verdict, 'cannot');
    t.is(await logins(), before + 1);
  });

test.serial('a wrong PIN is tried once', async (t) => {
  const before = (await state.shim.counts())['C_Login'] ?? 0;
  const report = await probe({ pin: async () => new Secret('not the PIN') });
  t.is(report.verdict, 'pin-refused');
  t.is(report.reason, 'login: the token refused the PIN (CKR_PIN_INCORRECT)');
  t.is((await state.shim.counts())['C_Login'], before + 1);
});

test.serial('a key that could not be destroyed is named, and the next probe destroys it', async (t) => {
  const before = await objects();
  const report = await probe({
    rules: [
      { call: 'C_DestroyObject', rv: CKR.DEVICE_ERROR },
      { call: 'C_EncryptInit', rv: CKR.MECHANISM_PARAM_INVALID },
    ],
  });
  t.is(report.verdict, 'cannot');
  t.regex(report.reason ?? '', /^destruction: C_DestroyObject: C_DestroyObject failed \(CKR_DEVICE_ERROR\)/);
  t.true(report.left.length > 0);
  t.is((await objects()).length, before.length + report.left.length);
  for (const { label, id } of report.left) t.true(label.startsWith('holdfast:probe:1:') && id.length > 0);
  await state.shim.clear();
  const next = await probe({ rules: [{ call: 'C_GenerateKey', rv: CKR.FUNCTION_NOT_SUPPORTED }] });
  t.regex(found(next, 'left-overs'), new RegExp(`^${report.left.length} keys? of a probe before this one`));
  t.deepEqual(await objects(), before);
});

test.serial('stopped half-way it cleans up, and says that it was interrupted', async (t) => {
  const before = await objects();
  const stopping = new AbortController();
  const report = await probe({
    signal: stopping.signal,
    onFinding: ({ step }) => step === 'iv-mode' && stopping.abort(),
  });
  t.like(report, { verdict: 'unreached', reason: 'it was interrupted', left: [] });
  t.deepEqual(await objects(), before);
});

test('keys of a probe that has ended are known from those of one that is at it, and from all others', (t) => {
  const now = Date.now();
  const id = (ago: number) => Buffer.concat([probeId(8), timeOf(now - ago), Buffer.alloc(6)]);
  const machine = /:([0-9a-f]{8}):/.exec(probeLabel)?.[1] ?? '';
  // The first process, and a number that Linux gives to none.
  const [own, dead] = [labelOf(machine, 1), labelOf(machine, 4_194_304)];
  t.is(probeOf({ id: id(0), label: probeLabel }, now), 'over', 'of this very probe');
  t.is(probeOf({ id: id(0), label: own }, now), 'under-way', 'of a process that lives');
  t.is(probeOf({ id: id(0), label: `${dead}xxxx` }, now), 'over', 'of one that does not');
  const elsewhere = labelOf('00000000', 4_194_304);
  t.is(probeOf({ id: id(60_000), label: elsewhere }, now), 'under-way', 'on another machine, a minute ago');
  t.is(probeOf({ id: id(3_600_000), label: elsewhere }, now), 'over', 'an hour ago');
  t.is(probeOf({ id: id(0), label: 'holdfast:trial:1' }, now), undefined);
  t.is(probeOf({ id: Buffer.alloc(20), label: dead }, now), undefined);
  t.false(probeId().equals(probeId()));
});

function timeOf(now: number): Buffer {
  const time = Buffer.alloc(6);
  time.writeUIntBE(now, 0, 6);
  return time;
}

/** Files of the token's objects. */
async function objects(): Promise<string[]> {
  const tokens = path.join(state.fixture.directory, 'tokens');
  const [token = ''] = readdirSync(tokens);
  return readdirSync(path.join(tokens, token))
    .filter((name) => name.endsWith('.object') && name !== 'token.object')
    .toSorted();
}

/** Processes of the probe's that are children of this one. */
function probeProcesses(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [status, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1')
          .replace(/^.*\) /, '')
          .split(' ');
        const isProbe = readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('probe-process.ts');
        return isProbe && parent === String(process.pid) && status !== 'Z';
      } catch {
        return false; // it has gone meanwhile
      }
    });
}
