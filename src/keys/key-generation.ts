import { bindingOf } from '../token/key-identity.ts';
import { versionLabel, versionObjectId } from '../token/own-keys.ts';
import type { CloudKeyRecord } from './key-records.ts';
import type { KeySet } from './key-sets/key-set-records.ts';
import { managementDeadline, type TokenClient } from '../vault/tokens.ts';

/** A version that is on record and has no key object yet. */
export interface VersionToMake {
  vaultId: string;
  keySetId: string;
  cloudKeyId: string;
  externalKeyId: string;
  version: number;
  encrypt: boolean;
  decrypt: boolean;
}

export function versionToMake(
  keySet: Pick<KeySet, 'id' | 'vault_id'>,
  key: CloudKeyRecord,
  version: number,
): VersionToMake {
  return {
    vaultId: keySet.vault_id,
    keySetId: keySet.id,
    cloudKeyId: key.id,
    externalKeyId: key.external_key_id,
    version,
    encrypt: key.can_encrypt === 1,
    decrypt: key.can_decrypt === 1,
  };
}

/** Makes the key object of a version, and gives its proof, null for a key that can have none. Throws TokenError. */
export async function generateVersion(
  pool: Pick<TokenClient, 'call'>,
  { encrypt, decrypt, ...version }: VersionToMake,
): Promise<Buffer | null> {
  const objectId = versionObjectId(version.cloudKeyId, version.version);
  const { value } = await pool.call(
    {
      kind: 'generateKey',
      key: objectId,
      label: versionLabel(version.keySetId, version.externalKeyId, version.version),
      binding: bindingOf({ ...version, objectId }),
      encrypt,
      decrypt,
    },
    managementDeadline(),
  );
  return value.proof.length === 0 ? null : Buffer.from(value.proof);
}
