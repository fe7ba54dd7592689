import type { DatabaseUse, WhileAway } from '../postgres/node-lock.ts';
import type { StorePlace } from './open.ts';

/**
 * Has a database for the nodes that serve from it, or for one command alone, until what it returns is called; of a file there are
 * locks beside it. Throws StoreError: `locked` where others have it, `moved` where nodes may not serve from it any more. `whileAway` is told
 * what was done to it while the connection was lost.
 */
export async function lockDatabase(
  place: StorePlace,
  command: DatabaseUse,
  whileAway?: WhileAway,
): Promise<() => Promise<void>> {
  if (place.kind === 'sqlite') return () => Promise.resolve();
  const { DatabaseLock } = await import('../postgres/node-lock.ts');
  const lock = await DatabaseLock.take(place, command, whileAway);
  return async () => lock.release();
}
