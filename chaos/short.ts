import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../testing/random.ts';
import { childrenOf } from '../testing/test-node.ts';
import { hurried, type Key } from './acts.ts';
import { Database } from './database.ts';
import { Fleet, sendSignal } from './fleet.ts';
import type { RequestEntry } from './history.ts';
import { killOne, serveAgain } from './kill.ts';
import type { History } from './recorder.ts';
import { Stage } from './stage.ts';

/*
 * The short form, which `make test` plays: two nodes over one PostgreSQL, and each of a few faults once. A node is away, or cut off, until a
 * disable was acknowledged meanwhile and requests came after that, however long a busy machine needs for it; after a worker was replaced, and the
 * database started again, the same comes next. So what is judged has always happened.
 */

/** Of what is waited for, milliseconds: it does not come any more then. */
const patience = 60_000;

export async function playShort(seed: number, history: History): Promise<void> {
  const fleet = await Fleet.start(await Database.startAlone(), { nodes: 2, lease: 2, plain: true });
  try {
    const stage = await Stage.set(fleet, history, {
      ...{ seed, keys: 4, connections: 4, every: 80, pace: hurried, direct: true },
    });
    try {
      await new Short(fleet, stage, history).play(new Random(seed));
    } finally {
      await stage.leave();
    }
  } finally {
    await fleet.dispose();
  }
}

/** On the node that has this place. */
type Fault = (short: Short, index: number) => Promise<void>;

export const shortFaults = {
  'a worker is killed': async (short, index) => {
    await killOne(short.fleet, index, 'worker');
    await short.disableMeanwhile();
  },

  'a node loses power': async (short, index) => {
    const { fleet } = short;
    const node = fleet.node(index);
    const pids = [node.pid, ...childrenOf(node.pid)];
    fleet.lives.end(index);
    for (const pid of pids) sendSignal(pid, 'SIGKILL');
    await short.disableMeanwhile({ without: index });
    await serveAgain(fleet, node, pids);
    fleet.lives.begin(index);
  },

  'a node is cut off from the database': async (short, index) => {
    await short.fleet.turnWires([index], 'cut');
    await short.disableMeanwhile({ without: index, answeredBy: index });
    await short.fleet.turnWires([index], 'open');
  },

  'the database restarts': async (short) => {
    const { primary } = short.fleet.database;
    await primary.stop('crash');
    await primary.start();
    await short.disableMeanwhile();
  },
} as const satisfies Record<string, Fault>;

class Short {
  readonly fleet: Fleet<Database>;
  readonly #stage: Stage;
  readonly #history: History;
  /** Disabled while a fault lasts, and not else. */
  readonly #key: Key;

  constructor(fleet: Fleet<Database>, stage: Stage, history: History) {
    this.fleet = fleet;
    this.#stage = stage;
    this.#history = history;
    const [key] = stage.keys;
    if (key === undefined) throw new Error('there is no key');
    this.#key = key;
  }

  async play(random: Random): Promise<void> {
    this.#stage.begin(this.#stage.keys.slice(1, -1));
    for (const index of this.fleet.nodes.keys()) await this.#served(index);
    const left = Object.entries<Fault>(shortFaults);
    while (left.length > 0) {
      const [next] = left.splice(random.between(0, left.length - 1), 1);
      if (next === undefined) break;
      const [fault, make] = next;
      const index = random.between(0, this.fleet.nodes.length - 1);
      this.#history.add({ type: 'fault', at: this.#history.now(), fault, what: `node-${index + 1}` });
      await make(this, index);
      for (const place of this.fleet.nodes.keys()) await this.#served(place);
    }
    await this.#stage.end([]);
  }

  /**
   * A key is disabled, by any node but `without`; once that is acknowledged a request for it is answered, by the node `answeredBy` where
   * that is told; and it is enabled again.
   */
  async disableMeanwhile({
    without,
    answeredBy,
  }: { without?: number; answeredBy?: number } = {}): Promise<void> {
    const { acts } = this.#stage;
    const all = acts.among;
    acts.among = all.filter((index) => index !== without);
    await this.#acknowledged('disable');
    await this.#answered(
      ({ key, status, life }) =>
        key === this.#key.externalKeyId &&
        status !== 0 &&
        (answeredBy === undefined || life === this.fleet.lives.of(answeredBy)),
    );
    await this.#acknowledged('enable');
    acts.among = all;
  }

  async #acknowledged(act: 'disable' | 'enable'): Promise<void> {
    const until = this.#history.now() + patience;
    while ((await this.#stage.acts.act(act, this.#key)) !== 'acknowledged') {
      if (this.#history.now() > until) throw new Error(`no ${act} is acknowledged`);
      await delay(50);
    }
  }

  /** The node serves, by the worker that it has now. */
  async #served(index: number): Promise<void> {
    await this.#answered(({ result, life }) => result === 'success' && life === this.fleet.lives.of(index));
  }

  /** By a request that begins from now on. */
  async #answered(fits: (request: RequestEntry) => boolean): Promise<void> {
    const since = this.#history.now();
    const { entries } = this.#history;
    for (let seen = entries.length; this.#history.now() < since + patience; await delay(10)) {
      const news = entries.slice(seen);
      seen += news.length;
      if (news.some((entry) => entry.type === 'request' && entry.began >= since && fits(entry))) return;
    }
    throw new Error('no request is answered as it must be');
  }
}
