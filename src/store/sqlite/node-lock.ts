import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { PlainFile } from '../plain-file.ts';
import { codeOf, StoreError } from '../store-error.ts';
import { isBusy, toStoreError } from '../store-faults.ts';

/** Who has it, for whoever finds it taken. */
export interface Holder {
  command: 'serve' | 'quickstart' | 'init' | 'restore' | 'store move' | 'store reopen';
  pid: number;
  hostname: string;
  /** The configuration file. */
  config: string;
  /** ISO 8601. */
  since: string;
}

const endByThemselves: ReadonlySet<Holder['command']> = new Set([
  'restore',
  'init',
  'store move',
  'store reopen',
]);

/**
 * What only one node may have at a time: a state directory, a store. The kernel lets go of it together with the process,
 * however that ends, so that there is no stale one (SQLite's RESERVED lock, which lets others read who has it).
 */
export class NodeLock {
  readonly #database: Database.Database;

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  /** Throws StoreError, `locked` with the holder where there is one. `of` is what is locked, in words. */
  static take(file: string, of: string, holder: Holder): NodeLock {
    let database: Database.Database | undefined;
    try {
      makePlain(file);
      database = new Database(file, { timeout: 0 });
      lock(database, holder);
      return new NodeLock(database);
    } catch (error) {
      const other = database === undefined || !isBusy(error) ? undefined : whoHas(database);
      database?.close();
      if (codeOf(error) === 'ENOENT')
        throw new StoreError(
          'missing',
          `${of} is not there: there is no directory ${path.dirname(file)}`,
          'run holdfast init on this machine, as on each node of a fleet, or correct where it is (node.state_directory, store.path)',
        );
      if (!isBusy(error)) throw toStoreError(error);
      throw new StoreError(
        'locked',
        `${of} is in use already: ${inWords(other)}`,
        other !== undefined && endByThemselves.has(other.command)
          ? `wait until that ${other.command} has ended, then repeat`
          : 'end that node first, or give this one a state directory and a store of its own (node.state_directory, store.path)',
      );
    }
  }

  release(): void {
    this.#database.close();
  }
}

/** Before SQLite opens it, which follows links. Root may lock in a directory that is the service's. */
function makePlain(file: string): void {
  try {
    // Only a new one is opened: closing one that this process has locked would give up its lock.
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  PlainFile.use(file, (plain) => plain.setMode(0o600));
}

function lock(database: Database.Database, holder: Holder): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    // That of an earlier release had other columns.
    database.exec('DROP TABLE IF EXISTS holder');
    database.exec('CREATE TABLE holder (command TEXT, pid INTEGER, hostname TEXT, config TEXT, since TEXT)');
    database
      .prepare<Holder>('INSERT INTO holder VALUES (@command, @pid, @hostname, @config, @since)')
      .run(holder);
    database.exec('COMMIT');
  } catch {
    // The name cannot be left, as on a full disk: that is no reason not to serve, and the lock takes no space.
    if (database.inTransaction) database.exec('ROLLBACK');
  }
  database.exec('BEGIN IMMEDIATE');
}

function whoHas(database: Database.Database): Holder | undefined {
  try {
    const found = database.prepare<[], Omit<Holder, 'command'>>('SELECT * FROM holder').get();
    // An earlier release, beside which this one is started in an upgrade, locks for serve alone and does not say so.
    return found === undefined ? undefined : { command: 'serve', ...found };
  } catch {
    // It is being written, or never was.
    return undefined;
  }
}

function inWords(holder: Holder | undefined): string {
  if (holder === undefined) return 'another holdfast serve or restore has it';
  const { command, pid, hostname, since, config } = holder;
  return `holdfast ${command}, process ${pid} on ${hostname}, has it since ${since}, with ${config}`;
}
