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
