import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What `holdfast status` counts is counted by indexes, and what needs somebody is found in them: usually nothing. */
export const statusIndexes: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    for (const [name, on] of Object.entries(made)) await sql.raw(`CREATE INDEX ${name} ON ${on}`).execute(db);
  },
};

const made: Readonly<Record<string, string>> = {
  cloud_keys_states: 'cloud_keys (listed_in, key_set_id, state)',
  key_versions_unfit: 'key_versions (cloud_key_id) WHERE unfit_since IS NOT NULL',
  key_versions_spent: 'key_versions (cloud_key_id, version) WHERE encryptions_leased >= 2147483648',
  key_sets_frozen: 'key_sets (vault_id) WHERE frozen_at IS NOT NULL',
  xks_credentials_age: 'xks_credentials (created_at) WHERE withdrawn_at IS NULL',
};
