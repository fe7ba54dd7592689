import { randomBytes, randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { monotonicNow } from '../../src/clock.ts';
import { bindingOf, encodeKeyIdentity } from '../../src/token/key-identity.ts';
import { ownKeys, remediationOfOtherToken, versionLabel, versionObjectId } from '../../src/token/own-keys.ts';
import { cloneSoftHsmToken } from '../../testing/cloned-token.ts';
import { inToken } from '../../testing/in-token.ts';
import { Shim } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { labelled } from '../support/key-identity.ts';
import { waitUntil } from '../support/steady-load.ts';
import { decryptOf, encryptOf, OpenPool, throwsFault, type PoolSetUp } from './open-pool.ts';

/* Two HSMs that hold the same keys: what one does not answer, the other does, and an answer is never another key's. */

interface Made {
  id: Buffer;
  label: string;
  identity: Buffer;
}

const state = {} as {
  a: TokenFixture;
  b: TokenFixture;
  shim: Shim;
  keys: Made[];
  group: OpenPool;
  recorded: { serials: string[]; proof: string };
};
const plaintext = randomBytes(40);
const limits = { healthInterval: 500, sickAfter: 500, killAfter: 2_000 };
const both = () => [
  { name: 'a', fixture: state.a },
  { name: 'b', fixture: state.b, shim: state.shim },
];
const hex = (id: Buffer) => id.toString('hex');

test.before(async () => {
  state.a = await createSoftHsmToken();
  const first = new OpenPool(state.a);
  await first.startInTurn();
  const [ready] = first.events;
  if (ready?.kind !== 'ready') throw new Error('no host');
  state.keys = [];
  for (let count = 0; count < 5; count++) state.keys.push(await makeKey(first));
  await first.stop();
  state.recorded = {
    serials: [ready.serial],
    proof: ready.ownProofs[ownKeys.sealing.label] ?? '',
  };
  state.b = await cloneSoftHsmToken(state.a, ready.serial);
  state.shim = await Shim.create(state.b.module);
  state.group = new OpenPool(state.a, { ...setUp(), members: both() });
  state.group.startAll();
  await state.group.allReady();
});

test.after.always(async () => {
  await state.group?.stop();
  await state.shim?.dispose();
  await state.b?.dispose();
  await state.a?.dispose();
});

function setUp(): PoolSetUp {
  return { hosts: 2, prepare: false, recorded: state.recorded, limits };
}

async function makeKey(open: OpenPool): Promise<Made> {
  const [vaultId, keySetId, externalKeyId, cloudKeyId] = Array.from({ length: 4 }, () => randomUUID()) as [
    string,
    string,
    string,
    string,
  ];
  const id = versionObjectId(cloudKeyId, 1);
  const label = versionLabel(keySetId, externalKeyId, 1);
  const binding = bindingOf({ vaultId, keySetId, externalKeyId, cloudKeyId, version: 1, objectId: id });
  const usage = { encrypt: true, decrypt: true };
  const { proof } = await open.call({ kind: 'generateKey', key: id, label, binding, ...usage });
  return { id, label, identity: encodeKeyIdentity({ label, binding, proof }) };
}

function key(index: number): Made {
  return state.keys[index] ?? { id: Buffer.alloc(0), label: '', identity: Buffer.alloc(0) };
}

const encryptWith = ({ id, identity }: Made) => encryptOf(id, plaintext, { identity });

function pidsOf(member: string): number[] {
  return state.group.pool.hosts.filter((host) => host.member === member).map(({ pid }) => pid);
}

/** So many at once, each encrypted and read again. Gives the calls, and what the process ids were that answered. */
async function useMany(t: ExecutionContext, made: Made, count = 24) {
  const calls = await Promise.all(
    Array.from({ length: count }, async () => state.group.callAt(encryptWith(made))),
  );
  for (const { value } of calls)
    t.deepEqual(
      Buffer.from((await state.group.call(decryptOf(encryptWith(made), value))).plaintext),
      plaintext,
    );
  return calls;
}

test.serial('requests go to both HSMs, and each reads what the other has written', async (t) => {
  const calls = await useMany(t, key(0));
  const hosts = new Set(calls.map(({ host }) => host));
  for (const member of ['a', 'b'])
    t.true(
      pidsOf(member).some((pid) => hosts.has(pid)),
      member,
    );
  t.deepEqual(state.group.pool.members, ['a', 'b']);
  const { value } = await state.group.pool.call(encryptWith(key(0)), inTime({ member: 'a' }));
  const read = await state.group.pool.call(decryptOf(encryptWith(key(0)), value), inTime({ member: 'b' }));
  t.deepEqual(Buffer.from(read.value.plaintext), plaintext);
  t.true(pidsOf('b').includes(read.host));
  // A host that gets no core for half a second is sick until it does.
  await t.notThrowsAsync(waitUntil(() => state.group.pool.health === 'ACTIVE'));
});

test.serial(
  'a key that one HSM lacks is used on the other, and the detour is not made each time',
  async (t) => {
    await inToken(state.b, [{ do: 'destroy', id: hex(key(1).id) }]);
    const calls = await useMany(t, key(1));
    t.true(calls.every(({ host }) => pidsOf('a').includes(host)));
    const told = calls.flatMap(({ notOn }) => Array.from(notOn ?? []));
    t.true(told.length > 0);
    t.true(told.every(([member, { fault }]) => member === 'b' && fault === 'key-missing'));
    for (let count = 0; count < 6; count++)
      t.is((await state.group.callAt(encryptWith(key(1)))).notOn, undefined);
    await t.notThrowsAsync(
      waitUntil(() => state.group.pool.health === 'ACTIVE'),
      'the HSM itself is well',
    );
    await throwsFault(t, 'key-missing', state.group.pool.call(encryptWith(key(1)), inTime({ member: 'b' })));
    await inToken(state.a, [{ do: 'destroy', id: hex(key(1).id) }]);
    const error = await throwsFault(t, 'key-missing', state.group.call(encryptWith(key(1))));
    t.regex(error?.detail ?? '', /a: .*b: |b: .*a: /s);
  },
);

test.serial('another key object in the place of a key on one HSM is never used, and is told', async (t) => {
  const sealed = await Promise.all(
    Array.from({ length: 8 }, async () => state.group.call(encryptWith(key(2)))),
  );
  await inToken(state.b, [
    { do: 'destroy', id: hex(key(2).id) },
    { do: 'generate', id: hex(key(2).id), label: key(2).label },
  ]);
  const calls = await useMany(t, key(2));
  const told = calls.flatMap(({ notOn }) => Array.from(notOn?.values() ?? []));
  t.true(told.length > 0 && told.every(({ fault }) => fault === 'key-unfit'));
  for (const one of sealed)
    t.deepEqual(
      Buffer.from((await state.group.call(decryptOf(encryptWith(key(2)), one))).plaintext),
      plaintext,
      'nothing that was written before is told to be bad',
    );
  await inToken(state.a, [{ do: 'destroy', id: hex(key(2).id) }]);
  await throwsFault(t, 'key-unfit', state.group.call(encryptWith(key(2))), 'the graver of the two');
});

test.serial('what changes or lists key objects is refused where it names no member', async (t) => {
  const [id, none] = [versionObjectId(randomUUID(), 1), Buffer.alloc(0)];
  const label = versionLabel(randomUUID(), 'x', 1);
  for (const request of [
    { kind: 'generateKey', key: id, label, binding: none, encrypt: true, decrypt: true },
    { kind: 'destroyKey', key: key(3).id, identity: key(3).identity },
    { kind: 'restrictKey', key: key(3).id, label: key(3).label },
    { kind: 'listKeys', after: none, limit: 1 },
  ] as const) {
    const error = await throwsFault(t, 'internal', state.group.call(request));
    t.is(error?.call, 'HSM group', request.kind);
  }
  await state.group.call(encryptWith(key(3)));
  for (const member of ['a', 'b'])
    await throwsFault(
      t,
      'key-missing',
      state.group.pool.call({ kind: 'inspectKey', key: id }, inTime({ member })),
    );
});

test.serial('a key without a proof is used on the first HSM alone', async (t) => {
  const bare = { ...key(3), identity: labelled(key(3).label) };
  const calls = await useMany(t, bare);
  t.true(calls.every(({ host }) => pidsOf('a').includes(host)));
});

test.serial(
  'of two HSMs one hangs: every request is answered, and it is told until it is back',
  async (t) => {
    const { group, shim } = state;
    const sealed = await group.call(encryptWith(key(4)));
    const already = group.events.length;
    await shim.set([{ call: '*', hang: true }]);
    await useMany(t, key(4), 64);
    // Killed for its silence; those that take its place hang at their start.
    await group.event((event) => event.kind === 'gone', already);
    await t.notThrowsAsync(
      waitUntil(() => group.pool.health === 'DEGRADED' && group.pool.healthOf('a') === 'ACTIVE'),
    );
    while (group.pool.healthOf('b') !== 'UNAVAILABLE') await useMany(t, key(4), 4);
    for (let count = 0; count < 8; count++) {
      const { host } = await group.callAt(decryptOf(encryptWith(key(4)), sealed));
      t.true(pidsOf('a').includes(host));
    }
    await shim.clear();
  },
);

test.serial(
  'what waits for the one HSM that hangs keeps nothing waiting that the other can do',
  async (t) => {
    const { group, shim } = state;
    await group.allReady();
    await shim.set([{ call: '*', hang: true }]);
    // More than its hosts take at once, so that some wait.
    const stuck = Array.from({ length: 200 }, async () =>
      group.pool.call(encryptWith(key(4)), { deadline: monotonicNow() + 60_000, member: 'b' }),
    );
    const settled = Promise.allSettled(stuck).then(() => 'b');
    const served = useMany(t, key(4)).then(() => 'a');
    t.is(await Promise.race([served, settled]), 'a');
    await shim.clear();
    await settled;
  },
);

test.serial('an HSM with other keys than the store means is refused, and the others serve', async (t) => {
  const other = await createSoftHsmToken();
  t.teardown(async () => other.dispose());
  await (await OpenPool.start(t, other)).stop();
  const open = new OpenPool(state.a, {
    ...setUp(),
    members: [
      { name: 'a', fixture: state.a },
      { name: 'other', fixture: other },
    ],
  });
  t.teardown(async () => open.stop());
  open.startAll();
  const failed = await open.failure();
  t.is(failed.remediation, remediationOfOtherToken);
  await open.event((event) => event.kind === 'ready');
  const { value } = await open.callAt(encryptWith(key(4)));
  t.deepEqual(Buffer.from((await open.call(decryptOf(encryptWith(key(4)), value))).plaintext), plaintext);
  t.is(open.pool.healthOf('other'), 'UNAVAILABLE');
  t.is(open.pool.health, 'DEGRADED');
});

function inTime(options: { member: string }) {
  return { deadline: monotonicNow() + 10_000, ...options };
}
