import { setTimeout as delay } from 'node:timers/promises';
import { monotonicNow } from '../clock.ts';
import type { Logger } from '../log.ts';
import { TokenError } from '../token/faults.ts';
import { wordsOfFailure } from '../token/remediations.ts';
import { isOfWholeToken } from '../vault/tokens.ts';
import type { BackOff } from '../vault/back-off.ts';
import type { KeyContext } from '../keys/followers.ts';
import type { VaultContext } from '../vault/context.ts';
import type { CloudKeyRecord } from '../keys/key-records.ts';
import { rotateCloudKey } from '../keys/key-versions.ts';
import { rescheduleKey } from '../keys/rotation-plan.ts';
import { cappedRotation, rotationDays } from '../keys/rotation-time.ts';
import { LostLeaseError } from '../vault/lost-lease-error.ts';
import { systemAct } from '../vault/system-act.ts';
import { VaultError } from '../vault/vault-error.ts';
import { vaultIsThawed } from '../vault/vault-frozen.ts';

/** Rotations under way at once: a management host does one thing after another, and people wait for it too. */
const lanes = 2;
/** So many due keys are looked at in one run; the others' turn is in the next. */
const maxInRun = 200;
/** So many scheduled keys are looked at in one run for due times that lie too far off. */
const maxCompared = 500;
/** Due times are brought back in transactions of so many. */
const cappedPerBatch = 25;
/** Clocks of nodes differ by less, milliseconds: a due time beyond by less is no clock that stood in the future. */
const skew = 60_000;

const day = 86_400_000;

type DueKey = CloudKeyRecord & { token: string };

export interface RotationRun {
  rotated: number;
  failed: number;
  /** There are due keys left that can be tried at once. */
  more: boolean;
}

/**
 * Rotates the CloudKeys whose schedule says so, each once, however long nobody was there. DISABLED and EXPIRED keys, and
 * those of frozen key sets, are rotated when they serve again, as AWS KMS does with its own. What fails is told and
 * retried after growing pauses, and holds up no other key but those of a token that does not answer.
 */
export async function rotateDueKeys(
  context: KeyContext,
  log: Logger,
  backOff: BackOff,
  mayGoOn: () => Promise<boolean>,
): Promise<RotationRun> {
  const run: RotationRun = { rotated: 0, failed: 0, more: false };
  // Keys of a token that is away must not take the places of those that can be rotated.
  const used = await context.store.db.selectFrom('key_sets').select('token').distinct().execute();
  const tokens = used.map(({ token }) => token).filter((token) => backOff.mayTry(tokenTask(token)));
  const due = (await dueKeys(context, tokens)).filter(({ id }) => backOff.mayTry(id));
  const waiting = due.values();
  const work = async (): Promise<void> => {
    for (const key of waiting) {
      if (!backOff.mayTry(tokenTask(key.token))) continue;
      if (!(await mayGoOn())) {
        run.more = true;
        return;
      }
      const began = monotonicNow();
      await rotateOne(context, log, backOff, key, run);
      // A thousand that are due at once must not be felt by who encrypts: the token makes keys half of the time at most.
      await delay(monotonicNow() - began);
    }
  };
  await Promise.all(Array.from({ length: lanes }, work));
  run.more ||= due.length === maxInRun;
  return run;
}

/** Where a look that goes over all keys little by little goes on: after this CloudKey id, '' for the beginning. */
export interface Bookmark {
  after: string;
}

/**
 * Brings back to what is possible due times that lie too far off, since a clock stood in the future once. Looks at the next
 * few hundred scheduled keys only, and moves the bookmark on.
 */
export async function capRotations(
  context: VaultContext,
  bookmark: Bookmark = { after: '' },
): Promise<number> {
  const now = context.now();
  const tooFar = await keysTooFarOff(context, now, bookmark);
  let capped = 0;
  for (let from = 0; from < tooFar.length; from += cappedPerBatch)
    capped += await capSome(context, tooFar.slice(from, from + cappedPerBatch), now);
  return capped;
}

async function capSome(context: VaultContext, tooFar: readonly TooFarOff[], now: Date): Promise<number> {
  const act = systemAct(context, 'schedule');
  return context.store.change(act, async (trx) => {
    let capped = 0;
    for (const key of tooFar) {
      const next = cappedRotation(new Date(key.next_rotation_at), key.days, now);
      if (await rescheduleKey(trx, act, key, next)) capped++;
    }
    return capped;
  });
}

async function rotateOne(
  context: KeyContext,
  log: Logger,
  backOff: BackOff,
  { token, ...key }: DueKey,
  run: RotationRun,
): Promise<void> {
  try {
    const after = await rotateCloudKey(context, systemAct(context, 'schedule'), key, 'schedule');
    backOff.succeeded(key.id);
    backOff.succeeded(tokenTask(token));
    if (after.current_version === key.current_version) return;
    run.rotated++;
    log.info({ cloudKey: key.id, version: after.current_version }, 'rotated by schedule');
  } catch (error) {
    // It was disabled or deleted while it waited for its turn; or whose turn it is has changed.
    if (error instanceof VaultError || error instanceof LostLeaseError) return;
    run.failed++;
    backOff.failed(key.id);
    if (error instanceof TokenError && isOfWholeToken(error)) backOff.failed(tokenTask(token));
    log.error({ cloudKey: key.id, token, ...wordsOfFailure(error) }, 'a rotation failed; it is retried');
  }
}

function tokenTask(token: string): string {
  return `rotations of token ${token}`;
}

async function dueKeys(context: VaultContext, tokens: readonly string[]): Promise<DueKey[]> {
  if (tokens.length === 0) return [];
  return context.store.db
    .selectFrom('cloud_keys')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .selectAll('cloud_keys')
    .select('token')
    .where('state', '=', 'AVAILABLE')
    .where('next_rotation_at', '<=', context.now().toISOString())
    .where('frozen_at', 'is', null)
    .where(vaultIsThawed('key_sets.vault_id'))
    .where('token', 'in', tokens)
    .orderBy('next_rotation_at')
    .limit(maxInRun)
    .execute();
}

interface TooFarOff {
  id: string;
  name: string;
  vault_id: string;
  next_rotation_at: string;
  days: number;
}

/** Of the next scheduled keys those due later than their schedule, of so many days, can make it. */
async function keysTooFarOff(
  { store: { db } }: VaultContext,
  now: Date,
  bookmark: Bookmark,
): Promise<TooFarOff[]> {
  const keys = await db
    .selectFrom('cloud_keys')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .select(['cloud_keys.id', 'cloud_keys.name', 'key_sets.vault_id', 'next_rotation_at'])
    .select(['cloud_keys.rotation', 'cloud_keys.rotation_days as own_days', 'key_sets.rotation_days'])
    .where('next_rotation_at', 'is not', null)
    .$narrowType<{ next_rotation_at: string }>()
    .where('cloud_keys.id', '>', bookmark.after)
    .orderBy('cloud_keys.id')
    .limit(maxCompared)
    .execute();
  bookmark.after = keys.length < maxCompared ? '' : (keys.at(-1)?.id ?? '');
  return keys.flatMap(({ id, name, vault_id, next_rotation_at, rotation, own_days, rotation_days }) => {
    const days = rotationDays({ rotation, rotation_days: own_days }, { rotation_days });
    if (days === null || Date.parse(next_rotation_at) <= now.getTime() + days * day + skew) return [];
    return [{ id, name, vault_id, next_rotation_at, days }];
  });
}
