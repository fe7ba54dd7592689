import type { Store } from '../../store/store.ts';

/** What an attempt came to. */
export interface Attempt {
  /** Fault that stopped it; undefined where it went as far as it goes. */
  fault: string | undefined;
  /** With fault `internal`: for the log alone. */
  error?: unknown;
}

/**
 * One thing at a time is done to a KMS key: what was asked for first must not reach AWS last. By store, since one
 * process may have several in tests. Between processes the lease of the AWS schedules and AWS's own uniqueness (one KMS
 * key for each external key in a key store) stand for it.
 */
const byStore = new WeakMap<Store, Map<string, Promise<unknown>>>();

export async function inTurn<T>(store: Store, id: string, work: () => Promise<T>): Promise<T> {
  const turns = byStore.get(store) ?? new Map<string, Promise<unknown>>();
  byStore.set(store, turns);
  const before = turns.get(id) ?? Promise.resolve();
  const mine = before.then(work, work);
  turns.set(id, mine);
  try {
    return await mine;
  } finally {
    if (turns.get(id) === mine) turns.delete(id);
  }
}

/** Whether something is being done to it. */
export function isBusy(store: Store, id: string): boolean {
  return byStore.get(store)?.has(id) === true;
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
