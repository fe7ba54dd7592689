import { randomUUID } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import { insertUser, newUser } from '../../src/identity/users.ts';
import { bumpRecord, bumpRecords, editRecord, noteOn, saveRecord } from '../../src/vault/edit-record.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { byHand } from '../../testing/by-hand.ts';
import { newKeySet, openVault, type TestVault } from '../../testing/vault.ts';

const test = anyTest as TestFn<TestVault>;

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

const changedMeanwhile = {
  instanceOf: VaultError,
  message: 'it has been changed meanwhile; look at it again, then try again',
};

async function newPerson({ store, vaultContext, act, vault }: TestVault, email = 'a@example.com') {
  const input = { username: `u-${randomUUID()}`, email, role: 'auditor' } as const;
  return store.write(act(), async (trx) => insertUser(trx, act(), newUser(vaultContext, vault.id, input)));
}

test('a record is changed as the version that was read, and as no other', async (t) => {
  const { store } = t.context;
  const read = await newPerson(t.context);
  const after = await store.write(byHand, async (trx) =>
    editRecord(trx, 'users', read, { email: 'b@example.com' }),
  );
  t.is(after?.row_version, read.row_version + 1);
  for (const change of [{ email: 'c@example.com' }, {}]) {
    const error = await t.throwsAsync(
      store.write(byHand, async (trx) => bumpRecord(trx, 'users', read, change)),
      changedMeanwhile,
    );
    t.is(error.problem, 'precondition');
  }
  const now = await store.db.selectFrom('users').selectAll().where('id', '=', read.id).executeTakeFirst();
  t.deepEqual(now, after);
});

test('a change of nothing, told or not, is no new version', async (t) => {
  const { store } = t.context;
  const read = await newPerson(t.context);
  const edit = async (change: { email?: string | undefined }) =>
    store.write(byHand, async (trx) => editRecord(trx, 'users', read, change));
  t.is(await edit({}), undefined);
  t.is(await edit({ email: read.email }), undefined);
  t.is(await edit({ email: undefined }), undefined);
  const now = await store.db.selectFrom('users').selectAll().where('id', '=', read.id).executeTakeFirst();
  t.deepEqual(now, read);
});

test('a note is no new version, and what is noted of another version is refused', async (t) => {
  const { store } = t.context;
  const read = await newPerson(t.context);
  const save = async (change: { failures?: number; email?: string }) =>
    store.write(byHand, async (trx) => saveRecord(trx, 'users', read, change));
  const noted = await save({ failures: 3, email: read.email });
  t.deepEqual([noted.failures, noted.row_version], [3, read.row_version]);
  const changed = await save({ failures: 4, email: 'b@example.com' });
  t.deepEqual([changed.failures, changed.row_version], [4, read.row_version + 1]);
  await t.throwsAsync(save({ failures: 5 }), changedMeanwhile);
  await store.bookkeep('by hand', async (trx) => {
    await noteOn(trx, 'users').set({ failures: 6 }).where('id', '=', read.id).execute();
    // @ts-expect-error -- a column that an ETag is of
    noteOn(trx, 'users').set({ email: 'c@example.com' });
    // @ts-expect-error -- and the version itself
    noteOn(trx, 'users').set({ row_version: 1 });
  });
  const now = await store.db.selectFrom('users').selectAll().where('id', '=', read.id).executeTakeFirst();
  t.deepEqual(now, { ...changed, failures: 6 });
});

test('a note that says what was read replaces what was noted since', async (t) => {
  const { store } = t.context;
  const read = await newPerson(t.context);
  const note = async (failures: number) =>
    store.bookkeep('by hand', async (trx) =>
      noteOn(trx, 'users').set({ failures }).where('id', '=', read.id).execute(),
    );
  const save = async (change: { failures: number; email?: string | undefined }) =>
    store.write(byHand, async (trx) => saveRecord(trx, 'users', read, change));
  for (const change of [{ failures: read.failures }, { failures: read.failures, email: undefined }]) {
    await note(7);
    const said = await save(change);
    const now = await store.db.selectFrom('users').selectAll().where('id', '=', read.id).executeTakeFirst();
    t.deepEqual(now, read);
    t.deepEqual(said, now);
  }
});

test('of many that are changed alike each is a new version, and no other record is touched', async (t) => {
  const { store } = t.context;
  const keySets = [await newKeySet(t.context), await newKeySet(t.context), await newKeySet(t.context)];
  const [first, second, third] = keySets.map(({ id }) => id);
  const bump = async (ids: string[], description: string) =>
    store.change(byHand, async (trx) => bumpRecords(trx, 'key_sets', ids, { description }));
  t.deepEqual(await bump([], 'none'), []);
  t.is((await bump([first ?? '', second ?? ''], 'two')).length, 2);
  // More than one statement takes.
  const ids = [...Array.from({ length: 5_000 }, () => randomUUID()), first ?? ''];
  t.deepEqual(
    (await bump(ids, 'one')).map(({ id }) => id),
    [first],
  );
  const rows = await store.db
    .selectFrom('key_sets')
    .select(['id', 'description', 'row_version'])
    .where('id', 'in', [first ?? '', second ?? '', third ?? ''])
    .execute();
  const found = new Map(rows.map(({ id, ...rest }) => [id, rest]));
  t.deepEqual(
    [first, second, third].map((id) => found.get(id ?? '')),
    [
      { description: 'one', row_version: 3 },
      { description: 'two', row_version: 2 },
      { description: '', row_version: 1 },
    ],
  );
});

test('what XKS workers serve by is edited in no transaction that they do not hear of', async (t) => {
  const { store } = t.context;
  const keySet = await newKeySet(t.context);
  const version = { row_version: 1 };
  const never = async () =>
    store.write(byHand, async (trx) => {
      // @ts-expect-error -- a vault
      await editRecord(trx, 'vaults', { id: '', ...version }, { tokens: '[]' });
      // @ts-expect-error -- a key set
      await bumpRecord(trx, 'key_sets', keySet, { frozen_at: null });
      // @ts-expect-error -- CloudKeys
      await bumpRecords(trx, 'cloud_keys', [], { state: 'DISABLED' });
      // @ts-expect-error -- a credential
      await editRecord(trx, 'xks_credentials', { access_key_id: '', ...version }, { withdrawn_at: '' });
    });
  // Compiled, and refused there, is all that it is for.
  t.is(typeof never, 'function');
});
