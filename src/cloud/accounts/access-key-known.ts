import type { AwsAccount } from '../aws/clients.ts';
import { listAccessKeys, maxAccessKeys, wasEverUsed, type ListedAccessKey } from '../aws/iam-access-keys.ts';
import { VaultError } from '../../vault/vault-error.ts';
import type { CspAccountRecord } from './records.ts';

/* Which access keys of the IAM user are whose: told by what was there before the rotation, by time, and by use. */

/** What was in IAM before the rotation, and when it had a new access key made: what came besides is told by it. */
export interface Known {
  /** Access key ids. */
  ids: string[];
  /** First and last time that CreateAccessKey was sent, ISO 8601; null before. */
  from: string | null;
  to: string | null;
  /** The one that an answer was lost of, made inactive in IAM at this time, ISO 8601: who needs it activates it again. */
  deactivated?: { id: string; at: string };
  /** The one that AWS did not let us make inactive, as a policy of before does not, and since when, ISO 8601. */
  undeactivated?: { id: string; at: string };
}

/** Clocks of AWS and node may differ by so much, milliseconds: AWS takes no request that is further off. */
const skew = 5 * 60_000;
/** After CreateAccessKey was sent last, its effect is seen within so long, milliseconds, retries of the SDK included. */
const effect = 10 * 60_000;

export function knownOf({
  access_key_rotation_known: text,
}: Pick<CspAccountRecord, 'access_key_rotation_known'>): Known {
  return text === null ? { ids: [], from: null, to: null } : (JSON.parse(text) as Known);
}

/** Throws VaultError where there is no room for a second access key. */
export async function knownKeys(aws: AwsAccount, userName: string, current: string): Promise<Known> {
  const ids = (await listAccessKeys(aws, userName)).map(({ id }) => id);
  const other = ids.find((id) => id !== current);
  if (other !== undefined) throw foreignKey(other);
  return { ids: [current], from: null, to: null };
}

/** Those that came besides. */
export async function othersIn(
  aws: AwsAccount,
  userName: string,
  { ids }: Known,
): Promise<ListedAccessKey[]> {
  return (await listAccessKeys(aws, userName)).filter(({ id }) => !ids.includes(id));
}

/** Made when we asked for one, and not used as far as IAM knows: whoever made it by hand would have it for something. */
export async function isOurs(
  aws: AwsAccount,
  { id, createdAt }: ListedAccessKey,
  { from, to }: Known,
): Promise<boolean> {
  if (from === null || to === null || createdAt === undefined) return false;
  const made = createdAt.getTime();
  if (made < Date.parse(from) - skew || made > Date.parse(to) + effect) return false;
  return !(await wasEverUsed(aws, id));
}

export function foreignKey(id: string): VaultError {
  return new VaultError(
    'conflict',
    `the IAM user has another access key, ${id}, that Holdfast has not made`,
    `IAM takes ${maxAccessKeys}: delete it in IAM if nothing uses it, or give the CSP account an IAM user of its own`,
  );
}
