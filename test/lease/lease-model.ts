import { Revocation, SilentHolders, type Holder } from '../../src/lease/revocation.ts';
import { SnapshotLease, type Clocks, type Renewal, type Started } from '../../src/lease/snapshot-lease.ts';

/*
 * A small world for the argument of docs/revocation.md: processes that serve one key from what they remember, one that disables and
 * enables it, a database that takes one transaction after another, messages that take their time, clocks that drift, machines
 * that are suspended. What happens next, and when, is drawn by who runs it. The leases are those of src/fleet/.
 */

/**
 * What somebody could get wrong, and by how much the seed is moved to look for it: it would be found without, some thousands of
 * histories later.
 */
export const bugs = {
  'the row of who joins and its first snapshot are one transaction': 3,
  'holders are read within the transaction that moves the epoch': 37,
  'the wait begins before the COMMIT has returned': 5,
  'acknowledged before the last holder': 11,
  'the lease is looked at only as a request begins': 0,
  'a lease begins when its renewal is answered': 15,
  'a renewal counts before the snapshot is new': 3,
  'a renewal that finds no row counts': 25,
  'clocks are thought not to drift': 23,
  'a suspended machine goes unnoticed': 5,
  'confirmed before what began is finished': 22,
  'a silent holder is removed whatever its term': 3,
} as const;

export type Bug = keyof typeof bugs;

/** Of a lease, milliseconds. */
const length = 1000;

const stepKinds = ['serve', 'begin', 'finish', 'revoke', 'sweep', 'suspend', 'wake', 'stop'] as const;

/** One thing that happens; `who` is a serving process. */
export interface Step {
  what: (typeof stepKinds)[number];
  who: number;
  /** So often, one right after the other. */
  times: number;
  /** Before it, milliseconds. */
  after: number;
}

/** Joining, renewing, loading and confirming. */
const stepsToServe = 7;

interface Row extends Holder {
  /** Another process's transaction sees it. */
  visible: boolean;
}

/** The store: what is committed. */
class Database {
  epoch = 0;
  enabled = true;
  rows = new Map<string, Row>();

  get visible(): Holder[] {
    return [...this.rows.values()].filter(({ visible }) => visible).map((row) => structuredClone(row));
  }
}

/** A machine's clocks against the true time. */
class Machine {
  readonly #rate: number;
  #asleep = 0;
  #since: number | undefined;

  constructor(rate: number) {
    this.#rate = rate;
  }

  get suspended(): boolean {
    return this.#since !== undefined;
  }

  suspend(now: number): void {
    this.#since ??= now;
  }

  wake(now: number): void {
    if (this.#since !== undefined) this.#asleep += now - this.#since;
    this.#since = undefined;
  }

  clocks(now: number): Clocks {
    return { monotonic: (now - this.#asleep) * this.#rate, boot: now * this.#rate };
  }
}

interface Request {
  began: number;
  started: Started;
}

/** A process that serves. Each `serve` is its next step of joining, renewing, loading or confirming. */
class Server {
  readonly machine: Machine;
  readonly #database: Database;
  readonly #bug: Bug | undefined;
  readonly #name: string;
  #lives = 0;
  #lease: SnapshotLease;
  #snapshot = { epoch: -1, enabled: false };
  request: Request | undefined;

  constructor(name: string, rate: number, database: Database, bug: Bug | undefined) {
    this.#name = name;
    this.machine = new Machine(rate);
    this.#database = database;
    this.#bug = bug;
    this.#lease = this.#newLease();
  }

  #newLease(): SnapshotLease {
    return this.#is('clocks are thought not to drift')
      ? new SnapshotLease(length, 0)
      : new SnapshotLease(length);
  }

  #is(bug: Bug): boolean {
    return this.#bug === bug;
  }

  get #id(): string {
    return `${this.#name}.${this.#lives}`;
  }

  clocks(now: number): Clocks {
    const clocks = this.machine.clocks(now);
    return this.#is('a suspended machine goes unnoticed') ? { ...clocks, boot: clocks.monotonic } : clocks;
  }

  /** Killed: what it was about to do is not done, and its row stays. Another is started in its place. */
  stop(): void {
    this.#joined = false;
    this.#lease = this.#newLease();
    this.#snapshot = { epoch: -1, enabled: false };
    this.request = undefined;
  }

  #joined = false;
  #stage: (now: number) => void = (now) => this.#join(now);

  serve(now: number): void {
    if (!this.#joined) this.#stage = (at) => this.#join(at);
    this.#stage(now);
  }

  #next(stage: (now: number) => void): void {
    this.#stage = stage;
  }

  #join(now: number): void {
    this.#joined = true;
    // An id is of one row alone.
    this.#lives++;
    const row: Row = { id: this.#id, epoch: -1, term: 0, mark: null, length, visible: true };
    if (this.#is('the row of who joins and its first snapshot are one transaction')) {
      // What it reads is of its beginning, and others see its row after its end.
      row.visible = false;
      this.#database.rows.set(row.id, row);
      const renewal = this.#lease.begin(this.clocks(now));
      const { epoch, enabled } = this.#database;
      this.#next(() => {
        row.visible = true;
        this.#snapshot = { epoch, enabled };
        this.#lease.loaded(epoch);
        this.#lease.renewed(renewal, epoch);
        this.#next((at) => this.#renew(at));
      });
      return;
    }
    this.#database.rows.set(row.id, row);
    this.#next((at) => this.#renew(at));
  }

  #renew(now: number): void {
    const late = this.#is('a lease begins when its renewal is answered');
    const renewal = this.#lease.begin(this.clocks(now));
    this.#next(() => this.#reachDatabase(late ? undefined : renewal));
  }

  #reachDatabase(renewal: Renewal | undefined): void {
    const row = this.#database.rows.get(this.#id);
    if (row !== undefined) row.term++;
    const { epoch } = this.#database;
    if (row === undefined && !this.#is('a renewal that finds no row counts')) {
      this.#next(() => {
        this.#lease.drop();
        this.#joined = false;
      });
      return;
    }
    this.#next((now) => {
      const done = this.#lease.renewed(renewal ?? this.#lease.begin(this.clocks(now)), epoch);
      if (done === 'behind' && this.#is('a renewal counts before the snapshot is new'))
        this.#lease.loaded(epoch);
      this.#next((at) => (done === 'behind' ? this.#load() : this.#renew(at)));
    });
  }

  #load(): void {
    const { epoch, enabled } = this.#database;
    this.#next(() => {
      this.#snapshot = { epoch, enabled };
      this.#lease.loaded(epoch);
      this.#next(() => this.#confirm());
    });
  }

  #confirm(): void {
    const row = this.#database.rows.get(this.#id);
    const all = this.#is('confirmed before what began is finished');
    const epoch = all ? this.#snapshot.epoch : this.#lease.confirmable;
    if (row !== undefined && epoch > row.epoch) row.epoch = epoch;
    const rest = epoch < this.#snapshot.epoch;
    this.#next((now) => (rest ? this.#confirm() : this.#renew(now)));
  }

  begin(now: number): void {
    if (this.request !== undefined || !this.#lease.isFresh(this.clocks(now)) || !this.#snapshot.enabled)
      return;
    this.request = { began: now, started: this.#lease.start() };
  }

  /** The moment at which it began, where it is answered with success. */
  finish(now: number): number | undefined {
    const { request } = this;
    if (request === undefined) return undefined;
    this.request = undefined;
    const fresh =
      this.#is('the lease is looked at only as a request begins') ||
      this.#lease.mayAnswer(request.started, this.clocks(now));
    this.#lease.end(request.started);
    return fresh ? request.began : undefined;
  }
}

/** Disables and enables in turn; each `revoke` is its next step. */
class Revoker {
  readonly #database: Database;
  readonly #bug: Bug | undefined;
  readonly #rate: number;
  #stage: (now: number) => void = (now) => this.#disable(now);
  /** A disable is acknowledged, and no enable has begun since. */
  acknowledgedAt: number | undefined;

  constructor(rate: number, database: Database, bug: Bug | undefined) {
    this.#rate = rate;
    this.#database = database;
    this.#bug = bug;
  }

  step(now: number): void {
    this.#stage(now);
  }

  #disable(asked: number): void {
    const early = this.#bug === 'holders are read within the transaction that moves the epoch';
    const within = early ? this.#database.visible : undefined;
    this.#stage = () => {
      this.#database.enabled = false;
      const epoch = ++this.#database.epoch;
      this.#stage = (returned) => {
        const from = this.#bug === 'the wait begins before the COMMIT has returned' ? asked : returned;
        this.#stage = () => {
          const rows = within ?? this.#database.visible;
          const drift = this.#bug === 'clocks are thought not to drift' ? 0 : undefined;
          const revocation = new Revocation(epoch, from * this.#rate, rows, drift);
          this.#stage = (now) => this.#wait(revocation, now);
        };
      };
    };
  }

  #wait(revocation: Revocation, now: number): void {
    revocation.saw(this.#database.visible);
    const { waiting, confirmed } = revocation.standing(now * this.#rate);
    const hasty = this.#bug === 'acknowledged before the last holder' && confirmed.length > 0;
    if (waiting.length > 0 && !hasty) return;
    this.acknowledgedAt = now;
    this.#stage = () => this.#enable();
  }

  #enable(): void {
    this.acknowledgedAt = undefined;
    this.#database.enabled = true;
    this.#database.epoch++;
    this.#stage = (now) => this.#disable(now);
  }
}

/** Removes those that were silent; each `sweep` is its next step. */
class Sweeper {
  readonly #database: Database;
  readonly #silent: SilentHolders;
  readonly #whatever: boolean;
  readonly #rate: number;

  constructor(rate: number, database: Database, bug: Bug | undefined) {
    this.#rate = rate;
    this.#database = database;
    this.#silent = bug === 'clocks are thought not to drift' ? new SilentHolders(0) : new SilentHolders();
    this.#whatever = bug === 'a silent holder is removed whatever its term';
  }

  #found: readonly { id: string; term: number }[] | undefined;

  step(now: number): void {
    const { rows } = this.#database;
    // Between looking and removing others go on.
    if (this.#found === undefined) {
      this.#found = this.#silent.silent(now * this.#rate);
      return;
    }
    for (const { id, term } of this.#found)
      if (this.#whatever || rows.get(id)?.term === term) rows.delete(id);
    this.#found = undefined;
    this.#silent.saw(this.#database.visible, now * this.#rate);
  }
}

export interface Run {
  /** What must not be: a success that was answered after a disable was acknowledged, in words. */
  wrong: string[];
  /** So many requests were answered with success, disables acknowledged, and holders found silent. */
  successes: number;
  acknowledged: number;
}

/** How fast each machine's clock goes: 1 is true. */
export interface World {
  servers: readonly number[];
  others: number;
  /** So many of the servers have a lease as it begins. */
  serving: number;
}

/** How often each kind of step may come in a run, against the others. */
const shares: Readonly<Record<Step['what'], readonly number[]>> = {
  serve: [3, 6, 10],
  begin: [2, 4],
  finish: [2, 4],
  revoke: [1, 3, 6],
  sweep: [0, 0, 4],
  suspend: [0, 0, 1],
  wake: [1],
  stop: [0, 0, 1],
};

/** Milliseconds between steps: what is near the end of a lease matters. */
const pauses = [1, 10, 100, 495, 985, 995, 1005, 1015, 1100] as const;

/**
 * A world and what happens in it, by a number. Each has its own mixture, and most of what may happen is missing in it: what goes
 * wrong only in long rows of few kinds of steps is met far sooner so (swarm testing, Groce et al. 2012).
 */
export function drawRun(seed: number): { steps: Step[]; world: World } {
  const below = randomBelow(seed);
  const one = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  const kinds = stepKinds.flatMap((what) => Array.from({ length: one(shares[what]) }, () => what));
  const pausing = one([3, 6, 12]);
  const world = {
    servers: [one([0.99, 1, 1.01]), one([0.99, 1, 1.01])],
    others: one([0.99, 1, 1.01]),
    serving: one([0, 1, 1, 2]),
  };
  const steps = Array.from({ length: 10 + below(50) }, () => ({
    what: one(kinds),
    who: below(2),
    times: one([1, 1, 2, 3, 5, stepsToServe]),
    after: below(pausing) === 0 ? one(pauses) : 0,
  }));
  return { steps, world };
}

/** Whole numbers from 0 (mulberry32). */
function randomBelow(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Runs the steps. Everything that takes no part in them stands still. */
export function runModel(steps: readonly Step[], world: World, bug?: Bug): Run {
  const database = new Database();
  const servers = world.servers.map((rate, at) => new Server(`s${at}`, rate, database, bug));
  const revoker = new Revoker(world.others, database, bug);
  const sweeper = new Sweeper(world.others, database, bug);
  const run: Run = { wrong: [], successes: 0, acknowledged: 0 };
  let now = 0;
  for (const server of servers.slice(0, world.serving))
    for (let stage = 0; stage < stepsToServe; stage++) server.serve(now);
  for (const { what, who, times, after } of steps) {
    now += after;
    for (let turn = 0; turn < times; turn++) {
      const before = revoker.acknowledgedAt;
      const began = take(what, who);
      if (before === undefined && revoker.acknowledgedAt !== undefined) run.acknowledged++;
      if (began === undefined) continue;
      run.successes++;
      if (revoker.acknowledgedAt !== undefined)
        run.wrong.push(`begun at ${began}, answered at ${now}, disabled since ${revoker.acknowledgedAt}`);
    }
  }
  return run;

  /** When the request began that is answered with success by it. */
  function take(what: Step['what'], who: number): number | undefined {
    const server = servers[who % servers.length];
    if (server === undefined) return undefined;
    if (what === 'revoke') revoker.step(now);
    else if (what === 'sweep') sweeper.step(now);
    else if (what === 'suspend') server.machine.suspend(now);
    else if (what === 'wake') server.machine.wake(now);
    else if (what === 'stop') server.stop();
    else if (server.machine.suspended) return undefined;
    else if (what === 'serve') server.serve(now);
    else if (what === 'begin') server.begin(now);
    else return server.finish(now);
    return undefined;
  }
}
