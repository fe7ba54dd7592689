import { randomUUID } from 'node:crypto';
import type { UseTable } from '../store/schema.ts';
import { WriteRefusedError, type VersionWrites } from '../keys/limit-rotation-writes.ts';
import type { Leased, LeaseAsk } from '../keys/encryption-leases.ts';
import type { UnfitNote } from '../keys/unfit-note.ts';
import type { FailedRequests } from '../keys/failed-request-rows.ts';
import type { ServedWrite, ServedWritten } from '../serving/served-writes.ts';
import type { ToSupervisor, ToWorker } from './messages.ts';

interface Waiting<T> {
  resolve: (value: T) => void;
  reject: (error: Error) => void;
}

/**
 * An XKS worker's side of what it has written by the supervisor. Asks of one turn of the event loop go together: a
 * worker that has just started gets requests for thousands of keys, and has a block of none.
 */
export class ServedWriteAsks {
  readonly #tell: (message: ToSupervisor) => void;
  /**
   * By ids that no other worker ever gives: an answer to the one before, which has died, must not be taken for a block
   * that was never leased (promise 5).
   */
  readonly #sent = new Map<string, Waiting<ServedWritten>>();
  #asks: { ask: LeaseAsk; waiting: Waiting<Leased> }[] = [];

  constructor(tell: (message: ToSupervisor) => void) {
    this.#tell = tell;
  }

  /** Resolves once the block is in the store, however long that takes: who waits has a deadline of its own. */
  readonly lease = async (ask: LeaseAsk): Promise<Leased> =>
    new Promise((resolve, reject) => {
      if (this.#asks.length === 0) setImmediate(() => void this.#sendAsks());
      this.#asks.push({ ask, waiting: { resolve, reject } });
    });

  readonly uses = async (uses: UseTable[]): Promise<void> => {
    await this.#send({ kind: 'uses', uses });
  };

  readonly failedRequests = async (requests: FailedRequests[]): Promise<void> => {
    await this.#send({ kind: 'failed-requests', requests });
  };

  readonly unfit = async (note: UnfitNote): Promise<void> => {
    await this.#send({ kind: 'unfit', note });
  };

  /** The steps of a rotation at the limit. */
  readonly versions: VersionWrites = {
    begin: async (ask) => {
      const written = await this.#send({ kind: 'begin-version', ask });
      return written.kind === 'begin-version' ? written.begun : null;
    },
    activate: async (ask) => {
      const written = await this.#send({ kind: 'activate-version', ask });
      return written.kind === 'activate-version' ? written.current : 0;
    },
    takeBack: async (ask) => {
      await this.#send({ kind: 'take-back-version', ask });
    },
  };

  receive(message: Extract<ToWorker, { kind: 'served-written' }>): void {
    const waiting = this.#sent.get(message.id);
    this.#sent.delete(message.id);
    if (message.written !== undefined) waiting?.resolve(message.written);
    else
      waiting?.reject(
        new (message.refused === true ? WriteRefusedError : Error)(
          message.problem ?? 'it could not be written',
        ),
      );
  }

  async #sendAsks(): Promise<void> {
    const asks = this.#asks;
    this.#asks = [];
    try {
      const written = await this.#send({ kind: 'leases', asks: asks.map(({ ask }) => ask) });
      const leased = written.kind === 'leases' ? written.leased : [];
      for (const [index, { waiting }] of asks.entries()) waiting.resolve(leased[index] ?? null);
    } catch (error) {
      for (const { waiting } of asks) waiting.reject(error as Error);
    }
  }

  async #send(write: ServedWrite): Promise<ServedWritten> {
    const id = randomUUID();
    return new Promise((resolve, reject) => {
      this.#sent.set(id, { resolve, reject });
      this.#tell({ kind: 'served-write', id, write });
    });
  }
}
