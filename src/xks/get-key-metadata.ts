import { findKey, type XksCall, type XksServices } from './operation.ts';
import { checkQuota } from './quota.ts';
import { getKeyMetadataRequest, parseBody } from './wire.ts';

/** GetKeyMetadata (XKS spec, API operations). */
export async function getKeyMetadata(
  services: XksServices,
  call: XksCall,
  externalKeyId: string,
): Promise<object> {
  const request = parseBody(getKeyMetadataRequest, call.body);
  call.facts.metadata = request.requestMetadata;
  const { key, state } = await findKey(services, call, externalKeyId);
  await checkQuota(services, call, key);
  call.facts.keyVersion = key.currentVersion;
  call.facts.restricted = state !== 'AVAILABLE' || !key.canEncrypt || !key.canDecrypt;
  return {
    keySpec: 'AES_256',
    keyUsage: [...(key.canEncrypt ? ['ENCRYPT'] : []), ...(key.canDecrypt ? ['DECRYPT'] : [])],
    keyStatus: state === 'AVAILABLE' ? 'ENABLED' : 'DISABLED',
  };
}
