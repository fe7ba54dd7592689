import { sql, type Transaction } from 'kysely';
import type { Tables } from '../schema.ts';
import { batchSize, isMoved, type MovedTable, type Row, type Side } from './side.ts';

/** A store in a database, in the transaction `trx`, which has the lock of all that write. */
export class PostgresSide implements Side {
  readonly #trx: Transaction<Tables>;

  constructor(trx: Transaction<Tables>) {
    this.#trx = trx;
  }

  async tables(): Promise<readonly MovedTable[]> {
    const { rows } = await sql<{ name: string; columns: string; key: string; refers_to: string }>`
      SELECT relname AS name,
        (SELECT string_agg(attname, ',') FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
        coalesce((SELECT string_agg(attname, ',' ORDER BY place) FROM pg_index,
          unnest(indkey::integer[]) WITH ORDINALITY AS k (number, place), pg_attribute
          WHERE indrelid = c.oid AND indisprimary AND attrelid = c.oid AND attnum = k.number), '') AS key,
        coalesce((SELECT string_agg(confrelid::regclass::text, ',') FROM pg_constraint
          WHERE conrelid = c.oid AND contype = 'f'), '') AS refers_to
      FROM pg_class AS c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname COLLATE "C"`.execute(
      this.#trx,
    );
    return rows
      .filter(({ name }) => isMoved(name))
      .map(({ name, columns, key, refers_to: refersTo }) => ({
        name,
        columns: columns.split(',').toSorted(),
        key: key.split(','),
        refersTo: refersTo.split(','),
      }));
  }

  async *rows({ name, columns, key }: MovedTable): AsyncGenerator<readonly Row[], void, undefined> {
    const cursor = sql.id(`moved_${name}`);
    await sql`DECLARE ${cursor} NO SCROLL CURSOR FOR SELECT ${refs(columns)} FROM ${sql.id(name)} ORDER BY ${refs(key)}`.execute(
      this.#trx,
    );
    try {
      for (;;) {
        const { rows } = await sql<Row>`FETCH ${sql.lit(batchSize)} FROM ${cursor}`.execute(this.#trx);
        yield rows;
        if (rows.length < batchSize) return;
      }
    } finally {
      await sql`CLOSE ${cursor}`.execute(this.#trx);
    }
  }

  async insert({ name, columns }: MovedTable, rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    const values = rows.map((row) => sql`(${sql.join(columns.map((column) => row[column] ?? null))})`);
    await sql`INSERT INTO ${sql.id(name)} (${refs(columns)}) VALUES ${sql.join(values)}`.execute(this.#trx);
  }

  async clear({ name }: MovedTable): Promise<void> {
    // Triggers say how rows come about, which these have. What refers to what is still looked at.
    await sql`ALTER TABLE ${sql.id(name)} DISABLE TRIGGER USER`.execute(this.#trx);
    await sql`DELETE FROM ${sql.id(name)}`.execute(this.#trx);
  }

  async lastEvent(): Promise<number> {
    const { rows } = await sql<{
      last: number;
    }>`SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END AS last
      FROM audit_events_sequence_seq`.execute(this.#trx);
    return rows[0]?.last ?? 0;
  }

  async setLastEvent(last: number): Promise<void> {
    await sql`SELECT setval('audit_events_sequence_seq', ${last + 1}::bigint, false)`.execute(this.#trx);
  }

  /** Last of all, of one that was written. */
  async enableTriggers(tables: readonly MovedTable[]): Promise<void> {
    for (const { name } of tables)
      await sql`ALTER TABLE ${sql.id(name)} ENABLE TRIGGER USER`.execute(this.#trx);
  }
}

function refs(columns: readonly string[]) {
  return sql.join(columns.map((column) => sql.id(column)));
}
