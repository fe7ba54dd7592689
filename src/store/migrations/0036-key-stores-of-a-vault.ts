import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Step 5: the list of a vault's external key stores finds its pages by an index, in each of its orders. */
export const keyStoresOfAVault: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    for (const [name, on] of Object.entries(made)) await sql.raw(`CREATE INDEX ${name} ON ${on}`).execute(db);
    for (const name of replaced) await sql.raw(`DROP INDEX ${name}`).execute(db);
  },
};

const made: Readonly<Record<string, string>> = {
  external_key_stores_name: 'external_key_stores (vault_id, name, id)',
  external_key_stores_regions: 'external_key_stores (vault_id, region, id)',
  external_key_stores_created: 'external_key_stores (vault_id, created_at, id)',
  external_key_stores_updated: 'external_key_stores (vault_id, updated_at, id)',
  external_key_stores_custom: 'external_key_stores (custom_key_store_id)',
};

const replaced: readonly string[] = ['external_key_stores_vault'];
