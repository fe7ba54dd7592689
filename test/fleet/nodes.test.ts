import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { KeptLease } from '../../src/fleet/leases.ts';
import { drainNode, removeNode, undrainNode } from '../../src/fleet/node-acts.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import test, { type ExecutionContext } from 'ava';
import {
  aheadOfLastSign,
  clockCompared,
  fleetNow,
  isUp,
  livesElsewhere,
  showNode,
  stateOf,
  type NodeSign,
} from '../../src/fleet/nodes.ts';
import { shownOf, type ShownDatabase, type ShownNode, type ShownToken } from '../../src/fleet/shown-node.ts';
import type { Store } from '../../src/store/store.ts';
import { nodeFindings } from '../../src/admin/status/node-findings.ts';
import { createLog } from '../../src/log.ts';
import { knownNodeId, nodeIdOf } from '../../src/node/node-id.ts';
import { NodeSigns, otherTokens } from '../../src/node/node-signs.ts';
import { together, withOthers } from '../../src/xks/fleet-tokens.ts';
import type { VaultContext } from '../../src/vault/context.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { newStore, type databases } from '../../testing/stores.ts';

/* What nodes show of themselves, and what they see of the others. */

const token = (facts: Partial<ShownToken> = {}): ShownToken => ({
  ...{ name: 'primary', serial: 's1', label: 'l1', model: 'HSM', health: 'ACTIVE', hosts: 2, up: 2 },
  ...facts,
});

class Nodes {
  readonly store: Store;
  readonly database: ShownDatabase;
  at = Date.parse('2027-01-01T00:00:00.000Z');
  /** The time of a test is not the server's. Undefined for how far they are apart. */
  ahead: Parameters<typeof showNode>[4] = async () => 0;

  constructor(store: Store, kind: ShownDatabase['kind']) {
    this.store = store;
    this.database = { kind, durability: kind === 'sqlite' ? null : 'single', problems: [] };
  }

  get context(): VaultContext {
    const context = { store: this.store, now: () => new Date(this.at), instance: 'test/1' };
    return context as unknown as VaultContext;
  }

  async show(id: string, facts: Partial<NodeSign> = {}) {
    const sign = {
      ...{ id, hostname: `host-${id}`, version: '1', start: `${id}/1`, again: true, ends: false },
      ...{
        startedAt: new Date(this.at).toISOString(),
        tokens: [token()],
        serves: true,
        manages: true,
        boot: `boot-${id}`,
        idle: true,
        ...facts,
      },
    };
    return showNode(this.store, sign, this.database, () => new Date(this.at), this.ahead);
  }

  of(instance: string): VaultContext {
    return { ...this.context, now: () => new Date(this.at), instance };
  }

  async row(id: string) {
    return this.store.db.selectFrom('nodes').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  }
}

async function open(t: ExecutionContext, kind: keyof typeof databases): Promise<Nodes> {
  const store = await newStore(kind);
  t.teardown(async () => store.close());
  return new Nodes(store, kind === 'SQLite' ? 'sqlite' : 'postgres');
}

for (const kind of ['SQLite', 'PostgreSQL'] as const) {
  test(`${kind}: a node shows what it has, and counts those that are up`, async (t) => {
    const nodes = await open(t, kind);
    t.like(await nodes.show('a', { again: false }), { live: 1, tokens: [], drained: false });
    const other = token({ serial: 's2', health: 'DEGRADED', up: 1 });
    t.like(await nodes.show('b', { again: false, tokens: [other] }), { live: 2, tokens: [token()] });
    const shown = shownOf(await nodes.row('b'));
    t.deepEqual(shown?.tokens, [other]);
    t.is(shown?.revision, await nodes.store.revision());
    nodes.at += 60_001;
    t.like(await nodes.show('a'), { live: 1, tokens: [], twin: undefined });
    t.is(stateOf(await nodes.row('b'), new Date(nodes.at)), 'DOWN');
    t.like(await nodes.show('b'), { live: 2 });
    await nodes.show('b', { ends: true });
    t.is(stateOf(await nodes.row('b'), new Date(nodes.at)), 'DOWN', 'at once, where it was stopped');
    t.like(await nodes.show('a'), { live: 1 });
    nodes.ahead = undefined;
    await nodes.show('a');
    const offset = shownOf(await nodes.row('a'))?.clockOffset ?? null;
    t.is(offset === null, kind === 'SQLite');
    if (offset !== null) t.true(Math.abs(offset - (nodes.at - Date.now())) < 60_000);
  });

  test(`${kind}: a node without an id is forgotten by the next that starts, once it is down`, async (t) => {
    const nodes = await open(t, kind);
    const ids = async () =>
      (await nodes.store.db.selectFrom('nodes').select('id').execute()).map(({ id }) => id);
    await nodes.show('');
    await nodes.show('a', { again: false });
    t.deepEqual((await ids()).toSorted(), ['', 'a'], 'it is up');
    nodes.at += 60_001;
    await nodes.show('a');
    t.is((await ids()).length, 2);
    await nodes.show('b', { again: false });
    t.deepEqual((await ids()).toSorted(), ['a', 'b'], 'another that is down may come back');
  });

  test(`${kind}: two processes with one node id see each other, and a restart is none`, async (t) => {
    const nodes = await open(t, kind);
    await nodes.show('a', { start: '1', again: false });
    t.is((await nodes.show('a', { start: '1' })).twin, undefined);
    t.is((await nodes.show('a', { start: '2', again: false })).twin, undefined, 'it may be a restart');
    t.like((await nodes.show('a', { start: '1', hostname: 'copy' })).twin, { hostname: 'host-a' });
    t.like((await nodes.show('a', { start: '2' })).twin, { hostname: 'copy' });
    await nodes.show('a', { start: '1', ends: true });
    t.is((await nodes.show('a', { start: '2' })).twin, undefined, 'the other has ended');
  });

  test(`${kind}: a copy of a machine is told from a node that was started again`, async (t) => {
    const nodes = await open(t, kind);
    const from = async (hostname: string, watched: number, boot = 'boot-a') =>
      livesElsewhere(nodes.store, { id: 'a', hostname, boot, now: () => new Date(nodes.at) }, watched);
    t.is(await from('copy', 10_000), undefined, 'there is none');
    await nodes.show('a');
    t.is(await from('host-a', 10_000), undefined, 'it was killed here');
    t.is(await from('copy', 40), undefined, 'it was killed there, and shows itself no more');
    const ended = new AbortController();
    t.is(
      await from('host-a', 40, 'other'),
      undefined,
      'the machine was reset, and its node shows itself no more',
    );
    // A copy has the hostname too.
    const watching = from('host-a', 1_000, 'other').finally(() => ended.abort());
    while (!ended.signal.aborted) {
      nodes.at += 1_000;
      await nodes.show('a');
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.like(await watching, { hostname: 'host-a' });
    await nodes.show('a', { ends: true });
    t.is(await from('copy', 10_000), undefined, 'it was stopped');
  });

  test(`${kind}: a start hides nothing of the quiet before it, until it is compared with the clock`, async (t) => {
    const nodes = await open(t, kind);
    const ahead = async () => aheadOfLastSign(nodes.context, 'a');
    t.is(await ahead(), 0);
    await nodes.show('a', { start: '1', again: false });
    t.is(await ahead(), 0);
    nodes.at += 100_000_000;
    await nodes.show('a', { start: '2', again: false });
    nodes.at += 5;
    await nodes.show('a', { start: '2' });
    t.is(await ahead(), 100_000_005);
    await clockCompared(nodes.context, 'a');
    t.is(await ahead(), 0);
  });
}

test('a drained node gives up what is done by schedule, and takes it again where no other is up', async (t) => {
  const nodes = await open(t, 'PostgreSQL');
  const act = () => systemAct(nodes.of('test/1'), 'test');
  await nodes.show('a');
  await t.throwsAsync(drainNode(nodes.context, act(), 'a'), { message: /no node but host-a is up/ });
  await t.throwsAsync(drainNode(nodes.context, act(), 'gone'), { message: /no node of this database/ });
  await nodes.show('b');
  const [a, b] = [new KeptLease(nodes.of('a/1'), 'schedules'), new KeptLease(nodes.of('b/1'), 'schedules')];
  t.truthy(await a.renew());
  t.is(await b.renew(), undefined);
  await drainNode(nodes.context, act(), 'a');
  t.like(await nodes.show('a', { start: 'a/2', again: false }), { drained: true }, 'over a restart');
  t.is(stateOf(await nodes.row('a'), new Date(nodes.at)), 'DRAINING');
  await t.throwsAsync(drainNode(nodes.context, act(), 'b'), { message: /no node but host-b is up/ });
  t.is(await a.renew(), undefined);
  t.is(await a.hold(), undefined);
  t.truthy(await b.renew(), 'at once');
  // The only one that is left works as if it were not.
  await nodes.show('b', { ends: true });
  t.like(await nodes.show('a', { start: 'a/2' }), { drained: false });
  await b.release();
  t.truthy(await a.renew());
  await nodes.show('b');
  await undrainNode(nodes.context, act(), 'a');
  t.like(await nodes.show('a', { start: 'a/2' }), { drained: false });
  const events = await nodes.store.db.selectFrom('audit_events').select(['action', 'target_name']).execute();
  t.deepEqual(
    events.map(({ action }) => action),
    ['node.drain', 'node.undrain'],
  );
});

test('a drain counts on no node but one that says it serves', async (t) => {
  const nodes = await open(t, 'PostgreSQL');
  const act = () => systemAct(nodes.of('test/1'), 'test');
  const refused = { message: /no node but host-\w is up, with a usable token, and not drained/ };
  await nodes.show('a');
  await nodes.show('b', { serves: false });
  await t.throwsAsync(drainNode(nodes.context, act(), 'a'), refused, 'its token is away');
  await nodes.show('b');
  await drainNode(nodes.context, act(), 'a');
  t.like(nodeFindings([await nodes.row('a')], new Date(nodes.at)), [
    {
      ...{ trouble: 'NODE_DRAINED', where: 'host-a', remediation: 'holdfast node undrain a' },
      on: [{ kind: 'node', id: 'a', name: 'host-a' }],
    },
  ]);
  t.like(await nodes.show('a', { unkept: 'EISDIR: no file' }), { drained: true });
  const [, unkept] = nodeFindings([await nodes.row('a')], new Date(nodes.at));
  t.like(unkept, { trouble: 'HISTORY_NOT_KEPT', where: 'host-a' });
  t.regex(unkept?.message ?? '', /EISDIR: no file$/);
  t.like(await nodes.show('a'), { drained: true });
  t.is(nodeFindings([await nodes.row('a')], new Date(nodes.at)).length, 1);
  await undrainNode(nodes.context, act(), 'a');
  await t.throwsAsync(drainNode(nodes.context, act(), 'b'), refused, 'the other has not heard of it');
  t.like(await nodes.show('a'), { drained: false });
  await drainNode(nodes.context, act(), 'b');
  t.like(await nodes.show('b'), { drained: true });
  for (const [why, facts] of Object.entries({
    'its token is away': { serves: false },
    'it has just been started': { serves: false, again: false, start: 'a/2' },
    'it has ended': { ends: true },
  })) {
    await nodes.show('a', facts);
    t.like(await nodes.show('b'), { drained: false }, why);
    await nodes.show('a', { start: 'a/2' });
    t.like(await nodes.show('b'), { drained: true }, why);
  }
  nodes.at += 25_001;
  t.like(await nodes.show('b'), { drained: false }, 'it was killed');
  await nodes.show('a', { start: 'a/2' });
  await nodes.store.bookkeep('by hand', async (trx) =>
    trx.updateTable('nodes').set({ shown: null }).where('id', '=', 'a').execute(),
  );
  t.like(await nodes.show('b'), { drained: false }, 'it is of a version that does not say');
});

test('a drained node goes on with what is done by schedule where no other has a management process', async (t) => {
  const nodes = await open(t, 'PostgreSQL');
  await nodes.show('a');
  await nodes.show('b', { manages: false });
  const [a, b] = ['a/1', 'b/1'].map((instance) => new KeptLease(nodes.of(instance), 'schedules'));
  await drainNode(nodes.context, systemAct(nodes.of('test/1'), 'test'), 'a');
  t.like(await nodes.show('a'), { drained: true });
  t.truthy(await a?.renew());
  await nodes.show('b');
  t.is(await a?.renew(), undefined);
  t.truthy(await b?.renew());
});

test('a node shows at once what another’s drain goes by: that it can serve, that it is drained, that it ends', async (t) => {
  const nodes = await open(t, 'PostgreSQL');
  await nodes.show('other');
  let shows = Promise.withResolvers<undefined>();
  const own = { tokens: [token()], serves: false, manages: false };
  let wasDrained = false;
  let granted = 0;
  let comesAllTheSame = true;
  /** By the sign whose answer is that it is drained no more. */
  let servedBefore: boolean | undefined;
  const signs = new NodeSigns({
    ...{ id: 'own', version: '1', alone: false, log: createLog('silent'), own: () => own },
    granted: () => (comesAllTheSame ? ++granted : granted),
    writer: {
      show: async (sign) => {
        const heard = await showNode(
          nodes.store,
          sign,
          nodes.database,
          () => new Date(nodes.at),
          nodes.ahead,
        );
        if (wasDrained && !heard.drained) servedBefore = sign.serves;
        wasDrained = heard.drained;
        shows.resolve(undefined);
        shows = Promise.withResolvers();
        return heard;
      },
    },
    onFleet: () => undefined,
  });
  const shown = async (wanted: Partial<ShownNode>) => {
    for (;;) {
      const next = shows.promise;
      const row = await nodes.store.db.selectFrom('nodes').select('shown').where('id', '=', 'own').execute();
      const facts = row[0] && shownOf(row[0]);
      if (Object.entries(wanted).every(([name, value]) => facts?.[name as keyof ShownNode] === value)) break;
      await next;
    }
    t.pass();
  };
  signs.start();
  await shown({ serves: false });
  Object.assign(own, { serves: true, manages: true });
  signs.look();
  await shown({ serves: true, manages: true });
  await drainNode(nodes.context, systemAct(nodes.of('test/1'), 'test'), 'own');
  Object.assign(own, { manages: false });
  signs.look();
  await shown({ serves: false, manages: false, sharesQuotas: true });
  comesAllTheSame = false;
  // Within a second, since it is drained.
  await shown({ sharesQuotas: false });
  await undrainNode(nodes.context, systemAct(nodes.of('test/1'), 'test'), 'own');
  await shown({ serves: true, sharesQuotas: true });
  t.false(servedBefore, 'not before it has heard of it');
  signs.stopping();
  await shown({ serves: false });
  t.is(stateOf(await nodes.row('own'), new Date(nodes.at)), 'UP', 'what still comes is answered');
  await signs.end();
  t.is(stateOf(await nodes.row('own'), new Date(nodes.at)), 'DOWN');
});

test('a node that is no more is removed with what it held, and none that is up', async (t) => {
  const nodes = await open(t, 'SQLite');
  const context = { ...nodes.context, instance: 'a/1' };
  const act = () => systemAct({ ...context, now: nodes.context.now }, 'test');
  await nodes.show('a');
  await new KeptLease(context, 'schedules').renew();
  await t.throwsAsync(removeNode(nodes.context, act(), 'a'), { message: /node host-a is up/ });
  nodes.at += 60_001;
  await removeNode(nodes.context, act(), 'a');
  t.deepEqual(await nodes.store.db.selectFrom('nodes').selectAll().execute(), []);
  t.deepEqual(await nodes.store.db.selectFrom('leases').selectAll().execute(), []);
  await t.throwsAsync(removeNode(nodes.context, act(), 'a'), { message: /no node of this database/ });
});

test('a row of another version is that of a node still', (t) => {
  for (const shown of [null, '', '{', '{}', '{"tokens":[{"name":1}]}', '[]'])
    t.is(shownOf({ shown }), undefined, String(shown));
  // An older one starts a node again that a newer one has stopped.
  const row = { ended_at: '2027-01-01T00:00:00.000Z', last_seen_at: '2027-01-01T00:00:01.000Z' };
  t.true(isUp({ ...row, shown: null }, new Date('2027-01-01T00:00:02.000Z')));
});

test('a node whose clock is far behind is UP while it shows itself, for one whose clock is ahead too', async (t) => {
  const nodes = await open(t, 'SQLite');
  const shown = (clockOffset: number) =>
    JSON.stringify({
      ...{ tokens: [], database: { kind: 'postgres', durability: 'single', problems: [] }, clockOffset },
      ...{
        revision: 0,
        serves: true,
        manages: true,
        boot: null,
        sharesQuotas: true,
        quotas: null,
        unkept: null,
      },
    } satisfies ShownNode);
  // Both have shown themselves at the same moment, of which each has its own time.
  for (const [id, offset] of [
    ['ahead', 30_000],
    ['behind', -61_000],
  ] as const) {
    const at = new Date(nodes.at + offset).toISOString();
    const row = { id, hostname: id, version: '1', started_at: at, last_seen_at: at, shown: shown(offset) };
    await nodes.store.db.insertInto('nodes').values(row).execute();
  }
  nodes.at += 31_000;
  const context = nodes.of('ahead/1');
  const row = await nodes.row('behind');
  t.true(isUp(row, await fleetNow(context)));
  t.false(isUp(row, context.now()), 'by the clocks of the two it were DOWN');
  await t.throwsAsync(removeNode(context, systemAct(context, 'test'), 'behind'), { message: /is up/ });
  nodes.at += 60_000;
  await removeNode(context, systemAct(context, 'test'), 'behind');
  t.pass();
});

test('AWS is told of one HSM once, as well as all nodes find it, and of those that only others have', (t) => {
  t.is(together('ACTIVE', 'UNAVAILABLE'), 'DEGRADED');
  const others = otherTokens(
    [token(), token({ name: 'unopened', serial: null })],
    [
      token({ health: 'UNAVAILABLE' }),
      token({ serial: 's2' }),
      token({ serial: 's2', health: 'DEGRADED' }),
      token({ name: 'unopened', serial: 's3' }),
      token({ name: 'far', serial: null, health: 'UNAVAILABLE' }),
    ],
  );
  t.deepEqual(
    others.map(({ id, isOwn, health }) => [id, isOwn, health]),
    [
      ['primary', true, 'UNAVAILABLE'],
      ['primary:s2', false, 'DEGRADED'],
      ['unopened', true, 'ACTIVE'],
      ['far', false, 'UNAVAILABLE'],
    ],
  );
  const member = (name: string, serial: string | null, health: ShownToken['health']) => {
    const { label, hosts, up } = token();
    return { name, serial, label, health, hosts, up };
  };
  const members = (...of: ReturnType<typeof member>[]) => token({ name: 'group', serial: 's1', members: of });
  t.deepEqual(
    otherTokens(
      [members(member('a', 's1', 'ACTIVE'), member('b', null, 'UNAVAILABLE'))],
      [members(member('first', 's1', 'DEGRADED'), member('b', 's2', 'ACTIVE'), member('c', 's3', 'ACTIVE'))],
    ).map(({ name, id, isOwn, health }) => [name, id, isOwn, health]),
    [
      ['group', 'a', true, 'DEGRADED'],
      ['group', 'b', true, 'ACTIVE'],
      ['group', 'c:s3', false, 'ACTIVE'],
    ],
    'of an HSM group each member',
  );
  t.deepEqual(withOthers([{ id: 'primary', model: 'HSM', healthStatus: 'ACTIVE' }], others.slice(0, 2)), [
    { id: 'primary', model: 'HSM', healthStatus: 'DEGRADED' },
    { id: 'primary:s2', model: 'HSM', healthStatus: 'DEGRADED' },
  ]);
});

test('a node has its id for good, and one that was killed as it wrote it is not left without', (t) => {
  const state = mkdtempSync(path.join(memoryDirectory(), 'holdfast-state-'));
  t.teardown(() => rmSync(state, { recursive: true, force: true }));
  const file = path.join(state, 'node-id');
  t.is(knownNodeId(state), undefined);
  const id = nodeIdOf(state);
  t.regex(id, /^[\da-f-]{36}$/);
  t.is(nodeIdOf(state), id);
  t.is(statSync(file).mode & 0o777, 0o600);
  writeFileSync(file, '');
  writeFileSync(`${file}.new`, 'cut off');
  t.is(knownNodeId(state), undefined);
  const another = nodeIdOf(state);
  t.not(another, id);
  t.is(knownNodeId(state), another);
  t.false(existsSync(`${file}.new`));
});
