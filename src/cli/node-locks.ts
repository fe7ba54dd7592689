import { hostname } from 'node:os';
import path from 'node:path';
import { wallClock } from '../clock.ts';
import type { LoadedConfig } from '../config/load.ts';
import { NodeLock, type Holder } from '../store/node-lock.ts';

/**
 * Takes what two nodes must not share, for as long as this process lives or until what it returns is called. Throws
 * StoreError, which tells who has it.
 */
export function takeNodeLocks(
  { file, node, storePath }: LoadedConfig,
  command: Holder['command'],
): () => void {
  const holder = {
    command,
    pid: process.pid,
    hostname: hostname(),
    config: file,
    since: wallClock().toISOString(),
  };
  const state = NodeLock.take(
    path.join(node.state_directory, 'serve.lock'),
    `the state directory ${node.state_directory}`,
    holder,
  );
  try {
    const store = NodeLock.take(`${storePath}-lock`, `the store ${storePath}`, holder);
    return () => {
      store.release();
      state.release();
    };
  } catch (error) {
    state.release();
    throw error;
  }
}
