import type { VaultContext } from '../vault/context.ts';
import { needsSomebody, type Finding } from './reconciliation-report.ts';

/** The state of a version now, and of its CloudKey. */
interface StateNow {
  version: string;
  key: string;
  /** The version itself shows that its key object is another. */
  isUnfit: boolean;
}

/**
 * Which findings somebody still has to look at, by what the records say now: of a key that is to be deleted nobody needs the
 * key object that is missing. Whoever cancels the deletion is told of it again.
 */
export async function stillOpen(
  db: VaultContext['store']['db'],
  findings: readonly Finding[],
): Promise<Finding[]> {
  const open = findings.filter(needsSomebody);
  const ids = new Set(open.flatMap(({ cloudKeyId }) => (cloudKeyId === null ? [] : [cloudKeyId])));
  const states = new Map<string, StateNow>();
  if (ids.size > 0)
    for (const row of await db
      .selectFrom('key_versions')
      .innerJoin('cloud_keys', 'cloud_keys.id', 'key_versions.cloud_key_id')
      .select(['cloud_key_id', 'version', 'key_versions.state as state', 'cloud_keys.state as keyState'])
      .select('unfit_since')
      .where('cloud_key_id', 'in', [...ids])
      .execute())
      states.set(nameOf(row.cloud_key_id, row.version), {
        version: row.state,
        key: row.keyState,
        isUnfit: row.unfit_since !== null,
      });
  return open.filter(({ kind, cloudKeyId, version }) => {
    if (cloudKeyId === null) return true;
    const now = states.get(nameOf(cloudKeyId, version));
    switch (kind) {
      case 'missing':
        return isNeeded(now);
      case 'in-replaced-token':
        return now?.version === 'DESTROYING' || isNeeded(now);
      case 'drift':
        return now?.version === 'ACTIVE';
      case 'unfit':
        return isUnshown(now);
      case 'interrupted':
        // Undone, or finished. One that is DESTROYED may be what was told: its key object was left.
        return now !== undefined && now.version !== 'ACTIVE';
      case 'orphan':
      case 'duplicate':
      case 'unproven':
      case 'seal-broken':
        return true;
    }
  });
}

/** In use, and nothing else tells that a key object of it is another. */
function isUnshown(now: StateNow | undefined): boolean {
  return now?.version === 'ACTIVE' && !now.isUnfit;
}

function isNeeded(now: StateNow | undefined): boolean {
  return now?.version === 'ACTIVE' && now.key !== 'PENDING_DELETION';
}

function nameOf(cloudKeyId: string, version: number | null): string {
  return `${cloudKeyId} ${String(version)}`;
}
