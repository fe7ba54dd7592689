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
import {
  hostsInWords,
  ivsInWords,
  minutesInWords,
  notEverywhereInWords,
  queueInWords,
} from '../../src/cli/records/token-words.ts';
import type { NodeFigures, WorkerFigures } from '../../src/metrics/figures.ts';
import { emptyDistribution, observe } from '../../src/metrics/latency.ts';
import { NodeMetrics } from '../../src/metrics/node-metrics.ts';
import { loopFigures } from '../../src/metrics/request-counts.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { insertVault, newKey, newKeySet, openVault, type TestVault } from '../../testing/vault.ts';

type Token = Schemas['Token'];
type Member = Token['members'][number];

const iv = { mode: 'caller', bytes: 12 } as const;
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
      { name: 'token', profile: 'softhsm2', vendor: 'OpenDNSSEC', model: 'SoftHSM', iv, drawsIvs: true },
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
      const known = {
        ...{ name: 'token', serial, hosts: 3, up: 3, since, pinRefused: false, failure: undefined },
        ...{ info: undefined, each: [] },
      };
      const told = facts && { tokens: [{ name: 'token', members: [{ ...known, ...facts }] }] };
      state.services.nodeFacts = async () => Promise.resolve(told as NodeFacts | undefined);
      const { body } = await ask(tokenRoutes, 'getToken', { params: { token: 'token' } });
      return (body as { members: object[] }).members[0];
    };
    const hsm = {
      ...{ name: 'token', serial, onRecord: false, pinRefused: false, failure: null },
      ...{ label: null, manufacturer: null, model: null, firmware: null, slot: null },
    };
    const silent = { ...hsm, health: 'ACTIVE', since: null, hosts: null };
    t.deepEqual(await shown(), silent, 'the supervisor is silent');
    t.deepEqual(await shown({}), { ...hsm, health: 'ACTIVE', since, hosts: [] });
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

test.serial('what an HSM’s vendor asks first is told: hardware, hosts, IVs, queue, lately', async (t) => {
  const { tokens } = state.open;
  const pool = tokens.pool('token');
  const [own] = pool.hosts;
  const provenAt = [
    '2026-11-30T10:00:00.000Z',
    '2026-11-30T10:00:05.000Z',
    '2026-11-30T10:00:02.000Z',
  ] as const;
  const info = {
    label: 'keys',
    serial: '0a1b',
    manufacturer: 'Acme',
    model: 'HSM 9',
    firmware: '7.3',
    slot: 5,
  };
  const each = [
    { worker: 0, pid: 11, prepared: true, provenAt: provenAt[0] },
    { worker: 0, pid: 12, prepared: true, provenAt: provenAt[1] },
    { worker: 1, pid: null, prepared: false, provenAt: null },
    { worker: null, pid: own?.pid ?? 0, prepared: true, provenAt: provenAt[2] },
  ];
  const member = {
    ...{ name: 'token', serial: '0a1b', hosts: 4, up: 3, since: provenAt[0], pinRefused: false },
    ...{ failure: undefined, info, each },
  };
  const facts = { tokens: [{ name: 'token', members: [member] }] } as unknown as NodeFacts;
  let now = 1_000;
  const operations = emptyDistribution();
  for (let n = 0; n < 99; n++) observe(operations, 2);
  observe(operations, 400);
  const pools = [
    {
      ...{ token: 'token', members: [], waiting: 3, underWay: 2, wait: 7.5 },
      hosts: [
        { pid: 11, member: 'token', state: 'busy', check: { ago: 2_000, took: 0.4, ok: true } },
        { pid: 12, member: 'token', state: 'sick', check: null },
      ],
    },
  ];
  const figures = {
    ...{ requests: [], pools, loop: loopFigures(), lease: null, wentBack: 0 },
    tokens: [{ token: 'token', operations, waits: emptyDistribution(), faults: { device: 2 } }],
  } as WorkerFigures;
  const answers = [{ worker: 0, figures }];
  const metrics = new NodeMetrics({
    ask: async () =>
      Promise.resolve({ workers: answers.splice(0), processes: [], starts: [] } as unknown as NodeFigures),
    now: () => new Date(),
    monotonic: () => now,
    onRequests: async () => Promise.resolve(),
  });
  const { services } = state;
  state.services = {
    ...services,
    nodeFacts: async () => Promise.resolve(facts),
    gathered: { metrics } as NonNullable<AdminServices['gathered']>,
    now: () => new Date('2026-11-30T10:05:00.000Z'),
  };
  t.teardown(() => {
    state.services = services;
  });
  const told = async () => {
    const { body } = await ask(tokenRoutes, 'getToken', { params: { token: 'token' } });
    return body as Token;
  };
  const first = await told();
  const [hsm] = first.members;
  const { serial: _, ...hardware } = info;
  t.like(hsm, hardware);
  t.like(hsm?.hosts, [
    { process: 'xks-worker', worker: 0, pid: 11, state: 'busy', check: { milliseconds: 0.4, ok: true } },
    { process: 'xks-worker', worker: 0, pid: 12, state: 'sick', provenAt: provenAt[1], check: null },
    { process: 'xks-worker', worker: 1, pid: null, state: 'starting', provenAt: null, check: null },
    { process: 'management', worker: null, pid: own?.pid, provenAt: provenAt[2] },
  ]);
  t.is(hsm?.hosts?.[0]?.check?.at, '2026-11-30T10:04:58.000Z');
  t.true(['ready', 'busy'].includes(hsm?.hosts?.[3]?.state ?? ''), 'as this process has it');
  t.deepEqual(first.iv, { ...iv, random: true, provenAt: provenAt[1], mayRepeat: false });
  t.deepEqual(first.queue, { waiting: 3, underWay: 2, estimatedWaitMilliseconds: 7.5 });
  t.like(first.lastMinutes, { minutes: 5, operations: 100, faults: { device: 2 } });
  t.true((first.lastMinutes?.p99Milliseconds ?? 999) <= 2.5);
  t.is(first.lastMinutes?.waitP99Milliseconds, null);
  t.is(first.notEverywhere, null, 'of a single HSM');
  t.is(
    ivsInWords(first),
    'caller, 12 bytes; drawn at random; proven by each host at its start, last at 2026-11-30 10:00:05 UTC',
  );
  t.is(queueInWords(first), '3 waiting, 2 under way; what comes now waits about 7.5 ms');
  t.regex(minutesInWords(first), /^100 operations in 5 minutes, half within 1.76 ms, .*, faults: 2 device$/);
  t.is(hostsInWords(first)[2], 'XKS worker 1: starting');
  t.regex(
    hostsInWords(first)[0] ?? '',
    /^XKS worker 0: busy \(process 11\), self-test at .*, checked at .* in 0.4 ms$/,
  );
  t.regex(memberInWords(hsm as Member), /; Acme HSM 9, firmware 7.3, label "keys", slot 5$/);
  now += 31_000;
  const later = await told();
  t.is(later.queue, null, 'a worker that has told nothing since says nothing of now');
  t.like(later.members[0]?.hosts, [{ pid: 11, state: 'ready', check: null }], 'but the supervisor does');
  t.is(later.lastMinutes?.operations, 100);
});

test('a node of an older version tells less, and the command says so', (t) => {
  const hosts = [{ pid: 7, state: 'ready', member: 'token' }] as const;
  const members = [{ name: 'a' }, { name: 'b' }] as unknown as Member[];
  const notTold = 'not told by this node’s version';
  for (const words of [ivsInWords, queueInWords, minutesInWords]) t.is(words({}), notTold);
  t.deepEqual(hostsInWords({ members, hosts: [...hosts] }), [
    'management process: ready (process 7)',
    `XKS workers: ${notTold}`,
  ]);
  t.deepEqual(notEverywhereInWords({ members }), [notTold]);
  t.is(notEverywhereInWords({ members: members.slice(1) }), undefined, 'a single HSM');
});

test.serial('IVs that two HSMs may each have counted are told as such', async (t) => {
  const { services } = state;
  const counting = { mode: 'hsm-in-place', bytes: 12 } as const;
  const tokenFacts = services.tokenFacts.map((facts) => ({ ...facts, iv: counting, drawsIvs: false }));
  state.services = { ...services, tokenFacts };
  const proofOf = (serial: string) => ({
    ...{ token: 'token', serial, label: ownKeys.sealing.label, proof: Buffer.alloc(32, 7) },
    made_at: '2026-11-30T10:00:00.000Z',
  });
  const proofs = state.open.store.db;
  t.teardown(async () => {
    state.services = services;
    await proofs.deleteFrom('own_key_proofs').where('serial', 'in', ['0a', '0b']).execute();
  });
  const told = async () =>
    ((await ask(tokenRoutes, 'getToken', { params: { token: 'token' } })).body as Token).iv;
  await proofs.insertInto('own_key_proofs').values(proofOf('0a')).execute();
  t.deepEqual(await told(), { ...counting, random: false, provenAt: null, mayRepeat: false });
  await proofs.insertInto('own_key_proofs').values(proofOf('0b')).execute();
  t.like(await told(), { mayRepeat: true });
  state.services = services;
  t.like(await told(), { random: true, mayRepeat: false }, 'unless each is drawn at random');
});

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
      info: {
        label: 'label-of-it',
        serial: '0a1b2c',
        manufacturer: 'm',
        model: 'HSM 7',
        firmware: '7.8',
        slot: 7,
      },
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

test('a node is UP while it has shown itself within the last minute, and tells what its version tells', async (t) => {
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
  const { id: nodeId } = (second as { items: { id: string }[] }).items[0] ?? { id: '' };
  const shown = async () =>
    (await ask(nodeRoutes, 'getNode', { params: { nodeId } })).body as Schemas['Node'];
  t.like(await shown(), { leases: null, tokens: null }, 'it has said no more of itself');
  const holder = (id: string, epoch: number) => ({
    ...{ id, node_id: nodeId, hostname: 'c', term: 1, epoch, length: 15_000 },
    joined_at: '2027-01-01T00:00:00.000Z',
  });
  const db = state.open.store.db;
  await db
    .insertInto('snapshot_holders')
    .values([holder('one', 7), holder('two', 9)])
    .execute();
  const leases = { workers: 2, seconds: 15, confirmedRevision: 7 };
  t.deepEqual((await shown()).leases, leases, 'what all of them have confirmed');
  await db.updateTable('snapshot_holders').set({ epoch: -1 }).where('id', '=', 'one').execute();
  t.deepEqual((await shown()).leases, { ...leases, confirmedRevision: null });
  const token = {
    name: 'token',
    serial: '0a',
    label: 'keys',
    model: 'HSM 9',
    health: 'ACTIVE',
    hosts: 2,
    up: 2,
  };
  const facts = {
    database: { kind: 'sqlite', durability: null, problems: [] },
    clockOffset: null,
    revision: 1,
  };
  const tokensOf = async (told: object) => {
    const shows = JSON.stringify({ ...facts, serves: true, manages: true, tokens: [{ ...token, ...told }] });
    await db.updateTable('nodes').set({ shown: shows }).where('id', '=', nodeId).execute();
    return (await shown()).tokens;
  };
  t.like(await tokensOf({ firmware: '7.3' }), [{ firmware: '7.3' }]);
  t.like(await tokensOf({}), [{ serial: '0a', firmware: null }], 'of a node of an older version');
  t.like(await tokensOf({ temperature: 40 }), [{ serial: '0a' }], 'and of a newer one, which tells more');
});
