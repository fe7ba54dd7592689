import { KeptLease } from '../../src/fleet/leases.ts';
import { drainNode, removeNode, undrainNode } from '../../src/fleet/node-acts.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import test, { type ExecutionContext } from 'ava';
import {
  aheadOfLastSign,
  clockCompared,
  isUp,
  livesElsewhere,
  showNode,
  stateOf,
  type NodeSign,
} from '../../src/fleet/nodes.ts';
import { shownOf, type ShownDatabase, type ShownToken } from '../../src/fleet/shown-node.ts';
import type { Store } from '../../src/store/store.ts';
import { otherTokens } from '../../src/node/node-signs.ts';
import { together, withOthers } from '../../src/xks/fleet-tokens.ts';
import type { VaultContext } from '../../src/vault/context.ts';
import { newStore, type databases } from '../../testing/stores.ts';

/* What nodes show of themselves, and what they see of the others. */

const token = (facts: Partial<ShownToken> = {}): ShownToken => ({
  ...{ name: 'primary', serial: 's1', label: 'l1', model: 'HSM', health: 'ACTIVE', hosts: 2, up: 2 },
  ...facts,
});

class Nodes {
  readonly store: Store;
  readonly #database: ShownDatabase;
  at = Date.parse('2027-01-01T00:00:00.000Z');

  constructor(store: Store, kind: ShownDatabase['kind']) {
    this.store = store;
    this.#database = { kind, durability: kind === 'sqlite' ? null : 'single', problems: [] };
  }

  get context(): VaultContext {
    return { store: this.store, now: () => new Date(this.at) } as unknown as VaultContext;
  }

  async show(id: string, facts: Partial<NodeSign> = {}) {
    const sign = {
      ...{ id, hostname: `host-${id}`, version: '1', start: `${id}/1`, again: true, ends: false },
      ...{ startedAt: new Date(this.at).toISOString(), tokens: [token()], ...facts },
    };
    return showNode(this.store, sign, this.#database, () => new Date(this.at));
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
    // The clock of the test is not the server's.
    t.is(shown?.clockOffset === null, kind === 'SQLite');
    if (kind === 'PostgreSQL') t.true(Math.abs((shown?.clockOffset ?? 0) - (nodes.at - Date.now())) < 60_000);
    nodes.at += 60_001;
    t.like(await nodes.show('a'), { live: 1, tokens: [], twin: undefined });
    t.is(stateOf(await nodes.row('b'), new Date(nodes.at)), 'DOWN');
    t.like(await nodes.show('b'), { live: 2 });
    await nodes.show('b', { ends: true });
    t.is(stateOf(await nodes.row('b'), new Date(nodes.at)), 'DOWN', 'at once, where it was stopped');
    t.like(await nodes.show('a'), { live: 1 });
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
    const from = async (hostname: string, watched: number) =>
      livesElsewhere(nodes.store, { id: 'a', hostname, now: () => new Date(nodes.at) }, watched);
    t.is(await from('copy', 10_000), undefined, 'there is none');
    await nodes.show('a');
    t.is(await from('host-a', 10_000), undefined, 'it was killed here');
    t.is(await from('copy', 40), undefined, 'it was killed there, and shows itself no more');
    const ended = new AbortController();
    const watching = from('copy', 1_000).finally(() => ended.abort());
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
  const of = (instance: string): VaultContext => ({
    ...nodes.context,
    now: () => new Date(nodes.at),
    instance,
  });
  const act = () => systemAct(of('test/1'), 'test');
  await nodes.show('a');
  await t.throwsAsync(drainNode(nodes.context, act(), 'a'), { message: /no node but host-a is up/ });
  await t.throwsAsync(drainNode(nodes.context, act(), 'gone'), { message: /no node of this database/ });
  await nodes.show('b');
  const [a, b] = [new KeptLease(of('a/1'), 'schedules'), new KeptLease(of('b/1'), 'schedules')];
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
  t.true(isUp(row, new Date('2027-01-01T00:00:02.000Z')));
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
  t.deepEqual(withOthers([{ id: 'primary', model: 'HSM', healthStatus: 'ACTIVE' }], others.slice(0, 2)), [
    { id: 'primary', model: 'HSM', healthStatus: 'DEGRADED' },
    { id: 'primary:s2', model: 'HSM', healthStatus: 'DEGRADED' },
  ]);
});
