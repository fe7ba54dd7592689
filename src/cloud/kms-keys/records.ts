import type { Selectable } from 'kysely';
import { z } from 'zod';
import { parseKeyArn } from '../aws/kms-arns.ts';
import type { Sighting } from '../aws/presence.ts';
import { readProblem, type Problem } from '../controller/problem.ts';
import type { KmsKeyTable } from '../../store/schema.ts';
import { beginsWith } from '../../vault/begins-with.ts';
import type { Reading } from '../../vault/edits.ts';
import type { VaultContext, Sight } from '../../vault/context.ts';
import { notByIndex, readPage, type Page, type PageInput } from '../../vault/page.ts';
import { seenBy } from '../../vault/sight.ts';
import { VaultError } from '../../vault/vault-error.ts';

export type KmsKeyRow = Selectable<KmsKeyTable>;

/** A KMS key record with what it hangs on. */
export type KmsKey = KmsKeyRow & {
  cloud_key_name: string;
  external_key_id: string;
  key_set_id: string;
  /** `cks-…` of its key store, '' while that is not known. */
  custom_key_store_id: string;
  csp_account_id: string | null;
  /** Undefined type where there is no CSP account: nothing is done in AWS then. */
  csp_account_type: 'manual' | 'access-key' | 'role' | 'ambient' | null;
  /** 12 digits; null without a CSP account, '' of one that does not know it. */
  csp_account_aws_id: string | null;
  /** When AWS had the key store, as far as is known. */
  store_made_at: string | null;
  store_seen_at: string | null;
};

export interface KmsKeyFilter {
  /** Ours, or AWS's key id. */
  id?: string | undefined;
  cloudKeyId?: string | undefined;
  keySetId?: string | undefined;
  region?: string | undefined;
  cloudStatus?: KmsKeyRow['cloud_status'] | undefined;
  step?: KmsKeyRow['step'] | undefined;
  /** Beginning of the alias. */
  alias?: string | undefined;
  keyArn?: string | undefined;
}

export const kmsKeyOrders = {
  createdAt: 'kms_keys.created_at',
  alias: 'kms_keys.alias',
  region: 'kms_keys.region',
  updatedAt: 'kms_keys.updated_at',
} as const;

/** What AWS said last; a part that it did not let us see is null. */
export interface SeenKey {
  /** AWS's word, or NotFound. */
  state: string;
  deletionAt: string | null;
  customKeyStoreId: string;
  xksKeyId: string;
  description: string;
  policy: string | null;
  aliases: string[] | null;
  tags: Record<string, string> | null;
}

const seenForm = z.object({
  state: z.string(),
  deletionAt: z.string().nullable(),
  customKeyStoreId: z.string(),
  xksKeyId: z.string(),
  description: z.string(),
  policy: z.string().nullable(),
  aliases: z.array(z.string()).nullable(),
  tags: z.record(z.string(), z.string()).nullable(),
});

export type Applied = 'policy' | 'alias' | 'description' | 'tags';
const tagsForm = z.record(z.string(), z.string());
const formerAliasesForm = z.array(z.string());
const appliedForm = z.array(z.enum(['policy', 'alias', 'description', 'tags']));

/** What the last try failed with, or why it waits. */
export function problemOf({ problem }: Pick<KmsKeyRow, 'problem'>): Problem | null {
  return readProblem(problem);
}

export function seenOf({ seen }: Pick<KmsKeyRow, 'seen'>): SeenKey | null {
  return seen === null ? null : seenForm.parse(JSON.parse(seen));
}

/** What is known of when AWS had the KMS key. */
export function sightingOf(row: Pick<KmsKeyRow, 'create_sent_at' | 'seen_at' | 'seen'>): Sighting {
  const deletionAt = seenOf(row)?.deletionAt ?? null;
  return {
    madeAt: dateOf(row.create_sent_at),
    seenAt: dateOf(row.seen_at),
    goesAt: dateOf(deletionAt),
  };
}

export function dateOf(at: string | null): Date | null {
  return at === null ? null : new Date(at);
}

export function toApplyOf({ to_apply }: Pick<KmsKeyRow, 'to_apply'>): Applied[] {
  return appliedForm.parse(JSON.parse(to_apply));
}

export function tagsOf({ tags }: Pick<KmsKeyRow, 'tags'>): Record<string, string> {
  return tagsForm.parse(JSON.parse(tags));
}

export function formerAliasesOf({ former_aliases }: Pick<KmsKeyRow, 'former_aliases'>): string[] {
  return formerAliasesForm.parse(JSON.parse(former_aliases));
}

/** All KMS key records, with what they hang on; whoever asks adds which. */
export function kmsKeys(db: Reading) {
  return db
    .selectFrom('kms_keys')
    .innerJoin('cloud_keys', 'cloud_keys.id', 'kms_keys.cloud_key_id')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .innerJoin('external_key_stores', 'external_key_stores.id', 'kms_keys.external_key_store_id')
    .leftJoin('csp_accounts', 'csp_accounts.id', 'external_key_stores.csp_account_id')
    .selectAll('kms_keys')
    .select([
      'cloud_keys.name as cloud_key_name',
      'cloud_keys.external_key_id as external_key_id',
      'cloud_keys.key_set_id as key_set_id',
      'external_key_stores.custom_key_store_id as custom_key_store_id',
      'external_key_stores.csp_account_id as csp_account_id',
      'external_key_stores.made_at as store_made_at',
      'external_key_stores.seen_at as store_seen_at',
      'csp_accounts.type as csp_account_type',
      'csp_accounts.aws_account_id as csp_account_aws_id',
    ]);
}

function seenKmsKeys(db: Reading, vaultId: string, sight: Sight) {
  return kmsKeys(db)
    .where('key_sets.vault_id', '=', vaultId)
    .where((eb) => seenBy(eb.ref('key_sets.admin_group_id'), sight));
}

/** In the order of a list: `kms_keys` alone says which are looked at; the rest is looked up for each. */
function listedKmsKeys(db: Reading, vaultId: string, sight: Sight) {
  return kmsKeys(db)
    .where('kms_keys.vault_id', '=', vaultId)
    .where((eb) => eb(notByIndex(eb.ref('key_sets.vault_id')), '=', vaultId))
    .where((eb) => seenBy(notByIndex(eb.ref('key_sets.admin_group_id')), sight));
}

export async function listKmsKeys(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
  sight: Sight,
  filter: KmsKeyFilter,
  page: PageInput,
): Promise<Page<KmsKey>> {
  let query = listedKmsKeys(store.db, vaultId, sight);
  const { id, cloudKeyId, keySetId, region, cloudStatus, step, alias, keyArn } = filter;
  const storesOf = (keySet: string) =>
    store.db.selectFrom('external_key_stores').select('id').where('key_set_id', '=', keySet);
  if (id !== undefined)
    query = query.where((eb) => eb.or([eb('kms_keys.id', '=', id), eb('kms_keys.key_id', '=', id)]));
  if (cloudKeyId !== undefined) query = query.where('kms_keys.cloud_key_id', '=', cloudKeyId);
  if (keySetId !== undefined)
    query = query.where((eb) =>
      eb(notByIndex(eb.ref('kms_keys.external_key_store_id')), 'in', storesOf(keySetId)),
    );
  if (region !== undefined)
    query = query.where((eb) => eb(notByIndex(eb.ref('kms_keys.region')), '=', region));
  if (cloudStatus !== undefined)
    query = query.where((eb) => eb(notByIndex(eb.ref('kms_keys.cloud_status')), '=', cloudStatus));
  if (step !== undefined) query = query.where((eb) => eb(notByIndex(eb.ref('kms_keys.step')), '=', step));
  if (keyArn !== undefined) query = query.where('kms_keys.key_arn', '=', keyArn);
  if (alias !== undefined) query = query.where((eb) => beginsWith(eb.ref('kms_keys.alias'), alias));
  const few = id !== undefined || cloudKeyId !== undefined || keyArn !== undefined;
  const through = store.db.selectFrom('kms_keys').where('kms_keys.vault_id', '=', vaultId);
  return readPage(query, few ? 'few' : through, kmsKeyOrders, 'kms_keys.id', page);
}

/** Throws VaultError `not-found`. */
export async function getKmsKey(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
  sight: Sight,
  cloudKeyId: string,
  id: string,
): Promise<KmsKey> {
  return findKmsKeyIn(store.db, vaultId, sight, cloudKeyId, id);
}

/** The same within a transaction. */
export async function findKmsKeyIn(
  db: Reading,
  vaultId: string,
  sight: Sight,
  cloudKeyId: string,
  id: string,
): Promise<KmsKey> {
  const row = await seenKmsKeys(db, vaultId, sight)
    .where('kms_keys.cloud_key_id', '=', cloudKeyId)
    .where('kms_keys.id', '=', id)
    .executeTakeFirst();
  if (row === undefined) throw new VaultError('not-found', 'there is no such KMS key record');
  return row;
}

/** By its id alone, for what is done without anybody asking. */
export async function kmsKeyById(db: Reading, id: string): Promise<KmsKey | undefined> {
  return kmsKeys(db).where('kms_keys.id', '=', id).executeTakeFirst();
}

/** Of several CloudKeys, by CloudKey id; those that are GONE are left out. The oldest comes first. */
export async function kmsKeysOf(
  { store }: Pick<VaultContext, 'store'>,
  cloudKeyIds: readonly string[],
): Promise<Map<string, KmsKey[]>> {
  const found = new Map<string, KmsKey[]>();
  if (cloudKeyIds.length === 0) return found;
  const rows = await kmsKeys(store.db)
    .where('kms_keys.cloud_key_id', 'in', cloudKeyIds)
    .where('kms_keys.step', '<>', 'GONE')
    .orderBy('kms_keys.created_at')
    .orderBy('kms_keys.id')
    .execute();
  for (const row of rows) found.set(row.cloud_key_id, [...(found.get(row.cloud_key_id) ?? []), row]);
  return found;
}

/** Whether AWS is called for it at all. */
export function isManual({ csp_account_type }: Pick<KmsKey, 'csp_account_type'>): boolean {
  return csp_account_type === null || csp_account_type === 'manual';
}

/** The AWS account that it is in, or is to be made in; null where nobody knows. */
export function accountIdOf({ key_arn, csp_account_aws_id }: KmsKey): string | null {
  const known = parseKeyArn(key_arn)?.accountId ?? csp_account_aws_id;
  return known === null || known === '' ? null : known;
}

/** Head of an audit event. */
export function kmsKeyEntry(verb: string, row: Pick<KmsKeyRow, 'id' | 'vault_id' | 'alias' | 'key_arn'>) {
  const name = row.alias === '' ? row.key_arn : row.alias;
  return {
    action: `kms-key.${verb}`,
    vaultId: row.vault_id,
    target: { kind: 'kms-key', id: row.id, name },
  };
}

/** The KMS key record as the audit trail shows it. */
export function auditedKmsKey(row: KmsKeyRow): Record<string, unknown> {
  return {
    cloudKeyId: row.cloud_key_id,
    externalKeyStoreId: row.external_key_store_id,
    region: row.region,
    origin: row.origin,
    keyArn: row.key_arn,
    alias: row.alias,
    description: row.description,
    tags: tagsOf(row),
    policySource: row.policy_source,
    policy: row.policy,
    step: row.step,
    wanted: row.wanted,
    leaving: row.leaving,
    outcome: row.outcome,
  };
}
