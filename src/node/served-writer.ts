import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { WriteRefusedError } from '../keys/limit-rotation-writes.ts';
import { monotonicNow } from '../clock.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Teller } from '../fleet/history.ts';
import type { Fleet, NodeSign } from '../fleet/nodes.ts';
import type { Logger } from '../log.ts';
import type { NodeFigures } from '../metrics/figures.ts';
import type { ToSupervisor, ToWorker } from './messages.ts';
import { emptyDistribution, observe } from '../metrics/latency.ts';
import { keptHistoryFile } from '../store/kept-history-file.ts';
import type { StorePlace } from '../store/opening/open.ts';
import type { FollowedHistory } from '../serving/known-history.ts';
import type { ServedWrite, ServedWritten } from '../serving/served-writes.ts';

/** What the node keeps of the store's history, and where; without it none is kept. */
export interface KeptHere {
  file: string;
  teller: Teller;
}

/** What the thread is started with. */
export interface ThreadData {
  place: StorePlace;
  history: KeptHere | undefined;
}

/** What the thread is told: to write, to show the node, to remove the rows of a worker that has exited, or to end. */
export type ThreadAsk =
  | { kind: 'write'; id: number; write: ServedWrite; by: string }
  | { kind: 'show'; id: number; sign: NodeSign }
  | { kind: 'remove-holders'; id: number; instance: string }
  | { kind: 'follow'; id: number }
  | { kind: 'close' };

/** What the thread says: that it has opened the store, or how a write went. */
export type ThreadAnswer =
  | { kind: 'open' }
  | { kind: 'written'; id: number; written: ServedWritten }
  | { kind: 'shown'; id: number; fleet: Fleet }
  | { kind: 'removed'; id: number }
  | ({ kind: 'followed'; id: number } & FollowedHistory)
  /** `refused` where asking again changes nothing. */
  | { kind: 'failed'; id: number; problem: string; refused: boolean };

type Done = Extract<ThreadAnswer, { kind: 'written' | 'shown' | 'removed' | 'followed' }>;

interface Pending {
  began: number;
  resolve: (done: Done) => void;
  reject: (error: Error) => void;
}

/** Writes for the process `by`, and tells it. Never rejects. */
export async function answerWrite(
  writer: Pick<ServedWriter, 'write'>,
  by: string,
  { id, write }: Extract<ToSupervisor, { kind: 'served-write' }>,
  reply: (message: ToWorker) => void,
): Promise<void> {
  try {
    reply({ kind: 'served-written', id, written: await writer.write(write, by) });
  } catch (error) {
    reply({ kind: 'served-written', id, ...whyNotWritten(error) });
  }
}

/** What a worker is told of a write that {@link ServedWriter} rejected. */
function whyNotWritten(error: unknown): { problem: string; refused: boolean } {
  return { problem: (error as Error).message, refused: error instanceof WriteRefusedError };
}

/** That of a node, which keeps the store's history too. */
export function writerOf({ store, node }: LoadedConfig, nodeId: string, log: Logger): ServedWriter {
  const onGone = (problem: string): void =>
    log.error({ problem }, 'the thread that writes for XKS workers has ended; the next write starts another');
  const file = keptHistoryFile(node.state_directory);
  return new ServedWriter(store, onGone, { file, teller: { id: nodeId, hostname: hostname() } });
}

/** Between two tries, milliseconds: at first, and at the most. */
const firstPause = 100;
const longestPause = 2_000;

/**
 * An XKS worker has exited, so it answers nothing any more: its rows are removed, and no act waits for the end of its lease
 * (docs/revocation.md). While the store is away it is tried again until that lease has ended, when nobody waits for it anyway. Never
 * rejects.
 */
export async function giveUpLeaseOf(
  instance: string,
  writer: Pick<ServedWriter, 'removeHolders'>,
  store: LoadedConfig['store'],
): Promise<void> {
  if (store.kind !== 'postgres') return;
  const until = monotonicNow() + store.lease;
  for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
    try {
      return await writer.removeHolders(instance);
    } catch {
      if (monotonicNow() + pause >= until) return;
    }
    await delay(pause, undefined, { ref: false });
  }
}

/** More writes than this do not wait: the disk has stood still for long, and whoever asks asks again. */
const maxPending = 10_000;
/** How long the thread may take to close the store, milliseconds. */
const closeTimeout = 2_000;

/**
 * Writes what the XKS workers ask for, in a thread of the supervisor's with a connection of its own: SQLite waits in the
 * call, for the disk and for locks, and what waits here is this thread alone. A thread that died is started again by the
 * next write.
 */
export class ServedWriter {
  readonly #data: ThreadData;
  readonly #onGone: (problem: string) => void;
  readonly #pending = new Map<number, Pending>();
  #thread: Worker | undefined;
  #closed = false;
  #last = 0;
  readonly #durations = emptyDistribution();
  #failed = 0;

  /** `onGone` is told why the thread ended where nobody closed it. */
  constructor(place: StorePlace, onGone: (problem: string) => void = () => undefined, history?: KeptHere) {
    this.#data = { place, history };
    this.#onGone = onGone;
  }

  /**
   * Starts the thread, so that no first request has to wait for that. Resolves when it has opened the store, or has died:
   * then the writes say why. Never rejects.
   */
  async start(): Promise<void> {
    const thread = this.#thread ?? this.#start();
    thread.ref();
    await new Promise<void>((resolve) => {
      thread.once('message', () => resolve());
      thread.once('exit', () => resolve());
    });
    this.#mayRest();
  }

  /** For the process `by`. Rejects where it could not be written, with WriteRefusedError where it never can; then a part of it may have been, which is lost. */
  async write(write: ServedWrite, by: string): Promise<ServedWritten> {
    const answer = await this.#ask((id) => ({ kind: 'write', id, write, by }));
    if (answer.kind !== 'written') throw new Error('the writer of the store answered something else');
    return answer.written;
  }

  /** Shows the node to the others. Rejects where it could not. */
  async show(sign: NodeSign): Promise<Fleet> {
    const answer = await this.#ask((id) => ({ kind: 'show', id, sign }));
    if (answer.kind !== 'shown') throw new Error('the writer of the store answered something else');
    return answer.fleet;
  }

  /** Nobody waits any more for what this process of an XKS worker served from memory: it has exited. Rejects where the store is away. */
  async removeHolders(instance: string): Promise<void> {
    await this.#ask((id) => ({ kind: 'remove-holders', id, instance }));
  }

  /** Brings what the node keeps of the store's history up to the store. Rejects where the store is away, or takes no write that it needs. */
  async follow(): Promise<FollowedHistory> {
    const answer = await this.#ask((id) => ({ kind: 'follow', id }));
    if (answer.kind !== 'followed') throw new Error('the writer of the store answered something else');
    return answer;
  }

  /** How long writes took, from the ask to the commit; how many failed, and how many wait now. */
  get figures(): NodeFigures['writes'] {
    return { durations: this.#durations, failed: this.#failed, waiting: this.#pending.size };
  }

  /** What was asked for before is still written, where the store lets it be. */
  async close(): Promise<void> {
    this.#closed = true;
    const thread = this.#thread;
    if (thread === undefined) return;
    const gone = new Promise<void>((resolve) => {
      thread.once('exit', () => resolve());
    });
    thread.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's, not a window's
    thread.postMessage({ kind: 'close' } satisfies ThreadAsk);
    const late = setTimeout(() => void thread.terminate(), closeTimeout);
    await gone;
    clearTimeout(late);
  }

  async #ask(ask: (id: number) => ThreadAsk): Promise<Done> {
    if (this.#closed) throw new Error('the node ends');
    if (this.#pending.size >= maxPending) throw new Error('the store has not answered for long');
    const thread = this.#thread ?? this.#start();
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { began: monotonicNow(), resolve, reject });
      thread.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's, not a window's
      thread.postMessage(ask(id));
    });
  }

  #start(): Worker {
    const thread = new Worker(new URL('./served-writer-thread.ts', import.meta.url), {
      workerData: this.#data,
    });
    thread.on('message', (answer: ThreadAnswer) => this.#receive(answer));
    let why = 'the writer of the store has ended';
    thread.on('error', (error) => {
      why = (error as Error).message;
    });
    // Comes after `error`, and without it too.
    thread.on('exit', () => {
      this.#thread = undefined;
      if (!this.#closed) this.#onGone(why);
      this.#giveUp(why);
    });
    this.#thread = thread;
    return thread;
  }

  #receive(answer: ThreadAnswer): void {
    if (answer.kind === 'open') return;
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (pending !== undefined) observe(this.#durations, monotonicNow() - pending.began);
    if (answer.kind === 'failed') this.#failed++;
    if (answer.kind === 'failed')
      pending?.reject(new (answer.refused ? WriteRefusedError : Error)(answer.problem));
    else pending?.resolve(answer);
    this.#mayRest();
  }

  /** A thread that nobody waits for keeps no process from ending; one that is waited for does. */
  #mayRest(): void {
    if (this.#pending.size === 0) this.#thread?.unref();
  }

  #giveUp(why: string): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#failed += pending.length;
    for (const { reject } of pending) reject(new Error(why));
  }
}
