import { randomBytes } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import { allRoutes } from '../../src/admin/routes.ts';
import { Problem } from '../../src/admin/problem.ts';
import type { Route } from '../../src/admin/route.ts';
import { createApiKey, revokeApiKey } from '../../src/identity/api-keys.ts';
import { resolveCaller, type Presented } from '../../src/identity/callers.ts';
import type { Caller } from '../../src/identity/caller.ts';
import { CsrfError } from '../../src/identity/identity-error.ts';
import { permissionsOf, type Permission } from '../../src/identity/permissions.ts';
import type { UserRow } from '../../src/identity/sessions.ts';
import { endSession } from '../../src/identity/sessions.ts';
import { updateUser } from '../../src/identity/users.ts';
import { VerifiedKeys, takenFor } from '../../src/http/verified-keys.ts';
import { CallerWithoutStore } from '../../src/http/caller-without-store.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { insertGroup } from '../../testing/vault.ts';
import { limits, openPeople, trail, type People } from './people.ts';

const test = anyTest as TestFn<People>;
test.beforeEach(async (t) => {
  t.context = await openPeople();
});
test.afterEach.always(async (t) => t.context.dispose());

async function resolve({ site }: People, presented: Partial<Presented>) {
  return resolveCaller(site, limits, { method: 'GET', address: '192.0.2.7', ...presented });
}

function caller(user: UserRow) {
  return { userId: user.id, vaultId: user.vault_id, permissions: new Set(permissionsOf[user.role]) };
}

async function apiKey(people: People, user: UserRow, scope: Permission[], days = 30) {
  const { site, act } = people;
  const expiresAt = new Date(site.now().getTime() + days * 86_400_000);
  return createApiKey(site, act(), caller(user), { name: 'pipeline', scope, expiresAt });
}

test('without a token, and with one that is none, nobody is there', async (t) => {
  t.is(await resolve(t.context, {}), undefined);
  for (const bearer of [
    '',
    'hfs_',
    `hfs_${randomBytes(32).toString('base64url')}`,
    `hfk_${randomBytes(16).toString('base64url')}_${randomBytes(32).toString('base64url')}`,
    'x'.repeat(10_000),
  ])
    t.is(await resolve(t.context, { bearer }), undefined);
});

test('a session ends when it is not used, however often it was, and at its end however busy', async (t) => {
  const { user, session, clock } = t.context;
  const idle = (await session(await user())).token.reveal();
  const busy = (await session(await user())).token.reveal();
  clock.minutes(15);
  clock.at -= 1;
  t.truthy(await resolve(t.context, { bearer: busy }));
  clock.at += 1;
  t.is(await resolve(t.context, { bearer: idle }), undefined);
  for (let minutes = 15; minutes < 480 - 10; minutes += 10) {
    t.truthy(await resolve(t.context, { bearer: busy }), `after ${minutes} minutes`);
    clock.minutes(10);
  }
  clock.minutes(10);
  t.is(await resolve(t.context, { bearer: busy }), undefined);
});

test('a shorter limit counts for sessions that were begun before it', async (t) => {
  const { user, session, clock, site } = t.context;
  const bearer = (await session(await user())).token.reveal();
  clock.minutes(6);
  t.truthy(await resolve(t.context, { bearer }));
  const shorter = { idleMinutes: 15, maxMinutes: 5 };
  t.is(await resolveCaller(site, shorter, { bearer, method: 'GET', address: '' }), undefined);
});

test('that a session is used is written every half minute at the most', async (t) => {
  const { user, session, clock, store, site } = t.context;
  const person = await user();
  const { token, session: row } = await session(person);
  const bearer = token.reveal();
  const seen = async () =>
    (
      await store.db
        .selectFrom('sessions')
        .select('last_seen_at')
        .where('id', '=', row.id)
        .executeTakeFirstOrThrow()
    ).last_seen_at;
  const began = site.now().toISOString();
  for (let second = 0; second < 29; second++) {
    clock.seconds(1);
    await resolve(t.context, { bearer });
    t.is(await seen(), began);
  }
  clock.seconds(1);
  await resolve(t.context, { bearer });
  t.is(await seen(), site.now().toISOString());
});

test('a session in a cookie changes nothing without its CSRF token', async (t) => {
  const { user, session } = t.context;
  const person = await user();
  const opened = await session(person, { cookie: true });
  const other = await session(person, { cookie: true });
  const cookie = opened.token.reveal();
  const csrfToken = opened.csrfToken?.reveal() ?? '';
  t.true((await resolve(t.context, { cookie }))?.byCookie);
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'post', 'FOO']) {
    t.truthy(await resolve(t.context, { cookie, csrfToken, method }));
    await t.throwsAsync(resolve(t.context, { cookie, method }), { instanceOf: CsrfError });
    await t.throwsAsync(resolve(t.context, { cookie, csrfToken: '', method }), { instanceOf: CsrfError });
    await t.throwsAsync(resolve(t.context, { cookie, csrfToken: other.csrfToken?.reveal(), method }), {
      instanceOf: CsrfError,
    });
  }
});

test('a token from a cookie is nothing in a header, and the other way round', async (t) => {
  const { user, session } = t.context;
  const person = await user();
  const inCookie = (await session(person, { cookie: true })).token.reveal();
  const inHeader = (await session(person)).token.reveal();
  t.is(await resolve(t.context, { bearer: inCookie }), undefined);
  t.is(await resolve(t.context, { cookie: inHeader }), undefined);
  t.is((await resolve(t.context, { bearer: inHeader, cookie: inCookie }))?.byCookie, false);
  t.is(await resolve(t.context, { bearer: 'hfs_wrong', cookie: inCookie }), undefined);
});

test('signing out ends a session at once, and only one’s own', async (t) => {
  const { user, session, site, act, store } = t.context;
  const person = await user();
  const opened = await session(person);
  const stranger = await user();
  await t.throwsAsync(endSession(site, act(), stranger.id, opened.session.id), { instanceOf: VaultError });
  t.truthy(await resolve(t.context, { bearer: opened.token.reveal() }));
  await endSession(site, act(), person.id, opened.session.id);
  t.is(await resolve(t.context, { bearer: opened.token.reveal() }), undefined);
  t.is((await trail(store, opened.session.id)).at(-1)?.action, 'session.end');
});

test('a cloud admin sees their admin groups, from the moment they are in one, others everything', async (t) => {
  const { user, session, store, vaultId } = t.context;
  const person = await user('cloud-admin');
  const bearer = (await session(person)).token.reveal();
  t.deepEqual((await resolve(t.context, { bearer }))?.sight, []);
  const groupId = await insertGroup(store, vaultId, 'EU');
  await store.db
    .insertInto('admin_group_members')
    .values({ group_id: groupId, user_id: person.id, created_at: '' })
    .execute();
  t.deepEqual((await resolve(t.context, { bearer }))?.sight, [groupId]);
  const admin = (await session(await user('vault-admin'))).token.reveal();
  t.is((await resolve(t.context, { bearer: admin }))?.sight, 'all');
});

test('an API key may do its scope, and of that only what its owner may still', async (t) => {
  const { user, site, act, vaultId } = t.context;
  const owner = await user('vault-admin');
  await user('vault-admin');
  const { apiKey: row, secret } = await apiKey(t.context, owner, ['users.write', 'vault.read']);
  const bearer = secret.reveal();
  t.regex(bearer, /^hfk_[A-Za-z0-9_-]{22}_[A-Za-z0-9_-]{43}$/);
  const found = await resolve(t.context, { bearer });
  t.is(found?.kind, 'api-key');
  t.is(found?.credentialId, row.id);
  t.deepEqual(found?.permissions, new Set<Permission>(['users.write', 'vault.read']));
  await updateUser(site, act(), 'command', { vaultId, userId: owner.id }, { role: 'auditor' });
  t.deepEqual((await resolve(t.context, { bearer }))?.permissions, new Set<Permission>(['vault.read']));
});

test('an API key beyond one’s own permissions, or beyond 366 days, is not made', async (t) => {
  const { user, store } = t.context;
  const owner = await user('auditor');
  const refused = async (scope: Permission[], days?: number) =>
    t.throwsAsync(apiKey(t.context, owner, scope, days), { instanceOf: VaultError });
  t.is((await refused(['vault.read', 'users.write']))?.problem, 'forbidden');
  t.is((await refused(['appliance.read']))?.problem, 'forbidden');
  t.is((await refused([]))?.problem, 'invalid');
  t.is((await refused(['vault.read'], 367))?.problem, 'invalid');
  t.is((await refused(['vault.read'], 0))?.problem, 'invalid');
  t.is((await refused(['vault.read'], Number.NaN))?.problem, 'invalid');
  t.deepEqual(await store.db.selectFrom('api_keys').selectAll().execute(), []);
  t.truthy(await apiKey(t.context, owner, ['vault.read'], 366));
});

test('an API key ends at its end, when it is revoked, and for good when its owner is disabled', async (t) => {
  const { user, clock, site, act, vaultId, store } = t.context;
  const owner = await user('auditor');
  const short = (await apiKey(t.context, owner, ['vault.read'], 1)).secret.reveal();
  const revoked = await apiKey(t.context, owner, ['vault.read']);
  const last = (await apiKey(t.context, owner, ['vault.read'])).secret.reveal();
  clock.minutes(24 * 60);
  t.is(await resolve(t.context, { bearer: short }), undefined);

  const stranger = caller(await user());
  await t.throwsAsync(revokeApiKey(site, act(), stranger, revoked.apiKey.id), { instanceOf: VaultError });
  t.truthy(await resolve(t.context, { bearer: revoked.secret.reveal() }));
  await revokeApiKey(site, act(), caller(owner), revoked.apiKey.id);
  await revokeApiKey(site, act(), caller(owner), revoked.apiKey.id);
  t.is(await resolve(t.context, { bearer: revoked.secret.reveal() }), undefined);
  t.is((await trail(store, revoked.apiKey.id)).filter(({ action }) => action === 'api-key.revoke').length, 1);

  await updateUser(site, act(), 'command', { vaultId, userId: owner.id }, { state: 'DISABLED' });
  t.is(await resolve(t.context, { bearer: last }), undefined);
  await updateUser(site, act(), 'command', { vaultId, userId: owner.id }, { state: 'ACTIVE' });
  t.is(await resolve(t.context, { bearer: last }), undefined);
});

test('a disabled user is nobody, by session and by API key, whoever disabled them', async (t) => {
  const { user, session, store } = t.context;
  const person = await user();
  const { token } = await session(person);
  const { secret } = await apiKey(t.context, person, ['vault.read']);
  await store.db.updateTable('users').set({ state: 'DISABLED' }).where('id', '=', person.id).execute();
  t.is(await resolve(t.context, { bearer: token.reveal() }), undefined);
  t.is(await resolve(t.context, { bearer: secret.reveal() }), undefined);
});

test('the id of an API key with another secret is nothing', async (t) => {
  const { user } = t.context;
  const { secret } = await apiKey(t.context, await user(), ['vault.read']);
  const bearer = `${secret.reveal().slice(0, -43)}${randomBytes(32).toString('base64url')}`;
  t.is(await resolve(t.context, { bearer }), undefined);
});

test('when and from where an API key was used is written every half minute at the most', async (t) => {
  const { user, clock, store } = t.context;
  const { secret } = await apiKey(t.context, await user(), ['vault.read']);
  const use = async (address: string) => {
    await resolve(t.context, { bearer: secret.reveal(), address });
    const row = await store.db.selectFrom('api_keys').selectAll().executeTakeFirstOrThrow();
    return row.last_address;
  };
  t.is(await use('192.0.2.1'), '192.0.2.1');
  clock.seconds(29);
  t.is(await use('192.0.2.2'), '192.0.2.1');
  clock.seconds(1);
  t.is(await use('192.0.2.3'), '192.0.2.3');
});

test('an API key that the store has confirmed is good without it for a quarter of an hour after it was asked, and while it lasts', async (t) => {
  const { user, clock, site, session } = t.context;
  const bearer = (await apiKey(t.context, await user(), ['vault.read'], 1)).secret.reveal();
  const known = await resolve(t.context, { bearer });
  if (known === undefined) return t.fail();
  let elapsed = 0;
  const keys = new VerifiedKeys(site.now, () => elapsed);
  t.is(keys.callerOf(bearer), undefined);
  const asked = keys.asking();
  elapsed += 60_000;
  keys.confirmed(bearer, known, asked);
  elapsed += takenFor - 60_000 - 1;
  t.is(keys.callerOf(bearer), known);
  elapsed += 1;
  t.is(keys.callerOf(bearer), undefined, 'counted from when the store was asked');

  keys.confirmed(bearer, known, keys.asking());
  const guessed = `${bearer.slice(0, -43)}${randomBytes(32).toString('base64url')}`;
  t.is(keys.callerOf(guessed), undefined);
  keys.refused(guessed);
  t.is(keys.callerOf(bearer), known, 'whoever knows its id alone has nothing forgotten');
  const slow = keys.asking();
  keys.refused(bearer);
  t.is(keys.callerOf(bearer), undefined);
  keys.confirmed(bearer, known, slow);
  t.is(keys.callerOf(bearer), undefined, 'it was asked before it was refused');

  keys.confirmed(bearer, known, keys.asking());
  const before = keys.asking();
  keys.forgetAll();
  keys.confirmed(bearer, known, before);
  t.is(keys.callerOf(bearer), undefined, 'it may have been read before it was revoked');

  const person = (await session(await user())).token.reveal();
  keys.confirmed(person, { ...known, kind: 'user' }, keys.asking());
  t.is(keys.callerOf(person), undefined);

  keys.confirmed(bearer, known, keys.asking());
  clock.minutes(24 * 60 - 1);
  t.is(keys.callerOf(bearer), known);
  clock.minutes(1);
  t.is(keys.callerOf(bearer), undefined, 'it has ended');
});

test('a store that never answers is not waited for; who it has confirmed is told without it, until something may have taken that away', async (t) => {
  const { user, site } = t.context;
  const routeOf = (name: string) => allRoutes.find(({ operation }) => operation === name) as Route;
  const metrics = routeOf('getMetrics');
  const owner = await user('appliance-auditor');
  const { secret } = await apiKey(t.context, owner, ['metrics.read', 'appliance.read']);
  const bearer = secret.reveal();
  const known = await resolve(t.context, { bearer });
  const callers = new CallerWithoutStore(site.now, 1);
  const never = async () => new Promise<never>(() => undefined);
  const without = async () => callers.resolve(metrics, bearer, never);
  const confirm = async () => {
    const resolved = await callers.resolve(metrics, bearer, async () => Promise.resolve(known));
    t.deepEqual(resolved, { caller: known, withoutStore: false });
  };
  const forgotten = async (why: string) => t.throwsAsync(without(), { instanceOf: StoreError }, why);

  await forgotten('it was never asked for');
  await confirm();
  t.deepEqual(await without(), { caller: known, withoutStore: true });
  const bug = async () => Promise.reject(new TypeError('a bug'));
  await t.throwsAsync(callers.resolve(metrics, bearer, bug), { instanceOf: TypeError });

  const late = Promise.withResolvers<Caller | undefined>();
  t.true((await callers.resolve(metrics, bearer, async () => late.promise)).withoutStore);
  late.resolve(undefined);
  await late.promise;
  await forgotten('the store has said so, if late');

  await confirm();
  callers.saw(routeOf('signIn'), new Set(['users']), undefined);
  callers.saw(routeOf('disableCloudKey'), new Set(['cloud_keys']), new Problem('not-in-force', ''));
  t.truthy(await without());
  for (const [changed, problem] of [
    [new Set(['api_keys']), undefined],
    [new Set(['users', 'sessions']), new Problem('store-unavailable', '')],
    [new Set<string>(), new Problem('store-in-doubt', '')],
    [new Set<string>(), new Problem('store-not-certain', '')],
  ] as const) {
    await confirm();
    callers.saw(routeOf('revokeApiKey'), changed, problem);
    await forgotten([...changed, problem?.kind].join(' '));
  }
  await confirm();
  const narrowed = async () =>
    Promise.resolve(known && { ...known, permissions: new Set<Permission>(['appliance.read']) });
  await callers.resolve(metrics, bearer, narrowed);
  await forgotten('its owner may not do it any more');
});

test('so many API keys are kept and no more: the one that was confirmed first goes', (t) => {
  const keys = new VerifiedKeys(() => new Date('2027-01-01T00:00:00.000Z'));
  const known = { kind: 'api-key', expiresAt: '2027-02-01T00:00:00.000Z' } as Caller;
  const bearers = Array.from(
    { length: 17 },
    () => `hfk_${randomBytes(16).toString('base64url')}_${randomBytes(32).toString('base64url')}`,
  );
  for (const bearer of bearers) keys.confirmed(bearer, known, keys.asking());
  t.deepEqual(
    bearers.map((bearer) => keys.callerOf(bearer) === known),
    [false, ...Array<boolean>(16).fill(true)],
  );
});

test('what is answered while the store cannot be asked is the metrics alone, which changes nothing and needs a permission', (t) => {
  const routes = allRoutes.filter(({ withoutStore }) => withoutStore === true);
  t.deepEqual(
    routes.map(({ operation, method, access }) => [operation, method, access]),
    [['getMetrics', 'GET', { kind: 'permission', appliance: 'metrics.read' }]],
  );
});
