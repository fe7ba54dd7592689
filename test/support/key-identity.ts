import { encodeKeyIdentity } from '../../src/token/key-identity.ts';
import { versionLabel, versionObjectId } from '../../src/token/own-keys.ts';

/** The identity of a key of before, which has no proof: its label has to do. */
export function labelled(label: string): Buffer {
  return encodeKeyIdentity({ label, binding: Buffer.alloc(0), proof: Buffer.alloc(0) });
}

/** CKA_ID and such an identity of a CloudKey's version. */
export function ofVersion(
  key: { id: string; key_set_id: string; external_key_id: string },
  version: number,
): { key: Buffer; identity: Buffer } {
  const label = versionLabel(key.key_set_id, key.external_key_id, version);
  return { key: versionObjectId(key.id, version), identity: labelled(label) };
}
