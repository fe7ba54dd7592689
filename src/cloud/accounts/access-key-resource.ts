import type { ReadingAwsContext } from '../controller/context.ts';
import { readProblem } from '../controller/problem.ts';
import type { Resource } from '../controller/resource.ts';
import { VaultError } from '../../vault/vault-error.ts';
import {
  observeCreating,
  rotationFailed,
  stepOfCreating,
  type AccessKeyPlan,
  type SeenWhileCreating,
} from './access-key-creating.ts';
import { knownKeys } from './access-key-known.ts';
import { currentUser, noAccessKey, readRotated, userOf, type RotatedAccount } from './access-key-sign-in.ts';
import {
  observeVerifying,
  stepOfSwitched,
  stepOfVerifying,
  type SeenWhileVerifying,
} from './access-key-verifying.ts';
import { isShared } from './access-keys.ts';
import { accountEntry } from './records.ts';

/** So long after its making, milliseconds, IAM knows whether an access key has been used: within four hours it tells. */
const usuallyUsedToldAfter = 5 * 60 * 60_000;
/** So long one that nobody has used by then is inactive before it is deleted, milliseconds: what runs once a week has run. */
const usuallyInactiveFor = 8 * 24 * 60 * 60_000;

/** Milliseconds: {@link usuallyUsedToldAfter}, {@link usuallyInactiveFor}. */
export interface LostKeyTimes {
  usedToldAfter?: number;
  inactiveFor?: number;
}

type Seen = SeenWhileCreating | SeenWhileVerifying;

/**
 * The access key of a CSP account, as it is rotated: a second one is made in IAM (CREATING), tried (VERIFYING), and put in
 * the place of the first, which is then deleted there (SWITCHED).
 */
export function accessKeys({
  usedToldAfter = usuallyUsedToldAfter,
  inactiveFor = usuallyInactiveFor,
}: LostKeyTimes = {}): Resource<'csp_accounts', RotatedAccount, Seen> {
  return {
    ...{ kind: 'access-key', table: 'csp_accounts', whenBusy: 'refuse', holds: 'from-the-start' },
    words: {
      remediation: 'look at it in IAM',
      busy: {
        message: 'its access key is being rotated just now',
        remediation: 'wait a minute, then look at it',
      },
    },
    read: readRotated,
    lookOperation: () => '',
    async observe(turn, row) {
      switch (row.access_key_rotation) {
        case 'CREATING':
          return { kind: 'seen', seen: await observeCreating(turn, row) };
        case 'VERIFYING':
          return { kind: 'seen', seen: await observeVerifying(turn, row) };
        case 'SWITCHED':
        case null:
          return { kind: 'unasked' };
      }
    },
    mirror: () => undefined,
    next(turn, row, seen, at) {
      if (row.access_key_rotation === 'SWITCHED') return stepOfSwitched(turn, row);
      if (seen.kind === 'seen')
        return seen.seen.step === 'CREATING'
          ? stepOfCreating(turn, row, seen.seen, { now: at.now, usedToldAfter, inactiveFor })
          : stepOfVerifying(row, seen.seen, at.now);
      const due = row.next_access_key_rotation_at;
      if (row.access_key_rotation !== null || due === null || new Date(due) > at.now) return undefined;
      return { operation: '', changes: false, call: async () => beginning(turn.context, row) };
    },
    pauseOf: (row) => ({
      problem: readProblem(row.access_key_rotation_problem),
      attempts: row.access_key_rotation_failures,
      until: row.access_key_rotation_retry_at,
    }),
    paused: (_, { problem, attempts, until }) => ({
      access_key_rotation_problem: problem === null ? null : JSON.stringify(problem),
      access_key_rotation_failures: attempts,
      access_key_rotation_retry_at: until,
    }),
    failed: rotationFailed,
    isSame: (before, problem) => before?.code === problem.code,
  };
}

/** Looks at what is in IAM; a rotation is under way with that. Throws VaultError `conflict`, AwsError, TokenError. */
export async function beginning(context: ReadingAwsContext, row: RotatedAccount): Promise<AccessKeyPlan> {
  if (row.access_key_id === null) throw noAccessKey('only access keys are rotated');
  await checkNotShared(context, { id: row.id, access_key_id: row.access_key_id });
  const aws = await currentUser(context, row);
  const known = await knownKeys(aws, await userOf(aws), row.access_key_id);
  return (now) =>
    now.access_key_rotation === null && now.access_key_id === row.access_key_id
      ? {
          change: {
            access_key_rotation: 'CREATING',
            access_key_rotation_known: JSON.stringify(known),
            access_key_rotation_problem: null,
            access_key_rotation_retry_at: null,
            access_key_rotation_failures: 0,
          },
          entries: [
            {
              ...accountEntry('begin-access-key-rotation', now),
              before: { accessKeyId: row.access_key_id },
            },
          ],
          again: true,
        }
      : undefined;
}

/** Deleted in IAM it would be gone for the other account too. Whose that is, is nobody's business here. */
async function checkNotShared(
  { store }: ReadingAwsContext,
  { id, access_key_id }: { id: string; access_key_id: string },
): Promise<void> {
  if (await isShared(store.db, id, access_key_id))
    throw new VaultError(
      'conflict',
      'another CSP account signs in with the same access key',
      'give each CSP account an IAM user of its own, then rotate',
    );
}
