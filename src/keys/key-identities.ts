import type { KeyVersionTable } from '../store/schema.ts';
import { bindingOf, encodeKeyIdentity } from '../token/key-identity.ts';
import { versionLabel } from '../token/own-keys.ts';

/** A version with all that it belongs to, and what its key object has to show. */
export interface IdentifiedVersion {
  vaultId: string;
  keySetId: string;
  externalKeyId: string;
  cloudKeyId: string;
  version: number;
  objectId: Buffer;
  origin: KeyVersionTable['origin'];
  /** Of a key that was taken over: as it was then. */
  label: string | null;
  proof: Buffer | null;
}

/** The identity that token hosts compare the key object with. */
export function identityOfVersion(version: IdentifiedVersion): Buffer {
  const { keySetId, externalKeyId, origin, label, proof } = version;
  return encodeKeyIdentity({
    label: origin === 'holdfast' ? versionLabel(keySetId, externalKeyId, version.version) : (label ?? ''),
    binding: bindingOf(version),
    proof: proof ?? Buffer.alloc(0),
  });
}
