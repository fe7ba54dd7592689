import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { wallClock } from '../clock.ts';
import { lookAtHistory, tellLost, type HistoryLook } from '../fleet/history.ts';
import { removeExitedHolders, removeHolders } from '../fleet/in-force.ts';
import { showNode, type NodeSign } from '../fleet/nodes.ts';
import { readKeptHistory, writeKeptHistory } from '../store/kept-history-file.ts';
import { nothingKept, type KeptHistory } from '../store/kept-history.ts';
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
let kept = history === undefined ? nothingKept : readKeptHistory(history.file).kept;
/** What of it is on the disk. */
let onDisk = kept;
let writing: Promise<void> | undefined;
/** Nobody waits longer for the disk, milliseconds. */
const longestWrite = 2_000;
/** Why what is kept is not on the disk, or the store could not be told. */
let problem: string | undefined;
let last: Promise<void> = Promise.resolve();
/** Beside the writes: none of them waits for it. */
let lastBeside: Promise<void> = Promise.resolve();
/** No worker of an earlier start of the node is waited for any more. */
let isSwept = false;
let lastFollowed: Promise<void> = Promise.resolve();

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

async function follow(id: number): Promise<void> {
  if (history === undefined)
    return tell({ kind: 'failed', id, problem: 'no history is kept', refused: true });
  let look: HistoryLook;
  try {
    look = await lookAtHistory(store, kept);
  } catch (error) {
    return tell({ kind: 'failed', id, problem: (error as Error).message, refused: false });
  }
  const { lost, untold, wentBack } = look;
  // What is lost is gone by at once, however long the store takes to be told.
  if (untold.length === 0) await keep(look.kept, history.file);
  tell({ kind: 'followed', id, at: look.kept.at, lost, wentBack, isTold: untold.length === 0, problem });
  if (untold.length === 0) return;
  try {
    await tellLost(store, untold, history.teller, wallClock);
    await keep(look.kept, history.file);
  } catch (error) {
    // What was kept stays, so that the next look finds the same.
    problem = (error as Error).message;
  }
}

/**
 * What cannot be put on the disk, which may be full or stand still, is gone by all the same, as long as this process lives: no disable waits
 * for it longer, and no write of the store at all.
 */
async function keep(next: KeptHistory, file: string): Promise<void> {
  kept = next;
  writing ??= put(file).finally(() => {
    writing = undefined;
  });
  const late = delay(longestWrite, 'late', { ref: false });
  if ((await Promise.race([writing, late])) === 'late') problem = `${file}: the disk takes nothing`;
}

/** Until what is kept is there. */
async function put(file: string): Promise<void> {
  problem = undefined;
  while (onDisk !== kept) {
    const these = kept;
    try {
      await writeKeptHistory(file, these);
      onDisk = these;
    } catch (error) {
      problem = (error as Error).message;
      return;
    }
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
  await Promise.all([lastBeside, lastFollowed]);
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
