import type { KeyContext } from '../../src/keys/followers.ts';
import anyTest, { type TestFn } from 'ava';
import { CKR, TokenError } from '../../src/token/faults.ts';
import { monotonicNow } from '../../src/clock.ts';
import type { TokenRequest } from '../../src/token/messages.ts';
import { versionObjectId } from '../../src/token/own-keys.ts';
import { TokenPool } from '../../src/token/pool/token-pool.ts';
import {
  activateVersion,
  createCloudKey,
  findCloudKey,
  getCloudKey,
  rotateCloudKey,
  undoCreation,
  undoVersion,
  type CloudKeyRecord,
} from '../../src/keys/cloud-keys.ts';
import { bringToLimit, RotatingWorker } from '../support/limit-rotation.ts';
import { listVersions } from '../support/versions.ts';
import { generateVersion, versionToMake } from '../../src/keys/key-generation.ts';
import type { KeySet } from '../../src/keys/key-sets/key-sets.ts';
import { versionWritesInto, WriteRefusedError } from '../../src/keys/limit-rotation-writes.ts';
import { reconcile } from '../../src/reconcile/reconcile.ts';
import { managementDeadline, TokenPools, type TokenClient } from '../../src/vault/tokens.ts';
import { Shim } from '../../testing/shim.ts';
import { eventsOf, fresh, newKey, newKeySet, openVault, type TestVault } from '../../testing/vault.ts';

/*
 * Acts that end in the middle. One token host, so that what was asked later is done later: a look at the token after a
 * late key generation comes after it.
 */

const test = anyTest as TestFn<TestVault & { shim: Shim }>;

test.before(async (t) => {
  const shim = await Shim.create();
  t.context = { ...(await openVault(shim)), shim };
});
test.afterEach.always(async (t) => t.context.shim.clear());
test.after.always(async (t) => {
  await t.context.dispose();
  await t.context.shim.dispose();
});

const byReconcile = { actor: { kind: 'system' as const, id: '', name: 'reconcile' } };

/** The context with something between it and its token, which has `patience` milliseconds at the most to make a key. */
function contextWith(
  { vaultContext, tokens }: TestVault,
  between: (request: TokenRequest, pool: TokenClient) => unknown,
  patience = Infinity,
): KeyContext {
  const pool = tokens.pool('token');
  const client: TokenClient = {
    name: pool.name,
    members: pool.members,
    usable: true,
    health: 'ACTIVE',
    healthOf: () => 'ACTIVE',
    serialOf: (member) => pool.serialOf(member),
    hosts: pool.hosts,
    call: async (request, options) => {
      await between(request, pool);
      const last = request.kind === 'generateKey' ? monotonicNow() + patience : Infinity;
      const deadline = Math.min(options.deadline, last);
      return pool.call(request, { ...options, deadline });
    },
  };
  return { ...vaultContext, tokens: new TokenPools([client]) };
}

/**
 * Keys are late: the token has 400 ms, and takes 800 once it is {@link late}. Its host is awake as they begin: of what is late
 * before the host has read it no key is made.
 */
const hasty = (context: TestVault) =>
  contextWith(
    context,
    async ({ kind }, pool) => {
      if (kind === 'generateKey') await pool.call({ kind: 'health' }, managementDeadline());
    },
    400,
  );
const late = { call: 'C_GenerateKey', delayMicroseconds: 800_000, times: 1 } as const;

async function make(
  context: TestVault,
  vaultContext: KeyContext,
  keySet: KeySet,
  input: { name?: string; key?: string } = {},
) {
  const { act, vault } = context;
  const { name = fresh('key'), key } = input;
  return createCloudKey(
    vaultContext,
    act(key === undefined ? {} : { idempotencyKey: key }),
    vault.id,
    'all',
    {
      keySetId: keySet.id,
      name,
      externalKeyId: name,
    },
  );
}

async function isInToken({ tokens }: TestVault, { id }: { id: string }, version = 1): Promise<boolean> {
  try {
    const key = versionObjectId(id, version);
    await tokens.pool('token').call({ kind: 'inspectKey', key }, managementDeadline());
    return true;
  } catch (error) {
    if (error instanceof TokenError && error.fault === 'key-missing') return false;
    throw error;
  }
}

async function rememberedFor({ store }: TestVault, key: string): Promise<string | undefined> {
  const row = await store.db
    .selectFrom('idempotency_keys')
    .select('target_id')
    .where('key', '=', key)
    .executeTakeFirst();
  return row?.target_id;
}

/** A CloudKey whose making was too late: on record as CREATING, and nobody's. */
async function abandoned(context: TestVault & { shim: Shim }, keySet: KeySet, idempotencyKey: string) {
  await context.shim.set([late]);
  const name = fresh('late');
  await make(context, hasty(context), keySet, { name, key: idempotencyKey }).catch((error: unknown) => {
    if (!(error instanceof TokenError && error.fault === 'timeout')) throw error;
  });
  return findCloudKey(context.store, name);
}

async function versionsOf(vaultContext: KeyContext, key: CloudKeyRecord): Promise<string[]> {
  return (await listVersions(vaultContext, key)).map(({ version, state }) => `${version} ${state}`);
}

test.serial(
  'before the token is asked, record and Idempotency-Key say what is being made and by whom',
  async (t) => {
    const keySet = await newKeySet(t.context);
    const name = fresh('begun');
    let asked = 0;
    const vaultContext = contextWith(t.context, async ({ kind }) => {
      if (kind !== 'generateKey') return;
      asked++;
      const key = await findCloudKey(t.context.store, name);
      t.like(key, { state: 'CREATING', made_by: 'test-node/1', next_rotation_at: null });
      t.is(await rememberedFor(t.context, name), key.id);
      t.like((await listVersions(vaultContext, key))[0], { state: 'PENDING', made_by: 'test-node/1' });
      t.deepEqual(await eventsOf(t.context, key.id), []);
    });
    await make(t.context, vaultContext, keySet, { name, key: name });
    t.is(asked, 1);
  },
);

test.serial('when the token refuses, nothing is left behind, and the same request works later', async (t) => {
  const { vaultContext, shim, store } = t.context;
  const keySet = await newKeySet(t.context);
  const name = fresh('refused');
  await shim.set([{ call: 'C_GenerateKey', rv: CKR.TEMPLATE_INCONSISTENT }]);
  await t.throwsAsync(make(t.context, vaultContext, keySet, { name, key: name }), { instanceOf: TokenError });
  await t.throwsAsync(findCloudKey(store, name), { message: 'there is no such CloudKey' });
  t.is(await rememberedFor(t.context, name), undefined);
  await shim.clear();
  const key = await make(t.context, vaultContext, keySet, { name, key: name });
  t.is(key.state, 'AVAILABLE');
  t.is((await eventsOf(t.context, key.id)).length, 1);
});

test.serial(
  'when the token made the key but said that it did not, the key object is destroyed',
  async (t) => {
    const { shim, store } = t.context;
    const keySet = await newKeySet(t.context);
    const name = fresh('denied');
    let id = '';
    const vaultContext = contextWith(t.context, async ({ kind }) => {
      if (kind === 'generateKey') ({ id } = await findCloudKey(store, name));
      if (kind === 'destroyKey') t.true(await isInToken(t.context, { id }));
    });
    await shim.set([{ call: 'C_GenerateKey', rv: CKR.TEMPLATE_INCONSISTENT, forward: true }]);
    await t.throwsAsync(make(t.context, vaultContext, keySet, { name }), { instanceOf: TokenError });
    t.false(await isInToken(t.context, { id }));
    await t.throwsAsync(findCloudKey(store, name), { message: 'there is no such CloudKey' });
  },
);

test.serial('when no token host is up, nothing is left behind', async (t) => {
  const { vaultContext, store } = t.context;
  const keySet = await newKeySet(t.context);
  const name = fresh('unplugged');
  const down = new TokenPool('token', 1, () => undefined);
  down.close();
  const error = await t.throwsAsync(
    make(t.context, { ...vaultContext, tokens: new TokenPools([down]) }, keySet, { name }),
    { instanceOf: TokenError },
  );
  t.is(error?.fault, 'unavailable');
  await t.throwsAsync(findCloudKey(store, name), { message: 'there is no such CloudKey' });
});

test.serial('a token that the configuration does not name is not even asked', async (t) => {
  const { vaultContext } = t.context;
  const keySet = await newKeySet(t.context);
  await t.throwsAsync(make(t.context, { ...vaultContext, tokens: new TokenPools([]) }, keySet), {
    message: 'the configuration of this node does not name the token of the key set',
  });
});

test.serial(
  'a token that was late may have made the key: the record stays, nobody’s, until it is ended',
  async (t) => {
    const { vaultContext, act, vault } = t.context;
    const keySet = await newKeySet(t.context, { rotationDays: 30 });
    const key = await abandoned(t.context, keySet, 'late-1');
    t.like(key, { state: 'CREATING', made_by: '' });
    t.is(await rememberedFor(t.context, 'late-1'), key.id);
    await t.throwsAsync(make(t.context, vaultContext, keySet, { name: key.name }), {
      message: 'another CloudKey of the key set has this name',
    });
    t.true(await isInToken(t.context, key));
    const ended = await activateVersion(vaultContext, act(byReconcile), key, 1, 'interrupted', null);
    t.is(ended.state, 'AVAILABLE');
    t.not(ended.next_rotation_at, null);
    t.deepEqual(await activateVersion(vaultContext, act(byReconcile), key, 1, 'interrupted', null), ended);
    t.deepEqual(
      (await eventsOf(t.context, key.id)).map(({ action, actor_name }) => [action, actor_name]),
      [['cloud-key.create', 'reconcile']],
    );
    t.is((await getCloudKey(vaultContext, vault.id, 'all', key.id)).current_version, 1);
  },
);

test.serial('or it is undone, with its key object and its Idempotency-Key', async (t) => {
  const { vaultContext, store } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await abandoned(t.context, keySet, 'late-2');
  t.true(await isInToken(t.context, key));
  await undoCreation(vaultContext, keySet, key);
  t.false(await isInToken(t.context, key));
  await t.throwsAsync(findCloudKey(store, key.id), { message: 'there is no such CloudKey' });
  t.is(await rememberedFor(t.context, 'late-2'), undefined);
  const again = await make(t.context, vaultContext, keySet, { name: key.name, key: 'late-2' });
  t.is(again.state, 'AVAILABLE');
});

test.serial('nothing that was put into use meanwhile is undone', async (t) => {
  const { vaultContext, act, store } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await rotateCloudKey(vaultContext, act(), await newKey(t.context, keySet), 'asked');
  await undoCreation(vaultContext, keySet, key);
  await undoVersion(vaultContext, keySet, key, 2);
  t.true(await isInToken(t.context, key, 1));
  t.true(await isInToken(t.context, key, 2));
  t.deepEqual(await findCloudKey(store, key.id), key);
  t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE', '2 ACTIVE']);
});

test.serial('what is being undone is not put into use, and an undoing that failed is repeated', async (t) => {
  const { vaultContext, act, store } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await abandoned(t.context, keySet, 'late-3');
  const down = contextWith(t.context, () => {
    throw new TokenError('unavailable', 'pool');
  });
  await t.throwsAsync(undoCreation(down, keySet, key), { instanceOf: TokenError });
  await activateVersion(vaultContext, act(byReconcile), key, 1, 'interrupted', null);
  t.is((await findCloudKey(store, key.id)).state, 'CREATING');
  await undoCreation(vaultContext, keySet, key);
  t.false(await isInToken(t.context, key));
  await t.throwsAsync(findCloudKey(store, key.id), { message: 'there is no such CloudKey' });
});

test.serial('a creation whose undoing was cut short is undone by reconcile', async (t) => {
  const { vaultContext, act, vault, store, shim } = t.context;
  const keySet = await newKeySet(t.context);
  const name = fresh('cut-short');
  const breaking = contextWith(t.context, ({ kind }) => {
    if (kind === 'destroyKey') throw new TokenError('unavailable', 'pool');
  });
  await shim.set([{ call: 'C_GenerateKey', rv: CKR.TEMPLATE_INCONSISTENT }]);
  await t.throwsAsync(make(t.context, breaking, keySet, { name, key: name }), { instanceOf: TokenError });
  const key = await findCloudKey(store, name);
  t.is(key.state, 'CREATING');
  t.deepEqual(await versionsOf(vaultContext, key), ['1 DESTROYING']);
  await shim.clear();
  await reconcile(vaultContext, act(byReconcile), { askedBy: 'start', vaultId: vault.id });
  await t.throwsAsync(findCloudKey(store, name), { message: 'there is no such CloudKey' });
  t.is(await rememberedFor(t.context, name), undefined);
});

test.serial('a rotation that the token refused leaves the key as it was', async (t) => {
  const { vaultContext, act, shim, store } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await newKey(t.context, keySet);
  await shim.set([{ call: 'C_GenerateKey', rv: CKR.TEMPLATE_INCONSISTENT }]);
  await t.throwsAsync(rotateCloudKey(vaultContext, act(), key, 'asked'), { instanceOf: TokenError });
  t.deepEqual(await findCloudKey(store, key.id), key);
  t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE']);
  t.is((await eventsOf(t.context, key.id)).length, 1);
  await shim.clear();
  t.is((await rotateCloudKey(vaultContext, act(), key, 'asked')).current_version, 2);
});

test.serial('a rotation that was late hinders no other, and its number is never used again', async (t) => {
  const { vaultContext, act, shim, store } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await newKey(t.context, keySet);
  await bringToLimit(vaultContext, key);
  await shim.set([late]);
  const slow = new RotatingWorker(hasty(t.context));
  await t.throwsAsync(slow.rotate(key), { instanceOf: TokenError });
  t.like((await listVersions(vaultContext, key))[1], { state: 'PENDING', made_by: '' });
  t.is(await new RotatingWorker(vaultContext).rotate(key), 3);
  const rotated = await findCloudKey(store, key.id);
  t.true(await isInToken(t.context, key, 2));
  await undoVersion(vaultContext, keySet, key, 2);
  t.false(await isInToken(t.context, key, 2));
  t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE', '2 DESTROYED', '3 ACTIVE']);
  t.is((await rotateCloudKey(vaultContext, act(), rotated, 'asked')).current_version, 4);
});

test.serial('an overtaken rotation that ends later does not become current', async (t) => {
  const { vaultContext, act, shim } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  await shim.set([late]);
  const slow = hasty(t.context);
  await t.throwsAsync(rotateCloudKey(slow, act(), key, 'asked'), { instanceOf: TokenError });
  await rotateCloudKey(vaultContext, act(), key, 'asked');
  const ended = await activateVersion(vaultContext, act(byReconcile), key, 2, 'interrupted', null);
  t.is(ended.current_version, 3);
  t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE', '2 ACTIVE', '3 ACTIVE']);
});

test.serial(
  'an XKS worker, whose hosts destroy nothing, has what a failed rotation left destroyed later',
  async (t) => {
    const { vaultContext, shim, store } = t.context;
    const key = await newKey(t.context, await newKeySet(t.context));
    await bringToLimit(vaultContext, key);
    const onlyMakes = contextWith(t.context, ({ kind }) => {
      if (kind !== 'generateKey') throw new TokenError('internal', 'not for a worker');
    });
    await shim.set([{ call: 'C_GenerateKey', rv: CKR.TEMPLATE_INCONSISTENT }]);
    await t.throwsAsync(new RotatingWorker(onlyMakes).rotate(key), { instanceOf: TokenError });
    t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE', '2 DESTROYING']);
    t.is((await findCloudKey(store, key.id)).current_version, 1);
  },
);

test.serial('a rotation at the limit does not wait until somebody has decided on lost changes', async (t) => {
  const { vaultContext, act, store } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await newKey(t.context, keySet);
  const again = await newKey(t.context, keySet);
  // The lost time had rotated this one: the key object is there, its record is not.
  await generateVersion(vaultContext.tokens.pool('token'), versionToMake(keySet, again, 2));
  for (const one of [key, again]) await bringToLimit(vaultContext, one);
  await store.db
    .insertInto('lost_changes')
    .values({
      ...{ id: 'l', revision: 1, mark: null, kind: 'cloud-key', name: again.external_key_id, taken: '{}' },
      ...{ node_id: 'n', hostname: 'h', noticed_at: '', decided_at: null, decision: null },
    })
    .execute();
  t.teardown(async () => store.db.deleteFrom('lost_changes').execute());
  await t.throwsAsync(rotateCloudKey(vaultContext, act(), key, 'asked'), { message: /gone back in time/ });
  t.is(await new RotatingWorker(vaultContext).rotate(key), 2);
  t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE', '2 ACTIVE']);
  await t.throwsAsync(new RotatingWorker(vaultContext).rotate(again), {
    instanceOf: TokenError,
    message: /C_GenerateKey/,
  });
  t.deepEqual(await versionsOf(vaultContext, again), ['1 ACTIVE']);
  t.true(await isInToken(t.context, again, 2));
  await store.db.deleteFrom('lost_changes').execute();
});

test.serial('a rotation that no host had is taken back whole', async (t) => {
  const { vaultContext } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  await bringToLimit(vaultContext, key);
  const down = contextWith(t.context, () => {
    throw new TokenError('unavailable', 'pool');
  });
  await t.throwsAsync(new RotatingWorker(down).rotate(key), { instanceOf: TokenError });
  t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE']);
});

test.serial(
  'an XKS worker does not wait with its new version for a store that refuses it for good',
  async (t) => {
    const { vaultContext } = t.context;
    const key = await newKey(t.context, await newKeySet(t.context));
    await bringToLimit(vaultContext, key);
    const worker = new RotatingWorker(vaultContext, {
      activate: async () => {
        throw new WriteRefusedError('CHECK constraint failed');
      },
    });
    await t.throwsAsync(worker.rotate(key), { instanceOf: WriteRefusedError, message: /CHECK/ });
    t.deepEqual(worker.waited, []);
    t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE', '2 PENDING'], 'on record for reconcile');
  },
);

test.serial('an XKS worker waits with its new version until the store takes it', async (t) => {
  const { vaultContext, store } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  await bringToLimit(vaultContext, key);
  let asked = 0;
  const worker: RotatingWorker = new RotatingWorker(vaultContext, {
    activate: async (ask) => {
      asked++;
      if (asked === 1) throw new Error('the disk of the store is full');
      // The second time it is written, and the answer is lost.
      const current = await versionWritesInto(store, vaultContext.now, worker.instance).activate(ask);
      if (asked === 2) throw new Error('the writer of the store has ended');
      return current;
    },
  });
  const rotating = worker.rotate(key);
  t.is(await rotating, 2);
  t.is(asked, 3);
  t.deepEqual(worker.waited, ['the disk of the store is full']);
  t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE', '2 ACTIVE']);
  t.is((await eventsOf(t.context, key.id)).length, 2);
});

test.serial('a version whose CloudKey is gone when the store takes it is nobody’s to wait for', async (t) => {
  const { vaultContext, store } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  await bringToLimit(vaultContext, key);
  const worker: RotatingWorker = new RotatingWorker(vaultContext, {
    activate: async (ask) => {
      // As the tombstones of a vault go, key and versions at once.
      await store.db.deleteFrom('key_versions').where('cloud_key_id', '=', key.id).execute();
      await store.db.deleteFrom('cloud_keys').where('id', '=', key.id).execute();
      return versionWritesInto(store, vaultContext.now, worker.instance).activate(ask);
    },
  });
  t.is(await worker.rotate(key), undefined);
  t.deepEqual(worker.waited, []);
});

test.serial('a worker that never heard that its version was begun goes on with the same', async (t) => {
  const { vaultContext, store } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  await bringToLimit(vaultContext, key);
  let lost = true;
  const worker: RotatingWorker = new RotatingWorker(vaultContext, {
    begin: async (ask) => {
      const begun = await versionWritesInto(store, vaultContext.now, worker.instance).begin(ask);
      if (lost) throw new Error('the writer of the store has ended');
      return begun;
    },
  });
  await t.throwsAsync(worker.rotate(key), { message: 'the writer of the store has ended' });
  t.is(await new RotatingWorker(vaultContext).rotate(key), undefined, 'another leaves it to the first');
  lost = false;
  t.is(await worker.rotate(key), 2);
  t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE', '2 ACTIVE']);
});

for (const made of ['before', 'after'] as const)
  test.serial(
    `a worker that died ${made} its key object was made is followed by another, on a node without management too`,
    async (t) => {
      const { vaultContext, act, store, clock, vault } = t.context;
      t.teardown(() => {
        clock.ahead = 0;
      });
      const key = await newKey(t.context, await newKeySet(t.context));
      await bringToLimit(vaultContext, key);
      const dead = versionWritesInto(store, vaultContext.now, 'xks-worker/dead');
      const begun = await dead.begin({ cloudKeyId: key.id, current: 1 });
      t.is(begun?.version, 2);
      if (begun !== null && made === 'after') await generateVersion(vaultContext.tokens.pool('token'), begun);
      const next = new RotatingWorker(vaultContext);
      clock.ahead = 110_000;
      t.is(await next.rotate(key), undefined, 'it may be at it yet');
      clock.ahead = 130_000;
      t.is(await next.rotate(key), 3);
      t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE', '2 PENDING', '3 ACTIVE']);
      // Whoever was taken for dead, and is not, changes nothing of it.
      t.is(
        await versionWritesInto(store, vaultContext.now, next.instance).activate({
          cloudKeyId: key.id,
          version: 2,
          proof: null,
        }),
        3,
      );
      t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE', '2 PENDING', '3 ACTIVE']);
      // Once there is a management process, what was left is destroyed: nothing was encrypted with it.
      await reconcile(vaultContext, act(byReconcile), { askedBy: 'start', vaultId: vault.id });
      t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE', '2 DESTROYED', '3 ACTIVE']);
      t.false(await isInToken(t.context, key, 2));
      t.true(await isInToken(t.context, key, 3));
    },
  );

test.serial('a version of a key that was deleted meanwhile is not put into use', async (t) => {
  const { vaultContext, act, shim, store } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  await shim.set([late]);
  const slow = hasty(t.context);
  await t.throwsAsync(rotateCloudKey(slow, act(), key, 'asked'), { instanceOf: TokenError });
  await store.db.updateTable('cloud_keys').set({ state: 'DELETED' }).where('id', '=', key.id).execute();
  await activateVersion(vaultContext, act(byReconcile), key, 2, 'interrupted', null);
  t.deepEqual(await versionsOf(vaultContext, key), ['1 ACTIVE', '2 PENDING']);
});
