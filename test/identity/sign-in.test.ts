import anyTest, { type TestFn } from 'ava';
import { SignInRefusedError } from '../../src/identity/identity-error.ts';
import { resolveCaller } from '../../src/identity/callers.ts';
import { changePassword, signIn } from '../../src/identity/sign-in.ts';
import { listSessions } from '../../src/identity/sessions.ts';
import { Secret } from '../../src/secret.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { limits, openPeople, password, trail, wrong, type People } from './people.ts';

const test = anyTest as TestFn<People>;
test.beforeEach(async (t) => {
  t.context = await openPeople();
});
test.afterEach.always(async (t) => t.context.dispose());

const wanted = new Secret('seven herons over the weir');

async function callerOf({ site }: People, token: Secret) {
  return resolveCaller(site, limits, { bearer: token.reveal(), method: 'GET', address: '192.0.2.7' });
}

test('a right password begins a session, in either letter case of the name', async (t) => {
  const { user, signIn: enter, vaultId, store, fresh, site } = t.context;
  const person = await user();
  const opened = await enter({ ...person, username: person.username.toUpperCase() });
  t.regex(opened.token.reveal(), /^hfs_[A-Za-z0-9_-]{43}$/);
  const caller = await callerOf(t.context, opened.token);
  t.is(caller?.userId, person.id);
  t.is(caller?.vaultId, vaultId);
  t.is(caller?.state, 'ACTIVE');
  t.is((await fresh(person)).last_sign_in_at, site.now().toISOString());
  const event = (await trail(store, opened.session.id)).find(({ action }) => action === 'session.begin');
  t.is(event?.actor_id, person.id);
  t.is(event?.outcome, 'done');
  const dump = JSON.stringify(await store.db.selectFrom('sessions').selectAll().execute());
  t.false(dump.includes(opened.token.reveal().slice(4)), 'the store has no token, only its hash');
});

test('a refusal is the same for an unknown user, a wrong password, a disabled and a locked user', async (t) => {
  const { user, signIn: enter, store, vaultId } = t.context;
  const known = await user();
  const disabled = await user('auditor', { state: 'DISABLED' });
  const locked = await user('auditor', { failures: 5, locked_until: '2999-01-01T00:00:00.000Z' });
  const elsewhere = await user('appliance-auditor');
  const oidcOnly = await user('auditor', { sign_in: 'oidc' });
  const told = new Set<string>();
  for (const attempt of [
    async () => enter({ ...known, username: 'nobody' }),
    async () => enter(known, wrong),
    async () => enter(known, new Secret('x'.repeat(5000))),
    async () => enter(disabled),
    async () => enter(locked),
    async () => enter({ ...elsewhere, vault_id: vaultId }),
    async () => enter({ ...known, vault_id: '5b9a4b5e-5f0e-4bd2-9d1c-3a3ad3c6a9c1' }),
    async () => enter(oidcOnly),
  ]) {
    const began = performance.now();
    const error = await t.throwsAsync(attempt(), { instanceOf: SignInRefusedError });
    t.true(performance.now() - began >= 999, 'and none comes sooner than another');
    told.add(JSON.stringify([error?.message, error?.name, Object.entries(error ?? {})]));
  }
  t.is(told.size, 1);
  const events = await store.db.selectFrom('audit_events').selectAll().execute();
  t.false(JSON.stringify(events).includes('nobody,'), 'a name that is no user’s may be a password');
});

test('every refusal is on the record with the account, in the trail of its vault', async (t) => {
  const { user, signIn: enter, store } = t.context;
  const person = await user();
  await t.throwsAsync(enter(person, wrong));
  const [, refusal] = await trail(store, person.id);
  t.like(refusal, {
    action: 'session.begin',
    outcome: 'refused',
    vault_id: person.vault_id,
    address: '192.0.2.7',
    target_name: person.username,
    after: '{"refusals":1,"addresses":{"192.0.2.7":1}}',
  });
});

test('a first password must be changed before anything else, and is good for seven days', async (t) => {
  const { user, signIn: enter, clock, site, act, fresh } = t.context;
  const person = await user('auditor', { must_change_password: 1 });
  const first = await enter(person);
  t.is(first.session.state, 'PASSWORD_CHANGE');
  const own = { userId: person.id, sessionId: first.session.id };
  const second = await changePassword(site, limits, act(), own, { current: password, wanted });
  t.is(second.session.state, 'ACTIVE');
  t.not(second.token.reveal(), first.token.reveal());
  t.is(await callerOf(t.context, first.token), undefined, 'the old token is nothing any more');
  t.is((await callerOf(t.context, second.token))?.state, 'ACTIVE');
  t.is((await fresh(person)).must_change_password, 0);
  clock.minutes(60 * 24 * 30);
  t.is((await enter(person, wanted)).session.state, 'ACTIVE', 'one’s own password is good for ever');

  const late = await user('auditor', { must_change_password: 1 });
  clock.minutes(60 * 24 * 7);
  await t.throwsAsync(enter(late), { instanceOf: SignInRefusedError });
});

test('a session that owes something ends after ten minutes', async (t) => {
  const { user, session, clock } = t.context;
  const person = await user('auditor', { must_change_password: 1 });
  const { token } = await session(person);
  clock.minutes(10);
  clock.at -= 1;
  t.is((await callerOf(t.context, token))?.state, 'PASSWORD_CHANGE');
  clock.at += 1;
  t.is(await callerOf(t.context, token), undefined);
});

test('changing the password ends all other sessions and gives this one another token', async (t) => {
  const { user, session, site, act, store } = t.context;
  const person = await user();
  const other = await session(person);
  const here = await session(person, { cookie: true });
  const stranger = await session(await user());
  const own = { userId: person.id, sessionId: here.session.id };
  const after = await changePassword(site, limits, act(), own, { current: password, wanted });
  t.is(await callerOf(t.context, other.token), undefined);
  t.not(after.token.reveal(), here.token.reveal());
  t.is(after.session.id, here.session.id);
  t.is(after.session.expires_at, here.session.expires_at, 'it does not get longer by it');
  t.not(after.csrfToken?.reveal(), here.csrfToken?.reveal());
  t.truthy(await callerOf(t.context, stranger.token));
  t.is((await trail(store, person.id)).at(-1)?.action, 'user.change-password');
});

test('a new password must do, and not be the current one; a wrong current one changes nothing', async (t) => {
  const { user, session, site, act, fresh } = t.context;
  const person = await user();
  const { session: here } = await session(person);
  const own = { userId: person.id, sessionId: here.id };
  const change = async (current: Secret, next: Secret) =>
    changePassword(site, limits, act(), own, { current, wanted: next });
  await t.throwsAsync(change(password, password), { message: 'the new password is the current one' });
  await t.throwsAsync(change(password, new Secret('too short')), { instanceOf: VaultError });
  await t.throwsAsync(change(password, new Secret('all about Blue Harbour bay')), {
    message: /of the vault/,
  });
  await t.throwsAsync(change(wrong, wanted), { instanceOf: VaultError, message: /is wrong/ });
  t.is((await fresh(person)).password_hash, person.password_hash);
  t.is((await fresh(person)).failures, 1, 'a taken session is no place to guess at the password');
});

test('after five wrong current passwords the right one is refused too, for a while', async (t) => {
  const { user, session, site, act, clock } = t.context;
  const person = await user();
  const { session: here } = await session(person);
  const own = { userId: person.id, sessionId: here.id };
  for (let round = 0; round < 5; round++)
    await t.throwsAsync(changePassword(site, limits, act(), own, { current: wrong, wanted }));
  await t.throwsAsync(changePassword(site, limits, act(), own, { current: password, wanted }), {
    message: /is wrong, or too many wrong ones were tried/,
  });
  clock.minutes(1);
  t.is(
    (await changePassword(site, limits, act(), own, { current: password, wanted })).session.state,
    'ACTIVE',
  );
});

test('with the twenty-first session of a user the oldest goes', async (t) => {
  const { user, session, clock, site } = t.context;
  const person = await user();
  const opened = [];
  for (let round = 0; round < 21; round++) {
    opened.push(await session(person));
    clock.seconds(1);
  }
  const [first, second] = opened;
  if (first === undefined || second === undefined) return t.fail();
  t.is(await callerOf(t.context, first.token), undefined);
  t.truthy(await callerOf(t.context, second.token));
  t.is((await listSessions(site, limits, person.id)).length, 20);
  const concurrency = await Promise.all(Array.from({ length: 30 }, async () => session(person)));
  t.is((await listSessions(site, limits, person.id)).length, 20);
  const last = concurrency.at(-1);
  if (last !== undefined) t.truthy(await callerOf(t.context, last.token), 'the newest always stays');
});

test('a user of a vault does not sign in to the appliance', async (t) => {
  const { user, site, act } = t.context;
  const person = await user();
  await t.throwsAsync(
    signIn(site, limits, act(), {
      vaultId: '',
      username: person.username,
      password,
      cookie: false,
      userAgent: '',
    }),
    { instanceOf: SignInRefusedError },
  );
});

test('who knows the password alone, and not the second factor, throws nobody out who had both', async (t) => {
  const { user, session, clock, store, fresh } = t.context;
  const person = await user();
  const whole = await session(person);
  await store.db.updateTable('users').set({ totp_state: 'ON' }).where('id', '=', person.id).execute();
  const half = await fresh(person);
  for (let count = 0; count < 40; count++) {
    clock.seconds(1);
    t.is((await session(half)).session.state, 'SECOND_FACTOR');
  }
  t.is((await callerOf(t.context, whole.token))?.state, 'ACTIVE');
  const { many } = await store.db
    .selectFrom('sessions')
    .select((eb) => eb.fn.countAll<number>().as('many'))
    .where('user_id', '=', person.id)
    .executeTakeFirstOrThrow();
  t.is(many, 21, 'and theirs are bounded too');
});
