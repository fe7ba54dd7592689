import { setImmediate } from 'node:timers/promises';
import type { UseTable } from '../store/schema.ts';

/** How often what was gathered is written, milliseconds. */
const writeInterval = 5_000;
/** So many credentials and keys are held at once, far more than are used in that time; others are not counted. */
const maxHeld = 50_000;
/** So many rows are written at once, in some two milliseconds. */
const rowsPerBatch = 200;

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
  #writing: Promise<void> | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(options: UseRecorderOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.write(), writeInterval).unref();
  }

  /** `id` is an access key id, or the id of a CloudKey. Call it only for what is proven: a credential whose signature was right. */
  record(kind: UseKind, id: string, address: string): void {
    this.#add(kind, id, 1, this.#options.now(), address);
  }

  /** Writes what was gathered. Never throws: after a failure it keeps what is not written for the next time. */
  async write(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** The last write. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.write();
  }

  async #write(): Promise<void> {
    const rows = toRows(this.#gathered);
    this.#gathered = newMaps();
    for (let from = 0; from < rows.length; from += rowsPerBatch) {
      try {
        await this.#options.write(rows.slice(from, from + rowsPerBatch));
      } catch (error) {
        for (const row of rows.slice(from))
          this.#add(row.kind, row.id, row.count, Date.parse(row.last_at), row.last_address);
        this.#options.onFailure(error);
        return;
      }
      // Requests first.
      await setImmediate();
    }
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
