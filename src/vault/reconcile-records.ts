import type { Act } from '../audit/trail.ts';
import type { ListedKey } from '../token/messages.ts';
import type { House } from './house.ts';
import { mostFindings, type Finding, type TokenComparison } from './reconciliation-report.ts';
import { managementDeadline, type TokenClient } from './token-rooms.ts';

/** So many keys are asked for in one message, which holds about as many. */
const pageSize = 1000;

/** One token being compared: what the parts of reconcile work with. */
export interface Comparing {
  house: House;
  act: Act;
  token: string;
  /** Confined to this vault's records. */
  vaultId: string | undefined;
  comparison: TokenComparison;
}

/** A version with what its CloudKey and key set say of it. */
export type VersionOnRecord = Awaited<ReturnType<typeof versionsOnRecord>>[number];

/** Every version of CloudKeys whose key set uses the token. */
export async function versionsOnRecord({ house, token, vaultId }: Comparing) {
  let query = house.store.db
    .selectFrom('key_versions')
    .innerJoin('cloud_keys', 'cloud_keys.id', 'key_versions.cloud_key_id')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .select([
      'cloud_keys.id as cloudKeyId',
      'cloud_keys.name as name',
      'cloud_keys.external_key_id as externalKeyId',
      'cloud_keys.state as keyState',
      'cloud_keys.current_version as currentVersion',
      'cloud_keys.can_encrypt as canEncrypt',
      'cloud_keys.can_decrypt as canDecrypt',
      'key_versions.version as version',
      'key_versions.object_id as objectId',
      'key_versions.state as state',
      'key_versions.origin as origin',
      'key_versions.made_by as madeBy',
      'key_versions.created_at as createdAt',
      'key_versions.proof as proof',
      'key_versions.label as label',
      'key_versions.unfit_since as unfitSince',
      'key_sets.id as keySetId',
      'key_sets.vault_id as vaultId',
      'key_sets.token as token',
    ])
    .where('key_sets.token', '=', token)
    .orderBy('cloud_keys.id')
    .orderBy('key_versions.version');
  if (vaultId !== undefined) query = query.where('key_sets.vault_id', '=', vaultId);
  return query.execute();
}

/** All our key objects in the token, by CKA_ID in hex. Throws TokenError. */
export async function keysInToken(pool: TokenClient): Promise<Map<string, ListedKey>> {
  const keys = new Map<string, ListedKey>();
  for (let after: Uint8Array = Buffer.alloc(0); ;) {
    const { value } = await pool.call({ kind: 'listKeys', after, limit: pageSize }, managementDeadline());
    for (const key of value.keys) keys.set(Buffer.from(key.id).toString('hex'), key);
    if (!value.more) return keys;
    // A page without a key: the host has taken a breath, and goes on from the same place.
    after = value.keys.at(-1)?.id ?? after;
  }
}

export function tell({ comparison }: Comparing, finding: Finding): void {
  comparison.counts[finding.kind]++;
  if (comparison.findings.length < mostFindings) comparison.findings.push(finding);
  // What somebody has to look at goes before what is in order.
  else if (finding.kind !== 'unproven') {
    const at = comparison.findings.findLastIndex(({ kind }) => kind === 'unproven');
    if (at !== -1) comparison.findings.splice(at, 1, finding);
  }
}

/** The part of a finding that says what it is about. */
export function about(
  row: Pick<
    VersionOnRecord,
    'vaultId' | 'keySetId' | 'cloudKeyId' | 'name' | 'externalKeyId' | 'version' | 'objectId'
  >,
  label: string | null = null,
): Omit<Finding, 'kind' | 'outcome' | 'detail'> {
  const { vaultId, keySetId, cloudKeyId, name, externalKeyId, version, objectId } = row;
  return {
    vaultId,
    keySetId,
    cloudKeyId,
    name,
    externalKeyId,
    version,
    objectId: objectId.toString('hex'),
    label,
  };
}
