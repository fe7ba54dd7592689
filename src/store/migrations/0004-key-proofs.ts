import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Step 4: what proves that a key object is the key of its record. */
export const keyProofs: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    const version = async (name: string, type: 'blob' | 'text') =>
      any.schema.alterTable('key_versions').addColumn(name, type).execute();
    await version('proof', 'blob');
    await version('label', 'text');
    await version('unfit_since', 'text');
    await version('unfit_why', 'text');
    await any.schema
      .createTable('own_key_proofs')
      .addColumn('token', 'text', (c) => c.notNull())
      .addColumn('serial', 'text', (c) => c.notNull())
      .addColumn('label', 'text', (c) => c.notNull())
      .addColumn('proof', 'blob', (c) => c.notNull())
      .addColumn('made_at', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('own_key_proofs_key', ['token', 'serial', 'label'])
      .execute();
  },
};
