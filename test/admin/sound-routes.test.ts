import { randomUUID } from 'node:crypto';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { sql } from 'kysely';
import { allRoutes } from '../../src/admin/routes.ts';
import type { Route } from '../../src/admin/route.ts';
import { toProblem } from '../../src/admin/problem.ts';
import { AwsError } from '../../src/cloud/aws/aws-error.ts';
import type { Tables } from '../../src/store/schema.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { TokenError } from '../../src/token/faults.ts';
import type { AdminAnswer } from '../support/admin-answer.ts';
import { readScrape } from '../../testing/exposition.ts';
import { caseOf, type OnRecord, type World } from './act-cases.ts';
import {
  ask,
  elsewhere,
  kindOf,
  openWorld,
  signInByAllSteps,
  type ActingWorld,
  type Case,
} from './acting-world.ts';

/*
 * Every route that changes something, by being in the table of routes: what it does is on record in the request of it, what
 * it refuses is not done; who has not seen the record as it is changes nothing, whenever it was changed; and what is asked
 * for twice with one Idempotency-Key is made once.
 */

/** Acts on what has no row version, and why. Every other that makes nothing needs If-Match. */
const withoutRowVersion: Readonly<Record<string, string>> = {
  signIn: 'begins a session',
  signInToVault: 'begins a session',
  finishOidcSignIn: 'begins a session',
  giveSecondFactor: 'completes a session of one’s own',
  signOut: 'a session is there or has ended',
  endSession: 'a session is there or has ended',
  changePassword: 'one’s own, proven by the current one',
  enrolTotp: 'one’s own, proven by the password; an enrolment has an id of its own',
  confirmTotp: 'of one enrolment',
  removeTotp: 'one’s own, proven by the password and a code',
  newRecoveryCodes: 'one’s own, proven by the password and a code',
  revokeApiKey: 'an API key lives or is revoked, for good',
  revokeUserApiKey: 'an API key lives or is revoked, for good',
  revokeApplianceUserApiKey: 'an API key lives or is revoked, for good',
  endUserSession: 'a session is there or has ended',
  endApplianceUserSession: 'a session is there or has ended',
  resetVaultAdministrator:
    'of whoever is the vault administrator now; the appliance does not see vault users',
  verifyToken: 'a look',
  verifyVaultToken: 'a look',
  previewCloudKey: 'a look at what is not made',
  recordErasedToken: 'it is on record or is not; safe to repeat',
  drainNode: 'a node is drained or is not; safe to repeat',
  undrainNode: 'a node is drained or is not; safe to repeat',
  removeNode: 'a node is there or is not; one that is up stays',
  applyLostChanges: 'a lost change is decided on or is not; safe to repeat',
  leaveLostChanges: 'a lost change is decided on or is not; safe to repeat',
  testMail: 'a mail',
  ...Object.fromEntries(
    [
      'acknowledgeFinding',
      'withdrawAcknowledgement',
      'acknowledgeVaultFinding',
      'withdrawVaultAcknowledgement',
    ].map((one) => [one, 'of a finding as it was seen, which its fingerprint tells']),
  ),
  putDoctorReport: 'what was seen last takes the place of what was seen before',
  addAdminGroupMember: 'somebody is a member or is none; safe to repeat',
  removeAdminGroupMember: 'somebody is a member or is none; safe to repeat',
  freezeAllVaults: 'all that there are: nothing may stand in its way',
  freezeKeySets: 'several at once: nothing may stand in its way',
  thawKeySets: 'several at once',
  findCloudKeys: 'a look',
  refreshExternalKeyStore: 'a look at AWS',
  refreshKmsKey: 'a look at AWS',
};

/** What is not about one thing: it is made, or it is all of them. */
const targetless: ReadonlySet<string> = new Set([
  'createVault',
  'createApplianceUser',
  'freezeAllVaults',
  'findCloudKeys',
  'acknowledgeFinding',
  'withdrawAcknowledgement',
  'applyLostChanges',
  'leaveLostChanges',
  'createApplianceAuditPruning',
  'createReconciliation',
]);

/** What is done by one caller at a time, and refuses the next by itself. */
const oneAtATime: ReadonlySet<string> = new Set(['createReconciliation', 'createVaultReconciliation']);

/** What changes nothing here, and why: there is nothing to be on record. */
const changesNothing: Readonly<Record<string, string>> = {
  acceptKmsKey: 'AWS has all as we have it',
  previewCloudKey: 'what it shows is not made',
  refreshKmsKey: 'AWS is looked at, and has nothing new',
  refreshExternalKeyStore: 'AWS is looked at, and has nothing new',
};

const test = anyTest as TestFn<ActingWorld>;

test.before(async (t) => void (t.context = await openWorld()));
test.after.always(async (t) => t.context.close());

type Row = NonNullable<OnRecord['row']>;

const db = ({ stage }: World) => stage.vaultContext.store.db;

async function eventsOf(world: World, { headers }: AdminAnswer, outcome: 'done' | 'refused') {
  return db(world)
    .selectFrom('audit_events')
    .select(['action', 'target_kind', 'target_id', 'target_name', 'after'])
    .where('request_id', '=', String(headers['x-request-id']))
    .where('outcome', '=', outcome)
    .execute();
}

/** What AWS, or our own work there, may change of itself while a test looks. */
const moving: ReadonlySet<string> = new Set<keyof Tables>([
  'audit_events',
  'audit_count',
  'sessions',
  'api_keys',
  'leases',
  'revision',
  'served_changes',
  'uses',
  'nodes',
  'kms_keys',
  'external_key_stores',
  'csp_accounts',
  'csp_access_keys',
  'xks_credentials',
  'key_versions',
]);

/** Every row that nobody but an act changes, and the record itself. */
async function look(world: World, row?: Row): Promise<unknown> {
  const found: Record<string, unknown> = {};
  for (const { name } of await db(world).introspection.getTables())
    if (!moving.has(name))
      found[name] = (await sql`SELECT * FROM ${sql.table(name)}`.execute(db(world))).rows;
  if (row !== undefined)
    found['record'] = (
      await sql`SELECT * FROM ${sql.table(row.table)} WHERE ${sql.ref(row.key)} = ${row.id}`.execute(
        db(world),
      )
    ).rows;
  return found;
}

async function versionOf(world: World, { table, key, id }: Row): Promise<number> {
  const { rows } = await sql<{ row_version: number }>`SELECT row_version FROM ${sql.table(table)}
    WHERE ${sql.ref(key)} = ${id}`.execute(db(world));
  return rows[0]?.row_version ?? 0;
}

/** Somebody else changes it, or it is given a version that no other record has. */
async function raise(world: World, { table, key, id }: Row, by: number): Promise<void> {
  await sql`UPDATE ${sql.table(table)} SET row_version = row_version + ${by} WHERE ${sql.ref(key)} = ${id}`.execute(
    db(world),
  );
}

async function actOnceSeen(t: ExecutionContext<ActingWorld>, route: Route, on: Case): Promise<AdminAnswer> {
  const { row } = on;
  if (row === undefined) {
    t.fail('the case of a route with If-Match names the record that the ETag is of');
    return ask(route, on);
  }
  const { management, actorIds } = t.context;
  await raise(t.context, row, 500);
  const seen = await versionOf(t.context, row);
  const before = await look(t.context, row);
  const stale = await ask(route, on, { ifMatch: `"${seen - 1}"` });
  t.is(stale.status, 412, `seen long ago: ${stale.text}`);
  t.deepEqual(await look(t.context, row), before);
  t.deepEqual(await eventsOf(t.context, stale, 'done'), []);

  const held = management.gate.hold(actorIds.get(on.client) ?? '', 1);
  const asking = ask(route, on, { ifMatch: `"${seen}"` });
  const was = await Promise.race([held.reached.then(() => 'held' as const), asking]);
  await raise(t.context, row, 1);
  const changed = await look(t.context, row);
  held.goOn();
  const late = await asking;
  t.is(was, 'held', `no transaction was reached: ${late.status} ${late.text}`);
  t.is(late.status, 412, `changed meanwhile: ${late.text}`);
  t.deepEqual(await look(t.context, row), changed);
  t.deepEqual(await eventsOf(t.context, late, 'done'), []);
  return ask(route, on, { ifMatch: `"${seen + 1}"` });
}

test('every act needs the row version of its record, makes one, or is named with why there is none', (t) => {
  const without = allRoutes.filter(
    ({ method, changes, creates }) => method !== 'GET' && changes !== true && creates === undefined,
  );
  t.deepEqual(
    without.map(({ operation }) => operation).toSorted(),
    Object.keys(withoutRowVersion).toSorted(),
  );
});

for (const route of allRoutes) {
  if (route.method !== 'GET' || route.operation.includes('OidcSignIn') || route.operation === 'oidcCallback')
    continue;
  test.serial(`${route.operation}: what is there is answered as it is described`, async (t) => {
    const on = await caseOf(t.context, route);
    const query = route.operation.endsWith('Candidates') || route.operation === 'listUnlinkedKmsKeys';
    const answer = await ask(route, { ...on, ...(query ? { query: '?region=eu-central-1' } : {}) });
    t.is(answer.status, 200, answer.text);
    await on.undo?.();
  });
}

test.serial('a node on which nobody has built the console says so, and what does the same', async (t) => {
  const { boss, stage } = t.context;
  const anybody = boss.as(undefined);
  const words =
    /The console is not on this node: it is not built\. .*: make set-up\n\n.*https:\/\/\S+\/api\/v1\/\S+\n$/;
  for (const page of ['//console/', '//console/vaults/1/cloud-keys', '//console/assets/index.js']) {
    const { status, text } = await anybody.get(page);
    t.is(status, 404, page);
    t.regex(text, words);
  }
  const address = `//sign-in/${stage.vaultId}`;
  const visited = await anybody.request('GET', address, { headers: { Accept: 'text/html' } });
  t.is(visited.status, 200);
  t.regex(
    visited.text,
    /^Sign in from a terminal:\n\n {2}holdfast login --vault https:\/\/\S+\n\nThe console is not/,
  );
  t.regex(visited.text, words);
  anybody.close();
});

const why = 'INC-4711: laptop lost';

function reasonOf({ after }: { after: string | null }): unknown {
  return (JSON.parse(after ?? '{}') as { reason?: unknown }).reason;
}

test('whatever takes away or deletes takes a reason, but what is one’s own and a change of fields', (t) => {
  const without = allRoutes.filter(
    ({ access, method, takesAway, takesReason }) =>
      takesReason !== true &&
      access.kind === 'permission' &&
      (method === 'DELETE' || (takesAway === true && method !== 'PATCH')),
  );
  t.deepEqual(
    without.map(({ operation }) => operation),
    [],
  );
  const ways = new Set([
    'enableCloudKey',
    'cancelCloudKeyDeletion',
    'thawKeySet',
    'thawKeySets',
    'thawVault',
  ]);
  for (const route of allRoutes.filter(({ operation }) => ways.has(operation)))
    t.true(route.takesReason, route.operation);
});

test.serial('a reason is readable text of 300 characters at the most, and is never needed', async (t) => {
  const route = allRoutes.find(({ operation }) => operation === 'freezeKeySet');
  if (route === undefined) return t.fail();
  const on = await caseOf(t.context, route);
  for (const reason of ['x'.repeat(301), 'INC\u001b[2J', 'INC\u202e4711', 4711]) {
    const refused = await ask(route, { ...on, body: { reason } });
    t.is(refused.status, 422, refused.text);
    t.like(refused.body, { fields: [{ where: '/reason' }] });
  }
  const blank = await ask(route, { ...on, body: { reason: ' \n ' } });
  t.is(blank.status, 200, blank.text);
  t.deepEqual((await eventsOf(t.context, blank, 'done')).map(reasonOf), [undefined]);
  const { body: _, ...silent } = on;
  t.is((await ask(route, silent)).status, 200);
});

for (const route of allRoutes) {
  if (route.method === 'GET' || route.operation in elsewhere) continue;
  const { operation } = route;

  test.serial(`${operation}: what it does is on record, for who has seen the record as it is`, async (t) => {
    t.timeout(120_000);
    const found = await caseOf(t.context, route);
    const told = route.takesReason === true ? { body: { ...(found.body as object), reason: why } } : {};
    const on = { ...found, ...told };
    const answer = route.changes === true ? await actOnceSeen(t, route, on) : await ask(route, on);
    t.true(answer.status < 300, `${answer.status} ${answer.text}`);
    const events = await eventsOf(t.context, answer, 'done');
    t.is(events.length > 0, !(operation in changesNothing), 'what is on record');
    if (route.takesReason === true) for (const event of events) t.is(reasonOf(event), why);
    await on.undo?.();
  });

  const { access } = route;
  if (access.kind === 'permission')
    test.serial(
      `${operation}: who may not do it has done nothing, and what they reached for is named`,
      async (t) => {
        const on = await caseOf(t.context, route, { inItsState: false });
        const client = await t.context.watcher(access.appliance !== undefined);
        const before = await look(t.context, on.row);
        const refused = await ask(route, { ...on, client });
        t.is(refused.status, 403, refused.text);
        t.deepEqual(await look(t.context, on.row), before);
        t.deepEqual(await eventsOf(t.context, refused, 'done'), []);
        const [event, ...more] = await eventsOf(t.context, refused, 'refused');
        t.deepEqual(more, []);
        t.is(event?.action, 'request.refuse');
        t.is(event?.target_kind === 'operation', targetless.has(operation), 'the true target');
        const named = Object.entries(on.params).at(-1)?.[1];
        if (route.path.includes('{')) t.is(event?.target_id, on.row?.id ?? named);
        await on.undo?.();
      },
    );

  if (route.creates !== undefined)
    test.serial(`${operation}: one Idempotency-Key makes one record`, async (t) => {
      const { management, actorIds } = t.context;
      const on = await caseOf(t.context, route);
      const key = { idempotencyKey: `key-of-${operation}` };
      // Two at once: the first is held at its transaction until the second has done it.
      const held = oneAtATime.has(operation)
        ? undefined
        : management.gate.hold(actorIds.get(on.client) ?? '', 1);
      const asking = held === undefined ? undefined : ask(route, on, key);
      await Promise.race([held?.reached, asking]);
      const made = await ask(route, on, key);
      t.is(made.status, 201, made.text);
      const before = await look(t.context);
      held?.goOn();
      const other = await asking;
      t.is(other?.status ?? 409, 409, other?.text);
      const again = await ask(route, on, key);
      t.is(again.status, 201, again.text);
      t.is(again.headers['idempotency-replayed'], 'true');
      t.is(again.headers.location, made.headers.location);
      t.deepEqual(await look(t.context), before);
      for (const answer of [...(other === undefined ? [] : [other]), again])
        t.deepEqual(await eventsOf(t.context, answer, 'done'), []);
      await on.undo?.();
    });
}

const provider = (world: World, ofVault: boolean) =>
  `${ofVault ? `/vaults/${world.stage.vaultId}` : ''}/oidc-provider`;

test.serial('what is not set up is not found, and cannot be deleted', async (t) => {
  const { boss, admin } = t.context;
  const paths = [
    [boss, '/mail'],
    [boss, provider(t.context, false)],
    [admin, provider(t.context, true)],
  ] as const;
  for (const [client, path] of paths) {
    await client.request('DELETE', path, { ifMatch: '*' });
    t.is(kindOf(await client.get(path)), 'not-found', path);
    t.is(kindOf(await client.request('DELETE', path, { ifMatch: '*' })), 'not-found', path);
  }
  const challenge = 'a'.repeat(43);
  const start = `/oidc/start?returnTo=${encodeURIComponent('http://127.0.0.1:1/')}&challenge=${challenge}`;
  t.is(kindOf(await boss.as(undefined).get(start)), 'not-found');
});

test.serial('a node that was never there is not found, and no act is done to it', async (t) => {
  const { boss } = t.context;
  const node = `/nodes/${randomUUID()}`;
  t.is(kindOf(await boss.get(node)), 'not-found');
  t.is(kindOf(await boss.request('POST', `${node}/drain`)), 'not-found');
  t.is(kindOf(await boss.request('POST', `${node}/undrain`)), 'not-found');
  t.is(kindOf(await boss.request('DELETE', node)), 'not-found');
});

test.serial(
  'what the store may have lost stops acts, and a lost change that is none is not found',
  async (t) => {
    const { boss } = t.context;
    const none = { lostChanges: ['0'.repeat(24)] };
    t.is(kindOf(await boss.post('/lost-changes/apply', none)), 'not-found');
    t.is(kindOf(await boss.post('/lost-changes/leave', none)), 'not-found');
    const [decide, rename] = ['leaveLostChanges', 'updateVault'].map((one) =>
      allRoutes.find(({ operation }) => operation === one),
    ) as [Route, Route];
    const renamed = await caseOf(t.context, rename);
    const lost = await caseOf(t.context, decide);
    const before = await look(t.context, renamed.row);
    t.is(kindOf(await ask(rename, renamed)), 'store-went-back');
    t.deepEqual(await look(t.context, renamed.row), before);
    t.is((await ask(decide, lost)).status, 200);
    t.is((await ask(rename, renamed)).status, 200, 'decided: changes are taken again');
  },
);

test.serial('a finding that is otherwise than it was seen is a conflict', async (t) => {
  const { admin, boss, stage } = t.context;
  const [fingerprint, note] = ['0'.repeat(64), 'nothing to be done'];
  for (const [client, place] of [
    [boss, '/status'],
    [admin, `/vaults/${stage.vaultId}/status`],
  ] as const) {
    t.is(kindOf(await client.post(`${place}/acknowledge`, { fingerprint, note })), 'conflict');
    t.is(kindOf(await client.post(`${place}/withdraw-acknowledgement`, { fingerprint })), 'conflict');
  }
});

test.serial('what the state of a key store does not allow is a conflict', async (t) => {
  const { admin, stage } = t.context;
  const byOperation = (operation: string) => allRoutes.find((route) => route.operation === operation);
  const cases: [operation: string, prepared: string, query?: string, body?: unknown][] = [
    ['listExternalKeyStoreCandidates', 'updateKeySet', '?region=eu-central-1'],
    ['listUnlinkedKmsKeys', 'updateKeySet', '?region=eu-central-1'],
    ['rotateExternalKeyStoreCredential', 'updateExternalKeyStore'],
    ['getExternalKeyStoreConsole', 'refreshExternalKeyStore', '', { credential: true }],
    [
      'updateExternalKeyStore',
      'refreshExternalKeyStore',
      '',
      { uriEndpoint: 'https://elsewhere.example.com' },
    ],
  ];
  for (const [operation, prepared, query = '', body] of cases) {
    const route = byOperation(operation) as Route;
    const { params } = await caseOf(t.context, byOperation(prepared) as Route);
    // A key set has ten live credentials at the most.
    if (operation.startsWith('rotate'))
      for (let issued = 0, status = 201; status === 201 && issued < 10; issued++)
        ({ status } = await admin.post(
          `/vaults/${stage.vaultId}/key-sets/${params['keySetId']}/credentials`,
          {},
        ));
    const on = { params: { vaultId: stage.vaultId, ...params }, query, body, client: admin };
    const answer = await ask(route, on);
    t.is(kindOf(answer), 'conflict', `${operation}: ${answer.status} ${answer.text}`);
  }
});

test.serial(
  'a sign-in goes from a first password to a second factor, and no step is passed over',
  async (t) => signInByAllSteps(t, t.context),
);

test.serial(
  'a token or a store that does not answer is told as that, and nothing of what failed',
  async (t) => {
    const { boss, management } = t.context;
    const mail = { host: 'mail.example.com', port: 25, security: 'starttls', from: 'x@example.com' };
    const put = async () =>
      boss.request('PUT', '/mail', { ifMatch: '*', body: { ...mail, username: 'u', password: 'p' } });
    t.teardown(() => {
      management.broken.token = undefined;
      management.broken.store = undefined;
    });
    management.broken.token = new TokenError('device', 'C_Encrypt');
    t.is(kindOf(await put()), 'token-unavailable');
    management.broken.token = undefined;
    management.broken.store = new StoreError('locked', 'the database is locked', 'end what holds it');
    t.is(kindOf(await put()), 'store-unavailable');
    const words = { message: 'AWS throttles', remediation: 'wait' };
    t.is(toProblem(new AwsError('throttled', 'ThrottlingException', 'ListUsers', words)).kind, 'aws-busy');
  },
);

test.serial(
  'a store that has done an act, or may have, is not told as one that has done nothing, and is counted',
  async (t) => {
    const { boss, management } = t.context;
    t.teardown(() => {
      management.broken.store = undefined;
      management.broken.afterwards = undefined;
    });
    const uncertain = async () => {
      const { value } = readScrape((await boss.get('/metrics')).text);
      t.is(value('holdfast_store_up'), 1);
      return ['not-certain', 'in-doubt'].map((outcome) =>
        value('holdfast_acts_uncertain_total', { outcome }),
      );
    };
    t.deepEqual(await uncertain(), [0, 0]);
    const username = `u-${randomUUID().slice(0, 8)}`;
    const make = async () =>
      boss.post('/users', { username, email: 'u@example.com', role: 'appliance-auditor' });
    management.broken.store = new StoreError('not-certain', 'not yet certain on its standby', 'see it');
    t.is(kindOf(await make()), 'store-not-certain');
    management.broken.store = new StoreError('in-doubt', 'whether that was done is not known', 'look');
    t.is(kindOf(await make()), 'store-in-doubt');
    management.broken.store = undefined;
    t.deepEqual(await uncertain(), [1, 1]);
    management.broken.afterwards = new StoreError('unreachable', 'nobody listens', 'see the server');
    const lost = await make();
    management.broken.afterwards = undefined;
    t.is(kindOf(lost), 'store-in-doubt');
    t.is(
      (lost.body as { detail: string }).detail,
      'it was done, at least in part, when the database failed: nobody listens',
    );
    t.is(kindOf(await make()), 'conflict', 'it was done');
    t.deepEqual(await uncertain(), [1, 2]);
  },
);

test.serial('a finding that somebody has acknowledged is counted, and alerts nobody any more', async (t) => {
  const route = allRoutes.find(({ operation }) => operation === 'acknowledgeFinding');
  if (route === undefined) return t.fail();
  const on = await caseOf(t.context, route);
  const count = async () => {
    const { value } = readScrape((await t.context.boss.get('/metrics')).text);
    const of = { trouble: 'KEY_SET_FROZEN' };
    return [value('holdfast_findings', of), value('holdfast_findings_open', of)];
  };
  const [all = 0, open = 0] = await count();
  t.true(open > 0);
  t.is((await ask(route, { ...on, client: t.context.boss })).status, 200);
  t.deepEqual(await count(), [all, open - 1]);
  await on.undo?.();
});
