import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Credentials that were withdrawn long ago are found, to be cleared away. */
export const withdrawnCredentials: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    await sql`CREATE INDEX xks_credentials_withdrawn ON xks_credentials (withdrawn_at)
      WHERE withdrawn_at IS NOT NULL`.execute(db);
  },
};
