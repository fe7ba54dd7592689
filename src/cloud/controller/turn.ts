import type { Transaction } from 'kysely';
import type { Act } from '../../evidence/trail.ts';
import {
  endLease,
  takeAwayLease,
  renewLease,
  takeLease,
  takeLeaseIn,
  type Lease,
} from '../../fleet/leases.ts';
import { leaveUnrecorded } from '../../store/act-transaction.ts';
import type { Store, ActTransaction, ChangeTransaction } from '../../store/store.ts';
import type { Tables } from '../../store/schema.ts';
import { VaultError } from '../../vault/vault-error.ts';
import type { AwsContext } from './context.ts';

/*
 * One thing at a time is done to what is wanted in AWS. In a process turns stand in a row for it; between processes a lease
 * with a term does, and what is recorded of a turn is recorded only while its term is the last: a process that was stopped in
 * the middle of a request, and goes on after another has taken over, records nothing.
 */

/** Between two records of a turn there is one request, with all its repetitions, or a few that read, milliseconds. */
const turnTime = 5 * 60_000;

/** Whose turns they are, and how they are taken: a part of Resource. */
export interface Turns {
  /** Names turn and lease: `external-key-store`, `kms-key`, `access-key`. */
  kind: string;
  /** Where this process is at it already: it is refused, or waits for its turn. */
  whenBusy: 'refuse' | 'queue';
  /**
   * When a turn takes its lease: as it begins; or not before it has something changed in AWS, for what is mostly looked at. A
   * look without lease records only what nobody else has changed since (row version, no lease of another).
   */
  holds: 'from-the-start' | 'for-changes';
  words: {
    /** For whoever asks while another is at it. */
    busy: { message: string; remediation: string };
  };
}

/** Another act, or another process, is at it. */
export class BusyError extends VaultError {
  constructor({ words: { busy } }: Pick<Turns, 'words'>) {
    super('conflict', busy.message, busy.remediation);
  }
}

/** Another process has taken it over meanwhile: nothing is recorded. */
export class LostTurnError extends VaultError {
  constructor() {
    super(
      'conflict',
      'another process has taken this over meanwhile',
      'look at it again in a moment: it continues there automatically',
    );
  }
}

/** By store, since one process may have several in tests. */
const byStore = new WeakMap<Store, Map<string, Promise<unknown>>>();

function nameOf({ instance }: Pick<AwsContext, 'instance'>, kind: string, id: string): string {
  return `${instance} ${kind} ${id}`;
}

/** Runs what works on one thing, one at a time. Throws BusyError. */
export async function inTurn<T>(
  context: AwsContext,
  turns: Turns,
  id: string,
  run: (ownership: Ownership) => Promise<T>,
): Promise<T> {
  const queue = byStore.get(context.store) ?? new Map<string, Promise<unknown>>();
  byStore.set(context.store, queue);
  const name = nameOf(context, turns.kind, id);
  const before = queue.get(name);
  if (before !== undefined && turns.whenBusy === 'refuse') throw new BusyError(turns);
  const work = async () => owning(context, turns, id, run);
  const mine = before === undefined ? work() : before.then(work, work);
  queue.set(name, mine);
  try {
    return await mine;
  } finally {
    if (queue.get(name) === mine) queue.delete(name);
  }
}

async function owning<T>(
  context: AwsContext,
  turns: Turns,
  id: string,
  run: (ownership: Ownership) => Promise<T>,
): Promise<T> {
  const ownership = new Ownership(context, turns, id);
  if (turns.holds === 'from-the-start') await ownership.take();
  try {
    return await run(ownership);
  } finally {
    await ownership.release();
  }
}

/** Whether this process is at it. */
export function isBusy(context: AwsContext, kind: string, id: string): boolean {
  return byStore.get(context.store)?.has(nameOf(context, kind, id)) === true;
}

/** Ends once nothing is under way any more, or after `timeout` milliseconds. */
export async function whenIdle(store: Store, timeout: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), timeout);
  try {
    for (;;) {
      const under = [...(byStore.get(store)?.values() ?? [])];
      if (under.length === 0) return;
      const ended = Promise.allSettled(under).then(() => 'ended' as const);
      if ((await Promise.race([ended, late])) === 'late') return;
      // The one that just ended takes itself out in its own continuation.
      await new Promise((done) => setImmediate(done));
    }
  } finally {
    clearTimeout(timer);
  }
}

/** A turn as whoever writes has it: its lease, taken or not yet. */
export class Ownership {
  readonly context: AwsContext;
  readonly #turns: Turns;
  readonly #name: string;
  #lease: Lease | undefined;

  constructor(context: AwsContext, turns: Turns, id: string) {
    this.context = context;
    this.#turns = turns;
    this.#name = `${turns.kind} ${id}`;
  }

  get isHeld(): boolean {
    return this.#lease !== undefined;
  }

  /** Throws BusyError where another process has it. */
  async take(): Promise<void> {
    this.#lease = await takeLease(this.context, this.#name, turnTime);
    if (this.#lease === undefined) throw new BusyError(this.#turns);
  }

  /**
   * A transaction in which it is ours, by the term in the WHERE clause of its first statement; or, where the lease was not
   * taken yet, nobody's: it is taken in it where `hold`. `run` answers whether the turn ends with it. Throws LostTurnError,
   * BusyError.
   */
  async write<R extends { ends: boolean }>(
    act: Act,
    { served, hold }: { served: boolean; hold: boolean },
    run: (trx: ChangeTransaction) => Promise<R>,
  ): Promise<R> {
    // A transaction may be run again: what it comes to holds once it is committed.
    let lease: Lease | undefined;
    const guarded = async (trx: ActTransaction): Promise<R> => {
      leaveUnrecorded(trx, 'lease');
      lease = await this.#claim(trx, hold);
      const done = await run(trx as ChangeTransaction);
      if (done.ends && lease !== undefined) {
        await endLease(trx, lease);
        lease = undefined;
      }
      return done;
    };
    const { store } = this.context;
    const done = served ? await store.change(act, guarded) : await store.write(act, guarded);
    this.#lease = lease;
    return done;
  }

  async #claim(trx: Transaction<Tables>, hold: boolean): Promise<Lease | undefined> {
    if (this.#lease !== undefined) {
      if (!(await renewLease(trx, this.context, this.#lease, turnTime))) throw new LostTurnError();
      return this.#lease;
    }
    if (!hold) {
      if (!(await takeAwayLease(trx, this.context, this.#name, turnTime))) throw new BusyError(this.#turns);
      return undefined;
    }
    const lease = await takeLeaseIn(trx, this.context, this.#name, turnTime);
    if (lease === undefined) throw new BusyError(this.#turns);
    return lease;
  }

  /** What cannot be given back runs out. */
  async release(): Promise<void> {
    const lease = this.#lease;
    if (lease === undefined) return;
    this.#lease = undefined;
    await this.context.store.bookkeep('lease', async (trx) => endLease(trx, lease)).catch(() => undefined);
  }
}
