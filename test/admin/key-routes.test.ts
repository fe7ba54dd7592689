import { randomUUID } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import type { z } from 'zod';
import { SeenVersion } from '../../src/store/act-transaction.ts';
import { cloudKeyRoutes } from '../../src/admin/keys/cloud-keys.ts';
import { credentialRoutes } from '../../src/admin/keys/credentials.ts';
import { cspAccountRoutes } from '../../src/admin/cloud/csp-accounts.ts';
import { keySetRoutes } from '../../src/admin/keys/key-sets.ts';
import type { AnyAnswer, Call, Route } from '../../src/admin/route.ts';
import type { AdminServices } from '../../src/admin/services.ts';
import type { Caller } from '../../src/identity/caller.ts';
import { permissionsOf } from '../../src/identity/permissions.ts';
import { useOfVersion } from '../../src/keys/history/version-use.ts';
import { versionLabel, versionObjectId } from '../../src/token/own-keys.ts';
import type { Sight } from '../../src/vault/context.ts';
import { unusedAws } from '../../testing/aws-settings.ts';
import { fresh, insertGroup, openVault, type TestVault } from '../../testing/vault.ts';

/*
 * The routes as data, called as the application calls them: with what their own schemas made of the request, and their
 * answers held against the schemas that the reference is made from.
 */

const test = anyTest as TestFn<TestVault & { group: string }>;

test.before(async (t) => {
  const vault = await openVault();
  t.context = { ...vault, group: await insertGroup(vault.store, vault.vault.id, 'Cloud Admin Group') };
});
test.after.always(async (t) => t.context.dispose());

const routes = [...cspAccountRoutes, ...keySetRoutes, ...credentialRoutes, ...cloudKeyRoutes];

function routeOf(operation: string): Route {
  const found = routes.find((route) => route.operation === operation);
  if (found === undefined) throw new Error(`no route ${operation}`);
  return found;
}

interface Input {
  params?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
  expected?: number;
  idempotencyKey?: string;
  sight?: Sight;
}

function callOf(
  { vaultContext, act, vault }: TestVault,
  route: Route,
  input: Input,
): Call<unknown, unknown, unknown> {
  const caller: Caller = {
    kind: 'user',
    userId: randomUUID(),
    username: 'ada',
    role: 'vault-admin',
    vaultId: vault.id,
    permissions: new Set(permissionsOf['vault-admin']),
    sight: input.sight ?? 'all',
    credentialId: randomUUID(),
    state: 'ACTIVE',
    byCookie: false,
  };
  return {
    services: { ...vaultContext, aws } as AdminServices,
    caller,
    act: act(input.idempotencyKey === undefined ? {} : { idempotencyKey: input.idempotencyKey }),
    params: route.params?.parse({ vaultId: vault.id, ...input.params }),
    query: route.query?.parse(input.query ?? {}),
    body: route.body?.parse(input.body ?? {}),
    expected: input.expected === undefined ? undefined : new SeenVersion(input.expected),
    client: { address: '192.0.2.7', userAgent: 'test', accept: '', cookie: () => undefined },
  };
}

const aws = unusedAws();

/** Body, row version and the rest of an answer whose body is as its schema says. */
async function ask(
  context: TestVault,
  operation: string,
  input: Input = {},
  again?: string,
): Promise<AnyAnswer & { body: Record<string, unknown> }> {
  const route = routeOf(operation);
  const call = callOf(context, route, input);
  const answer = again === undefined ? await route.handle(call) : await route.creates?.again(call, again);
  if (answer === undefined) throw new Error(`${operation} cannot be repeated`);
  // What goes over the wire, not what JSON would leave out.
  const body: unknown = answer.body === undefined ? undefined : JSON.parse(JSON.stringify(answer.body));
  if (route.answer === undefined) {
    if (body !== undefined) throw new Error(`${operation} answers a body without a schema`);
  } else (route.answer as z.ZodObject).parse(body);
  return { ...answer, body: body as Record<string, unknown> };
}

async function newKeySet(context: TestVault & { group: string }) {
  const name = fresh('set');
  const body = { name, token: 'token', pathPrefix: name, adminGroupId: context.group };
  return (await ask(context, 'createKeySet', { body })).body as { id: string; name: string };
}

test('a CSP account goes through all its routes', async (t) => {
  const body = { name: fresh('account'), adminGroupId: t.context.group, awsAccountId: '111122223333' };
  const made = await ask(t.context, 'createCspAccount', { body });
  t.like(made, { status: 201, rowVersion: 1, body: { ...body, type: 'manual', defaultRegion: '' } });
  const params = { cspAccountId: String(made.body['id']) };
  t.is(made.location, `/vaults/${t.context.vault.id}/csp-accounts/${params.cspAccountId}`);
  t.deepEqual((await ask(t.context, 'createCspAccount', { body }, params.cspAccountId)).body, made.body);
  const changed = await ask(t.context, 'updateCspAccount', {
    params,
    body: { description: 'x' },
    expected: 1,
  });
  t.like(changed, { rowVersion: 2, body: { description: 'x', awsAccountId: '111122223333' } });
  t.deepEqual((await ask(t.context, 'getCspAccount', { params })).body, changed.body);
  const list = await ask(t.context, 'listCspAccounts', { query: { name: body.name } });
  t.deepEqual(list.body, { items: [changed.body], next: null });
  t.is((await ask(t.context, 'deleteCspAccount', { params, expected: 2 })).status, 204);
});

test('a key set goes through all its routes', async (t) => {
  const name = fresh('set');
  const body = {
    name,
    token: 'token',
    pathPrefix: `/${name}/`,
    rotation: { days: 90 },
    quota: { requestsPerSecond: 50 },
  };
  const made = await ask(t.context, 'createKeySet', { body });
  t.like(made, {
    status: 201,
    rowVersion: 1,
    body: {
      pathPrefix: name,
      xksProxyUriPath: `/${name}/kms/xks/v1`,
      rotation: { days: 90 },
      quota: { requestsPerSecond: 50, burst: 50 },
      state: 'ACTIVE',
      externalKeyStore: true,
      ...{ cloudKeys: 0, externalKeyStores: 0, liveCredentials: 0 },
      adminGroupId: null,
    },
  });
  const params = { keySetId: String(made.body['id']) };
  t.deepEqual((await ask(t.context, 'createKeySet', { body }, params.keySetId)).body, made.body);
  const edit = { quota: null, rotation: { days: null }, externalKeyStore: false };
  t.like((await ask(t.context, 'updateKeySet', { params, body: edit, expected: 1 })).body, edit);
  t.is((await ask(t.context, 'freezeKeySet', { params, expected: 2 })).body['state'], 'FROZEN');
  t.is((await ask(t.context, 'listKeySets', { query: { state: 'FROZEN' } })).body['next'], null);
  const thawed = await ask(t.context, 'thawKeySet', { params, expected: 3 });
  t.like(thawed, { rowVersion: 4, body: { state: 'ACTIVE' } });
  t.deepEqual((await ask(t.context, 'getKeySet', { params })).body, thawed.body);
  t.is((await ask(t.context, 'deleteKeySet', { params, expected: 4 })).status, 204);
});

test('a key set tells how many credentials are live, in lists too', async (t) => {
  const [one, other] = [await newKeySet(t.context), await newKeySet(t.context)];
  const issue = async (expiresAt: string | null) =>
    ask(t.context, 'issueCredential', { params: { keySetId: one.id }, body: { expiresAt } });
  const [withdrawn] = [await issue(null), await issue(null), await issue('2099-01-01T00:00:00Z')];
  const { store } = t.context;
  const expired = String((await issue('2099-01-01T00:00:00Z')).body['accessKeyId']);
  await store.db
    .updateTable('xks_credentials')
    .set({ expires_at: '2020-01-01T00:00:00.000Z' })
    .where('access_key_id', '=', expired)
    .execute();
  const accessKeyId = String(withdrawn?.body['accessKeyId']);
  await ask(t.context, 'withdrawCredential', { params: { keySetId: one.id, accessKeyId } });
  const shown = async ({ id, name }: { id: string; name: string }) => {
    const [found] = (await ask(t.context, 'listKeySets', { query: { name } })).body['items'] as object[];
    t.deepEqual(
      { ...found, warnings: [] },
      (await ask(t.context, 'getKeySet', { params: { keySetId: id } })).body,
    );
    return found as { liveCredentials: number };
  };
  t.is((await shown(one)).liveCredentials, 2);
  t.is((await shown(other)).liveCredentials, 0);
});

test('a field that is left out of a change stays as it is', async (t) => {
  const { id } = await newKeySet(t.context);
  const params = { keySetId: id };
  const before = await ask(t.context, 'getKeySet', { params });
  const after = await ask(t.context, 'updateKeySet', { params, body: { description: 'only this' } });
  const { description, updatedAt: _, ...rest } = after.body;
  t.is(description, 'only this');
  t.like(before.body, rest);
  const key = await ask(t.context, 'createCloudKey', {
    body: {
      keySetId: id,
      name: fresh('key'),
      quota: { requestsPerSecond: 3 },
      rotation: { kind: 'DAYS', days: 9 },
    },
  });
  const edited = await ask(t.context, 'updateCloudKey', {
    params: { cloudKeyId: String(key.body['id']) },
    body: { description: 'only this' },
  });
  t.deepEqual(
    { ...edited.body, updatedAt: '', description: '' },
    { ...key.body, updatedAt: '', description: '' },
  );
});

test('the secret of a credential is shown once, and not to a repetition', async (t) => {
  const keySet = await newKeySet(t.context);
  const params = { keySetId: keySet.id };
  const issued = await ask(t.context, 'issueCredential', { params });
  const { accessKeyId, rawSecretAccessKey, consoleFile, ...shown } = issued.body;
  t.deepEqual(consoleFile, {
    XksProxyUriPath: `/${keySet.name}/kms/xks/v1`,
    XksProxyAuthenticationCredential: { AccessKeyId: accessKeyId, RawSecretAccessKey: rawSecretAccessKey },
  });
  const again = await ask(t.context, 'issueCredential', { params }, String(accessKeyId));
  t.deepEqual(again.body, { accessKeyId, ...shown });
  const one = { ...params, accessKeyId: String(accessKeyId) };
  const rotated = await ask(t.context, 'rotateCredential', { params: one, expected: 1 });
  t.is(rotated.status, 201);
  t.is(
    rotated.location,
    `${issued.location?.replace(String(accessKeyId), '')}${String(rotated.body['accessKeyId'])}`,
  );
  const repeated = await ask(
    t.context,
    'rotateCredential',
    { params: one },
    String(rotated.body['accessKeyId']),
  );
  t.false('rawSecretAccessKey' in repeated.body || 'consoleFile' in repeated.body);
  t.like((await ask(t.context, 'getCredential', { params: one })).body, {
    successor: rotated.body['accessKeyId'],
    retireAfterQuietMinutes: 60,
    state: 'LIVE',
    lastSeenAt: null,
    requests: 0,
  });
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  const changed = await ask(t.context, 'updateCredential', { params: one, body: { expiresAt }, expected: 2 });
  t.like(changed, { rowVersion: 3, body: { expiresAt, retireAfterQuietMinutes: 60 } });
  t.is((await ask(t.context, 'withdrawCredential', { params: one, expected: 3 })).status, 204);
  const { items } = (await ask(t.context, 'listCredentials', { params })).body as {
    items: { state: string }[];
  };
  t.deepEqual(
    items.map(({ state }) => state),
    ['WITHDRAWN', 'LIVE'],
  );
});

test('a CloudKey goes through all its routes', async (t) => {
  const { id: keySetId } = await newKeySet(t.context);
  const name = fresh('key');
  const users = ['arn:aws:iam::111122223333:role/App'];
  const expiresAt = '2099-01-01T02:00:00.000+02:00';
  const body = { keySetId, name, region: 'eu-central-1', users, usage: 'decrypt-only', expiresAt };
  const preview = await ask(t.context, 'previewCloudKey', { body });
  t.like(preview.body, { token: 'token', region: 'eu-central-1', kmsKey: null });
  const made = await ask(t.context, 'createCloudKey', { body, idempotencyKey: name });
  t.like(made, {
    status: 201,
    rowVersion: 2,
    body: {
      ...body,
      expiresAt: '2099-01-01T00:00:00.000Z',
      administrators: [],
      state: 'AVAILABLE',
      rotation: { kind: 'INHERIT' },
      nextRotationAt: null,
      currentVersion: 1,
      use: { encrypts: 0, lastEncryptAt: null, decrypts: 0, lastDecryptAt: null },
    },
  });
  const params = { cloudKeyId: String(made.body['id']) };
  t.deepEqual((await ask(t.context, 'createCloudKey', { body }, params.cloudKeyId)).body, made.body);
  const rotation = { kind: 'DAYS', days: 30 };
  const changed = await ask(t.context, 'updateCloudKey', {
    params,
    body: { rotation, expiresAt: null },
    expected: 2,
  });
  t.like(changed.body, { rotation, expiresAt: null });
  t.not(changed.body['nextRotationAt'], null);
  t.is((await ask(t.context, 'disableCloudKey', { params, expected: 3 })).body['state'], 'DISABLED');
  t.is((await ask(t.context, 'enableCloudKey', { params, expected: 4 })).body['state'], 'AVAILABLE');
  t.like(await ask(t.context, 'rotateCloudKey', { params, expected: 5 }), {
    rowVersion: 6,
    body: { currentVersion: 2 },
  });
  const { items } = (await ask(t.context, 'listCloudKeyVersions', { params })).body as {
    items: Record<string, unknown>[];
  };
  const never = { known: 'NEVER', at: null };
  t.like(items[0], {
    ...{ version: 1, current: false, lastEncrypt: never, lastDecrypt: never },
    ...{ safeToDestroy: true, safeToDestroyReason: 'NEVER_ENCRYPTED' },
    objectId: versionObjectId(params.cloudKeyId, 1).toString('hex'),
    label: versionLabel(keySetId, String(made.body['externalKeyId']), 1),
  });
  t.like(items[1], { version: 2, current: true, safeToDestroy: false, safeToDestroyReason: 'CURRENT' });
  t.is(items.length, 2);
  const scheduled = await ask(t.context, 'scheduleCloudKeyDeletion', {
    params,
    body: { days: 7 },
    expected: 6,
  });
  t.is(scheduled.body['state'], 'PENDING_DELETION');
  t.is((await ask(t.context, 'cancelCloudKeyDeletion', { params, expected: 7 })).body['state'], 'DISABLED');
  const list = await ask(t.context, 'listCloudKeys', {
    query: { keySetId, state: 'DISABLED', sort: '-createdAt' },
  });
  const one = (await ask(t.context, 'getCloudKey', { params })).body;
  const { token, madeBy, frozenBy, ...listed } = one;
  t.deepEqual(list.body, { items: [listed], next: null });
  t.deepEqual([token, frozenBy], ['token', []]);
  t.like(madeBy, { kind: 'user' });
  await ask(t.context, 'freezeKeySet', { params: { keySetId }, expected: 1 });
  const frozen = (await ask(t.context, 'getCloudKey', { params })).body;
  t.like(frozen['frozenBy'], [{ by: 'key-set' }]);
});

test('of a version is told when it was used last as far as that follows from what is kept, and what may need it', (t) => {
  const at = (day: number) => `2026-01-0${day}T00:00:00.000Z`;
  // The third was undone before it was active.
  const states = ['ACTIVE', 'ACTIVE', 'DESTROYED', 'ACTIVE', 'ACTIVE'] as const;
  const all = states.map((state, index) => ({ version: index + 1, state, created_at: at(index + 1) }));
  const key = { current_version: 5, rotated_at: at(6), last_encrypt_at: at(7), last_decrypt_at: at(8) };
  const use = (
    version: number,
    encryptions_leased: number,
    used: Partial<Record<keyof typeof key, string | null>> = {},
    origin: 'holdfast' | 'aws-sample-proxy' = 'holdfast',
  ) => {
    const row = all[version - 1];
    if (row === undefined) throw new Error('no such version');
    const of = useOfVersion({ ...key, ...used } as typeof key, { ...row, origin, encryptions_leased }, all);
    return [of.lastEncrypt, of.lastDecrypt, of.need];
  };
  const never = { known: 'NEVER', at: null };
  const by = (day: number) => ({ known: 'NOT_AFTER', at: at(day) });
  t.deepEqual(use(5, 9), [{ known: 'AT', at: at(7) }, by(8), 'CURRENT']);
  t.deepEqual(use(4, 9), [by(6), by(8), 'MAY_HAVE_ENCRYPTED'], 'until the current one was active');
  t.deepEqual(
    use(1, 9),
    [by(4), by(8), 'MAY_HAVE_ENCRYPTED'],
    'the second was active when the fourth was begun',
  );
  t.deepEqual(use(2, 9), [by(5), by(8), 'MAY_HAVE_ENCRYPTED']);
  t.deepEqual(use(1, 9, { last_encrypt_at: at(2) }), [by(2), by(8), 'MAY_HAVE_ENCRYPTED'], 'nor any since');
  t.deepEqual(use(1, 0), [never, never, 'NEVER_ENCRYPTED']);
  t.deepEqual(use(3, 0), [never, never, 'GONE']);
  const unused = { last_encrypt_at: null, last_decrypt_at: null };
  t.deepEqual(use(1, 500, unused), [never, never, 'MAY_HAVE_ENCRYPTED'], 'counted ahead: the count decides');
  t.deepEqual(use(1, 0, unused, 'aws-sample-proxy'), [by(1), never, 'ADOPTED'], 'with ciphertext of before');
  const only = { version: 1, state: 'ACTIVE', created_at: at(1) } as const;
  const counted = { ...only, origin: 'holdfast', encryptions_leased: 9 } as const;
  const { lastDecrypt } = useOfVersion({ ...key, current_version: 1 }, counted, [only]);
  t.deepEqual(lastDecrypt, { known: 'AT', at: at(8) });
});

test('nobody who is not in its admin group reaches a thing by any route', async (t) => {
  const keySet = await newKeySet(t.context);
  const made = await ask(t.context, 'createCloudKey', { body: { keySetId: keySet.id, name: fresh('key') } });
  const issued = await ask(t.context, 'issueCredential', { params: { keySetId: keySet.id } });
  const account = await ask(t.context, 'createCspAccount', {
    body: { name: fresh('account'), adminGroupId: t.context.group },
  });
  const ids: Record<string, string> = {
    vaultId: t.context.vault.id,
    keySetId: keySet.id,
    cloudKeyId: String(made.body['id']),
    cspAccountId: String(account.body['id']),
    accessKeyId: String(issued.body['accessKeyId']),
  };
  const bodies: Record<string, unknown> = { scheduleCloudKeyDeletion: { days: 7 } };
  const sight = [await insertGroup(t.context.store, t.context.vault.id, fresh('group'))];
  for (const route of routes) {
    const named = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
    if (named.length < 2) continue;
    const params = Object.fromEntries(named.map((name) => [name, ids[name] ?? '']));
    const error = await t.throwsAsync(
      ask(t.context, route.operation, { params, sight, body: bodies[route.operation] }),
      undefined,
      route.operation,
    );
    t.like(error, { name: 'VaultError', problem: 'not-found' }, route.operation);
    if (route.creates !== undefined)
      await t.throwsAsync(ask(t.context, route.operation, { params, sight }, 'x'), { name: 'VaultError' });
  }
});

test('bodies and queries with what they do not know, or beyond their bounds, are refused', (t) => {
  const refused: [operation: string, part: 'body' | 'query', value: unknown][] = [
    ['createKeySet', 'body', { name: 'a', token: 't', colour: 'red' }],
    ['createKeySet', 'body', { name: '', token: 't' }],
    ['createKeySet', 'body', { name: 'a', token: 't', quota: { requestsPerSecond: 0 } }],
    ['updateKeySet', 'body', { rotation: { days: 0 } }],
    ['updateKeySet', 'body', { rotation: {} }],
    ['createCspAccount', 'body', { name: 'a', adminGroupId: 'b' }],
    ['createCspAccount', 'body', { name: 'a', adminGroupId: randomUUID(), awsAccountId: '1' }],
    ['issueCredential', 'body', { expiresAt: 'tomorrow' }],
    ['issueCredential', 'body', { expiresAt: '2099-01-01' }],
    ['rotateCredential', 'body', { retireAfterQuietMinutes: 0 }],
    ['createCloudKey', 'body', { keySetId: randomUUID(), name: 'a', usage: 'sign' }],
    ['createCloudKey', 'body', { keySetId: randomUUID(), name: 'a', rotation: { kind: 'DAYS' } }],
    ['createCloudKey', 'body', { keySetId: randomUUID(), name: 'a', rotation: { kind: 'NEVER', days: 3 } }],
    ['updateCloudKey', 'body', { usage: 'decrypt-only' }],
    ['updateCloudKey', 'body', { keySetId: randomUUID() }],
    ['updateCloudKey', 'body', { externalKeyId: 'other' }],
    ['scheduleCloudKeyDeletion', 'body', { days: 6 }],
    ['scheduleCloudKeyDeletion', 'body', { days: 31 }],
    ['listCloudKeys', 'query', { limit: '0' }],
    ['listCloudKeys', 'query', { limit: '201' }],
    ['listCloudKeys', 'query', { sort: 'externalKeyId' }],
    ['listCloudKeys', 'query', { state: 'available' }],
    ['listKeySets', 'query', { token: ['a', 'b'] }],
  ];
  for (const [operation, part, value] of refused)
    t.false(routeOf(operation)[part]?.safeParse(value).success, `${operation} ${JSON.stringify(value)}`);
});

test('every route asks for a permission of the vault, and every change for the version that was seen', (t) => {
  for (const route of routes) {
    t.like(route.access, { kind: 'permission' });
    t.false('appliance' in route.access, route.operation);
    const acts =
      route.method !== 'GET' && route.creates === undefined && route.operation !== 'previewCloudKey';
    if (acts) t.true(route.changes, route.operation);
    // Who may change nothing has AWS asked for nothing either: it is the customer's quota.
    const reads = route.method === 'GET' && route.operation !== 'listCspPrincipals';
    t.is(route.access.kind === 'permission' && route.access.vault === 'vault.read', reads);
  }
});
