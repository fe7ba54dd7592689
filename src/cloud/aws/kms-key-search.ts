import { AwsError } from './aws-error.ts';
import { isAwsCode } from './kms-errors.ts';
import type { KmsKeyFacts, KmsKeyPage, Looker } from './kms-key-memory.ts';
import type { AwsKmsKey, KmsKeys } from './kms-keys.ts';

/** How far a walk through all KMS keys of an account and Region has come. */
export interface WalkProgress {
  /** Of ListKeys, for the page after; '' at the beginning. */
  marker: string;
  /** KMS keys that were looked at, and that AWS does not let us look at. */
  looked: number;
  hidden: number;
}

export const walkStart: WalkProgress = { marker: '', looked: 0, hidden: 0 };

/** KMS keys on one page of the walk: progress is kept from page to page. */
const pageSize = 100;

/**
 * Looks at the next page of KMS keys, one after another: no request waits beside another, so that even a slow answer
 * of 20 ms bounds the walk at 50 requests a second, where AWS allows an account 2,000 DescribeKey and 500 ListKeys.
 * Answers the keys that are in an external key store, as they are now, and how to go on.
 */
export async function walkOn(
  kms: KmsKeys,
  progress: WalkProgress,
): Promise<{ keys: AwsKmsKey[]; progress: WalkProgress; more: boolean }> {
  const page = await kms.list(progress.marker === '' ? undefined : progress.marker, pageSize);
  return lookThrough(page, progress, async (keyId) => {
    const seen = await look(kms, keyId);
    return seen === 'denied' ? undefined : seen;
  });
}

/**
 * The same for what never changes of them: what others of this account have listed or described just now, or ever, AWS is
 * not asked for again. Keys that are `known` belong to others, and need not be looked at.
 */
export async function searchOn(
  kms: KmsKeys,
  progress: WalkProgress,
  looker: Looker,
  known: (keyIds: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<{ keys: KmsKeyFacts[]; progress: WalkProgress; more: boolean }> {
  const { memory } = kms;
  const { marker } = progress;
  const page = await memory.page(marker, looker, async () =>
    kms.list(marker === '' ? undefined : marker, pageSize),
  );
  const others = await known(page.keyIds);
  return lookThrough(page, progress, async (keyId) =>
    others.has(keyId) ? 'another’s' : memory.facts(keyId, looker.looker, async () => look(kms, keyId)),
  );
}

async function lookThrough<T extends KmsKeyFacts>(
  { keyIds, next }: KmsKeyPage,
  progress: WalkProgress,
  lookAt: (keyId: string) => Promise<T | 'another’s' | undefined>,
): Promise<{ keys: T[]; progress: WalkProgress; more: boolean }> {
  const keys: T[] = [];
  let hidden = 0;
  for (const keyId of keyIds) {
    const key = await lookAt(keyId);
    if (key === undefined) hidden++;
    else if (key !== 'another’s' && key.xksKeyId !== '') keys.push(key);
  }
  return {
    keys,
    progress: {
      marker: next ?? '',
      looked: progress.looked + keyIds.length - hidden,
      hidden: progress.hidden + hidden,
    },
    more: next !== undefined,
  };
}

/** `denied` where its policy hides it from us; undefined where it is gone since it was listed, or not shown yet. */
async function look(kms: KmsKeys, keyId: string): Promise<AwsKmsKey | 'denied' | undefined> {
  try {
    return await kms.describe(keyId);
  } catch (error) {
    if (error instanceof AwsError && error.fault === 'denied') return 'denied';
    if (isAwsCode(error, 'NotFoundException')) return undefined;
    throw error;
  }
}
