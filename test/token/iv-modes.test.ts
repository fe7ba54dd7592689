import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { loadProfile, type IvMode, type Profile } from '../../src/config/profile.ts';
import { Shim, type Rule } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { decryptOf, encryptOf, OpenPool, type PoolSetUp } from './open-pool.ts';

const state = {} as { fixture: TokenFixture; shim: Shim };

test.before(async (t) => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
  const first = new OpenPool(state.fixture);
  await first.startInTurn();
  await first.stop();
  t.pass('our own keys are made');
});

test.afterEach.always(() => state.shim.clear());

test.after.always(async () => {
  await state.shim.dispose();
  await state.fixture.dispose();
});

/** What a token may do about the IV, as the shim is told it. Buffers are watched in all of them. */
const tokens = {
  "takes the caller's": [],
  'makes it at C_EncryptInit': [{ call: 'C_EncryptInit', iv: 'init' }],
  'makes it at C_Encrypt': [{ call: 'C_EncryptInit', iv: 'encrypt' }],
  'appends 12 bytes': [{ call: 'C_EncryptInit', iv: 'append', ivBytes: 12 }],
  'appends 16 bytes': [{ call: 'C_EncryptInit', iv: 'append', ivBytes: 16 }],
  "makes it at C_EncryptInit, whatever the caller's": [{ call: 'C_EncryptInit', iv: 'init', strict: false }],
  "makes it at C_Encrypt, whatever the caller's": [{ call: 'C_EncryptInit', iv: 'encrypt', strict: false }],
  'says it makes it and leaves it zero': [{ call: 'C_EncryptInit', iv: 'init', ivValue: 'zero' }],
  'leaves it zero at C_Encrypt': [{ call: 'C_EncryptInit', iv: 'encrypt', ivValue: 'zero' }],
  'makes the same each time': [{ call: 'C_EncryptInit', iv: 'init', ivValue: 'same' }],
  'makes the same at each C_Encrypt': [{ call: 'C_EncryptInit', iv: 'encrypt', ivValue: 'same' }],
  'keeps it to itself': [{ call: 'C_EncryptInit', iv: 'init', ivValue: 'withheld' }],
  'tells another than it used': [{ call: 'C_EncryptInit', iv: 'encrypt', ivValue: 'wrong' }],
  'appends the same each time': [{ call: 'C_EncryptInit', iv: 'append', ivValue: 'same' }],
  'appends zero': [{ call: 'C_EncryptInit', iv: 'append', ivValue: 'zero' }],
  'appends nothing': [{ call: 'C_EncryptInit', iv: 'append', ivValue: 'withheld' }],
} as const satisfies Record<string, readonly Rule[]>;

type Token = keyof typeof tokens;

/** Which tokens a mode serves; every other one it refuses. */
const serves: Record<Exclude<IvMode, 'hsm-appended'> | 'hsm-appended 12' | 'hsm-appended 16', Token[]> = {
  caller: ["takes the caller's"],
  'hsm-at-init': ['makes it at C_EncryptInit', "makes it at C_EncryptInit, whatever the caller's"],
  'hsm-at-encrypt': ['makes it at C_Encrypt', "makes it at C_Encrypt, whatever the caller's"],
  'hsm-in-place': [
    'makes it at C_EncryptInit',
    'makes it at C_Encrypt',
    "makes it at C_EncryptInit, whatever the caller's",
    "makes it at C_Encrypt, whatever the caller's",
  ],
  'hsm-appended 12': ['appends 12 bytes'],
  'hsm-appended 16': ['appends 16 bytes'],
};

/** Left out: what a token refuses in the same call, with the same value, as a pair that is tried. */
function tells(mode: string, behaviour: Token): boolean {
  if (behaviour.includes('whatever')) return mode === 'caller' || mode === 'hsm-in-place';
  if (mode === 'caller') return !/zero|same|itself|another/.test(behaviour);
  if (mode === 'hsm-appended 12') return behaviour.endsWith('bytes');
  return mode !== 'hsm-appended 16' || !/C_Encrypt|another|itself/.test(behaviour);
}

function profileOf(name: string): Profile {
  const [mode, bytes] = name.split(' ');
  const profile = loadProfile('softhsm2');
  return { ...profile, iv: { ...profile.iv, mode: mode as IvMode, bytes: bytes === '16' ? 16 : 12 } };
}

const hold: Rule[] = (['C_EncryptInit', 'C_DecryptInit'] as const).map((call) => ({ call, hold: true }));

/** Starts one host; its self-test has passed, or the failure is in the events. */
async function begin(t: ExecutionContext, rules: readonly Rule[], setUp: PoolSetUp): Promise<OpenPool> {
  await state.shim.set([...rules, ...hold]);
  const open = new OpenPool(state.fixture, { shim: state.shim, ...setUp });
  t.teardown(async () => open.stop());
  open.startAll();
  await open.event(() => true);
  return open;
}

for (const [name, served] of Object.entries(serves))
  for (const [behaviour, rules] of Object.entries(tokens)) {
    const right = served.includes(behaviour as Token);
    if (!tells(name, behaviour as Token)) continue;
    test.serial(`iv.mode ${name} ${right ? 'serves' : 'refuses'} a token that ${behaviour}`, async (t) => {
      const profile = profileOf(name);
      const open = await begin(t, rules, { profile });
      if (!right) {
        const { problem, remediation, final } = await open.failure();
        t.regex(problem, /IV/);
        t.regex(problem, new RegExp(`"${state.fixture.label}"`));
        t.regex(remediation, /set iv\.mode of the profile/);
        t.false(final);
        return;
      }
      t.is(open.events[0]?.kind, 'ready', JSON.stringify(open.events));
      const key = await open.makeKey(`${name} ${behaviour}`);
      const request = encryptOf(key, randomBytes(500), { aad: randomBytes(77), verify: true });
      const ivs = new Set<string>();
      for (let i = 0; i < 40; i++) {
        const sealed = await open.call(request);
        t.is(sealed.iv.length, profile.iv.bytes);
        ivs.add(Buffer.from(sealed.iv).toString('hex'));
        const { plaintext } = await open.call(decryptOf(request, sealed));
        t.deepEqual(Buffer.from(plaintext), Buffer.from(request.plaintext));
      }
      t.is(ivs.size, 40);
      await open.stop();
    });
  }

for (const [mode, place] of [
  ['hsm-at-init', 'init'],
  ['hsm-at-encrypt', 'encrypt'],
  ['hsm-in-place', 'init'],
  ['hsm-in-place', 'encrypt'],
  ['hsm-appended 12', 'append'],
] as const)
  for (const ivValue of ['zero', 'same', 'withheld'] as const)
    test.serial(
      `${mode} (${place}): a token that begins to give ${ivValue} IVs is not believed`,
      async (t) => {
        const rule = { call: 'C_EncryptInit', iv: place, ivBytes: 12 } as const;
        const open = await begin(t, [rule], { profile: profileOf(mode) });
        const key = await open.makeKey(`later ${mode} ${place} ${ivValue}`);
        const request = encryptOf(key, randomBytes(40));
        await open.call(request);
        await state.shim.set([{ ...rule, ivValue }, ...hold]);
        const calls = Array.from({ length: 6 }, async () => open.call(request, 20_000));
        const ended = Promise.allSettled(calls);
        await t.throwsAsync(Promise.all(calls), { message: /iv-refused in C_/ });
        // The host has ended over it; what it had not been given yet waits for another, until there will be none.
        await open.stop();
        const results = await ended;
        // The very first IV of those that are all the same cannot be told from a fresh one.
        const answered = results.filter(({ status }) => status === 'fulfilled').length;
        t.true(answered <= (ivValue === 'same' ? 1 : 0), `${answered} answered`);
        const faults = results.flatMap((r) => (r.status === 'rejected' ? [String(r.reason)] : []));
        for (const fault of faults) t.regex(fault, /iv-refused in C_|unavailable in pool/);
      },
    );

test.serial(
  'the caller’s IVs come from the token, and a generator that stands still is not believed',
  async (t) => {
    const open = await begin(t, [], {});
    const key = await open.makeKey('generator');
    const before = (await state.shim.counts())['C_GenerateRandom'] ?? 0;
    for (let i = 0; i < 600; i++) await open.call(encryptOf(key, randomBytes(10)));
    const drawn = ((await state.shim.counts())['C_GenerateRandom'] ?? 0) - before;
    t.true(drawn >= 2 && drawn <= 3, `${drawn} draws for 600 IVs`);
    await state.shim.set([{ call: 'C_GenerateRandom', fill: 0 }]);
    const faults = await Promise.allSettled(
      Array.from({ length: 300 }, async () => open.call(encryptOf(key, randomBytes(10)), 400)),
    );
    t.true(faults.some(({ status }) => status === 'rejected'));
    await open.stop();
  },
);

test.serial('with a generator that gives zeros no host starts', async (t) => {
  const open = await begin(t, [{ call: 'C_GenerateRandom', fill: 0 }], {});
  t.regex((await open.failure()).problem, /iv-refused in C_GenerateRandom/);
  await open.stop();
});

test.serial('with a generator that gives one byte for ever no host starts', async (t) => {
  const open = await begin(t, [{ call: 'C_GenerateRandom', fill: 0x5a }], {});
  t.regex((await open.failure()).problem, /IV/);
  await open.stop();
});

test.serial('a vendor’s own mechanism number is used for encrypt and decrypt', async (t) => {
  const mechanism = 0x80000001;
  const profile = { ...profileOf('hsm-at-encrypt'), gcm: { mechanism, iv_bits: true } };
  const rules: Rule[] = [
    { call: 'C_EncryptInit', iv: 'encrypt', asGcm: mechanism },
    { call: 'C_DecryptInit', asGcm: mechanism },
  ];
  const open = await begin(t, rules, { profile });
  const { problem } = await open.failure();
  t.regex(problem, /has no AES-GCM \(mechanism 0x80000001\)/, 'the list of mechanisms is believed');
  await open.stop();
});

test.serial('a token that is sick at its start is told as sick, not as one of another IV mode', async (t) => {
  const open = await begin(t, [{ call: 'C_EncryptInit', rv: 0x30 }], {});
  const { problem, remediation } = await open.failure();
  t.is(problem, 'C_EncryptInit failed (CKR_DEVICE_ERROR)');
  t.notRegex(remediation, /iv\.mode/);
  await open.stop();
});
