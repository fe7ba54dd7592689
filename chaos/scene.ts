import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Key } from './acts.ts';
import { Fleet, type FleetDatabase, type FleetOptions } from './fleet.ts';
import type { RequestEntry } from './history.ts';
import type { History } from './recorder.ts';
import { Stage, type StageOptions } from './stage.ts';

/** Of what is waited for, milliseconds: it does not come any more then. */
const patience = 60_000;

/** A fleet on its stage, whose faults last until what is judged by them has happened, however long a busy machine needs for it. */
export class Scene<D extends FleetDatabase = FleetDatabase> {
  readonly fleet: Fleet<D>;
  readonly stage: Stage;
  readonly history: History;
  /** Disabled while a fault lasts, and not else. */
  readonly key: Key;

  constructor(fleet: Fleet<D>, stage: Stage, history: History) {
    this.fleet = fleet;
    this.stage = stage;
    this.history = history;
    const [key] = stage.keys;
    if (key === undefined) throw new Error('there is no key');
    this.key = key;
  }

  /** Notes a fault on the node that has this place. */
  tell(fault: string, index: number): void {
    this.history.add({ type: 'fault', at: this.history.now(), fault, what: `node-${index + 1}` });
  }

  /** Acts are sent to other nodes than the one that has this place, while `work` lasts. */
  async without<T>(index: number | undefined, work: () => Promise<T>): Promise<T> {
    const { acts } = this.stage;
    const all = acts.among;
    acts.among = all.filter((other) => other !== index);
    try {
      return await work();
    } finally {
      acts.among = all;
    }
  }

  /**
   * The key is disabled, by any node but `without`; once that is acknowledged a request for it is answered, by the node `answeredBy` where
   * that is told; and it is enabled again.
   */
  async disableMeanwhile({
    without,
    answeredBy,
  }: { without?: number; answeredBy?: number } = {}): Promise<void> {
    await this.without(without, async () => {
      await this.acknowledged('disable');
      await this.answeredForKey(answeredBy);
      await this.acknowledged('enable');
    });
  }

  async acknowledged(act: 'disable' | 'enable'): Promise<void> {
    const until = this.history.now() + patience;
    while ((await this.stage.acts.act(act, this.key)) !== 'acknowledged') {
      if (this.history.now() > until) throw new Error(`no ${act} is acknowledged`);
      await delay(50);
    }
  }

  /** The node serves, by the worker that it has now. */
  async served(index: number): Promise<void> {
    await this.answered(({ result, life }) => result === 'success' && life === this.fleet.lives.of(index));
  }

  /** So many requests for the key are answered, whatever with; by the node `index` where that is told. */
  async answeredForKey(index?: number, count = 1): Promise<void> {
    await this.answered(
      ({ key, status, life }) =>
        key === this.key.externalKeyId &&
        status !== 0 &&
        (index === undefined || life === this.fleet.lives.of(index)),
      count,
    );
  }

  /** So many requests that begin from now on are answered so. */
  async answered(fits: (request: RequestEntry) => boolean, count = 1): Promise<void> {
    const since = this.history.now();
    const { entries } = this.history;
    let left = count;
    for (let seen = entries.length; this.history.now() < since + patience; await delay(10)) {
      const news = entries.slice(seen);
      seen += news.length;
      for (const entry of news) if (entry.type === 'request' && entry.began >= since && fits(entry)) left--;
      if (left <= 0) return;
    }
    throw new Error('no request is answered as it must be');
  }
}

export interface SceneSettings {
  fleet: Omit<FleetOptions, 'plain'>;
  stage: Omit<StageOptions, 'direct'>;
  /** Places of the first and after the last of the keys that are disabled and enabled by themselves, among those of the stage. */
  acting: readonly [number, number];
  /** What the nodes print is written there; nowhere without it. */
  logs?: string;
}

/** Has a small fleet over this database, which is stopped with it, and asks of it at the end what is asked of each. */
export async function playScene<D extends FleetDatabase>(
  database: D,
  { fleet: options, stage: stageOptions, acting, logs }: SceneSettings,
  history: History,
  play: (scene: Scene<D>) => Promise<void>,
): Promise<void> {
  const fleet = await Fleet.start(database, { ...options, plain: true });
  try {
    const stage = await Stage.set(fleet, history, { ...stageOptions, direct: true });
    try {
      const scene = new Scene(fleet, stage, history);
      stage.begin(stage.keys.slice(...acting));
      for (const index of fleet.nodes.keys()) await scene.served(index);
      await play(scene);
      await stage.end([]);
    } finally {
      await stage.leave();
    }
  } finally {
    await fleet.dispose();
    if (logs !== undefined)
      for (const [index, { output }] of fleet.nodes.entries())
        writeFileSync(path.join(logs, `node-${index + 1}.log`), output, { mode: 0o600 });
  }
}
