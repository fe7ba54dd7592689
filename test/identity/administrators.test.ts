import anyTest, { type TestFn } from 'ava';
import { ensureFirstAdministrator, resetAdministrator } from '../../src/identity/administrators.ts';
import { resolveCaller } from '../../src/identity/callers.ts';
import { findByName } from '../../src/identity/sign-in.ts';
import { Secret } from '../../src/secret.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { limits, openPeople, trail, type People } from './people.ts';

const test = anyTest as TestFn<People>;
test.beforeEach(async (t) => {
  t.context = await openPeople();
});
test.afterEach.always(async (t) => t.context.dispose());

test('the first administrator is made once, however often and by however many at once', async (t) => {
  const { site, act, store, signIn, fresh } = t.context;
  const all = await Promise.all(
    Array.from({ length: 3 }, async () => ensureFirstAdministrator(site, act(), { username: 'root' })),
  );
  const made = all.filter((one) => one.made);
  t.is(made.length, 1);
  t.true(all.every(({ username }) => username === 'root'));
  const again = await ensureFirstAdministrator(site, act(), { username: 'another' });
  t.deepEqual(again, { username: 'root', made: false });
  const users = await store.db.selectFrom('users').selectAll().execute();
  t.is(users.length, 1);
  const [user] = users;
  const [first] = made;
  if (user === undefined || first?.firstPassword === undefined) return t.fail();
  t.is(user.role, 'appliance-admin');
  t.is((await signIn(user, first.firstPassword)).session.state, 'PASSWORD_CHANGE');
  t.is((await fresh(user)).failures, 0);
});

test('a password that the administrator chose need not be changed, but must do', async (t) => {
  const { site, act, signIn } = t.context;
  const make = async (text: string) =>
    ensureFirstAdministrator(site, act(), { username: 'root', password: new Secret(text) });
  await t.throwsAsync(make('short'), { instanceOf: VaultError });
  await t.throwsAsync(make('root lets me in!'), { instanceOf: VaultError });
  const chosen = 'nine geese in formation';
  t.deepEqual(await make(chosen), { username: 'root', made: true });
  const user = await findByName(site, '', 'root');
  if (user === undefined) return t.fail();
  t.is((await signIn(user, new Secret(chosen))).session.state, 'ACTIVE');
});

test('break-glass lets a locked, disabled administrator without their app in again, and ends all else', async (t) => {
  const { site, act, user, session, signIn, store } = t.context;
  const admin = await user('appliance-admin', {
    failures: 100,
    locked_until: '9999-12-31T23:59:59.999Z',
    state: 'DISABLED',
    totp_state: 'ON',
  });
  const { token } = await session(admin);
  const { username, firstPassword } = await resetAdministrator(site, act());
  t.is(username, admin.username);
  t.is(await resolveCaller(site, limits, { bearer: token.reveal(), method: 'GET', address: '' }), undefined);
  t.is((await signIn(admin, firstPassword)).session.state, 'PASSWORD_CHANGE');
  t.true((await trail(store, admin.id)).some(({ action }) => action === 'user.break-glass'));
});

test('break-glass names whom it is for where there are several, and touches nobody else', async (t) => {
  const { site, act, user, fresh } = t.context;
  await t.throwsAsync(resetAdministrator(site, act()), { message: /no such administrator/ });
  const one = await user('appliance-admin');
  const two = await user('appliance-admin');
  await user('appliance-auditor', { username: 'auditor', username_key: 'auditor' });
  await t.throwsAsync(resetAdministrator(site, act()), { message: /more than one/ });
  await t.throwsAsync(resetAdministrator(site, act(), { username: 'auditor' }), { instanceOf: VaultError });
  await resetAdministrator(site, act(), { username: two.username.toUpperCase() });
  t.deepEqual(await fresh(one), one);
  t.is((await fresh(two)).must_change_password, 1);
});
