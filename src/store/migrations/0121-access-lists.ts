import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** API keys and sessions of all users of a vault, or of the appliance, are listed: each order has an index, of one user too. */
export const accessLists: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    for (const [name, on] of Object.entries(made)) await sql.raw(`CREATE INDEX ${name} ON ${on}`).execute(db);
  },
};

const made: Readonly<Record<string, string>> = {
  api_keys_all_created: 'api_keys (created_at, id)',
  api_keys_all_name: 'api_keys (name, id)',
  api_keys_all_expires: 'api_keys (expires_at, id)',
  sessions_all_created: 'sessions (created_at, id)',
  sessions_created: 'sessions (user_id, created_at, id)',
};
