import { AwsError } from '../aws/aws-error.ts';
import type { KmsKeyFacts } from '../aws/kms-key-memory.ts';
import { isAwsCode } from '../aws/kms-errors.ts';
import { searchOn, walkStart, type WalkProgress } from '../aws/kms-key-search.ts';
import type { KmsKeys } from '../aws/kms-keys.ts';
import { isSettling } from '../aws/presence.ts';
import { z } from 'zod';
import type { ReadingAwsContext } from '../controller/context.ts';
import type { Problem } from '../controller/problem.ts';
import { answerLost, keyInUse, type AwaitedRequest } from './awaited.ts';
import type { KmsKeyChange } from './changes.ts';
import { dateOf, problemOf, type KmsKey } from './records.ts';
import { counted } from '../../counted.ts';

export type SearchResult =
  /** The key that an earlier request of ours made. */
  | { kind: 'ours'; key: KmsKeyFacts }
  /** A key that somebody else made for this external key in this key store. */
  | { kind: 'another'; error: AwsError }
  /** Not found among all that can be looked at. */
  | { kind: 'none'; certain: boolean; error: AwsError }
  /** It was seen, and then not, or not all of it. */
  | { kind: 'unshown' }
  /** It goes on with the next attempt. */
  | { kind: 'on'; problem: Problem };

/** What a search reads by, and notes its place with. */
export interface Searching {
  context: ReadingAwsContext;
  note: (change: KmsKeyChange) => Promise<void>;
}

/** Pages of 100 keys in one attempt; then others have their turn. */
const pagesPerBatch = 5;

/** A place in AWS's list that was noted longer ago, milliseconds, is begun before: AWS may know the marker no more. */
const placeLasts = 10 * 60_000;

const progressForm = z.object({
  ...{ marker: z.string(), looked: z.number(), hidden: z.number() },
  /** When it was noted, and what it is a place in. */
  ...{ at: z.string().optional(), sentAt: z.string().nullish(), account: z.string().nullish() },
});

/**
 * Walks through the KMS keys of the account and Region for the one that refers to our external key through our key
 * store. How far it came is written down after each page, so that what interrupts it loses nothing. `awaited` is
 * what AWS was asked for before, and does not show. Throws AwsError.
 */
// oxlint-disable-next-line complexity -- one case for each page that AWS may answer
export async function search(
  { context, note }: Searching,
  row: KmsKey,
  kms: KmsKeys,
  awaited?: AwaitedRequest,
): Promise<SearchResult> {
  let progress = placeOf(row, context.now());
  let isAnew = false;
  let isNoted = row.search !== null;
  const keep = async (place: WalkProgress | null) => {
    if (place !== null || isNoted)
      await note({ search: place === null ? null : placeIn(row, place, context.now()) });
    isNoted = place !== null;
  };
  const known = async (keyIds: readonly string[]) => knownAmong(context, row, keyIds);
  // A page of before CreateKey was sent does not show what it made.
  const sentAt = dateOf(row.create_sent_at)?.getTime() ?? 0;
  const looker = { looker: row.id, freshness: Math.max(context.now().getTime() - sentAt, 0) };
  for (let page = 0; page < pagesPerBatch; page++) {
    let walked: Awaited<ReturnType<typeof searchOn>>;
    try {
      walked = await searchOn(kms, progress, looker, known);
    } catch (error) {
      if (!isAwsCode(error, 'InvalidMarkerException')) throw error;
      // Nobody else can do anything about it: it begins anew, if it has not just done so.
      await keep(null);
      if (isAnew || progress.marker === '') throw error;
      [progress, isAnew] = [walkStart, true];
      continue;
    }
    const key = walked.keys.find(
      ({ customKeyStoreId, xksKeyId }) =>
        customKeyStoreId === row.custom_key_store_id && xksKeyId === row.external_key_id,
    );
    ({ progress } = walked);
    if (key !== undefined) {
      await keep(null);
      return whoseIs(row, kms, key);
    }
    if (!walked.more) {
      await keep(null);
      // Keys of other kinds hide behind the least policy. One that we made is seen where any is.
      const certain = progress.hidden === 0 || progress.looked > 0;
      return { kind: 'none', certain, error: notFound(progress, awaited?.since) };
    }
    await keep(progress);
  }
  const now = context.now().toISOString();
  const { looked, hidden } = progress;
  const isLost = awaited?.code === answerLost;
  const problem: Problem = {
    ...{ operation: 'ListKeys', fault: 'searching', at: now, since: awaited?.since ?? now },
    code: isLost ? answerLost : keyInUse,
    message: `a KMS key for the CloudKey ${isLost ? 'may be' : 'is'} there already and is being looked for: ${counted(looked + hidden, 'KMS key')} seen`,
    remediation: 'it continues automatically',
    times: problemOf(row)?.times ?? row.attempts,
  };
  return { kind: 'on', problem };
}

/** Where it goes on. A place in the list of another account, or from before CreateKey was sent, shows nothing of the key. */
function placeOf(row: KmsKey, now: Date): WalkProgress {
  if (row.search === null) return walkStart;
  const { at, sentAt, account, ...place } = progressForm.parse(JSON.parse(row.search) as unknown);
  const isSame = sentAt === row.create_sent_at && account === row.csp_account_id;
  const isFresh = at !== undefined && isSettling(new Date(at), now, placeLasts);
  return isSame && isFresh ? place : walkStart;
}

/** Ours is the one with our tag: only who may tag keys of the account could have made it look so. */
async function whoseIs(row: KmsKey, kms: KmsKeys, key: KmsKeyFacts): Promise<SearchResult> {
  let tags: Record<string, string> = {};
  try {
    tags = await kms.tags(key.keyId);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    // One host of AWS's knew the key, and this one does not.
    if (error.fault === 'not-found') return { kind: 'unshown' };
    if (error.fault !== 'denied') throw error;
  }
  if (tags['holdfast:kms-key'] === row.id) return { kind: 'ours', key };
  const error = new AwsError('conflict', keyInUse, 'CreateKey', {
    message: 'the key store has a KMS key for this CloudKey already, which was not made from here',
    keyArn: key.arn,
    remediation:
      'link it (holdfast kms-key edit --key-arn); or delete it in AWS, wait until AWS has, then holdfast kms-key retry',
  });
  return { kind: 'another', error };
}

function notFound({ looked, hidden }: WalkProgress, since: string | undefined): AwsError {
  return new AwsError('conflict', keyInUse, 'CreateKey', {
    since,
    message: `AWS says that a KMS key of the key store refers to the CloudKey, and it is not among the ${looked} that can be looked at; ${hidden} hide from us`,
    remediation:
      hidden === 0
        ? 'AWS may be slow to list it: holdfast kms-key retry in a minute'
        : 'allow kms:DescribeKey on it to the principal of the CSP account, then holdfast kms-key retry; or link it by its ARN (holdfast kms-key edit --key-arn), or give the KMS key record up (holdfast kms-key delete --aws keep)',
  });
}

/** A place as the record has it. */
export function placeIn(
  { create_sent_at: sentAt, csp_account_id: account }: Pick<KmsKey, 'create_sent_at' | 'csp_account_id'>,
  place: WalkProgress,
  now: Date,
): string {
  return JSON.stringify({ ...place, at: now.toISOString(), sentAt, account });
}

/** Those that other KMS key records have, and not at somebody's word alone: they need not be looked at. */
async function knownAmong(
  { store }: ReadingAwsContext,
  row: KmsKey,
  keyIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (keyIds.length === 0) return new Set();
  const rows = await store.db
    .selectFrom('kms_keys')
    .select('key_id')
    .where('key_id', 'in', keyIds)
    .where('region', '=', row.region)
    .where('vault_id', '=', row.vault_id)
    .where('id', '<>', row.id)
    .where('cloud_key_id', '<>', row.cloud_key_id)
    .where('origin', '<>', 'MANUAL')
    .execute();
  return new Set(rows.map(({ key_id }) => key_id));
}
