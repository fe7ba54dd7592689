import { monotonicNow } from '../../clock.ts';
import { BackOff } from '../../vault/back-off.ts';

/** Faults of a whole account: what comes next in its lane would fail as well. */
const ofWholeAccount = new Set(['credentials', 'throttled', 'unreachable']);
/**
 * After so many in a row the lane pauses, and is tried with one piece of work at a time: one answer that was lost says
 * nothing of the next. For what is throttled the pace of the account waits (src/cloud/aws/pace.ts), each operation for itself.
 */
const pausesAfter: Readonly<Record<string, number>> = { credentials: 1, unreachable: 3, throttled: Infinity };

/** So much is under way in AWS at once, of all accounts together. */
const usualSlots = 24;
/** Pause of a lane whose account failed, milliseconds: its keys wait with it, and none for longer than a minute. */
const lanePauses = { first: 250, max: 45_000 };
/** What waits for no longer than this keeps its place in the lane; else it is left, and found by a later look. */
const shortPause = 1_000;

/** One piece of work for one thing in AWS. */
export interface LaneTask {
  id: string;
  /** What shares AWS's patience: an account, or an account and Region. */
  lane: string;
  /** Never throws. */
  run: () => Promise<{ fault: string | undefined }>;
}

export interface LaneOptions {
  /** Name of the work. */
  what: string;
  /** Least milliseconds from the beginning of one to that of the next in a lane. */
  pace?: number;
  /** So many of one lane at once. */
  concurrency?: number;
  /** Most milliseconds until the last is begun. */
  budget?: number;
  mayGoOn: () => Promise<boolean>;
}

export interface LanesRun {
  tried: number;
  failed: number;
  /** Budget ran out: there is more to do at once. */
  more: boolean;
}

interface Waiting extends LaneTask {
  /** `what` and id. */
  name: string;
  until: number;
  mayGoOn: () => Promise<boolean>;
  ended: (outcome: 'done' | 'failed' | 'left' | 'late') => void;
}

interface Lane {
  name: string;
  queue: Waiting[];
  running: number;
  readyAt: number;
  pace: number;
  concurrency: number;
}

/**
 * All that is done in AWS without anybody waiting for it, lane by lane: an account that AWS throttles, or that does not
 * answer, holds up its own work alone. Lanes have their turns one after another, and one that has just had its turn goes
 * behind those that wait; accounts that failed last have half of the places at the most, so that however many of them
 * hang, the others are asked.
 */
export class AwsLanes {
  readonly #slots: number;
  readonly #backOff = new BackOff(monotonicNow, lanePauses);
  readonly #lanes = new Map<string, Lane>();
  /** What waits or is under way: it is not taken twice. */
  readonly #known = new Set<string>();
  /** Lanes whose account failed last, and for how many in a row it was such that the lane pauses. */
  readonly #suspects = new Map<string, { failures: number; pauses: boolean }>();
  #running = 0;
  #suspectsRunning = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(slots = usualSlots) {
    this.#slots = slots;
  }

  /** Ends once all of these are done, or left: their account failed, there is no time, or the work may not go on. */
  async run(tasks: readonly LaneTask[], options: LaneOptions): Promise<LanesRun> {
    const { what, pace = 0, concurrency = 1, budget = Infinity, mayGoOn } = options;
    const run: LanesRun = { tried: 0, failed: 0, more: false };
    const until = monotonicNow() + budget;
    const all = tasks.flatMap((task) => {
      const name = `${what} ${task.id}`;
      if (this.#known.has(name)) return [];
      this.#known.add(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      const ended: Waiting['ended'] = (outcome) => {
        this.#known.delete(name);
        if (outcome === 'late') run.more = true;
        if (outcome === 'done' || outcome === 'failed') run.tried++;
        if (outcome === 'failed') run.failed++;
        resolve();
      };
      this.#laneOf(`${what} in ${task.lane}`, pace, concurrency).queue.push({
        ...task,
        name,
        until,
        mayGoOn,
        ended,
      });
      return [promise];
    });
    this.#pump();
    await Promise.all(all);
    return run;
  }

  /** How many wait for their turn. */
  waiting(what: string, lane: string): number {
    return this.#lanes.get(`${what} in ${lane}`)?.queue.length ?? 0;
  }

  #laneOf(name: string, pace: number, concurrency: number): Lane {
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const lane = { name, queue: [], running: 0, readyAt: 0, pace, concurrency };
    this.#lanes.set(name, lane);
    return lane;
  }

  #pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let wakeAt = Infinity;
    for (const lane of [...this.#lanes.values()]) {
      const pause = this.#backOff.pauseOf(lane.name);
      if (pause > shortPause) for (const task of lane.queue.splice(0)) task.ended('left');
      // All at once: what is left must not take its turns one after another.
      const late = lane.queue.filter(({ until }) => monotonicNow() >= until);
      if (late.length > 0) lane.queue = lane.queue.filter((task) => !late.includes(task));
      for (const task of late) task.ended('late');
      if (lane.queue.length === 0) {
        if (lane.running === 0) this.#lanes.delete(lane.name);
        continue;
      }
      const now = monotonicNow();
      const readyAt = Math.max(lane.readyAt, now + pause);
      if (readyAt > now) wakeAt = Math.min(wakeAt, readyAt);
      else if (this.#hasPlace(lane)) this.#begin(lane);
    }
    if (wakeAt < Infinity) this.#timer = setTimeout(() => this.#pump(), Math.max(wakeAt - monotonicNow(), 1));
  }

  #hasPlace(lane: Lane): boolean {
    if (this.#running >= this.#slots || lane.running >= lane.concurrency) return false;
    const suspect = this.#suspects.get(lane.name);
    if (suspect === undefined) return true;
    return (lane.running === 0 || !suspect.pauses) && this.#suspectsRunning < this.#slots / 2;
  }

  #begin(lane: Lane): void {
    const task = lane.queue.shift();
    if (task === undefined) return;
    const isSuspect = this.#suspects.has(lane.name);
    this.#running++;
    lane.running++;
    lane.readyAt = monotonicNow() + lane.pace;
    if (isSuspect) this.#suspectsRunning++;
    // Behind those that wait.
    this.#lanes.delete(lane.name);
    this.#lanes.set(lane.name, lane);
    void this.#do(lane, task).finally(() => {
      this.#running--;
      lane.running--;
      if (isSuspect) this.#suspectsRunning--;
      this.#pump();
    });
    if (lane.queue.length > 0 && lane.concurrency > lane.running) setImmediate(() => this.#pump());
  }

  async #do(lane: Lane, task: Waiting): Promise<void> {
    let goesOn = false;
    try {
      goesOn = await task.mayGoOn();
    } catch {
      // The store: it is told where the lease is kept.
    }
    if (!goesOn || monotonicNow() >= task.until) {
      task.ended('late');
      return;
    }
    const { fault } = await task.run().catch(() => ({ fault: 'internal' }));
    if (fault !== undefined && ofWholeAccount.has(fault)) {
      const failures = (this.#suspects.get(lane.name)?.failures ?? 0) + 1;
      const pauses = failures >= (pausesAfter[fault] ?? 1);
      this.#suspects.set(lane.name, { failures, pauses });
      if (pauses) this.#backOff.failed(lane.name);
    } else {
      this.#suspects.delete(lane.name);
      this.#backOff.succeeded(lane.name);
    }
    task.ended(fault === undefined ? 'done' : 'failed');
  }
}
