import Database from 'better-sqlite3';
import { migrations } from './migrations.ts';
import type { StoreIntegrity } from './integrity.ts';

/* Prints what a look at the store named by the first argument found; see integrity.ts. */

const database = new Database(process.argv[2] ?? '', { readonly: true, fileMustExist: true, timeout: 2000 });
const rows = database.pragma('quick_check(10)') as { quick_check: string }[];
const lines = rows.map(({ quick_check: line }) => line);
const damages = lines.length === 1 && lines[0] === 'ok' ? [] : lines;
const names = damages.length > 0 ? [] : database.prepare('SELECT name FROM kysely_migration').pluck().all();
const migrated = new Set(names);
const found: StoreIntegrity = {
  damages,
  upToDate: Object.keys(migrations).every((name) => migrated.has(name)),
};
console.log(JSON.stringify(found));
