import { randomBytes, randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { bindingOf, encodeKeyIdentity } from '../../src/token/key-identity.ts';
import { CKR } from '../../src/token/faults.ts';
import { LoginGate } from '../../src/token/login-gate.ts';
import { ownKeys, versionLabel, versionObjectId, remediationOfOwnKeys } from '../../src/token/own-keys.ts';
import { verifyConnection } from '../../src/token/keeper/verification.ts';
import { labelled } from '../support/key-identity.ts';
import { createSoftHsmToken, tokenKinds, type TokenFixture } from '../../testing/tokens.ts';
import { inToken, type Deed } from '../../testing/in-token.ts';
import { Shim } from '../../testing/shim.ts';
import { decryptOf, encryptOf, OpenPool, settingsFor, throwsFault } from './open-pool.ts';

/* Somebody puts another key object in the place of a key, past Holdfast: nothing is done with it, all others are served. */

interface Made {
  id: Buffer;
  label: string;
  identity: Buffer;
}

const belongings = () => ({
  vaultId: randomUUID(),
  keySetId: randomUUID(),
  externalKeyId: randomUUID(),
  cloudKeyId: randomUUID(),
  version: 1,
});

async function makeKey(open: OpenPool, of = belongings()): Promise<Made> {
  const id = versionObjectId(of.cloudKeyId, of.version);
  const label = versionLabel(of.keySetId, of.externalKeyId, of.version);
  const binding = bindingOf({ ...of, objectId: id });
  const usage = { encrypt: true, decrypt: true };
  const { proof } = await open.call({ kind: 'generateKey', key: id, label, binding, ...usage });
  return { id, label, identity: encodeKeyIdentity({ label, binding, proof }) };
}

const plaintext = randomBytes(40);
const encryptWith = ({ id, identity }: Made, verify = false) =>
  encryptOf(id, plaintext, { identity, verify });

type Swap = (made: Pick<Made, 'id' | 'label'>) => Deed;
const hex = (id: Buffer) => id.toString('hex');
const swaps: Record<string, Swap> = {
  'a random key of another label': ({ id }) => ({ do: 'generate', id: hex(id), label: 'other' }),
  'a random key of the same label and template': ({ id, label }) => ({ do: 'generate', id: hex(id), label }),
  'a known key of the same label': ({ id, label }) => ({
    do: 'plant',
    id: hex(id),
    label,
    value: hex(randomBytes(32)),
  }),
  'a known, extractable key': ({ id, label }) => ({
    do: 'plant',
    id: hex(id),
    label,
    value: hex(randomBytes(32)),
    extractable: true,
  }),
};

for (const { profile, create } of tokenKinds.filter(({ aesGcm }) => aesGcm)) {
  const state = {} as { fixture: TokenFixture; open: OpenPool };
  const swap = async (made: Pick<Made, 'id' | 'label'>, by: Swap) =>
    inToken(state.fixture, [{ do: 'destroy', id: hex(made.id) }, by(made)]);

  test.before(`${profile}: two hosts start`, async () => {
    state.fixture = await create();
    state.open = new OpenPool(state.fixture, { hosts: 2 });
    await state.open.startInTurn();
  });
  test.after.always(`${profile}: all is removed`, async () => {
    await state.open.stop();
    await state.fixture.dispose();
  });

  for (const [name, by] of Object.entries(swaps))
    test.serial(
      `${profile}: ${name} in the place of a key encrypts and decrypts nothing, cached or not`,
      async (t) => {
        const { open } = state;
        const [made, other] = [await makeKey(open), await makeKey(open)];
        // Both hosts know the handle.
        const sealed = await Promise.all(
          Array.from({ length: 16 }, async () => open.call(encryptWith(made))),
        );
        const before = open.pids;
        await swap(made, by);
        const isRefused = async (pool: OpenPool, words: string) => {
          // First, before any decrypt has found out.
          const encrypts = Array.from({ length: 16 }, async (_, n) =>
            throwsFault(t, 'key-unfit', pool.call(encryptWith(made, n % 2 === 1)), words),
          );
          await Promise.all(encrypts);
          const decrypts = sealed.map(async (one) =>
            throwsFault(t, 'key-unfit', pool.call(decryptOf(encryptWith(made), one)), words),
          );
          await Promise.all(decrypts);
          await isServed(t, pool, other);
        };
        await isRefused(open, 'while cached');
        t.deepEqual(open.pids, before, 'the hosts live on');
        const anew = await OpenPool.start(t, state.fixture, { prepare: false });
        await isRefused(anew, 'after a restart');
        await anew.stop();
      },
    );

  test.serial(`${profile}: a key that is gone is missing at once, and is not used from memory`, async (t) => {
    const made = await makeKey(state.open);
    const sealed = await state.open.call(encryptWith(made));
    await inToken(state.fixture, [{ do: 'destroy', id: hex(made.id) }]);
    await throwsFault(t, 'key-missing', state.open.call(encryptWith(made)));
    await throwsFault(t, 'key-missing', state.open.call(decryptOf(encryptWith(made), sealed)));
  });

  test.serial(
    `${profile}: a key used for another record than its own is refused, and bad ciphertext stays bad`,
    async (t) => {
      const { open } = state;
      const of = belongings();
      const made = await makeKey(open, of);
      const sealed = await open.call(encryptWith(made));
      for (const moved of [
        { vaultId: randomUUID() },
        { keySetId: randomUUID() },
        { externalKeyId: randomUUID() },
        { cloudKeyId: randomUUID() },
        { version: 2 },
      ]) {
        const binding = bindingOf({ ...of, ...moved, objectId: made.id });
        const { proof } = await open.call({
          kind: 'generateKey',
          key: randomBytes(20),
          label: 'other',
          binding,
          encrypt: true,
          decrypt: true,
        });
        // With its own proof, and with one that a key of the other record has.
        const own = Buffer.from(
          made.identity.subarray(-made.identity.readUInt32BE(4 + made.label.length + 4 + 32)),
        );
        for (const one of [own, proof]) {
          const identity = encodeKeyIdentity({ label: made.label, binding, proof: one });
          await throwsFault(
            t,
            'key-unfit',
            open.call(encryptWith({ ...made, identity })),
            Object.keys(moved)[0],
          );
        }
      }
      await isServed(t, open, made);
      const altered = Buffer.from(sealed.tag);
      altered[3] = (altered[3] ?? 0) ^ 1;
      const bad = Array.from({ length: 20 }, async () =>
        throwsFault(
          t,
          'bad-ciphertext',
          open.call(decryptOf(encryptWith(made), { ...sealed, tag: altered })),
        ),
      );
      await Promise.all(bad);
    },
  );

  test.serial(`${profile}: only the key of the record is destroyed`, async (t) => {
    const { open } = state;
    const [made, other] = [await makeKey(open), await makeKey(open)];
    for (const identity of [other.identity, Buffer.alloc(0)])
      await throwsFault(t, 'key-unfit', open.call({ kind: 'destroyKey', key: made.id, identity }));
    await isServed(t, open, made);
    for (const { id, label } of Object.values(ownKeys)) {
      const identity = encodeKeyIdentity({ label, binding: Buffer.alloc(32), proof: Buffer.alloc(0) });
      await throwsFault(t, 'key-unfit', open.call({ kind: 'destroyKey', key: id, identity }));
    }
    const { id: key, identity } = made;
    t.deepEqual(await open.call({ kind: 'destroyKey', key, identity }), { destroyed: 1 });
    t.deepEqual(await open.call({ kind: 'destroyKey', key, identity }), { destroyed: 0 });
  });
}

for (const { profile, create } of tokenKinds.filter(({ aesGcm }) => aesGcm))
  for (const [name, by] of Object.entries(swaps))
    test.serial(
      `${profile}: ${name} in the place of our own keys is not used, and all else is served`,
      async (t) => {
        const fixture = await create();
        t.teardown(async () => fixture.dispose());
        const open = await OpenPool.start(t, fixture, { hosts: 2 });
        const [first] = open.events;
        if (first?.kind !== 'ready') return t.fail('no host');
        t.deepEqual(first.alarms, []);
        const made = await makeKey(open);
        const before = open.pids;
        const context = Buffer.from('record');
        const secret = randomBytes(30);
        const { sealed } = await open.call({ kind: 'seal', context, secret });
        const isUnsealed = async (pool: OpenPool) => {
          await throwsFault(t, 'key-unfit', pool.call({ kind: 'seal', context, secret }));
          await throwsFault(t, 'key-unfit', pool.call({ kind: 'unseal', context, former: '', sealed }));
        };
        const isBadStill = async (pool: OpenPool) => {
          const altered = await pool.call(encryptWith(made));
          altered.tag = Buffer.from(altered.tag).toReversed();
          await throwsFault(t, 'bad-ciphertext', pool.call(decryptOf(encryptWith(made), altered)));
          // One without a proof is settled by the canary.
          const identity = labelled(made.label);
          const bare = encryptOf(made.id, plaintext, { identity });
          await throwsFault(t, 'bad-ciphertext', pool.call(decryptOf(bare, altered)));
        };
        const answers = async (pool: OpenPool) => {
          for (let n = 0; n < 4; n++) t.deepEqual(await pool.call({ kind: 'health' }), {});
          await isServed(t, pool, made);
          await isBadStill(pool);
        };

        // The sealing key first: nobody has used it, and the next look at the token's health tells.
        for (const own of [ownKeys.sealing, ownKeys.health]) {
          await inToken(fixture, [{ do: 'destroy', id: hex(own.id) }, by(own)]);
          await answers(open);
        }
        await open.event((event) => event.kind === 'own-keys' && isOfBoth(event.alarms));
        await isUnsealed(open);
        t.deepEqual(open.pids, before, 'the hosts live on');

        const ownProofs = { [first.serial]: first.ownProofs };
        const anew = await OpenPool.start(t, fixture, { prepare: false, ownProofs });
        const ready = anew.events.find((event) => event.kind === 'ready');
        const alarms = ready?.kind === 'ready' ? ready.alarms : [];
        t.deepEqual(
          alarms.map((alarm) => /^key "[^"]+"/.exec(alarm)?.[0]),
          Object.values(ownKeys).map(({ label }) => `key "${label}"`),
        );
        await answers(anew);
        await isUnsealed(anew);
        const settings = settingsFor(fixture, { ownProofs }, false);
        const { ok, steps, remediation } = await verifyConnection(settings, new LoginGate());
        t.false(ok);
        t.like(steps.at(-1), { name: 'self-test', ok: false });
        t.regex(steps.at(-1)?.detail ?? '', /^key "holdfast:health:1": it does not open the proof/);
        t.is(remediation, remediationOfOwnKeys);
        return undefined;
      },
    );

test.serial('a health key that is gone ends nobody, and is missed at the next start', async (t) => {
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const open = await OpenPool.start(t, fixture);
  const [first] = open.events;
  if (first?.kind !== 'ready') return t.fail('no host');
  const made = await makeKey(open);
  const before = open.pids;
  await inToken(fixture, [{ do: 'destroy', id: hex(ownKeys.health.id) }]);
  t.deepEqual(await open.call({ kind: 'health' }), {});
  await isServed(t, open, made);
  t.deepEqual(open.pids, before);
  const ownProofs = { [first.serial]: first.ownProofs };
  const anew = await OpenPool.start(t, fixture, { prepare: false, ownProofs });
  t.like(anew.events[0], { kind: 'ready', alarms: [`key "${ownKeys.health.label}": key-missing`] });
  t.deepEqual(await anew.call({ kind: 'health' }), {});
  return undefined;
});

test.serial(
  'a token that begins to fail between two looks is sick, and is not told to have other keys',
  async (t) => {
    const fixture = await createSoftHsmToken();
    t.teardown(async () => fixture.dispose());
    const shim = await Shim.create(fixture.module);
    t.teardown(async () => shim.dispose());
    await (await OpenPool.start(t, fixture)).stop();
    const setUp = { shim, prepare: false, hosts: 1 };
    const decryptions = async () => (await shim.counts())['C_Decrypt'] ?? 0;
    const well = await OpenPool.start(t, fixture, setUp);
    const atStart = await decryptions();
    await well.call({ kind: 'health' });
    t.true((await decryptions()) > atStart + 2, 'health decrypts, then each key of ours does');
    await well.stop();
    // All is well at the start, and when health has been shown.
    await shim.set([{ call: 'C_Decrypt', after: atStart + 1, rv: CKR.FUNCTION_FAILED }]);
    const open = await OpenPool.start(t, fixture, setUp);
    await throwsFault(t, 'device', open.call({ kind: 'health' }));
    await open.event(({ kind }) => kind === 'gone');
    t.false(open.events.some(({ kind }) => kind === 'own-keys'));
  },
);

for (const [deed, call] of [
  ['sealed', 'C_EncryptInit'],
  ['unsealed', 'C_DecryptInit'],
] as const)
  test.serial(
    `a token that begins to fail is sick, and has no other keys, where a secret is ${deed} between two looks`,
    async (t) => {
      const fixture = await createSoftHsmToken();
      t.teardown(async () => fixture.dispose());
      const shim = await Shim.create(fixture.module);
      t.teardown(async () => shim.dispose());
      const open = await OpenPool.start(t, fixture, { shim, hosts: 1 });
      const context = Buffer.from('record');
      const { sealed } = await open.call({ kind: 'seal', context, secret: randomBytes(30) });
      t.deepEqual(await open.call({ kind: 'health' }), {}, 'the look of this minute');
      // The handle is stale: the key has to show what it is, to a token that decrypts nothing from here on.
      await shim.set([
        { call, times: 1, rv: CKR.KEY_HANDLE_INVALID },
        { call: 'C_Decrypt', rv: CKR.FUNCTION_FAILED },
      ]);
      const request =
        deed === 'sealed'
          ? ({ kind: 'seal', context, secret: randomBytes(30) } as const)
          : ({ kind: 'unseal', context, former: '', sealed } as const);
      await throwsFault(t, 'device', open.call(request));
      await open.event(({ kind }) => kind === 'gone');
      t.false(open.events.some(({ kind }) => kind === 'own-keys'));
    },
  );

test.serial(
  'a health key that is gone is made again by who makes keys, and all hosts take the new one',
  async (t) => {
    const fixture = await createSoftHsmToken();
    t.teardown(async () => fixture.dispose());
    const open = await OpenPool.start(t, fixture, { makesKeys: true });
    const [first] = open.events;
    if (first?.kind !== 'ready') return t.fail('no host');
    const { id, label } = ownKeys.health;
    await inToken(fixture, [{ do: 'destroy', id: hex(id) }]);
    t.deepEqual(await open.call({ kind: 'health' }), {});
    const told = await open.event((event) => event.kind === 'own-keys');
    const made = told.kind === 'own-keys' ? told.made : undefined;
    t.like(told, { alarms: [] });
    t.deepEqual(Object.keys(made ?? {}), [label]);
    t.not(made?.[label], first.ownProofs[label]);

    // As a host does that was started before, when it looks at the key again.
    const latest = { ...first.ownProofs, ...made };
    const answers = [first.ownProofs];
    const anew = await OpenPool.start(t, fixture, {
      prepare: false,
      ownProofs: {
        get [first.serial]() {
          return answers.shift() ?? latest;
        },
      },
    });
    t.like(anew.events[0], { kind: 'ready', alarms: [], ownProofs: latest });

    // Where the other key of our own is gone too, it is the token that is missed.
    await inToken(
      fixture,
      [id, ownKeys.sealing.id].map((gone) => ({ do: 'destroy', id: hex(gone) })),
    );
    await makeKey(anew);
    const both = await OpenPool.start(t, fixture, {
      ...{ prepare: false, makesKeys: true, ownProofs: { [first.serial]: latest } },
    });
    t.deepEqual(await both.call({ kind: 'health' }), {});
    await both.event(
      (event) => event.kind === 'own-keys' && event.alarms.join().includes('could not be made again'),
    );
    t.deepEqual(await inToken(fixture, [{ do: 'has', id: hex(id) }]), [false]);
    return undefined;
  },
);

/** Of the health key and of the sealing key. */
function isOfBoth(alarms: readonly string[]): boolean {
  return Object.values(ownKeys).every(({ label }) => alarms.some((alarm) => alarm.includes(label)));
}

async function isServed(t: ExecutionContext, open: OpenPool, made: Made): Promise<void> {
  const sealed = await open.call(encryptWith(made, true));
  const opened = await open.call(decryptOf(encryptWith(made), sealed));
  t.deepEqual(Buffer.from(opened.plaintext), plaintext);
}
