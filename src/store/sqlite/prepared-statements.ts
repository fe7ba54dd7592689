import type Database from 'better-sqlite3';
import type { SqliteDatabase } from 'kysely';

/** So many are kept, some kilobytes each: more than a process of a node uses again and again. */
const maxKept = 256;
/** Longer ones are lists of values, each of a length of its own: kept, each may take a megabyte. Characters. */
const maxKeptLength = 4096;

type Statement = Database.Statement;

/**
 * A connection that keeps its statements, the latest used of them: preparing one, and making the function that builds its rows,
 * takes longer than most of our statements themselves. SQLite prepares one again by itself where the schema has changed.
 */
export function keepingStatements(
  database: Pick<Database.Database, 'prepare' | 'close'>,
  max = maxKept,
): SqliteDatabase {
  const kept = new Map<string, Statement>();
  return {
    prepare: (sql) => {
      if (sql.length > maxKeptLength) return database.prepare(sql);
      const found = kept.get(sql);
      // One whose rows are still being read cannot be run beside that.
      if (found?.busy === true) return database.prepare(sql);
      const statement = found ?? database.prepare(sql);
      kept.delete(sql);
      kept.set(sql, statement);
      const [oldest] = kept.keys();
      if (kept.size > max && oldest !== undefined) kept.delete(oldest);
      return statement;
    },
    close: () => {
      kept.clear();
      database.close();
    },
  };
}
