import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { StoreIntegrity } from './integrity.ts';
import { inWords, schemaDifferences } from './schema-check.ts';
import { StoreError } from '../store-error.ts';
import { toStoreError } from '../store-faults.ts';
import { knownMigrations } from '../store.ts';

/* Prints what a look at the store named by the first argument found; see integrity.ts. */

try {
  console.log(JSON.stringify(await look(process.argv[2] ?? '')));
} catch (error) {
  const told = toStoreError(error);
  const problem = told instanceof StoreError ? told.message : `it cannot be read: ${(told as Error).message}`;
  console.log(JSON.stringify({ problem }));
}

async function look(path: string): Promise<StoreIntegrity> {
  if (!existsSync(path)) throw new StoreError('missing', 'there is no store', 'holdfast init');
  const database = new Database(path, { readonly: true, fileMustExist: true, timeout: 2000 });
  const rows = database.pragma('quick_check(10)') as { quick_check: string }[];
  const lines = rows.map(({ quick_check: line }) => line);
  const damages = lines.length === 1 && lines[0] === 'ok' ? [] : lines;
  if (damages.length > 0) return { damages, schema: 'this', altered: [] };
  const executed = database
    .prepare('SELECT name FROM kysely_migration ORDER BY name')
    .pluck()
    .all() as string[];
  const isOurs = executed.every((name) => knownMigrations.includes(name));
  return {
    damages,
    schema: isOurs ? (executed.length === knownMigrations.length ? 'this' : 'older') : 'newer',
    altered: isOurs ? (await schemaDifferences(database, executed)).map((one) => inWords(one)) : [],
  };
}
