import { randomUUID } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import { SeenVersion } from '../../src/store/act-transaction.ts';
import { IdempotencyConflictError } from '../../src/evidence/trail.ts';
import { findCloudKey, rotateCloudKey, scheduleDeletion, updateCloudKey } from '../../src/keys/cloud-keys.ts';
import { issueCredential, withdrawCredential } from '../../src/keys/credentials/credentials.ts';
import { createCspAccount } from '../../src/cloud/accounts/accounts.ts';
import type { Sight } from '../../src/vault/context.ts';
import { unusedAws } from '../../testing/aws-settings.ts';
import {
  createKeySet,
  deleteKeySet,
  findKeySet,
  freezeKeySet,
  getKeySet,
  listKeySets,
  thawKeySet,
  updateKeySet,
} from '../../src/keys/key-sets/key-sets.ts';
import {
  eventsOf,
  fresh,
  insertGroup,
  insertVault,
  newKey,
  newKeySet,
  openVault,
  type TestVault,
} from '../../testing/vault.ts';
import { unfinishedSteps } from '../../src/schedules/unfinished-steps.ts';
import { finishWork } from '../../src/vault/unfinished-work.ts';
import { findVault } from '../../src/vault/vaults.ts';

const test = anyTest as TestFn<TestVault>;

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

const day = 86_400_000;

/** What destruction does at the end of the waiting time, as far as records go. */
async function bury({ store, clock }: TestVault, keyId: string): Promise<void> {
  const deleted_at = new Date(Date.now() + clock.ahead).toISOString();
  await store.db
    .updateTable('key_versions')
    .set({ state: 'DESTROYED', destroyed_at: deleted_at })
    .where('cloud_key_id', '=', keyId)
    .execute();
  await store.db
    .updateTable('cloud_keys')
    .set({ state: 'DELETED', deleted_at })
    .where('id', '=', keyId)
    .execute();
}

test('a path prefix belongs to one key set of all vaults, no prefix to any number', async (t) => {
  const { vaultContext, act, store } = t.context;
  const elsewhere = await insertVault(store, fresh('vault'));
  await newKeySet(t.context, { pathPrefix: '/taken/' });
  for (const vaultId of [t.context.vault.id, elsewhere.id])
    await t.throwsAsync(
      createKeySet(vaultContext, act(), vaultId, 'all', {
        name: fresh('set'),
        token: 'token',
        pathPrefix: 'taken',
      }),
      { message: 'another key set has this path prefix' },
    );
  await newKeySet(t.context, { pathPrefix: '' });
  await t.notThrowsAsync(newKeySet(t.context, { pathPrefix: '' }));
});

test('a name is unique within its vault, and free in another', async (t) => {
  const { vaultContext, act, store } = t.context;
  const elsewhere = await insertVault(store, fresh('vault'));
  const { name } = await newKeySet(t.context);
  await t.throwsAsync(newKeySet(t.context, { name, pathPrefix: '' }), {
    message: 'another key set of the vault has this name',
  });
  await t.notThrowsAsync(createKeySet(vaultContext, act(), elsewhere.id, 'all', { name, token: 'token' }));
  await t.throwsAsync(findKeySet(store, name), { message: 'more than one vault has a key set of this name' });
  const other = await newKeySet(t.context);
  await t.throwsAsync(
    updateKeySet(vaultContext, act(), { vaultId: t.context.vault.id, sight: 'all', id: other.id }, { name }),
    {
      message: 'another key set of the vault has this name',
    },
  );
});

test('a path prefix that AWS would not take is refused whole', async (t) => {
  for (const pathPrefix of ['a b', 'ä', 'a//b', 'a.b', 'x'.repeat(117), 'kms/xks/v1', 'a?b'])
    await t.throwsAsync(newKeySet(t.context, { name: 'refused', pathPrefix }), { name: 'NameError' });
  await t.throwsAsync(findKeySet(t.context.store, 'refused'), { name: 'VaultError' });
});

test('a key set is made, changed, frozen, thawed and deleted, each act on the record once', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const { id } = await newKeySet(t.context, { quota: { requestsPerSecond: 20 } });
  const changed = await updateKeySet(
    vaultContext,
    act(),
    { vaultId: vault.id, sight: 'all', id, expected: new SeenVersion(1) },
    { description: 'new', quota: null },
  );
  t.like(changed, { description: 'new', quota_rate: null, quota_burst: null, row_version: 2 });
  const frozen = await freezeKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id });
  t.not(frozen.frozen_at, null);
  t.deepEqual(await freezeKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id }), frozen);
  t.is((await thawKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id })).frozen_at, null);
  t.is((await thawKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id })).row_version, 4);
  await deleteKeySet(vaultContext, act(), {
    vaultId: vault.id,
    sight: 'all',
    id,
    expected: new SeenVersion(4),
  });
  await t.throwsAsync(getKeySet(vaultContext, vault.id, 'all', id), { message: 'there is no such key set' });
  const events = await eventsOf(t.context, id);
  t.deepEqual(
    events.map(({ action, actor_name, address, vault_id }) => [action, actor_name, address, vault_id]),
    ['create', 'update', 'freeze', 'thaw', 'delete'].map((verb) => [
      `key-set.${verb}`,
      'ada',
      '192.0.2.7',
      vault.id,
    ]),
  );
  t.is(events[1]?.before, '{"description":"","quota":{"requestsPerSecond":20,"burst":20}}');
  t.is(events[1]?.after, '{"description":"new","quota":null}');
});

test('whoever has not seen the last change is refused, and nothing is done', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const { id } = await newKeySet(t.context);
  await updateKeySet(
    vaultContext,
    act(),
    { vaultId: vault.id, sight: 'all', id, expected: new SeenVersion(1) },
    { description: 'one' },
  );
  for (const late of [
    updateKeySet(
      vaultContext,
      act(),
      { vaultId: vault.id, sight: 'all', id, expected: new SeenVersion(1) },
      { description: 'two' },
    ),
    freezeKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id, expected: new SeenVersion(1) }),
    thawKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id, expected: new SeenVersion(1) }),
    deleteKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id, expected: new SeenVersion(1) }),
  ])
    t.like(await t.throwsAsync(late, { name: 'VaultError' }), { problem: 'precondition' });
  t.like(await getKeySet(vaultContext, vault.id, 'all', id), { description: 'one', frozen_at: null });
  t.is((await eventsOf(t.context, id)).length, 2);
});

test('of several who change the same version at once one succeeds', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const { id } = await newKeySet(t.context);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 8 }, async (_, n) =>
      updateKeySet(
        vaultContext,
        act(),
        { vaultId: vault.id, sight: 'all', id, expected: new SeenVersion(1) },
        { description: `by ${n}` },
      ),
    ),
  );
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  t.is((await getKeySet(vaultContext, vault.id, 'all', id)).row_version, 2);
});

test('an Idempotency-Key is remembered with the key set, and a second key set is not made with it', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const made = await createKeySet(vaultContext, act({ idempotencyKey: 'once' }), vault.id, 'all', {
    name: fresh('set'),
    token: 'token',
  });
  const { target_id } = await store.db
    .selectFrom('idempotency_keys')
    .select('target_id')
    .where('key', '=', 'once')
    .executeTakeFirstOrThrow();
  t.is(target_id, made.id);
  const name = fresh('set');
  await t.throwsAsync(
    createKeySet(vaultContext, act({ idempotencyKey: 'once' }), vault.id, 'all', { name, token: 'token' }),
    { instanceOf: IdempotencyConflictError },
  );
  await t.throwsAsync(findKeySet(store, name), { name: 'VaultError' });
});

test('the token must be one that the vault may use and the configuration names', async (t) => {
  const { vaultContext, act, store } = t.context;
  const elsewhere = await insertVault(store, fresh('vault'), ['unplugged']);
  const make = async (token: string) =>
    createKeySet(vaultContext, act(), elsewhere.id, 'all', { name: fresh('set'), token });
  await t.throwsAsync(make('token'), { message: 'the vault may not use this token' });
  await t.throwsAsync(make('unplugged'), { message: 'the configuration of this node has no such token' });
});

test('a cloud admin makes and sees key sets of their admin groups only', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const [mine, theirs] = [
    await insertGroup(store, vault.id, fresh('group')),
    await insertGroup(store, vault.id, fresh('group')),
  ];
  const make = async (adminGroupId: string | null) =>
    createKeySet(vaultContext, act(), vault.id, [mine], { name: fresh('set'), token: 'token', adminGroupId });
  await t.throwsAsync(make(null), { message: 'it must belong to an admin group' });
  await t.throwsAsync(make(theirs), { message: 'you are not in this admin group' });
  // As for one that there is not: which others there are is not for them to know.
  await t.throwsAsync(make(randomUUID()), { message: 'you are not in this admin group' });
  await t.throwsAsync(
    createKeySet(vaultContext, act(), vault.id, 'all', {
      name: fresh('set'),
      token: 'token',
      adminGroupId: randomUUID(),
    }),
    {
      message: 'the vault has no such admin group',
    },
  );
  const { id } = await make(mine);
  t.is((await findVault(store.db, vault.id, [mine])).key_sets, 1);
  t.is((await findVault(store.db, vault.id, [theirs])).key_sets, 0);
  t.is((await findVault(store.db, vault.id, [])).key_sets, 0);
  const input = { adminGroupId: theirs };
  await t.throwsAsync(updateKeySet(vaultContext, act(), { vaultId: vault.id, sight: [mine], id }, input), {
    message: 'you are not in this admin group',
  });
  await t.throwsAsync(
    updateKeySet(vaultContext, act(), { vaultId: vault.id, sight: [mine], id }, { adminGroupId: null }),
    {
      message: 'it must belong to an admin group',
    },
  );
  const hidden = { message: 'there is no such key set' };
  await t.throwsAsync(getKeySet(vaultContext, vault.id, [theirs], id), hidden);
  await t.throwsAsync(freezeKeySet(vaultContext, act(), { vaultId: vault.id, sight: [theirs], id }), hidden);
  await t.throwsAsync(deleteKeySet(vaultContext, act(), { vaultId: vault.id, sight: [theirs], id }), hidden);
  await t.throwsAsync(getKeySet(vaultContext, vault.id, [], id), hidden);
  const ownerless = await newKeySet(t.context);
  await t.throwsAsync(getKeySet(vaultContext, vault.id, [mine], ownerless.id), hidden);
  const { items } = await listKeySets(vaultContext, vault.id, [mine], {}, { limit: 200 });
  t.deepEqual(
    items.map((row) => row.id),
    [id],
  );
});

test('the CSP account must be one of the same vault that they see', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const elsewhere = await insertVault(store, fresh('vault'));
  const [mine, theirs, foreign] = [
    await insertGroup(store, vault.id, fresh('group')),
    await insertGroup(store, vault.id, fresh('group')),
    await insertGroup(store, elsewhere.id, fresh('group')),
  ];
  const account = async (vaultId: string, adminGroupId: string) =>
    (
      await createCspAccount({ ...vaultContext, aws: unusedAws() }, act(), vaultId, 'all', {
        name: fresh('account'),
        adminGroupId,
      })
    ).id;
  const make = async (cspAccountId: string, sight: Sight = [mine]) =>
    createKeySet(vaultContext, act(), vault.id, sight, {
      name: fresh('set'),
      token: 'token',
      adminGroupId: mine,
      cspAccountId,
    });
  const refused = { message: 'there is no such CSP account' };
  await t.throwsAsync(make(await account(vault.id, theirs)), refused);
  await t.throwsAsync(make(await account(elsewhere.id, foreign), 'all'), refused);
  await t.notThrowsAsync(make(await account(vault.id, theirs), 'all'));
  await t.notThrowsAsync(make(await account(vault.id, mine)));
});

test('another vault finds nothing, by reading or by acting', async (t) => {
  const { vaultContext, act, store } = t.context;
  const elsewhere = await insertVault(store, fresh('vault'));
  const { id } = await newKeySet(t.context);
  const hidden = { message: 'there is no such key set' };
  await t.throwsAsync(getKeySet(vaultContext, elsewhere.id, 'all', id), hidden);
  await t.throwsAsync(
    updateKeySet(vaultContext, act(), { vaultId: elsewhere.id, sight: 'all', id }, { description: 'x' }),
    hidden,
  );
  await t.throwsAsync(freezeKeySet(vaultContext, act(), { vaultId: elsewhere.id, sight: 'all', id }), hidden);
  await t.throwsAsync(thawKeySet(vaultContext, act(), { vaultId: elsewhere.id, sight: 'all', id }), hidden);
  await t.throwsAsync(deleteKeySet(vaultContext, act(), { vaultId: elsewhere.id, sight: 'all', id }), hidden);
});

test('token and path prefix stay once there are CloudKeys or live credentials', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const edit = async (id: string, pathPrefix: string) =>
    updateKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id }, { pathPrefix });
  const unused = await newKeySet(t.context);
  t.is((await edit(unused.id, fresh('moved'))).row_version, 2);
  const withKey = await newKeySet(t.context);
  await newKey(t.context, withKey);
  await t.throwsAsync(edit(withKey.id, fresh('moved')), {
    message: 'token and path prefix cannot change: the key set has CloudKeys',
  });
  await t.notThrowsAsync(edit(withKey.id, `/${withKey.path_prefix}/`));
  const withCredential = await newKeySet(t.context);
  const { accessKeyId } = await issueCredential(vaultContext, act(), withCredential);
  await t.throwsAsync(edit(withCredential.id, fresh('moved')), {
    message: 'token and path prefix cannot change: the key set has live credentials',
  });
  await withdrawCredential(vaultContext, act(), withCredential, { accessKeyId });
  await t.notThrowsAsync(edit(withCredential.id, fresh('moved')));
});

test('a key set is deleted only when its CloudKeys are DELETED and its credentials withdrawn', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await newKey(t.context, keySet);
  const { accessKeyId } = await issueCredential(vaultContext, act(), keySet);
  const remove = async () =>
    deleteKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: keySet.id });
  await t.throwsAsync(remove(), { message: 'it cannot be deleted: the key set has CloudKeys' });
  await scheduleDeletion(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: key.id }, 7);
  await t.throwsAsync(remove(), { message: 'it cannot be deleted: the key set has CloudKeys' });
  await store.db.updateTable('cloud_keys').set({ state: 'DELETED' }).where('id', '=', key.id).execute();
  await t.throwsAsync(remove(), {
    message: 'it cannot be deleted: key objects of its deleted CloudKeys are still in the token',
  });
  await bury(t.context, key.id);
  await t.throwsAsync(remove(), { message: 'it cannot be deleted: the key set has live credentials' });
  await withdrawCredential(vaultContext, act(), keySet, { accessKeyId });
  await t.notThrowsAsync(remove());
});

test('an external key id is never given again, not even after its key set is gone', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const keySet = await newKeySet(t.context);
  const other = await newKeySet(t.context);
  const key = await newKey(t.context, keySet);
  await bury(t.context, key.id);
  const again = { message: 'another CloudKey has, or had, this external key id' };
  await t.throwsAsync(newKey(t.context, other, { externalKeyId: key.external_key_id }), again);
  await deleteKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: keySet.id });
  await t.throwsAsync(newKey(t.context, other, { externalKeyId: key.external_key_id }), again);
});

test('lists count CloudKeys that are not DELETED, and filter', async (t) => {
  const { vaultContext, act, store } = t.context;
  const elsewhere = await insertVault(store, fresh('vault'));
  const there = { ...t.context, vault: elsewhere };
  const [one, other] = [
    await newKeySet(there, { name: 'alpha/one' }),
    await newKeySet(there, { name: 'alpha_two' }),
  ];
  await newKey(there, one);
  await bury(there, (await newKey(there, one)).id);
  await freezeKeySet(vaultContext, act(), { vaultId: elsewhere.id, sight: 'all', id: other.id });
  const list = async (filter: Parameters<typeof listKeySets>[3]) =>
    (await listKeySets(vaultContext, elsewhere.id, 'all', filter, { limit: 50 })).items.map(
      ({ name, cloud_keys }) => `${name} ${cloud_keys}`,
    );
  t.deepEqual(await list({}), ['alpha/one 1', 'alpha_two 0']);
  t.deepEqual(await list({ name: 'alpha_' }), ['alpha_two 0']);
  t.deepEqual(await list({ name: 'ALPHA' }), []);
  t.deepEqual(await list({ state: 'FROZEN' }), ['alpha_two 0']);
  t.deepEqual(await list({ state: 'ACTIVE' }), ['alpha/one 1']);
  t.deepEqual(await list({ token: 'other' }), []);
});

test.serial(
  'CloudKeys that inherit follow a new schedule of the key set, counted from their last rotation',
  async (t) => {
    const { vaultContext, act, vault, clock, store } = t.context;
    const keySet = await newKeySet(t.context, { rotationDays: 90 });
    const [inheriting, own, never, tombstone] = [
      await newKey(t.context, keySet),
      await newKey(t.context, keySet, { rotation: { kind: 'DAYS', days: 30 } }),
      await newKey(t.context, keySet, { rotation: { kind: 'NEVER' } }),
      await newKey(t.context, keySet),
    ];
    await scheduleDeletion(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: tombstone.id }, 7);
    const next = async ({ id }: { id: string }) =>
      store.db.selectFrom('cloud_keys').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    const due = (key: { rotated_at: string }, days: number) =>
      new Date(Date.parse(key.rotated_at) + days * day).toISOString();
    t.is((await next(inheriting)).next_rotation_at, due(inheriting, 90));
    clock.ahead = 20 * day;
    t.teardown(() => {
      clock.ahead = 0;
    });
    await updateKeySet(
      vaultContext,
      act(),
      { vaultId: vault.id, sight: 'all', id: keySet.id },
      { rotationDays: 40 },
    );
    t.is((await next(inheriting)).next_rotation_at, due(inheriting, 40));
    t.is((await next(inheriting)).row_version, inheriting.row_version + 1);
    t.is((await next(own)).next_rotation_at, due(own, 30));
    t.is((await next(own)).row_version, own.row_version);
    t.is((await next(never)).next_rotation_at, null);
    t.is((await next(tombstone)).next_rotation_at, null);
    const edit = act();
    await updateKeySet(
      vaultContext,
      edit,
      { vaultId: vault.id, sight: 'all', id: keySet.id },
      { rotationDays: 10 },
    );
    // Overdue by the new schedule, so due when it came into force: at the commit, which the act's beginning comes before.
    const dueAt = Date.parse((await next(inheriting)).next_rotation_at ?? '');
    t.true(dueAt >= edit.at.getTime() && dueAt <= vaultContext.now().getTime(), String(dueAt));
    await updateKeySet(
      vaultContext,
      act(),
      { vaultId: vault.id, sight: 'all', id: keySet.id },
      { rotationDays: null },
    );
    t.is((await next(inheriting)).next_rotation_at, null);
    await updateCloudKey(
      vaultContext,
      act(),
      { vaultId: vault.id, sight: 'all', id: own.id },
      { rotation: { kind: 'INHERIT' } },
    );
    t.is((await next(own)).next_rotation_at, null);
  },
);

test('a new schedule reaches each of many CloudKeys in steps, and none is rotated by the old one meanwhile', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const keySet = await newKeySet(t.context);
  const first = await newKey(t.context, keySet);
  const many = Array.from({ length: 250 }, (_, n) => ({
    ...first,
    id: `${first.id}-${n}`,
    name: `many-${n}`,
    external_key_id: `${first.external_key_id}-${n}`,
    rotated_at: new Date(Date.parse(first.rotated_at) + n * 1000).toISOString(),
  }));
  for (const row of many) await store.db.insertInto('cloud_keys').values(row).execute();
  await updateKeySet(
    vaultContext,
    act(),
    { vaultId: vault.id, sight: 'all', id: keySet.id },
    { rotationDays: 365 },
  );
  const { id, rotation } = await store.db
    .selectFrom('cloud_keys')
    .selectAll()
    .where('key_set_id', '=', keySet.id)
    .where('next_rotation_at', 'is', null)
    .executeTakeFirstOrThrow();
  t.is(rotation, 'INHERIT');
  // As by the schedule of before.
  await store.db
    .updateTable('cloud_keys')
    .set({ next_rotation_at: first.created_at })
    .where('id', '=', id)
    .execute();
  const stale = await findCloudKey(store, id);
  const still = await rotateCloudKey(vaultContext, act(), stale, 'schedule');
  t.is(still.current_version, stale.current_version);
  t.is(await finishWork(vaultContext, unfinishedSteps), 1);
  t.is(await finishWork(vaultContext, unfinishedSteps), 0);
  const rows = await store.db
    .selectFrom('cloud_keys')
    .selectAll()
    .where('key_set_id', '=', keySet.id)
    .execute();
  t.is(rows.length, 251);
  for (const row of rows)
    t.is(
      Date.parse(row.next_rotation_at ?? ''),
      Math.min(Date.parse(row.rotated_at), Date.parse(row.updated_at)) + 365 * day,
    );
});
