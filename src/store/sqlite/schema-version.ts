import { inWords, type SchemaDifference } from './schema-check.ts';
import { StoreError } from '../store-error.ts';
import { knownMigrations } from '../store.ts';

/* What has to be so of a store's schema before anything is believed of what stands in it. Each throws StoreError. */

export function assertOfThisVersion(path: string, executed: readonly string[]): void {
  assertNotNewer(path, executed);
  if (knownMigrations.every((name) => executed.includes(name))) return;
  throw new StoreError('older', `the store at ${path} has an older schema`, 'run: holdfast init');
}

export function assertNotNewer(path: string, executed: readonly string[]): void {
  const unknown = executed.find((name) => !knownMigrations.includes(name));
  if (unknown === undefined) return;
  throw new StoreError(
    'newer',
    `the store at ${path} was made by a newer version of Holdfast (${unknown})`,
    'start the newer version, or put back the backup from before the upgrade',
  );
}

export function assertUnaltered(path: string, differences: readonly SchemaDifference[]): void {
  if (differences.length === 0) return;
  const named = differences.slice(0, 10).map((difference) => inWords(difference));
  const more = differences.length > named.length ? `, and ${differences.length - named.length} more` : '';
  throw new StoreError(
    'altered',
    `somebody has changed the schema of the store at ${path}: ${named.join('; ')}${more}`,
    'find out who, and since when: what the store says since then may be false. What is not of Holdfast is dropped with sqlite3; for the rest put back a backup from before (docs/backup.md)',
  );
}
