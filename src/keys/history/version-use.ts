import { sql } from 'kysely';
import type { VaultContext } from '../../vault/context.ts';
import type { KeyVersionRecord, UsedCloudKey } from '../key-records.ts';

/*
 * What is known of the use of one version. Uses are kept by CloudKey, so that a request writes no more for it; which version they were
 * of follows for encryptions, since only the current version makes any, and for decryptions does not.
 */

/** When a version was used last: never, at a moment, or at no later one than that. */
export type LastUse =
  { known: 'NEVER'; at: null } | { known: 'AT'; at: string } | { known: 'NOT_AFTER'; at: string };

/** Whether anything may need the key object of a version still. */
export type Need = 'GONE' | 'BEING_MADE' | 'CURRENT' | 'ADOPTED' | 'NEVER_ENCRYPTED' | 'MAY_HAVE_ENCRYPTED';

export interface VersionUse {
  lastEncrypt: LastUse;
  lastDecrypt: LastUse;
  need: Need;
}

/** A version among the others of its CloudKey. */
export type OtherVersion = Pick<KeyVersionRecord, 'version' | 'state' | 'created_at'>;

type Used = Pick<UsedCloudKey, 'current_version' | 'rotated_at' | 'last_encrypt_at' | 'last_decrypt_at'>;
type Version = Pick<KeyVersionRecord, 'version' | 'state' | 'origin' | 'encryptions_leased' | 'created_at'>;

/** Those of a page of versions, and the next two ACTIVE ones: by when each of the page was replaced they say. */
export async function withFollowing(
  { store: { db } }: Pick<VaultContext, 'store'>,
  cloudKeyId: string,
  page: readonly OtherVersion[],
): Promise<OtherVersion[]> {
  const last = page.at(-1);
  if (last === undefined) return [];
  const following = await db
    .selectFrom('key_versions')
    .select(['version', 'state', 'created_at'])
    .where('cloud_key_id', '=', cloudKeyId)
    .where('version', '>', last.version)
    .where('state', '=', 'ACTIVE')
    .orderBy('version')
    .limit(sql.lit(2))
    .execute();
  return [...page, ...following];
}

/** `all` are the versions of the CloudKey from this one on, or at least the next two ACTIVE ones of them. */
export function useOfVersion(key: Used, version: Version, all: readonly OtherVersion[]): VersionUse {
  const lastEncrypt = lastEncryptOf(key, version, all);
  return {
    lastEncrypt,
    lastDecrypt: lastDecryptOf(key, version, all),
    need: needOf(key, version, lastEncrypt),
  };
}

const never = { known: 'NEVER', at: null } as const;

/** Encryptions are counted before they are made: where none was counted there is none. */
function lastEncryptOf(key: Used, version: Version, all: readonly OtherVersion[]): LastUse {
  const { last_encrypt_at: last } = key;
  if (version.origin === 'holdfast' && version.encryptions_leased === 0) return never;
  if (last === null || last < version.created_at)
    // What was adopted has ciphertext of before.
    return version.origin === 'holdfast' ? never : { known: 'NOT_AFTER', at: version.created_at };
  if (version.version === key.current_version) return { known: 'AT', at: last };
  const replaced = replacedBy(key, version, all);
  return { known: 'NOT_AFTER', at: replaced !== undefined && replaced < last ? replaced : last };
}

/**
 * By when the next version had taken its place: of the one before the current when that was made active, of an earlier one when the
 * version after the next was begun. One that was undone before it was active is not ACTIVE now.
 */
function replacedBy(key: Used, { version }: Version, all: readonly OtherVersion[]): string | undefined {
  const [next, afterNext] = all.filter((one) => one.version > version && one.state === 'ACTIVE');
  if (next?.version === key.current_version) return key.rotated_at;
  return afterNext?.created_at;
}

function lastDecryptOf(key: Used, version: Version, all: readonly OtherVersion[]): LastUse {
  const { last_decrypt_at: last } = key;
  if (last === null || last < version.created_at) return never;
  if (version.origin === 'holdfast' && version.encryptions_leased === 0) return never;
  const isOnly = version.version === 1 && all.length === 1;
  return { known: isOnly ? 'AT' : 'NOT_AFTER', at: last };
}

function needOf(
  key: Used,
  { version, state, origin, encryptions_leased }: Version,
  lastEncrypt: LastUse,
): Need {
  if (state === 'DESTROYED' || state === 'DESTROYING') return 'GONE';
  if (state === 'PENDING') return 'BEING_MADE';
  if (version === key.current_version) return 'CURRENT';
  if (origin !== 'holdfast') return 'ADOPTED';
  // By the count and by the uses that are on record: one alone may be of a store that was set back.
  const never = encryptions_leased === 0 && lastEncrypt.known === 'NEVER';
  return never ? 'NEVER_ENCRYPTED' : 'MAY_HAVE_ENCRYPTED';
}
