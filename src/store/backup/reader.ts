import { closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { Kysely } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import {
  BackupError,
  leftOut,
  type BackupEnd,
  type BackupHeader,
  type BackupManifest,
  type TableHead,
  type Value,
} from './format.ts';
import { readBackup } from './lines.ts';
import { migrations } from '../migrations.ts';
import { schemaDifferences } from '../sqlite/schema-check.ts';
import { assertUnaltered } from '../sqlite/schema-version.ts';
import { MigratingDialect } from '../sqlite/sqlite-dialect.ts';
import { orStoreError } from '../sqlite/sqlite-connection.ts';
import { codeOf } from '../store-error.ts';
import { toStoreError } from '../store-faults.ts';
import { knownMigrations } from '../store.ts';
import { syncToDisk } from '../sqlite/sync-to-disk.ts';

/** Pages that are kept in memory. */
const cacheKiB = 64 * 1024;
/** Any revision of before is behind it: a program that remembers one asks anew. */
const revisionsAhead = 1_000_000;

/**
 * Makes a store of this version's schema out of a backup, at `file`, where nothing may be: mode 0600, whole and on the disk
 * when it resolves, closed, without a log beside it. What it leaves behind where it throws is the caller's to remove. Throws
 * BackupError, StoreError.
 */
export async function buildStore(file: string, source: AsyncIterable<Buffer>): Promise<BackupManifest> {
  closeSync(openSync(file, 'wx', 0o600));
  const manifest = await orStoreError(async () => new Builder(file).build(source));
  syncToDisk(file);
  return manifest;
}

class Builder {
  readonly #database: Database.Database;
  readonly #db: Kysely<never>;
  /** Indexes are made faster of all rows at once; and triggers say how rows come about, which these have. */
  #afterwards: string[] = [];
  #missing = new Set<string>();
  #table: { name: string; columns: number; insert: Database.Statement } | undefined;

  constructor(file: string) {
    this.#database = new Database(file);
    // A file that is whole or thrown away.
    this.#database.pragma('journal_mode = OFF');
    this.#database.pragma('synchronous = OFF');
    this.#database.pragma('locking_mode = EXCLUSIVE');
    this.#database.pragma('foreign_keys = OFF');
    this.#database.pragma('temp_store = MEMORY');
    this.#database.pragma(`cache_size = -${cacheKiB}`);
    this.#database.pragma('trusted_schema = OFF');
    this.#db = new Kysely<never>({
      dialect: new MigratingDialect({ database: this.#database, translate: toStoreError }),
    });
  }

  async build(source: AsyncIterable<Buffer>): Promise<BackupManifest> {
    try {
      let header: BackupHeader | undefined;
      let end: BackupEnd | undefined;
      for await (const parts of readBackup(source))
        for (const part of parts)
          if (part.kind === 'row') this.#insert(part.row);
          else if (part.kind === 'table') this.#beginTable(part.head);
          else if (part.kind === 'end') ({ end } = part);
          else {
            ({ header } = part);
            await this.#begin(header);
          }
      if (header === undefined || end === undefined) throw inconsistent('it says nothing');
      this.#assertAllTables();
      await this.#finish(header);
      return { ...header, rows: end.rows, sha256: end.sha256 };
    } finally {
      await this.#db.destroy();
      this.#database.close();
    }
  }

  /** The schema that the rows are of. */
  async #begin(header: BackupHeader): Promise<void> {
    const unknown = header.migrations.find((name) => !knownMigrations.includes(name));
    if (unknown !== undefined)
      throw new BackupError(
        `the backup was made by a newer version of Holdfast (${header.holdfast}, schema ${unknown})`,
        'restore it with that version or a newer one',
      );
    await this.#migrate(header.migrations);
    const made = this.#database
      .prepare<[], { type: string; name: string; sql: string }>(
        "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' AND sql IS NOT NULL",
      )
      .all();
    const later = made.filter(({ type }) => type === 'index' || type === 'trigger');
    this.#afterwards = later.map(({ sql }) => sql);
    for (const { type, name } of later) this.#database.exec(`DROP ${type} "${name}"`);
    const tables = made.filter(({ type, name }) => type === 'table' && !leftOut.has(name));
    this.#missing = new Set(tables.map(({ name }) => name));
    this.#database.exec('BEGIN');
    // What a migration puts into a new store.
    for (const name of this.#missing) this.#database.exec(`DELETE FROM "${name}"`);
  }

  #beginTable({ table, columns }: TableHead): void {
    if (!this.#missing.delete(table))
      throw inconsistent(`it has a table ${table} that its schema has not, or has it twice`);
    const known = this.#database
      .prepare<[string], string>('SELECT name FROM pragma_table_info(?)')
      .pluck()
      .all(table);
    if (known.toSorted().join() !== columns.toSorted().join())
      throw inconsistent(`the columns of its table ${table} are not those of its schema`);
    const names = columns.map((name) => `"${name}"`).join(', ');
    const insert = this.#database.prepare(
      `INSERT INTO "${table}" (${names}) VALUES (${columns.map(() => '?').join(', ')})`,
    );
    this.#table = { name: table, columns: columns.length, insert };
  }

  #insert(row: Value[]): void {
    if (this.#table?.columns !== row.length) throw inconsistent('it has a row that is of no table');
    const { name, insert } = this.#table;
    constrained(`a row of its table ${name} cannot be there`, () => insert.run(row));
  }

  #assertAllTables(): void {
    const [missing] = this.#missing;
    if (missing !== undefined) throw inconsistent(`its table ${missing} is missing`);
  }

  async #finish({ lastAuditEvent }: BackupHeader): Promise<void> {
    const database = this.#database;
    database.prepare('UPDATE revision SET revision = revision + ?').run(revisionsAhead);
    database.exec('COMMIT');
    for (const sql of this.#afterwards)
      constrained('it has two rows that cannot both be there', () => database.exec(sql));
    this.#assertSound();
    await this.#migrate(knownMigrations);
    setLastEvent(database, lastAuditEvent);
    this.#assertSound();
    assertUnaltered(database.name, await schemaDifferences(database, knownMigrations));
  }

  #assertSound(): void {
    const dangling = this.#database.pragma('foreign_key_check') as { table: string; parent: string }[];
    const [first] = dangling;
    if (first !== undefined)
      throw inconsistent(
        `${dangling.length} rows refer to nothing, the first of its table ${first.table} to ${first.parent}`,
      );
    const said = this.#database.pragma('quick_check(1)', { simple: true });
    if (said !== 'ok') throw inconsistent(String(said));
  }

  async #migrate(names: readonly string[]): Promise<void> {
    const provided: Record<string, Migration> = Object.fromEntries(
      Object.entries(migrations).filter(([name]) => names.includes(name)),
    );
    const migrator = new Migrator({
      db: this.#db,
      provider: { getMigrations: () => Promise.resolve(provided) },
    });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
  }
}

/** The next audit event has a number after `last`, whatever is in the table. */
export function setLastEvent(database: Database.Database, last: number): void {
  const set = database
    .prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'audit_events'")
    .run(last);
  if (set.changes === 0)
    database.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('audit_events', ?)").run(last);
}

/** What the schema does not allow is a fault of the backup. */
function constrained(problem: string, run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (codeOf(error)?.startsWith('SQLITE_CONSTRAINT') !== true) throw error;
    throw inconsistent(`${problem} (${(error as Error).message})`, error);
  }
}

function inconsistent(how: string, cause?: unknown): BackupError {
  return new BackupError(
    `the backup contradicts itself: ${how}`,
    'the backup before it; its digest is right, so it was made so: report it, or find out who made it',
    cause,
  );
}
