import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../testing/random.ts';
import type { TestNode } from '../testing/test-node.ts';
import { Acts, type Key, type Pace } from './acts.ts';
import { keySetName, type Fleet, type FleetDatabase } from './fleet.ts';
import { Load, type Door } from './load.ts';
import { Management } from './management.ts';
import type { History } from './recorder.ts';

export interface StageOptions {
  seed: number;
  /** The last of them is never disabled: that it is served says most about errors. */
  keys: number;
  connections: number;
  /** Between two requests of one connection, on average, milliseconds. */
  every: number;
  pace: Pace;
  /** Requests go to the nodes themselves, so that it is known which XKS worker answers. */
  direct: boolean;
}

/** A fleet with its keys, under requests and acts; how that begins, and what is asked of it once the last fault is mended. */
export class Stage {
  readonly fleet: Fleet<FleetDatabase>;
  readonly management: Management;
  readonly acts: Acts;
  readonly load: Load;
  readonly keys: readonly Key[];
  readonly #history: History;
  #acting: Promise<void>[] = [];

  private constructor(
    fleet: Fleet<FleetDatabase>,
    history: History,
    parts: { management: Management; acts: Acts; load: Load; keys: readonly Key[] },
  ) {
    this.fleet = fleet;
    this.#history = history;
    this.management = parts.management;
    this.acts = parts.acts;
    this.load = parts.load;
    this.keys = parts.keys;
  }

  static async set(
    fleet: Fleet<FleetDatabase>,
    history: History,
    { seed, keys: count, connections, every, pace, direct }: StageOptions,
  ): Promise<Stage> {
    const { access, keys: names } = await fleet.makeKeys(count);
    const management = await Management.signIn(fleet.nodes);
    const keys = await idsOf(fleet, names);
    const { ca } = fleet;
    const load = new Load(doorsOf(fleet, direct), access, history, { ca, connections, every });
    for (const name of names) load.add(name);
    const acts = new Acts(management, history, new Random(seed + 1), { nodes: fleet.nodes.length, pace });
    return new Stage(fleet, history, { management, acts, load, keys });
  }

  /** These keys are disabled and enabled from now on. */
  begin(acting: readonly Key[] = this.keys.slice(0, -1)): void {
    this.load.start();
    this.#acting = acting.map(async (key) => this.acts.keepOn(key));
  }

  async keySetId(): Promise<string> {
    return firstOf(this.fleet).withStore(async (vault) => (await vault.keySet(keySetName)).id);
  }

  /** No act is sent any more, and none is under way. */
  async endActs(): Promise<void> {
    this.acts.stop();
    await Promise.all(this.#acting.splice(0));
  }

  /** It came to no end: nothing is asked any more. */
  async leave(): Promise<void> {
    await this.endActs();
    await this.load.stop();
    this.load.close();
  }

  /** Each key must serve again, also those of `made`, and each ciphertext must open; what was counted and recorded is in the history then. */
  async end(made: readonly Key[]): Promise<void> {
    await this.endActs();
    await this.#recover([...this.keys, ...made]);
    await this.load.stop();
    await this.load.checkAll();
    this.load.close();
    await this.#count();
    await this.#readTrail();
  }

  /** Until every node is found well and every key is enabled. */
  async #recover(keys: readonly Key[]): Promise<void> {
    await this.fleet.untilFoundWell();
    for (const key of keys) {
      const until = this.#history.now() + 60_000;
      while ((await this.acts.act('enable', key)) !== 'acknowledged') {
        if (this.#history.now() > until) throw new Error(`${key.externalKeyId} cannot be enabled again`);
        await delay(200);
      }
    }
  }

  async #count(): Promise<void> {
    const rows = await firstOf(this.fleet).withStore(async ({ vaultContext }) =>
      vaultContext.store.db
        .selectFrom('key_versions')
        .innerJoin('cloud_keys', 'cloud_keys.id', 'key_versions.cloud_key_id')
        .select(['cloud_keys.external_key_id', 'key_versions.version', 'key_versions.encryptions_leased'])
        .execute(),
    );
    for (const { external_key_id: key, version, encryptions_leased: leased } of rows)
      this.#history.add({ type: 'count', key, version, leased });
  }

  async #readTrail(): Promise<void> {
    const rows = await firstOf(this.fleet).withStore(async ({ vaultContext }) =>
      vaultContext.store.db
        .selectFrom('audit_events')
        .innerJoin('cloud_keys', 'cloud_keys.id', 'audit_events.target_id')
        .select(['external_key_id', 'action', 'request_id'])
        .where('target_kind', '=', 'cloud-key')
        .where('request_id', '<>', '')
        .execute(),
    );
    for (const { external_key_id: key, action, request_id: request } of rows)
      this.#history.add({ type: 'event', key, action, request });
  }
}

function firstOf({ nodes: [node] }: Pick<Fleet<FleetDatabase>, 'nodes'>): TestNode {
  if (node === undefined) throw new Error('there is no node');
  return node;
}

async function idsOf(fleet: Fleet<FleetDatabase>, names: readonly string[]): Promise<Key[]> {
  return firstOf(fleet).withStore(async (vault) =>
    Promise.all(
      names.map(async (externalKeyId) => ({ externalKeyId, id: (await vault.key(externalKeyId)).id })),
    ),
  );
}

function doorsOf({ haproxy, nodes, lives }: Fleet<FleetDatabase>, direct: boolean): Door[] {
  if (!direct && haproxy !== undefined) return [{ port: haproxy.port }];
  // From another address than HAProxy's, which is asked for the PROXY protocol.
  return nodes.map(({ port }, index) => ({ port, source: '127.0.0.2', life: () => lives.of(index) }));
}
