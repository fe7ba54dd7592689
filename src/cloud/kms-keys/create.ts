import { randomUUID } from 'node:crypto';
import type { Insertable, Transaction } from 'kysely';
import { record, type Act } from '../../evidence/trail.ts';
import { KeyPolicyError } from '../aws/key-policy.ts';
import type { KmsKeyTable, Tables } from '../../store/schema.ts';
import type { ActTransaction } from '../../store/store.ts';
import { awsAccountOf } from '../accounts/context.ts';
import type { AwsContext } from '../controller/context.ts';
import type { CspAccount } from '../accounts/sign-in.ts';
import type { Reading } from '../../vault/edits.ts';
import type { ExternalKeyStore } from '../key-stores/records.ts';
import type { Scope } from '../../vault/context.ts';
import { findCloudKeyIn, keyState, type CloudKeyRecord } from '../../keys/key-records.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import { cloudStatusOf, lookForLink, parsePastedArn } from './look.ts';
import { accountOfStore, factsOf, generatedPolicy } from './policy.ts';
import { auditedKmsKey, kmsKeyEntry, type KmsKeyRow, type SeenKey } from './records.ts';
import { asVaultError, ownTags, parseKmsKeyInput, tagsToText, type KmsKeyInput } from './fields.ts';
import { checkUsage, kmsKeyValues, planKmsKey, type KmsKeyOfNewKey } from './new-key.ts';
import { VaultError } from '../../vault/vault-error.ts';

export interface NewKmsKeyInput extends KmsKeyInput {
  /** The key store, or its Region: a key set has one in each. */
  externalKeyStoreId?: string | undefined;
  region?: string | undefined;
  /** A KMS key that is there already: it is linked, or where nothing here signs in to AWS taken at its word. */
  keyArn?: string | undefined;
}

/**
 * Makes the KMS key record of a KMS key that is still to be made in AWS, or links one that is there. The row comes first: from
 * then on nothing that happens in AWS can be lost. Throws VaultError, NameError; AwsError and TokenError where a key is
 * looked at.
 */
export async function createKmsKey(
  context: AwsContext,
  act: Act,
  { vaultId, sight, cloudKeyId }: Scope & { cloudKeyId: string },
  input: NewKmsKeyInput,
): Promise<KmsKeyRow> {
  parseKmsKeyInput(input);
  const { db } = context.store;
  const cloudKey = await findCloudKeyIn(db, vaultId, sight, cloudKeyId);
  const store = await storeFor(db, cloudKey, input);
  const account = await accountOfStore(db, store.id);
  const linked =
    input.keyArn === undefined ? undefined : await link(context, cloudKey, store, account, input.keyArn);
  return context.store.write(act, async (trx) => {
    const now = await findCloudKeyIn(trx, vaultId, sight, cloudKeyId);
    checkFit(now, act.at, linked !== undefined);
    const known = await storeFor(trx, now, { externalKeyStoreId: store.id });
    await makeRoom(trx, cloudKeyId, store.id);
    if (linked !== undefined) await checkUnlinked(trx, vaultId, linked.key_arn);
    return insertKmsKey(trx, act, {
      vaultId,
      cloudKey: now,
      store: known,
      account,
      input,
      linked,
      creates: true,
      byItself: false,
    });
  });
}

/** Within the transaction that makes a CloudKey, its KMS key record, as {@link planKmsKey} has it. Throws VaultError, NameError. */
export async function createKmsKeyOfNewKey(
  trx: ActTransaction,
  act: Act,
  keySet: Pick<KeySet, 'id' | 'vault_id'>,
  cloudKey: CloudKeyRecord,
  input: KmsKeyOfNewKey | undefined,
): Promise<void> {
  const planned = await planKmsKey(trx, keySet, cloudKey, input);
  if (planned === undefined) return;
  await insertKmsKey(trx, act, { vaultId: keySet.vault_id, cloudKey, ...planned, creates: false });
}

interface Linked {
  key_arn: string;
  key_id: string;
  /** Undefined where nobody looked. */
  seen: SeenKey | undefined;
}

async function link(
  context: AwsContext,
  cloudKey: CloudKeyRecord,
  store: ExternalKeyStore,
  account: CspAccount | undefined,
  arn: string,
): Promise<Linked> {
  const { keyArn: key_arn, keyId: key_id } = parsePastedArn(arn, whereOf(store, account));
  if (account === undefined || account.type === 'manual') return { key_arn, key_id, seen: undefined };
  const seen = await lookForLink(await awsAccountOf(context, account, store.region), store.region, key_id, {
    custom_key_store_id: store.custom_key_store_id,
    external_key_id: cloudKey.external_key_id,
  });
  return { key_arn, key_id, seen };
}

/** Where a KMS key of the key store must be. */
export function whereOf(
  { region }: Pick<ExternalKeyStore, 'region'>,
  account: CspAccount | undefined,
): { region: string; partition: string; accountId: string } {
  const { partition, accountId } = factsOf(account, { key_arn: '' });
  return { region, partition, accountId };
}

interface NewPointer {
  vaultId: string;
  cloudKey: CloudKeyRecord;
  store: ExternalKeyStore;
  account: CspAccount | undefined;
  input: KmsKeyInput;
  linked?: Linked | undefined;
  /** Whether an Idempotency-Key is the KMS key record's; of a request that makes a CloudKey it is the CloudKey's. */
  creates: boolean;
  /** Made because the key set makes such, not because somebody asked. */
  byItself: boolean;
}

// oxlint-disable-next-line complexity -- one column after another
async function insertKmsKey(
  trx: ActTransaction,
  act: Act,
  { vaultId, cloudKey, store, account, input, linked, creates, byItself }: NewPointer,
): Promise<KmsKeyRow> {
  const now = act.at.toISOString();
  const id = randomUUID();
  const { tags, ...values } = kmsKeyValues(cloudKey, input);
  const isManual = account === undefined || account.type === 'manual';
  const row: Insertable<KmsKeyTable> & { key_arn: string } = {
    id,
    vault_id: vaultId,
    cloud_key_id: cloudKey.id,
    external_key_store_id: store.id,
    region: store.region,
    origin: isManual ? 'MANUAL' : linked === undefined ? 'HOLDFAST' : 'LINKED',
    key_id: linked?.key_id ?? '',
    key_arn: linked?.key_arn ?? '',
    ...values,
    tags: tagsToText({ ...tags, ...ownTags({ id, cloud_key_id: cloudKey.id }) }),
    step: linked === undefined ? 'KEY' : 'DONE',
    problem: null,
    next_attempt_at: null,
    wanted: null,
    wanted_days: null,
    search: null,
    leaving: null,
    seen: null,
    cloud_status: 'UNKNOWN',
    cloud_status_at: null,
    next_check_at: linked === undefined || isManual ? null : now,
    created_at: now,
    updated_at: now,
    ...(linked?.seen === undefined ? {} : acceptedFrom(linked.seen, act.at)),
  };
  const { policy_source: source } = values;
  if (source !== 'DOCUMENT' && linked?.seen === undefined) {
    const write = () => generatedPolicy(cloudKey, factsOf(account, row), source);
    // Nobody asked for this KMS key: what is wrong with its policy is its problem, not the CloudKey's.
    row.policy = byItself ? orNothing(write) : asVaultError(write);
  }
  const made = await trx.insertInto('kms_keys').values(row).returningAll().executeTakeFirstOrThrow();
  const verb = linked === undefined ? 'create' : 'link';
  await record(trx, act, { ...kmsKeyEntry(verb, made), after: auditedKmsKey(made), creates });
  return made;
}

function orNothing(write: () => string): string {
  try {
    return write();
  } catch (error) {
    if (error instanceof KeyPolicyError) return '';
    throw error;
  }
}

/** What of a KMS key record becomes as it is in AWS. */
export function acceptedFrom(seen: SeenKey, now: Date) {
  return {
    description: seen.description,
    ...(seen.aliases === null ? {} : { alias: seen.aliases[0] ?? '' }),
    ...(seen.tags === null ? {} : { tags: tagsToText(seen.tags) }),
    ...(seen.policy === null ? {} : { policy: seen.policy, policy_source: 'DOCUMENT' as const }),
    ...wantedFrom(seen),
    seen: JSON.stringify(seen),
    cloud_status: cloudStatusOf(seen.state),
    cloud_status_at: now.toISOString(),
    seen_at: now.toISOString(),
  };
}

function wantedFrom({ state }: SeenKey): { cloud_wish?: KmsKeyRow['cloud_wish'] } {
  switch (state) {
    case 'Enabled':
      return { cloud_wish: 'ENABLED' };
    case 'Disabled':
      return { cloud_wish: 'DISABLED' };
    case 'PendingDeletion':
      return { cloud_wish: 'PENDING_DELETION' };
    default:
      return {};
  }
}

async function storeFor(
  db: Reading,
  { key_set_id, region }: Pick<CloudKeyRecord, 'key_set_id' | 'region'>,
  input: Pick<NewKmsKeyInput, 'externalKeyStoreId' | 'region'>,
): Promise<ExternalKeyStore> {
  const stores = db.selectFrom('external_key_stores').selectAll().where('key_set_id', '=', key_set_id);
  const store =
    input.externalKeyStoreId === undefined
      ? await stores.where('region', '=', input.region ?? region).executeTakeFirst()
      : await stores.where('id', '=', input.externalKeyStoreId).executeTakeFirst();
  if (store === undefined)
    throw new VaultError(
      'invalid',
      'the key set of the CloudKey has no such external key store',
      'see: holdfast external-key-store list; make one in the Region first',
    );
  if (input.region !== undefined && input.region !== store.region)
    throw new VaultError('invalid', 'the external key store is in another Region');
  return store;
}

function checkFit(cloudKey: CloudKeyRecord, now: Date, isThere: boolean): void {
  const state = keyState(cloudKey, now);
  if (state === 'DELETED' && !isThere)
    throw new VaultError('conflict', 'the CloudKey was deleted: no KMS key can be made for it');
  if (state === 'PENDING_DELETION' && !isThere)
    throw new VaultError('conflict', 'the CloudKey will be deleted', 'cancel its deletion first');
  if (!isThere) checkUsage(cloudKey);
}

/** There is one KMS key for a CloudKey in a key store. What was given up makes room. */
async function makeRoom(trx: Transaction<Tables>, cloudKeyId: string, storeId: string): Promise<void> {
  const there = await trx
    .selectFrom('kms_keys')
    .select(['id', 'step'])
    .where('cloud_key_id', '=', cloudKeyId)
    .where('external_key_store_id', '=', storeId)
    .executeTakeFirst();
  if (there === undefined) return;
  if (there.step !== 'GONE')
    throw new VaultError(
      'conflict',
      'the CloudKey has a KMS key record in this key store already',
      'holdfast kms-key show; AWS allows one KMS key for each external key in a key store',
    );
  await trx.deleteFrom('kms_keys').where('id', '=', there.id).execute();
}

/** Throws VaultError `conflict` where another KMS key record of the vault has the KMS key. */
export async function checkUnlinked(trx: Reading, vaultId: string, keyArn: string): Promise<void> {
  const other = await trx
    .selectFrom('kms_keys')
    .select('id')
    .where('vault_id', '=', vaultId)
    .where('key_arn', '=', keyArn)
    .where('step', '<>', 'GONE')
    .executeTakeFirst();
  if (other !== undefined)
    throw new VaultError('conflict', 'another KMS key record has this KMS key already');
}
