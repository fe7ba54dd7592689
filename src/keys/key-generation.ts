import { bindingOf } from '../token/key-identity.ts';
import { versionLabel, versionObjectId } from '../token/own-keys.ts';
import { TokenError } from '../token/faults.ts';
import { askMember, awaitOnMembers, memberToMakeOn } from './hsm/group-members.ts';
import { identityOfVersion } from './key-identities.ts';
import type { CloudKeyRecord } from './key-records.ts';
import type { KeySet } from './key-sets/key-set-records.ts';
import type { TokenClient } from '../vault/tokens.ts';

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

/**
 * Makes the key object of a version, and gives its proof, null for a key that can have none. In an HSM group it is made on one
 * member, and has shown itself on each other that can be asked when this resolves. Throws TokenError; `key-missing` where it
 * was made, and another member does not have it.
 */
export async function generateVersion(
  pool: Pick<TokenClient, 'members' | 'healthOf' | 'call'>,
  { encrypt, decrypt, ...version }: VersionToMake,
): Promise<Buffer | null> {
  const objectId = versionObjectId(version.cloudKeyId, version.version);
  const member = memberToMakeOn(pool, encrypt && decrypt);
  const { value } = await askMember(pool, member, async (options) =>
    pool.call(
      {
        kind: 'generateKey',
        key: objectId,
        label: versionLabel(version.keySetId, version.externalKeyId, version.version),
        binding: bindingOf({ ...version, objectId }),
        encrypt,
        decrypt,
      },
      options,
    ),
  );
  const proof = value.proof.length === 0 ? null : Buffer.from(value.proof);
  const identity = identityOfVersion({ ...version, objectId, origin: 'holdfast', label: null, proof });
  try {
    await awaitOnMembers(pool, member, { key: objectId, identity });
  } catch (error) {
    throw error instanceof TokenError ? madeButNotSeen(error, member) : error;
  }
  return proof;
}

/** Whatever kept the other from showing it, there is a key object to be destroyed: the failure is told as one that was answered. */
function madeButNotSeen({ fault, rv, detail = '' }: TokenError, madeOn: string): TokenError {
  const seen = fault === 'key-missing' ? 'which does not have it' : 'which does not show it';
  return new TokenError(
    fault === 'key-missing' ? fault : 'internal',
    'HSM group',
    rv,
    `the key was made on member ${madeOn}, and not seen on another, ${seen}: ${detail}`,
  );
}
