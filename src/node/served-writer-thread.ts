import { parentPort, workerData } from 'node:worker_threads';
import { wallClock } from '../clock.ts';
import { removeExitedHolders, removeHolders } from '../fleet/in-force.ts';
import { showNode, type NodeSign } from '../fleet/nodes.ts';
import { StoreError } from '../store/store-error.ts';
import { openStore, type StorePlace } from '../store/opening/open.ts';
import { writeServed, type ServedWrite } from '../serving/served-writes.ts';
import { hasExited } from './node-id.ts';
import type { ThreadAnswer, ThreadAsk } from './served-writer.ts';

/*
 * The thread of served-writer.ts: one write after another, and beside them what the node shows of itself and that workers are gone. An
 * error outside of a write ends the thread.
 */

const place = workerData as StorePlace;
const store = await openStore(place);
let last: Promise<void> = Promise.resolve();
/** Beside the writes: none of them waits for it. */
let lastBeside: Promise<void> = Promise.resolve();
/** No worker of an earlier start of the node is waited for any more. */
let isSwept = false;

function tell(answer: ThreadAnswer): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's, not a window's
  parentPort?.postMessage(answer);
}

async function show(id: number, sign: NodeSign): Promise<void> {
  try {
    if (!isSwept) await removeExitedHolders(store, sign.id, hasExited);
    isSwept = true;
    const database = {
      kind: place.kind,
      durability: place.kind === 'sqlite' ? null : place.durability,
      problems: [...(store.durabilityProblems ?? [])],
    };
    tell({ kind: 'shown', id, fleet: await showNode(store, sign, database, wallClock) });
  } catch (error) {
    tell({ kind: 'failed', id, problem: (error as Error).message, refused: false });
  }
}

async function remove(id: number, instance: string): Promise<void> {
  try {
    await removeHolders(store, instance);
    tell({ kind: 'removed', id });
  } catch (error) {
    tell({ kind: 'failed', id, problem: (error as Error).message, refused: false });
  }
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
  await lastBeside;
  await store.close();
  parentPort?.close();
}

parentPort?.on('message', (ask: ThreadAsk) => {
  if (ask.kind === 'show') {
    lastBeside = lastBeside.then(async () => show(ask.id, ask.sign));
    return;
  }
  if (ask.kind === 'remove-holders') {
    lastBeside = lastBeside.then(async () => remove(ask.id, ask.instance));
    return;
  }
  last = last.then(async () => (ask.kind === 'close' ? close() : write(ask.id, ask.write, ask.by)));
});
tell({ kind: 'open' });
