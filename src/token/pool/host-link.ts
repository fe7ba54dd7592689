import type { Socket } from 'node:net';
import { FrameCutter } from '../frame-bytes.ts';
import { monotonicNow } from '../../clock.ts';
import { TokenError } from '../faults.ts';
import type { FetchAhead } from '../fetch-ahead.ts';
import { readResponse, unasked, type ResponseFrame } from '../response-frames.ts';
import type { TokenRequestKind } from '../messages.ts';

/** How much work one host holds at once: what it does in about this time, milliseconds. Larger batches, fewer system calls. */
const batchTime = 2;
const largestBatch = 24;
/** One is done while the next waits in the socket: the host does not stand idle until we have read its answer. */
const smallestWindow = 2;
/**
 * Where an operation takes so long, milliseconds, the time until we have read an answer is nothing beside it, and what waits in the
 * socket has a place before whoever comes next, whatever their share: then it waits with us.
 */
const slowOperation = 10;

export type HostState = 'starting' | 'ready' | 'busy' | 'sick' | 'dead';

/** A health check of a host that was answered. */
interface HostCheck {
  /** By {@link monotonicNow}. */
  at: number;
  /** What it took in the host, milliseconds. */
  took: number;
  ok: boolean;
}

/** What takes as long as there are keys says nothing about how long an operation takes. */
const growing: ReadonlySet<string> = new Set<TokenRequestKind>([
  'learn',
  'listKeys',
  'generateKey',
  'destroyKey',
  'restrictKey',
]);

/** Hosts of another process that this one may use when its own cannot: at the other end is that process. */
export interface Borrowed {
  /** How many hosts it has: so much more work fits. */
  hosts: number;
  /** Whether they find in time what is asked of them. */
  prepared: boolean;
}

export interface LinkOptions {
  /** What an operation took at its self-test, milliseconds. */
  operationTime?: number | undefined;
  /** Which of the HSMs that hold the token's keys it is of; '' for hosts of another process. */
  member?: string;
  /** Of that HSM, as it told when the host started. */
  serial?: string | undefined;
  borrowed?: Borrowed;
}

/**
 * One running token host as its pool sees it, or a neighbour's hosts; `Work` is what the pool waits for, and its cost how many
 * single operations it is.
 */
export class HostLink<Work extends { readonly cost: number; readonly request: { readonly kind: string } }> {
  readonly id: number;
  readonly pid: number;
  readonly inFlight = new Map<number, Work>();
  /** When it last did something of what it has to do, or got it; by the pool's clock of its own running. */
  lastProgress = 0;
  /** It has not answered for a while: it gets nothing new. */
  sick = false;
  /** It is about to end, by its own word or by ours: it gets nothing new and nothing is expected of it. */
  leaving = false;
  /** When the supervisor was last asked to kill it, by the same clock. */
  killAskedAt: number | undefined;
  /** When the health key was used on it last; it has just passed its self-test, which is a real encrypt and decrypt. */
  lastHealthy = monotonicNow();
  /** When it was asked last to encrypt and decrypt with the health key, and what came of it; undefined while it has answered none. */
  lastCheck: HostCheck | undefined;
  /** When it answered an operation last. */
  lastAnswer = -Infinity;
  /** Has it learn where keys are; undefined where nobody is in a hurry. */
  ahead: FetchAhead | undefined;
  readonly member: string;
  readonly serial: string | undefined;
  /** Undefined for a host of its own. */
  readonly borrowed: Borrowed | undefined;
  readonly #socket: Socket;
  readonly #cutter = new FrameCutter();
  #out: Buffer[] = [];
  /** Moving average of what one operation takes in the host, milliseconds. */
  #operationTime: number;
  /** The same, following faster: what to expect of the next one, not how many are worth a batch. */
  #expectedTime: number;

  constructor(
    id: number,
    pid: number,
    socket: Socket,
    { operationTime = 1, member = '', serial, borrowed }: LinkOptions = {},
  ) {
    this.member = member;
    this.serial = serial;
    this.borrowed = borrowed;
    this.#expectedTime = operationTime;
    // Of an encryption with its decryption; what is quicker than this shows soon.
    this.#operationTime = Math.max(1, operationTime / 2);
    this.id = id;
    this.pid = pid;
    this.#socket = socket;
  }

  get state(): HostState {
    if (this.killAskedAt !== undefined || this.leaving) return 'dead';
    if (this.sick) return 'sick';
    if (!this.prepared) return 'starting';
    return this.inFlight.size > 0 ? 'busy' : 'ready';
  }

  /** Whether it finds in time what is asked of it. */
  get prepared(): boolean {
    return this.borrowed?.prepared ?? this.ahead?.prepared ?? true;
  }

  /** What to try first: what finds in time what is asked of it, and of that what is our own. */
  get rank(): number {
    return (this.prepared ? 0 : 2) + (this.borrowed === undefined ? 0 : 1);
  }

  /** Whether it is to get nothing new. */
  get unfit(): boolean {
    return this.sick || this.leaving;
  }

  /** What all that it holds should take, milliseconds: it answers in batches. */
  get workTime(): number {
    return this.#expectedTime * this.cost;
  }

  /** What all that it holds costs, in single operations. */
  get cost(): number {
    let cost = 0;
    for (const work of this.inFlight.values()) cost += work.cost;
    return cost;
  }

  /** What a single operation takes, milliseconds: by many of the last, so that one that was slow says little. */
  get operationTime(): number {
    return this.#operationTime;
  }

  /** What it needs until it has done `work` as well, milliseconds. */
  timeFor(work: { readonly cost: number }): number {
    return (this.cost / (this.borrowed?.hosts ?? 1) + work.cost) * this.#operationTime;
  }

  /** Whether it has a request of this kind that it has not answered. */
  isAskedFor(kind: string): boolean {
    return [...this.inFlight.values()].some(({ request }) => request.kind === kind);
  }

  /** Whether it takes one more request now. */
  get hasRoom(): boolean {
    if (this.unfit) return false;
    return this.inFlight.size < this.#window * (this.borrowed?.hosts ?? 1);
  }

  /** How many a host holds at once. */
  get #window(): number {
    if (this.#operationTime >= slowOperation) return 1;
    return Math.max(smallestWindow, Math.min(largestBatch, Math.floor(batchTime / this.#operationTime)));
  }

  /** Keeps a frame until {@link flush}. */
  send(id: number, work: Work, frame: Buffer, now: number): void {
    if (this.inFlight.size === 0) this.lastProgress = now;
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
    for (const { id, microseconds, answer } of responses) {
      const work = this.inFlight.get(id);
      // By what was asked: a failure of it has no kind.
      if (growing.has(work?.request.kind ?? (answer instanceof TokenError ? '' : answer.kind))) continue;
      // Whom we borrow from says by itself how it is; no token had a part in that.
      if (id === unasked || (this.borrowed !== undefined && microseconds === 0)) continue;
      this.lastAnswer = monotonicNow();
      const took = Math.max(microseconds / 1000, 0.02) / (work?.cost ?? 1);
      this.#operationTime += (took - this.#operationTime) / 16;
      this.#expectedTime += (took - this.#expectedTime) / 4;
    }
    return responses;
  }

  destroy(): void {
    this.ahead?.stop();
    this.#socket.destroy();
  }
}
