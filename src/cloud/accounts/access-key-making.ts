import { AwsError } from '../aws/aws-error.ts';
import { removed } from '../aws/presence.ts';
import type { AwsAccount } from '../aws/clients.ts';
import {
  createAccessKey,
  deleteAccessKey,
  listAccessKeys,
  maxAccessKeys,
  wasEverUsed,
  type ListedAccessKey,
} from '../aws/iam-access-keys.ts';
import {
  LostKeyError,
  noProblem,
  openCurrent,
  userAccount,
  userOf,
  type Rotation,
} from './access-key-rotation-context.ts';
import { knownOf, takeStep, type Known } from './access-key-rotation-records.ts';
import { sealKey } from './access-keys.ts';
import type { CspAccountRecord } from './records.ts';
import { VaultError } from '../../vault/vault-error.ts';

/* The first step of a rotation: exactly one new access key, whatever was cut off before. */

/** Clocks of AWS and node may differ by so much, milliseconds: AWS takes no request that is further off. */
const skew = 5 * 60_000;
/** After CreateAccessKey was sent last, its effect is seen within so long, milliseconds, retries of the SDK included. */
const effect = 10 * 60_000;

/** Has IAM make the second access key, exactly one, and keeps its secret. */
export async function create(rotation: Rotation, account: CspAccountRecord): Promise<CspAccountRecord> {
  const { context, act } = rotation;
  const current = await openCurrent(context, account);
  const aws = userAccount(context, account, current);
  const userName = await userOf(aws);
  const known = knownOf(account);
  let now = await deleteLost(rotation, account, aws, userName, known);
  const sent = context.now().toISOString();
  // Written before it is sent: if nothing else is, this tells that there may be an access key that nobody has.
  now = await takeStep(context, act, now, {
    access_key_rotation_known: JSON.stringify({
      ...known,
      from: known.from ?? sent,
      to: sent,
    } satisfies Known),
  });
  const made = await createAccessKey(aws, userName).catch(async (error: unknown) => {
    // What comes into being after a refusal is somebody else's: who may not have it made here makes it by hand.
    if (isRefusal(error))
      await takeStep(context, act, now, { access_key_rotation_known: JSON.stringify(known) });
    throw error;
  });
  const row = await sealKey(
    context,
    account,
    { accessKeyId: made.id, secret: made.secret },
    { state: 'NEXT', origin: 'rotation', created_at: context.now().toISOString() },
  );
  return takeStep(
    context,
    act,
    now,
    { access_key_rotation: 'VERIFYING', ...noProblem },
    {
      also: async (trx) => {
        await trx.insertInto('csp_access_keys').values(row).execute();
      },
    },
  );
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

/** Deletes what an earlier CreateAccessKey has made whose answer was lost: its secret is nowhere. */
async function deleteLost(
  { context, act, usedToldAfter }: Rotation,
  account: CspAccountRecord,
  aws: AwsAccount,
  userName: string,
  known: Known,
): Promise<CspAccountRecord> {
  let now = account;
  const others = (await listAccessKeys(aws, userName)).filter(({ id }) => !known.ids.includes(id));
  for (const key of others) {
    if (!(await isOurs(aws, key, known))) throw foreignKey(key.id);
    const sureAt = new Date((key.createdAt ?? context.now()).getTime() + usedToldAfter);
    if (context.now() < sureAt) throw new LostKeyError(key.id, sureAt);
    const sighting = { madeAt: key.createdAt ?? context.now(), seenAt: null };
    await removed(async () => deleteAccessKey(aws, userName, key.id), sighting, context.now());
    now = await takeStep(
      context,
      act,
      now,
      {},
      {
        event: { verb: 'delete-lost-access-key', before: { accessKeyId: key.id } },
      },
    );
  }
  return now;
}

/** Made when we asked for one, and not used as far as IAM knows: whoever made it by hand would have it for something. */
async function isOurs(
  aws: AwsAccount,
  { id, createdAt }: ListedAccessKey,
  { from, to }: Known,
): Promise<boolean> {
  if (from === null || to === null || createdAt === undefined) return false;
  const made = createdAt.getTime();
  if (made < Date.parse(from) - skew || made > Date.parse(to) + effect) return false;
  return !(await wasEverUsed(aws, id));
}

function foreignKey(id: string): VaultError {
  return new VaultError(
    'conflict',
    `the IAM user has another access key, ${id}, that Holdfast has not made`,
    `IAM takes ${maxAccessKeys}: delete it in IAM if nothing uses it, or give the CSP account an IAM user of its own`,
  );
}

/** Throws VaultError where there is no room for a second access key. */
export async function knownKeys(aws: AwsAccount, userName: string, current: string): Promise<Known> {
  const ids = (await listAccessKeys(aws, userName)).map(({ id }) => id);
  const other = ids.find((id) => id !== current);
  if (other !== undefined) throw foreignKey(other);
  return { ids: [current], from: null, to: null };
}
