import type { Transaction } from 'kysely';
import { record, type Act } from '../../evidence/trail.ts';
import { leaveUnrecorded } from '../../store/act-transaction.ts';
import type { Tables } from '../../store/schema.ts';
import type { AwsContext } from './context.ts';
import type { AwsProblem } from './check.ts';
import { accountEntry, accountRecords, type CspAccountRecord } from './records.ts';
import { bumpRecord } from '../../vault/edit-record.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** What was in IAM before the rotation, and when it had a new access key made: what came besides is told by it. */
export interface Known {
  /** Access key ids. */
  ids: string[];
  /** First and last time that CreateAccessKey was sent, ISO 8601; null before. */
  from: string | null;
  to: string | null;
}

/** A rotation stopped; it goes on at `retryAt`, unless somebody has to do something first. */
export interface RotationProblem extends AwsProblem {
  /** Of a pause that is not a failure: IAM needs time. */
  waiting?: boolean;
}

type Change = Partial<
  Pick<
    CspAccountRecord,
    | 'access_key_rotation'
    | 'access_key_rotation_known'
    | 'access_key_rotation_problem'
    | 'access_key_rotation_retry_at'
    | 'access_key_rotation_failures'
    | 'next_access_key_rotation_at'
  >
>;

export function knownOf({ access_key_rotation_known: text }: CspAccountRecord): Known {
  return text === null ? { ids: [], from: null, to: null } : (JSON.parse(text) as Known);
}

export async function readAccount(
  db: Parameters<typeof accountRecords>[0],
  id: string,
): Promise<CspAccountRecord> {
  const account = await accountRecords(db).where('csp_accounts.id', '=', id).executeTakeFirst();
  if (account === undefined) throw new VaultError('not-found', 'there is no such CSP account');
  return account;
}

/**
 * One step of a rotation, in one transaction: the change, what else belongs to it, the audit event. Only from where the
 * step was begun: an operator may have changed the account while AWS was asked. Throws VaultError `precondition`.
 */
export async function takeStep(
  context: AwsContext,
  act: Act,
  before: CspAccountRecord,
  change: Change,
  more: {
    also?: (trx: Transaction<Tables>) => Promise<void>;
    event?: { verb: string; before?: Record<string, unknown>; after?: Record<string, unknown> };
  } = {},
): Promise<CspAccountRecord> {
  return context.store.write(act, async (trx) => {
    leaveUnrecorded(trx, 'work in AWS');
    const now = await accountRecords(trx).where('csp_accounts.id', '=', before.id).executeTakeFirst();
    if (now?.row_version !== before.row_version || now.access_key_rotation !== before.access_key_rotation)
      throw new VaultError(
        'precondition',
        'the CSP account was changed while its access key was rotated',
        'look at it again; the rotation goes on by itself',
      );
    await bumpRecord(trx, 'csp_accounts', now, change);
    await more.also?.(trx);
    if (more.event !== undefined) {
      const { verb, ...rest } = more.event;
      await record(trx, act, { ...accountEntry(verb, before), ...rest });
    }
    return readAccount(trx, before.id);
  });
}
