import { AwsError } from '../aws/aws-error.ts';
import type { AwsAccount } from '../aws/clients.ts';
import { parseKeyArn } from '../aws/kms-arns.ts';
import { KmsKeys, type AwsKmsKey } from '../aws/kms-keys.ts';
import { isGone, lastsAfterSeen, mustBeGone, orGone, type Gone, type Sighting } from '../aws/presence.ts';
import { wallClock } from '../../clock.ts';
import type { KmsKey, KmsKeyRow, SeenKey } from './records.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** The words of ours for the states of KMS keys; one whose key store is not connected is Unavailable: UNKNOWN. */
export function cloudStatusOf(state: string): KmsKeyRow['cloud_status'] {
  switch (state) {
    case 'Enabled':
      return 'AVAILABLE';
    case 'Disabled':
      return 'DISABLED';
    case 'PendingDeletion':
      return 'PENDING_DELETION';
    case 'NotFound':
      return 'NOT_FOUND';
    default:
      return 'UNKNOWN';
  }
}

/** A KMS key as it was just made by us: nothing that AWS is slow to show can look like drift. */
export function seenAs(key: AwsKmsKey, ours: Pick<SeenKey, 'policy' | 'aliases' | 'tags'>): SeenKey {
  const { state, deletionAt, customKeyStoreId, xksKeyId, description } = key;
  return { state, deletionAt, customKeyStoreId, xksKeyId, description, ...ours };
}

/**
 * All that AWS says of a KMS key: four requests, ListAliases the scarcest of them. What its policy does not let us see
 * is null. Throws AwsError, `settling` where AWS does not find what it may have.
 */
export async function readKey(
  kms: KmsKeys,
  keyId: string,
  sighting: Sighting,
  now: Date,
): Promise<SeenKey | Gone> {
  const key = await orGone(async () => kms.describe(keyId), sighting, lastsAfterSeen.kmsKey, now);
  if (isGone(key)) return key;
  const read = async () =>
    seenAs(key, {
      policy: await unlessDenied(async () => kms.policy(keyId)),
      aliases: await unlessDenied(async () => kms.aliases(keyId)),
      tags: await unlessDenied(async () => kms.tags(keyId)),
    });
  // One host of AWS knew the key, and the next may not.
  return orGone(read, { ...sighting, seenAt: now, goesAt: null }, lastsAfterSeen.kmsKey, now);
}

/** A KMS key that AWS certainly has no more, as KMS key records show it. */
export function seenGone(gone: Gone): SeenKey {
  mustBeGone(gone);
  return {
    ...{ state: 'NotFound', deletionAt: null, customKeyStoreId: '', xksKeyId: '', description: '' },
    ...{ policy: null, aliases: null, tags: null },
  };
}

async function unlessDenied<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AwsError && error.fault === 'denied') return null;
    throw error;
  }
}

/** A pasted ARN, checked against what is known of where it must be. Throws VaultError `invalid`. */
export function parsePastedArn(
  text: string,
  { region, partition, accountId }: { region: string; partition: string; accountId: string },
): { keyArn: string; keyId: string } {
  const arn = parseKeyArn(text.trim());
  if (arn === undefined)
    throw new VaultError(
      'invalid',
      'this is not the ARN of a KMS key',
      'it looks like arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    );
  if (arn.partition !== partition)
    throw new VaultError('invalid', `the ARN is not one of the partition ${partition} of the CSP account`);
  if (arn.region !== region)
    throw new VaultError(
      'invalid',
      `the KMS key is in another Region than the key store, which is in ${region}`,
    );
  if (accountId !== '' && arn.accountId !== accountId)
    throw new VaultError(
      'invalid',
      'the KMS key is in another AWS account than the CSP account',
      'paste the ARN of the key that was made in the key store of this account',
    );
  return { keyArn: text.trim(), keyId: arn.keyId };
}

/** What AWS says of a KMS key that is to be linked. Throws VaultError where it is not one of this CloudKey. */
export async function lookForLink(
  account: AwsAccount,
  region: string,
  keyId: string,
  ours: Pick<KmsKey, 'custom_key_store_id' | 'external_key_id'>,
): Promise<SeenKey> {
  const never = { madeAt: null, seenAt: null };
  const seen = await readKey(new KmsKeys(account, region), keyId, never, wallClock());
  if (isGone(seen))
    throw new VaultError(
      'not-found',
      'AWS shows no such KMS key in this account and Region',
      'repeat it in a minute where the key was made just now; else see that account, Region and id are right',
    );
  if (seen.xksKeyId !== ours.external_key_id)
    throw new VaultError(
      'conflict',
      'the KMS key does not refer to this CloudKey',
      'link one whose external key id is that of the CloudKey; it can never be changed in AWS',
    );
  if (seen.customKeyStoreId !== ours.custom_key_store_id)
    throw new VaultError(
      'conflict',
      'the KMS key is in another key store',
      'link it through the external key store that it is in',
    );
  return seen;
}
