import type { Reading } from '../../vault/edits.ts';

/** What hangs on a key set, besides its CloudKeys. */
export interface KeySetCounts {
  externalKeyStores: number;
  liveCredentials: number;
}

const none: KeySetCounts = { externalKeyStores: 0, liveCredentials: 0 };

/** Of the key sets of a page, in two reads however many they are. */
export async function countsOfKeySets(
  db: Reading,
  keySetIds: readonly string[],
  now: Date,
): Promise<(id: string) => KeySetCounts> {
  if (keySetIds.length === 0) return () => none;
  const stores = await db
    .selectFrom('external_key_stores')
    .select((eb) => ['key_set_id', eb.fn.countAll<number>().as('n')])
    .where('key_set_id', 'in', keySetIds)
    .groupBy('key_set_id')
    .execute();
  // As liveCredentials of src/keys/credentials counts those of one.
  const credentials = await db
    .selectFrom('xks_credentials')
    .select((eb) => ['key_set_id', eb.fn.countAll<number>().as('n')])
    .where('key_set_id', 'in', keySetIds)
    .where('withdrawn_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now.toISOString())]))
    .groupBy('key_set_id')
    .execute();
  const numbers = (rows: readonly { key_set_id: string; n: number }[]) =>
    new Map(rows.map(({ key_set_id, n }) => [key_set_id, n]));
  const [storesOf, credentialsOf] = [numbers(stores), numbers(credentials)];
  return (id) => ({
    externalKeyStores: storesOf.get(id) ?? 0,
    liveCredentials: credentialsOf.get(id) ?? 0,
  });
}
