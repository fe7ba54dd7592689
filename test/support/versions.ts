import type { VaultContext } from '../../src/vault/context.ts';
import {
  listVersions as pageOfVersions,
  type CloudKeyRecord,
  type KeyVersionRecord,
} from '../../src/keys/key-records.ts';

/** All versions of a CloudKey that were ever begun, the first one first. */
export async function listVersions(
  vaultContext: Pick<VaultContext, 'store'>,
  key: Pick<CloudKeyRecord, 'id'>,
): Promise<KeyVersionRecord[]> {
  const { items, next } = await pageOfVersions(vaultContext, key, { limit: 200 });
  if (next !== null) throw new Error('more versions than a page');
  return items;
}
