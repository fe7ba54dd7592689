import test, { type ExecutionContext } from 'ava';
import { drainNode, undrainNode } from '../../src/fleet/node-acts.ts';
import type { LoadedConfig } from '../../src/config/load.ts';
import { comesFor, HeldShares } from '../../src/fleet/held-shares.ts';
import { keepsAtLeast, showNode, type NodeSign } from '../../src/fleet/nodes.ts';
import { maxDemands, wholeQuota } from '../../src/fleet/quota-shares.ts';
import { shownOf, type ShownNode } from '../../src/fleet/shown-node.ts';
import { createLog } from '../../src/log.ts';
import { NodeSigns, sharesOf } from '../../src/node/node-signs.ts';
import { QuotaLedger, settlesAfter, type QuotaParts } from '../../src/serving/quota-ledger.ts';
import type { Store } from '../../src/store/store.ts';
import type { VaultContext } from '../../src/vault/context.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { newStore } from '../../testing/stores.ts';

/* What nodes keep in the store of their shares of the quotas, and what each lets through by that. */

const bucket = 'key-set:1';

interface Fleet {
  store: Store;
  kind: 'sqlite' | 'postgres';
  at: number;
}

async function fleetOn(t: ExecutionContext, kind: 'SQLite' | 'PostgreSQL'): Promise<Fleet> {
  const store = await newStore(kind);
  t.teardown(async () => store.close());
  return {
    ...{ store, kind: kind === 'SQLite' ? ('sqlite' as const) : ('postgres' as const) },
    at: Date.parse('2027-01-01T00:00:00.000Z'),
  };
}

async function show(fleet: Fleet, id: string, facts: Partial<NodeSign>): ReturnType<typeof showNode> {
  const sign = {
    ...{ id, hostname: `host-${id}`, version: '1', start: `${id}/1`, startedAt: '2027-01-01T00:00:00.000Z' },
    ...{ again: true, ends: false, tokens: [], serves: true, manages: true, boot: null, idle: true },
  };
  const database = { kind: fleet.kind, durability: null, problems: [] };
  const now = (): Date => new Date(fleet.at);
  return showNode(fleet.store, { ...sign, ...facts }, database, now, async () => 0);
}

/** A node, by the clock of the test. */
class Sharer {
  readonly demands = new Map<string, number>();
  /** When it did so last, and heard the answer. */
  shownAt = 0;
  readonly #fleet: Fleet;
  readonly #id: string;
  readonly #held: HeldShares;
  #parts: QuotaParts = { each: 0, of: new Map() };

  constructor(fleet: Fleet, id: string, { keeps = keepsAtLeast, fleetSize = 1 } = {}) {
    this.#fleet = fleet;
    this.#id = id;
    this.#held = new HeldShares({
      ...{
        fleetSize,
        keeps,
        settlesAfter,
        now: () => fleet.at,
        bootNow: () => fleet.at,
        demands: () => this.demands,
      },
      onParts: (parts) => {
        this.#parts = parts;
      },
    });
  }

  /** What it lets through of the quota; without a name of any that nobody tells of. */
  part(of = ''): number {
    return this.#parts.of.get(of) ?? this.#parts.each;
  }

  /** Shows itself; what it answers has the node hear the answer. */
  async shown(facts: Partial<NodeSign> = {}): Promise<() => number | undefined> {
    const { at } = this.#fleet;
    const { quotas, sent } = this.#held.sign();
    const { shares } = await show(this.#fleet, this.#id, { ...facts, quotas });
    return () => {
      this.shownAt = at;
      return shares && this.#held.heard(shares, sent);
    };
  }

  /** Answers when it is to show itself again. */
  async show(facts: Partial<NodeSign> = {}): Promise<number | undefined> {
    const hear = await this.shown(facts);
    return hear();
  }

  /** It tries to show itself, and the store is away. */
  isCutOff(): void {
    this.#held.lapse();
  }

  async claims(): Promise<ShownNode['quotas'] | undefined> {
    const { shown } = await this.#fleet.store.db
      .selectFrom('nodes')
      .select('shown')
      .where('id', '=', this.#id)
      .executeTakeFirstOrThrow();
    return shownOf({ shown })?.quotas;
  }
}

/** Each shows itself, and again when it wants to: after this each has heard what all the others had to tell. */
async function settle(fleet: Fleet, ...sharers: Sharer[]): Promise<void> {
  for (let round = 0; round < 3; round++) {
    for (const sharer of sharers) await sharer.show();
    fleet.at += settlesAfter;
  }
  fleet.at += keepsAtLeast / 4;
}

for (const kind of ['SQLite', 'PostgreSQL'] as const) {
  test(`${kind}: a node that comes lets an even share through, and what is its own once the others have given it up`, async (t) => {
    const fleet = await fleetOn(t, kind);
    const [a, b] = [new Sharer(fleet, 'a'), new Sharer(fleet, 'b')];
    t.is(a.part(), 0.5, 'it counts on another until it has heard of none');
    t.is(await a.show({ again: false }), undefined);
    t.is(a.part(), 1);
    t.is(await b.show({ again: false }), 2 * settlesAfter, 'it waits for the first');
    t.is(b.part(), 0.5, 'a load balancer sends it its part from now on');
    t.is(await a.show(), settlesAfter);
    t.is(a.part(), 0.5);
    t.is((await a.claims())?.each, wholeQuota, 'what its workers hold may be of the whole still');
    fleet.at += settlesAfter - 1;
    await a.show();
    await b.show();
    t.is((await b.claims())?.each, 0);
    fleet.at += 1;
    t.is(await a.show(), undefined);
    t.is((await a.claims())?.each, wholeQuota / 2);
    t.is(await b.show(), undefined);
    t.is(b.part(), 0.5);
    await b.show({ ends: true });
    await a.show();
    t.is(a.part(), 1, 'at once, where the other was stopped');
  });

  test(`${kind}: a node for which nobody makes room goes back to the floor`, async (t) => {
    const fleet = await fleetOn(t, kind);
    const [a, b] = [new Sharer(fleet, 'a'), new Sharer(fleet, 'b')];
    await a.show({ again: false });
    await b.show({ again: false });
    fleet.at += comesFor - 1;
    await b.show();
    t.is(b.part(), 0.5);
    fleet.at += 1;
    await b.show();
    t.is(b.part(), 0.0625);
  });

  test(`${kind}: shares follow what each node is asked for, of that quota alone, and come back`, async (t) => {
    const fleet = await fleetOn(t, kind);
    const [a, b] = [new Sharer(fleet, 'a'), new Sharer(fleet, 'b')];
    await settle(fleet, a, b);
    const told = Array.from({ length: maxDemands + 1 }, (_, key) => `cloud-key:${key}`);
    a.demands.set(bucket, 0.8);
    for (const key of told) b.demands.set(key, 0.5);
    b.demands.set(bucket, 0.2);
    await settle(fleet, a, b);
    t.deepEqual([a.part(bucket), b.part(bucket), a.part(), b.part()], [0.8, 0.2, 0.5, 0.5]);
    t.deepEqual(
      [b.part('cloud-key:0'), b.part(`cloud-key:${maxDemands}`)],
      [0.8888, 0.5],
      'too many to tell',
    );
    b.demands.clear();
    b.demands.set(bucket, 0.2);
    await settle(fleet, a, b);
    t.deepEqual([a.part(bucket), b.part(bucket), a.part(), b.part()], [0.8, 0.2, 0.5, 0.5]);
    t.like(await b.claims(), { each: wholeQuota / 2, listed: [{ bucket, share: 2000, demand: 2000 }] });
    a.demands.set(bucket, 3);
    await settle(fleet, a, b);
    t.deepEqual(
      [a.part(bucket), b.part(bucket)],
      [0.8, 0.2],
      'nobody gets what another asks for within its part',
    );
    a.demands.clear();
    b.demands.clear();
    await settle(fleet, a, b);
    await settle(fleet, a, b);
    t.deepEqual([a.part(bucket), b.part(bucket)], [0.5, 0.5]);
    t.deepEqual((await a.claims())?.listed, []);
    a.demands.set(bucket, 0.08);
    await settle(fleet, a, b);
    t.deepEqual([a.part(bucket), b.part(bucket)], [0.5, 0.5], 'what nobody needs stays where it is');
  });

  test(`${kind}: what a node held that was killed or is cut off is left to it for as long as it may use it`, async (t) => {
    const fleet = await fleetOn(t, kind);
    const keeps = 300_000;
    const [a, b] = [new Sharer(fleet, 'a'), new Sharer(fleet, 'b', { keeps })];
    await settle(fleet, a, b);
    await b.show();
    const { at } = fleet;
    for (; fleet.at < at + keeps + 20_000; fleet.at += 20_000) await a.show();
    await a.show();
    t.is(a.part(), 0.5);
    fleet.at += 1;
    await a.show();
    t.is(a.part(), 1);
    await b.show();
    t.is(b.part(), 0.5, 'it was cut off, and served on');
    await a.show();
    t.is(a.part(), 0.5);
  });

  test(`${kind}: after the database was away for all of them, each node has what it had`, async (t) => {
    const fleet = await fleetOn(t, kind);
    const [a, b] = [new Sharer(fleet, 'a'), new Sharer(fleet, 'b')];
    a.demands.set(bucket, 0.8);
    b.demands.set(bucket, 0.2);
    await settle(fleet, a, b);
    await settle(fleet, a, b);
    t.deepEqual([a.part(bucket), b.part(bucket)], [0.8, 0.2]);
    fleet.at += 600_000;
    a.isCutOff();
    b.isCutOff();
    t.deepEqual([a.part(bucket), b.part(bucket), a.part()], [0.5, 0.2, 0.5], 'no more than an even share');
    await a.show();
    t.deepEqual([a.part(bucket), a.part()], [0.8, 0.5], 'it takes nothing from the other, which is DOWN');
    await settle(fleet, a, b);
    t.deepEqual([a.part(bucket), b.part(bucket), a.part(), b.part()], [0.8, 0.2, 0.5, 0.5]);
  });

  test(`${kind}: a node of an older version takes an even share, and the newer ones divide the rest`, async (t) => {
    const fleet = await fleetOn(t, kind);
    const [a, b] = [new Sharer(fleet, 'a'), new Sharer(fleet, 'b')];
    await show(fleet, 'older', {});
    await settle(fleet, a, b);
    t.deepEqual([a.part(), b.part()], [0.3333, 0.3333]);
    await show(fleet, 'older', {});
    a.demands.set(bucket, 0.9);
    await a.show();
    t.is(a.part(bucket), 0.3333, 'the others have theirs still');
    await settle(fleet, a, b);
    t.deepEqual([a.part(bucket), b.part(bucket)], [0.625, 0.0416]);
    await show(fleet, 'older', { ends: true });
    await settle(fleet, a, b);
    t.deepEqual([a.part(bucket), b.part(bucket)], [0.935, 0.0649]);
  });
}

test('a quota is shared out among nodes that are asked: not one that is drained, unless something comes to it', async (t) => {
  const fleet = await fleetOn(t, 'PostgreSQL');
  const [a, b] = [new Sharer(fleet, 'a'), new Sharer(fleet, 'b')];
  const parts = { store: fleet.store, now: () => new Date(fleet.at), instance: 'test/1' };
  const context = parts as unknown as VaultContext;
  const act = () => systemAct(context, 'test');
  await settle(fleet, a, b);
  await drainNode(context, act(), 'a');
  await a.show({ idle: false });
  t.is(a.part(), 0.5, 'what comes all the same is let through');
  await settle(fleet, a, b);
  t.deepEqual([a.part(), b.part()], [0.125, 1]);
  t.is((await a.claims())?.each, 0);
  await undrainNode(context, act(), 'a');
  await settle(fleet, a, b);
  t.deepEqual([a.part(), b.part()], [0.5, 0.5]);
});

test('where more nodes are to share a quota than are up, the part of those that are missing is nobody’s', async (t) => {
  const fleet = await fleetOn(t, 'PostgreSQL');
  const [a, b] = [new Sharer(fleet, 'a', { fleetSize: 4 }), new Sharer(fleet, 'b', { fleetSize: 4 })];
  await settle(fleet, a, b);
  a.demands.set(bucket, 1);
  await settle(fleet, a, b);
  t.deepEqual([a.part(), b.part(), a.part(bucket), b.part(bucket)], [0.25, 0.25, 0.4688, 0.0312]);
});

test('an answer that comes after a node has given up what it held gives nothing of it back', async (t) => {
  const fleet = await fleetOn(t, 'PostgreSQL');
  const [a, b] = [new Sharer(fleet, 'a'), new Sharer(fleet, 'b')];
  await settle(fleet, a, b);
  a.demands.set(bucket, 0.8);
  await settle(fleet, a, b);
  t.is(a.part(bucket), 0.9275);
  const hear = await a.shown();
  fleet.at = a.shownAt + keepsAtLeast - 1;
  a.isCutOff();
  t.is(a.part(bucket), 0.9275);
  fleet.at += 1;
  a.isCutOff();
  t.is(a.part(bucket), 0.5);
  t.is(hear(), settlesAfter);
  t.is(a.part(bucket), 0.5);
  await a.show();
  t.is(a.part(bucket), 0.9275, 'the other has not taken it');
});

test('a supervisor lets through what its node holds: with a database its share, for as long as its workers may serve, with a file all', async (t) => {
  const fleet = await fleetOn(t, 'PostgreSQL');
  const ledger = new QuotaLedger({ part: 1, now: () => fleet.at });
  const lets = (of: string) =>
    ledger.answer(1, [
      {
        ...{ bucket: of, vaultId: 'v', rate: 160, burst: 160, revision: 1, need: 1000, ahead: false },
        ...{ lease: 0, used: 0, unused: 0, refused: 0 },
      },
    ])[0]?.granted;
  const config = (lease: number) =>
    ({ node: { fleet_size: 1 }, store: { kind: 'postgres', lease } }) as unknown as LoadedConfig;
  const held = sharesOf(config(15_000), ledger);
  t.is(lets('key-set:1'), 80);
  const { quotas, sent } = held?.sign() ?? {};
  t.is(quotas?.own.keeps, 40_000);
  const { shares } = await show(fleet, 'a', { quotas });
  if (shares && sent) held?.heard(shares, sent);
  t.is(lets('key-set:2'), 160);
  t.is(sharesOf(config(300_000), ledger)?.sign().quotas.own.keeps, 310_000);
  const file = { node: { fleet_size: 1 }, store: { kind: 'sqlite' } } as unknown as LoadedConfig;
  t.is(sharesOf(file, ledger), undefined);
});

test('while shares move, nodes show themselves sooner than they usually do', async (t) => {
  const { store, kind } = await fleetOn(t, 'PostgreSQL');
  const database = { kind, durability: null, problems: [] };
  const heard = new EventTarget();
  const nodes = ['a', 'b'].map((id) => {
    const node = { part: 0, live: 0, own: { tokens: [], serves: true, manages: true } };
    const hears = (facts: Partial<typeof node>) => {
      Object.assign(node, facts);
      heard.dispatchEvent(new Event('heard'));
    };
    const held = new HeldShares({
      ...{
        fleetSize: 1,
        keeps: keepsAtLeast,
        settlesAfter,
        now: () => performance.now(),
        bootNow: () => performance.now(),
      },
      demands: () => new Map(),
      onParts: ({ each }) => hears({ part: each }),
    });
    const signs = new NodeSigns({
      ...{ id, version: '1', alone: false, log: createLog('silent'), own: () => node.own, granted: () => 0 },
      writer: { show: async (sign) => showNode(store, sign, database, () => new Date()) },
      onFleet: ({ live }) => hears({ live }),
      shares: held,
    });
    t.teardown(async () => signs.end());
    return { node, signs };
  });
  const [a, b] = nodes;
  if (a === undefined || b === undefined) throw new Error('there are two');
  const until = async (comes: () => boolean) => {
    while (!comes()) await new Promise((resolve) => heard.addEventListener('heard', resolve, { once: true }));
  };
  a.signs.start();
  await until(() => a.node.part === 1);
  b.signs.start();
  await until(() => b.node.live === 2);
  a.node.own.manages = false;
  // Else it would hear of the other within ten seconds.
  a.signs.look();
  await until(() => a.node.part === 0.5);
  t.is(b.node.part, 0.5);
});
