import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import { monotonicNow } from '../clock.ts';
import { BackOff } from '../vault/back-off.ts';
import { aheadOfLastSign, clockCompared, nodeOf } from '../fleet/nodes.ts';
import { deletionsHeldUntil, holdDeletions, suspiciousLeap } from './deletion-hold.ts';
import { deleteDueKeys, destroyVersions } from '../keys/destruction.ts';
import { LeftInReplacedError } from '../keys/replaced-tokens.ts';
import { capRotations, rotateDueKeys, type Bookmark } from './due-rotations.ts';
import { expireCredentials, expireKeys, retireCredentials } from './expirations.ts';
import type { KeyContext } from '../keys/followers.ts';
import { clearAway } from './housekeeping.ts';
import { InForce } from '../fleet/in-force.ts';
import { KeptLease, type Lease } from '../fleet/leases.ts';
import { nextDue } from './next-due.ts';
import { settleAbandoned } from '../reconcile/reconcile-interrupted.ts';
import { LostLeaseError } from '../vault/lost-lease-error.ts';
import { systemAct } from '../vault/system-act.ts';
import { unfinishedSteps } from './unfinished-steps.ts';
import { finishWork } from '../vault/unfinished-work.ts';

/** No look is later than this after the one before, milliseconds: whatever the wall clock does, nothing waits longer. */
const maxSleep = 30_000;
/** Rotations of one look may take so long; then what else is due has its turn, milliseconds. */
const maxRotating = 30_000;
/** After so long without a running node a start does not take the clock's word for it, milliseconds. */
const suspiciousSilence = 60 * 60 * 1000;
/** A clock that gains or loses less between two looks was not set, milliseconds. */
const steady = 5_000;

/** What one look at the clock came to. */
export interface ScheduleRun {
  /** False where another process does the work: then nothing else was done. */
  held: boolean;
  keysExpired: number;
  credentialsExpired: number;
  credentialsRetired: number;
  keysDeleted: number;
  versionsDestroyed: number;
  /** Ends of vaults, removals of key sets and rotation plans that acts had left to it. */
  workFinished: number;
  /** Creations and rotations that a process had left half done. */
  actsSettled: number;
  keysRotated: number;
  rotationsCapped: number;
  acknowledgementsEnded: number;
  /** Names of the parts that failed, in whole or in part; all are tried again. */
  failed: string[];
  /** There is more that is due and can be tried at once. */
  more: boolean;
}

export interface SchedulesOptions {
  context: KeyContext;
  log: Logger;
  /** Ends acknowledgements of the status that are over; answers how many. */
  endAcknowledgements?: (context: KeyContext) => Promise<number>;
}

/**
 * What happens without anybody asking: keys and credentials expire, are rotated, retired and deleted, what was left half
 * done is ended, and what has served is cleared away. One process of the fleet does it, the one that holds the lease: every act asks in the
 * transaction that does it whether that is so still, and whether it is due.
 */
export class Schedules {
  readonly #context: KeyContext;
  readonly #log: Logger;
  readonly #backOff = new BackOff();
  readonly #lease: KeptLease;
  readonly #inForce: InForce;
  readonly #endAcknowledgements: SchedulesOptions['endAcknowledgements'];
  /** How far the look at due times that lie too far off has come. */
  readonly #rotationTimes: Bookmark = { after: '' };
  /** Since when this process has watched without a break, by a clock that stood still relative to the machine's. */
  #listeningSince: Date;
  #clockAhead: number;
  #stopping = new AbortController();
  #looping: Promise<void> | undefined;
  /** There is something to do before the sleep is over. */
  #wake = new AbortController();

  constructor({ context, log, endAcknowledgements }: SchedulesOptions) {
    this.#context = context;
    this.#lease = new KeptLease(context, 'schedules');
    this.#inForce = InForce.of(context.store);
    this.#log = log;
    this.#endAcknowledgements = endAcknowledgements;
    this.#listeningSince = context.now();
    this.#clockAhead = this.#listeningSince.getTime() - monotonicNow();
  }

  start(): void {
    if (this.#looping !== undefined) return;
    this.#stopping = new AbortController();
    this.#looping = this.#loop(this.#stopping.signal);
  }

  /** There is something to do at once: a sleep ends, and after a look that is under way comes another. */
  wake(): void {
    this.#wake.abort();
  }

  /** Ends after the act under way, and gives the lease back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#looping;
    this.#looping = undefined;
    await this.#lease.release().catch((error: unknown) => this.#tell('lease', error));
  }

  /** One look at the clock: does all that is due, where this process holds the lease. Never throws. */
  async runOnce(): Promise<ScheduleRun> {
    const run: ScheduleRun = {
      held: false,
      keysExpired: 0,
      credentialsExpired: 0,
      credentialsRetired: 0,
      keysDeleted: 0,
      versionsDestroyed: 0,
      workFinished: 0,
      actsSettled: 0,
      keysRotated: 0,
      rotationsCapped: 0,
      acknowledgementsEnded: 0,
      failed: [],
      more: false,
    };
    const part = async (name: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        if (error instanceof LostLeaseError) return this.#log.warn({ part: name }, error.message);
        run.failed.push(name);
        this.#tell(name, error);
      }
    };
    let lease: Lease | undefined;
    await part('lease', async () => void (lease = await this.#lease.renew()));
    if (lease === undefined) return run;
    run.held = true;
    await part('holders', async () => this.#inForce.sweep());
    for (const [name, work] of this.#parts(this.#lease.acting(this.#context, lease), run)) {
      if (!(await this.#mayGoOn())) return run;
      await part(name, work);
    }
    this.#tellDone(run);
    return run;
  }

  /** In this order: what takes something away from a user of a key first, and what may take long last. */
  #parts(context: KeyContext, run: ScheduleRun): [name: string, work: () => Promise<void>][] {
    const mayGoOn = async () => this.#mayGoOn();
    return [
      ['key expiry', async () => void (run.keysExpired = await expireKeys(context, mayGoOn))],
      [
        'credential expiry',
        async () => void (run.credentialsExpired = await expireCredentials(context, mayGoOn)),
      ],
      [
        'credential retirement',
        async () =>
          void (run.credentialsRetired = await retireCredentials(context, this.#listeningSince, mayGoOn)),
      ],
      [
        'unfinished work',
        async () => void (run.workFinished = await finishWork(context, unfinishedSteps, mayGoOn)),
      ],
      ['deletion', async () => this.#delete(context, run)],
      ['interrupted acts', async () => this.#settle(context, run)],
      ['housekeeping', async () => void (await clearAway(context))],
      [
        'rotation times',
        async () => void (run.rotationsCapped = await capRotations(context, this.#rotationTimes)),
      ],
      ['rotation', async () => this.#rotate(context, run)],
      [
        'acknowledgements',
        async () => void (run.acknowledgementsEnded = (await this.#endAcknowledgements?.(context)) ?? 0),
      ],
    ];
  }

  async #delete(context: KeyContext, run: ScheduleRun): Promise<void> {
    const task = (token: string) => `destructions of token ${token}`;
    const scope = { mayAsk: (token: string) => this.#backOff.mayTry(task(token)) };
    const held = await deletionsHeldUntil(context);
    const { deleted, destroyed, failed } =
      held === undefined
        ? await deleteDueKeys(context, context.now(), scope)
        : { deleted: 0, ...(await destroyVersions(context, undefined, scope)) };
    run.keysDeleted = deleted;
    run.versionsDestroyed = destroyed.length;
    const ill = new Set<string>();
    for (const { token, cloudKeyId, version, error } of failed) {
      const facts = { token, cloudKey: cloudKeyId, version, problem: (error as Error).message };
      if (error instanceof LeftInReplacedError) {
        // The HSMs that were asked did what they were to do: nothing is tried again before somebody sees to the other.
        this.#log.warn({ ...facts, remediation: error.remediation }, 'a key version stays DESTROYING');
        continue;
      }
      ill.add(token);
      this.#log.error(facts, 'a key object could not be destroyed; it is retried');
    }
    for (const token of ill) this.#backOff.failed(task(token));
    for (const { token } of destroyed) if (!ill.has(token)) this.#backOff.succeeded(task(token));
    if (ill.size > 0) run.failed.push('destruction');
  }

  async #settle(context: KeyContext, run: ScheduleRun): Promise<void> {
    const task = (token: string) => `interrupted acts on token ${token}`;
    const act = systemAct(context, 'schedule');
    const settled = await settleAbandoned(context, act, (token) => this.#backOff.mayTry(task(token)));
    for (const { token, findings } of settled) {
      for (const { outcome, detail, cloudKeyId, version } of findings) {
        const facts = { token, cloudKey: cloudKeyId, version };
        if (outcome === 'failed') this.#log.error(facts, detail);
        else this.#log.info(facts, detail);
      }
      const failed = findings.filter(({ outcome }) => outcome === 'failed').length;
      run.actsSettled += findings.length - failed;
      if (failed === 0) {
        this.#backOff.succeeded(task(token));
        continue;
      }
      run.failed.push('interrupted acts');
      this.#backOff.failed(task(token));
    }
  }

  async #rotate(context: KeyContext, run: ScheduleRun): Promise<void> {
    const until = monotonicNow() + maxRotating;
    const mayGoOn = async () => monotonicNow() < until && (await this.#mayGoOn());
    const { rotated, failed, more } = await rotateDueKeys(context, this.#log, this.#backOff, mayGoOn);
    run.keysRotated = rotated;
    run.more = more;
    if (failed > 0) run.failed.push('rotation');
  }

  async #loop(stopping: AbortSignal): Promise<void> {
    await this.#compareClock();
    while (!stopping.aborted) {
      await this.#watchClock();
      this.#wake = new AbortController();
      const { held, more } = await this.runOnce();
      if (stopping.aborted) return;
      const sleep = held && more ? 0 : await this.#untilNextDue(held);
      const signal = AbortSignal.any([stopping, this.#wake.signal]);
      await delay(sleep, undefined, { signal }).catch(() => undefined);
    }
  }

  async #untilNextDue(held: boolean): Promise<number> {
    if (!held) return maxSleep;
    try {
      const now = this.#context.now();
      const due = await nextDue(this.#context, now);
      // Just past it: a timer may be a millisecond early.
      return due === undefined ? maxSleep : Math.min(due.getTime() - now.getTime() + 2, maxSleep);
    } catch (error) {
      this.#tell('next due time', error);
      return maxSleep;
    }
  }

  /** A clock that was set makes quiet out of nothing: what was not heard since then is all that counts. */
  async #watchClock(): Promise<void> {
    const now = this.#context.now();
    const ahead = now.getTime() - monotonicNow();
    const gained = ahead - this.#clockAhead;
    this.#clockAhead = ahead;
    if (Math.abs(gained) < steady) return;
    this.#listeningSince = now;
    this.#log.warn({ seconds: Math.round(gained / 1000) }, 'the clock was set, or the machine slept');
    if (gained > suspiciousLeap)
      await this.#holdDeletions(gained, 'the clock jumped ahead while this node ran');
  }

  /** At the start: a clock that is far ahead of the last sign of life of any node, unless it was off so long. */
  async #compareClock(): Promise<void> {
    try {
      const node = nodeOf(this.#context.instance);
      const ahead = await aheadOfLastSign(this.#context, node);
      if (ahead > suspiciousSilence)
        await this.#holdDeletions(ahead, 'no node has run for a long time, or the clock is ahead');
      await clockCompared(this.#context, node);
    } catch (error) {
      this.#tell('clock', error);
    }
  }

  async #holdDeletions(ahead: number, why: string): Promise<void> {
    this.#log.error(
      { hours: Math.round(ahead / 3_600_000) },
      `${why}: no CloudKey is deleted for a day; if the clock is wrong, set it right now`,
    );
    try {
      await holdDeletions(this.#context, why);
    } catch (error) {
      this.#tell('clock', error);
    }
  }

  async #mayGoOn(): Promise<boolean> {
    return !this.#stopping.signal.aborted && (await this.#lease.isHeld());
  }

  #tellDone(run: ScheduleRun): void {
    const done = Object.entries(run).filter(([, count]) => typeof count === 'number' && count > 0);
    if (done.length > 0) this.#log.info(Object.fromEntries(done), 'done by schedule');
  }

  #tell(part: string, error: unknown): void {
    this.#log.error(
      { part, problem: (error as Error).message },
      'a part of the schedule failed; it is retried',
    );
  }
}
