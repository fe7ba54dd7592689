import type { VaultContext } from '../vault/context.ts';
import { stillOpen } from './open-findings.ts';
import type { Finding, TokenComparison } from './reconciliation-report.ts';

/** What the last comparison says of keys that not every member of an HSM group has. */
export interface NotEverywhere {
  reportId: string;
  /** ISO 8601. */
  at: string;
  /** Why it could not be compared to the end: then there may be more; null where it was. */
  problem: string | null;
  /** Of versions that are still used: which member has no key object of it, several, or another in its place. */
  findings: Finding[];
}

/**
 * Which key versions not every member of these HSM groups has, by the newest reconciliation of the whole appliance; nothing of a token
 * that it did not look at.
 */
export async function findNotEverywhere(
  { store: { db } }: Pick<VaultContext, 'store'>,
  tokens: readonly string[],
): Promise<ReadonlyMap<string, NotEverywhere>> {
  const found = new Map<string, NotEverywhere>();
  if (tokens.length === 0) return found;
  const newest = await db
    .selectFrom('reconciliations')
    .select(['id', 'ended_at', 'report'])
    .where('vault_id', '=', '')
    .orderBy('began_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (newest === undefined) return found;
  for (const { token, compared, problem, findings } of JSON.parse(newest.report) as TokenComparison[]) {
    if (!tokens.includes(token)) continue;
    // A report of before tells no member.
    const ofMembers = findings.filter(({ member }) => typeof member === 'string');
    found.set(token, {
      ...{ reportId: newest.id, at: newest.ended_at },
      problem: compared ? null : (problem ?? 'the comparison did not finish'),
      findings: await stillOpen(db, ofMembers),
    });
  }
  return found;
}
