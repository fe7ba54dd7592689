import type { StorePlace } from './open.ts';

/**
 * Takes what only one node may have of a database, until what it returns is called; of a file there are locks beside it. Throws
 * StoreError, `locked` where another has it. `onTaken`: another has taken it while the connection was lost.
 */
export async function lockDatabase(
  place: StorePlace,
  command: 'serve' | 'init' | 'store move',
  onTaken?: (problem: string) => void,
): Promise<() => Promise<void>> {
  if (place.kind === 'sqlite') return () => Promise.resolve();
  const { DatabaseLock } = await import('../postgres/node-lock.ts');
  const lock = await DatabaseLock.take(place, command, onTaken);
  return async () => lock.release();
}
