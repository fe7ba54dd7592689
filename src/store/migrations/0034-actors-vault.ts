import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Of which vault an actor is: an administrator of the appliance may have the name of a user of the vault they act on. What
 * was recorded before stays without, as archives have it.
 */
export const actorsVault: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema.alterTable('audit_events').addColumn('actor_vault_id', 'text').execute();
  },
};
