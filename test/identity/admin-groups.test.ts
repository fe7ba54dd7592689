import { randomUUID } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import { SeenVersion } from '../../src/store/act-transaction.ts';
import {
  addMember,
  createAdminGroup,
  deleteAdminGroup,
  findAdminGroup,
  listAdminGroups,
  listMembers,
  removeMember,
  updateAdminGroup,
} from '../../src/identity/admin-groups.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { insertVault } from '../../testing/vault.ts';
import { openPeople, trail, type People } from './people.ts';

const test = anyTest as TestFn<People>;
test.beforeEach(async (t) => {
  t.context = await openPeople();
});
test.afterEach.always(async (t) => t.context.dispose());

test('members are users of the same vault; adding and removing twice is once', async (t) => {
  const { site, act, vaultId, user, store } = t.context;
  const group = await createAdminGroup(site, act(), vaultId, { name: 'EU' });
  const member = await user('cloud-admin');
  const stranger = await user('appliance-auditor');
  await addMember(site, act(), vaultId, group.id, member.id);
  await addMember(site, act(), vaultId, group.id, member.id);
  const adding = addMember(site, act(), vaultId, group.id, stranger.id);
  t.is((await t.throwsAsync(adding, { instanceOf: VaultError }))?.problem, 'not-found');
  t.deepEqual(
    (await listMembers(site, vaultId, group.id, { limit: 50 })).items.map(({ id }) => id),
    [member.id],
  );
  const withOne = await findAdminGroup(store.db, vaultId, 'all', group.id);
  t.is(withOne.members, 1);
  t.is(withOne.row_version, 2);
  await removeMember(site, act(), vaultId, group.id, member.id);
  await removeMember(site, act(), vaultId, group.id, member.id);
  t.is((await findAdminGroup(store.db, vaultId, 'all', group.id)).members, 0);
  t.deepEqual(
    (await trail(store, group.id)).map(({ action }) => action),
    ['admin-group.create', 'admin-group.add-member', 'admin-group.remove-member'],
  );
});

test('a name is one group’s of a vault, and another vault’s group is not found', async (t) => {
  const { site, act, vaultId, store, user } = t.context;
  const group = await createAdminGroup(site, act(), vaultId, { name: 'EU' });
  const other = await insertVault(store, 'Other');
  await t.throwsAsync(createAdminGroup(site, act(), vaultId, { name: 'EU' }), { instanceOf: VaultError });
  const elsewhere = await createAdminGroup(site, act(), other.id, { name: 'EU' });
  await t.throwsAsync(
    updateAdminGroup(
      site,
      act(),
      { vaultId, groupId: (await createAdminGroup(site, act(), vaultId, { name: 'US' })).id },
      { name: 'EU' },
    ),
    { message: /has this name/ },
  );
  const person = await user('cloud-admin');
  for (const doing of [
    findAdminGroup(store.db, vaultId, 'all', elsewhere.id),
    updateAdminGroup(site, act(), { vaultId, groupId: elsewhere.id }, { name: 'x' }),
    deleteAdminGroup(site, act(), { vaultId, groupId: elsewhere.id }),
    addMember(site, act(), vaultId, elsewhere.id, person.id),
    removeMember(site, act(), vaultId, elsewhere.id, person.id),
    listMembers(site, vaultId, elsewhere.id, { limit: 5 }),
  ])
    t.is((await t.throwsAsync(doing, { instanceOf: VaultError }))?.problem, 'not-found');
  t.is((await findAdminGroup(store.db, vaultId, 'all', group.id)).name, 'EU');
});

test('who sees some groups finds no other', async (t) => {
  const { site, act, vaultId, store } = t.context;
  const mine = await createAdminGroup(site, act(), vaultId, { name: 'mine' });
  const other = await createAdminGroup(site, act(), vaultId, { name: 'other' });
  const names = async (sight: 'all' | string[]) =>
    (await listAdminGroups(site, vaultId, sight, { limit: 50 })).items.map(({ name }) => name);
  t.deepEqual(await names([mine.id]), ['mine']);
  t.deepEqual(await names([]), []);
  t.deepEqual(await names('all'), ['mine', 'other']);
  await t.throwsAsync(findAdminGroup(store.db, vaultId, [mine.id], other.id), { instanceOf: VaultError });
});

test('a group that something belongs to stays', async (t) => {
  const { site, act, vaultId, store } = t.context;
  const group = await createAdminGroup(site, act(), vaultId, { name: 'EU' });
  const now = site.now().toISOString();
  const account = randomUUID();
  await store.db
    .insertInto('csp_accounts')
    .values({
      id: account,
      vault_id: vaultId,
      admin_group_id: group.id,
      name: 'prod',
      description: '',
      type: 'manual',
      aws_account_id: '',
      default_region: '',
      created_at: now,
      updated_at: now,
    })
    .execute();
  await t.throwsAsync(deleteAdminGroup(site, act(), { vaultId, groupId: group.id }), {
    message: /belong to/,
  });
  await store.db.deleteFrom('csp_accounts').where('id', '=', account).execute();
  await t.throwsAsync(
    deleteAdminGroup(site, act(), { vaultId, groupId: group.id, expected: new SeenVersion(7) }),
    {
      message: /meanwhile/,
    },
  );
  await deleteAdminGroup(site, act(), { vaultId, groupId: group.id, expected: new SeenVersion(1) });
  await t.throwsAsync(findAdminGroup(store.db, vaultId, 'all', group.id), { instanceOf: VaultError });
});
