import { aftermathOf, type Act } from '../../evidence/trail.ts';
import { checkRowVersion, type Target } from '../../vault/context.ts';
import { logMistake } from '../../vault/mistakes.ts';
import { systemAct } from '../../vault/system-act.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { reading, type AwsContext, type LoggedAwsContext } from '../controller/context.ts';
import { advance, advanceIn, record, type Stopped } from '../controller/controller.ts';
import { toProblem, type ProblemWords } from '../controller/problem.ts';
import { longestPause } from '../controller/retry.ts';
import type { Due, ScheduledWork } from '../controller/scheduled.ts';
import { inTurn } from '../controller/turn.ts';
import type { AccessKeyPlan } from './access-key-creating.ts';
import { accessKeys, beginning, type LostKeyTimes } from './access-key-resource.ts';
import { readRotated } from './access-key-sign-in.ts';
import { findAccount, type CspAccountRecord } from './records.ts';

/** No next try is set for later than this, milliseconds: a time beyond was written by a clock in the future. */
const maxPause = 2 * longestPause;
/** Milliseconds between tries of a new access key, which IAM needs some seconds to make known. */
const usualPauses = [1000, 2000, 3000, 4000, 5000];

export interface RotationOptions extends LostKeyTimes {
  pauses?: readonly number[];
}

/**
 * Rotates the access key of a CSP account: a second one is made in IAM, tried, and put in the place of the first, which
 * is then deleted there. Goes on with a rotation that was cut off. What cannot be begun is refused: VaultError
 * `conflict`, AwsError. What fails later, or has to wait for IAM, stands in the record and goes on by schedule.
 */
export async function rotateAccessKey(
  context: AwsContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
  { pauses = usualPauses, ...options }: RotationOptions = {},
): Promise<CspAccountRecord> {
  const account = await findAccount(context.store.db, vaultId, sight, id);
  checkRowVersion(account, expected);
  const resource = accessKeys(options);
  const { row, stopped } = await inTurn(context, resource, id, async (ownership) => {
    if (account.access_key_rotation === null) {
      const read = await readRotated(context.store.db, id);
      const begun =
        read === undefined || read.row_version !== account.row_version
          ? undefined
          : await record(
              ownership,
              resource,
              id,
              act,
              asSeen(await beginning(reading(context), read), expected),
            );
      if (begun === undefined) throw changedMeanwhile();
    }
    // Whoever may not have it begun may not have it gone on with either.
    else
      await context.store.write(act, async (trx) =>
        checkRowVersion(await findAccount(trx, vaultId, sight, id), expected),
      );
    // Half done it must not stay: from here on it is gone on with, as by the schedule, whatever version it is.
    return advanceIn(ownership, resource, id, { act: aftermathOf(act), by: 'operator', pauses });
  });
  // What is on record is told by the record; what is not, or is a mistake of ours, by an error.
  if (stopped?.error !== undefined && (stopped.problem === null || stopped.fault === 'internal'))
    throw stopped.error;
  if (row === undefined) throw new VaultError('not-found', 'there is no such CSP account');
  return row;
}

/** The plan of an act whose caller has seen this version: AWS was asked meanwhile, and somebody may have changed it. */
function asSeen(plan: AccessKeyPlan, expected: Target['expected']): AccessKeyPlan {
  return (now) => {
    checkRowVersion(now, expected);
    return plan(now);
  };
}

function changedMeanwhile(): VaultError {
  return new VaultError(
    'precondition',
    'the CSP account was changed while its access key was rotated',
    'look at it again; the rotation continues automatically',
  );
}

/** Rotates the access keys whose schedule says so, and goes on with what was cut off or failed. */
export function accessKeyRotations({ pauses = usualPauses, ...times }: RotationOptions = {}): ScheduledWork {
  const resource = accessKeys(times);
  return {
    name: 'access keys',
    turns: resource.kind,
    due: dueAccounts,
    async attempt(context, id) {
      const act = systemAct(context, 'schedule');
      const outcome = await advance(context, resource, id, { act, by: 'watch', pauses });
      const { row, stopped } = outcome ?? { row: undefined };
      if (stopped?.error !== undefined) tell(context, id, stopped, resource.words);
      return { fault: stopped?.fault, isDone: stopped === undefined && row?.access_key_rotation === null };
    },
  };
}

function tell(
  { log, now }: LoggedAwsContext,
  cspAccount: string,
  { error, fault, problem }: Stopped,
  words: ProblemWords,
): void {
  if (fault === 'internal')
    logMistake(log, { cspAccount }, error, 'a mistake with an access key; it is tried again');
  const { message } = problem ?? toProblem(error, '', now(), words);
  log?.error({ cspAccount, problem: message }, 'an access key could not be rotated; it is retried');
}

async function dueAccounts({ store, now }: AwsContext): Promise<Due[]> {
  const at = now().toISOString();
  const due = await store.db
    .selectFrom('csp_accounts')
    .innerJoin('vaults', 'vaults.id', 'csp_accounts.vault_id')
    .select('csp_accounts.id')
    .where('vaults.deleted_at', 'is', null)
    .where((eb) =>
      eb.or([eb('access_key_rotation', 'is not', null), eb('next_access_key_rotation_at', '<=', at)]),
    )
    .where((eb) =>
      eb.or([
        eb('access_key_rotation_retry_at', 'is', null),
        eb('access_key_rotation_retry_at', '<=', at),
        // A clock that stood in the future must not have put it off for ever.
        eb('access_key_rotation_retry_at', '>', new Date(now().getTime() + maxPause).toISOString()),
      ]),
    )
    .orderBy('access_key_rotation_failures')
    .orderBy('next_access_key_rotation_at')
    .limit(1000)
    .execute();
  // Each account is a lane of its own, and what failed goes behind what waits.
  return due.map(({ id }) => ({ id, lane: id }));
}
