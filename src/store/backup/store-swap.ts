import { existsSync, linkSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { inWords, schemaDifferences } from '../sqlite/schema-check.ts';
import { StoreError } from '../store-error.ts';
import { companions } from '../sqlite/store-file.ts';
import { isBusy, storeError, toStoreError } from '../store-faults.ts';
import { syncToDisk } from '../sqlite/sync-to-disk.ts';

/**
 * A store that is about to be replaced. While it is held nobody writes to it, and all that was committed is in its one file,
 * unless it is `damaged`.
 */
export class ReplacedStore {
  readonly file: string;
  /** Why it cannot be read, in words; undefined where it is whole. */
  readonly damaged: string | undefined;
  readonly #guard: Database.Database | undefined;

  private constructor(file: string, damaged: string | undefined, guard?: Database.Database) {
    this.file = file;
    this.damaged = damaged;
    this.#guard = guard;
  }

  /** Throws StoreError `locked` where another program has it open. */
  static async hold(file: string): Promise<ReplacedStore> {
    let guard: Database.Database | undefined;
    try {
      guard = new Database(file, { timeout: 2000, fileMustExist: true });
      // Only without the log of writes ahead is the one file all there is; and nobody else can have it open meanwhile.
      guard.pragma('trusted_schema = OFF');
      if (guard.pragma('journal_mode = DELETE', { simple: true }) !== 'delete') throw inUse(file);
      // Readers may come; whoever writes, or would begin such a log again, waits and is refused.
      guard.exec('BEGIN IMMEDIATE');
      const damage = await whatIsWrong(guard);
      if (damage === undefined) return new ReplacedStore(file, undefined, guard);
      guard.close();
      return new ReplacedStore(file, damage);
    } catch (error) {
      guard?.close();
      if (isBusy(error)) throw inUse(file, error);
      if (error instanceof StoreError) throw error;
      const told = toStoreError(error);
      // One that is not ours to read is not damaged.
      if (told instanceof StoreError && told.fault === 'not-permitted') throw told;
      return new ReplacedStore(file, told instanceof Error ? told.message : String(told));
    }
  }

  release(): void {
    this.#guard?.close();
  }
}

/** What it says is believed only where nobody has been at it. */
async function whatIsWrong(database: Database.Database): Promise<string | undefined> {
  const said = String(database.pragma('quick_check(1)', { simple: true }));
  if (said !== 'ok') return said;
  const isStore = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'kysely_migration'").get();
  if (isStore === undefined) return 'it is no store of Holdfast';
  const executed = database.prepare<[], string>('SELECT name FROM kysely_migration').pluck().all();
  const [difference] = await schemaDifferences(database, executed);
  return difference === undefined ? undefined : inWords(difference);
}

function inUse(file: string, cause?: unknown): StoreError {
  return new StoreError(
    'locked',
    `another program has the store at ${file} open`,
    `end it (fuser -v ${file} names it), then repeat`,
    cause,
  );
}

export interface Swap {
  /** The new store, closed, in the directory of the old one. */
  prepared: string;
  /** Where the store belongs. */
  file: string;
  /** The old one where there is one: what it is called from now on. */
  replaced: ReplacedStore | undefined;
  aside: string;
}

/**
 * Puts a new store in the place of another, which is kept under another name. At every moment there is under `file` the old
 * one with all that belongs to it, or the new one alone; where the old one is damaged, or gone but for its log, there may be
 * none in between, and a node refuses to start. `onStep` hears of each step once it is done.
 */
export function putInPlace(
  { prepared, file, replaced, aside }: Swap,
  onStep: (step: string) => void = () => undefined,
): void {
  for (const end of companions)
    if (existsSync(`${prepared}${end}`)) throw storeError('locked', new Error(`${prepared}${end} is left`));
  syncToDisk(prepared);
  if (replaced !== undefined && replaced.damaged === undefined) {
    // One file under two names until the new one takes one of them.
    linkSync(file, aside);
    onStep('kept');
  } else {
    if (replaced !== undefined) {
      renameSync(file, aside);
      onStep('moved');
    }
    for (const end of companions)
      if (existsSync(`${file}${end}`)) {
        // The map of a log is made again.
        if (end === '-shm') rmSync(`${file}${end}`);
        else renameSync(`${file}${end}`, `${aside}${end}`);
        onStep(`moved${end}`);
      }
  }
  syncToDisk(path.dirname(file));
  renameSync(prepared, file);
  onStep('placed');
  syncToDisk(path.dirname(file));
}
