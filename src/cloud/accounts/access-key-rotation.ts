import { AwsError } from '../aws/aws-error.ts';
import { aftermathOf, type Act } from '../../evidence/trail.ts';
import { TokenError } from '../../token/faults.ts';
import { tokenWords } from '../../token/remediations.ts';
import { isSettling } from '../aws/presence.ts';
import { knownOf, readAccount, takeStep, type RotationProblem } from './access-key-rotation-records.ts';
import { create, knownKeys } from './access-key-making.ts';
import {
  LostKeyError,
  noProblem,
  NotYetError,
  openCurrent,
  userAccount,
  userOf,
  type Rotation,
} from './access-key-rotation-context.ts';
import { deleteOld, verifyAndSwitch } from './access-key-switching.ts';
import type { AwsContext } from './context.ts';
import { AwsLanes } from '../controller/lanes.ts';
import { nextTry } from '../controller/retry.ts';
import { findAccount, type CspAccountRecord } from './records.ts';
import { checkRowVersion, type Target } from '../../vault/context.ts';
import { holdLease, releaseLease } from '../../fleet/leases.ts';
import { systemAct } from '../../vault/system-act.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** So long a process has a rotation for itself, milliseconds: all requests of one run with all their retries. */
const hold = 10 * 60_000;
/** No next try is set for later than this, milliseconds: a time beyond was written by a clock in the future. */
const maxPause = 12 * 60 * 60_000;
const usualPauses = [1000, 2000, 3000, 4000, 5000];

/** Rotations that this process is at. */
const underWay = new Set<string>();

/** IAM tells within four hours that an access key was used, milliseconds. */
const usuallyUsedToldAfter = 5 * 60 * 60_000;

export interface RotationOptions {
  pauses?: readonly number[];
  usedToldAfter?: number;
  lanes?: AwsLanes;
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
  { pauses = usualPauses, usedToldAfter = usuallyUsedToldAfter }: RotationOptions = {},
): Promise<CspAccountRecord> {
  const account = await findAccount(context.store.db, vaultId, sight, id);
  checkRowVersion(account, expected);
  const done = await alone(context, id, async () => {
    const rotation = { context, act, pauses, usedToldAfter };
    const begun = account.access_key_rotation === null ? await begin(rotation, account) : account;
    // Whoever may not have it begun may not have it gone on with either.
    if (begun === account) await context.store.write(act, async () => undefined);
    // Half done it must not stay: from here on it is gone on with, as by the schedule.
    return (await goOn({ ...rotation, act: aftermathOf(act) }, begun)).account;
  });
  if (done === undefined)
    throw new VaultError(
      'conflict',
      'its access key is being rotated just now',
      'wait a minute, then look at it',
    );
  return done;
}

export interface AccessKeyRotations {
  rotated: number;
  /** What failed, and is tried again. */
  failed: { cspAccountId: string; problem: RotationProblem }[];
}

/** Rotates the access keys whose schedule says so, and goes on with what was cut off or failed. */
export async function rotateDueAccessKeys(
  context: AwsContext,
  mayGoOn: () => Promise<boolean>,
  {
    pauses = usualPauses,
    usedToldAfter = usuallyUsedToldAfter,
    lanes = new AwsLanes(),
  }: RotationOptions = {},
): Promise<AccessKeyRotations> {
  const run: AccessKeyRotations = { rotated: 0, failed: [] };
  // Side by side: each account is a lane of its own, and what failed goes behind what waits.
  const rotate = async (id: string): Promise<{ fault: string | undefined }> => {
    const ended = await alone(context, id, async () => {
      try {
        const act = systemAct(context, 'schedule');
        return await rotateDue({ context, act, pauses, usedToldAfter }, id);
      } catch (error) {
        // A mistake of ours with one account holds up no other. Deleted meanwhile it is no failure.
        if (!(error instanceof VaultError)) run.failed.push({ cspAccountId: id, problem: mistake(error) });
        return undefined;
      }
    });
    if (ended?.problem === undefined) run.rotated += ended?.account.access_key_rotation === null ? 1 : 0;
    else if (ended.problem.waiting !== true) run.failed.push({ cspAccountId: id, problem: ended.problem });
    return { fault: ended?.fault };
  };
  const due = await dueAccounts(context);
  await lanes.run(
    due.map((id) => ({ id, lane: id, run: async () => rotate(id) })),
    { what: 'access keys', mayGoOn },
  );
  return run;
}

function mistake(error: unknown): RotationProblem {
  return {
    code: 'internal',
    message: (error as Error).message,
    remediation: 'nothing: it is tried again by itself',
  };
}

async function rotateDue(rotation: Rotation, id: string): Promise<Ended> {
  const account = await readAccount(rotation.context.store.db, id);
  if (account.access_key_rotation !== null) return goOn(rotation, account);
  try {
    return await goOn(rotation, await begin(rotation, account));
  } catch (error) {
    return stop(rotation, account, error);
  }
}

async function dueAccounts({ store, now }: AwsContext): Promise<string[]> {
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
  return due.map(({ id }) => id);
}

/** Runs it unless this or another process is at the same rotation; then answers undefined. */
async function alone<T>(context: AwsContext, id: string, run: () => Promise<T>): Promise<T | undefined> {
  const name = `access key of ${id}`;
  if (underWay.has(name)) return undefined;
  underWay.add(name);
  try {
    if (!(await holdLease(context, name, hold))) return undefined;
    try {
      return await run();
    } finally {
      await releaseLease(context, name);
    }
  } finally {
    underWay.delete(name);
  }
}

/** Looks at what is in IAM, and writes down that a rotation is under way. */
async function begin({ context, act }: Rotation, account: CspAccountRecord): Promise<CspAccountRecord> {
  if (account.access_key_id === null)
    throw new VaultError('conflict', 'the CSP account has no access key', 'only access keys are rotated');
  await checkNotShared(context, account);
  const aws = userAccount(context, account, await openCurrent(context, account));
  const known = await knownKeys(aws, await userOf(aws), account.access_key_id);
  return takeStep(
    context,
    act,
    account,
    {
      access_key_rotation: 'CREATING',
      access_key_rotation_known: JSON.stringify(known),
      ...noProblem,
    },
    { event: { verb: 'begin-access-key-rotation', before: { accessKeyId: account.access_key_id } } },
  );
}

/** Deleted in IAM it would be gone for the other account too. Whose that is, is nobody's business here. */
async function checkNotShared({ store }: AwsContext, { id, access_key_id }: CspAccountRecord): Promise<void> {
  const other = await store.db
    .selectFrom('csp_access_keys')
    .select('csp_account_id')
    .where('access_key_id', '=', access_key_id)
    .where('csp_account_id', '<>', id)
    .executeTakeFirst();
  if (other !== undefined)
    throw new VaultError(
      'conflict',
      'another CSP account signs in with the same access key',
      'give each CSP account an IAM user of its own, then rotate',
    );
}

interface Ended {
  account: CspAccountRecord;
  /** Undefined where the rotation is done. */
  problem?: RotationProblem;
  /** With it: what kind of failure it is. */
  fault?: string;
}

/** Step by step until it is done, or one fails. */
async function goOn(rotation: Rotation, begun: CspAccountRecord): Promise<Ended> {
  let account = begun;
  let looksAgain = false;
  // More than there are steps: a new access key that is gone is made once more, not for ever.
  for (let step = 0; step < 6; step++) {
    try {
      switch (account.access_key_rotation) {
        case null:
          return { account };
        case 'CREATING':
          account = await create(rotation, account);
          break;
        case 'VERIFYING':
          account = await verifyAndSwitch(rotation, account);
          break;
        case 'SWITCHED':
          account = await deleteOld(rotation, account);
          break;
      }
    } catch (error) {
      // The SDK's own repetition of what had been done already: what was made is found in IAM at the second look.
      if (!(isLimit(error) && account.access_key_rotation === 'CREATING' && !looksAgain))
        return stop(rotation, account, error);
      looksAgain = true;
      account = await readAccount(rotation.context.store.db, account.id);
    }
  }
  return { account };
}

function isLimit(error: unknown): boolean {
  return error instanceof AwsError && error.fault === 'limit';
}

/** Writes down why it stopped and when it goes on. */
async function stop({ context, act }: Rotation, { id }: CspAccountRecord, error: unknown): Promise<Ended> {
  const problem = problemOf(error);
  if (problem === undefined) throw error;
  const account = await readAccount(context.store.db, id);
  // Somebody has changed the account meanwhile: what to do next is told by the record as it is now.
  if (error instanceof VaultError && error.problem === 'precondition') return { account };
  const known = account.access_key_rotation_problem;
  const isNew = known === null || (JSON.parse(known) as RotationProblem).code !== problem.code;
  // Of the same kind, or the looks at what AWS does not know yet would count as failures of another.
  const isSame = problem.waiting === true ? known === null : !isNew;
  const failures = isSame ? account.access_key_rotation_failures + 1 : 1;
  const fault = faultOf(error, account, context.now());
  const retryAt = error instanceof LostKeyError ? error.until : nextTry(fault, failures, context.now());
  const stopped = await takeStep(
    context,
    act,
    account,
    {
      access_key_rotation_problem: problem.waiting === true ? null : JSON.stringify(problem),
      access_key_rotation_retry_at: retryAt.toISOString(),
      access_key_rotation_failures: failures,
    },
    isNew && problem.waiting !== true
      ? { event: { verb: 'access-key-rotation-failed', after: { problem: problem.code } } }
      : {},
  );
  return { account: stopped, problem, fault };
}

/** What kind of failure it is, for when it is tried again. */
function faultOf(error: unknown, account: CspAccountRecord, now: Date): string {
  if (error instanceof NotYetError) return 'settling';
  if (error instanceof TokenError) return 'token';
  if (!(error instanceof AwsError)) return 'conflict';
  // The second access key is the one that we had made: IAM does not list it yet.
  const { to } = knownOf(account);
  const isOurs = error.fault === 'limit' && to !== null && isSettling(new Date(to), now);
  return isOurs ? 'settling' : error.fault;
}

function problemOf(error: unknown): RotationProblem | undefined {
  if (error instanceof NotYetError)
    return {
      code: 'NOT_YET',
      message: error.message,
      remediation: 'nothing: it goes on by itself',
      waiting: true,
    };
  if (error instanceof AwsError)
    return { code: error.code, message: error.message, remediation: error.remediation };
  if (error instanceof VaultError)
    return {
      code: error.problem,
      message: error.message,
      remediation: error.remediation ?? 'look at it in IAM',
    };
  if (error instanceof TokenError) {
    const { problem, remediation } = tokenWords(error);
    return { code: error.fault, message: problem, remediation };
  }
  return undefined;
}
