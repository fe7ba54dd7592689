import anyTest, { type TestFn } from 'ava';
import { Secret as TotpSecret, TOTP } from 'otpauth';
import { resolveCaller } from '../../src/identity/callers.ts';
import { SignInRefusedError } from '../../src/identity/identity-error.ts';
import {
  confirmTotp,
  enrolTotp,
  newRecoveryCodes,
  removeOwnTotp,
  type Own,
} from '../../src/identity/second-factor.ts';
import type { UserRow } from '../../src/identity/sessions.ts';
import { giveSecondFactor } from '../../src/identity/sign-in.ts';
import { removeTotp } from '../../src/identity/user-access.ts';
import type { Secret } from '../../src/secret.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { limits, openPeople, password, wrong, type People } from './people.ts';

const test = anyTest as TestFn<People>;
test.before(async (t) => {
  t.context = await openPeople({ token: true });
});
test.after.always(async (t) => t.context.dispose());

/** What an authenticator app shows. */
function app({ clock }: People, uri: string) {
  const secret = TotpSecret.fromBase32(new URL(uri).searchParams.get('secret') ?? '');
  return (stepsAhead = 0) =>
    TOTP.generate({ secret, timestamp: clock.at + stepsAhead * 30_000, algorithm: 'SHA1', digits: 6 });
}

/** A user with a second factor, and the app for it; the clock stands a step after the last code. */
async function enrolled(people: People, fields: Partial<UserRow> = {}) {
  const { user, session, site, act, clock, fresh } = people;
  const person = await user('auditor', fields);
  const { session: row } = await session(person);
  const own: Own = { userId: person.id, sessionId: row.id };
  const { otpauthUri } = await enrolTotp(site, act(), own, password);
  const show = app(people, otpauthUri.reveal());
  const codes = await confirmTotp(site, act(), own, show());
  clock.seconds(30);
  return { person: await fresh(person), own, show, codes };
}

test.serial('the secret is 160 bits, shown as an otpauth URI, and never in the store', async (t) => {
  const { user, session, site, act, store, fresh } = t.context;
  const person = await user();
  const own = { userId: person.id, sessionId: (await session(person)).session.id };
  const { secret, otpauthUri } = await enrolTotp(site, act(), own, password);
  t.regex(secret.reveal(), /^[A-Z2-7]{32}$/);
  const uri = new URL(otpauthUri.reveal());
  t.is(uri.protocol, 'otpauth:');
  t.is(uri.searchParams.get('issuer'), 'Holdfast Blue Harbour');
  t.true(decodeURIComponent(uri.pathname).endsWith(`:${person.username}`));
  const { totp_state, totp_sealed, totp_token } = await fresh(person);
  t.is(totp_state, 'ENROLLING');
  t.is(totp_token, 'token');
  const raw = Buffer.from(TotpSecret.fromBase32(secret.reveal()).bytes);
  t.false(totp_sealed?.includes(raw));
  t.false(totp_sealed?.includes(secret.reveal()));
  const events = JSON.stringify(await store.db.selectFrom('audit_events').selectAll().execute());
  t.false(events.includes(secret.reveal()));
});

test.serial('it is asked for only once a code has shown that the app has the secret', async (t) => {
  const { user, session, site, act, signIn } = t.context;
  const person = await user();
  const own = { userId: person.id, sessionId: (await session(person)).session.id };
  await t.throwsAsync(confirmTotp(site, act(), own, '123456'), {
    message: /no second factor is being set up/,
  });
  const { otpauthUri } = await enrolTotp(site, act(), own, password);
  const show = app(t.context, otpauthUri.reveal());
  const right = show();
  await t.throwsAsync(confirmTotp(site, act(), own, right === '123456' ? '654321' : '123456'), {
    message: 'the code is wrong',
  });
  t.is((await signIn(person)).session.state, 'ACTIVE');
  const codes = await confirmTotp(site, act(), own, right);
  t.is(codes.length, 10);
  t.is(new Set(codes.map((code) => code.reveal())).size, 10);
  for (const code of codes) t.regex(code.reveal(), /^[A-Z2-7]{5}(-[A-Z2-7]{5}){3}$/);
  t.is((await signIn(person)).session.state, 'SECOND_FACTOR');
  await t.throwsAsync(enrolTotp(site, act(), own, password), {
    message: 'a second factor is already set up',
  });
});

test.serial('turning it on ends the other sessions, which had none', async (t) => {
  const { user, session, site, act } = t.context;
  const person = await user();
  const other = await session(person);
  const here = await session(person);
  const own = { userId: person.id, sessionId: here.session.id };
  const { otpauthUri } = await enrolTotp(site, act(), own, password);
  await confirmTotp(site, act(), own, app(t.context, otpauthUri.reveal())());
  const is = async (token: Secret) =>
    resolveCaller(site, limits, { bearer: token.reveal(), method: 'GET', address: '' });
  t.is(await is(other.token), undefined);
  t.truthy(await is(here.token));
});

test.serial('a code completes the sign-in and gives the session another token', async (t) => {
  const { site, act, signIn } = t.context;
  const { person, show } = await enrolled(t.context);
  const half = await signIn(person);
  t.is(half.session.state, 'SECOND_FACTOR');
  const own = { userId: person.id, sessionId: half.session.id };
  const whole = await giveSecondFactor(site, limits, act(), own, show());
  t.is(whole.session.state, 'ACTIVE');
  t.not(whole.token.reveal(), half.token.reveal());
  const is = async (token: Secret) =>
    (await resolveCaller(site, limits, { bearer: token.reveal(), method: 'GET', address: '' }))?.state;
  t.is(await is(half.token), undefined);
  t.is(await is(whole.token), 'ACTIVE');
  await t.throwsAsync(giveSecondFactor(site, limits, act(), own, show(1)), {
    message: /this sign-in step is already complete/,
  });
});

test.serial('codes of one step before and after are taken, others are not, and each only once', async (t) => {
  const { site, act, signIn, clock, store } = t.context;
  const { person, show } = await enrolled(t.context);
  clock.minutes(5);
  const give = async (code: string) => {
    const half = await signIn(person);
    return giveSecondFactor(site, limits, act(), { userId: person.id, sessionId: half.session.id }, code);
  };
  const forget = async () =>
    store.db
      .updateTable('users')
      .set({ failures: 0, locked_until: null })
      .where('id', '=', person.id)
      .execute();
  for (const far of [-2, 2]) {
    await t.throwsAsync(give(show(far)), { instanceOf: SignInRefusedError });
    await forget();
  }
  t.is((await give(show(-1))).session.state, 'ACTIVE');
  await t.throwsAsync(give(show(-1)), { instanceOf: SignInRefusedError });
  await forget();
  t.is((await give(show(1))).session.state, 'ACTIVE');
  await t.throwsAsync(give(show(0)), { instanceOf: SignInRefusedError }, 'an older step than one taken');
  await forget();
  clock.seconds(60);
  const half = [await signIn(person), await signIn(person), await signIn(person)];
  const concurrency = await Promise.allSettled(
    half.map(async ({ session }) =>
      giveSecondFactor(site, limits, act(), { userId: person.id, sessionId: session.id }, show()),
    ),
  );
  t.is(concurrency.filter(({ status }) => status === 'fulfilled').length, 1);
});

test.serial('a known password buys no more guesses at the code than anyone has', async (t) => {
  const { site, act, signIn, show, person } = { ...t.context, ...(await enrolled(t.context)) };
  const right = show();
  let refused = 0;
  for (let round = 0; round < 12; round++) {
    const half = await signIn(person).catch(() => undefined);
    if (half === undefined) break;
    const own = { userId: person.id, sessionId: half.session.id };
    await t.throwsAsync(giveSecondFactor(site, limits, act(), own, right === '000000' ? '111111' : '000000'));
    refused += 1;
  }
  t.is(refused, 5);
});

test.serial('recovery codes work once each, in either case, with the token away', async (t) => {
  const { site, act, signIn, store } = t.context;
  const { person, codes } = await enrolled(t.context);
  const away = { ...site, tokens: { all: [], has: () => false } as never };
  const give = async (code: string) => {
    const half = await signIn(person);
    return giveSecondFactor(away, limits, act(), { userId: person.id, sessionId: half.session.id }, code);
  };
  const [first, second] = codes.map((code) => code.reveal());
  if (first === undefined || second === undefined) return t.fail();
  t.is((await give(first.toLowerCase().replaceAll('-', ' '))).session.state, 'ACTIVE');
  await t.throwsAsync(give(first), { instanceOf: SignInRefusedError });
  t.is((await give(second)).session.state, 'ACTIVE');
  const stored = await store.db
    .selectFrom('recovery_codes')
    .selectAll()
    .where('user_id', '=', person.id)
    .execute();
  t.is(stored.filter(({ used_at }) => used_at !== null).length, 2);
  t.false(stored.some(({ hash }) => hash.includes(first)));
});

test.serial('of one recovery code given three times at once one is taken', async (t) => {
  const { site, act, signIn } = t.context;
  const { person, codes } = await enrolled(t.context);
  const half = [await signIn(person), await signIn(person), await signIn(person)];
  const concurrency = await Promise.allSettled(
    half.map(async ({ session }) => {
      const own = { userId: person.id, sessionId: session.id };
      return giveSecondFactor(site, limits, act(), own, codes[0]?.reveal() ?? '');
    }),
  );
  t.is(concurrency.filter(({ status }) => status === 'fulfilled').length, 1);
});

test.serial('a code that the token cannot check counts against nobody', async (t) => {
  const { site, act, signIn, show, person, fresh } = { ...t.context, ...(await enrolled(t.context)) };
  const half = await signIn(person);
  const own = { userId: person.id, sessionId: half.session.id };
  const away = {
    ...site,
    tokens: {
      pool: () => {
        throw new Error('away');
      },
    } as never,
  };
  for (let round = 0; round < 6; round++)
    await t.throwsAsync(giveSecondFactor(away, limits, act(), own, show()), { message: 'away' });
  t.is((await fresh(person)).failures, 0);
  t.is((await giveSecondFactor(site, limits, act(), own, show())).session.state, 'ACTIVE');
});

test.serial('a sealed secret moved to another user opens nothing', async (t) => {
  const { site, act, signIn, store } = t.context;
  const one = await enrolled(t.context);
  const other = await enrolled(t.context);
  await store.db
    .updateTable('users')
    .set({ totp_sealed: one.person.totp_sealed })
    .where('id', '=', other.person.id)
    .execute();
  const half = await signIn(other.person);
  const own = { userId: other.person.id, sessionId: half.session.id };
  await t.throwsAsync(giveSecondFactor(site, limits, act(), own, one.show()), { name: 'TokenError' });
});

test.serial('the sealed secret of an earlier enrolment, put back, opens nothing', async (t) => {
  const { site, act, signIn, store, fresh, clock } = t.context;
  const { person, own, show } = await enrolled(t.context);
  const lost = await fresh(person);
  clock.seconds(60);
  await removeOwnTotp(site, act(), own, { password, code: show() });
  await enrolTotp(site, act(), own, password);
  // Done past Holdfast, as by whoever writes the store.
  await store.db
    .updateTable('users')
    .set({ totp_sealed: lost.totp_sealed, totp_last_step: 0, totp_state: 'ON' })
    .where('id', '=', person.id)
    .execute();
  clock.seconds(60);
  const half = await signIn(person);
  const attempt = giveSecondFactor(
    site,
    limits,
    act(),
    { userId: person.id, sessionId: half.session.id },
    show(),
  );
  await t.throwsAsync(attempt, { name: 'TokenError', message: /seal/ });
});

test.serial('removing it needs the password and a code, and makes the recovery codes nothing', async (t) => {
  const { site, act, fresh, store, clock } = t.context;
  const { person, own, show } = await enrolled(t.context);
  const remove = async (secret: Secret, code: string) =>
    removeOwnTotp(site, act(), own, { password: secret, code });
  await t.throwsAsync(remove(wrong, show()), { instanceOf: VaultError, message: /is wrong/ });
  const right = show();
  await t.throwsAsync(remove(password, right === '000000' ? '111111' : '000000'), {
    message: /is wrong/,
  });
  t.is((await fresh(person)).totp_state, 'ON');
  await remove(password, show());
  const after = await fresh(person);
  t.is(after.totp_state, 'NONE');
  t.is(after.totp_sealed, null);
  t.is(after.failures, 2, 'what was wrong still counts');
  const codes = await store.db
    .selectFrom('recovery_codes')
    .selectAll()
    .where('user_id', '=', person.id)
    .execute();
  t.deepEqual(codes, []);
  clock.seconds(30);
});

test.serial('new recovery codes end the old ones', async (t) => {
  const { site, act, signIn } = t.context;
  const { person, own, show, codes } = await enrolled(t.context);
  const fresh = await newRecoveryCodes(site, act(), own, { password, code: show() });
  t.is(fresh.length, 10);
  const give = async (code: Secret) => {
    const half = await signIn(person);
    const session = { userId: person.id, sessionId: half.session.id };
    return giveSecondFactor(site, limits, act(), session, code.reveal());
  };
  const [old] = codes;
  const [next] = fresh;
  if (old === undefined || next === undefined) return t.fail();
  await t.throwsAsync(give(old), { instanceOf: SignInRefusedError });
  t.is((await give(next)).session.state, 'ACTIVE');
});

test.serial(
  'an administrator takes a lost second factor away, with its sessions, but not their own',
  async (t) => {
    const { site, act, user, fresh, signIn, vaultId } = t.context;
    const { person, own } = await enrolled(t.context);
    const admin = await user('vault-admin');
    const all = new Set(['vault.read', 'users.read', 'users.write', 'audit.read'] as const);
    await removeTotp(site, act(), { userId: admin.id, permissions: all }, { vaultId, userId: person.id });
    t.is((await fresh(person)).totp_state, 'NONE');
    await t.throwsAsync(removeOwnTotp(site, act(), own, { password, code: '123456' }), {
      message: /no such session/,
    });
    t.is((await signIn(person)).session.state, 'ACTIVE');
    const self = { userId: person.id, permissions: all };
    await t.throwsAsync(removeTotp(site, act(), self, { vaultId, userId: person.id }), {
      message: /from yourself/,
    });
  },
);
