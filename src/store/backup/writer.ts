import { createHash } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { monotonicNow } from '../../clock.ts';
import { backupVersion, leftOut, line, rowLine, type BackupHeader, type BackupManifest } from './format.ts';
import { schemaDifferences } from '../sqlite/schema-check.ts';
import { assertNotNewer, assertUnaltered } from '../sqlite/schema-version.ts';
import { connect, orStoreError } from '../sqlite/sqlite-connection.ts';
import { StoreError } from '../store-error.ts';

/** Where the bytes of a backup go. */
export interface BackupSink {
  /** Takes all of `bytes` before it returns or resolves; until `storeReleased` it must not wait for a slow reader. */
  write: (bytes: Buffer) => void | Promise<void>;
  /** From now on the store is not held: readers may take their time. */
  storeReleased: () => Promise<void>;
}

/** What whoever makes the backup knows of it. */
export type BackupFacts = Pick<BackupHeader, 'holdfast' | 'node'> & {
  tokens: Omit<BackupHeader['tokens'][number], 'serials'>[];
  now: Date;
};

/** Bytes that are written at once. */
const chunkBytes = 256 * 1024;
/** Audit events that are read at once. */
const eventsPerBatch = 2_000;
const trail = 'audit_events';

/**
 * Writes a backup of the store at `file` while a node works with it. Everything but the audit trail is read in one
 * transaction, as of one moment: short, since while it lasts the log of the database grows. The trail may be a hundred times
 * as long, and what stands in it is never changed: it is read in pieces up to that moment, each of them a statement, with as
 * much rest between as work. Where events of it are pruned meanwhile there is no backup. Throws StoreError, and what the sink throws.
 */
export async function writeBackup(
  file: string,
  facts: BackupFacts,
  sink: BackupSink,
): Promise<BackupManifest> {
  return orStoreError(async () => {
    const database = connect(file, { readonly: true });
    try {
      return await write(database, facts, new HashedLines(sink));
    } finally {
      database.close();
    }
  });
}

async function write(
  database: Database.Database,
  facts: BackupFacts,
  lines: HashedLines,
): Promise<BackupManifest> {
  const rows: Record<string, number> = {};
  database.exec('BEGIN');
  const migrations = executed(database);
  assertNotNewer(database.name, migrations);
  assertUnaltered(database.name, await schemaDifferences(database, migrations));
  const tables = tablesOf(database);
  const header = headerOf(database, facts, migrations, tables);
  lines.put(line(header));
  const pruned = eventsPruned(database, tables);
  for (const table of tables.filter((name) => name !== trail)) {
    const columns = beginTable(database, lines, table);
    const select = database.prepare(`SELECT ${asSelected(columns)} FROM "${table}"`).raw();
    rows[table] = await writeRows(lines, select);
  }
  database.exec('COMMIT');
  await lines.storeReleased();
  if (tables.includes(trail)) {
    const columns = beginTable(database, lines, trail);
    rows[trail] = await writeTrail(database, lines, columns, header.lastAuditEvent);
    if (eventsPruned(database, tables) !== pruned)
      throw new StoreError(
        'locked',
        'audit events were pruned while the backup was made',
        'repeat it: as it is it would lack events, and would not tell why',
      );
  }
  return { ...header, rows, sha256: await lines.end(rows) };
}

/** By every pruning: each counts what it deletes in the transaction that does it. */
function eventsPruned(database: Database.Database, tables: readonly string[]): number {
  if (!tables.includes('audit_prunings')) return 0;
  return database.prepare<[], number>('SELECT total(deleted) FROM audit_prunings').pluck().get() ?? 0;
}

function executed(database: Database.Database): string[] {
  if (!has(database, 'kysely_migration'))
    throw new StoreError(
      'not-a-store',
      `the file at ${database.name} is a database, and none of Holdfast’s`,
      'name the store: store.path in the configuration',
    );
  return database.prepare<[], string>('SELECT name FROM kysely_migration ORDER BY name').pluck().all();
}

function has(database: Database.Database, table: string): boolean {
  return (
    database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table) !== undefined
  );
}

function tablesOf(database: Database.Database): string[] {
  return database
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .pluck()
    .all()
    .filter((name) => !leftOut.has(name));
}

function headerOf(
  database: Database.Database,
  { holdfast, node, tokens, now }: BackupFacts,
  migrations: string[],
  tables: readonly string[],
): BackupHeader {
  const number = (sql: string) => database.prepare<[], number>(sql).pluck().get() ?? 0;
  const serialsOf = tables.includes('own_key_proofs')
    ? database
        .prepare<[string], string>(
          'SELECT DISTINCT serial FROM own_key_proofs WHERE token = ? ORDER BY serial',
        )
        .pluck()
    : undefined;
  return {
    format: 'holdfast-backup',
    version: backupVersion,
    holdfast,
    migrations,
    takenAt: now.toISOString(),
    node,
    revision: number('SELECT revision FROM revision'),
    // Also where the last ones were archived and are gone.
    lastAuditEvent: tables.includes(trail)
      ? number(`SELECT seq FROM sqlite_sequence WHERE name = '${trail}'`)
      : 0,
    tokens: tokens.map((token) => ({ ...token, serials: serialsOf?.all(token.name) ?? [] })),
  };
}

/** Answers its columns. */
function beginTable(database: Database.Database, lines: HashedLines, table: string): string[] {
  const columns = database
    .prepare<[string], string>('SELECT name FROM pragma_table_info(?) ORDER BY cid')
    .pluck()
    .all(table);
  lines.put(line({ table, columns }));
  return columns;
}

function asSelected(columns: readonly string[]): string {
  return columns.map((name) => `"${name}"`).join(', ');
}

async function writeRows(lines: HashedLines, select: Database.Statement): Promise<number> {
  let rows = 0;
  for (const row of select.iterate() as IterableIterator<unknown[]>) {
    if (lines.put(rowLine(row))) await lines.flush();
    rows++;
  }
  return rows;
}

async function writeTrail(
  database: Database.Database,
  lines: HashedLines,
  columns: readonly string[],
  last: number,
): Promise<number> {
  const page = database
    .prepare<[number, number]>(
      `SELECT ${asSelected(columns)} FROM ${trail} WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ${eventsPerBatch}`,
    )
    .raw();
  const sequence = columns.indexOf('sequence');
  let rows = 0;
  for (let after = 0; ;) {
    const began = monotonicNow();
    const events = page.all(after, last) as unknown[][];
    for (const event of events) if (lines.put(rowLine(event))) await lines.flush();
    rows += events.length;
    if (events.length < eventsPerBatch) return rows;
    after = events.at(-1)?.[sequence] as number;
    await delay(monotonicNow() - began);
  }
}

/** Lines on their way to the sink, in chunks, with the hash of all of them. */
class HashedLines {
  readonly #sink: BackupSink;
  readonly #hash = createHash('sha256');
  #waiting: string[] = [];
  #length = 0;

  constructor(sink: BackupSink) {
    this.#sink = sink;
  }

  /** Whether they are to be flushed now. */
  put(text: string): boolean {
    this.#waiting.push(text);
    this.#length += text.length;
    return this.#length >= chunkBytes;
  }

  async flush(): Promise<void> {
    await this.#write();
    // Signals, and whoever else has something to do.
    await nextTurn();
  }

  async storeReleased(): Promise<void> {
    await this.#write();
    await this.#sink.storeReleased();
  }

  /** The digest of all that was written before the last line. */
  async end(rows: Record<string, number>): Promise<string> {
    await this.#write();
    const sha256 = this.#hash.digest('hex');
    await this.#sink.write(Buffer.from(line({ end: true, rows, sha256 })));
    return sha256;
  }

  async #write(): Promise<void> {
    const bytes = Buffer.from(this.#waiting.join(''));
    this.#waiting = [];
    this.#length = 0;
    this.#hash.update(bytes);
    await this.#sink.write(bytes);
  }
}
