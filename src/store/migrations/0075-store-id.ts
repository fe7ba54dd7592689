import { createHash, randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Which store it is, so that another one in its place is not taken for one that has gone back in time. Random for a new store. One that has
 * vaults gets its own by the first of them, which is never deleted: an older copy that is brought up to date later must get the same.
 */
export const storeId: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema.alterTable('revision').addColumn('store_id', 'text').execute();
    const first = await any
      .selectFrom('vaults')
      .select('id')
      .orderBy('created_at')
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
    const id = first === undefined ? randomBytes(15) : ofVault(String(first['id']));
    await any
      .updateTable('revision')
      .set({ store_id: id.toString('base64url') })
      .execute();
  },
};

function ofVault(id: string): Buffer {
  return createHash('sha256').update(`holdfast store of ${id}`).digest().subarray(0, 15);
}
