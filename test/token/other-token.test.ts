import test from 'ava';
import { encodeKeyIdentity } from '../../src/token/key-identity.ts';
import { LoginGate } from '../../src/token/login-gate.ts';
import {
  ownKeys,
  remediationOfNoRecord,
  remediationOfOtherToken,
  versionLabel,
  versionObjectId,
} from '../../src/token/own-keys.ts';
import type { RecordedToken } from '../../src/token/own-key-proofs.ts';
import { verifyConnection } from '../../src/token/keeper/verification.ts';
import { cloneSoftHsmToken } from '../../testing/cloned-token.ts';
import { inToken } from '../../testing/in-token.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { encryptOf, OpenPool, settingsFor, throwsFault } from './open-pool.ts';

/* Another token behind a name than the one that the store means: what it lacks is not missing, and nothing is made in it. */

const own = Object.values(ownKeys);
const { sealing, health } = ownKeys;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The one on record, and one of the same label that is another. */
const state = {} as { ours: TokenFixture; other: TokenFixture; recorded: RecordedToken; serial: string };

test.before('two tokens of one label', async () => {
  state.ours = await createSoftHsmToken();
  state.other = await createSoftHsmToken({ label: state.ours.label });
  const open = new OpenPool(state.ours);
  await open.startInTurn();
  const { ownProofs, serial } = await firstOf(open);
  await open.stop();
  state.serial = serial;
  state.recorded = { serials: [serial], proof: ownProofs[sealing.label] ?? '' };
});
test.after.always('they are removed', async () => {
  await Promise.all([state.ours.dispose(), state.other.dispose()]);
});

test.serial(
  'another token of the name is refused with both serial numbers, and no key is made in it',
  async (t) => {
    const { other, recorded, serial } = state;
    for (const prepare of [true, false]) {
      const open = new OpenPool(other, { recorded, prepare });
      t.teardown(async () => open.stop());
      open.startAll();
      const { problem, remediation } = await refusalOf(open);
      t.regex(problem, new RegExp(`^token "${other.label}" \\(serial [0-9a-f]+\\) does not hold the keys`));
      t.true(problem.includes(`of serial ${serial}: key "${sealing.label}": key-missing`), problem);
      t.is(remediation, remediationOfOtherToken);
      await open.stop();
    }
    t.deepEqual(
      await inToken(
        other,
        own.map(({ id }) => ({ do: 'has', id: hex(id) })),
      ),
      [false, false],
    );
    const { ok, steps } = await verifyConnection(settingsFor(other, { recorded }, false), new LoginGate());
    t.false(ok);
    t.regex(steps.at(-1)?.detail ?? '', /does not hold the keys/);
  },
);

test.serial(
  'one with keys of its own is refused all the same, and one that nothing is on record of',
  async (t) => {
    const { other, recorded } = state;
    const theirs = await OpenPool.start(t, other, { recorded: 'none' });
    const { ownProofs, serial } = await firstOf(theirs);
    await theirs.stop();
    // As one that was taken for ours by a release of before.
    const taken = { recorded, ownProofs: { [serial]: ownProofs }, prepare: false };
    for (const [setUp, words] of [
      [{ recorded, prepare: false }, /does not open the proof/],
      [taken, /does not open the proof/],
    ] as const) {
      const open = new OpenPool(other, setUp);
      t.teardown(async () => open.stop());
      open.startAll();
      t.regex((await refusalOf(open)).problem, words);
      await open.stop();
    }
    const unknown = new OpenPool(other, { recorded: 'none', prepare: false });
    t.teardown(async () => unknown.stop());
    unknown.startAll();
    t.is((await refusalOf(unknown)).remediation, remediationOfNoRecord);
  },
);

test.serial('the same keys under another serial number are the token on record', async (t) => {
  const { ours, recorded, serial } = state;
  const clone = await cloneSoftHsmToken(ours, serial);
  t.teardown(async () => clone.dispose());
  for (const prepare of [true, false]) {
    const open = await OpenPool.start(t, clone, { recorded, prepare });
    const told = await firstOf(open);
    t.not(told.serial, serial);
    t.deepEqual([told.made, told.alarms], [[], []]);
    t.is(told.ownProofs[sealing.label], recorded.proof, 'it goes on record by the same proof');
    t.deepEqual(await open.makeKey(`made ${prepare}`), Buffer.from(`made ${prepare}`));
    await open.stop();
  }
});

test.serial(
  'without the sealing key on record keys are used, and none is made, listed, missed or destroyed',
  async (t) => {
    const fixture = await createSoftHsmToken();
    t.teardown(async () => fixture.dispose());
    const before = await OpenPool.start(t, fixture);
    const { serial, ownProofs } = await firstOf(before);
    await before.stop();
    const recorded = { serials: [serial], proof: ownProofs[sealing.label] ?? '' };
    const open = await OpenPool.start(t, fixture, { recorded, prepare: false });
    const key = await open.makeKey('used');
    const destroy = {
      kind: 'destroyKey',
      key: versionObjectId('00000000-0000-4000-8000-000000000000', 1),
      identity: encodeKeyIdentity({
        label: versionLabel('00000000-0000-4000-8000-000000000000', 'gone', 1),
        binding: Buffer.alloc(32),
        proof: Buffer.alloc(0),
      }),
    } as const;
    t.deepEqual(await open.call(destroy), { destroyed: 0 }, 'a destruction can be repeated');

    // What is remembered of the key is of no account: a destruction looks anew.
    await inToken(fixture, [
      { do: 'destroy', id: hex(sealing.id) },
      { do: 'generate', id: hex(sealing.id), label: sealing.label },
    ]);
    await throwsFault(t, 'other-token', open.call(destroy));
    for (const request of [
      { kind: 'listKeys', after: Buffer.alloc(0), limit: 10 },
      { kind: 'inspectKey', key },
      { kind: 'findKey', label: 'used' },
      { kind: 'makeProof', key, identity: destroy.identity },
      { kind: 'restrictKey', key, label: 'used' },
    ] as const)
      await throwsFault(t, 'other-token', open.call(request), request.kind);
    await throwsFault(t, 'other-token', open.makeKey('another'));
    const usedStill = encodeKeyIdentity({ label: 'used', binding: Buffer.alloc(32), proof: Buffer.alloc(0) });
    await open.call(encryptOf(key, Buffer.from('data'), { identity: usedStill }));
    t.deepEqual(await open.call({ kind: 'health' }), {});
    await open.event((event) => event.kind === 'own-keys' && event.alarms.join().includes(sealing.label));
    t.deepEqual(await inToken(fixture, [{ do: 'has', id: hex(health.id) }]), [true]);
  },
);

async function firstOf(open: OpenPool) {
  const ready = await open.event((event) => event.kind === 'ready');
  if (ready.kind !== 'ready') throw new Error('no host');
  return ready;
}

/** Why the first host could not start; one that starts is not waited out. */
async function refusalOf(open: OpenPool) {
  const told = await open.event(({ kind }) => kind === 'failed' || kind === 'ready');
  if (told.kind !== 'failed') throw new Error('the token is used');
  return told;
}
