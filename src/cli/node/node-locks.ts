import { hostname } from 'node:os';
import path from 'node:path';
import { wallClock } from '../../clock.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { NodeLock, type Holder } from '../../store/sqlite/node-lock.ts';

/**
 * Takes what two nodes must not share, for as long as this process lives or until what it returns is called. `state`: the lock
 * of the state directory where it is held already. Throws StoreError, which tells who has it; nothing is held then.
 */
export function takeNodeLocks(
  { file, node, store: place }: LoadedConfig,
  command: Holder['command'],
  state = takeStateLock(node.state_directory, file, command),
): () => void {
  // That of a database is taken where it is opened: src/store/postgres/node-lock.ts.
  if (place.kind !== 'sqlite') return () => state.release();
  try {
    const store = NodeLock.take(`${place.path}-lock`, `the store ${place.path}`, holder(file, command));
    return () => {
      store.release();
      state.release();
    };
  } catch (error) {
    state.release();
    throw error;
  }
}

/** The other, of a file that is no node's yet. Throws StoreError. */
export function takeFileLock(store: string, config: string): () => void {
  const lock = NodeLock.take(`${store}-lock`, `the store ${store}`, holder(config, 'store move'));
  return () => lock.release();
}

/** One of the two, for who has no configuration yet; `config` is where that will be. Throws StoreError. */
export function takeStateLock(directory: string, config: string, command: Holder['command']): NodeLock {
  return NodeLock.take(
    path.join(directory, 'serve.lock'),
    `the state directory ${directory}`,
    holder(config, command),
  );
}

function holder(config: string, command: Holder['command']): Holder {
  return { command, pid: process.pid, hostname: hostname(), config, since: wallClock().toISOString() };
}
