import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { WireState } from './wire.ts';

/** A wire in a thread of its own: what nodes ask of their database does not wait for the load, which is this thread's. */
export class ThreadedWire {
  readonly port: number;
  readonly #thread: Worker;

  private constructor(thread: Worker, port: number) {
    this.#thread = thread;
    this.port = port;
  }

  /** Leads to the first port of the loopback address that `ports` has just then, or to the second, where it leads elsewhere. */
  static async open(ports: SharedArrayBuffer): Promise<ThreadedWire> {
    const thread = new Worker(new URL('wire-thread.ts', import.meta.url), { workerData: ports });
    const [port] = (await once(thread, 'message')) as [number];
    return new ThreadedWire(thread, port);
  }

  /** It is in that state once this resolves; one call after another. */
  async turn(state: WireState): Promise<void> {
    const turned = once(this.#thread, 'message');
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#thread.postMessage(state);
    await turned;
  }

  async close(): Promise<void> {
    const ended = once(this.#thread, 'exit');
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#thread.postMessage('close');
    await ended;
  }
}
