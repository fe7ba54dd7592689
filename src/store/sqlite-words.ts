import { sql, type Expression, type RawBuilder, type SqlBool } from 'kysely';

/*
 * What is said to SQLite in words that no other database knows. src/store/postgres/postgres-compiler.ts knows each of them, and what
 * stands in its place.
 */

/** Names the row, for as long as nothing is written: where a table's own key is several columns or not known. */
export const rowId: RawBuilder<unknown> = sql`rowid`;

/** How likely a condition is (sqlite.org/lang_corefunc.html#likelihood), where SQLite guesses badly. Others have statistics. */
export function likelihood(condition: Expression<SqlBool>, probability: number): RawBuilder<SqlBool> {
  return sql<SqlBool>`likelihood(${condition}, ${sql.lit(probability)})`;
}

/** Keeps SQLite from choosing an index for it (sqlite.org/optoverview.html, unary `+`). */
export function unindexed<T>(column: Expression<T>): RawBuilder<T> {
  return sql<T>`+${column}`;
}
