import type { Act } from '../evidence/trail.ts';
import { TokenError } from '../token/faults.ts';
import type { ListedKey } from '../token/messages.ts';
import type { KeyContext } from '../keys/followers.ts';
import { askMember } from '../keys/hsm/group-members.ts';
import type { ReplacedToken } from '../keys/replaced-tokens.ts';
import type { VaultContext } from '../vault/context.ts';
import { inPages } from '../vault/in-pages.ts';
import { maxFindings, needsSomebody, type Finding, type TokenComparison } from './reconciliation-report.ts';
import { managementDeadline, type TokenClient } from '../vault/tokens.ts';

/** So many keys are asked for in one message: what is done with them takes less time than a listing is kept for. */
const pageSize = 250;

/** One token being compared: what the parts of reconcile work with. */
export interface Comparing {
  context: KeyContext;
  act: Act;
  token: string;
  /** Confined to this vault's records. */
  vaultId: string | undefined;
  /** Rests after each page of keys for as long as it took: nobody waits for it, and others use the token and the machine. */
  unhurried: boolean;
  comparison: TokenComparison;
  /** Members of the token that can be asked. */
  members: readonly string[];
  /** Tokens that had its name before, by id. */
  replaced: ReadonlyMap<string, ReplacedToken>;
}

/** A version with what its CloudKey and key set say of it. */
export type VersionOnRecord = Awaited<ReturnType<ReturnType<typeof versions>['execute']>>[number];

/** Where records are read from. */
interface Records {
  context: { store: Pick<VaultContext['store'], 'db'> };
}

function versions({ context }: Records) {
  return context.store.db
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
      'key_versions.left_in as leftIn',
      'key_sets.id as keySetId',
      'key_sets.vault_id as vaultId',
      'key_sets.token as token',
    ]);
}

/**
 * Every version, of whichever token, whose CKA_ID comes after `after` and not after `upTo`, in the order of CKA_IDs, which is
 * that of {@link keyPages}: so the two are gone through side by side.
 */
export function versionPages(
  comparing: Records,
  after: Uint8Array,
  upTo: Uint8Array | undefined,
): AsyncGenerator<VersionOnRecord[], void, undefined> {
  return inPages(async (last, limit) => {
    // The page first, by its index; then what belongs to it.
    let page = comparing.context.store.db
      .selectFrom('key_versions')
      .select('object_id')
      .where('object_id', '>', Buffer.from(last?.objectId ?? after))
      .orderBy('object_id')
      .limit(limit);
    if (upTo !== undefined) page = page.where('object_id', '<=', Buffer.from(upTo));
    return versions(comparing)
      .where('key_versions.object_id', 'in', page)
      .orderBy('key_versions.object_id')
      .execute();
  });
}

/** Versions that are being made, or were when somebody died: by the states that say so, so that few rows are read. */
export async function unfinishedVersions({
  context,
  token,
  vaultId,
}: Pick<Comparing, 'context' | 'token' | 'vaultId'>): Promise<VersionOnRecord[]> {
  const found = new Map<string, VersionOnRecord>();
  for (const [column, state] of [
    ['key_versions.state', 'PENDING'],
    // A CREATING key whose version is PENDING no more was being undone.
    ['cloud_keys.state', 'CREATING'],
  ] as const) {
    let query = versions({ context }).where(column, '=', state).where('key_sets.token', '=', token);
    if (vaultId !== undefined) query = query.where('key_sets.vault_id', '=', vaultId);
    for (const row of await query.execute()) found.set(row.objectId.toString('hex'), row);
  }
  return [...found.values()].toSorted((a, b) => Buffer.compare(a.objectId, b.objectId));
}

/** Our key objects in a member of the token, page by page in the order of their CKA_IDs. Throws TokenError. */
export async function* keyPages(
  pool: TokenClient,
  member: string,
): AsyncGenerator<ListedKey[], void, undefined> {
  for (let after: Uint8Array = Buffer.alloc(0); ;) {
    const from = after;
    const { value } = await askMember(pool, member, async (options) =>
      pool.call({ kind: 'listKeys', after: from, limit: pageSize }, options),
    );
    if (value.keys.length > 0) yield value.keys;
    if (!value.more) return;
    // A page without a key: the host has taken a breath, and goes on from the same place.
    after = value.keys.at(-1)?.id ?? after;
  }
}

/** Whether the key object that was listed is in the token, or in this member of it, no more. Throws TokenError. */
export async function isGone(
  { context, token }: Comparing,
  objectId: Uint8Array,
  member?: string,
): Promise<boolean> {
  const pool = context.tokens.pool(token);
  const ask = { kind: 'inspectKey', key: Buffer.from(objectId) } as const;
  try {
    if (member === undefined) await pool.call(ask, managementDeadline());
    else await askMember(pool, member, async (options) => pool.call(ask, options));
    return false;
  } catch (error) {
    if (error instanceof TokenError && error.fault === 'key-missing') return true;
    if (error instanceof TokenError && error.fault === 'key-duplicate') return false;
    throw error;
  }
}

export function tell({ comparison }: Comparing, finding: Finding): void {
  comparison.counts[finding.kind]++;
  if (comparison.findings.length < maxFindings) comparison.findings.push(finding);
  // What somebody has to look at goes before what is in order.
  else if (finding.kind !== 'unproven') {
    const giveWay = comparison.findings.findLastIndex(({ kind }) => kind === 'unproven');
    const at =
      giveWay === -1 && needsSomebody(finding)
        ? comparison.findings.findLastIndex((listed) => !needsSomebody(listed))
        : giveWay;
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
    member: null,
  };
}
