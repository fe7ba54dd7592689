import type { CloudKey } from '../serving/directory.ts';
import type { Quota } from '../serving/quota.ts';
import type { Admission } from '../serving/quota-leases.ts';
import { XksError } from './errors.ts';
import type { XksCall, XksServices } from './operation.ts';

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
    : check(services, call, key.quota, call.keySet.quota);
}

const nameOf = { 'cloud-key': 'external key', 'key-set': 'key set' };

async function check(
  { quotas }: XksServices,
  { facts }: XksCall,
  ofKey: Quota | undefined,
  ofKeySet: Quota | undefined,
): Promise<void> {
  let admission: Admission = 'granted';
  let by: keyof typeof nameOf = 'cloud-key';
  if (ofKey !== undefined && ofKeySet !== undefined) {
    const both = await quotas.takeBoth(ofKey, ofKeySet);
    admission = both.admission;
    if (both.by === 'second') by = 'key-set';
  } else if (ofKey !== undefined) admission = await quotas.take(ofKey);
  else if (ofKeySet !== undefined) {
    admission = await quotas.take(ofKeySet);
    by = 'key-set';
  }
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
