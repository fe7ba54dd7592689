import anyTest, { type TestFn } from 'ava';
import { SeenVersion } from '../../src/store/act-transaction.ts';
import { changePassword } from '../../src/identity/sign-in.ts';
import { listAdminGroups } from '../../src/identity/admin-groups.ts';
import { resolveCaller } from '../../src/identity/callers.ts';
import { SignInRefusedError } from '../../src/identity/identity-error.ts';
import { createVault, resetVaultAdministrator } from '../../src/tenancy/vault-creation.ts';
import { createUser, listUsers } from '../../src/identity/users.ts';
import { Secret } from '../../src/secret.ts';
import { createCloudKey, disableCloudKey, type NewKeyInput } from '../../src/keys/cloud-keys.ts';
import { issueCredential } from '../../src/keys/credentials/credentials.ts';
import { destroyVersions } from '../../src/keys/destruction.ts';
import { createKeySet, type KeySetInput } from '../../src/keys/key-sets/key-sets.ts';
import { managementDeadline } from '../../src/vault/tokens.ts';
import { deleteVault } from '../../src/tenancy/vault-deletion.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { findVault, listVaults, updateVault } from '../../src/vault/vaults.ts';
import { insertVault } from '../../testing/vault.ts';
import { limits, openPeople, trail, type People } from './people.ts';

const test = anyTest as TestFn<People>;
test.before(async (t) => {
  t.context = await openPeople({ token: true });
});
test.after.always(async (t) => t.context.dispose());

let count = 0;
const fresh = (word: string) => `${word} ${++count}`;

async function newVault({ site, act }: People, name = fresh('vault')) {
  return createVault(site, act(), {
    name,
    administrator: { username: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' },
  });
}

async function newKeySet({ site, act }: People, vaultId: string, input: Partial<KeySetInput> = {}) {
  return createKeySet(site, act(), vaultId, 'all', { name: `set-${++count}`, token: 'token', ...input });
}

async function newKey(
  { site, act }: People,
  vaultId: string,
  keySetId: string,
  input: Partial<NewKeyInput> = {},
) {
  return createCloudKey(site, act(), vaultId, 'all', { keySetId, name: `key-${++count}`, ...input });
}

test.serial(
  'a vault comes with an administrator who must change their password, and a Cloud Admin Group',
  async (t) => {
    const { site, act, signIn, store } = t.context;
    const { vault, administrator, delivery } = await newVault(t.context);
    t.is(administrator.role, 'vault-admin');
    t.is(vault.tokens, '["token"]', 'all tokens of the configuration');
    const groups = await listAdminGroups(site, vault.id, 'all', { limit: 50 });
    t.deepEqual(
      groups.items.map(({ name }) => name),
      ['Cloud Admin Group'],
    );
    if (delivery.mailed) return t.fail();
    const opened = await signIn(administrator, delivery.password);
    t.is(opened.session.state, 'PASSWORD_CHANGE');
    const own = { userId: administrator.id, sessionId: opened.session.id };
    const wanted = new Secret('seven herons over the weir');
    await changePassword(site, limits, act(), own, { current: delivery.password, wanted });
    t.is((await signIn(administrator, wanted)).session.state, 'ACTIVE');
    const events = await trail(store, vault.id);
    t.deepEqual(
      events.map(({ action, vault_id }) => [action, vault_id]),
      [
        ['vault.create', ''],
        ['vault.create', vault.id],
      ],
    );
  },
);

test.serial('a vault that cannot be made whole is not made at all', async (t) => {
  const { site, act, store } = t.context;
  const before = await store.db.selectFrom('users').selectAll().execute();
  const name = fresh('half');
  const make = async (fields: object) =>
    createVault(site, act(), {
      name,
      administrator: { username: 'ada', name: 'Ada', email: 'ada@example.com' },
      ...fields,
    });
  const nobody = { username: 'a b', name: 'Ada', email: 'ada@example.com' };
  await t.throwsAsync(make({ administrator: nobody }), { instanceOf: VaultError });
  await t.throwsAsync(make({ tokens: ['unknown'] }), { message: /configuration does not have/ });
  await t.throwsAsync(make({ tokens: [] }), { message: /at least one token/ });
  t.deepEqual((await listVaults(site, { limit: 5, name })).items, []);
  t.deepEqual(await store.db.selectFrom('users').selectAll().execute(), before);
  await make({});
  await t.throwsAsync(make({}), { message: 'another vault has this name' });
});

test.serial(
  'a token that a key set uses cannot be taken away, and only configured ones be added',
  async (t) => {
    const { site, act, store } = t.context;
    const { vault } = await newVault(t.context);
    const change = async (tokens: string[]) => updateVault(site, act(), vault.id, { tokens }, undefined);
    await store.db
      .updateTable('vaults')
      .set({ tokens: '["token","retired"]' })
      .where('id', '=', vault.id)
      .execute();
    const keySet = await newKeySet(t.context, vault.id);
    await t.throwsAsync(change(['retired']), { instanceOf: VaultError, message: /uses a token/ });
    await t.throwsAsync(change(['token', 'unknown']), { message: /configuration does not have/ });
    t.is((await change(['token'])).tokens, '["token"]', 'one that is not used goes, configured or not');
    await store.db.deleteFrom('key_sets').where('id', '=', keySet.id).execute();
    await t.throwsAsync(change([]), { message: /at least one/ });
  },
);

test.serial('a change of a vault stands in both trails, one of nothing in neither', async (t) => {
  const { site, act, store } = t.context;
  const { vault } = await newVault(t.context);
  const change = async (description: string, expected?: number) =>
    updateVault(
      site,
      act(),
      vault.id,
      { description },
      expected === undefined ? undefined : new SeenVersion(expected),
    );
  await change('for the north', 1);
  await change('for the north', 2);
  await t.throwsAsync(change('for the south', 1), { instanceOf: VaultError, message: /meanwhile/ });
  const events = (await trail(store, vault.id)).filter(({ action }) => action === 'vault.update');
  t.deepEqual(
    events.map(({ vault_id }) => vault_id),
    ['', vault.id],
  );
  t.is(events[0]?.after, '{"description":"for the north"}');
  const { vault: other } = await newVault(t.context);
  await t.throwsAsync(updateVault(site, act(), other.id, { name: vault.name }, undefined), {
    message: 'another vault has this name',
  });
});

test.serial('an empty vault goes with its people at once, and its name is free', async (t) => {
  const { site, act, store, signIn } = t.context;
  const { vault, administrator, delivery } = await newVault(t.context);
  if (delivery.mailed) return t.fail();
  const { token } = await signIn(administrator, delivery.password);
  await t.throwsAsync(deleteVault(site, act(), vault.id, undefined, new SeenVersion(7)), {
    message: /meanwhile/,
  });
  await deleteVault(site, act(), vault.id, undefined, new SeenVersion(1));
  t.is(await resolveCaller(site, limits, { bearer: token.reveal(), method: 'GET', address: '' }), undefined);
  await t.throwsAsync(signIn(administrator, delivery.password), { instanceOf: SignInRefusedError });
  await t.throwsAsync(findVault(store.db, vault.id), { message: 'there is no such vault' });
  t.deepEqual((await listUsers(site, vault.id, { limit: 5 })).items, []);
  const input = { username: 'late', email: 'late@example.com', role: 'vault-admin' } as const;
  await t.throwsAsync(createUser(site, act(), 'command', vault.id, input), {
    message: 'there is no such vault',
  });
  await t.throwsAsync(deleteVault(site, act(), vault.id, undefined, undefined), {
    message: 'there is no such vault',
  });
  t.truthy(await newVault(t.context, vault.name));
});

test.serial('a vault with a key that AWS may use stays, whatever is confirmed', async (t) => {
  const { site, act, clock } = t.context;
  const { vault } = await newVault(t.context);
  const keySet = await newKeySet(t.context, vault.id);
  const expiresAt = new Date(clock.at + 60_000);
  const key = await newKey(t.context, vault.id, keySet.id, { expiresAt });
  const problem = await t.throwsAsync(deleteVault(site, act(), vault.id, vault.name, undefined), {
    instanceOf: VaultError,
  });
  t.is(problem?.problem, 'conflict');
  t.regex(problem?.remediation ?? '', /schedule their deletion/);
  t.is((await findVault(site.store.db, vault.id)).cloud_keys, 1);
  clock.minutes(1);
  await deleteVault(site, act(), vault.id, vault.name, undefined);
  t.is(key.state, 'AVAILABLE', 'past its end it is expired, whether that is written yet or not');
});

test.serial(
  'a vault whose keys are out of use goes when its name is repeated; its keys are destroyed, their ids stay spent',
  async (t) => {
    const { site, act, store } = t.context;
    const { vault } = await newVault(t.context);
    const keySet = await newKeySet(t.context, vault.id, { pathPrefix: 'leaving' });
    const key = await newKey(t.context, vault.id, keySet.id);
    await disableCloudKey(site, act(), { vaultId: vault.id, sight: 'all', id: key.id });
    const { accessKeyId } = await issueCredential(site, act(), keySet);
    const { vault: neighbour } = await newVault(t.context);
    const theirs = await newKeySet(t.context, neighbour.id);
    const spared = await newKey(t.context, neighbour.id, theirs.id);
    for (const confirm of [undefined, '', vault.name.toUpperCase(), neighbour.name])
      await t.throwsAsync(deleteVault(site, act(), vault.id, confirm, undefined), {
        message: /is not empty/,
      });
    const revision = store.revision();
    await deleteVault(site, act(), vault.id, vault.name, undefined);
    t.true(store.revision() > revision, 'XKS workers see it');

    const { db } = store;
    const row = await db
      .selectFrom('cloud_keys')
      .selectAll()
      .where('id', '=', key.id)
      .executeTakeFirstOrThrow();
    t.is(row.state, 'DELETED');
    const credential = await db
      .selectFrom('xks_credentials')
      .selectAll()
      .where('access_key_id', '=', accessKeyId)
      .executeTakeFirstOrThrow();
    t.is(credential.withdrawn_why, 'WITHDRAWN');
    const versions = async (id: string) =>
      db.selectFrom('key_versions').selectAll().where('cloud_key_id', '=', id).execute();
    const [version] = await versions(key.id);
    t.is(version?.state, 'DESTROYING');
    const inspect = async (object: Buffer) =>
      site.tokens.pool('token').call({ kind: 'inspectKey', key: object }, managementDeadline());
    if (version === undefined) return;
    await t.notThrowsAsync(inspect(version.object_id));
    await destroyVersions(site);
    await t.throwsAsync(inspect(version.object_id), undefined, 'the key object is gone from the token');
    const [other] = await versions(spared.id);
    t.is(other?.state, 'ACTIVE');
    await t.notThrowsAsync(inspect(other?.object_id ?? Buffer.alloc(0)));

    await t.throwsAsync(newKey(t.context, neighbour.id, theirs.id, { externalKeyId: key.external_key_id }), {
      message: /external key id/,
    });
    await t.notThrowsAsync(
      newKeySet(t.context, neighbour.id, { pathPrefix: 'leaving' }),
      'its prefix is free',
    );
    await t.throwsAsync(newKeySet(t.context, vault.id), { instanceOf: VaultError });
    const event = (await trail(store, vault.id)).find(({ action }) => action === 'vault.delete');
    t.true(event?.before?.includes(key.external_key_id));
  },
);

test.serial('the appliance resets a locked-out vault administrator, and the vault can see it', async (t) => {
  const { site, act, store, signIn, user } = t.context;
  const { vault, administrator } = await newVault(t.context);
  await store.db
    .updateTable('users')
    .set({ state: 'DISABLED', failures: 100, locked_until: '9999-12-31T23:59:59.999Z', totp_state: 'ON' })
    .where('id', '=', administrator.id)
    .execute();
  const stranger = await user('vault-admin');
  await t.throwsAsync(resetVaultAdministrator(site, act(), vault.id, { username: stranger.username }), {
    message: /no such vault administrator/,
  });
  const { delivery } = await resetVaultAdministrator(site, act(), vault.id, { username: 'ADA' });
  if (delivery.mailed) return t.fail();
  t.is(
    (await signIn(administrator, delivery.password)).session.state,
    'SECOND_FACTOR',
    'the second factor stays',
  );
  const again = await resetVaultAdministrator(site, act(), vault.id, { removeSecondFactor: true });
  if (again.delivery.mailed) return t.fail();
  t.is((await signIn(administrator, again.delivery.password)).session.state, 'PASSWORD_CHANGE');
  const events = (await trail(store, vault.id)).filter(
    ({ action }) => action === 'vault.reset-administrator',
  );
  t.deepEqual(
    events.map(({ vault_id }) => vault_id),
    ['', vault.id, '', vault.id],
  );
});

test.serial('a vault without an administrator, as an upgrade makes it, gets its first by name', async (t) => {
  const { site, act, store, signIn } = t.context;
  const { id } = await insertVault(store, fresh('upgraded'));
  await t.throwsAsync(resetVaultAdministrator(site, act(), id, {}), {
    message: 'the vault has no vault administrator yet',
  });
  const { user, delivery } = await resetVaultAdministrator(site, act(), id, {
    username: 'first',
    email: 'first@example.com',
  });
  if (delivery.mailed) return t.fail();
  t.like(user, { vault_id: id, username: 'first', role: 'vault-admin' });
  t.is((await signIn(user, delivery.password)).session.state, 'PASSWORD_CHANGE');
  const acts = (await trail(store, id)).map(({ action }) => action);
  t.true(acts.includes('vault.reset-administrator'));
});
