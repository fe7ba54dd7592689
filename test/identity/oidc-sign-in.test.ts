import test from 'ava';
import { deleteProvider } from '../../src/identity/oidc/providers.ts';
import { Secret } from '../../src/secret.ts';
import { insertVault } from '../../testing/vault.ts';
import { clientSecret, SignIn, Stage } from './oidc-stage.ts';

const state = {} as { stage: Stage };

test.before(async () => {
  state.stage = await Stage.create();
});

test.beforeEach(async () => {
  await state.stage.setUp();
});

test.afterEach.always(() => {
  state.stage.open.clock.ahead = 0;
});

test.after.always(async () => state.stage.dispose());

const minutes = (count: number) => count * 60_000;

test.serial('a user signs in at the provider, is bound to its subject, and has a session', async (t) => {
  const { stage } = state;
  const user = await stage.addUser({ email: 'Ada@Example.com' });
  stage.account = stage.accountOf(user, { email: 'ada@example.COM' });
  const signIn = new SignIn(stage);
  const back = await signIn.toReturn(stage.browser());
  t.is(back.origin + back.pathname, 'http://127.0.0.1:7777/callback');
  t.is(back.searchParams.get('error'), null);
  const answer = await signIn.finish(back.searchParams.get('code'));
  t.is(answer.status, 201);
  t.like(answer.body.session, { state: 'ACTIVE', method: 'oidc', user: { id: user.id } });
  t.regex(answer.body.token, /^hfs_/);
  t.deepEqual(answer.setCookies, []);
  const shown = await stage.browser().visit(`${stage.app.origin}/api/v1/session`, {
    headers: { Authorization: `Bearer ${answer.body.token}` },
  });
  t.is(shown.body.user.username, user.username);

  const bound = await stage.fresh(user);
  t.is(bound.oidc_subject, `subject-of-${user.username}`);
  t.is(bound.row_version, user.row_version + 1);
  const [link] = await stage.events('user.link-oidc');
  t.like(link, { target_id: user.id, actor_id: user.id, vault_id: stage.vaultId });
  t.deepEqual(JSON.parse(link?.after ?? ''), {
    issuer: stage.provider.origin,
    subject: `subject-of-${user.username}`,
    by: 'email',
  });
  t.like((await stage.events('session.begin'))[0], { outcome: 'done', actor_id: user.id });
});

test.serial(
  'a user who is bound is known by the subject, whatever the provider calls them by now',
  async (t) => {
    const { stage } = state;
    const user = await stage.addUser();
    const other = await stage.addUser();
    stage.account = stage.accountOf(user);
    t.is((await new SignIn(stage).run()).status, 201);
    const links = (await stage.events('user.link-oidc')).length;
    stage.account = { sub: stage.accountOf(user).sub, email: other.email, email_verified: true };
    const answer = await new SignIn(stage).run();
    t.is(answer.body.session.user.id, user.id);
    t.is((await stage.events('user.link-oidc')).length, links);
    t.is((await stage.fresh(other)).oidc_subject, null);
  },
);

test.serial('a user can be named by preferred_username', async (t) => {
  const { stage } = state;
  await stage.setUp({ usernameClaim: 'preferred_username' });
  const user = await stage.addUser({ email: 'somebody@example.com' });
  stage.account = { sub: 'by-name', preferred_username: user.username.toUpperCase() };
  t.is((await new SignIn(stage).run()).body.session.user.id, user.id);
});

test.serial('users of the appliance sign in at the provider of the appliance', async (t) => {
  const { stage } = state;
  await stage.setUp({}, '');
  const user = await stage.addUser({ username: 'auditor-of-all' }, '');
  stage.account = stage.accountOf(user);
  const signIn = new SignIn(stage, { vaultId: '' });
  const back = await signIn.toReturn(stage.browser());
  const answer = await signIn.finish(back.searchParams.get('code'));
  t.like(answer.body.session.user, { id: user.id, vaultId: null });
});

test.serial('a browser gets the session in a cookie, back at a path of the appliance', async (t) => {
  const { stage } = state;
  stage.account = stage.accountOf(await stage.addUser());
  const browser = stage.browser();
  const signIn = new SignIn(stage, { returnTo: '/signed-in?tab=keys' });
  const back = await signIn.toReturn(browser);
  t.is(back.origin, stage.app.origin);
  t.is(back.searchParams.get('tab'), 'keys');
  t.deepEqual([...browser.cookies(stage.app.origin)], [], 'the cookie of the sign-in has gone');
  const answer = await signIn.finish(back.searchParams.get('code'), { cookie: true }, browser);
  t.is(answer.body.token, undefined);
  t.is(typeof answer.body.csrfToken, 'string');
  t.regex(
    answer.setCookies[0] ?? '',
    /^__Host-holdfast-session=hfs_.*; Path=\/; Secure; HttpOnly; SameSite=Strict/,
  );
  t.is((await browser.visit(`${stage.app.origin}/api/v1/session`)).status, 200);
});

test.serial('the second factor is the provider’s matter, unless the user has one here', async (t) => {
  const { stage } = state;
  const plain = await stage.addUser({ must_change_password: 1 });
  stage.account = stage.accountOf(plain);
  t.is((await new SignIn(stage).run()).body.session.state, 'ACTIVE', 'and no password is owed');
  const careful = await stage.addUser({ totp_state: 'ON', must_change_password: 1 });
  stage.account = stage.accountOf(careful);
  t.is((await new SignIn(stage).run()).body.session.state, 'SECOND_FACTOR');
  t.is((await stage.fresh(careful)).last_sign_in_at, null);
});

for (const [name, why, prepare] of [
  [
    'nobody here has the name',
    'no user has this name or email address',
    async (stage: Stage) => {
      const users = await stage.open.store.db.selectFrom('users').select('id').execute();
      stage.account = { sub: 'nobody', email: 'nobody@example.com', email_verified: true };
      return async () =>
        (await stage.open.store.db.selectFrom('users').select('id').execute()).length === users.length;
    },
  ],
  [
    'the provider has not verified the email address',
    'the provider does not vouch for an email address of its user: it sends none, or email_verified is not true',
    async (stage: Stage) => {
      stage.account = stage.accountOf(await stage.addUser(), { email_verified: false });
    },
  ],
  [
    'the provider tells no email address',
    'the provider does not vouch for an email address of its user: it sends none, or email_verified is not true',
    async (stage: Stage) => {
      stage.account = { sub: 'nameless', preferred_username: (await stage.addUser()).username };
    },
  ],
  [
    'two users have the email address',
    'more than one user has this email address',
    async (stage: Stage) => {
      const user = await stage.addUser({ email: 'shared@example.com' });
      await stage.addUser({ email: 'Shared@example.com' });
      stage.account = stage.accountOf(user);
    },
  ],
  [
    'the user is disabled',
    'the user is disabled',
    async (stage: Stage) => {
      stage.account = stage.accountOf(await stage.addUser({ state: 'DISABLED' }));
    },
  ],
  [
    'the user is bound and was disabled since',
    'the user is disabled',
    async (stage: Stage) => {
      const account = { sub: 'bound-once', email: 'x@example.com', email_verified: true };
      await stage.addUser({ state: 'DISABLED', oidc_subject: account.sub });
      stage.account = account;
    },
  ],
  [
    'the user is locked',
    'the user is locked',
    async (stage: Stage) => {
      const until = new Date(Date.now() + minutes(5)).toISOString();
      stage.account = stage.accountOf(await stage.addUser({ locked_until: until }));
    },
  ],
  [
    'the user signs in by password alone',
    'the user does not sign in by single sign-on',
    async (stage: Stage) => {
      stage.account = stage.accountOf(await stage.addUser({ sign_in: 'password' }));
    },
  ],
  [
    'the user is bound to another subject: the name has changed hands at the provider',
    'the user is bound to another subject of the provider',
    async (stage: Stage) => {
      stage.account = stage.accountOf(await stage.addUser({ oidc_subject: 'who had the name before' }));
    },
  ],
  [
    'the user is one of another vault',
    'no user has this name or email address',
    async (stage: Stage) => {
      const { id } = await insertVault(stage.open.store, `other ${Math.random()}`);
      const user = await stage.addUser({}, id);
      stage.account = stage.accountOf(user);
      await stage.open.store.db
        .updateTable('users')
        .set({ oidc_subject: stage.account.sub })
        .where('id', '=', user.id)
        .execute();
    },
  ],
  [
    'the name is spelt with a letter of another alphabet',
    'the provider does not vouch for an email address of its user: it sends none, or email_verified is not true',
    async (stage: Stage) => {
      const user = await stage.addUser({ username: 'kim' });
      stage.account = stage.accountOf(user, { email: '\u212Aim@example.com' });
    },
  ],
] as const)
  test.serial(`nobody is let in where ${name}`, async (t) => {
    const { stage } = state;
    const holds = await prepare(stage);
    const links = (await stage.events('user.link-oidc')).length;
    const back = await new SignIn(stage).toReturn(stage.browser());
    t.is(back.searchParams.get('code'), null);
    t.is(back.searchParams.get('error'), 'sign-in-refused', 'who signs in is not told why');
    const [event] = await stage.events('session.begin');
    t.is(event?.outcome, 'refused');
    t.deepEqual(JSON.parse(event?.after ?? ''), { method: 'oidc', why });
    t.is((await stage.events('user.link-oidc')).length, links);
    if (holds !== undefined) t.true(await holds());
  });

test.serial('a code is good once', async (t) => {
  const { stage } = state;
  stage.account = stage.accountOf(await stage.addUser());
  const signIn = new SignIn(stage);
  const code = (await signIn.toReturn(stage.browser())).searchParams.get('code');
  t.is((await signIn.finish(code)).status, 201);
  const again = await signIn.finish(code);
  t.is(again.status, 401);
  t.is(again.body.type, 'urn:holdfast:problem:sign-in-refused');
});

test.serial('a code without the verifier of who began is of no use, and spent', async (t) => {
  const { stage } = state;
  stage.account = stage.accountOf(await stage.addUser());
  const victim = new SignIn(stage);
  const thief = new SignIn(stage);
  const code = (await victim.toReturn(stage.browser())).searchParams.get('code');
  t.is((await thief.finish(code)).status, 401);
  t.is((await victim.finish(code)).status, 401, 'it was shown around');
  t.is((await stage.events('session.begin'))[0]?.outcome, 'refused');
});

test.serial(
  'a forced sign-in: a program that gets the code of another’s sign-in gets no session',
  async (t) => {
    const { stage } = state;
    stage.account = stage.accountOf(await stage.addUser());
    const attackers = (await new SignIn(stage).toReturn(stage.browser())).searchParams.get('code');
    const victim = new SignIn(stage);
    t.is((await victim.finish(attackers)).status, 401);
  },
);

test.serial('an answer of the provider is taken from the browser that began alone', async (t) => {
  const { stage } = state;
  stage.account = stage.accountOf(await stage.addUser());
  const attacker = stage.browser();
  const signIn = new SignIn(stage);
  const callback = await signIn.toCallback(attacker);
  const victim = stage.browser();
  const forced = await victim.visit(callback.href);
  t.is(forced.status, 422);
  t.is(forced.location, undefined);
  // One that has a cookie of a sign-in of its own is no better.
  await victim.visit(new SignIn(stage).startAddress);
  t.is((await victim.visit(callback.href)).status, 422);
  const page = await attacker.visit(callback.href);
  t.true(new URL(page.location ?? '').searchParams.has('code'), 'and it was not spent by the attempts');
});

test.serial(
  'the cookie of a sign-in is for this host alone, sent back from the provider, and short-lived',
  async (t) => {
    const { stage } = state;
    const page = await stage.browser().visit(new SignIn(stage).startAddress);
    t.is(page.status, 303);
    t.is(page.setCookies.length, 1);
    t.regex(
      page.setCookies[0] ?? '',
      /^__Host-holdfast-oidc-[0-9a-f]{16}=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/,
    );
  },
);

test.serial('the provider is asked for a code with state, nonce and PKCE', async (t) => {
  const { stage } = state;
  const { location = '' } = await stage.browser().visit(new SignIn(stage).startAddress);
  const { searchParams, origin } = new URL(location);
  t.is(origin, stage.provider.origin);
  t.is(searchParams.get('response_type'), 'code');
  t.is(searchParams.get('code_challenge_method'), 'S256');
  t.is(searchParams.get('redirect_uri'), `${stage.app.origin}/api/v1/oidc/callback`);
  t.is(searchParams.get('scope'), 'openid email profile');
  for (const name of ['state', 'nonce', 'code_challenge']) t.is(searchParams.get(name)?.length, 43, name);
});

test.serial('an answer is taken once', async (t) => {
  const { stage } = state;
  stage.account = stage.accountOf(await stage.addUser());
  const browser = stage.browser();
  const callback = await new SignIn(stage).toCallback(browser);
  const cookies = new Map(browser.cookies(stage.app.origin));
  t.is((await browser.visit(callback.href)).status, 303);
  for (const [name, value] of cookies) browser.cookies(stage.app.origin).set(name, value);
  t.is((await browser.visit(callback.href)).status, 422);
});

test.serial('of two answers at once one is taken', async (t) => {
  const { stage } = state;
  stage.account = stage.accountOf(await stage.addUser());
  const browser = stage.browser();
  const callback = await new SignIn(stage).toCallback(browser);
  const pages = await Promise.all([browser.visit(callback.href), browser.visit(callback.href)]);
  t.deepEqual(
    pages.map(({ status }) => status).toSorted((a, b) => a - b),
    [303, 422],
  );
});

for (const [name, change, error] of [
  [
    'another issuer (RFC 9207)',
    (url: URL) => url.searchParams.set('iss', 'https://evil.example'),
    'answer-refused',
  ],
  [
    'no issuer, though the provider always tells it',
    (url: URL) => url.searchParams.delete('iss'),
    'answer-refused',
  ],
  ['another code', (url: URL) => url.searchParams.set('code', 'x'.repeat(43)), 'answer-refused'],
  ['no code', (url: URL) => url.searchParams.delete('code'), 'answer-refused'],
] as const)
  test.serial(`an answer with ${name} ends at the program with an error`, async (t) => {
    const { stage } = state;
    stage.account = stage.accountOf(await stage.addUser());
    const browser = stage.browser();
    const signIn = new SignIn(stage);
    const callback = await signIn.toCallback(browser);
    change(callback);
    const back = await signIn.toReturn(browser, callback);
    t.is(back.searchParams.get('error'), error);
    t.is(back.searchParams.get('code'), null);
  });

test.serial('an answer with an altered state belongs to no sign-in', async (t) => {
  const { stage } = state;
  stage.account = stage.accountOf(await stage.addUser());
  const browser = stage.browser();
  const callback = await new SignIn(stage).toCallback(browser);
  const right = callback.searchParams.get('state') ?? '';
  for (const wrong of [`${right}A`, right.slice(1), 'A'.repeat(43)]) {
    callback.searchParams.set('state', wrong);
    t.is((await browser.visit(callback.href)).status, 422);
  }
  callback.searchParams.delete('state');
  t.is((await browser.visit(callback.href)).status, 422);
});

test.serial('an answer with a code that was made for another sign-in does not hold', async (t) => {
  const { stage } = state;
  stage.account = stage.accountOf(await stage.addUser());
  const browser = stage.browser();
  const mine = await new SignIn(stage).toCallback(browser);
  const stolen = await new SignIn(stage).toCallback(stage.browser());
  mine.searchParams.set('code', stolen.searchParams.get('code') ?? '');
  const back = await new SignIn(stage).toReturn(browser, mine);
  t.is(back.searchParams.get('error'), 'answer-refused', 'PKCE of the provider');
});

test.serial('parameters that the provider adds of its own do no harm', async (t) => {
  const { stage } = state;
  stage.account = stage.accountOf(await stage.addUser());
  const browser = stage.browser();
  const signIn = new SignIn(stage);
  const callback = await signIn.toCallback(browser);
  callback.searchParams.set('session_state', 'a.b');
  callback.searchParams.set('hd', 'example.com');
  t.truthy((await signIn.toReturn(browser, callback)).searchParams.get('code'));
});

test.serial('a sign-in takes ten minutes at the most, a code two', async (t) => {
  const { stage } = state;
  const { clock } = stage.open;
  stage.account = stage.accountOf(await stage.addUser());
  const browser = stage.browser();
  const slow = new SignIn(stage);
  const callback = await slow.toCallback(browser);
  clock.ahead = minutes(10) + 1000;
  t.is((await browser.visit(callback.href)).status, 422);

  clock.ahead = 0;
  const late = new SignIn(stage);
  const code = (await late.toReturn(stage.browser())).searchParams.get('code');
  clock.ahead = minutes(2) + 1000;
  t.is((await late.finish(code)).status, 401);

  clock.ahead = 0;
  const good = new SignIn(stage);
  const kept = (await good.toReturn(stage.browser())).searchParams.get('code');
  clock.ahead = minutes(2) - 10_000;
  t.is((await good.finish(kept)).status, 201);
});

test.serial(
  'a user who is disabled, locked or set to passwords after the provider’s answer gets no session',
  async (t) => {
    const { stage } = state;
    const locked = new Date(Date.now() + minutes(5)).toISOString();
    for (const change of [
      { state: 'DISABLED' },
      { locked_until: locked },
      { sign_in: 'password' },
    ] as const) {
      const user = await stage.addUser();
      stage.account = stage.accountOf(user);
      const signIn = new SignIn(stage);
      const code = (await signIn.toReturn(stage.browser())).searchParams.get('code');
      await stage.open.store.db.updateTable('users').set(change).where('id', '=', user.id).execute();
      t.is((await signIn.finish(code)).status, 401, JSON.stringify(change));
    }
  },
);

test.serial('a refusal by the provider ends at the program', async (t) => {
  const { stage } = state;
  stage.account = undefined;
  const back = await new SignIn(stage).toReturn(stage.browser());
  t.is(back.searchParams.get('error'), 'provider-refused');
  t.false(back.href.includes('not'), 'what the provider says of it is not passed on');
  t.deepEqual(JSON.parse((await stage.events('session.begin'))[0]?.after ?? ''), {
    method: 'oidc',
    why: 'provider-refused',
  });
});

test.serial('a wrong client secret is told as the client’s', async (t) => {
  const { stage } = state;
  await stage.setUp({ clientSecret: new Secret('not the secret') });
  stage.account = stage.accountOf(await stage.addUser());
  const back = await new SignIn(stage).toReturn(stage.browser());
  t.is(back.searchParams.get('error'), 'client-refused');
  t.regex(stage.logged.at(-2) ?? '', /does not accept Holdfast as a client.*WWWAuthenticateChallengeError/);
});

test.serial('a client without a secret signs in by PKCE alone', async (t) => {
  const { stage } = state;
  await stage.setUp({ clientId: 'public', clientSecret: null });
  stage.account = stage.accountOf(await stage.addUser());
  t.is((await new SignIn(stage).run()).status, 201);
});

test.serial('where the provider is changed or removed, sign-ins under way end', async (t) => {
  const { stage } = state;
  const { vaultContext, act } = stage.open;
  stage.account = stage.accountOf(await stage.addUser());
  const browser = stage.browser();
  const callback = await new SignIn(stage).toCallback(browser);
  const signIn = new SignIn(stage);
  const code = (await signIn.toReturn(stage.browser())).searchParams.get('code');
  await stage.setUp({ scopes: ['openid', 'email'] });
  t.is((await browser.visit(callback.href)).status, 422);
  t.is((await signIn.finish(code)).status, 401);

  await deleteProvider(vaultContext, act(), { vaultId: stage.vaultId });
  const none = await stage.browser().visit(new SignIn(stage).startAddress);
  t.is(none.status, 404);
  t.is(none.setCookies.length, 0);
});

for (const returnTo of [
  'https://evil.example/',
  '//evil.example/',
  '/\\evil.example/',
  '/%5Cevil.example',
  '\\\\evil.example',
  'http://evil.example:80/',
  'http://127.0.0.1/callback',
  'http://127.0.0.1:0/callback',
  'http://127.0.0.1:99999/callback',
  'http://127.0.0.1:7777@evil.example/',
  'http://127.0.0.1:7777.evil.example/',
  'http://127.0.0.1.evil.example:7777/',
  'http://localhost:7777/callback',
  'https://127.0.0.1:7777/callback',
  'http://[::1]:7777@evil.example/',
  'http://[::2]:7777/',
  'http://0x7f.1:7777/',
  'javascript:alert(1)',
  'data:text/html,x',
  '/ok#fragment',
  '/a\r\nSet-Cookie: x=y',
  '/a b',
  `/${'a'.repeat(600)}`,
  '',
])
  test.serial(`no sign-in ends at ${JSON.stringify(returnTo.slice(0, 60))}`, async (t) => {
    const page = await state.stage.browser().visit(new SignIn(state.stage, { returnTo }).startAddress);
    t.is(page.status, 422);
    t.is(page.location, undefined);
  });

for (const returnTo of ['/', '/signed-in', '/a/b?c=d&e=%20', 'http://127.0.0.1:1/', 'http://[::1]:65535/a/b'])
  test.serial(`a sign-in may end at ${returnTo}`, async (t) => {
    const page = await state.stage.browser().visit(new SignIn(state.stage, { returnTo }).startAddress);
    t.is(page.status, 303);
  });

test.serial('a challenge that is no SHA-256 is refused', async (t) => {
  const { stage } = state;
  for (const challenge of ['', 'plain', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}=`]) {
    const url = new URL(new SignIn(stage).startAddress);
    url.searchParams.set('challenge', challenge);
    t.is((await stage.browser().visit(url.href)).status, 422, challenge);
  }
});

test.serial('neither the log nor the audit trail has a secret of a sign-in', async (t) => {
  const { stage } = state;
  stage.account = stage.accountOf(await stage.addUser());
  const signIn = new SignIn(stage);
  const callback = await signIn.toCallback(stage.browser());
  const back = await new SignIn(stage).toReturn(stage.browser());
  await signIn.finish(back.searchParams.get('code'));
  const trail = JSON.stringify(await stage.open.store.db.selectFrom('audit_events').selectAll().execute());
  const log = stage.logged.join('');
  const secrets = [
    clientSecret,
    signIn.verifier,
    callback.searchParams.get('code') ?? '?',
    callback.searchParams.get('state') ?? '?',
    back.searchParams.get('code') ?? '?',
  ];
  for (const secret of secrets) {
    t.false(trail.includes(secret));
    t.false(log.includes(secret));
  }
});
