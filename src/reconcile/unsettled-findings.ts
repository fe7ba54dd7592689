import type { House } from '../vault/context.ts';
import type { TokenComparison } from './reconciliation-report.ts';

/** What reconcile tells and nothing else does; keys that do not open their proof show by themselves. */
export const unsettledKinds = ['missing', 'duplicate', 'seal-broken', 'drift', 'orphan'] as const;
export type UnsettledKind = (typeof unsettledKinds)[number];

/** Of one token, at the last reconciliation of the whole appliance. */
export interface Unsettled {
  token: string;
  reportId: string;
  /** ISO 8601. */
  at: string;
  /** Only those of which there are any. */
  counts: ReadonlyMap<UnsettledKind, number>;
}

/** What the last reconciliation has found and nobody has seen to. */
export async function findUnsettled({ store }: Pick<House, 'store'>): Promise<Unsettled[]> {
  const last = await store.db
    .selectFrom('reconciliations')
    .select(['id', 'ended_at', 'report'])
    .where('vault_id', '=', '')
    .orderBy('began_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (last === undefined) return [];
  const tokens = JSON.parse(last.report) as TokenComparison[];
  return tokens
    .map((comparison) => ({
      token: comparison.token,
      reportId: last.id,
      at: last.ended_at,
      counts: new Map(
        unsettledKinds.map((kind) => [kind, unsettled(comparison, kind)] as const).filter(([, n]) => n > 0),
      ),
    }))
    .filter(({ counts }) => counts.size > 0);
}

/** Those that were finished or undone are no more; of what is not listed nobody can tell. */
function unsettled({ counts, findings }: TokenComparison, kind: UnsettledKind): number {
  const settled = findings.filter(
    ({ kind: of, outcome }) => of === kind && outcome !== 'none' && outcome !== 'failed',
  );
  return counts[kind] - settled.length;
}
