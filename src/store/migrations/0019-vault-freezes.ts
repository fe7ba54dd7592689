import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A vault is frozen as a whole: by one row, however many key sets and keys it has. */
export const vaultFreezes: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    for (const column of ['frozen_at', 'appliance_frozen_at'])
      await db.schema.alterTable('vaults').addColumn(column, 'text').execute();
  },
};
