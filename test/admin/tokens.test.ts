import { randomUUID } from 'node:crypto';
import test from 'ava';
import { nodeRoutes } from '../../src/admin/nodes.ts';
import { Problem } from '../../src/admin/problem.ts';
import type { AnyAnswer, Call, Route } from '../../src/admin/route.ts';
import type { AdminServices, MemberFacts, NodeFacts, TokenReport } from '../../src/admin/services.ts';
import { tokenRoutes } from '../../src/admin/tokens.ts';
import { vaultTokenRoutes } from '../../src/admin/vault-tokens.ts';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { memberInWords, verdictsOfMembers } from '../../src/cli/client/member-words.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { insertVault, newKey, newKeySet, openVault, type TestVault } from '../../testing/vault.ts';

type Member = Schemas['Token']['members'][number];

const state = {} as { open: TestVault; services: AdminServices; report: TokenReport; asked: string[] };

test.before(async () => {
  const open = await openVault();
  state.open = open;
  state.asked = [];
  state.services = {
    ...open.vaultContext,
    version: '1',
    publicUrl: 'https://localhost',
    tokenFacts: [
      { name: 'token', profile: 'softhsm2', vendor: 'OpenDNSSEC', model: 'SoftHSM', drawsIvs: true },
    ],
    sessions: { idleMinutes: 15, maxMinutes: 600 },
    verifyToken: async (name: string) => {
      state.asked.push(name);
      return Promise.resolve(state.report);
    },
  } as unknown as AdminServices;
});

test.after.always(async () => state.open.dispose());

/** Asks a route as the management app would, and checks its answer against its own schema. */
async function ask(
  routes: readonly Route[],
  operation: string,
  { params = {}, query = {} }: { params?: object; query?: object } = {},
): Promise<AnyAnswer> {
  const route = routes.find((candidate) => candidate.operation === operation);
  if (route === undefined) throw new Error(`no route ${operation}`);
  const answer = await route.handle({
    services: state.services,
    act: state.open.act(),
    params: route.params?.parse(params),
    query: route.query?.parse(query),
  } as Call<unknown, unknown, unknown>);
  route.answer?.parse(answer.body);
  return answer;
}

test('tokens are listed with their health, their hosts and how many vaults may use them', async (t) => {
  await insertVault(state.open.store, 'another', ['token', 'gone']);
  const { body } = await ask(tokenRoutes, 'listTokens');
  t.like(body, {
    items: [
      {
        name: 'token',
        profile: 'softhsm2',
        vendor: 'OpenDNSSEC',
        model: 'SoftHSM',
        health: 'ACTIVE',
        vaults: 2,
      },
    ],
    next: null,
  });
  const { body: one } = await ask(tokenRoutes, 'getToken', { params: { token: 'token' } });
  const { hosts } = one as { hosts: { pid: number; state: string }[] };
  t.is(hosts.length, 1);
  t.true((hosts[0]?.pid ?? 0) > 0);
});

test.serial(
  'of each HSM its serial number, since when it is up or down, and what it said when it failed are shown',
  async (t) => {
    const { store, tokens } = state.open;
    const serial = tokens.pool('token').serialOf('token') ?? '';
    const since = '2026-11-30T10:00:00.000Z';
    const shown = async (facts?: Partial<MemberFacts>) => {
      const known = { name: 'token', serial, hosts: 3, up: 3, since, pinRefused: false, failure: undefined };
      const told = facts && { tokens: [{ name: 'token', members: [{ ...known, ...facts }] }] };
      state.services.nodeFacts = async () => Promise.resolve(told as NodeFacts | undefined);
      const { body } = await ask(tokenRoutes, 'getToken', { params: { token: 'token' } });
      return (body as { members: object[] }).members[0];
    };
    const hsm = { name: 'token', serial, onRecord: false, pinRefused: false, failure: null };
    t.deepEqual(await shown(), { ...hsm, health: 'ACTIVE', since: null }, 'the supervisor is silent');
    t.deepEqual(await shown({}), { ...hsm, health: 'ACTIVE', since });
    t.like(await shown({ up: 2 }), { health: 'DEGRADED' });
    const failure = { problem: 'the token refused the PIN', remediation: 'put the right PIN in place' };
    const down = { up: 0, pinRefused: true, failure };
    const told = await shown(down);
    t.like(told, { health: 'UNAVAILABLE', since, pinRefused: true, failure });
    const [a, b] = [
      { ...(told as Member), name: 'a' },
      { ...((await shown({})) as Member), name: 'b' },
    ];
    const detail = `UNAVAILABLE since ${since}, serial ${serial}, no proof of its keys on record, has refused its PIN: the token refused the PIN`;
    t.is(memberInWords(a), `a ${detail}; put the right PIN in place`);
    t.is(memberInWords({ ...b, onRecord: true }), `b ACTIVE since ${since}, serial ${serial}`);
    t.is(memberInWords({ name: 'old', health: 'ACTIVE' }), 'old ACTIVE', 'of a node of before');
    const verdict = { name: 'token:a', ok: false, detail, remediation: 'put the right PIN in place' };
    t.deepEqual(verdictsOfMembers('token', [a, b]), [verdict]);
    t.deepEqual(verdictsOfMembers('token', [a]), [], 'the token itself says it');
    await store.db
      .insertInto('own_key_proofs')
      .values({
        token: 'token',
        serial,
        label: ownKeys.sealing.label,
        proof: Buffer.alloc(32),
        made_at: since,
      })
      .execute();
    t.like(await shown({}), { onRecord: true });
    await store.db.deleteFrom('own_key_proofs').where('serial', '=', serial).execute();
    delete state.services.nodeFacts;
  },
);

test('a token that the configuration does not name is not found, and nothing is tried', async (t) => {
  for (const operation of ['getToken', 'verifyToken']) {
    const error = await t.throwsAsync(ask(tokenRoutes, operation, { params: { token: 'gone' } }), {
      instanceOf: Problem,
    });
    t.is(error.kind, 'not-found');
  }
  t.false(state.asked.includes('gone'));
});

test('a token shows which it replaced, how many key versions were left there, and since when that is erased', async (t) => {
  const { open } = state;
  const params = { token: 'token', replacedId: randomUUID() };
  await open.store.db
    .insertInto('replaced_tokens')
    .values({
      ...{ id: params.replacedId, token: 'token', serials: '["0a1b"]' },
      replaced_at: '2026-01-02T00:00:00.000Z',
    })
    .execute();
  const key = await newKey(open, await newKeySet(open));
  await open.store.db
    .updateTable('key_versions')
    .set({ left_in: params.replacedId })
    .where('cloud_key_id', '=', key.id)
    .execute();
  const replaced = { id: params.replacedId, serials: ['0a1b'], keyVersions: 1 };
  const { body } = await ask(tokenRoutes, 'getToken', { params: { token: 'token' } });
  t.like(body, { replaced: [{ ...replaced, erasedAt: null }] });
  const { body: after } = await ask(tokenRoutes, 'recordErasedToken', { params });
  t.like(after, { replaced: [replaced] });
  t.truthy((after as { replaced: { erasedAt: string }[] }).replaced[0]?.erasedAt);
});

test.serial(
  'a verification is answered whether all went well or not, and stands in the audit trail',
  async (t) => {
    state.report = {
      ok: false,
      steps: [
        { name: 'module', ok: true, milliseconds: 12.5, detail: 'SoftHSM' },
        { name: 'token', ok: false, milliseconds: 1, detail: 'no token with label "x"' },
      ],
      remediation: 'the module shows no token at all',
    };
    const answer = await ask(tokenRoutes, 'verifyToken', { params: { token: 'token' } });
    t.is(answer.status, undefined);
    t.deepEqual(answer.body, state.report);
    const event = await state.open.store.db
      .selectFrom('audit_events')
      .selectAll()
      .where('action', '=', 'token.verify')
      .executeTakeFirstOrThrow();
    t.like(event, { vault_id: '', outcome: 'done', target_kind: 'token', target_name: 'token' });
    t.deepEqual(JSON.parse(event.after ?? ''), {
      ok: false,
      failed: 'token',
      detail: 'no token with label "x"',
    });
  },
);

test.serial(
  'people of a vault are told whether a token works and how far it came, and of many who ask the token is asked once',
  async (t) => {
    const { open, services, asked } = state;
    const { id: vaultId } = open.vault;
    state.report = {
      ok: false,
      steps: [
        { name: 'module', ok: true, milliseconds: 12.5, detail: '/usr/lib/module.so' },
        { name: 'login', ok: false, milliseconds: 1, detail: 'CKR_PIN_LOCKED' },
      ],
      remediation: 'unlock the PIN of slot 7',
      info: { label: 'label-of-it', serial: '0a1b2c', manufacturer: 'm', model: 'HSM 7', firmware: '7.8' },
      mechanisms: ['CKM_AES_GCM'],
    };
    const verify = async () =>
      ask(vaultTokenRoutes, 'verifyVaultToken', { params: { vaultId, token: 'token' } });
    const before = asked.length;
    const [answer, ...others] = await Promise.all([verify(), verify(), verify()]);
    t.is(asked.length, before + 1);
    t.like(answer?.body, {
      ok: false,
      steps: [
        { name: 'module', ok: true, milliseconds: 12.5 },
        { name: 'login', ok: false, milliseconds: 1 },
      ],
      hsm: { manufacturer: 'm', model: 'HSM 7', firmware: '7.8' },
    });
    for (const { body } of others) t.deepEqual(body, answer?.body);
    // What is the appliance's to know, and other vaults'.
    t.notRegex(JSON.stringify(answer?.body), /module\.so|CKR_|slot 7|label-of-it|0a1b2c|AES_GCM/);
    const events = await open.store.db
      .selectFrom('audit_events')
      .select(['target_id', 'after'])
      .where('action', '=', 'token.verify')
      .where('vault_id', '=', vaultId)
      .execute();
    t.is(events.length, 3);
    t.deepEqual(JSON.parse(events[0]?.after ?? ''), { ok: false, failed: 'login' });

    // That it could not be tried is no report, and the next who asks has it tried.
    services.verifyToken = async () => Promise.reject(new Error('the supervisor is not there'));
    await t.throwsAsync(verify());
    services.verifyToken = async () => Promise.resolve({ ok: true, steps: [] });
    t.like((await verify()).body, { ok: true, hsm: null, remediation: null });

    const { id: other } = await insertVault(open.store, 'without', ['gone']);
    for (const [of, token] of [
      [vaultId, 'gone'],
      [other, 'token'],
      [other, 'gone'],
    ]) {
      const refused = ask(vaultTokenRoutes, 'verifyVaultToken', { params: { vaultId: of, token } });
      t.is((await t.throwsAsync(refused, { instanceOf: Problem })).kind, 'not-found');
    }
  },
);

test('a node is UP while it has shown itself within the last minute', async (t) => {
  const now = state.open.vaultContext.now().getTime();
  const row = (hostname: string, seen: number) => ({
    id: randomUUID(),
    hostname,
    version: '1',
    started_at: new Date(now - 3_600_000).toISOString(),
    last_seen_at: new Date(now - seen).toISOString(),
  });
  await state.open.store.db
    .insertInto('nodes')
    .values([row('a', 30_000), row('b', 61_500), row('c', 0)])
    .execute();
  const { body } = await ask(nodeRoutes, 'listNodes', { query: { limit: '2' } });
  const first = body as { items: object[]; next: string };
  t.like(first.items, [
    { hostname: 'a', state: 'UP' },
    { hostname: 'b', state: 'DOWN' },
  ]);
  const { body: second } = await ask(nodeRoutes, 'listNodes', { query: { limit: '2', cursor: first.next } });
  t.like(second, { items: [{ hostname: 'c', state: 'UP' }], next: null });
});
