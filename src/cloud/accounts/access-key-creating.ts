import { AwsError } from '../aws/aws-error.ts';
import type { AwsAccount } from '../aws/clients.ts';
import {
  createAccessKey,
  deactivateAccessKey,
  deleteAccessKey,
  type ListedAccessKey,
} from '../aws/iam-access-keys.ts';
import { isGone, isSettling, lastsAfterSeen, orGone, removed } from '../aws/presence.ts';
import type { Failure, Plan, Recorded, Step, Turn } from '../controller/resource.ts';
import { longestPause } from '../controller/retry.ts';
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
 * An access key that an answer was lost of; or that somebody has made by hand in the same minutes. IAM tells hours late that one
 * was used ("last accessed information": within four hours, IAM User Guide): until then nothing is done with it. Then it may
 * still be one that is first used tomorrow. So it is made inactive, which can be undone, and deleted once nobody has.
 */
export class LostKeyError extends VaultError {
  readonly until: Date;

  constructor(accessKeyId: string, { until, inactiveSince }: { until: Date; inactiveSince?: string }) {
    const lost = `the answer was lost with which IAM made an access key, most likely ${accessKeyId}: nobody has its secret, and there is no room for another`;
    super(
      'conflict',
      inactiveSince === undefined ? lost : `${lost}; Holdfast made it inactive in IAM at ${inactiveSince}`,
      inactiveSince === undefined
        ? `nothing: it is made inactive after ${until.toISOString()}, unless IAM says by then that somebody uses it, and deleted days later; or delete it in IAM now, if nobody created it manually, then rotate again`
        : `nothing: it is deleted after ${until.toISOString()}; whoever created it manually and needs it activates it in IAM before that; if nobody did, delete it in IAM now, then rotate again`,
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

/** What an earlier CreateAccessKey has made whose answer was lost goes first: its secret is nowhere. Throws VaultError. */
export function stepOfCreating(
  turn: Turn,
  row: RotatedAccount,
  { aws, userName, others }: SeenWhileCreating,
  { now, usedToldAfter, inactiveFor }: { now: Date; usedToldAfter: number; inactiveFor: number },
): AccessKeyStep {
  const known = knownOf(row);
  const foreign = others.find((key) => !key.isOurs || isActivated(key, known, now));
  if (foreign !== undefined) throw foreignKey(foreign.id);
  const [lost] = others;
  if (lost === undefined) return createStep(turn, row, { aws, userName });
  const { id, createdAt: madeAt = now } = lost;
  const sureAt = after(madeAt, usedToldAfter);
  if (now < sureAt) throw new LostKeyError(id, { until: sureAt });
  const { deactivated, undeactivated } = known;
  if (deactivated?.id === id) {
    const until = after(new Date(deactivated.at), inactiveFor);
    if (now < until) throw new LostKeyError(id, { until, inactiveSince: deactivated.at });
  } else {
    // Where that is not allowed it is tried again and again; and deleted when nobody has used it for so long all the same.
    const isOver = undeactivated?.id === id && now >= after(new Date(undeactivated.at), inactiveFor);
    if (!isOver) return deactivateStep(turn, row, { aws, userName, id, madeAt });
  }
  return {
    ...{ operation: 'DeleteAccessKey', changes: true },
    call: async () => {
      const sighting = { madeAt, seenAt: null };
      await removed(async () => deleteAccessKey(aws, userName, id), sighting, turn.context.now());
      return (record) => ({
        entries: [{ ...accountEntry('delete-lost-access-key', record), before: { accessKeyId: id } }],
        again: true,
      });
    },
  };
}

/** Somebody has activated again what was made inactive here: it is theirs. IAM may show it as it was for a while. */
function isActivated({ id, active }: ListedAccessKey, { deactivated }: Known, now: Date): boolean {
  return active && deactivated?.id === id && !isSettling(new Date(deactivated.at), now);
}

function after(at: Date, span: number): Date {
  return new Date(at.getTime() + span);
}

/** Repeated until it is on record that AWS has done it: an active one is taken for somebody's only after that. */
function deactivateStep(
  { context }: Turn,
  row: RotatedAccount,
  { aws, userName, id, madeAt }: { aws: AwsAccount; userName: string; id: string; madeAt: Date },
): AccessKeyStep {
  return {
    ...{ operation: 'UpdateAccessKey', changes: true },
    call: async () => {
      const deactivate = async () => deactivateAccessKey(aws, userName, id);
      const found = await orGone(deactivate, { madeAt, seenAt: null }, lastsAfterSeen.any, context.now());
      // Somebody has deleted it.
      if (isGone(found)) return () => ({ again: true });
      const known: Known = { ...knownOf(row), deactivated: { id, at: context.now().toISOString() } };
      return (now) =>
        isAsRead(now, row)
          ? {
              change: { access_key_rotation_known: JSON.stringify(known) },
              entries: [{ ...accountEntry('deactivate-lost-access-key', now), before: { accessKeyId: id } }],
              again: true,
            }
          : undefined;
    },
    failed: (failure) => (now) => {
      const recorded = rotationFailed(failure)(now);
      const known = knownOf(now);
      if (!isDenied(failure.error) || known.undeactivated?.id === id || !isAsRead(now, row)) return recorded;
      const told: Known = { ...known, undeactivated: { id, at: failure.now.toISOString() } };
      return { ...recorded, change: { access_key_rotation_known: JSON.stringify(told) } };
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
  let wasRefused = false;
  return {
    ...{ operation: 'CreateAccessKey', changes: true },
    // If nothing else is written, this tells that there may be an access key that nobody has.
    before: (now) =>
      isAsRead(now, row) ? { change: { access_key_rotation_known: JSON.stringify(told) } } : undefined,
    call: async () => {
      const made = await createAccessKey(aws, userName).catch(async (error: unknown) => {
        if (!isLimit(error)) throw error;
        wasRefused = isRefusal(error);
        // The SDK's own repetition of what had been done already: what was made is found in IAM at the second look.
        // Where it was sent once, it is somebody else's, and is not taken for what this has made.
        if ((await othersIn(aws, userName, known)).length > 0) return undefined;
        // The second access key is what an earlier sending has made whose answer was lost, of this request or of one in an
        // earlier try: IAM does not list it yet.
        const isResent = !error.certain;
        throw isResent || isSettling(known.to === null ? null : new Date(known.to), context.now())
          ? asSettling(error)
          : error;
      });
      if (made === undefined)
        return (now) => ({
          ...(wasRefused && isAsRead(now, row)
            ? { change: { access_key_rotation_known: JSON.stringify(known) } }
            : {}),
          again: true,
        });
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
      if (!(wasRefused || isRefusal(failure.error)) || !isAsRead(now, row)) return recorded;
      return { ...recorded, change: { access_key_rotation_known: JSON.stringify(known) } };
    },
  };
}

function sooner(one: Date, other: Date): Date {
  return one < other ? one : other;
}

/** What goes with each failure of a rotation. */
export function rotationFailed({ error, isNew, problem, now: at }: Failure) {
  return (now: RotatedAccount): Recorded<'csp_accounts'> => ({
    // What is waited for for days is looked at in between: somebody may have put it right in IAM.
    ...(error instanceof LostKeyError
      ? {
          change: {
            access_key_rotation_retry_at: sooner(error.until, after(at, longestPause)).toISOString(),
          },
        }
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

function isDenied(error: unknown): boolean {
  return error instanceof AwsError && error.fault === 'denied' && error.certain;
}

function isLimit(error: unknown): error is AwsError {
  return error instanceof AwsError && error.fault === 'limit';
}

/** What there is no room beside will show. */
function asSettling(error: AwsError): AwsError {
  const { code, operation, message, remediation, requestId } = error;
  return new AwsError('settling', code, operation, { message, remediation, requestId });
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
