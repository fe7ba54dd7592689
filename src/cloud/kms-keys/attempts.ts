import { monotonicNow } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import type { Store } from '../../store/store.ts';
import type { AwsContext, LoggedAwsContext } from '../controller/context.ts';
import { advance, look, type Outcome } from '../controller/controller.ts';
import { kmsKeyLooks } from './mirror.ts';
import { kmsKeyResource } from './resource.ts';
import { logMistake } from '../../vault/mistakes.ts';
import { systemAct } from '../../vault/system-act.ts';

/** What an attempt came to. */
export interface Attempt {
  /** Fault that stopped it; undefined where it went as far as it goes. */
  fault: string | undefined;
  /** With fault `internal`: for the log alone. */
  error?: unknown;
}

/** Does what there is to do for the KMS key record until it is done or something stands against it. Never throws. */
export async function advanceKmsKey(context: AwsContext, id: string): Promise<Attempt> {
  return attemptOf(await advance(context, kmsKeyResource, id, asOurs(context)));
}

/** Asks AWS how the KMS key is there, and writes down what it says. Never throws. */
export async function refreshKmsKey(context: AwsContext, id: string): Promise<Attempt> {
  const attempt = attemptOf(await look(context, kmsKeyLooks, id, asOurs(context)));
  return attempt.fault === 'settling' ? { fault: undefined } : attempt;
}

function asOurs(context: AwsContext) {
  return { act: systemAct(context, 'aws'), by: 'watch' } as const;
}

function attemptOf(outcome: Outcome<unknown> | undefined): Attempt {
  // What only waits was not stopped by anything; nor what another process is at.
  const { fault, error } = outcome?.stopped ?? {};
  if (error === undefined) return { fault: undefined };
  return fault === 'internal' ? { fault, error } : { fault };
}

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
