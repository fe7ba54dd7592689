import type { Transaction } from 'kysely';
import type { Tables } from '../store/schema.ts';

/**
 * Acts whose events stay in the trail when it is pruned: by them it is known whether a key object may be destroyed, as long
 * as there is a record of its key. The trigger `audit_events_no_delete` has the same list.
 */
export const actionsThatStay: readonly string[] = [
  ...['cloud-key.create', 'cloud-key.adopt', 'cloud-key.rotate', 'cloud-key.re-enter-version'],
  ...['cloud-key.delete', 'vault.delete'],
];

/** A version that is DESTROYING. */
export interface OrderedVersion {
  cloudKeyId: string;
  version: number;
}

/**
 * Why the key object of a version that is DESTROYING is not destroyed; undefined where it may be. That a row says so is not
 * enough: there has to be the deletion that led to it, its waiting time over, or the undoing of a making that never came to
 * its end, and the trail has to agree.
 */
export async function whyNotOrdered(
  trx: Pick<Transaction<Tables>, 'selectFrom'>,
  { cloudKeyId, version }: OrderedVersion,
  now: Date,
): Promise<string | undefined> {
  const key = await trx
    .selectFrom('cloud_keys')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .innerJoin('vaults', 'vaults.id', 'key_sets.vault_id')
    .select(['cloud_keys.state', 'deletion_at', 'cloud_keys.deleted_at', 'vaults.id as vaultId'])
    .select('vaults.deleted_at as vaultDeletedAt')
    .where('cloud_keys.id', '=', cloudKeyId)
    .executeTakeFirst();
  if (key === undefined) return 'it has no CloudKey';
  // With its vault goes all that was in it, one after another.
  if (key.vaultDeletedAt !== null && (await isOnRecord(trx, 'vault.delete', key.vaultId))) return undefined;
  if (key.state !== 'DELETED') {
    const used = await wasPutIntoUse(trx, cloudKeyId, version);
    return used ? 'the version was in use, and its CloudKey is not deleted' : undefined;
  }
  if (key.deleted_at === null || key.deletion_at === null || key.deletion_at > now.toISOString())
    return 'the waiting time of its deletion is not over';
  const isDeleted = await isOnRecord(trx, 'cloud-key.delete', cloudKeyId);
  return isDeleted ? undefined : 'the audit trail knows of no deletion of its CloudKey';
}

async function isOnRecord(
  trx: Pick<Transaction<Tables>, 'selectFrom'>,
  action: string,
  targetId: string,
): Promise<boolean> {
  const event = await trx
    .selectFrom('audit_events')
    .select('sequence')
    .where('target_id', '=', targetId)
    .where('action', '=', action)
    .where('outcome', '=', 'done')
    .limit(1)
    .executeTakeFirst();
  return event !== undefined;
}

/** By the trail: a version that was ever activated is undone by nobody. */
async function wasPutIntoUse(
  trx: Pick<Transaction<Tables>, 'selectFrom'>,
  cloudKeyId: string,
  version: number,
): Promise<boolean> {
  const first = version === 1 ? ['cloud-key.create', 'cloud-key.adopt'] : [];
  const events = await trx
    .selectFrom('audit_events')
    .select(['action', 'after'])
    .where('target_id', '=', cloudKeyId)
    .where('action', 'in', [...first, 'cloud-key.rotate', 'cloud-key.re-enter-version'])
    .where('outcome', '=', 'done')
    .execute();
  return events.some(({ action, after }) => first.includes(action) || versionIn(after) === version);
}

function versionIn(after: string | null): unknown {
  const told: unknown = JSON.parse(after ?? 'null');
  return typeof told === 'object' && told !== null && 'version' in told ? told.version : undefined;
}
