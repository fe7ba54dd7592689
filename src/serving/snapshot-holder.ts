import { randomUUID } from 'node:crypto';
import { bootNow, monotonicNow } from '../clock.ts';
import { SnapshotLease, type Clocks, type Started } from '../lease/snapshot-lease.ts';
import type { Logger } from '../log.ts';
import type { HolderLine, HolderLineOptions, NewHolder } from '../store/holder-line.ts';
import { isOtherHistory, type Moment } from '../store/revision-log.ts';
import { LeaseCounts, type AskReason, type LeaseSigns } from './lease-signs.ts';
import { tellWentBack, type WentBack } from './went-back.ts';
import type { WorkerHistory } from './worker-history.ts';

/** CLOCK_BOOTTIME is told in steps of so many milliseconds, rounded down. */
const bootStep = 10;
/** After a failure, milliseconds: at the most. A fifth of the time between renewals where that is less. */
const longestPause = 500;

/** What is remembered, which a lease says holds. */
export interface Snapshot {
  /** All that was changed up to this moment is known. */
  readonly at: Moment;
  /** Asks the store; afterwards it contains what was committed before. Throws where it is not known by `deadline` what the store has lost. */
  refresh(deadline?: number): Promise<unknown>;
  /** Forgets everything, and tells `onWentBack`, as where a refresh finds it. */
  wentBack(found: Moment): void;
  onWentBack: (step: WentBack) => void;
  /** Looks up what is served before it is asked for. */
  keepWarm(): Promise<void>;
}

export interface SnapshotHolderOptions {
  open: (options: HolderLineOptions) => Promise<HolderLine>;
  snapshot: Snapshot;
  who: Omit<NewHolder, 'id' | 'length'>;
  /** What this process is called, and no other ever is: whoever sees it exit removes the rows whose ids begin so. */
  instance: string;
  /** Of the lease, milliseconds. */
  length: number;
  /** What the node keeps of what was changed, over restarts too: no later revision is confirmed. Nothing asks that of a file. */
  history?: Pick<WorkerHistory, 'keptOf' | 'unheard' | 'moved'>;
  log: Logger;
}

/**
 * Keeps the lease under which an XKS worker serves from memory: joins, renews, brings the snapshot up to what the renewal was
 * told, and confirms (docs/revocation.md).
 */
export class SnapshotHolder {
  readonly #options: SnapshotHolderOptions;
  readonly #lease: SnapshotLease;
  readonly #interval: number;
  #line: HolderLine | undefined;
  /** The id of the row, while there is one. */
  #id: string | undefined;
  /**
   * The id that it is about to join by, until that was answered. A try that hangs, as where the standby is missing, does not know
   * that it was given up: the next one waits for it, in place of another row and another connection each time.
   */
  #joining: string | undefined;
  /** Of rows that it had before the database went back. */
  readonly #earlier = new Set<string>();
  #confirmed = -1;
  #stopped = false;
  #looping: Promise<void> | undefined;
  /** There is something to do before the next renewal is due: one of the two. */
  #hinted = false;
  #mayConfirm = false;
  #wake: (() => void) | undefined;
  readonly #counts = new LeaseCounts();
  #isTold = false;
  #isWarm = false;
  #isOlderTold = false;
  /** The supervisor has not answered for the length of a lease. */
  #isUnheard = false;
  /** By how much the boot clock is ahead of the monotonic one, as it was seen last. */
  #asleep = 0;

  constructor(options: SnapshotHolderOptions) {
    this.#options = options;
    this.#lease = new SnapshotLease(options.length);
    this.#interval = options.length / 3;
    options.snapshot.onWentBack = (step) => this.#wentBack(step);
  }

  start(): void {
    this.#looping ??= this.#loop();
  }

  /** Nothing is served from memory any more: gives the row up, so that nobody waits for it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#lease.drop();
    this.#wakeUp();
    await this.#looping;
    const [line, id] = [this.#line, this.#id];
    this.#line = undefined;
    if (id !== undefined) await line?.leave(id).catch(() => undefined);
    await line?.close();
  }

  /** Whether the snapshot may be gone by at this moment; whether the machine was suspended since is asked before the answer. */
  get isFresh(): boolean {
    const monotonic = monotonicNow();
    return this.#lease.isFresh({ monotonic, boot: monotonic + this.#asleep });
  }

  /** A request that goes by the snapshot begins; give it to {@link end}. Undefined without a lease: then the store is to be asked. */
  begin(): Started | undefined {
    return this.isFresh ? this.#lease.start() : undefined;
  }

  /** One that has asked the store begins: it needs no lease, and {@link end} all the same. */
  count(): Started {
    return this.#lease.start();
  }

  /** Right before the answer is written. */
  mayAnswer(started: Started): boolean {
    return this.#lease.mayAnswer(started, this.#clocks());
  }

  /** What has become of the lease, for whoever watches. */
  get signs(): LeaseSigns {
    const now = this.#clocks();
    this.#counts.look(this.#lease.isFresh(now));
    const { length, snapshot } = this.#options;
    const remaining = Math.max(0, this.#lease.remaining(now));
    return { length, remaining, ...this.#counts.told, revision: snapshot.at.revision };
  }

  /** A request has asked the store. */
  asked(why: AskReason): void {
    this.#counts.look(this.isFresh);
    this.#counts.asked(why);
  }

  /** When it ends, unless it is renewed, by the monotonic clock. */
  endOf(started: Started): number {
    return this.#lease.endOf(started);
  }

  end(started: Started): void {
    this.#lease.end(started);
    if (this.#lease.confirmable <= this.#confirmed) return;
    this.#mayConfirm = true;
    this.#wakeUp();
  }

  /** The node keeps more than before. */
  keptMore(): void {
    this.#mayConfirm = true;
    if (this.#isUnheard) this.#hinted = true;
    this.#wakeUp();
  }

  /** The snapshot was brought up to this revision, by whomever. */
  loaded(): void {
    this.#lease.loaded(this.#options.snapshot.at.revision);
  }

  /** Rounded up: a lease may be found to have ended a little early, and never late. */
  #clocks(): Clocks {
    const monotonic = monotonicNow();
    const boot = bootNow() + bootStep;
    this.#asleep = boot - monotonic;
    return { monotonic, boot };
  }

  get #pause(): number {
    return Math.min(longestPause, this.#interval / 5);
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      const began = monotonicNow();
      try {
        await this.#renew();
        this.#tell(undefined);
        this.#counts.renewed();
        this.#counts.look(this.isFresh);
        await this.#confirmUntil(began + this.#interval);
      } catch (error) {
        this.#tell(error as Error);
        if (!this.#stopped) this.#counts.failed();
        this.#counts.look(this.isFresh);
        const line = this.#line;
        this.#line = undefined;
        await line?.close();
        await this.#sleep(this.#pause);
      }
    }
  }

  async #renew(): Promise<void> {
    const { open, snapshot } = this.#options;
    this.#line ??= await open({
      timeout: Math.ceil(this.#interval),
      onHint: () => {
        this.#hinted = true;
        this.#wakeUp();
      },
      onGone: () => {
        this.#hinted = true;
        this.#wakeUp();
      },
    });
    this.#hinted = false;
    if (this.#noteUnheard()) return this.#giveUp(this.#line);
    await this.#join(this.#line);
    const id = this.#id;
    if (id === undefined) return this.#renewLater();
    const known = snapshot.at;
    // Before it is sent: whoever disables counts from the end of a later COMMIT. And rounded down, for the same reason.
    const { monotonic, boot } = this.#clocks();
    const renewal = this.#lease.begin({ monotonic, boot: boot - bootStep });
    const renewed = await this.#line.renew(id);
    this.#counts.look(this.isFresh);
    if (renewed === undefined) {
      // Silent for so long that others take the lease for ended, as it is.
      this.#lease.drop();
      this.#id = undefined;
      return this.#renew();
    }
    // Nothing is served by it then; the snapshot is brought up and confirmed all the same, so that nobody waits for who is idle.
    if (renewed.older) this.#dropForOlder();
    // Asked in this order: a request may have found it meanwhile, and then the renewal is of a row that is given up.
    const { at } = renewed;
    if (this.#id === id && (isOtherHistory(known, at) || at.revision < renewal.known)) snapshot.wentBack(at);
    if (this.#id !== id) return this.#renewLater();
    if (renewed.older || this.#lease.renewed(renewal, at.revision) !== 'extended') {
      await snapshot.refresh(monotonicNow() + this.#interval);
      // Found by the refresh, or by that of a request.
      if (this.#id !== id) return this.#renewLater();
      this.loaded();
    }
    // A request may have brought the snapshot up before it was looked up for the first time; and what failed is tried again.
    if (!this.#isWarm) void this.#warm();
  }

  /** Without its supervisor it can confirm nothing: each change would be waited for until its lease has ended. So it has none. */
  #noteUnheard(): boolean {
    const { history, length, log } = this.#options;
    const isUnheard = history !== undefined && history.unheard >= length;
    if (isUnheard && !this.#isUnheard)
      log.warn(
        'the supervisor of this node has not answered for as long as a lease lasts: each request asks the database until it does',
      );
    this.#isUnheard = isUnheard;
    if (isUnheard) history.moved();
    return isUnheard;
  }

  /** What is under way asks the store before it is answered, so that nobody needs to wait for it. */
  async #giveUp(line: HolderLine): Promise<void> {
    const id = this.#id;
    this.#lease.drop();
    this.#id = undefined;
    if (id !== undefined) await line.leave(id);
  }

  /** Where the store goes back and forth, as with a primary that does not know that it is none any more, it is no tight loop. */
  async #renewLater(): Promise<void> {
    await this.#sleep(this.#pause);
    if (!this.#stopped) await this.#renew();
  }

  async #join(line: HolderLine): Promise<void> {
    if (this.#id !== undefined) return;
    const { who, instance, length } = this.#options;
    const id = (this.#joining ??= `${instance}/${randomUUID()}`);
    await line.join({ ...who, id, length });
    this.#joining = undefined;
    this.#confirmed = -1;
    this.#id = id;
  }

  async #warm(): Promise<void> {
    this.#isWarm = true;
    try {
      await this.#options.snapshot.keepWarm();
    } catch {
      // It is tried again with the next renewal, and what is asked for is looked up meanwhile.
      this.#isWarm = false;
    }
  }

  /** Confirms whatever may be, as requests end, until it is time to renew. */
  async #confirmUntil(due: number): Promise<void> {
    for (;;) {
      this.#mayConfirm = false;
      await this.#leaveEarlier();
      const { at } = this.#options.snapshot;
      const epoch = Math.min(this.#lease.confirmable, this.#options.history?.keptOf(at) ?? Infinity);
      if (this.#id !== undefined && epoch > this.#confirmed) {
        await this.#line?.confirm(this.#id, epoch, at);
        this.#confirmed = epoch;
      }
      const left = due - monotonicNow();
      if (this.#stopped || this.#hinted || left <= 0) return;
      if (!this.#mayConfirm) await this.#sleep(left);
    }
  }

  /** The rows that it had before the database went back stand for requests that began then, and for nothing else. */
  async #leaveEarlier(): Promise<void> {
    if (!this.#lease.isOfOneHistory) return;
    for (const id of this.#earlier) {
      await this.#line?.leave(id);
      this.#earlier.delete(id);
    }
  }

  async #sleep(milliseconds: number): Promise<void> {
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  #wakeUp(): void {
    this.#wake?.();
  }

  /** What is under way is answered by what the store says now, and its row stands for it until it is. */
  #wentBack(step: WentBack): void {
    this.#lease.forget();
    if (this.#id !== undefined) this.#earlier.add(this.#id);
    this.#id = undefined;
    this.#hinted = true;
    this.#wakeUp();
    tellWentBack(this.#options.log, step);
  }

  #dropForOlder(): void {
    this.#lease.drop();
    if (this.#isOlderTold) return;
    this.#isOlderTold = true;
    this.#options.log.warn(
      'a node of an older version is there, which waits for nobody: each request asks the database until it is gone',
    );
  }

  /** Once for each time that it changes. */
  #tell(error: Error | undefined): void {
    const { log } = this.#options;
    if (error === undefined) {
      if (this.#isTold) log.info('the lease to serve from memory is renewed again');
      this.#isTold = false;
    } else if (!this.#isTold && !this.#stopped) {
      this.#isTold = true;
      log.warn(
        { problem: error.message },
        'the lease to serve from memory cannot be renewed: once it has ended each request asks the database',
      );
    }
  }
}
