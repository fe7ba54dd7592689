import { sql, type Expression, type SqlBool } from 'kysely';

/** Whether a text begins so, letter for letter: LIKE would take `_` and `%` for wildcards, and in SQLite either case. */
export function beginsWith(text: Expression<string>, beginning: string): Expression<SqlBool> {
  return sql<SqlBool>`substr(${text}, 1, ${beginning.length}) = ${beginning}`;
}
