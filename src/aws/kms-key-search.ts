import { AwsError } from './aws-error.ts';
import { isAwsCode } from './kms-errors.ts';
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
 * Answers the keys that are in an external key store, and how to go on; `next` undefined at the end.
 */
export async function walkOn(
  kms: KmsKeys,
  progress: WalkProgress,
  known: ReadonlySet<string> = new Set(),
): Promise<{ keys: AwsKmsKey[]; progress: WalkProgress; more: boolean }> {
  const { keyIds, next } = await kms.list(progress.marker === '' ? undefined : progress.marker, pageSize);
  const keys: AwsKmsKey[] = [];
  let hidden = 0;
  for (const keyId of keyIds) {
    if (known.has(keyId)) continue;
    const key = await look(kms, keyId);
    if (key === undefined) hidden++;
    else if (key.xksKeyId !== '') keys.push(key);
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

/** Undefined where its policy hides it from us, or it is gone since it was listed. */
async function look(kms: KmsKeys, keyId: string): Promise<AwsKmsKey | undefined> {
  try {
    return await kms.describe(keyId);
  } catch (error) {
    if (error instanceof AwsError && (error.fault === 'denied' || isAwsCode(error, 'NotFoundException')))
      return undefined;
    throw error;
  }
}
