import { writeCiphertextMetadata } from './ciphertext-metadata.ts';
import { TokenError } from '../token/faults.ts';
import { recountCall } from '../token/remediations.ts';
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
import { encryptRequest, parseBody } from './wire.ts';

/** Encrypt (XKS spec, API operations). With a CDIV asked for, the token decrypts the result before we answer. */
export async function encrypt(services: XksServices, call: XksCall, externalKeyId: string): Promise<object> {
  const request = parseBody(encryptRequest, call.body);
  call.facts.metadata = request.requestMetadata;
  const verify = typeof request.ciphertextDataIntegrityValueAlgorithm === 'string';

  const found = await findKey(services, call, externalKeyId);
  const { key } = found;
  // The CDIV promises that the ciphertext was decrypted: a key that may not decrypt cannot give one.
  checkUsable(found, { encrypt: true, decrypt: verify });
  const version = key.versions.get(key.currentVersion);
  if (version === undefined) throw new TokenError('internal', 'key version');
  call.facts.keyVersion = version.version;

  const tokenFacts = services.tokenFacts(call.keySet.token);
  const aad = request.additionalAuthenticatedData ?? noBytes;
  checkSizes(request.plaintext, 'plaintext', aad, tokenFacts);

  // One form for all that is made under a taken-over key object: in two forms an AAD could be chosen whose bytes read
  // as another AAD in the other, and our metadata as longer metadata of another maker.
  const aadForm = version.foreignForm ?? tokenFacts.aadForm;
  const metadata = writeCiphertextMetadata({ aadForm, version: version.version });
  await checkQuota(services, call, key);
  await services.encryptions.take(key, call.deadline);
  let first = true;
  const { value, ...times } = await withVersion(services, call, key, version, async () =>
    services.tokens.pool(call.keySet.token).call(
      {
        kind: 'encrypt',
        key: version.objectId,
        identity: version.identity,
        aadForm,
        aad,
        metadata,
        plaintext: request.plaintext,
        verify,
      },
      {
        deadline: call.deadline,
        lane: call.keySet.id,
        onAttempt: () => {
          // A retry makes a new IV and may follow an encryption that was done: it counts as one more (promise 5).
          if (!first && !services.encryptions.takeAnother(key))
            throw new TokenError('unavailable', recountCall);
          first = false;
        },
      },
    ),
  );
  call.facts.times = times;
  services.uses.record('encrypt', key.id, call.address);
  for (let repaired = 1; repaired < value.encryptions; repaired++) services.encryptions.takeAnother(key);
  return {
    ciphertext: toBase64(value.ciphertext),
    initializationVector: toBase64(value.iv),
    authenticationTag: toBase64(value.tag),
    ciphertextMetadata: toBase64(metadata),
    ...(verify ? { ciphertextDataIntegrityValue: toBase64(value.cdiv) } : {}),
  };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}
