import { sql, type Expression, type SqlBool } from 'kysely';

/** Whether a text begins so, letter for letter: LIKE would take `_` and `%` for wildcards, and in SQLite either case. */
export function beginsWith(text: Expression<string>, beginning: string): Expression<SqlBool> {
  return sql<SqlBool>`substr(${text}, 1, ${beginning.length}) = ${beginning}`;
}

/** The same, found by an index on the text. */
export function beginsWithByIndex(text: Expression<string>, beginning: string): Expression<SqlBool> {
  return sql<SqlBool>`(${text} >= ${beginning} AND ${text} < ${`${beginning}\u{10ffff}`} AND ${beginsWith(text, beginning)})`;
}
