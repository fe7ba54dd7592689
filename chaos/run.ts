import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../testing/random.ts';
import { hurried, unhurried, type Key } from './acts.ts';
import type { Nemesis } from './blow.ts';
import type { Fleet, FleetDatabase } from './fleet.ts';
import { decideOnLosses } from './losses.ts';
import { companions, losing, lossOfAcknowledged } from './nemeses.ts';
import type { History } from './recorder.ts';
import { Stage } from './stage.ts';

export interface Settings<D extends FleetDatabase> {
  seed: number;
  /** So long faults are made, at the most. */
  seconds: number;
  /** Where so many are asked for, keys are disabled and enabled one after another, and it ends once as many disables were acknowledged. */
  disables?: number;
  /** Where so many faults are asked for, it ends with the last of them, and requests go to each node itself. */
  faults?: number;
  connections: number;
  /** Between two requests of one connection, on average, milliseconds. */
  every: number;
  /** Milliseconds that a fault lasts at the most. */
  longest: number;
  /** By their names; of these, drawn by the seed; each of them once before any comes twice. */
  nemeses: Readonly<Record<string, Nemesis<D>>>;
  /** What the nodes print is written there. */
  directory: string;
  print: (line: string) => void;
}

/** A fleet under load, acts and faults; resolves once all of it is in the history, and nothing of the fleet runs any more. */
export async function run<D extends FleetDatabase>(
  fleet: Fleet<D>,
  settings: Settings<D>,
  history: History,
): Promise<void> {
  try {
    await new Run(fleet, settings, history).play();
  } finally {
    await fleet.dispose();
    for (const [index, { output }] of fleet.nodes.entries())
      writeFileSync(path.join(settings.directory, `node-${index + 1}.log`), output, { mode: 0o600 });
  }
}

class Run<D extends FleetDatabase> {
  readonly #settings: Settings<D>;
  readonly #history: History;
  readonly #fleet: Fleet<D>;

  constructor(fleet: Fleet<D>, settings: Settings<D>, history: History) {
    this.#settings = settings;
    this.#history = history;
    this.#fleet = fleet;
  }

  async play(): Promise<void> {
    const { seed, connections, every, print, disables, faults } = this.#settings;
    const pace = (disables ?? faults) === undefined ? unhurried : hurried;
    const direct = faults !== undefined;
    const stage = await Stage.set(this.#fleet, this.#history, {
      ...{ seed, keys: 6, connections, every, pace, direct },
    });
    print(`${this.#fleet.nodes.length} nodes, ${connections} connections, ${stage.keys.length} keys are up`);
    stage.begin();
    const made = await this.#strike(stage);
    await stage.endActs();
    print('all faults are mended: each key must serve again, and each ciphertext must open');
    await stage.end(made);
  }

  /** One fault after another, and now and then a new key. Resolves with the keys. */
  async #strike(stage: Stage): Promise<Key[]> {
    const { acts, load } = stage;
    const { seed, seconds, disables = Infinity, faults = Infinity, nemeses } = this.#settings;
    const random = new Random(seed);
    const until = this.#history.now() + seconds * 1000;
    const keySetId = await stage.keySetId();
    const creating: Promise<Key | undefined>[] = [];
    let left: string[] = [];
    let struck = 0;
    await delay(500);
    while (this.#history.now() < until && acts.disables < disables && struck < faults) {
      if (left.length === 0) left = Object.keys(nemeses);
      const [fault] = left.splice(random.between(0, left.length - 1), 1);
      if (fault === undefined) break;
      // What is made while it will be lost is made for nothing.
      if (fault === lossOfAcknowledged) await Promise.all(creating);
      else creating.push(acts.create(keySetId, `made-${creating.length}`));
      struck++;
      const began = this.#history.now();
      const made = await this.#make(fault, random);
      const lost = made.find((name) => losing.includes(name));
      if (lost !== undefined) await this.#decideOnLosses(stage, began, lost === lossOfAcknowledged);
      this.#history.add({ type: 'trouble', began, ended: this.#history.now() });
      await delay(random.between(100, this.#longestPeace));
    }
    const keys = (await Promise.all(creating)).filter((key) => key !== undefined);
    for (const { externalKeyId } of keys) load.add(externalKeyId);
    return keys;
  }

  /** Alone, or as often at the same time as another that goes with it. */
  async #make(fault: string, random: Random): Promise<string[]> {
    const { nemeses, longest, print } = this.#settings;
    const others = companions(fault, Object.keys(nemeses));
    const second = others.length > 0 && random.between(0, 1) === 1 ? [random.pick(others)] : [];
    const [fleet, history] = [this.#fleet, this.#history];
    await Promise.all(
      [fault, ...second].map(async (name) => {
        const tell = (what: string) => {
          history.add({ type: 'fault', at: history.now(), fault: name, what });
          print(`${(history.now() / 1000).toFixed(1).padStart(6)} s  ${name}: ${what}`);
        };
        // Each draws for itself, so that what the other waits for changes nothing.
        const own = new Random(random.between(0, 2 ** 31));
        await nemeses[name]?.({ fleet, history, random: own, tell, longest });
      }),
    );
    return [fault, ...second];
  }

  async #decideOnLosses({ management }: Stage, since: number, ofAcknowledged: boolean): Promise<void> {
    const loss = { since, ofAcknowledged };
    const found = await decideOnLosses(this.#fleet, management, this.#history, loss);
    if (found > 0) this.#settings.print(`         ${found} changes were lost, and decided on`);
  }

  /** Between two faults, milliseconds: long enough to see what an act takes without one, where acts are counted. */
  get #longestPeace(): number {
    if (this.#settings.faults !== undefined) return 400;
    return this.#settings.disables === undefined ? 1_500 : 5_000;
  }
}
