import { isDeepStrictEqual } from 'node:util';
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import { allRoutes } from '../../src/admin/routes.ts';
import { eventLine, type AuditEvent } from '../../src/evidence/event.ts';
import { recordAlone } from '../../src/evidence/trail.ts';
import { AdminClient } from '../support/admin-client.ts';
import { commandLine, TestNode, writable } from '../../testing/test-node.ts';
import { blocks } from '../support/process-facts.ts';
import { readScrape } from '../../testing/exposition.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { rightBodies } from './right-bodies.ts';
import { made, startTwoVaults, type TwoVaults } from './two-vaults.ts';

const test = anyTest as TestFn<TwoVaults>;

test.before(async (t) => {
  t.context = await startTwoVaults();
});
test.after.always(async (t) => t.context.dispose());

const root = ({ blue }: TwoVaults) => `/vaults/${blue.id}`;
let count = 0;
const fresh = (word: string) => `${word}-${++count}`;

async function newKey(context: TwoVaults): Promise<{ id: string; path: string }> {
  const { id } = await made(context.blue.admin, `${root(context)}/cloud-keys`, {
    keySetId: context.blue.ids.keySet,
    name: fresh('key'),
  });
  return { id, path: `${root(context)}/cloud-keys/${id}` };
}

test('every answer carries the security headers and a request id, also refusals', async (t) => {
  const { appliance } = t.context;
  for (const answer of [
    await appliance.get('/vaults'),
    await appliance.get('/nothing'),
    await appliance.as(undefined).get('/vaults'),
    await appliance.get('//ping'),
  ]) {
    t.is(answer.headers['strict-transport-security'], 'max-age=63072000; includeSubDomains');
    t.is(answer.headers['cache-control'], 'no-store');
    t.is(answer.headers['x-content-type-options'], 'nosniff');
    t.is(answer.headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'");
    t.regex(String(answer.headers['x-request-id']), /^[0-9a-f-]{36}$/);
  }
});

test('a refusal is a problem of RFC 9457 with the way out and the request id, and says nothing of the inside', async (t) => {
  const answer = await t.context.appliance.as(undefined).get('/vaults');
  t.is(answer.status, 401);
  t.is(answer.headers['content-type'], 'application/problem+json');
  t.is(answer.headers['www-authenticate'], 'Bearer realm="holdfast"');
  t.is(answer.body.type, 'urn:holdfast:problem:unauthenticated');
  t.is(answer.body.status, 401);
  t.is(answer.body.instance, `urn:holdfast:request:${String(answer.headers['x-request-id'])}`);
  t.regex(answer.body.remediation, /holdfast login/);
  t.notRegex(answer.text, /\.ts|node_modules|at /);
});

test('paths that routers, proxies and logs might read otherwise lead nowhere', async (t) => {
  const { appliance, blue } = t.context;
  for (const path of [
    '//api/v1/vaults/',
    '//api/v1//vaults',
    '///api/v1/vaults',
    '//api/v1/./vaults',
    '//api/v1/x/../vaults',
    '//api/v1/%76aults',
    '//api/v1/vaults%2f',
    '//api/v1/vaults;x=1',
    '//API/v1/vaults',
    '//api/v1/Vaults',
    '//api/v1/vaults\\..',
    `//api/v1/vaults/${blue.id}%00`,
    `//api/v1/vaults/${blue.id.toUpperCase()}x`,
    '//api/v1/vaults/..',
    '//api/v2/vaults',
    '//api/v1/constructor',
    '//api/v1/vaults/__proto__',
  ]) {
    const answer = await appliance.get(path);
    t.is(answer.status, 404, path);
    t.is(answer.headers['content-type'], 'application/problem+json', path);
  }
});

test('another method than a route has is told with those it has', async (t) => {
  const answer = await t.context.appliance.request('PUT', '/vaults');
  t.is(answer.status, 405);
  t.deepEqual(String(answer.headers['allow']).split(', ').toSorted(), ['GET', 'HEAD', 'POST']);
  for (const method of ['TRACE', 'OPTIONS', 'PROPFIND'])
    t.is((await t.context.appliance.request(method, '/vaults')).status, 405, method);
});

test('a fixed path is never the id beside it: another method than it has is 405 with those it has', async (t) => {
  const { blue } = t.context;
  const vault = `/vaults/${blue.id}`;
  const keySet = `/key-sets/${randomUUID()}`;
  for (const [path, method, allowed] of [
    ['/cloud-keys/adoptions', 'PATCH', ['POST']],
    ['/cloud-keys/adoptions', 'GET', ['POST']],
    [`${keySet}/external-key-stores/link`, 'PATCH', ['POST']],
    [`${keySet}/external-key-stores/link`, 'DELETE', ['POST']],
  ] as const) {
    const answer = await blue.admin.request(method, `${vault}${path}`, { ifMatch: '*' });
    t.is(answer.status, 405, `${method} ${path}`);
    t.deepEqual(String(answer.headers['allow']).split(', '), [...allowed]);
  }
});

test('load balancers are answered as at the XKS port', async (t) => {
  const { appliance } = t.context;
  for (const path of ['//', '//ping', '//ready']) {
    const options = await appliance.request('OPTIONS', path);
    t.is(options.status, 204, path);
    t.is(options.text, '');
    t.is(options.headers['allow'], undefined);
  }
});

test('the reference of the API is a page of its own, for everybody, with a policy of its own', async (t) => {
  const answer = await t.context.appliance.as(undefined).get('/reference');
  t.is(answer.status, 200);
  t.is(answer.headers['content-type'], 'text/html; charset=utf-8');
  t.regex(String(answer.headers['content-security-policy']), /^default-src 'none'; script-src 'sha256-/);
  t.is(answer.headers['x-content-type-options'], 'nosniff');
  t.regex(answer.text, /^<!doctype html>[^]*rotateCloudKey[^]*<\/html>\n$/);
  t.is((await t.context.appliance.post('/reference', {})).status, 405);
});

test('a head that is too long is told so', async (t) => {
  const answer = await t.context.appliance.request('GET', '/vaults', {
    headers: { 'X-Long': 'a'.repeat(20_000) },
  });
  t.is(answer.status, 431);
  t.is(answer.body.type, 'urn:holdfast:problem:head-too-large');
  t.is(answer.body.status, 431);
  t.regex(answer.body.detail, /^The head of the request, .* is longer than the 16384 bytes supported\.$/);
});

test('a body that is not the JSON object of the route is refused whole, and its place is named', async (t) => {
  const { appliance } = t.context;
  const json = { 'Content-Type': 'application/json' };
  const post = async (raw: string | Buffer, headers: Record<string, string> = json) =>
    appliance.request('POST', '/vaults', { raw, headers });
  t.is((await post('{')).status, 400);
  t.is((await post(Buffer.from([0x7b, 0xff, 0x7d]))).status, 400);
  t.is((await post('{}', { 'Content-Type': 'text/plain' })).status, 415);
  t.is((await post('{}', { 'Content-Type': 'application/x-www-form-urlencoded' })).status, 415);
  t.is((await post('{}', { ...json, 'Content-Encoding': 'gzip' })).status, 415);
  t.is((await post('[]')).status, 422);
  t.is((await post('null')).status, 422);
  const large = await post(JSON.stringify({ name: 'x'.repeat(70_000) }));
  t.is(large.status, 413);
  const wrong = await post(
    JSON.stringify({ name: '', administrator: { username: 'a b', name: 'x', email: 'nobody' } }),
  );
  t.is(wrong.status, 422);
  const places = (wrong.body.fields as { where: string }[]).map(({ where }) => where);
  t.true(places.length > 0 && places.every((where) => where.startsWith('/')));
  t.notRegex(wrong.text, /nobody|a b/);
  const untyped = await post(JSON.stringify({ name: 7, tokens: 'planted', administrator: {} }));
  const words = (untyped.body.fields as { where: string; detail: string }[]).map(
    ({ where, detail }) => `${where} ${detail}`,
  );
  t.deepEqual(words.toSorted(), [
    '/administrator/email is missing',
    '/administrator/name is missing',
    '/administrator/username is missing',
    '/name must be text',
    '/tokens must be a list',
  ]);
  t.is((await appliance.get('/vaults?limit=0')).status, 422);
  t.is((await appliance.get('/vaults?limit=1&limit=2')).status, 422);
  t.is((await appliance.get('/vaults?nothing=1')).status, 422);
});

test('fields that nobody may set are refused, and nothing of the request is done (mass assignment)', async (t) => {
  const { blue } = t.context;
  const { path } = await newKey(t.context);
  const before = await blue.admin.get(path);
  for (const field of [
    { state: 'DISABLED' },
    { externalKeyId: 'mine' },
    { id: randomUUID() },
    { keySetId: randomUUID() },
    { currentVersion: 7 },
    { deletionAt: null },
    { rowVersion: 1 },
    { vaultId: t.context.red.id },
  ]) {
    const answer = await blue.admin.change('PATCH', path, { description: 'changed', ...field });
    t.is(answer.status, 422, JSON.stringify(field));
  }
  const polluted = await blue.admin.request('PATCH', path, {
    raw: '{"description":"changed","__proto__":{"state":"DISABLED"}}',
    headers: { 'Content-Type': 'application/json' },
    ...(before.etag === undefined ? {} : { ifMatch: before.etag }),
  });
  t.is(polluted.status, 422);
  t.deepEqual((await blue.admin.get(path)).body, before.body);
});

test('a change needs If-Match: none is 428, another or a stale one 412, and of ten at once one is done', async (t) => {
  const { blue } = t.context;
  const { path } = await newKey(t.context);
  const change = async (ifMatch?: string, description = 'x') =>
    blue.admin.request('PATCH', path, {
      body: { description },
      ...(ifMatch === undefined ? {} : { ifMatch }),
    });
  t.is((await change()).status, 428);
  const { etag = '' } = await blue.admin.get(path);
  for (const other of ['"999"', `W/${etag}`, etag.replaceAll('"', ''), '""', `${etag}, "2"`, 'x'])
    t.is((await change(other)).status, 412, other);
  const answers = await Promise.all(
    Array.from({ length: 10 }, async (_, index) => change(etag, `change ${index}`)),
  );
  t.is(answers.filter(({ status }) => status === 200).length, 1);
  t.is(answers.filter(({ status }) => status === 412).length, 9);
  const winner = answers.find(({ status }) => status === 200);
  t.is((await blue.admin.get(path)).body.description, winner?.body.description);
  t.not(winner?.etag, etag);
  t.is((await change('*', 'whatever it is')).status, 200);
});

test('a create that is repeated with its Idempotency-Key makes one record, ten at once too', async (t) => {
  const { blue } = t.context;
  const path = `${root(t.context)}/cloud-keys`;
  const body = { keySetId: blue.ids.keySet, name: fresh('once') };
  const key = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 10 }, async () => blue.admin.request('POST', path, { body, idempotencyKey: key })),
  );
  const ids = new Set(answers.filter(({ status }) => status === 201).map((answer) => answer.body.id));
  t.is(ids.size, 1);
  t.true(answers.every(({ status }) => status === 201 || status === 409));
  const again = await blue.admin.request('POST', path, { body, idempotencyKey: key });
  t.is(again.status, 201);
  t.is(again.headers['idempotency-replayed'], 'true');
  const empty = await blue.admin.request('POST', path, { body, headers: { 'Idempotency-Key': '' } });
  t.is(empty.status, 400, 'an empty key is none that recognizes a repetition');
  t.true(ids.has(again.body.id));
  const other = await blue.admin.request('POST', path, {
    body: { ...body, name: fresh('other') },
    idempotencyKey: key,
  });
  t.is(other.status, 422);
  t.is(other.body.type, 'urn:holdfast:problem:idempotency-key-reused');
  // Another user's key of the same text is another key.
  const theirs = await blue.cloudAdmin.request('POST', path, {
    body: { ...body, name: fresh('theirs') },
    idempotencyKey: key,
  });
  t.is(theirs.status, 201);
  t.false(ids.has(theirs.body.id));
});

test('a secret is shown once: a repeated issue answers the credential without it', async (t) => {
  const { blue } = t.context;
  const path = `${root(t.context)}/key-sets/${blue.ids.keySet}/credentials`;
  const key = randomUUID();
  const first = await blue.admin.request('POST', path, { body: {}, idempotencyKey: key });
  const again = await blue.admin.request('POST', path, { body: {}, idempotencyKey: key });
  t.is(first.status, 201);
  t.regex(first.body.rawSecretAccessKey, /^[A-Za-z0-9/+=]{43,64}$/);
  t.is(again.body.accessKeyId, first.body.accessKeyId);
  t.false(again.text.includes(first.body.rawSecretAccessKey));
  const shown = await blue.admin.get(`${path}/${first.body.accessKeyId}`);
  t.false(shown.text.includes(first.body.rawSecretAccessKey));
  const events = await blue.admin.get(`${root(t.context)}/audit-events?limit=200`);
  t.false(events.text.includes(first.body.rawSecretAccessKey));
});

test('the external key stores of a vault are one list, for each of those whose admin group owns the key set', async (t) => {
  const { blue, red } = t.context;
  const list = `${root(t.context)}/external-key-stores`;
  const second = await made(blue.admin, `${root(t.context)}/key-sets`, {
    name: fresh('stores'),
    adminGroupId: blue.ids.otherGroup,
    token: 'token',
    pathPrefix: fresh('stores'),
  });
  const theirs = await made(blue.admin, `${root(t.context)}/key-sets/${second.id}/external-key-stores`, {
    region: 'eu-west-1',
    uriEndpoint: 'https://xks.example.com',
  });
  const ids = async (client: AdminClient, query = '') => {
    const { status, body, text } = await client.get(`${list}${query}`);
    t.is(status, 200, text);
    return (body as { items: { id: string }[] }).items.map(({ id }) => id);
  };
  const [ours, own] = [blue.ids.externalKeyStore, theirs.id];
  t.deepEqual(await ids(blue.admin), [ours, own], 'by name');
  t.deepEqual(await ids(blue.auditor, '?sort=-name'), [own, ours]);
  t.deepEqual(await ids(blue.cloudAdmin), [ours]);
  t.deepEqual(await ids(blue.otherCloudAdmin), [own]);
  t.deepEqual(await ids(blue.admin, '?region=eu-west-1'), [own]);
  t.deepEqual(await ids(blue.admin, `?cspAccountId=${blue.ids.cspAccount}`), [ours]);
  t.deepEqual(await ids(blue.admin, `?id=${own.toUpperCase()}`), [own]);
  t.deepEqual(await ids(blue.admin, `?id=${red.ids.externalKeyStore}`), []);
  t.deepEqual(await ids(blue.otherCloudAdmin, `?id=${ours}`), []);
  const alone = async () =>
    (await blue.admin.get(`${root(t.context)}/key-sets/${second.id}/external-key-stores/${own}`)).body;
  let one = await alone();
  t.like((await blue.admin.get(`${list}?name=${String(one.name)}`)).body.items, [{ keySetName: one.name }]);
  // What is wanted of it in AWS is looked after meanwhile, and its record with it: two looks between which nothing was.
  for (let left = 20; ; left--) {
    const listed = (await blue.admin.get(`${list}?id=${own}`)).body.items;
    const again = await alone();
    if (left === 0 || isDeepStrictEqual(one, again)) {
      t.deepEqual(listed, [one], 'as it is shown alone');
      break;
    }
    one = again;
  }
});

test("another vault's things are not found under one's own vault, whatever is asked of them (IDOR)", async (t) => {
  const { blue, red } = t.context;
  const theirs: Record<string, string> = {
    userId: red.ids.auditorUser,
    groupId: red.ids.group,
    cspAccountId: red.ids.cspAccount,
    keySetId: red.ids.keySet,
    accessKeyId: red.ids.credential,
    cloudKeyId: red.ids.cloudKey,
    externalKeyStoreId: red.ids.externalKeyStore,
    kmsKeyId: red.ids.kmsKey,
  };
  const ours: Record<string, string> = {
    keySetId: blue.ids.keySet,
    cloudKeyId: blue.ids.cloudKey,
    groupId: blue.ids.group,
  };
  // Some look at their query before they look for what is in the path.
  const queries: Record<string, string> = {
    listExternalKeyStoreCandidates: '?region=eu-central-1',
    listUnlinkedKmsKeys: '?region=eu-central-1',
    deleteKmsKey: '?aws=keep',
  };
  let tried = 0;
  for (const route of allRoutes) {
    const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '').slice(1);
    if (!route.path.includes('{vaultId}') || names.length === 0 || names.some((name) => !(name in theirs)))
      continue;
    // All of it theirs; and where one thing is in another, theirs in ours.
    const last = names.at(-1) ?? '';
    for (const values of names.length === 1
      ? [theirs]
      : [theirs, { ...theirs, ...ours, [last]: theirs[last] }]) {
      const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        name === 'vaultId' ? blue.id : (values[name] ?? ''),
      );
      const body = rightBodies[route.operation];
      const answer = await blue.admin.request(route.method, `${path}${queries[route.operation] ?? ''}`, {
        ...(body === undefined ? {} : { body }),
        ...(route.changes === true ? { ifMatch: '*' } : {}),
      });
      t.is(answer.status, 404, `${route.operation} ${path}: ${answer.text}`);
      tried++;
    }
  }
  t.true(tried >= 80, `${tried} requests`);
  // And what is asked for in a body is not either.
  const path = root(t.context);
  for (const [where, body] of [
    ['/cloud-keys', { keySetId: red.ids.keySet, name: fresh('key') }],
    ['/key-sets', { name: fresh('set'), token: 'token', adminGroupId: red.ids.group }],
    ['/key-sets', { name: fresh('set'), token: 'token', cspAccountId: red.ids.cspAccount }],
    ['/csp-accounts', { name: fresh('account'), type: 'manual', adminGroupId: red.ids.group }],
  ] as const) {
    const answer = await blue.admin.post(`${path}${where}`, body);
    t.true([404, 422, 403].includes(answer.status), `${where}: ${answer.status} ${answer.text}`);
    t.false(answer.text.includes('red'));
  }
});

test('what takes something away tells by which revision it can be asked whether that is in force', async (t) => {
  const { blue } = t.context;
  const { path } = await newKey(t.context);
  const { status, headers } = await blue.admin.change('POST', `${path}/disable`, undefined, path);
  t.is(status, 200);
  const revision = String(headers['holdfast-revision']);
  t.regex(revision, /^\d+\.[\w-]{16}$/);
  const ask = async (of: string) => blue.admin.get(`/in-force?revision=${of}`);
  const told = { inForce: true, revision, nodes: 0, confirmed: 0, ended: 0, waiting: [] };
  t.deepEqual((await ask(revision)).body, told);
  const [number, mark] = revision.split('.');
  for (const lost of [
    `${number}.0123456789abcdef`,
    `${Number(number) + 1}.${mark}`,
    `999999999999999.${mark}`,
  ]) {
    const answer = await ask(lost);
    t.is(answer.status, 404, lost);
    t.regex(answer.body.detail, /the store does not list this revision/);
    t.regex(answer.body.remediation, /do it again if not/);
  }
  for (const none of [
    '',
    'x',
    String(number),
    '1.',
    `-${revision}`,
    `0${revision}`,
    `${revision}.1`,
    `1e3.${mark}`,
  ])
    t.is((await ask(none)).status, 422, none);
});

test('a browser session takes its CSRF token, from its own site, and no other', async (t) => {
  const { appliance, node } = t.context;
  const password = `correct horse ${randomUUID()}`;
  const user = await made(appliance, '/users', {
    username: fresh('browser'),
    email: 'browser@example.com',
    role: 'appliance-admin',
  });
  await appliance.firstSignIn({ username: user.username, password: user.firstPassword }, password);
  const signIn = async () => {
    const answer = await appliance
      .as(undefined)
      .post('/sessions', { username: user.username, password, cookie: true });
    t.is(answer.status, 201);
    t.is(answer.body.token, undefined);
    const [cookie = ''] = answer.headers['set-cookie'] as string[];
    t.regex(
      cookie,
      /^__Host-holdfast-session=[^;]+; Path=\/; Secure; HttpOnly; SameSite=Strict(; Max-Age=\d+)?$/,
    );
    return { cookie: cookie.split(';', 1)[0] ?? '', csrf: answer.body.csrfToken as string };
  };
  const one = await signIn();
  const two = await signIn();
  const send = async (headers: Record<string, string>) =>
    appliance.as(undefined).request('POST', '/reconciliations', { headers });
  const origin = node.admin.endpoint;
  t.is((await appliance.as(undefined).get('/vaults', { headers: { Cookie: one.cookie } })).status, 200);
  for (const [why, headers] of Object.entries({
    'no token': { Cookie: one.cookie },
    "another session's token": { Cookie: one.cookie, 'X-CSRF-Token': two.csrf },
    'a made-up token': { Cookie: one.cookie, 'X-CSRF-Token': 'x'.repeat(43) },
    'from another site': { Cookie: one.cookie, 'X-CSRF-Token': one.csrf, Origin: 'https://evil.example' },
    'from a sandboxed frame': { Cookie: one.cookie, 'X-CSRF-Token': one.csrf, Origin: 'null' },
    'begun by another site': {
      Cookie: one.cookie,
      'X-CSRF-Token': one.csrf,
      'Sec-Fetch-Site': 'cross-site',
    },
  })) {
    const answer = await send(headers);
    t.is(answer.status, 403, why);
    t.is(answer.body.type, 'urn:holdfast:problem:csrf-token-required', why);
  }
  const right = { Cookie: one.cookie, 'X-CSRF-Token': one.csrf, Origin: origin };
  t.is((await send({ ...right, 'Sec-Fetch-Site': 'same-origin' })).status, 201);
});

test('a list is walked page by page, in either order, and a cursor is good for its own list only', async (t) => {
  const { blue } = t.context;
  const path = `${root(t.context)}/cloud-keys`;
  const prefix = fresh('page');
  for (let index = 0; index < 5; index++)
    await made(blue.admin, path, { keySetId: blue.ids.keySet, name: `${prefix}-${index}` });
  for (const sort of ['name', '-name']) {
    const names: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await blue.admin.get(
        `${path}?name=${prefix}&limit=2&sort=${sort}${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      t.is(page.status, 200, page.text);
      names.push(...(page.body.items as { name: string }[]).map(({ name }) => name));
      cursor = page.body.next as string | null;
    } while (cursor !== null);
    const inOrder = Array.from({ length: 5 }, (_, index) => `${prefix}-${index}`);
    t.deepEqual(names, sort === 'name' ? inOrder : inOrder.toReversed());
  }
  const { body } = await blue.admin.get(`${path}?limit=1&sort=name`);
  t.is((await blue.admin.get(`${path}?sort=-name&cursor=${body.next}`)).status, 422);
  t.is((await blue.admin.get(`${path}?cursor=AAAA`)).status, 422);
});

test('sessions, passwords and secrets stand nowhere in what the node prints', async (t) => {
  const { appliance, blue, node } = t.context;
  const secrets = [appliance.token, blue.admin.token, blue.cloudAdmin.token].map((token) => token ?? '?');
  const issued = await made(blue.admin, `${root(t.context)}/key-sets/${blue.ids.keySet}/credentials`, {});
  await appliance.as(undefined).post('/sessions', { username: 'admin', password: 'planted-wrong-password' });
  for (const secret of [...secrets, issued.rawSecretAccessKey as string, 'planted-wrong-password'])
    t.false(node.output.includes(secret));
});

test('an API key for the vault itself is no way to another sign-in for its administrators', async (t) => {
  const { blue } = t.context;
  const { secret } = await made(blue.admin, '/user/api-keys', {
    name: fresh('key'),
    scope: ['vault.write', 'vault.read'],
    expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
  });
  const answer = await blue.admin.as(secret).request('PUT', `${root(t.context)}/oidc-provider`, {
    ifMatch: '*',
    body: { issuer: 'https://127.0.0.1:9', clientId: 'x', clientSecret: 'y', usernameClaim: 'email' },
  });
  t.is(answer.status, 403, answer.text);
  t.regex(answer.body.detail, /the role has permissions that you do not have/);
});

test('the management process has no PKCS#11 module in its memory, and is confined', (t) => {
  const { management, hosts } = t.context.node.processes();
  t.is(management.length, 1);
  for (const pid of management)
    t.notRegex(readFileSync(`/proc/${pid}/maps`, 'utf8'), /pkcs11|softhsm/i, 'in the management process');
  // It faces the network as the workers do, and writes nothing that another process loads.
  for (const pid of management) {
    t.regex(commandLine(pid), / --permission /);
    t.deepEqual(writable(pid), ['holdfast.db-reserve', '1', '2']);
    t.true(blocks(pid, 'SIGUSR1'));
  }
  t.true(hosts.some((pid) => /softhsm/i.test(readFileSync(`/proc/${pid}/maps`, 'utf8'))));
});

test('more requests than the limits are answered 429 with the time to wait', async (t) => {
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const node = await TestNode.start({
    tokens: [{ fixture }],
    admin: { sign_ins_per_minute: 3, requests_per_minute: 20 },
  });
  t.teardown(async () => node.dispose());
  const client = new AdminClient(node.admin);
  const wrong = { username: 'admin', password: 'not the password' };
  const statuses = [];
  for (let index = 0; index < 5; index++) statuses.push((await client.post('/sessions', wrong)).status);
  t.deepEqual(statuses, [401, 401, 401, 429, 429]);
  const refused = await client.post('/sessions', wrong);
  t.true(Number(refused.headers['retry-after']) >= 1);
  t.is(refused.body.type, 'urn:holdfast:problem:too-many-requests');
  const others = await Promise.all(Array.from({ length: 30 }, async () => client.get('/openapi.json')));
  t.true(others.some(({ status }) => status === 429));
  t.is((await client.get('//ping')).status, 200);
});

test('a node prunes archived events as soon as it is asked, and those alone', async (t) => {
  const { node, red } = t.context;
  const trail = `/vaults/${red.id}`;
  await node.withStore(async ({ vaultContext, act }) => {
    for (let minute = 0; minute < 3; minute++)
      await recordAlone(
        vaultContext.store,
        { ...act(), now: () => new Date(Date.UTC(2020, 0, 1, 0, minute)) },
        { action: 'key-set.freeze', vaultId: red.id, target: { kind: 'key-set', id: 'x', name: 'x' } },
      );
  });
  const before = '2021-01-01T00:00:00.000Z';
  const { items } = (await red.admin.get(`${trail}/audit-events?sort=sequence&to=${before}`)).body as {
    items: AuditEvent[];
  };
  const sha256 = createHash('sha256')
    .update(items.map((event) => eventLine(event)).join(''))
    .digest('hex');
  const { id } = await made(red.admin, `${trail}/audit-prunings`, { before, count: items.length, sha256 });
  await node.waitForLog((line) => line.msg === 'the audit trail is pruned' && line['pruning'] === id);
  t.like((await red.admin.get(`${trail}/audit-prunings/${id}`)).body, { state: 'DONE', deleted: 3, kept: 0 });
  t.deepEqual((await red.admin.get(`${trail}/audit-events?to=${before}`)).body.items, []);
  t.is((await red.admin.get(`${trail}/audit-trail`)).body.prunedBefore, before);
});

test.serial(
  'an API key that may read metrics and nothing else scrapes what AWS has asked, by vault and key set',
  async (t) => {
    const { appliance, blue, node } = t.context;
    const soon = new Date(Date.now() + 86_400_000).toISOString();
    const { secret } = await made(appliance, '/user/api-keys', {
      ...{ name: fresh('prometheus'), scope: ['metrics.read'], expiresAt: soon },
    });
    const prometheus = appliance.as(secret);
    t.is((await prometheus.get('/status')).status, 403);
    t.is((await prometheus.get('/vaults')).status, 403);
    const credential = await made(
      blue.admin,
      `${root(t.context)}/key-sets/${blue.ids.keySet}/credentials`,
      {},
    );
    const key = (await blue.admin.get(`${root(t.context)}/cloud-keys/${blue.ids.cloudKey}`)).body;
    const xks = node.client({
      ...{
        accessKeyId: credential.accessKeyId,
        secretAccessKey: credential.secretAccessKey ?? credential.rawSecretAccessKey,
      },
      uriPath: '/blue-prefix/kms/xks/v1',
    });
    for (let n = 0; n < 3; n++) t.is((await xks.encrypt(key.externalKeyId, 'x')).status, 200);
    t.is((await xks.metadata('nothing')).status, 404);
    xks.close();
    const answer = await prometheus.get('/metrics');
    t.is(answer.status, 200);
    t.is(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    const { value, samples } = readScrape(answer.text);
    const of = { vault: blue.name, key_set: blue.ids.keySet };
    const requests = (labels: object) => value('holdfast_xks_requests_total', { ...of, ...labels });
    t.is(requests({ operation: 'Encrypt', error: 'none' }), 3);
    t.is(requests({ operation: 'GetKeyMetadata', error: 'KeyNotFoundException' }), 1);
    t.is(value('holdfast_xks_request_duration_seconds_count', { ...of, operation: 'Encrypt' }), 3);
    t.is(
      value('holdfast_xks_request_duration_seconds_bucket', { ...of, operation: 'Encrypt', le: '+Inf' }),
      3,
    );
    t.true(value('holdfast_token_operation_duration_seconds_count', { token: 'token' }) >= 3);
    t.is(value('holdfast_token_health', { token: 'token' }), 1);
    t.true(value('holdfast_process_resident_memory_bytes', { process: 'token-host' }) > 0);
    t.is(value('holdfast_process_starts_total', { process: 'management' }), 1);
    t.is(value('holdfast_supervisor_up'), 1);
    t.true(value('holdfast_store_revision') > 0);
    t.like(
      samples.find(({ name }) => name === 'holdfast_workers_unconfirmed'),
      { value: 0 },
    );
    t.like(
      samples.find(({ name }) => name === 'holdfast_store_went_back_total'),
      { value: 0 },
      'an increase needs a beginning',
    );
    t.is(value('holdfast_management_requests_total', { operation: 'getStatus', status: '403' }) > 0, true);
    t.true(value('holdfast_certificate_expiry_timestamp_seconds', { listener: 'xks' }) > 1_700_000_000);
    // Names of what is inside a vault are the vault's; ids of CloudKeys and principals are too many.
    t.false(answer.text.includes(`${blue.name}-keys`) || answer.text.includes(key.externalKeyId));
    t.true(samples.length < 2_000, String(samples.length));

    const open = await prometheus.get('/metrics', {
      headers: {
        Accept: 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1',
      },
    });
    t.is(open.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    t.true(open.text.endsWith('\n# EOF\n'));
    t.regex(open.text, /^# TYPE holdfast_xks_requests counter\nholdfast_xks_requests_total\{/m);

    const traffic = (await prometheus.get('/traffic')).body;
    t.true(traffic.requests >= 4);
    t.is(traffic.points.length, 240);
    t.deepEqual(traffic.nodes, { included: 1, missing: 0, missingHosts: [] });
    const vitals = await prometheus.get('/vitals?range=3h');
    t.is(vitals.body.points.length, 36);
    t.is((await prometheus.get(`/vitals?node=${randomUUID()}`)).status, 404);
    const own = (await blue.cloudAdmin.get(`${root(t.context)}/traffic?range=1d`)).body;
    t.is(own.requests, 4);
    t.deepEqual(own.errors, { KeyNotFoundException: 1 });
    t.is(own.reliabilityPercent, 100);
    const others = (await blue.otherCloudAdmin.get(`${root(t.context)}/traffic?range=1d`)).body;
    t.is(others.requests, 0, 'another group sees its own');
    t.is(others.reliabilityPercent, null);
  },
);

test.serial('what AWS was refused is told to whom it belongs, with what to do about it', async (t) => {
  const { appliance, blue, red, node } = t.context;
  const list = `${root(t.context)}/failed-requests`;
  const nobody = node.client({
    ...{ accessKeyId: 'A'.repeat(20), secretAccessKey: 'x'.repeat(43) },
    uriPath: '/blue-prefix/kms/xks/v1',
  });
  t.is((await nobody.metadata('nothing')).status, 401);
  nobody.close();
  // Written every few seconds; the test before this one has had a key refused that is not there.
  let ofNobody: { reason: string }[] = [];
  while (!ofNobody.some(({ reason }) => reason === 'unknown-credential')) {
    await delay(100);
    ofNobody = (await appliance.get('/failed-requests')).body.items;
  }
  const row = ofNobody.find(({ reason }) => reason === 'unknown-credential');
  t.like(row, { error: 'AuthenticationFailedException', externalKeyId: '', principal: '', keySet: null });
  const own = (await blue.cloudAdmin.get(list)).body.items;
  t.is(own.length, 1);
  t.like(own[0], {
    ...{ error: 'KeyNotFoundException', operation: 'GetKeyMetadata', externalKeyId: 'nothing', count: 1 },
    ...{ retryable: false, cloudKey: null, message: 'The external key is not found in this key store.' },
  });
  t.is(own[0].keySet.id, blue.ids.keySet);
  t.regex(own[0].remediation, /holdfast cloud-key list/);
  t.true(own[0].principal.startsWith('arn:aws:') && own[0].kmsRequestId !== '');
  t.is((await blue.otherCloudAdmin.get(list)).body.items.length, 0, 'of another group');
  t.is((await red.admin.get(`/vaults/${red.id}/failed-requests`)).body.items.length, 0);
  t.is((await appliance.get(list)).status, 403);
});
