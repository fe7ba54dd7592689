import { monotonicNow } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import type { Store } from '../../store/store.ts';
import type { LoggedAwsHouse } from '../accounts/context.ts';
import { advanceKmsKey, type Attempt } from './state-machine.ts';
import { logMistake } from '../../vault/mistakes.ts';

/** Has what was asked for done in AWS, all at once, and waits for so many milliseconds at the most; it goes on after that. */
export async function attemptAll(
  house: LoggedAwsHouse,
  ids: readonly string[],
  patience: number,
): Promise<void> {
  if (ids.length === 0) return;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patience);
  try {
    await Promise.race([Promise.all(ids.map(async (id) => attempt(house, id))), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * So many at once without anybody waiting; what is more the schedule does, in its order: hundreds that a script makes
 * would all wait here for AWS's quota, and what is repeated behind them.
 */
const mostAtOnce = 8;
/** After one that was left to the schedule so are the next, so long, milliseconds: none overtakes those asked for before. */
const leftFor = 5_000;
const underWay = new WeakMap<Store, { count: number; leftAt: number }>();

/** The same for all pointers of a CloudKey, without anybody waiting. What it comes to stands in the records. */
export function tryLater(house: LoggedAwsHouse, cloudKeyId: string): void {
  const under = underWay.get(house.store) ?? { count: 0, leftAt: -Infinity };
  underWay.set(house.store, under);
  const now = monotonicNow();
  if (under.count >= mostAtOnce || now - under.leftAt < leftFor) {
    under.leftAt = now;
    return;
  }
  under.count++;
  void tryAll(house, cloudKeyId).finally(() => under.count--);
}

async function tryAll(house: LoggedAwsHouse, cloudKeyId: string): Promise<void> {
  try {
    const rows = await house.store.db
      .selectFrom('kms_keys')
      .select('id')
      .where('cloud_key_id', '=', cloudKeyId)
      .where('step', '<>', 'GONE')
      .execute();
    await Promise.all(rows.map(async ({ id }) => attempt(house, id)));
  } catch {
    // The store is being closed: the schedule finds them.
  }
}

async function attempt(house: LoggedAwsHouse, id: string): Promise<void> {
  tellMistake(house.log, id, await advanceKmsKey(house, id));
}

/** What is no fault of AWS's, of the token's or of a value's: the pointer shows only that there was one. */
export function tellMistake(
  log: Pick<Logger, 'error'> | undefined,
  kmsKey: string,
  { error }: Attempt,
): void {
  if (error !== undefined) logMistake(log, { kmsKey }, error, 'a mistake with a KMS key; it is tried again');
}
