import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import { accessKeyRotations } from './accounts/access-key-rotation.ts';
import type { AwsContext, LoggedAwsContext } from './controller/context.ts';
import { AwsLanes } from './controller/lanes.ts';
import { runDue, type ScheduledWork } from './controller/scheduled.ts';
import { whenIdle } from './controller/turn.ts';
import { keyStoreLooks } from './key-stores/watch.ts';
import { kmsKeyChecks, kmsKeyWork } from './kms-keys/due.ts';
import { KeptLease } from '../fleet/leases.ts';

/**
 * All that is done in AWS without anybody waiting for it: access keys, key stores and KMS keys are brought to what is wanted
 * of them, and key stores and KMS keys looked at.
 */
const scheduled = {
  accessKeysRotated: accessKeyRotations(),
  keyStoresLooked: keyStoreLooks,
  kmsKeysWorked: kmsKeyWork,
  kmsKeysChecked: kmsKeyChecks,
} satisfies Record<string, ScheduledWork>;

type Counted = keyof typeof scheduled;
const works = Object.entries(scheduled) as [Counted, ScheduledWork][];
const nothingDone = Object.fromEntries(works.map(([counted]) => [counted, 0])) as Record<Counted, number>;

/**
 * No look is later than this after the one before, milliseconds: what waits for something else is found by looking. Where
 * somebody asks for something AWS is asked at once, in the request; nothing waits for the next look.
 */
const maxSleep = 5_000;
/** Nor, while another process does the work, than this. */
const idleSleep = 15_000;
/** So long the work of one look is waited for before the next, milliseconds; it goes on beside it. */
const maxLook = 500;
/** What comes to be due while there is work under way is found within a second. */
const underWaySleep = 500;
/** Looking for what is due takes this part of the time as a rule, however much it is; it is put off for so long at the most. */
const lookingShare = 1 / 20;
const maxRest = 2_000;
/** Shortest pause between two looks that both found something, milliseconds. */
const shortestSleep = 250;
/** The work of one look takes so long at the most; then everything else has its turn, milliseconds. */
const maxWork = 20_000;
/** How long requests to AWS that are under way may take once the node closes, milliseconds. */
const closeTimeout = 2_000;

/** What one look came to: how many of each work were done. */
export interface AwsRun extends Record<Counted, number> {
  /** False where another process does the work: then nothing else was done. */
  held: boolean;
  /** Names of the parts that failed, in whole or in part; all are tried again. */
  failed: string[];
  /** There is more that is due and can be tried at once. */
  more: boolean;
}

/**
 * What happens in AWS without anybody waiting for it. A loop of its own with a lease of its own: however slow AWS is, no
 * expiry and no destruction of a key waits for it. What somebody asks for is done at once, where they asked; this does
 * what failed then, what waits for something, and looks after the rest.
 */
export class AwsSchedules {
  readonly #context: LoggedAwsContext;
  readonly #log: Logger;
  /** Milliseconds of work after which nothing more is begun in one look. */
  readonly #budget: number;
  readonly #lanes: AwsLanes;
  readonly #lease: KeptLease;
  #stopping = new AbortController();
  #looping: Promise<void> | undefined;
  /** How long it took to find what is due the last time, milliseconds, by the work. */
  readonly #findingTook = new Map<Counted, number>();

  constructor({ context, log, budget = maxWork }: { context: AwsContext; log: Logger; budget?: number }) {
    this.#context = { ...context, log };
    this.#lease = new KeptLease(context, 'aws');
    this.#log = log;
    this.#budget = budget;
    this.#lanes = new AwsLanes();
  }

  start(): void {
    if (this.#looping !== undefined) return;
    this.#stopping = new AbortController();
    this.#looping = this.#loop(this.#stopping.signal);
  }

  /**
   * Ends after the requests under way, whoever had them sent; those that take too long are cut off, which is as good as
   * an answer that was lost. Gives the lease back. The AWS clients are of no use afterwards.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await whenIdle(this.#context.store, closeTimeout);
    this.#context.aws.close();
    await this.#looping;
    await whenIdle(this.#context.store, closeTimeout);
    this.#looping = undefined;
    await this.#lease.release().catch((error: unknown) => this.#tell('lease', error));
  }

  /** One look: does all that is due, where this process holds the lease. Never throws. */
  async runOnce(): Promise<AwsRun> {
    const run: AwsRun = { ...nothingDone, held: false, failed: [], more: false };
    const part = async (name: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        run.failed.push(name);
        this.#tell(name, error);
      }
    };
    await part('lease', async () => void (run.held = (await this.#lease.hold()) !== undefined));
    if (!run.held) return run;
    // All at once: none of them may wait for an account of another that does not answer.
    await Promise.all(
      works.map(async ([counted, work]) => part(work.name, async () => this.#do(work, counted, run))),
    );
    const { held: _, failed, more: __, ...done } = run;
    if (Object.values(done).some((count) => count > 0))
      this.#log.debug({ ...done, failed }, 'AWS by schedule');
    return run;
  }

  async #do(work: ScheduledWork, counted: Counted, run: AwsRun): Promise<void> {
    const { done, failed, more } = await runDue(work, this.#context, {
      ...{ lanes: this.#lanes, budget: this.#budget, mayGoOn: async () => this.#mayGoOn() },
      onFound: (took) => this.#findingTook.set(counted, took),
    });
    run[counted] = done;
    if (more) run.more = true;
    if (failed === 0) return;
    run.failed.push(work.name);
    work.tellFailed?.(this.#log, failed);
  }

  /**
   * One look after another, none of which waits for the work of the one before: what hangs stays in its lane, and is not
   * begun twice.
   */
  async #loop(stopping: AbortSignal): Promise<void> {
    const under = new Set<Promise<unknown>>();
    while (!stopping.aborted) {
      const look = this.runOnce();
      under.add(look);
      void look.finally(() => under.delete(look));
      const ended = await Promise.race([
        look,
        delay(maxLook, undefined, { signal: stopping }).catch(() => undefined),
      ]);
      if (stopping.aborted) break;
      const held = ended?.held ?? true;
      const next = held && ended?.more === true ? shortestSleep : await this.#untilNextDue(held);
      const finding = Math.max(0, ...this.#findingTook.values());
      // What is under way is due still.
      const min = ended === undefined ? underWaySleep : 0;
      await delay(Math.max(next, min, Math.min(finding / lookingShare, maxRest)), undefined, {
        signal: stopping,
      }).catch(() => undefined);
    }
    await Promise.allSettled(under);
  }

  async #untilNextDue(held: boolean): Promise<number> {
    if (!held) return idleSleep;
    try {
      const now = this.#context.now().getTime();
      const due = await Promise.all(works.map(async ([, work]) => work.nextDue?.(this.#context)));
      const moments = due.flatMap((at) => (at === undefined ? [] : [at.getTime()]));
      return Math.max(shortestSleep, Math.min(maxSleep, ...moments.map((at) => at - now + 2)));
    } catch (error) {
      this.#tell('next due time', error);
      return maxSleep;
    }
  }

  async #mayGoOn(): Promise<boolean> {
    return !this.#stopping.signal.aborted && (await this.#lease.isHeld());
  }

  #tell(part: string, error: unknown): void {
    this.#log.error(
      { part, problem: (error as Error).message },
      'a part of the AWS schedule failed; it is retried',
    );
  }
}
