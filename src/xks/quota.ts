import type { CloudKey } from '../vault/directory.ts';
import type { Quota } from '../vault/quota.ts';
import { XksError } from './errors.ts';
import type { CallFacts, XksCall, XksServices } from './operation.ts';

/**
 * Takes one request from the quotas of the key and of its key set, as the last check before the token is asked. Throws
 * ThrottlingException: AWS KMS passes it on, and its SDKs slow down and try again.
 *
 * The key's quota first, so that a key which is over its own takes nothing from the others of its set. GetKeyMetadata
 * counts as well: most of what a request costs a node is TLS, signature and JSON, and a caller without bounds there
 * would take the node from the others all the same. GetHealthStatus does not: AWS would take a busy key store for one
 * that is ill.
 */
export function checkQuota(services: XksServices, call: XksCall, key: CloudKey): Promise<void> | undefined {
  return key.quota === undefined && call.keySet.quota === undefined
    ? undefined
    : checkBoth(services, call, key);
}

async function checkBoth({ quotas }: XksServices, { keySet, facts }: XksCall, key: CloudKey): Promise<void> {
  if (key.quota !== undefined) await take(quotas, key.quota, 'cloud-key', facts);
  if (keySet.quota === undefined) return;
  try {
    await take(quotas, keySet.quota, 'key-set', facts);
  } catch (error) {
    if (key.quota !== undefined) quotas.giveBack(key.quota);
    throw error;
  }
}

const nameOf = { 'cloud-key': 'external key', 'key-set': 'key set' };

async function take(
  quotas: XksServices['quotas'],
  quota: Quota,
  by: NonNullable<CallFacts['throttledBy']>,
  facts: CallFacts,
): Promise<void> {
  const admission = await quotas.take(quota);
  if (admission === 'granted') return;
  facts.throttledBy = by;
  facts.quota = admission;
  throw new XksError(
    'ThrottlingException',
    admission === 'spent'
      ? `The request quota of the ${nameOf[by]} is used up.`
      : // No answer is no permission, and no fault of the key or the request either: the caller is to come again.
        `The request quota of the ${nameOf[by]} could not be checked in time.`,
  );
}
