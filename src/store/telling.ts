import type { CompiledQuery, DatabaseConnection, QueryCompiler, QueryResult } from 'kysely';
import { tellingStatement, type ChangesOfTransaction } from './served-changes.ts';

/** Has the statement name the rows that it changes of what XKS workers serve by; its result is as without that. */
export async function telling<R>(
  execute: DatabaseConnection['executeQuery'],
  compiled: CompiledQuery,
  { compiler, changes }: { compiler: QueryCompiler; changes: ChangesOfTransaction },
): Promise<QueryResult<R>> {
  const write = tellingStatement(compiled.query);
  if (write === undefined) return execute<R>(compiled);
  if (write === 'unknown') {
    changes.noteEverything();
    return execute<R>(compiled);
  }
  const { rows } = await execute<R>(compiler.compileQuery(write.query, compiled.queryId));
  for (const row of rows) {
    const name = write.nameOf(row as Record<string, unknown>);
    if (name === null) changes.noteEverything();
    else changes.note(write.kind, name);
  }
  if (rows.length > 0 && write.changesPrefixes) changes.note('path-prefixes', '');
  return write.returns ? { rows } : { rows: [], numAffectedRows: BigInt(rows.length) };
}
