import type { AwsHouse } from './aws-house.ts';
import { advanceKmsKey } from './kms-key-pipeline.ts';

/** Has what was asked for done in AWS, all at once, and waits for so many milliseconds at the most; it goes on after that. */
export async function attemptAll(house: AwsHouse, ids: readonly string[], patience: number): Promise<void> {
  if (ids.length === 0) return;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patience);
  try {
    await Promise.race([Promise.all(ids.map(async (id) => advanceKmsKey(house, id))), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The same for all pointers of a CloudKey, without anybody waiting. What it comes to stands in the records. */
export function tryLater(house: AwsHouse, cloudKeyId: string): void {
  void tryAll(house, cloudKeyId);
}

async function tryAll(house: AwsHouse, cloudKeyId: string): Promise<void> {
  try {
    const rows = await house.store.db
      .selectFrom('kms_keys')
      .select('id')
      .where('cloud_key_id', '=', cloudKeyId)
      .where('step', '<>', 'GONE')
      .execute();
    await Promise.all(rows.map(async ({ id }) => advanceKmsKey(house, id)));
  } catch {
    // The store is being closed: the schedule finds them.
  }
}
