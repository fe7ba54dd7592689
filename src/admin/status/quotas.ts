import { counted } from '../../counted.ts';
import { onEach, type Affected } from './affected.ts';
import { keySetsIn, type StatusScope } from './counts.ts';
import type { AdminServices, NodeFacts } from '../services.ts';
import type { StatusFinding } from './findings.ts';

/** A key set or CloudKey whose request quota is near its end, or past it. */
export interface NearQuota {
  kind: 'key-set' | 'cloud-key';
  name: string;
  /** Of the node's part of the quota, in the last whole minute. */
  usedPercent: number;
  refused: number;
}

export interface QuotaStatus {
  refusedSince: string;
  /** Requests, of all in the scope. */
  refused: number;
  /** Key sets and CloudKeys that are near or at their quotas. */
  near: number;
  /** Those of a vault; what it has inside is not the appliance's. */
  of?: NearQuota[];
}

type Found = NearQuota & { id: string; keySetId: string; vaultId: string; vaultName: string };

const maxNamed = 3;
const ofVault = ['vaults.id as vaultId', 'vaults.name as vaultName'] as const;

/** What of the scope is near its quotas on this node; undefined where its supervisor does not say. */
export async function quotaStatus(
  services: Pick<AdminServices, 'store'>,
  scope: StatusScope,
  facts: NodeFacts | undefined,
): Promise<{ shown: QuotaStatus | undefined; findings: StatusFinding[] }> {
  if (facts === undefined) return { shown: undefined, findings: [] };
  const { refusedSince, near } = facts.quotas;
  const found = near.length === 0 ? [] : await within(services, scope, near);
  const refused = found.reduce((sum, one) => sum + one.refused, 0);
  const of = scope === 'appliance' ? {} : { of: found.map(shownOf) };
  const byVault = Map.groupBy(found, ({ vaultId }) => vaultId);
  return {
    shown: { refusedSince, refused, near: found.length, ...of },
    findings: [...byVault.values()].map((those) => findingOf(those, refusedSince, scope !== 'appliance')),
  };
}

function shownOf({ kind, name, usedPercent, refused }: Found): NearQuota {
  return { kind, name, usedPercent, refused };
}

async function within(
  { store: { db } }: Pick<AdminServices, 'store'>,
  scope: StatusScope,
  near: NodeFacts['quotas']['near'],
): Promise<Found[]> {
  const idsOf = (kind: NearQuota['kind']) =>
    near
      .filter(({ bucket }) => bucket.startsWith(`${kind}:`))
      .map(({ bucket }) => bucket.slice(kind.length + 1));
  const keySets = await keySetsIn(db, scope)
    .where('key_sets.id', 'in', idsOf('key-set'))
    .select(['key_sets.id', 'key_sets.name', 'key_sets.id as keySetId', ...ofVault])
    .execute();
  const keys = await keySetsIn(db, scope)
    .innerJoin('cloud_keys', 'cloud_keys.key_set_id', 'key_sets.id')
    .where('cloud_keys.id', 'in', idsOf('cloud-key'))
    .select(['cloud_keys.id', 'cloud_keys.name', 'key_sets.id as keySetId', ...ofVault])
    .execute();
  const rows = new Map<string, Omit<Found, 'usedPercent' | 'refused'>>();
  for (const row of keySets) rows.set(`key-set:${row.id}`, { kind: 'key-set', ...row });
  for (const row of keys) rows.set(`cloud-key:${row.id}`, { kind: 'cloud-key', ...row });
  return near.flatMap(({ bucket, share, refused }) => {
    const row = rows.get(bucket);
    if (row === undefined) return [];
    return [{ ...row, usedPercent: Math.round(share * 100), refused }];
  });
}

/** Of one vault. */
function findingOf(found: readonly Found[], refusedSince: string, own: boolean): StatusFinding {
  const refused = found.reduce((sum, one) => sum + one.refused, 0);
  const since = refused === 0 ? '' : `, ${counted(refused, 'request')} refused since ${refusedSince}`;
  const named = found.slice(0, maxNamed).map(inWords).join(', ');
  const more = found.length > maxNamed ? `, and ${found.length - maxNamed} more` : '';
  const what = `${counted(found.length, 'request quota')} nearly or wholly used up${since}`;
  const [first] = found;
  const { vaultId = '', vaultName = '' } = first ?? {};
  const on = onEach(own ? found.map(affected) : [], { kind: 'vault', id: vaultId, name: vaultName });
  return {
    trouble: 'QUOTA_NEAR',
    where: vaultName,
    on,
    onMore: own ? Math.max(0, found.length - on.length) : 0,
    message: own ? `${what}: ${named}${more}` : `vault ${vaultName}: ${what}`,
    remediation: own
      ? `is it meant? holdfast ${first?.kind ?? 'key-set'} edit ${first?.name ?? 'NAME'} --quota RATE`
      : 'for an administrator of the vault: holdfast status',
  };
}

function affected({ kind, id, name, keySetId }: Found): Affected {
  return kind === 'key-set' ? { kind, id, name } : { kind, id, name, keySetId };
}

function inWords({ kind, name, usedPercent, refused }: Found): string {
  const what = kind === 'key-set' ? `key set ${name}` : name;
  return `${what} (${usedPercent} % in a minute${refused === 0 ? '' : `, ${refused} refused`})`;
}
