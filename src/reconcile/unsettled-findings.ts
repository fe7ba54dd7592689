import { createHash } from 'node:crypto';
import type { VaultContext } from '../vault/context.ts';
import { stillOpen } from './open-findings.ts';
import type { Finding, TokenComparison } from './reconciliation-report.ts';

/**
 * What reconcile tells and nothing else does. Of `interrupted` only what could not be ended; of `unfit` only what the version
 * itself does not show: while another member of an HSM group has the right key, requests succeed and nothing notes it.
 */
export const unsettledKinds = [
  'missing',
  'in-replaced-token',
  'duplicate',
  'unfit',
  'seal-broken',
  'drift',
  'interrupted',
  'orphan',
] as const;
export type UnsettledKind = (typeof unsettledKinds)[number];

/** What was found in a token when it was compared. */
export interface LastComparison {
  reportId: string;
  /** ISO 8601. */
  at: string;
  /** Only those of which there are any. */
  counts: ReadonlyMap<UnsettledKind, number>;
  /** Of those that somebody has to see to each by what it is; undefined where there are more than the report lists. */
  things: readonly string[] | undefined;
}

/** A token of the newest reconciliation of the whole appliance. */
export interface Unsettled {
  token: string;
  /** Undefined where no report that is kept has compared it. */
  compared: LastComparison | undefined;
  /** Where the newest reconciliation could not compare it: what was found before may not be all there is. */
  notCompared: { reportId: string; problem: string } | undefined;
}

/**
 * What reconciliation has found and nobody has seen to, or could not look for. Of each token that the newest report names
 * the newest report that compared it speaks: one that could not look at it does not say that all is well.
 */
export async function findUnsettled({ store: { db } }: Pick<VaultContext, 'store'>): Promise<Unsettled[]> {
  // As many as housekeeping keeps. Of most the first is read alone.
  const reports = await db
    .selectFrom('reconciliations')
    .select(['id', 'ended_at'])
    .where('vault_id', '=', '')
    .orderBy('began_at', 'desc')
    .orderBy('id', 'desc')
    .execute();
  const unsettled = new Map<string, Unsettled>();
  for (const [age, { id, ended_at }] of reports.entries()) {
    for (const comparison of await tokensOf(db, id)) {
      const { token } = comparison;
      if (age === 0)
        unsettled.set(token, {
          ...{ token, compared: undefined },
          notCompared: comparison.compared
            ? undefined
            : { reportId: id, problem: comparison.problem ?? 'the comparison did not finish' },
        });
      const told = unsettled.get(token);
      if (told === undefined || told.compared !== undefined || !comparison.compared) continue;
      told.compared = { reportId: id, at: ended_at, ...(await leftOf(db, comparison)) };
    }
    if ([...unsettled.values()].every(({ compared }) => compared !== undefined)) break;
  }
  return [...unsettled.values()].filter(
    ({ compared, notCompared }) => notCompared !== undefined || (compared?.counts.size ?? 0) > 0,
  );
}

async function tokensOf(db: VaultContext['store']['db'], id: string): Promise<TokenComparison[]> {
  const row = await db.selectFrom('reconciliations').select('report').where('id', '=', id).executeTakeFirst();
  // Cleared meanwhile, as the oldest are.
  return row === undefined ? [] : (JSON.parse(row.report) as TokenComparison[]);
}

/** Those that were finished or undone are no more; of what is not listed nobody can tell, so it counts. */
async function leftOf(
  db: VaultContext['store']['db'],
  { token, counts, findings }: TokenComparison,
): Promise<Pick<LastComparison, 'counts' | 'things'>> {
  const open = await stillOpen(db, findings);
  // What was ended is listed last: beyond the list there is nothing of it that somebody has to look at.
  const beyond = (of: UnsettledKind) =>
    of === 'interrupted' ? 0 : counts[of] - findings.filter(({ kind }) => kind === of).length;
  const left = unsettledKinds.map(
    (of) => [of, open.filter(({ kind }) => kind === of).length + beyond(of)] as const,
  );
  const isSomebodys = (kind: string) =>
    kind !== 'orphan' && (unsettledKinds as readonly string[]).includes(kind);
  const areListed = unsettledKinds.every((kind) => !isSomebodys(kind) || beyond(kind) === 0);
  return {
    counts: new Map(left.filter(([, n]) => n > 0)),
    things: areListed
      ? open.filter(({ kind }) => isSomebodys(kind)).map((finding) => thingOf(token, finding))
      : undefined,
  };
}

/** Whatever reconcile says of it: a key object that differs in more than before is another matter. */
function thingOf(token: string, finding: Finding): string {
  const { kind, cloudKeyId, version, objectId, label, detail } = finding;
  const said = JSON.stringify([token, kind, cloudKeyId, version, objectId, label, detail]);
  return createHash('sha256').update(said).digest('base64url');
}
