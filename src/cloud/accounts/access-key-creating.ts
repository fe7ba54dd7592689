import { AwsError } from '../aws/aws-error.ts';
import type { AwsAccount } from '../aws/clients.ts';
import { createAccessKey, deleteAccessKey, type ListedAccessKey } from '../aws/iam-access-keys.ts';
import { removed } from '../aws/presence.ts';
import type { Failure, Moment, Plan, Recorded, Step, Turn } from '../controller/resource.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { foreignKey, isOurs, knownOf, othersIn, type Known } from './access-key-known.ts';
import { currentUser, userOf, type RotatedAccount } from './access-key-sign-in.ts';
import { sealKey } from './access-keys.ts';
import { leftInIam } from './left-in-iam.ts';
import { accountEntry } from './records.ts';

/* CREATING: exactly one new access key, whatever was cut off before. */

export type AccessKeyPlan = Plan<'csp_accounts', RotatedAccount>;
export type AccessKeyStep = Step<'csp_accounts', RotatedAccount>;

/** What is in IAM besides what was there before the rotation. */
export interface SeenWhileCreating {
  step: 'CREATING';
  aws: AwsAccount;
  userName: string;
  others: readonly (ListedAccessKey & { isOurs: boolean })[];
}

/**
 * An access key that an answer was lost of, or that somebody has made in the same minutes and uses: IAM tells hours late
 * that one was used ("last accessed information": within four hours, IAM User Guide). Until then it is not deleted.
 */
export class LostKeyError extends VaultError {
  readonly until: Date;

  constructor(accessKeyId: string, until: Date) {
    super(
      'conflict',
      `the answer was lost with which IAM made an access key, most likely ${accessKeyId}: nobody has its secret, and there is no room for another`,
      `nothing: it is deleted after ${until.toISOString()}, unless IAM says by then that somebody uses it; or delete it in IAM now, if nobody made it by hand, then rotate again`,
    );
    this.until = until;
  }
}

export async function observeCreating(turn: Turn, row: RotatedAccount): Promise<SeenWhileCreating> {
  const aws = await currentUser(turn.context, row);
  const userName = await userOf(aws);
  const known = knownOf(row);
  const others = await othersIn(aws, userName, known);
  const seen = [];
  for (const key of others) seen.push({ ...key, isOurs: await isOurs(aws, key, known) });
  return { step: 'CREATING', aws, userName, others: seen };
}

/** What an earlier CreateAccessKey has made whose answer was lost goes first: its secret is nowhere. */
export function stepOfCreating(
  turn: Turn,
  row: RotatedAccount,
  { aws, userName, others }: SeenWhileCreating,
  { now, usedToldAfter }: Moment & { usedToldAfter: number },
): AccessKeyStep {
  const foreign = others.find((key) => !key.isOurs);
  if (foreign !== undefined) throw foreignKey(foreign.id);
  const [lost] = others;
  if (lost === undefined) return createStep(turn, row, { aws, userName });
  const madeAt = lost.createdAt ?? now;
  const sureAt = new Date(madeAt.getTime() + usedToldAfter);
  if (now < sureAt) throw new LostKeyError(lost.id, sureAt);
  return {
    ...{ operation: 'DeleteAccessKey', changes: true },
    call: async () => {
      await removed(
        async () => deleteAccessKey(aws, userName, lost.id),
        { madeAt, seenAt: null },
        turn.context.now(),
      );
      return (now) => ({
        entries: [{ ...accountEntry('delete-lost-access-key', now), before: { accessKeyId: lost.id } }],
        again: true,
      });
    },
  };
}

function createStep(
  { context }: Turn,
  row: RotatedAccount,
  { aws, userName }: Pick<SeenWhileCreating, 'aws' | 'userName'>,
): AccessKeyStep {
  const known = knownOf(row);
  const sent = context.now().toISOString();
  const told: Known = { ...known, from: known.from ?? sent, to: sent };
  return {
    ...{ operation: 'CreateAccessKey', changes: true },
    // If nothing else is written, this tells that there may be an access key that nobody has.
    before: (now) =>
      isAsRead(now, row) ? { change: { access_key_rotation_known: JSON.stringify(told) } } : undefined,
    call: async () => {
      const made = await createAccessKey(aws, userName).catch(async (error: unknown) => {
        // The SDK's own repetition of what had been done already: what was made is found in IAM at the second look.
        if (isLimit(error) && (await othersIn(aws, userName, known)).length > 0) return undefined;
        throw error;
      });
      if (made === undefined) return () => ({ again: true });
      const key = await sealKey(
        context,
        row,
        { accessKeyId: made.id, secret: made.secret },
        { state: 'NEXT', origin: 'rotation', created_at: context.now().toISOString() },
      );
      return (now) =>
        isAsRead(now, row)
          ? {
              change: { access_key_rotation: 'VERIFYING' },
              also: async (trx) => {
                await trx.insertInto('csp_access_keys').values(key).execute();
              },
              again: true,
            }
          : // Somebody has entered another access key meanwhile: nothing here uses this one.
            { change: { access_key_rotation_problem: leftInIam([made.id]) } };
    },
    // What comes into being after a refusal is somebody else's: who may not have it made here makes it by hand.
    failed: (failure) => (now) => {
      const recorded = rotationFailed(failure)(now);
      if (!isRefusal(failure.error) || !isAsRead(now, row)) return recorded;
      return { ...recorded, change: { access_key_rotation_known: JSON.stringify(known) } };
    },
  };
}

/** What goes with each failure of a rotation. */
export function rotationFailed({ error, isNew, problem }: Failure) {
  return (now: RotatedAccount): Recorded<'csp_accounts'> => ({
    ...(error instanceof LostKeyError
      ? { change: { access_key_rotation_retry_at: error.until.toISOString() } }
      : {}),
    entries: isNew
      ? [{ ...accountEntry('access-key-rotation-failed', now), after: { problem: problem.code } }]
      : [],
  });
}

/** The rotation is where it was, of the same access key. */
export function isAsRead(now: RotatedAccount, row: RotatedAccount): boolean {
  return now.access_key_rotation === row.access_key_rotation && now.access_key_id === row.access_key_id;
}

function isLimit(error: unknown): boolean {
  return error instanceof AwsError && error.fault === 'limit';
}

/**
 * Nothing was made. A limit, or a conflict, may come of an earlier sending of the same request that was obeyed; but not
 * where it was sent once: then the second access key is somebody else's, which IAM did not list yet.
 */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof AwsError)) return false;
  const isOver = ['denied', 'credentials', 'invalid', 'not-found'].includes(error.fault);
  return isOver || (error.fault === 'limit' && error.certain);
}
