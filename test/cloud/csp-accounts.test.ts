import { SeenVersion } from '../../src/store/act-transaction.ts';
import type { KeyContext } from '../../src/keys/followers.ts';
import anyTest, { type TestFn } from 'ava';
import {
  createCspAccount,
  deleteCspAccount,
  getCspAccount,
  listCspAccounts,
  updateCspAccount,
} from '../../src/cloud/accounts/accounts.ts';
import type { AwsContext } from '../../src/cloud/controller/context.ts';
import { unusedAws } from '../../testing/aws-settings.ts';
import {
  eventsOf,
  fresh,
  insertGroup,
  insertVault,
  newKeySet,
  openVault,
  type TestVault,
} from '../../testing/vault.ts';

interface Context extends TestVault {
  vaultContext: AwsContext & KeyContext;
  group: string;
  otherGroup: string;
}

const test = anyTest as TestFn<Context>;

test.before(async (t) => {
  const vault = await openVault();
  t.context = {
    ...vault,
    vaultContext: { ...vault.vaultContext, aws: unusedAws() },
    group: await insertGroup(vault.store, vault.vault.id, 'Cloud Admin Group'),
    otherGroup: await insertGroup(vault.store, vault.vault.id, 'Others'),
  };
});
test.after.always(async (t) => t.context.dispose());

async function newAccount(
  { vaultContext, act, vault, group }: Context,
  input: { defaultRegion?: string } = {},
) {
  return createCspAccount(vaultContext, act(), vault.id, 'all', {
    name: fresh('account'),
    adminGroupId: group,
    ...input,
  });
}

test('a CSP account is made, found, changed and deleted, each on the record', async (t) => {
  const { vaultContext, act, vault, group } = t.context;
  const made = await createCspAccount(vaultContext, act(), vault.id, [group], {
    name: 'Payroll production',
    adminGroupId: group,
    awsAccountId: '111122223333',
    defaultRegion: 'eu-central-1',
  });
  t.like(await getCspAccount(vaultContext, vault.id, [group], made.id), {
    name: 'Payroll production',
    type: 'manual',
    aws_account_id: '111122223333',
    row_version: 1,
  });
  const changed = await updateCspAccount(
    vaultContext,
    act(),
    { vaultId: vault.id, sight: [group], id: made.id, expected: new SeenVersion(1) },
    { description: 'paid' },
  );
  t.is(changed.row_version, 2);
  await t.throwsAsync(
    updateCspAccount(
      vaultContext,
      act(),
      { vaultId: vault.id, sight: 'all', id: made.id, expected: new SeenVersion(1) },
      { description: 'again' },
    ),
    {
      message: /has been changed meanwhile/,
    },
  );
  await deleteCspAccount(vaultContext, act(), {
    vaultId: vault.id,
    sight: [group],
    id: made.id,
    expected: new SeenVersion(2),
  });
  await t.throwsAsync(getCspAccount(vaultContext, vault.id, 'all', made.id), {
    message: 'there is no such CSP account',
  });
  const events = await eventsOf(t.context, made.id);
  t.deepEqual(
    events.map(({ action }) => action),
    ['csp-account.create', 'csp-account.update', 'csp-account.delete'],
  );
  t.is(events[1]?.after, '{"description":"paid"}');
});

test('an edit that changes nothing is no act', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const made = await newAccount(t.context);
  const same = await updateCspAccount(
    vaultContext,
    act(),
    { vaultId: vault.id, sight: 'all', id: made.id },
    { name: made.name },
  );
  t.is(same.row_version, 1);
  t.is((await eventsOf(t.context, made.id)).length, 1);
});

test('a cloud admin sees and makes CSP accounts of their admin groups only', async (t) => {
  const { vaultContext, act, vault, group, otherGroup } = t.context;
  const theirs = await newAccount(t.context);
  await t.throwsAsync(getCspAccount(vaultContext, vault.id, [otherGroup], theirs.id), {
    message: 'there is no such CSP account',
  });
  const { items } = await listCspAccounts(vaultContext, vault.id, [otherGroup], {}, { limit: 200 });
  t.false(items.some(({ id }) => id === theirs.id));
  t.is((await listCspAccounts(vaultContext, vault.id, [], {}, { limit: 200 })).items.length, 0);
  await t.throwsAsync(
    createCspAccount(vaultContext, act(), vault.id, [otherGroup], { name: fresh('x'), adminGroupId: group }),
    { message: 'you are not in this admin group' },
  );
  await t.throwsAsync(
    updateCspAccount(
      vaultContext,
      act(),
      { vaultId: vault.id, sight: [group], id: theirs.id },
      { adminGroupId: otherGroup },
    ),
    { message: 'you are not in this admin group' },
  );
});

test('the admin group must be one of the vault', async (t) => {
  const { vaultContext, act, store, group } = t.context;
  const elsewhere = await insertVault(store, fresh('vault'));
  await t.throwsAsync(
    createCspAccount(vaultContext, act(), elsewhere.id, 'all', { name: 'x', adminGroupId: group }),
    { message: 'the vault has no such admin group' },
  );
});

test('another vault finds nothing, by reading or by acting', async (t) => {
  const { vaultContext, act, store } = t.context;
  const elsewhere = await insertVault(store, fresh('vault'));
  const { id } = await newAccount(t.context);
  const nothing = { message: 'there is no such CSP account' };
  await t.throwsAsync(getCspAccount(vaultContext, elsewhere.id, 'all', id), nothing);
  await t.throwsAsync(
    updateCspAccount(vaultContext, act(), { vaultId: elsewhere.id, sight: 'all', id }, { name: 'mine' }),
    nothing,
  );
  await t.throwsAsync(
    deleteCspAccount(vaultContext, act(), { vaultId: elsewhere.id, sight: 'all', id }),
    nothing,
  );
  t.deepEqual((await listCspAccounts(vaultContext, elsewhere.id, 'all', {}, { limit: 200 })).items, []);
});

test('a name is unique within the vault', async (t) => {
  const { vaultContext, act, vault, group } = t.context;
  const [one, other] = [await newAccount(t.context), await newAccount(t.context)];
  const clash = { message: 'another CSP account of the vault has this name' };
  await t.throwsAsync(
    createCspAccount(vaultContext, act(), vault.id, 'all', { name: one.name, adminGroupId: group }),
    clash,
  );
  await t.throwsAsync(
    updateCspAccount(
      vaultContext,
      act(),
      { vaultId: vault.id, sight: 'all', id: other.id },
      { name: one.name },
    ),
    clash,
  );
});

test('a CSP account that a key set is for is not deleted', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const { id } = await newAccount(t.context);
  await newKeySet(t.context, { cspAccountId: id });
  await t.throwsAsync(deleteCspAccount(vaultContext, act(), { vaultId: vault.id, sight: 'all', id }), {
    message: 'key sets are for this CSP account',
  });
});

test('pages of a list are complete and in order, and found by the beginning of a name', async (t) => {
  const { vaultContext, act, vault, group } = t.context;
  for (const name of ['page c', 'page a', 'page_b', 'PAGE d'])
    await createCspAccount(vaultContext, act(), vault.id, 'all', { name, adminGroupId: group });
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listCspAccounts(
      vaultContext,
      vault.id,
      'all',
      { name: 'page' },
      { limit: 1, sort: '-name', cursor },
    );
    names.push(...page.items.map(({ name }) => name));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  t.deepEqual(names, ['page_b', 'page c', 'page a']);
  // "_" stands for itself, not for any character.
  const { items } = await listCspAccounts(vaultContext, vault.id, 'all', { name: 'page_' }, { limit: 5 });
  t.deepEqual(
    items.map(({ name }) => name),
    ['page_b'],
  );
});
