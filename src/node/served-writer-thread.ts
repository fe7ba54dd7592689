import { parentPort, workerData } from 'node:worker_threads';
import { StoreError } from '../store/store-error.ts';
import { openStore, type StorePlace } from '../store/opening/open.ts';
import { writeServed, type ServedWrite } from '../serving/served-writes.ts';
import type { ThreadAnswer, ThreadAsk } from './served-writer.ts';

/* The thread of served-writer.ts: one connection, one write after another. An error outside of a write ends the thread. */

const store = await openStore(workerData as StorePlace);
let last: Promise<void> = Promise.resolve();

function tell(answer: ThreadAnswer): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's, not a window's
  parentPort?.postMessage(answer);
}

async function write(id: number, asked: ServedWrite, by: string): Promise<void> {
  try {
    tell({ kind: 'written', id, written: await writeServed(store, asked, by) });
  } catch (error) {
    // What a store cannot do now, it can do once it is put right; anything else is in what was asked for.
    const refused = !(error instanceof StoreError);
    tell({ kind: 'failed', id, problem: (error as Error).message, refused });
  }
}

async function close(): Promise<void> {
  await store.close();
  parentPort?.close();
}

parentPort?.on('message', (ask: ThreadAsk) => {
  last = last.then(async () => (ask.kind === 'close' ? close() : write(ask.id, ask.write, ask.by)));
});
tell({ kind: 'open' });
