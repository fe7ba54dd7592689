import { createHash, randomUUID } from 'node:crypto';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { sql } from 'kysely';
import { z } from 'zod';
import { allRoutes } from '../../src/admin/routes.ts';
import type { Route } from '../../src/admin/route.ts';
import { sessionCookie } from '../../src/identity/bearer.ts';
import { hashPassword } from '../../src/identity/passwords.ts';
import { permissionsOf } from '../../src/identity/permissions.ts';
import { openSession } from '../../src/identity/sessions.ts';
import { insertUser, newUser } from '../../src/identity/users.ts';
import type { Role } from '../../src/store/schema.ts';
import { password, passwordCost } from '../identity/people.ts';
import type { AdminAnswer } from '../support/admin-answer.ts';
import type { AdminClient } from '../support/admin-client.ts';
import { unusedAws } from '../../testing/aws-settings.ts';
import { byHand } from '../../testing/by-hand.ts';
import { openVault, type TestVault } from '../../testing/vault.ts';
import { type Gate, openManagement } from './management.ts';
import { fullBody } from './right-bodies.ts';
import { addUser, made, peopledVault, type PeopledVault } from './two-vaults.ts';

/*
 * Every act of the API while its caller loses what let it in. The act is held where it asks the store for its first
 * transaction, then for its second and so on, as if what came before had taken that long; the caller is dismissed by
 * somebody else over the API; then the act goes on.
 */

/** Those that do not come as far as a transaction here, and why. A route that is not named here has to. */
const notReached: Readonly<Record<string, string>> = {
  giveSecondFactor: 'completes a sign-in, which proves itself who it is',
  confirmTotp: 'refuses without an enrolment; its transaction is that of every other act',
  adoptCloudKey: 'asks the token for a key object that is not there',
  previewCloudKey: 'makes nothing',
  checkCspAccount: 'asks AWS, and the account is manual',
  rotateCspAccessKey: 'asks AWS, and the account is manual',
  connectExternalKeyStore: 'asks AWS, and the account is manual',
  deleteExternalKeyStore: 'refuses while a KMS key is in it',
  refreshKmsKey: 'asks AWS, and the account is manual',
  disconnectExternalKeyStore: 'asks AWS, and the account is manual',
};

interface Stage {
  open: TestVault;
  gate: Gate;
  boss: AdminClient;
  blue: PeopledVault;
  providerInput: Record<string, unknown>;
  others: { applianceUser: string; sparePerson: string; node: string; replaced: string };
  hash: string;
  dispose: () => Promise<void>;
}

const test = anyTest as TestFn<Stage>;

test.before(async (t) => {
  const open = await openVault();
  const management = await openManagement({ ...open.vaultContext, aws: unusedAws() });
  const { gate, place, providerInput } = management;
  const boss = await addUser(place, '', 'boss', 'appliance-admin');
  await addUser(place, '', 'second', 'appliance-auditor');
  const blue = await peopledVault(place, boss, 'blue');
  await addUser(place, blue.id, 'spare', 'auditor');
  const [node, otherNode] = [randomUUID(), randomUUID()];
  const seen = open.vaultContext.now().toISOString();
  const shown = { hostname: 'host', version: '1', started_at: seen, last_seen_at: seen };
  const rows = [
    { ...shown, id: node },
    { ...shown, id: otherNode },
  ];
  await open.store.db.insertInto('nodes').values(rows).execute();
  const replaced = randomUUID();
  const before = { id: replaced, token: 'token', serials: '[]', replaced_at: seen };
  await open.store.db.insertInto('replaced_tokens').values(before).execute();
  const idOf = async (username: string) =>
    (
      await open.store.db
        .selectFrom('users')
        .select('id')
        .where('username', '=', username)
        .executeTakeFirstOrThrow()
    ).id;
  t.context = {
    ...{ open, gate, boss, blue, providerInput },
    others: { applianceUser: await idOf('second'), sparePerson: await idOf('spare'), node, replaced },
    hash: await hashPassword(password, 'test', passwordCost),
    dispose: async () => {
      await management.close();
      await open.dispose();
    },
  };
  // So that there is a finding that can be acknowledged.
  const keySet = { name: 'kept', adminGroupId: blue.ids.group, token: 'token', pathPrefix: 'kept' };
  const { id: kept } = (await made(blue.admin, `/vaults/${blue.id}/key-sets`, keySet)) as { id: string };
  await blue.admin.request('POST', `/vaults/${blue.id}/key-sets/${kept}/freeze`, { ifMatch: '*' });
  // So that it can be taken away.
  for (const [client, root] of [
    [boss, ''],
    [blue.admin, `/vaults/${blue.id}`],
  ] as const) {
    const { status, text } = await client.request('PUT', `${root}/oidc-provider`, {
      body: providerInput,
      ifMatch: '*',
    });
    if (status !== 200) throw new Error(text);
  }
});
test.after.always(async (t) => t.context.dispose());

interface Victim {
  id: string;
  sessionId: string;
  otherSessionId: string;
  apiKeyId: string;
  client: AdminClient;
  /** As which the trail knows them. */
  actorId: string;
}

type Dismissal = (stage: Stage, victim: Victim) => Promise<AdminAnswer>;

const usersOf = (route: Route, { blue }: Stage) =>
  isOfAppliance(route)
    ? { path: '/users', as: 'boss' as const }
    : { path: `/vaults/${blue.id}/users`, as: 'admin' as const };

interface Way {
  by: 'session' | 'api-key';
  role: Role;
  do: Dismissal;
  /** For whoever comes next. */
  undo?: (stage: Stage) => Promise<AdminAnswer>;
}

/** Gives what the path or body of the route names to an admin group; undefined where that belongs to none. */
function givingTo(route: Route) {
  const ofAccount = route.path.includes('{cspAccountId}');
  const inBody = route.body instanceof z.ZodObject && 'keySetId' in route.body.shape;
  if (!ofAccount && !inBody && !/\{(?:keySetId|cloudKeyId)\}/.test(route.path)) return undefined;
  return async ({ blue }: Stage, adminGroupId: string): Promise<AdminAnswer> => {
    const at = ofAccount ? `csp-accounts/${blue.ids.cspAccount}` : `key-sets/${blue.ids.keySet}`;
    return blue.admin.request('PATCH', `/vaults/${blue.id}/${at}`, { body: { adminGroupId }, ifMatch: '*' });
  };
}

function dismissals(route: Route): Record<string, Way> {
  const { access } = route;
  const ofAppliance = isOfAppliance(route);
  const role = ofAppliance ? 'appliance-admin' : 'vault-admin';
  const onUser =
    (method: string, body?: unknown): Dismissal =>
    async (stage, { id }) => {
      const { path: users, as } = usersOf(route, stage);
      const client = as === 'boss' ? stage.boss : stage.blue.admin;
      return client.request(method, `${users}/${id}`, { body, ifMatch: '*' });
    };
  const sessionsOnly = access.kind === 'own' && access.sessionsOnly === true;
  const ofGroup =
    access.kind === 'permission' &&
    access.vault !== undefined &&
    permissionsOf['cloud-admin'].includes(access.vault);
  const give = givingTo(route);
  const demoted = ofAppliance ? 'appliance-auditor' : 'auditor';
  return {
    disabled: { by: 'session', role, do: onUser('PATCH', { state: 'DISABLED' }) },
    deleted: { by: 'session', role, do: onUser('DELETE') },
    demoted: { by: 'session', role, do: onUser('PATCH', { role: demoted }) },
    'signed out elsewhere': {
      by: 'session',
      role,
      do: async (_, { client, sessionId }) => client.request('DELETE', `/user/sessions/${sessionId}`),
    },
    ...(sessionsOnly
      ? {}
      : {
          'an API key, revoked': {
            by: 'api-key' as const,
            role,
            do: async (_: Stage, { apiKeyId, client }: Victim) =>
              client.request('DELETE', `/user/api-keys/${apiKeyId}`),
          },
          'an API key, its owner disabled': {
            by: 'api-key' as const,
            role,
            do: onUser('PATCH', { state: 'DISABLED' }),
          },
        }),
    ...(ofGroup
      ? {
          'out of the group': {
            by: 'session' as const,
            role: 'cloud-admin' as const,
            do: async ({ blue }: Stage, { id }: Victim) =>
              blue.admin.request(
                'DELETE',
                `/vaults/${blue.id}/admin-groups/${blue.ids.group}/members/${id}`,
                { ifMatch: '*' },
              ),
          },
          ...(give === undefined
            ? {}
            : {
                'what it is about given to another group': {
                  by: 'session' as const,
                  role: 'cloud-admin' as const,
                  do: async (stage: Stage) => give(stage, stage.blue.ids.otherGroup),
                  undo: async (stage: Stage) => give(stage, stage.blue.ids.group),
                },
              }),
        }
      : {}),
  };
}

// Before the acts that take things away: at their last turn they are let do it.
test.serial('of any number of rotations by who has seen one version of a CloudKey one is made', async (t) => {
  const { blue, gate, open } = t.context;
  const at = `/vaults/${blue.id}/cloud-keys`;
  const { body } = await blue.admin.post(at, { keySetId: blue.ids.keySet, name: 'turned', kmsKey: false });
  const { id } = body as { id: string };
  const { etag = '' } = await blue.admin.get(`${at}/${id}`);
  const rotate = async (client: AdminClient) =>
    client.request('POST', `${at}/${id}/rotate`, { ifMatch: etag });
  // The first has its key object, and has not put it into use.
  const first = await newVictim(t.context, 'vault-admin', 'session');
  const held = gate.hold(first.actorId, 2);
  const rotating = rotate(first.client);
  await Promise.race([held.reached, rotating]);
  const others = await Promise.all(Array.from({ length: 19 }, async () => rotate(blue.admin)));
  held.goOn();
  const answers = [await rotating, ...others];
  t.deepEqual(
    answers.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, ...Array<number>(19).fill(412)],
  );
  const versions = await open.store.db
    .selectFrom('key_versions')
    .select('state')
    .where('cloud_key_id', '=', id)
    .execute();
  t.is(versions.length, 2);
});

test.serial('a CloudKey that was made is answered as made, whoever has its key set by then', async (t) => {
  const { blue, gate } = t.context;
  const { client, actorId } = await newVictim(t.context, 'cloud-admin', 'session');
  const give = async (adminGroupId: string) => {
    const at = `/vaults/${blue.id}/key-sets/${blue.ids.keySet}`;
    return blue.admin.request('PATCH', at, { body: { adminGroupId }, ifMatch: '*' });
  };
  const held = gate.hold(actorId, 2, 'after');
  const making = client.post(`/vaults/${blue.id}/cloud-keys`, {
    keySetId: blue.ids.keySet,
    name: 'made-before',
    kmsKey: false,
  });
  await held.reached;
  t.is((await give(blue.ids.otherGroup)).status, 200);
  held.goOn();
  const { status, text } = await making;
  t.is((await give(blue.ids.group)).status, 200);
  t.is(status, 201, text);
});

test.serial('an HSM that a node uses is not put on record as erased', async (t) => {
  const { open, boss } = t.context;
  const id = randomUUID();
  const serials = JSON.stringify([open.tokens.pool('token').serialOf('token')]);
  const row = { id, kind: 'member' as const, token: 'token', serials, replaced_at: new Date().toISOString() };
  await open.store.db.insertInto('replaced_tokens').values(row).execute();
  const refused = await boss.post(`/tokens/token/replaced/${id}/record-erased`);
  t.is(refused.status, 409, refused.text);
  t.regex(refused.text, /is in use for token token/);
  const { body } = await boss.get('/tokens/token');
  t.like((body as { replaced: object[] }).replaced.at(-1), { id, kind: 'member', erasedAt: null });
});

test.serial('what was refused is on record with what was reached for, of whichever kind', async (t) => {
  const { blue, open } = t.context;
  const { client, actorId } = await newVictim(t.context, 'cloud-admin', 'session');
  const root = `/vaults/${blue.id}`;
  const { id: foreign } = await made(blue.admin, `${root}/key-sets`, {
    name: 'foreign',
    adminGroupId: blue.ids.otherGroup,
    token: 'token',
    pathPrefix: 'foreign',
  });
  t.is((await client.get(`${root}/key-sets/${String(foreign)}`)).status, 404);
  t.is((await client.get(`${root}/key-sets/${randomUUID()}`)).status, 404, 'nothing is there: no reach');
  t.is((await client.get(`${root}/users/${blue.ids.auditorUser}`)).status, 403);
  t.is((await client.get(`/vaults/${randomUUID()}/key-sets`)).status, 404);
  const rows = async (id: string) =>
    (
      await open.store.db
        .selectFrom('audit_events')
        .select(['target_kind', 'target_id', 'after'])
        .where('action', '=', 'request.refuse')
        .where('actor_id', '=', id)
        .orderBy('sequence')
        .execute()
    ).map(({ target_kind, target_id, after }) => [
      target_kind,
      target_id,
      (JSON.parse(after ?? '{}') as { problem?: string }).problem,
    ]);
  const [first, second, third, ...rest] = await rows(actorId);
  t.deepEqual(first, ['key-set', foreign, 'not-found']);
  t.deepEqual(second, ['user', blue.ids.auditorUser, 'forbidden']);
  t.is(third?.[0], 'vault');
  t.deepEqual(rest, []);
  const cookie = await open.store.write(byHand, async (trx) => {
    const user = await trx
      .selectFrom('users')
      .selectAll()
      .where('id', '=', actorId)
      .executeTakeFirstOrThrow();
    const from = { method: 'password', cookie: true, address: '127.0.0.1', userAgent: 'test' } as const;
    return openSession(
      trx,
      { context: open.vaultContext, limits: { idleMinutes: 15, maxMinutes: 60 } },
      open.act(),
      user,
      from,
    );
  });
  const forged = await client.as(undefined).request('DELETE', `${root}/key-sets/${blue.ids.keySet}`, {
    ifMatch: '*',
    headers: { Cookie: `${sessionCookie}=${cookie.token.reveal()}` },
  });
  t.is(forged.status, 403, forged.text);
  t.deepEqual((await rows(actorId)).at(-1), ['key-set', blue.ids.keySet, 'csrf-token-required']);
});

test.serial(
  'no body is nested deeper than is allowed, in whichever field and whatever its schema',
  async (t) => {
    const { blue } = t.context;
    const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    const at = `/vaults/${blue.id}/cloud-keys/${blue.ids.cloudKey}/kms-keys/${blue.ids.kmsKey}`;
    const change = async (policy: string) =>
      blue.admin.request('PATCH', at, {
        raw: `{"policy":${policy}}`,
        headers: { 'Content-Type': 'application/json' },
        ifMatch: '*',
      });
    for (const levels of [33, 1_000, 5_000, 10_000]) {
      const answer = await change(nested(levels));
      t.is(answer.status, 422, `${levels}: ${answer.text}`);
      t.regex(answer.text, /more than 32 levels/);
    }
    const list = await change(`${'['.repeat(30_000)}${']'.repeat(30_000)}`);
    t.is(list.status, 422);
    // What is within the bound is looked at for what it says.
    t.notRegex((await change(nested(20))).text, /levels/);
  },
);

test.serial(
  'a field called __proto__ is refused wherever it is, and never left out without a word',
  async (t) => {
    const { blue } = t.context;
    const at = `/vaults/${blue.id}/cloud-keys/${blue.ids.cloudKey}`;
    const patch = async (path: string, raw: string) =>
      blue.admin.request('PATCH', path, {
        raw,
        headers: { 'Content-Type': 'application/json' },
        ifMatch: '*',
      });
    for (const [path, raw] of [
      [at, '{"__proto__":{"description":"x"}}'],
      [at, '{"description":"x","__proto__":null}'],
      [`${at}/kms-keys/${blue.ids.kmsKey}`, '{"tags":{"__proto__":"x"}}'],
      [`${at}/kms-keys/${blue.ids.kmsKey}`, '{"policy":{"Statement":[{"Condition":{"__proto__":{}}}]}}'],
    ] as const) {
      const answer = await patch(path, raw);
      t.is(answer.status, 422, raw);
      t.regex(answer.text, /__proto__/);
    }
    const { status, text } = await blue.admin.get(`/vaults/${blue.id}/cloud-keys?__proto__=1`);
    t.is(status, 422, text);
    // Nor is one taken that stands there twice: who reads the first has read another request.
    for (const raw of [
      '{"description":"x","description":"y"}',
      '{"description":"x","\\u0064escription":"y"}',
    ]) {
      const answer = await patch(at, raw);
      t.is(answer.status, 400, raw);
      t.regex(answer.text, /the body has a field twice/);
    }
    t.notRegex((await blue.admin.get(at)).text, /"description":"[xy]"/);
  },
);

for (const route of allRoutes.filter(({ method }) => method === 'PATCH'))
  test.serial(`${route.operation}: a change of nothing is the record as it was`, async (t) => {
    const victim = await newVictim(
      t.context,
      isOfAppliance(route) ? 'appliance-admin' : 'vault-admin',
      'session',
    );
    const before = await lookAt(t.context);
    const answer = await ask(t.context, { ...route, operation: 'nothing' }, victim, {});
    t.is(answer.status, 200, answer.text);
    const after = await lookAt(t.context);
    t.deepEqual(after, before);
  });

for (const route of allRoutes) {
  if (route.method === 'GET' || route.access.kind === 'public') continue;
  test.serial(`${route.operation}: nothing commits once its caller was dismissed`, async (t) => {
    // How many transactions it has shows with the first way to be dismissed.
    let transactions: number | undefined;
    for (const [how, { by, role, do: dismiss, undo }] of Object.entries(dismissals(route)))
      for (let n = 1; n <= (transactions ?? Infinity); n++) {
        const victim = await newVictim(t.context, role, by);
        if (needsSecondFactor.has(route.operation)) await giveRecoveryCode(t.context, victim);
        try {
          if (!(await play(t, route, { how, n, victim, dismiss }))) transactions = n - 1;
        } finally {
          await undo?.(t.context);
        }
      }
    const why = notReached[route.operation];
    t.is(transactions !== 0, why === undefined, why ?? 'no transaction was reached: give it a right body');
    const { db } = t.context.open.store;
    t.deepEqual(
      await db.selectFrom('key_versions').select('state').where('state', '=', 'PENDING').execute(),
      [],
    );
    t.deepEqual(await db.selectFrom('cloud_keys').select('id').where('state', '=', 'CREATING').execute(), []);
  });
}

/** False where the act has no nth transaction. */
async function play(
  t: ExecutionContext<Stage>,
  route: Route,
  { how, n, victim, dismiss }: { how: string; n: number; victim: Victim; dismiss: Dismissal },
): Promise<boolean> {
  const { gate } = t.context;
  const held = gate.hold(victim.actorId, n);
  const asking = ask(t.context, route, victim);
  const was = await Promise.race([held.reached.then(() => 'held' as const), asking]);
  if (was !== 'held') {
    held.goOn();
    await asking;
    return false;
  }
  const dismissed = await dismissBy(t.context, victim, dismiss);
  t.true(dismissed.status < 300, `${how}: ${dismissed.status} ${dismissed.text}`);
  const before = await lookAt(t.context);
  held.goOn();
  const answer = await asking;
  const at = `${how}, at transaction ${n}: ${answer.status} ${answer.text.slice(0, 300)}`;
  t.true([401, 403, 404].includes(answer.status), at);
  const after = await lookAt(t.context);
  t.deepEqual(await doneSince(t.context, before.last, victim.actorId), [], at);
  // What a begun act takes back is all that may change later on.
  if (n === 1) t.deepEqual(after.rows, before.rows, at);
  return true;
}

/** The dismissal itself goes by another session of theirs where it is theirs to do. */
async function dismissBy(stage: Stage, victim: Victim, dismiss: Dismissal): Promise<AdminAnswer> {
  const other = await sessionOf(stage, victim.id);
  return dismiss(stage, { ...victim, client: other.client });
}

/** Of the finding that there is, as the caller of the act is to have seen it. */
async function fingerprint({ boss, blue }: Stage, route: Route): Promise<string> {
  const { body } = await (isOfAppliance(route)
    ? boss.get('/status')
    : blue.admin.get(`/vaults/${blue.id}/status`));
  const { findings } = body as { findings: { trouble: string; fingerprint: string | null }[] };
  return findings.find(({ trouble }) => trouble === 'KEY_SET_FROZEN')?.fingerprint ?? 'there is none';
}

async function ask(stage: Stage, route: Route, victim: Victim, told?: object): Promise<AdminAnswer> {
  const { blue, others, providerInput } = stage;
  const ofAppliance = isOfAppliance(route);
  const fresh = `x${randomUUID().slice(0, 8)}`;
  const values: Record<string, string> = {
    vaultId: blue.id,
    userId: ofAppliance ? others.applianceUser : others.sparePerson,
    groupId: blue.ids.otherGroup,
    cspAccountId: blue.ids.cspAccount,
    keySetId: blue.ids.keySet,
    externalKeyStoreId: blue.ids.externalKeyStore,
    accessKeyId: blue.ids.credential,
    cloudKeyId: blue.ids.cloudKey,
    kmsKeyId: blue.ids.kmsKey,
    token: 'token',
    replacedId: others.replaced,
    nodeId: others.node,
    sessionId: victim.otherSessionId,
    apiKeyId: victim.apiKeyId,
  };
  const body =
    told ??
    fullBody(route.operation, {
      fresh,
      soon: new Date(Date.now() + 86_400_000).toISOString(),
      password: password.reveal(),
      recoveryCode,
      permission: ofAppliance ? 'appliance.read' : 'vault.read',
      administrator: 'blue-admin',
      group: blue.ids.group,
      keySet: blue.ids.keySet,
      provider: providerInput,
      ...(route.path.includes('/status/') ? { fingerprint: await fingerprint(stage, route) } : {}),
    });
  const query = { deleteVault: `?confirm=${blue.name}`, deleteKmsKey: '?aws=keep' }[route.operation] ?? '';
  const at = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '') + query;
  return victim.client.request(route.method, at, {
    ...(body === undefined ? {} : { body }),
    ...(route.changes === true ? { ifMatch: '*' } : {}),
  });
}

async function newVictim(stage: Stage, role: Role, by: 'session' | 'api-key'): Promise<Victim> {
  const { open, blue, hash } = stage;
  const user = await open.store.write(byHand, async (trx) =>
    insertUser(trx, open.act(), {
      ...newUser(open.vaultContext, role.startsWith('appliance') ? '' : blue.id, {
        username: `v-${randomUUID()}`,
        email: 'victim@example.com',
        role,
      }),
      ...{ password_hash: hash, must_change_password: 0 },
    }),
  );
  if (role === 'cloud-admin')
    await open.store.db
      .insertInto('admin_group_members')
      .values({ group_id: blue.ids.group, user_id: user.id, created_at: new Date().toISOString() })
      .execute();
  const [session, other] = [await sessionOf(stage, user.id), await sessionOf(stage, user.id)];
  const { body, text } = await session.client.post('/user/api-keys', {
    name: 'key',
    scope: permissionsOf[role],
    expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
  });
  const key = body as { id: string; secret?: string };
  if (key.secret === undefined) throw new Error(text);
  return {
    id: user.id,
    sessionId: session.id,
    otherSessionId: other.id,
    apiKeyId: key.id,
    ...(by === 'session'
      ? { client: session.client, actorId: user.id }
      : { client: session.client.as(key.secret), actorId: key.id }),
  };
}

const needsSecondFactor: ReadonlySet<string> = new Set(['removeTotp', 'newRecoveryCodes']);
const recoveryCode = 'A'.repeat(20);

/** A second factor whose app is lost. */
async function giveRecoveryCode({ open: { store } }: Stage, { id }: Victim): Promise<void> {
  const hash = createHash('sha256').update(recoveryCode).digest();
  await store.db.updateTable('users').set({ totp_state: 'ON' }).where('id', '=', id).execute();
  await store.db.insertInto('recovery_codes').values({ user_id: id, hash, used_at: null }).execute();
}

async function sessionOf({ open, boss }: Stage, userId: string) {
  const { session, token } = await open.store.write(byHand, async (trx) => {
    const user = await trx.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirstOrThrow();
    const from = { method: 'password', cookie: false, address: '127.0.0.1', userAgent: 'test' } as const;
    // Of those who have a second factor the code is given already.
    const proven = { ...user, totp_state: 'NONE' } as const;
    return openSession(
      trx,
      { context: open.vaultContext, limits: { idleMinutes: 15, maxMinutes: 60 } },
      open.act(),
      proven,
      from,
    );
  });
  return { id: session.id, client: boss.as(token.reveal()) };
}

/** Every row of what acts change, a text for each table, and the last audit event of something done. */
async function lookAt({ open: { store } }: Stage) {
  const { last } = await store.db
    .selectFrom('audit_events')
    .select(({ fn }) => fn.max('sequence').as('last'))
    .where('outcome', '=', 'done')
    .executeTakeFirstOrThrow();
  tables ??= (await store.db.introspection.getTables())
    .map(({ name }) => name)
    .filter((name) => !kept.has(name));
  const rows: Record<string, string> = {};
  for (const name of tables)
    rows[name] = JSON.stringify((await sql`SELECT * FROM ${sql.table(name)}`.execute(store.db)).rows);
  return { last, rows };
}
let tables: string[] | undefined;

/** What was done after `last`, by `actorId` alone where one is named. */
async function doneSince({ open: { store } }: Stage, last: number, actorId?: string) {
  return store.db
    .selectFrom('audit_events')
    .select(['action', 'actor_id', 'target_name'])
    .where('outcome', '=', 'done')
    .where('sequence', '>', last)
    .$if(actorId !== undefined, (query) => query.where('actor_id', '=', actorId ?? ''))
    .execute();
}

/** What is written of every request, and of refused ones. */
const kept = new Set([
  'audit_events',
  'audit_count',
  'sessions',
  'api_keys',
  'leases',
  'snapshot_holders',
  'revision',
  'served_changes',
  'uses',
  'nodes',
]);

function isOfAppliance(route: Route): boolean {
  return route.access.kind === 'permission' && route.access.appliance !== undefined;
}
