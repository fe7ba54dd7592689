import { parentPort, workerData } from 'node:worker_threads';
import { wallClock } from '../clock.ts';
import { lookAtHistory, tellLost, type HistoryLook, type Teller } from '../fleet/history.ts';
import { removeExitedHolders, removeHolders } from '../fleet/in-force.ts';
import { showNode, type NodeSign } from '../fleet/nodes.ts';
import { KnownCounts } from '../keys/encryption-leases.ts';
import { KeptHistories, type OtherStore } from '../store/kept-histories.ts';
import { beforeEverything } from '../store/revision-log.ts';
import { StoreError } from '../store/store-error.ts';
import { openStore } from '../store/opening/open.ts';
import { writeServed, type ServedWrite } from '../serving/served-writes.ts';
import { hasExited } from './node-id.ts';
import type { ThreadAnswer, ThreadAsk, ThreadData } from './served-writer.ts';

/*
 * The thread of served-writer.ts: one write after another, and beside them what the node shows of itself and that workers are gone. An
 * error outside of a write ends the thread.
 */

const { place, history } = workerData as ThreadData;
const store = await openStore(place);
const histories = history === undefined ? undefined : new KeptHistories(history.file);
/** That the store is another one than before, until it is told. */
let otherStore: OtherStore | undefined;
/** Why the store could not be told what it has lost. */
let untoldProblem: string | undefined;
/** Of all workers of the node. */
const known = new KnownCounts();
let last: Promise<void> = Promise.resolve();
/** Beside the writes: none of them waits for it. */
let lastBeside: Promise<void> = Promise.resolve();
/** No worker of an earlier start of the node is waited for any more. */
let isSwept = false;
let lastFollowed: Promise<void> = Promise.resolve();
/** Under way: its COMMIT may wait for a standby for long, and no look does. */
let telling: Promise<void> | undefined;

function tell(answer: ThreadAnswer): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's, not a window's
  parentPort?.postMessage(answer);
}

async function show(id: number, sign: NodeSign): Promise<void> {
  try {
    if (!isSwept) await removeExitedHolders(store, sign.id, hasExited);
    isSwept = true;
    const shown = { ...sign, unkept: histories?.unkept };
    const database = {
      kind: place.kind,
      durability: place.kind === 'sqlite' ? null : place.durability,
      problems: [...(store.durabilityProblems ?? [])],
    };
    tell({ kind: 'shown', id, fleet: await showNode(store, shown, database, wallClock) });
  } catch (error) {
    tell({ kind: 'failed', id, problem: (error as Error).message, refused: false });
  }
}

async function follow(id: number): Promise<void> {
  if (history === undefined || histories === undefined)
    return tell({ kind: 'failed', id, problem: 'no history is kept', refused: true });
  let look: HistoryLook;
  try {
    const at = await store.moment();
    otherStore = histories.turnTo(at) ?? otherStore;
    look = await lookAtHistory(store, histories.kept, at);
  } catch (error) {
    return tell({ kind: 'failed', id, problem: (error as Error).message, refused: false });
  }
  const { kept, lost, untold, wentBack } = look;
  const isTold = untold.length === 0;
  if (isTold) {
    untoldProblem = undefined;
    await histories.keep(kept);
  } else telling ??= tellStore(look, history.teller, histories);
  // What is lost is gone by at once, however long the store takes to be told; till then nothing of what it has now is kept.
  const at = isTold ? kept.at : { ...beforeEverything, store: kept.at.store };
  const { unkept } = histories;
  tell({ kind: 'followed', id, at, lost, wentBack, otherStore, isTold, problem: untoldProblem, unkept });
  otherStore = undefined;
}

async function tellStore(look: HistoryLook, teller: Teller, of: KeptHistories): Promise<void> {
  const before = of.kept;
  try {
    await tellLost(store, look, teller, wallClock);
    untoldProblem = undefined;
    // Else a look has come to something else meanwhile.
    if (of.kept === before) await of.keep(look.kept);
  } catch (error) {
    // What was kept stays, so that the next look finds the same.
    untoldProblem = (error as Error).message;
  } finally {
    telling = undefined;
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
    tell({ kind: 'written', id, written: await writeServed(store, asked, by, wallClock, known) });
  } catch (error) {
    // What a store cannot do now, it can do once it is put right; anything else is in what was asked for.
    const refused = !(error instanceof StoreError);
    tell({ kind: 'failed', id, problem: (error as Error).message, refused });
  }
}

async function close(): Promise<void> {
  await Promise.all([lastBeside, lastFollowed]);
  await telling;
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
  if (ask.kind === 'follow') {
    lastFollowed = lastFollowed.then(async () => follow(ask.id));
    return;
  }
  last = last.then(async () => (ask.kind === 'close' ? close() : write(ask.id, ask.write, ask.by)));
});
tell({ kind: 'open' });
