import Database from 'better-sqlite3';
import { batchSize, isMoved, type MovedTable, type Row, type Side } from './side.ts';

/** A store in a file that no node works with; with `write` one that is new. */
export class SqliteSide implements Side {
  readonly #database: Database.Database;
  #triggers: string[] = [];

  constructor(file: string, { write = false } = {}) {
    this.#database = new Database(file, { fileMustExist: true, readonly: !write });
    // As they come; that nothing refers to nowhere is looked at in the end.
    this.#database.pragma('foreign_keys = OFF');
    this.#database.pragma('trusted_schema = OFF');
    this.#database.exec(write ? 'BEGIN IMMEDIATE' : 'BEGIN');
    if (write) this.#dropTriggers();
  }

  async tables(): Promise<readonly MovedTable[]> {
    const names = this.#all<{ name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
    );
    return Promise.resolve(
      names
        .filter(({ name }) => isMoved(name))
        .map(({ name }) => {
          const columns = this.#all<{ name: string; pk: number }>('SELECT * FROM pragma_table_info(?)', name);
          return {
            name,
            columns: columns.map((column) => column.name).toSorted(),
            key: columns
              .filter(({ pk }) => pk > 0)
              .toSorted((a, b) => a.pk - b.pk)
              .map((column) => column.name),
            refersTo: this.#all<{ table: string }>('SELECT * FROM pragma_foreign_key_list(?)', name).map(
              ({ table }) => table,
            ),
          };
        }),
    );
  }

  async *rows({ name, columns, key }: MovedTable): AsyncGenerator<readonly Row[], void, undefined> {
    const select = this.#database.prepare<[], Row>(
      `SELECT ${quoted(columns)} FROM "${name}" ORDER BY ${quoted(key)}`,
    );
    let rows: Row[] = [];
    for (const row of select.iterate()) {
      rows.push(row);
      if (rows.length < batchSize) continue;
      yield rows;
      rows = [];
    }
    yield rows;
  }

  async insert({ name, columns }: MovedTable, rows: readonly Row[]): Promise<void> {
    const insert = this.#database.prepare(
      `INSERT INTO "${name}" (${quoted(columns)}) VALUES (${columns.map(() => '?').join(', ')})`,
    );
    for (const row of rows) insert.run(columns.map((column) => row[column] ?? null));
    return Promise.resolve();
  }

  async clear({ name }: MovedTable): Promise<void> {
    this.#database.exec(`DELETE FROM "${name}"`);
    return Promise.resolve();
  }

  async lastEvent(): Promise<number> {
    const [row] = this.#all<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'audit_events'");
    return Promise.resolve(row?.seq ?? 0);
  }

  async setLastEvent(last: number): Promise<void> {
    this.#database.exec("DELETE FROM sqlite_sequence WHERE name = 'audit_events'");
    this.#database.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('audit_events', ?)").run(last);
    return Promise.resolve();
  }

  /** Of one that is written. */
  commit(): void {
    for (const trigger of this.#triggers) this.#database.exec(trigger);
    if ((this.#database.pragma('foreign_key_check') as unknown[]).length > 0)
      throw new Error('a row refers to nothing');
    this.#database.exec('COMMIT');
  }

  close(): void {
    this.#database.close();
  }

  /** They say how rows come about, which these have. */
  #dropTriggers(): void {
    const triggers = this.#all<{ name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'",
    );
    this.#triggers = triggers.map(({ sql }) => sql);
    for (const { name } of triggers) this.#database.exec(`DROP TRIGGER "${name}"`);
  }

  #all<T>(sql: string, ...values: unknown[]): T[] {
    return this.#database.prepare(sql).all(...values) as T[];
  }
}

function quoted(columns: readonly string[]): string {
  return columns.map((name) => `"${name}"`).join(', ');
}
