import type { AadForm } from '../config/profile.ts';
import { TokenError } from '../token/faults.ts';
import type { CloudKey, KeyVersion } from '../serving/directory.ts';
import { readCiphertextMetadata } from './ciphertext-metadata.ts';
import {
  checkSizes,
  checkUsable,
  findKey,
  noBytes,
  withVersion,
  type XksCall,
  type XksServices,
} from './operation.ts';
import { checkQuota } from './quota.ts';
import { decryptRequest, parseBody } from './wire.ts';

/** Decrypt (XKS spec, API operations). */
export async function decrypt(services: XksServices, call: XksCall, externalKeyId: string): Promise<object> {
  const request = parseBody(decryptRequest, call.body);
  call.facts.metadata = request.requestMetadata;

  const found = await findKey(services, call, externalKeyId);
  const { key } = found;
  checkUsable(found, { decrypt: true });
  const aad = request.additionalAuthenticatedData ?? noBytes;
  checkSizes(request.ciphertext, 'ciphertext', aad, services.tokenFacts(call.keySet.token));

  const { initializationVector: iv, authenticationTag: tag } = request;
  const metadata = request.ciphertextMetadata ?? noBytes;
  const madeWith = versionOf(key, metadata);
  // Well-formed but not of a length that any of our ciphertexts has: altered, as the spec counts it.
  if (madeWith === undefined || tag.length !== 16 || (iv.length !== 12 && iv.length !== 16))
    throw new TokenError('bad-ciphertext', 'request');
  call.facts.keyVersion = madeWith.version.version;

  await checkQuota(services, call, key);
  const { value, ...times } = await withVersion(services, call, key, madeWith.version, async () =>
    services.tokens.pool(call.keySet.token).call(
      {
        kind: 'decrypt',
        key: madeWith.version.objectId,
        identity: madeWith.version.identity,
        aadForm: madeWith.aadForm,
        aad,
        metadata,
        iv,
        ciphertext: request.ciphertext,
        tag,
      },
      { deadline: call.deadline, lane: call.keySet.id },
    ),
  );
  call.facts.times = times;
  services.uses.record('decrypt', key.id, call.address);
  return { plaintext: Buffer.from(value.plaintext).toString('base64') };
}

/** The version and AAD form that the metadata names; for a taken-over key also what was made before we had it. */
function versionOf(key: CloudKey, metadata: Buffer): { version: KeyVersion; aadForm: AadForm } | undefined {
  const ours = readCiphertextMetadata(metadata);
  if (ours !== undefined) {
    const version = key.versions.get(ours.version);
    return version === undefined ? undefined : { version, aadForm: ours.aadForm };
  }
  const first = key.versions.get(1);
  return first?.foreignForm === undefined ? undefined : { version: first, aadForm: first.foreignForm };
}
