import anyTest from 'ava';
import { insertVault } from '../../testing/vault.ts';
import { FakeProvider } from './oidc-fake.ts';
import { clientSecret, SignIn, Stage } from './oidc-stage.ts';

// One account at a time is who signs in at the provider.
const test = anyTest.serial;
const state = {} as { stage: Stage; other: FakeProvider; otherCa: string };

test.before(async () => {
  state.stage = await Stage.create();
  state.other = await FakeProvider.create(state.stage.ca, state.stage.caText);
});

test.after.always(async () => {
  await state.other.server.close();
  await state.stage.dispose();
});

/** A vault of its own with an administrator who has a session. */
async function newVault() {
  const { stage } = state;
  const { id } = await insertVault(stage.open.store, `vault ${Math.random()}`);
  const admin = await stage.addUser(
    { role: 'vault-admin', sign_in: 'password', must_change_password: 0 },
    id,
  );
  const ask = await stage.as(admin);
  const path = `/vaults/${id}/oidc-provider`;
  return { id, path, ask, admin };
}

function body(change: Record<string, unknown> = {}): Record<string, unknown> {
  const { stage } = state;
  return {
    issuer: stage.provider.origin,
    clientId: 'holdfast',
    clientSecret,
    caCertificates: stage.caText,
    ...change,
  };
}

async function rowOf(vaultId: string) {
  return state.stage.open.store.db
    .selectFrom('oidc_providers')
    .selectAll()
    .where('vault_id', '=', vaultId)
    .executeTakeFirst();
}

test('a provider is set up, shown without its secret, changed and removed', async (t) => {
  const { stage } = state;
  const { path, ask, id } = await newVault();
  t.is((await ask('GET', path)).status, 404);
  t.is((await ask('PUT', path, { body: body() })).status, 428);
  const put = await ask('PUT', path, { body: body(), ifMatch: '*' });
  t.is(put.status, 200, JSON.stringify(put.body));
  t.is(put.etag, '"1"');
  t.like(put.body, {
    issuer: stage.provider.origin,
    clientId: 'holdfast',
    scopes: ['openid', 'email', 'profile'],
    usernameClaim: 'email',
    hasClientSecret: true,
    redirectUri: `${stage.app.origin}/api/v1/oidc/callback`,
  });
  const got = await ask('GET', path);
  t.deepEqual(got.body, put.body);
  t.is(got.etag, '"1"');
  t.false(JSON.stringify([put, got]).includes(clientSecret));
  t.false(JSON.stringify(await stage.events('oidc-provider.update')).includes(clientSecret));
  const change = await ask('PUT', path, {
    body: body({ clientSecret: undefined, usernameClaim: 'preferred_username' }),
    ifMatch: '"1"',
  });
  t.is(change.etag, '"2"');
  t.true(change.body.hasClientSecret);
  t.is((await ask('PUT', path, { body: body(), ifMatch: '"1"' })).status, 412);
  t.is((await ask('DELETE', path, { ifMatch: '"1"' })).status, 412);
  t.is((await ask('DELETE', path, { ifMatch: '"2"' })).status, 204);
  t.is((await ask('GET', path)).status, 404);
  t.is((await ask('PUT', path, { body: body(), ifMatch: '"2"' })).status, 412, 'it is gone');
  const actions = [await stage.events('oidc-provider.update'), await stage.events('oidc-provider.delete')];
  t.deepEqual(
    actions.map((events) => events.filter(({ vault_id }) => vault_id === id).length),
    [2, 1],
  );
});

test('the appliance has a provider of its own', async (t) => {
  const { stage } = state;
  const admin = await stage.addUser(
    { role: 'appliance-admin', sign_in: 'password', must_change_password: 0 },
    '',
  );
  const ask = await stage.as(admin);
  t.is((await ask('PUT', '/oidc-provider', { body: body(), ifMatch: '*' })).status, 200);
  t.is((await ask('GET', '/oidc-provider')).status, 200);
  t.is((await rowOf(''))?.issuer, stage.provider.origin);
  t.is((await ask('DELETE', '/oidc-provider', { ifMatch: '*' })).status, 204);
});

test('who may read the vault sees the provider, and only its administrators change it', async (t) => {
  const { stage } = state;
  const { path, ask, id } = await newVault();
  await ask('PUT', path, { body: body(), ifMatch: '*' });
  const auditor = await stage.as(await stage.addUser({ role: 'auditor', must_change_password: 0 }, id));
  t.is((await auditor('GET', path)).status, 200);
  t.is((await auditor('PUT', path, { body: body(), ifMatch: '*' })).status, 403);
  t.is((await auditor('DELETE', path, { ifMatch: '*' })).status, 403);
  const stranger = await newVault();
  for (const method of ['GET', 'PUT', 'DELETE'])
    t.is(
      (await stranger.ask(method, path, { ...(method === 'PUT' ? { body: body() } : {}), ifMatch: '*' }))
        .status,
      404,
    );
  t.is((await stage.browser().visit(`${stage.app.origin}/api/v1${path}`)).status, 401);
  t.is((await rowOf(id))?.row_version, 1);
});

test('a secret goes to the issuer and client alone that it was given for', async (t) => {
  const { path, ask, id } = await newVault();
  await ask('PUT', path, { body: body(), ifMatch: '*' });
  const elsewhere = body({ clientSecret: undefined, issuer: state.other.server.origin });
  const refused = await ask('PUT', path, { body: elsewhere, ifMatch: '*' });
  t.is(refused.status, 422);
  t.regex(refused.body.detail, /the client secret must be given again/);
  t.is(
    (await ask('PUT', path, { body: body({ clientSecret: undefined, clientId: 'x' }), ifMatch: '*' })).status,
    422,
  );
  const otherCa = body({ clientSecret: undefined, caCertificates: `${String(body().caCertificates)}\n` });
  t.is(
    (await ask('PUT', path, { body: otherCa, ifMatch: '*' })).status,
    422,
    'who vouches for it is part of where',
  );
  t.is((await rowOf(id))?.row_version, 1);
  const none = await ask('PUT', path, { body: { ...elsewhere, clientSecret: null }, ifMatch: '*' });
  t.false(none.body.hasClientSecret);
});

test('a sealed secret that was moved to another vault does not open', async (t) => {
  const { stage } = state;
  const one = await newVault();
  const two = await newVault();
  for (const { path, ask } of [one, two]) await ask('PUT', path, { body: body(), ifMatch: '*' });
  const from = await rowOf(one.id);
  const { db } = stage.open.store;
  t.false((from?.client_secret_sealed ?? Buffer.alloc(0)).includes(clientSecret));
  await db
    .updateTable('oidc_providers')
    .set({ client_secret_sealed: from?.client_secret_sealed ?? null })
    .where('vault_id', '=', two.id)
    .execute();
  const user = await stage.addUser({}, two.id);
  stage.account = stage.accountOf(user);
  const back = await new SignIn(stage, { vaultId: two.id }).toReturn(stage.browser());
  t.is(back.searchParams.get('error'), 'failed');
});

test('a client secret does not open for a CA or an issuer that was put into the store by hand', async (t) => {
  const { stage } = state;
  const { path, ask, id } = await newVault();
  await ask('PUT', path, { body: body(), ifMatch: '*' });
  const before = await rowOf(id);
  const user = await stage.addUser({}, id);
  stage.account = stage.accountOf(user);
  const write = async (columns: { ca_certificates?: string; issuer?: string }) =>
    stage.open.store.db.updateTable('oidc_providers').set(columns).where('vault_id', '=', id).execute();
  const signIn = async () =>
    (await new SignIn(stage, { vaultId: id }).toReturn(stage.browser())).searchParams.get('error');
  // Whom it vouches for is the same: the seal alone stands against it.
  await write({ ca_certificates: `${before?.ca_certificates ?? ''}\n` });
  t.is(await signIn(), 'failed');
  await write({ ca_certificates: before?.ca_certificates ?? '' });
  t.not(await signIn(), 'failed', 'the client secret opens again');
});

test('with another issuer users are bound anew, and sessions by the old one end', async (t) => {
  const { stage } = state;
  const { path, ask, id, admin } = await newVault();
  const { db } = stage.open.store;
  const sessions = async () =>
    (await db.selectFrom('sessions').select(['user_id', 'method']).execute()).map(
      ({ user_id, method }) => `${method} ${user_id}`,
    );
  for (const end of ['another issuer', 'none']) {
    await ask('PUT', path, { body: body(), ifMatch: '*' });
    const user = await stage.addUser({}, id);
    stage.account = stage.accountOf(user);
    const signIn = new SignIn(stage, { vaultId: id });
    const back = await signIn.toReturn(stage.browser());
    t.is((await signIn.finish(back.searchParams.get('code'))).status, 201);
    // The same issuer with other scopes leaves it all as it is.
    await ask('PUT', path, { body: body({ scopes: ['openid', 'email'] }), ifMatch: '*' });
    t.truthy((await stage.fresh(user)).oidc_subject);
    t.true((await sessions()).includes(`oidc ${user.id}`));
    const done =
      end === 'none'
        ? await ask('DELETE', path, { ifMatch: '*' })
        : await ask('PUT', path, { body: body({ issuer: state.other.server.origin }), ifMatch: '*' });
    t.true(done.status < 300, JSON.stringify(done.body));
    t.is((await stage.fresh(user)).oidc_subject, null);
    t.false((await sessions()).includes(`oidc ${user.id}`));
    t.true((await sessions()).includes(`password ${admin.id}`));
  }
});

for (const [name, change, detail] of [
  ['http', { issuer: 'http://localhost:9/' }, /./],
  ['a query', { issuer: 'https://localhost/?x=y' }, /issuer/],
  ['a fragment', { issuer: 'https://localhost/#x' }, /issuer/],
  ['a user', { issuer: 'https://a:b@localhost/' }, /issuer/],
  ['a backslash', { issuer: 'https://localhost\\@evil.example/' }, /issuer/],
  ['no openid among the scopes', { scopes: ['email'] }, /openid/],
  ['a scope with a blank', { scopes: ['openid email'] }, /./],
  ['CA certificates that are none', { caCertificates: 'hello' }, /PEM/],
  ['the CAs of the system, which do not know it', { caCertificates: null }, /certificate .* not trusted/],
  [
    'metadata address instead of the issuer',
    { issuerPath: '/.well-known/openid-configuration' },
    /no OpenID provider/,
  ],
  ['a path that is no issuer', { issuerPath: '/realm' }, /no OpenID provider/],
  ['a field that is not known', { client_secret: 'x' }, /./],
] as const)
  test(`a provider with ${name} is refused, and nothing is stored`, async (t) => {
    const { path, ask, id } = await newVault();
    const { issuerPath, ...others } = { issuerPath: undefined, ...change };
    const input = body({
      ...others,
      ...(issuerPath === undefined ? {} : { issuer: `${state.stage.provider.origin}${issuerPath}` }),
    });
    const answer = await ask('PUT', path, { body: input, ifMatch: '*' });
    t.is(answer.status, 422, JSON.stringify(answer.body));
    t.regex(JSON.stringify(answer.body), detail);
    t.false(JSON.stringify(answer.body).includes(clientSecret));
    t.is(await rowOf(id), undefined);
  });
