import type { Kysely, Transaction } from 'kysely';
import type { Tables } from './schema.ts';
import type { ServedChanges } from './served-changes.ts';
import { SqliteStore } from './sqlite.ts';
import type { Acting, ActTransaction, ChangeTransaction, ReadableStore, Store } from './store.ts';

/**
 * For a process that reads all the time and hardly ever writes: reads by a connection that cannot write, and opens one
 * that can for the act that needs it, a key rotated at its limit.
 */
export class OccasionalStore implements Store {
  readonly #path: string;
  readonly #reading: ReadableStore;
  #writing: Promise<SqliteStore> | undefined;

  constructor(path: string, reading: ReadableStore) {
    this.#path = path;
    this.#reading = reading;
  }

  get db(): Kysely<Tables> {
    return this.#reading.db;
  }

  revision(): number | Promise<number> {
    return this.#reading.revision();
  }

  changesSince(since: number): ServedChanges | Promise<ServedChanges> {
    return this.#reading.changesSince(since);
  }

  async change<T>(act: Acting, run: (trx: ChangeTransaction) => Promise<T>): Promise<T> {
    return (await this.#open()).change(act, run);
  }

  async write<T>(act: Acting, run: (trx: ActTransaction) => Promise<T>): Promise<T> {
    return (await this.#open()).write(act, run);
  }

  async bookkeep<T>(run: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return (await this.#open()).bookkeep(run);
  }

  async close(): Promise<void> {
    const writing = this.#writing;
    this.#writing = undefined;
    await (await writing?.catch(() => undefined))?.close();
    await this.#reading.close();
  }

  async #open(): Promise<SqliteStore> {
    this.#writing ??= SqliteStore.open(this.#path).catch((error: unknown) => {
      this.#writing = undefined;
      throw error;
    });
    return this.#writing;
  }
}
