import { sql, type Kysely } from 'kysely';
import type { Tables } from '../../store/schema.ts';

/** Encryptions of one key version under SP 800-38D, 8.3. */
export const encryptionBudget = 2 ** 32;
/** As the index has it. */
const toldFrom = sql.raw<number>('268435456');

/** Of a key set, the encryptions of that current key version which has done most; from a sixteenth of the budget on. */
export interface UsedBudget {
  keySet: string;
  most: number;
}

/** By an index that has few rows, or none. */
export async function readBudgets(db: Pick<Kysely<Tables>, 'selectFrom'>): Promise<UsedBudget[]> {
  const rows = await db
    .selectFrom('key_versions')
    .innerJoin('cloud_keys', (join) =>
      join
        .onRef('cloud_keys.id', '=', 'key_versions.cloud_key_id')
        .onRef('cloud_keys.current_version', '=', 'key_versions.version'),
    )
    .where('key_versions.encryptions_leased', '>=', toldFrom)
    .where('cloud_keys.state', 'in', ['AVAILABLE', 'DISABLED', 'EXPIRED'])
    .select(['cloud_keys.key_set_id', (eb) => eb.fn.max('key_versions.encryptions_leased').as('most')])
    .groupBy('cloud_keys.key_set_id')
    .execute();
  return rows.map(({ key_set_id: keySet, most }) => ({ keySet, most }));
}
