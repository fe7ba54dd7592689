import { expressionBuilder, type ExpressionWrapper, type Transaction } from 'kysely';
import { signsIn } from '../store/read-back.ts';
import type { Tables } from '../store/schema.ts';
import { noteOn } from '../vault/edit-record.ts';
import type { VaultContext } from '../vault/context.ts';

/*
 * Wrong passwords and codes of one account. From the fifth in a row on it is locked: 1, 2, 4 … 60 minutes. At the
 * hundredth until somebody unlocks it (NIST SP 800-63B-4, 3.2.2: no more than 100 consecutive failures).
 *
 * An attempt is counted before it is tried, in one statement, and taken back when it was right: of any number of guesses
 * at once no more are tried than one after another would be.
 */
export const freeFailures = 4;
export const lockMinutes: readonly number[] = [1, 2, 4, 8, 16, 32, 60];
export const maxFailures = 100;
export const untilUnlocked = '9999-12-31T23:59:59.999Z';

/** An attempt that was counted and may be tried. */
export interface Attempt {
  userId: string;
  /** Failures with this one. */
  failures: number;
}

/** Counts an attempt; undefined where the account is locked or not ACTIVE: it must not be tried. */
export async function beginAttempt(context: VaultContext, userId: string): Promise<Attempt | undefined> {
  const now = context.now();
  const row = await context.store.bookkeep('attempt', async (trx) => {
    signsIn(trx);
    return noteOn(trx, 'users')
      .set((eb) => ({ failures: eb('failures', '+', 1), locked_until: lockAfter(now) }))
      .where('id', '=', userId)
      .where('state', '=', 'ACTIVE')
      .where((eb) => eb.or([eb('locked_until', 'is', null), eb('locked_until', '<=', now.toISOString())]))
      .returning('failures')
      .executeTakeFirst();
  });
  return row === undefined ? undefined : { userId, failures: row.failures };
}

/** A sign-in is complete: nothing stands against the account any more. */
export const clean = { failures: 0, locked_until: null };

/**
 * The attempt was right, but it is not the whole of a sign-in: it is not counted. What others failed at stays, or a
 * known password would buy any number of guesses at the second factor.
 */
export async function takeBack(trx: Transaction<Tables>, attempt: Attempt): Promise<void> {
  signsIn(trx);
  await noteOn(trx, 'users')
    .set((eb) => ({
      failures: eb('failures', '-', 1),
      // A lock that a later attempt brought stays.
      locked_until: eb
        .case()
        .when('failures', '=', attempt.failures)
        .then(null)
        .else(eb.ref('locked_until'))
        .end(),
    }))
    .where('id', '=', attempt.userId)
    .where('failures', '>', 0)
    .execute();
}

export function isLocked(user: { locked_until: string | null }, now: Date): boolean {
  return user.locked_until !== null && user.locked_until > now.toISOString();
}

/** `locked_until` after one more failure than the row has. */
function lockAfter(now: Date): ExpressionWrapper<Tables, 'users', string | null> {
  const eb = expressionBuilder<Tables, 'users'>();
  let cases = eb
    .case()
    .when('failures', '<', freeFailures)
    .then<string | null>(null)
    .when('failures', '>=', maxFailures - 1)
    .then<string | null>(untilUnlocked);
  for (const [index, minutes] of lockMinutes.slice(0, -1).entries())
    cases = cases.when('failures', '=', freeFailures + index).then<string | null>(later(now, minutes));
  return cases.else<string | null>(later(now, lockMinutes.at(-1) ?? 0)).end();
}

function later(now: Date, minutes: number): string {
  return new Date(now.getTime() + minutes * 60_000).toISOString();
}
