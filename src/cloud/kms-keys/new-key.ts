import type { CspAccount } from '../accounts/sign-in.ts';
import type { ExternalKeyStore } from '../key-stores/records.ts';
import type { CloudKeyRecord } from '../../keys/key-records.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import type { Reading } from '../../vault/edits.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { asJson } from './drift.ts';
import { asVaultError, defaultAlias, parseKmsKeyInput, type KmsKeyInput } from './fields.ts';
import { accountOfStore, factsOf, generatedPolicy } from './policy.ts';
import type { KmsKeyRow } from './records.ts';

/* The KMS key of a CloudKey that is being made: where it comes to be, and as what. */

/** What is told of the KMS key of a new CloudKey; true for one as it comes, false for none. */
export type KmsKeyOfNewKey = boolean | KmsKeyInput;

interface PlannedKmsKey {
  store: ExternalKeyStore;
  account: CspAccount;
  input: KmsKeyInput;
  /** Made because the key set makes such, not because somebody asked. */
  byItself: boolean;
}

/**
 * The KMS key that a new CloudKey gets: by itself where the key set has a key store in the Region of the key and a CSP account
 * that signs in, or because somebody asked for it; undefined for none. Throws VaultError where it was asked for and cannot
 * be.
 */
export async function planKmsKey(
  db: Reading,
  keySet: Pick<KeySet, 'id'>,
  cloudKey: Pick<CloudKeyRecord, 'region' | 'can_encrypt' | 'can_decrypt'>,
  input: KmsKeyOfNewKey | undefined,
): Promise<PlannedKmsKey | undefined> {
  if (input === false) return undefined;
  const store = await db
    .selectFrom('external_key_stores')
    .selectAll()
    .where('key_set_id', '=', keySet.id)
    .where('region', '=', cloudKey.region)
    .executeTakeFirst();
  const account = store === undefined ? undefined : await accountOfStore(db, store.id);
  const usable =
    store !== undefined && store.wanted !== 'DELETE' && store.state !== 'NOT_FOUND' && cloudKey.region !== '';
  if (!usable || account === undefined || account.type === 'manual') {
    if (input === undefined) return undefined;
    throw new VaultError(
      'conflict',
      'the key set has no external key store in the Region of the CloudKey whose CSP account signs in to AWS',
      'make the key store first (holdfast external-key-store create); or make the CloudKey without a KMS key',
    );
  }
  const bothUses = cloudKey.can_encrypt === 1 && cloudKey.can_decrypt === 1;
  if (!bothUses && input === undefined) return undefined;
  checkUsage(cloudKey);
  return { store, account, input: typeof input === 'object' ? input : {}, byItself: input === undefined };
}

/** CreateKey: "must have … encryption and decryption enabled" (Developer Guide, "Requirements for a KMS key"). */
export function checkUsage({
  can_encrypt,
  can_decrypt,
}: Pick<CloudKeyRecord, 'can_encrypt' | 'can_decrypt'>): void {
  if (can_encrypt === 1 && can_decrypt === 1) return;
  throw new VaultError(
    'conflict',
    'AWS makes a KMS key only for a CloudKey that may both encrypt and decrypt',
    'make another CloudKey with usage encrypt-decrypt',
  );
}

/** What is told of a KMS key, and for what is not how it comes. A generated policy is '' here. Throws VaultError, NameError. */
export function kmsKeyValues(
  cloudKey: Pick<CloudKeyRecord, 'name' | 'description'>,
  input: KmsKeyInput,
): Pick<KmsKeyRow, 'alias' | 'description' | 'policy' | 'policy_source'> & { tags: Record<string, string> } {
  const told = parseKmsKeyInput(input);
  return {
    alias: told.alias ?? defaultAlias(cloudKey.name),
    description: told.description ?? cloudKey.description,
    policy: told.policy ?? '',
    policy_source: told.policy_source ?? 'GENERATED',
    tags: told.tags ?? {},
  };
}

/** What the KMS key of a CloudKey would be that is not made yet. */
export interface KmsKeyPreview {
  store: Pick<ExternalKeyStore, 'id' | 'name' | 'custom_key_store_id' | 'region'>;
  /** '' where it is not known. */
  accountId: string;
  alias: string;
  description: string;
  /** Without those that tell whose it is: they name records that are not there yet. */
  tags: Record<string, string>;
  policySource: KmsKeyRow['policy_source'];
  /** Null where it is generated and the AWS account id is not known: it is written once AWS has told it. */
  policy: unknown;
}

/** As {@link planKmsKey} has it, from what the records tell: nothing is made, and AWS is not asked. Throws VaultError, NameError. */
export async function previewKmsKey(
  db: Reading,
  keySet: Pick<KeySet, 'id'>,
  cloudKey: CloudKeyRecord,
  input: KmsKeyOfNewKey | undefined,
): Promise<KmsKeyPreview | undefined> {
  const planned = await planKmsKey(db, keySet, cloudKey, input);
  if (planned === undefined) return undefined;
  const { store, account } = planned;
  const values = kmsKeyValues(cloudKey, planned.input);
  const facts = factsOf(account, { key_arn: '' });
  const policy =
    values.policy_source === 'DOCUMENT'
      ? values.policy
      : asVaultError(() => generatedPolicy(cloudKey, facts, values.policy_source));
  return {
    store,
    accountId: facts.accountId,
    ...{ alias: values.alias, description: values.description, tags: values.tags },
    policySource: values.policy_source,
    policy: policy === '' ? null : asJson(policy),
  };
}
