import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestNode } from '../testing/test-node.ts';
import { Acts, hurried, unhurried, type Key } from './acts.ts';
import { Fleet, keySetName } from './fleet.ts';
import { Load, type Door } from './load.ts';
import { Management } from './management.ts';
import { companions, losing, lossOfAcknowledged, nemeses, type NemesisName } from './nemeses.ts';
import { Random } from '../testing/random.ts';
import type { History } from './recorder.ts';

export interface Settings {
  seed: number;
  /** So long faults are made, at the most. */
  seconds: number;
  /** Where so many are asked for, keys are disabled and enabled one after another, and it ends once as many disables were acknowledged. */
  disables?: number;
  /** Where so many faults are asked for, it ends with the last of them, and requests go to each node itself. */
  faults?: number;
  nodes: number;
  connections: number;
  /** Between two requests of one connection, on average, milliseconds. */
  every: number;
  /** Milliseconds that a fault lasts at the most. */
  longest: number;
  /** Of these, drawn by the seed; each of them once before any comes twice. */
  nemeses: readonly NemesisName[];
  /** What the nodes print is written there. */
  directory: string;
  print: (line: string) => void;
}

/** A fleet under load, acts and faults; resolves once all of it is in the history, and nothing runs any more. */
export async function run(settings: Settings, history: History): Promise<void> {
  const fleet = await Fleet.start(settings.nodes);
  try {
    await new Run(settings, history, fleet).play();
  } finally {
    await fleet.dispose();
    for (const [index, { output }] of fleet.nodes.entries())
      writeFileSync(path.join(settings.directory, `node-${index + 1}.log`), output, { mode: 0o600 });
  }
}

/** A node looks at the history of the store every ten seconds, milliseconds. */
const noticing = 15_000;

class Run {
  readonly #settings: Settings;
  readonly #history: History;
  readonly #fleet: Fleet;

  constructor(settings: Settings, history: History, fleet: Fleet) {
    this.#settings = settings;
    this.#history = history;
    this.#fleet = fleet;
  }

  async play(): Promise<void> {
    const { connections, every, print, nodes, disables, faults } = this.#settings;
    const { access, keys } = await this.#fleet.makeKeys(6);
    const management = await Management.signIn(this.#fleet.nodes);
    const ids = await this.#idsOf(keys);
    const { ca } = this.#fleet;
    const load = new Load(this.#doors, access, this.#history, { ca, connections, every });
    for (const key of keys) load.add(key);
    const pace = (disables ?? faults) === undefined ? unhurried : hurried;
    const acts = new Acts(management, this.#history, new Random(this.#settings.seed + 1), { nodes, pace });
    print(`${nodes} nodes, ${connections} connections, ${keys.length} keys are up`);
    load.start();
    // The last key is never disabled: that it is served says most about errors.
    const acting = ids.slice(0, -1).map(async (key) => acts.keepOn(key));
    const made = await this.#strike(acts, load, management);
    acts.stop();
    await Promise.all(acting);
    print('all faults are mended: each key must serve again, and each ciphertext must open');
    await this.#recover(acts, [...ids, ...made]);
    await load.stop();
    await load.checkAll();
    load.close();
    await this.#count();
    await this.#readTrail();
  }

  /** One fault after another, and now and then a new key. Resolves with the keys. */
  async #strike(acts: Acts, load: Load, management: Management): Promise<Key[]> {
    const { seed, seconds, disables = Infinity, faults = Infinity } = this.#settings;
    const random = new Random(seed);
    const until = this.#history.now() + seconds * 1000;
    const keySetId = await this.#keySetId();
    const creating: Promise<Key | undefined>[] = [];
    let left: NemesisName[] = [];
    let struck = 0;
    await delay(500);
    while (this.#history.now() < until && acts.disables < disables && struck < faults) {
      if (left.length === 0) left = [...this.#settings.nemeses];
      const [fault] = left.splice(random.between(0, left.length - 1), 1);
      if (fault === undefined) break;
      // What is made while it will be lost is made for nothing.
      if (fault === lossOfAcknowledged) await Promise.all(creating);
      else creating.push(acts.create(keySetId, `made-${creating.length}`));
      struck++;
      const began = this.#history.now();
      const made = await this.#make(fault, random);
      const lost = made.find((name) => losing.includes(name));
      if (lost !== undefined) await this.#decideOnLosses(management, began, lost === lossOfAcknowledged);
      this.#history.add({ type: 'trouble', began, ended: this.#history.now() });
      await delay(random.between(100, this.#longestPeace));
    }
    const keys = (await Promise.all(creating)).filter((key) => key !== undefined);
    for (const { externalKeyId } of keys) load.add(externalKeyId);
    return keys;
  }

  /** Alone, or as often at the same time as another that goes with it. */
  async #make(fault: NemesisName, random: Random): Promise<NemesisName[]> {
    const { nemeses: all, longest, print } = this.#settings;
    const others = companions(fault, all);
    const second = others.length > 0 && random.between(0, 1) === 1 ? [random.pick(others)] : [];
    await Promise.all(
      [fault, ...second].map(async (name) => {
        const tell = (what: string) => {
          this.#history.add({ type: 'fault', at: this.#history.now(), fault: name, what });
          print(`${(this.#history.now() / 1000).toFixed(1).padStart(6)} s  ${name}: ${what}`);
        };
        // Each draws for itself, so that what the other waits for changes nothing.
        const own = new Random(random.between(0, 2 ** 31));
        await nemeses[name]({ fleet: this.#fleet, random: own, tell, longest });
      }),
    );
    return [fault, ...second];
  }

  /** As a person would, who is told: all that was taken away is taken away again. For as long as a node may take to notice. */
  async #decideOnLosses(management: Management, since: number, ofAcknowledged: boolean): Promise<void> {
    const { nodes, print } = this.#settings;
    let found = 0;
    for (const until = this.#history.now() + noticing; this.#history.now() < until; await delay(500))
      for (let node = 0; node < nodes; node++)
        try {
          const open = await management.openLosses(node);
          if (open > 0 && (await management.applyLosses(node))) found += open;
        } catch {
          // Another node is asked.
        }
    if (found > 0) print(`         ${found} changes were lost, and decided on`);
    if (found > 0 || ofAcknowledged)
      this.#history.add({ type: 'loss', since, ended: this.#history.now(), ofAcknowledged });
  }

  /** Between two faults, milliseconds: long enough to see what an act takes without one, where acts are counted. */
  get #longestPeace(): number {
    if (this.#settings.faults !== undefined) return 400;
    return this.#settings.disables === undefined ? 1_500 : 5_000;
  }

  get #doors(): Door[] {
    const { haproxy, nodes, lives } = this.#fleet;
    if (this.#settings.faults === undefined) return [{ port: haproxy.port }];
    // From another address than HAProxy's, which is asked for the PROXY protocol.
    return nodes.map(({ port }, index) => ({ port, source: '127.0.0.2', life: () => lives.of(index) }));
  }

  /** Until every node is found well and every key is enabled. */
  async #recover(acts: Acts, keys: readonly Key[]): Promise<void> {
    await this.#fleet.haproxy.sees(this.#settings.nodes);
    for (const key of keys) {
      const until = this.#history.now() + 60_000;
      while ((await acts.act('enable', key)) !== 'acknowledged') {
        if (this.#history.now() > until) throw new Error(`${key.externalKeyId} cannot be enabled again`);
        await delay(200);
      }
    }
  }

  async #keySetId(): Promise<string> {
    return this.#firstNode.withStore(async (vault) => (await vault.keySet(keySetName)).id);
  }

  async #idsOf(keys: readonly string[]): Promise<Key[]> {
    return this.#firstNode.withStore(async (vault) =>
      Promise.all(
        keys.map(async (externalKeyId) => ({ externalKeyId, id: (await vault.key(externalKeyId)).id })),
      ),
    );
  }

  async #count(): Promise<void> {
    const rows = await this.#firstNode.withStore(async ({ vaultContext }) =>
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
    const rows = await this.#firstNode.withStore(async ({ vaultContext }) =>
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

  get #firstNode(): TestNode {
    const [node] = this.#fleet.nodes;
    if (node === undefined) throw new Error('there is no node');
    return node;
  }
}
