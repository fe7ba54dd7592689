import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A CloudKey is found by name or alias in whichever vault it is, by index. */
export const namesAcrossVaults: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    for (const [name, on] of Object.entries(made)) await sql.raw(`CREATE INDEX ${name} ON ${on}`).execute(db);
  },
};

const made: Readonly<Record<string, string>> = {
  cloud_keys_called: 'cloud_keys (name)',
  kms_keys_alias: 'kms_keys (alias)',
};
