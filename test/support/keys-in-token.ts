import type { ListedKey } from '../../src/token/messages.ts';
import { keyPages } from '../../src/reconcile/reconcile-records.ts';
import type { TokenClient } from '../../src/vault/tokens.ts';

/** All key objects of ours in the token, by CKA_ID in hex. */
export async function keysInToken(
  pool: TokenClient,
  member = pool.members[0] ?? '',
): Promise<Map<string, ListedKey>> {
  const keys = new Map<string, ListedKey>();
  for await (const page of keyPages(pool, member))
    for (const key of page) keys.set(Buffer.from(key.id).toString('hex'), key);
  return keys;
}
