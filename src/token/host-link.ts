import type { Socket } from 'node:net';
import { FrameCutter } from './frame-bytes.ts';
import { monotonicNow } from '../clock.ts';
import { readResponse, type ResponseFrame } from './frames.ts';

/** How much work one host holds at once: what it does in about this time, milliseconds. Larger batches, fewer system calls. */
const batchTime = 2;
const largestBatch = 24;
/** One is done while the next waits in the socket: the host does not stand idle until we have read its answer. */
const smallestWindow = 2;

export type HostState = 'starting' | 'ready' | 'busy' | 'sick' | 'dead';

/** One running token host as its pool sees it; `Work` is what the pool waits for. */
export class HostLink<Work> {
  readonly id: number;
  readonly pid: number;
  readonly inFlight = new Map<number, Work>();
  lastProgress = monotonicNow();
  /** It has not answered for a while: it gets nothing new. */
  sick = false;
  /** It is about to end, by its own word or by ours: it gets nothing new and nothing is expected of it. */
  leaving = false;
  killAsked = false;
  /** When the health key was used on it last; it has just passed its self-test, which is a real encrypt and decrypt. */
  lastHealthy = monotonicNow();
  readonly #socket: Socket;
  readonly #cutter = new FrameCutter();
  #out: Buffer[] = [];
  /** Moving average of what one operation takes in the host, milliseconds. */
  #operationTime = 1;

  constructor(id: number, pid: number, socket: Socket) {
    this.id = id;
    this.pid = pid;
    this.#socket = socket;
  }

  get state(): HostState {
    if (this.killAsked || this.leaving) return 'dead';
    if (this.sick) return 'sick';
    return this.inFlight.size > 0 ? 'busy' : 'ready';
  }

  /** Whether it takes one more request now. */
  get hasRoom(): boolean {
    if (this.sick || this.leaving) return false;
    const fitting = Math.floor(batchTime / this.#operationTime);
    const window = Math.max(smallestWindow, Math.min(largestBatch, fitting));
    return this.inFlight.size < window;
  }

  /** Keeps a frame until {@link flush}. */
  send(id: number, work: Work, frame: Buffer): void {
    if (this.inFlight.size === 0) this.lastProgress = monotonicNow();
    this.inFlight.set(id, work);
    this.#out.push(frame);
  }

  /** One write for all that waits. */
  flush(): void {
    const [first] = this.#out;
    if (first === undefined) return;
    this.#socket.write(this.#out.length === 1 ? first : Buffer.concat(this.#out));
    this.#out = [];
  }

  /** The answers in what came from the host. Throws RangeError where it does not speak our language. */
  receive(chunk: Buffer): ResponseFrame[] {
    const responses = this.#cutter.push(chunk).map(readResponse);
    for (const { microseconds } of responses)
      this.#operationTime += (Math.max(microseconds / 1000, 0.02) - this.#operationTime) / 16;
    return responses;
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
