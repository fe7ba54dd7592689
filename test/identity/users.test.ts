import { SeenVersion } from '../../src/store/act-transaction.ts';
import { deleteProvider } from '../../src/identity/oidc/providers.ts';
import anyTest, { type TestFn } from 'ava';
import { createApiKey } from '../../src/identity/api-keys.ts';
import {
  endSessionOfUser,
  listApiKeysOfUsers,
  listSessionsOfUsers,
  revokeApiKeyOfUser,
} from '../../src/identity/user-access.ts';
import { resolveCaller } from '../../src/identity/callers.ts';
import { permissionsOf } from '../../src/identity/permissions.ts';
import { showUser } from '../../src/admin/people/users.ts';
import type { Changer } from '../../src/identity/reach.ts';
import type { UserRow } from '../../src/identity/sessions.ts';
import { resetPassword, unlockUser } from '../../src/identity/user-access.ts';
import { createUser, deleteUser, findUser, listUsers, updateUser } from '../../src/identity/users.ts';
import type { Secret } from '../../src/secret.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { limits, openPeople, password, trail, type People } from './people.ts';

const test = anyTest as TestFn<People>;
test.beforeEach(async (t) => {
  t.context = await openPeople();
});
test.afterEach.always(async (t) => t.context.dispose());

function changer(user: UserRow): Changer {
  return { userId: user.id, permissions: new Set(permissionsOf[user.role]) };
}

async function isLive({ site }: People, token: Secret): Promise<boolean> {
  const caller = await resolveCaller(site, limits, { bearer: token.reveal(), method: 'GET', address: '' });
  return caller !== undefined;
}

const input = { username: 'Grace', email: 'grace@example.com', role: 'auditor' } as const;

test('a new user gets a first password, shown once where no mail is set up, and must change it', async (t) => {
  const { site, act, vaultId, signIn, store } = t.context;
  const { user, delivery } = await createUser(site, act(), 'command', vaultId, input);
  if (delivery === undefined || delivery.mailed) return t.fail();
  t.is(delivery.mailProblem, 'no mail server is set up');
  t.is(user.must_change_password, 1);
  t.is((await signIn(user, delivery.password)).session.state, 'PASSWORD_CHANGE');
  const everything = JSON.stringify([user, await store.db.selectFrom('audit_events').selectAll().execute()]);
  t.false(everything.includes(delivery.password.reveal()));
  t.like((await trail(store, user.id))[0], { action: 'user.create', vault_id: vaultId, outcome: 'done' });
});

test('a user of OIDC alone has no password, and none can be given to them', async (t) => {
  const { site, act, vaultId } = t.context;
  const { user, delivery } = await createUser(site, act(), 'command', vaultId, { ...input, signIn: 'oidc' });
  t.false(showUser(user, new Date()).mustChangePassword, 'there is no password to change');
  t.is(delivery, undefined);
  t.is(user.password_hash, null);
  await t.throwsAsync(resetPassword(site, act(), 'command', { vaultId, userId: user.id }), {
    message: /OpenID provider alone/,
  });
});

test('usernames are unique within a vault without regard to letter case, and free elsewhere', async (t) => {
  const { site, act, vaultId } = t.context;
  await createUser(site, act(), 'command', vaultId, input);
  const again = createUser(site, act(), 'command', vaultId, { ...input, username: 'gRACE' });
  t.is((await t.throwsAsync(again, { instanceOf: VaultError }))?.problem, 'conflict');
  const other = { ...input, role: 'appliance-auditor' } as const;
  t.truthy(await createUser(site, act(), 'command', '', other));
});

for (const [what, fields] of Object.entries({
  'an empty username': { username: '' },
  'a username with a blank': { username: 'a b' },
  'a username with a slash': { username: 'a/b' },
  'a username of 65 characters': { username: 'a'.repeat(65) },
  'an address without @': { email: 'grace' },
  'an address with a line break': { email: 'grace@example.com\nBcc: all@example.com' },
  'two addresses': { email: 'a@example.com,b@example.com' },
  'a display name with a control character': { displayName: 'Gr\u0007ace' },
  'a role of the appliance': { role: 'appliance-admin' as const },
}))
  test(`a user is not made with ${what}`, async (t) => {
    const { site, act, vaultId, store } = t.context;
    const making = createUser(site, act(), 'command', vaultId, { ...input, ...fields });
    t.is((await t.throwsAsync(making, { instanceOf: VaultError }))?.problem, 'invalid');
    t.deepEqual(await store.db.selectFrom('users').selectAll().execute(), []);
  });

test('nobody makes, resets or takes down a user who may do more than they', async (t) => {
  const { site, act, vaultId, user } = t.context;
  const admin = await user('vault-admin');
  const keyForUsers: Changer = { userId: 'x', permissions: new Set(['users.read', 'users.write']) };
  for (const doing of [
    createUser(site, act(), keyForUsers, vaultId, { ...input, role: 'vault-admin' }),
    resetPassword(site, act(), keyForUsers, { vaultId, userId: admin.id }),
    updateUser(site, act(), keyForUsers, { vaultId, userId: admin.id }, { state: 'DISABLED' }),
    deleteUser(site, act(), keyForUsers, { vaultId, userId: admin.id }),
    unlockUser(site, act(), keyForUsers, { vaultId, userId: admin.id }),
  ])
    t.is((await t.throwsAsync(doing, { instanceOf: VaultError }))?.problem, 'forbidden');
  const auditor = await user('auditor');
  await t.throwsAsync(
    updateUser(site, act(), keyForUsers, { vaultId, userId: auditor.id }, { role: 'vault-admin' }),
    { message: /permissions that you do not have/ },
  );
});

test('nobody changes their own role, disables, deletes, unlocks or resets themselves', async (t) => {
  const { site, act, vaultId, user, fresh } = t.context;
  const admin = await user('vault-admin');
  await user('vault-admin');
  const self = changer(admin);
  for (const doing of [
    updateUser(site, act(), self, { vaultId, userId: admin.id }, { role: 'auditor' }),
    updateUser(site, act(), self, { vaultId, userId: admin.id }, { state: 'DISABLED' }),
    deleteUser(site, act(), self, { vaultId, userId: admin.id }),
    unlockUser(site, act(), self, { vaultId, userId: admin.id }),
    resetPassword(site, act(), self, { vaultId, userId: admin.id }),
  ])
    t.is((await t.throwsAsync(doing, { instanceOf: VaultError }))?.problem, 'forbidden');
  t.deepEqual(await fresh(admin), admin);
  await updateUser(
    site,
    act(),
    self,
    { vaultId, userId: admin.id },
    { displayName: 'Ada', role: 'vault-admin' },
  );
  t.is((await fresh(admin)).display_name, 'Ada');
});

for (const [where, role, lesser] of [
  ['a vault', 'vault-admin', 'auditor'],
  ['the appliance', 'appliance-admin', 'appliance-auditor'],
] as const)
  test(`the last active administrator of ${where} stays, also when two take each other down`, async (t) => {
    const { site, act, user, fresh } = t.context;
    const [one, two] = [await user(role), await user(role)];
    const vaultId = one.vault_id;
    const both = await Promise.allSettled([
      updateUser(site, act(), changer(one), { vaultId, userId: two.id }, { state: 'DISABLED' }),
      updateUser(site, act(), changer(two), { vaultId, userId: one.id }, { role: lesser }),
    ]);
    t.is(both.filter(({ status }) => status === 'fulfilled').length, 1);
    const left = (await fresh(one)).role === role ? one : two;
    for (const doing of [
      updateUser(site, act(), 'command', { vaultId, userId: left.id }, { state: 'DISABLED' }),
      updateUser(site, act(), 'command', { vaultId, userId: left.id }, { role: lesser }),
      deleteUser(site, act(), 'command', { vaultId, userId: left.id }),
    ])
      t.is(
        (await t.throwsAsync(doing, { instanceOf: VaultError, message: /nobody would be left/ }))?.problem,
        'conflict',
      );
    await user(role);
    await t.notThrowsAsync(deleteUser(site, act(), 'command', { vaultId, userId: left.id }));
  });

for (const [where, role, lesser] of [
  ['a vault', 'vault-admin', 'auditor'],
  ['the appliance', 'appliance-admin', 'appliance-auditor'],
] as const)
  test(`an administrator of ${where} who can sign in stays, however many there are who cannot`, async (t) => {
    const { site, act, store, user, clock, fresh } = t.context;
    const week = new Date(clock.at - 8 * 86_400_000).toISOString();
    // None of these gets in: for ever locked, an old first password, none at all, single sign-on that nobody has set up.
    await user(role, { locked_until: '9999-12-31T23:59:59.999Z' });
    await user(role, { must_change_password: 1, password_changed_at: week });
    await user(role, { password_hash: null });
    const elsewhere = await user(role, { sign_in: 'oidc', password_hash: null, oidc_subject: 'sub-1' });
    const last = await user(role, { oidc_subject: 'sub-2' });
    const vaultId = last.vault_id;
    const isRefused = async (...acts: (() => Promise<unknown>)[]) => {
      for (const doing of acts)
        t.like(await t.throwsAsync(doing(), { instanceOf: VaultError }), {
          problem: 'conflict',
          message: `nobody would be left who can sign in to administer ${where.replace(/^a /, 'the ')}`,
        });
    };
    const change = async (fields: Parameters<typeof updateUser>[4]) =>
      updateUser(site, act(), 'command', { vaultId, userId: last.id }, fields);
    await isRefused(
      async () => change({ signIn: 'oidc' }),
      async () => change({ state: 'DISABLED' }),
      async () => change({ role: lesser }),
      async () => deleteUser(site, act(), 'command', { vaultId, userId: last.id }),
    );
    t.deepEqual(await fresh(last), last);
    const now = site.now().toISOString();
    const provider = {
      ...{ vault_id: vaultId, issuer: 'https://idp.example.com', client_id: 'x', scopes: 'openid' },
      ...{ client_secret_sealed: null, client_secret_token: null, username_claim: 'email' as const },
      ...{ ca_certificates: '', created_at: now, updated_at: now },
    };
    await store.db.insertInto('oidc_providers').values(provider).execute();
    // Those who have signed in at the provider can go on there, and then it stays.
    t.is((await change({ signIn: 'oidc' })).sign_in, 'oidc');
    await isRefused(async () => deleteProvider(site, act(), { vaultId }));
    await t.notThrowsAsync(deleteUser(site, act(), 'command', { vaultId, userId: elsewhere.id }));
    await isRefused(
      async () => change({ signIn: 'password' }),
      async () => change({ state: 'DISABLED' }),
    );
    // Of somebody who never was there it is not known that they are let in.
    await user(role, { sign_in: 'oidc', password_hash: null });
    await isRefused(async () => deleteUser(site, act(), 'command', { vaultId, userId: last.id }));
    await user(role);
    await t.notThrowsAsync(deleteProvider(site, act(), { vaultId }));
  });

for (const [what, change] of Object.entries({
  'is disabled': { state: 'DISABLED' },
  'gets another role': { role: 'cloud-admin' },
  'must sign in elsewhere': { signIn: 'oidc' },
} as const))
  test(`the sessions of a user who ${what} end at once`, async (t) => {
    const { site, act, vaultId, user, session } = t.context;
    const person = await user('auditor');
    const { token } = await session(person);
    await updateUser(site, act(), 'command', { vaultId, userId: person.id }, { displayName: 'Other' });
    t.true(await isLive(t.context, token), 'another name ends nothing');
    await updateUser(site, act(), 'command', { vaultId, userId: person.id }, change);
    t.false(await isLive(t.context, token));
  });

test('a deleted user is gone with sessions and API keys, and the trail keeps the name', async (t) => {
  const { site, act, vaultId, user, session, store } = t.context;
  const person = await user('auditor');
  const { token } = await session(person);
  const expiresAt = new Date(site.now().getTime() + 86_400_000);
  const owner = { userId: person.id, vaultId, permissions: new Set(permissionsOf.auditor) };
  const { secret } = await createApiKey(site, act(), owner, { name: 'k', scope: ['vault.read'], expiresAt });
  await deleteUser(site, act(), 'command', {
    vaultId,
    userId: person.id,
    expected: new SeenVersion(person.row_version),
  });
  t.false(await isLive(t.context, token));
  t.false(await isLive(t.context, secret));
  t.deepEqual(await store.db.selectFrom('api_keys').selectAll().execute(), []);
  t.like((await trail(store, person.id)).at(-1), { action: 'user.delete', target_name: person.username });
});

test('a password reset ends sessions, unlocks, and makes the old password nothing', async (t) => {
  const { site, act, vaultId, user, session, signIn } = t.context;
  const person = await user('auditor', { failures: 7, locked_until: '2999-01-01T00:00:00.000Z' });
  const { token } = await session(person);
  const { delivery } = await resetPassword(site, act(), 'command', { vaultId, userId: person.id });
  if (delivery.mailed) return t.fail();
  t.false(await isLive(t.context, token));
  await t.throwsAsync(signIn(person, password));
  t.is((await signIn(person, delivery.password)).session.state, 'PASSWORD_CHANGE');
});

test('unlocking lets the right password in again', async (t) => {
  const { site, act, vaultId, user, signIn, store } = t.context;
  const person = await user('auditor', { failures: 100, locked_until: '9999-12-31T23:59:59.999Z' });
  await t.throwsAsync(signIn(person));
  await unlockUser(site, act(), 'command', { vaultId, userId: person.id });
  t.is((await signIn(person)).session.state, 'ACTIVE');
  const event = (await trail(store, person.id)).find(({ action }) => action === 'user.unlock');
  t.deepEqual(JSON.parse(event?.before ?? ''), { failures: 100, lockedUntil: '9999-12-31T23:59:59.999Z' });
});

test('a user of another vault is not found, whatever is asked', async (t) => {
  const { site, act, vaultId, user } = t.context;
  const elsewhere = await user('appliance-auditor');
  for (const doing of [
    findUser(site.store, vaultId, elsewhere.id),
    updateUser(site, act(), 'command', { vaultId, userId: elsewhere.id }, { displayName: 'x' }),
    deleteUser(site, act(), 'command', { vaultId, userId: elsewhere.id }),
    unlockUser(site, act(), 'command', { vaultId, userId: elsewhere.id }),
    resetPassword(site, act(), 'command', { vaultId, userId: elsewhere.id }),
  ])
    t.is((await t.throwsAsync(doing, { instanceOf: VaultError }))?.problem, 'not-found');
  const page = await listUsers(site, vaultId, { limit: 200 });
  t.false(page.items.some(({ id }) => id === elsewhere.id));
});

test('a change raises the row version, one of nothing does not, and one of an old version is refused', async (t) => {
  const { site, act, vaultId, user, store } = t.context;
  const person = await user('auditor');
  const change = async (displayName: string, expected: number) =>
    updateUser(
      site,
      act(),
      'command',
      { vaultId, userId: person.id, expected: new SeenVersion(expected) },
      { displayName },
    );
  t.is((await change('Ada', 1)).row_version, 2);
  t.is((await change('Ada', 2)).row_version, 2);
  t.is((await t.throwsAsync(change('Eve', 1), { instanceOf: VaultError }))?.problem, 'precondition');
  const events = (await trail(store, person.id)).filter(({ action }) => action === 'user.update');
  t.is(events.length, 1);
  t.deepEqual(JSON.parse(events[0]?.after ?? ''), { displayName: 'Ada' });
});

test('users are listed in order and by filter', async (t) => {
  const { site, act, vaultId } = t.context;
  for (const username of ['delta', 'Alpha', 'charlie', 'Bravo'])
    await createUser(site, act(), 'command', vaultId, {
      ...input,
      username,
      role: username === 'delta' ? 'vault-admin' : 'auditor',
    });
  const first = await listUsers(site, vaultId, { limit: 3 });
  t.deepEqual(
    first.items.map(({ username }) => username),
    ['Alpha', 'Bravo', 'charlie'],
  );
  const rest = await listUsers(site, vaultId, { limit: 3, cursor: first.next ?? '' });
  t.deepEqual(
    rest.items.map(({ username }) => username),
    ['delta'],
  );
  const admins = await listUsers(site, vaultId, { limit: 3, role: 'vault-admin' });
  t.deepEqual(
    admins.items.map(({ username }) => username),
    ['delta'],
  );
});

async function keyOf({ site, act }: People, user: UserRow, days = 30) {
  const caller = { userId: user.id, vaultId: user.vault_id, permissions: new Set(permissionsOf[user.role]) };
  const expiresAt = new Date(site.now().getTime() + days * 86_400_000);
  const scope = [permissionsOf[user.role][0] ?? 'vault.read'];
  return createApiKey(site, act(), caller, { name: `of ${user.username}`, scope, expiresAt });
}

test('API keys and sessions of others are seen by vault, by user and by state', async (t) => {
  const { site, act, vaultId, user, session, clock } = t.context;
  const [admin, auditor, boss] = [
    await user('vault-admin'),
    await user('auditor'),
    await user('appliance-admin'),
  ];
  const [short, long] = [await keyOf(t.context, auditor, 1), await keyOf(t.context, admin)];
  const ofBoss = await keyOf(t.context, boss);
  const [one, other] = [await session(auditor), await session(boss)];
  const keys = async (of: string, more: object = {}) =>
    (await listApiKeysOfUsers(site, of, { limit: 10, ...more })).items.map(({ id }) => id).toSorted();
  const sessions = async (of: string, more: object = {}) =>
    (await listSessionsOfUsers(site, limits, of, { limit: 10, ...more })).items.map(({ id }) => id);
  t.deepEqual(await keys(vaultId), [short.apiKey.id, long.apiKey.id].toSorted());
  t.deepEqual(await keys(''), [ofBoss.apiKey.id]);
  t.deepEqual(await keys(vaultId, { userId: auditor.id }), [short.apiKey.id]);
  t.deepEqual(await keys(vaultId, { userId: boss.id }), [], 'by the id of another place nothing is found');
  t.deepEqual(await sessions(vaultId), [one.session.id]);
  t.deepEqual(await sessions(''), [other.session.id]);
  t.deepEqual(await sessions('', { userId: auditor.id }), []);
  const [first] = (await listApiKeysOfUsers(site, vaultId, { limit: 10, userId: admin.id })).items;
  t.like(first, { user_id: admin.id, username: admin.username, role: 'vault-admin' });

  const page = await listApiKeysOfUsers(site, vaultId, { limit: 1, sort: '-expiresAt' });
  t.deepEqual(
    page.items.map(({ id }) => id),
    [long.apiKey.id],
  );
  const next = { limit: 1, sort: '-expiresAt', cursor: page.next ?? '' };
  t.deepEqual(
    (await listApiKeysOfUsers(site, vaultId, next)).items.map(({ id }) => id),
    [short.apiKey.id],
  );

  await revokeApiKeyOfUser(site, act(), changer(admin), vaultId, long.apiKey.id);
  clock.minutes(limits.idleMinutes + 1);
  t.deepEqual(await sessions(vaultId), [], 'one that nobody has used for so long has ended');
  clock.minutes(2 * 24 * 60);
  t.deepEqual(await keys(vaultId, { state: 'EXPIRED' }), [short.apiKey.id]);
  t.deepEqual(await keys(vaultId, { state: 'REVOKED' }), [long.apiKey.id]);
  t.deepEqual(await keys(vaultId, { state: 'LIVE' }), []);
});

test('an API key or session of somebody else ends at once, on record, by who may do as much as they', async (t) => {
  const { site, act, store, vaultId, user, session } = t.context;
  const [admin, auditor] = [await user('vault-admin'), await user('auditor')];
  const of = async (owner: UserRow) => ({
    key: await keyOf(t.context, owner),
    signedIn: await session(owner),
  });
  const [mine, theirs] = [await of(admin), await of(auditor)];
  // An API key for users alone is no way to take down an administrator.
  const keyForUsers: Changer = { userId: 'x', permissions: new Set(['users.read', 'users.write']) };
  const ends = (who: Changer, { key, signedIn }: typeof mine, place = vaultId) =>
    [
      async () => revokeApiKeyOfUser(site, act(), who, place, key.apiKey.id),
      async () => endSessionOfUser(site, act(), who, place, signedIn.session.id),
    ] as const;
  for (const end of [...ends(keyForUsers, mine), ...ends(keyForUsers, theirs)])
    t.is((await t.throwsAsync(end, { instanceOf: VaultError }))?.problem, 'forbidden');
  for (const end of ends('command', theirs, ''))
    t.is((await t.throwsAsync(end, { instanceOf: VaultError }))?.problem, 'not-found', 'of another place');
  for (const secret of [mine.key.secret, mine.signedIn.token, theirs.key.secret, theirs.signedIn.token])
    t.true(await isLive(t.context, secret));

  for (const end of ends(changer(admin), theirs)) await end();
  t.false(await isLive(t.context, theirs.key.secret));
  t.false(await isLive(t.context, theirs.signedIn.token));
  t.true(await isLive(t.context, mine.key.secret));
  const [revoked] = (await trail(store, theirs.key.apiKey.id)).slice(-1);
  t.like(revoked, {
    action: 'api-key.revoke',
    vault_id: vaultId,
    before: JSON.stringify({ owner: auditor.username }),
  });
  const [ended] = (await trail(store, theirs.signedIn.session.id)).slice(-1);
  t.like(ended, { action: 'session.end', vault_id: vaultId, target_name: auditor.username });
  // Safe to repeat, where it was for good; a session that has ended is not there any more.
  const [again, gone] = ends(changer(admin), theirs);
  await t.notThrowsAsync(again);
  t.is(
    (await trail(store, theirs.key.apiKey.id)).filter(({ action }) => action === 'api-key.revoke').length,
    1,
  );
  t.is((await t.throwsAsync(gone, { instanceOf: VaultError }))?.problem, 'not-found');
});
