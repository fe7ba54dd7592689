import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import { monotonicNow } from '../clock.ts';
import { rotateDueAccessKeys } from './accounts/access-key-rotation.ts';
import type { AwsContext } from './accounts/context.ts';
import { AwsLanes, type LaneOptions } from './controller/lanes.ts';
import { nextStoreLook, watchExternalKeyStores } from './key-stores/watch.ts';
import { dueChecks, dueWork, nextDueKmsKey, type DueKmsKey, type KindOfWork } from './kms-keys/due.ts';
import { tellMistake } from './kms-keys/attempts.ts';
import { advanceKmsKey, type Attempt } from './kms-keys/attempts.ts';
import { refreshKmsKey } from './kms-keys/attempts.ts';
import { isBusy, whenIdle } from './controller/turn.ts';
import { KeptLease } from '../fleet/leases.ts';

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
/**
 * In one account and Region work on a KMS key is begun every so many milliseconds at the most: most of it only reads. How
 * fast changes are sent the pace of requests says (src/cloud/aws/pace.ts).
 */
const workPace = 25;
/** Hundreds that AWS does not show yet are each looked at every few seconds. */
const lookPace = 10;
/**
 * So many KMS keys of one account and Region at once: the pace holds whatever AWS takes to answer. Those that are to be
 * made wait for the pace of CreateKey, two seconds at the most.
 */
const keyConcurrency: Readonly<Record<KindOfWork | 'status', number>> = {
  ...{ input: 8, key: 8, unshown: 8, rest: 8, status: 8 },
};
/** So many of them wait for their turn; what comes to be due meanwhile, and was asked for before, goes before the rest. */
const maxWaiting: Readonly<Record<KindOfWork | 'status', number>> = {
  input: 40,
  key: 6,
  unshown: 40,
  rest: 40,
  status: 40,
};
/** And asked about: 5 keys, 20 requests a second, where ListAliases has 500 and the others more. */
const checkPace = 200;
/** How long requests to AWS that are under way may take once the node closes, milliseconds. */
const closeTimeout = 2_000;

/** What one look came to. */
export interface AwsRun {
  /** False where another process does the work: then nothing else was done. */
  held: boolean;
  accessKeysRotated: number;
  keyStoresLooked: number;
  kmsKeysWorked: number;
  kmsKeysChecked: number;
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
  readonly #context: AwsContext;
  readonly #log: Logger;
  /** Milliseconds of work after which nothing more is begun in one look. */
  readonly #budget: number;
  readonly #lanes: AwsLanes;
  readonly #lease: KeptLease;
  #stopping = new AbortController();
  #looping: Promise<void> | undefined;
  /** How long it took to find what is due the last time, milliseconds. */
  #findingTook = 0;

  constructor({ context, log, budget = maxWork }: { context: AwsContext; log: Logger; budget?: number }) {
    this.#context = context;
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
    const run: AwsRun = {
      ...{ held: false, accessKeysRotated: 0, keyStoresLooked: 0, kmsKeysWorked: 0, kmsKeysChecked: 0 },
      ...{ failed: [], more: false },
    };
    const part = async (name: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        run.failed.push(name);
        this.#tell(name, error);
      }
    };
    await part('lease', async () => void (run.held = await this.#lease.isHeld()));
    if (!run.held) return run;
    // All at once: none of them may wait for an account of another that does not answer.
    await Promise.all([
      part('access keys', async () => this.#rotate(run)),
      part('key stores', async () => this.#watch(run)),
      part('KMS keys', async () => this.#work(run)),
      part('status of KMS keys', async () => this.#check(run)),
    ]);
    const { held: _, failed, more: __, ...done } = run;
    if (Object.values(done).some((count) => count > 0))
      this.#log.debug({ ...done, failed }, 'AWS by schedule');
    return run;
  }

  async #rotate(run: AwsRun): Promise<void> {
    const { rotated, failed } = await rotateDueAccessKeys(this.#context, this.#withinBudget(), {
      lanes: this.#lanes,
    });
    run.accessKeysRotated = rotated;
    if (failed.length > 0) run.failed.push('access keys');
    for (const { cspAccountId, problem } of failed)
      this.#log.error(
        { cspAccount: cspAccountId, problem: problem.message },
        'an access key could not be rotated; it is retried',
      );
  }

  async #watch(run: AwsRun): Promise<void> {
    const { looked, failed } = await watchExternalKeyStores(this.#context, this.#withinBudget(), this.#lanes);
    run.keyStoresLooked = looked;
    if (failed > 0) run.failed.push('key stores');
    // A key store that has come up lets what waits for it go on.
    if (looked > 0) run.more = true;
  }

  async #work(run: AwsRun): Promise<void> {
    const began = monotonicNow();
    const due = await dueWork(this.#context);
    this.#findingTook = monotonicNow() - began;
    let failed = 0;
    // None of the kinds waits for another.
    await Promise.all(
      [...Map.groupBy(due, ({ kind }) => kind)].map(async ([kind, keys]) => {
        const done = await this.#inLanes(keys, advanceKmsKey, kind, kind === 'unshown' ? lookPace : workPace);
        run.kmsKeysWorked += done.tried;
        failed += done.failed;
        if (done.more) run.more = true;
      }),
    );
    if (failed === 0) return;
    run.failed.push('KMS keys');
    this.#log.warn(
      { kmsKeys: failed },
      'AWS did not do what is wanted of KMS keys; holdfast kms-key list has why',
    );
  }

  async #check(run: AwsRun): Promise<void> {
    const due = await dueChecks(this.#context);
    const { tried, failed, more } = await this.#inLanes(due, refreshKmsKey, 'status', checkPace);
    run.kmsKeysChecked = tried;
    if (more) run.more = true;
    if (failed > 0) run.failed.push('status of KMS keys');
  }

  #told(id: string, attempt: Attempt): Attempt {
    tellMistake(this.#log, id, attempt);
    return attempt;
  }

  async #inLanes(
    due: readonly DueKmsKey[],
    work: (context: AwsContext, id: string) => Promise<Attempt>,
    what: KindOfWork | 'status',
    pace: number,
  ) {
    const name = `KMS keys, ${what}`;
    const options: LaneOptions = {
      ...{ what: name, pace, concurrency: keyConcurrency[what], budget: this.#budget },
      mayGoOn: async () => this.#mayGoOn(),
    };
    // What somebody asked for is under way already.
    const free = due.filter(({ id }) => !isBusy(this.#context, 'kms-key', id));
    const first = [...Map.groupBy(free, ({ lane }) => lane)].flatMap(([lane, keys]) =>
      keys.slice(0, Math.max(maxWaiting[what] - this.#lanes.waiting(name, lane), 0)),
    );
    const tasks = first.map(({ id, lane }) => ({
      id,
      lane,
      run: async () => this.#told(id, await work(this.#context, id)),
    }));
    const run = await this.#lanes.run(tasks, options);
    return { ...run, more: run.more || first.length < free.length };
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
      // What is under way is due still.
      const min = ended === undefined ? underWaySleep : 0;
      await delay(Math.max(next, min, Math.min(this.#findingTook / lookingShare, maxRest)), undefined, {
        signal: stopping,
      }).catch(() => undefined);
    }
    await Promise.allSettled(under);
  }

  async #untilNextDue(held: boolean): Promise<number> {
    if (!held) return idleSleep;
    try {
      const now = this.#context.now().getTime();
      const moments = [await nextDueKmsKey(this.#context), await nextStoreLook(this.#context)].flatMap(
        (at) => (at === undefined ? [] : [at.getTime()]),
      );
      return Math.max(shortestSleep, Math.min(maxSleep, ...moments.map((at) => at - now + 2)));
    } catch (error) {
      this.#tell('next due time', error);
      return maxSleep;
    }
  }

  /** The parts of a look wait for each other: a hundred accounts that do not answer must not hold up the kill switch. */
  #withinBudget(): () => Promise<boolean> {
    const until = monotonicNow() + this.#budget;
    return async () => monotonicNow() < until && (await this.#mayGoOn());
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
