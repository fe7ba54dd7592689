import type Database from 'better-sqlite3';

/** Something that may not be used in a restored store, or not in every way, as it might by its backup. */
export interface Withheld {
  kind:
    | 'vault'
    | 'cloud-key'
    | 'key-set'
    | 'xks-credential'
    | 'user'
    | 'api-key'
    | 'csp-account'
    | 'external-key-store'
    | 'kms-key';
  vaultId: string;
  id: string;
  name: string;
  /** What became of it, in words. */
  what: string;
}

/** Runs an UPDATE, with the time as `@now`, that returns `vaultId`, `id` and `name` of what it changes. */
export function withhold(
  database: Database.Database,
  now: string,
  { kind, what, sql }: Pick<Withheld, 'kind' | 'what'> & { sql: string },
): Withheld[] {
  const rows = database.prepare<[{ now: string }], Omit<Withheld, 'kind' | 'what'>>(sql).all({ now });
  return rows.map(({ vaultId, id, name }) => ({ kind, vaultId, id, name, what }));
}
