import type { UseTable } from '../store/schema.ts';
import { BatchedWrites } from './batched-writes.ts';

/** So many credentials and keys are held at once, far more than are used in that time; others are not counted. */
const maxHeld = 50_000;

interface Use {
  count: number;
  /** Milliseconds since the epoch. */
  lastAt: number;
  lastAddress: string;
}

type UseKind = UseTable['kind'];

export interface UseRecorderOptions {
  /** Adds them to what stands in the store; whole or not at all. */
  write: (uses: UseTable[]) => Promise<void>;
  /** Milliseconds since the epoch. */
  now: () => number;
  onFailure: (error: unknown) => void;
}

/**
 * Gathers when and from where credentials and CloudKeys were last used, and how often, and writes it every few
 * seconds: a request costs an entry in a map. A worker that is killed loses what it had not written.
 */
export class UseRecorder {
  readonly #options: UseRecorderOptions;
  #gathered = newMaps();
  readonly #writes: BatchedWrites<UseTable>;

  constructor(options: UseRecorderOptions) {
    this.#options = options;
    this.#writes = new BatchedWrites({
      take: () => {
        const rows = toRows(this.#gathered);
        this.#gathered = newMaps();
        return rows;
      },
      putBack: (rest) => {
        for (const row of rest)
          this.#add(row.kind, row.id, row.count, Date.parse(row.last_at), row.last_address);
      },
      write: async (batch) => options.write([...batch]),
      onFailure: options.onFailure,
    });
  }

  /** `id` is an access key id, or the id of a CloudKey. Call it only for what is proven: a credential whose signature was right. */
  record(kind: UseKind, id: string, address: string): void {
    this.#add(kind, id, 1, this.#options.now(), address);
  }

  /** Writes what was gathered. Never throws: after a failure it keeps what is not written for the next time. */
  async write(): Promise<void> {
    return this.#writes.write();
  }

  /** The last write. */
  async close(): Promise<void> {
    return this.#writes.close();
  }

  #add(kind: UseKind, id: string, count: number, lastAt: number, lastAddress: string): void {
    const uses = this.#gathered.get(kind);
    const use = uses?.get(id);
    if (use !== undefined) {
      use.count += count;
      if (lastAt < use.lastAt) return;
      use.lastAt = lastAt;
      use.lastAddress = lastAddress;
    } else if (uses !== undefined && uses.size < maxHeld) uses.set(id, { count, lastAt, lastAddress });
  }
}

function newMaps(): Map<UseKind, Map<string, Use>> {
  return new Map([
    ['credential', new Map()],
    ['encrypt', new Map()],
    ['decrypt', new Map()],
  ]);
}

function toRows(gathered: ReadonlyMap<UseKind, ReadonlyMap<string, Use>>): UseTable[] {
  return [...gathered].flatMap(([kind, uses]) =>
    [...uses].map(([id, { count, lastAt, lastAddress }]) => ({
      kind,
      id,
      count,
      last_at: new Date(lastAt).toISOString(),
      last_address: lastAddress,
    })),
  );
}
