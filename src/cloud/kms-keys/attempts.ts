import { monotonicNow } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import type { Store } from '../../store/store.ts';
import type { LoggedAwsContext } from '../accounts/context.ts';
import { advanceKmsKey, type Attempt } from './state-machine.ts';
import { logMistake } from '../../vault/mistakes.ts';

/** Has what was asked for done in AWS, all at once, and waits for so many milliseconds at the most; it goes on after that. */
export async function attemptAll(
  context: LoggedAwsContext,
  ids: readonly string[],
  timeout: number,
): Promise<void> {
  if (ids.length === 0) return;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeout);
  try {
    await Promise.race([Promise.all(ids.map(async (id) => attempt(context, id))), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * So many at once without anybody waiting; what is more the schedule does, in its order: hundreds that a script makes
 * would all wait here for AWS's quota, and what is repeated behind them.
 */
const maxConcurrent = 8;
/** After one that was left to the schedule so are the next, so long, milliseconds: none overtakes those asked for before. */
const leftFor = 5_000;
const underWay = new WeakMap<Store, { count: number; leftAt: number }>();

/** The same for all KMS key records of a CloudKey, without anybody waiting. What it comes to stands in the records. */
export function tryLater(context: LoggedAwsContext, cloudKeyId: string): void {
  const under = underWay.get(context.store) ?? { count: 0, leftAt: -Infinity };
  underWay.set(context.store, under);
  const now = monotonicNow();
  if (under.count >= maxConcurrent || now - under.leftAt < leftFor) {
    under.leftAt = now;
    return;
  }
  under.count++;
  void tryAll(context, cloudKeyId).finally(() => under.count--);
}

async function tryAll(context: LoggedAwsContext, cloudKeyId: string): Promise<void> {
  try {
    const rows = await context.store.db
      .selectFrom('kms_keys')
      .select('id')
      .where('cloud_key_id', '=', cloudKeyId)
      .where('step', '<>', 'GONE')
      .execute();
    await Promise.all(rows.map(async ({ id }) => attempt(context, id)));
  } catch {
    // The store is being closed: the schedule finds them.
  }
}

async function attempt(context: LoggedAwsContext, id: string): Promise<void> {
  tellMistake(context.log, id, await advanceKmsKey(context, id));
}

/** What is no fault of AWS's, of the token's or of a value's: the KMS key record shows only that there was one. */
export function tellMistake(
  log: Pick<Logger, 'error'> | undefined,
  kmsKey: string,
  { error }: Attempt,
): void {
  if (error !== undefined) logMistake(log, { kmsKey }, error, 'a mistake with a KMS key; it is tried again');
}
