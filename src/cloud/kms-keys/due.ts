import { sql, type RawBuilder } from 'kysely';
import type { LoggedAwsContext } from '../controller/context.ts';
import type { Due, LanePace, ScheduledWork, Tried } from '../controller/scheduled.ts';
import type { VaultContext } from '../../vault/context.ts';
import { vaultIsThawed } from '../../vault/vault-frozen.ts';
import { advanceKmsKey, refreshKmsKey, tellMistake, type Attempt } from './attempts.ts';
import { kmsKeyTurns } from './resource.ts';

/**
 * What holds up nothing of another kind: what was asked for of a key that is there, a kill switch among it; keys that are
 * still to be made, hundreds of which wait for AWS's quota; what was made, and is looked at until AWS shows it, which
 * waits for no quota; and the rest.
 */
export type KindOfWork = 'input' | 'key' | 'unshown' | 'rest';

export interface DueWork extends Due {
  kind: KindOfWork;
}

/** So many at a time, unless told otherwise: what is left is found by the next look. */
const batchSize = 1_000;

function kmsKeyRecords({ store: { db } }: Pick<VaultContext, 'store'>) {
  return db
    .selectFrom('kms_keys')
    .innerJoin('external_key_stores', 'external_key_stores.id', 'kms_keys.external_key_store_id')
    .innerJoin('csp_accounts', 'csp_accounts.id', 'external_key_stores.csp_account_id')
    .select(['kms_keys.id', 'csp_accounts.id as account', 'kms_keys.region'])
    .where('kms_keys.step', '<>', 'GONE');
}

const isSignedIn = sql<boolean>`csp_accounts.type <> 'manual'`;

/** The first of each lane, then the second of each: one with more than fit, which nothing can be done in, hides no other. */
function turnInLane(order: RawBuilder<unknown>, kind: RawBuilder<unknown> = sql`''`) {
  return sql<number>`row_number() OVER (PARTITION BY csp_accounts.id, kms_keys.region, ${kind} ORDER BY ${order})`;
}

/** What waits for its turn with CreateKey; not one that was sent, and may have come to something (awaited.ts). */
const isToBeMade = sql<boolean>`kms_keys.step = 'KEY' AND (kms_keys.create_sent = 0 OR kms_keys.problem IS NULL)`;

/** A lost answer too is looked for first. */
const isUnshown = sql<boolean>`kms_keys.step = 'KEY' OR kms_keys.problem LIKE '%"fault":"settling"%'
  OR (kms_keys.step = 'ALIAS' AND kms_keys.problem LIKE '%"fault":"unreachable"%')`;

const kindOfWork = sql<KindOfWork>`CASE
  WHEN kms_keys.wanted IS NOT NULL OR kms_keys.leaving IS NOT NULL THEN 'input'
  WHEN ${isToBeMade} THEN 'key'
  WHEN ${isUnshown} THEN 'unshown'
  ELSE 'rest' END`;

/**
 * Pointers for which there is something to do: a step, a input, values of ours. One at the step KEY without a time waits
 * until its CloudKey is AVAILABLE and its key store connected; or the CloudKey is deleted, and with it the input for a key:
 * that of one by hand too.
 */
export async function dueWork(
  context: Pick<VaultContext, 'store' | 'now'>,
  max = batchSize,
): Promise<DueWork[]> {
  const now = context.now().toISOString();
  const rows = await kmsKeyRecords(context)
    .innerJoin('cloud_keys', 'cloud_keys.id', 'kms_keys.cloud_key_id')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .where((eb) =>
      eb.or([
        eb.and([
          eb('kms_keys.step', '=', 'KEY'),
          eb('kms_keys.next_attempt_at', 'is', null),
          eb('kms_keys.leaving', 'is', null),
          eb.or([
            eb('cloud_keys.state', '=', 'DELETED'),
            eb.and([
              isSignedIn,
              eb('cloud_keys.state', '=', 'AVAILABLE'),
              eb.or([eb('cloud_keys.expires_at', 'is', null), eb('cloud_keys.expires_at', '>', now)]),
              eb('key_sets.frozen_at', 'is', null),
              vaultIsThawed('key_sets.vault_id'),
              eb('key_sets.external_key_store', '=', 1),
              eb('external_key_stores.custom_key_store_id', '<>', ''),
              eb('external_key_stores.state', 'in', ['CONNECTED', 'UNKNOWN']),
            ]),
          ]),
        ]),
        eb.and([isSignedIn, eb('kms_keys.step', '=', 'KEY'), eb('kms_keys.next_attempt_at', '<=', now)]),
        eb.and([
          eb.or([
            // By hand too: that it is given up is written down here alone.
            eb('kms_keys.leaving', 'is not', null),
            eb.and([
              isSignedIn,
              eb.or([
                eb('kms_keys.step', '=', 'ALIAS'),
                eb('kms_keys.wanted', 'is not', null),
                eb('kms_keys.to_apply', '<>', '[]'),
              ]),
            ]),
          ]),
          eb.or([eb('kms_keys.next_attempt_at', 'is', null), eb('kms_keys.next_attempt_at', '<=', now)]),
        ]),
      ]),
    )
    .select(kindOfWork.as('kind'))
    .orderBy(turnInLane(inTurn, kindOfWork))
    // A kill switch before all else.
    .orderBy(sql`(kms_keys.wanted IS NULL)`)
    .limit(max)
    .execute();
  return rows.map(({ id, account, region, kind }) => ({ id, lane: laneOf(account, region), kind }));
}

/** Keys are made in the order in which they were asked for, whatever they failed of; else the one first that is due the longest. */
const inTurn = sql`CASE WHEN ${isToBeMade} THEN kms_keys.created_at
  ELSE coalesce(kms_keys.next_attempt_at, kms_keys.created_at) END, kms_keys.id`;

/** Pointers whose KMS keys AWS has not been asked about for a while, the longest first. */
export async function dueChecks(
  context: Pick<VaultContext, 'store' | 'now'>,
  max = batchSize,
): Promise<Due[]> {
  const rows = await kmsKeyRecords(context)
    .where(isSignedIn)
    .where('kms_keys.key_id', '<>', '')
    .where('kms_keys.next_check_at', '<=', context.now().toISOString())
    .orderBy(turnInLane(sql`kms_keys.next_check_at, kms_keys.id`))
    .limit(max)
    .execute();
  return rows.map(toDue);
}

/** The first moment to come at which there is something to do; undefined where there is none. */
async function nextMoment(
  { store, now }: Pick<VaultContext, 'store' | 'now'>,
  column: 'next_attempt_at' | 'next_check_at',
): Promise<Date | undefined> {
  const { at } = await store.db
    .selectFrom('kms_keys')
    .select((eb) => eb.fn.min(column).as('at'))
    .where(column, '>', now().toISOString())
    .where('step', '<>', 'GONE')
    .executeTakeFirstOrThrow();
  return typeof at === 'string' ? new Date(at) : undefined;
}

function toDue({ id, account, region }: { id: string; account: string; region: string }): Due {
  return { id, lane: laneOf(account, region) };
}

function laneOf(account: string, region: string): string {
  return `${account}/${region}`;
}

/**
 * So many KMS keys of one account and Region at once: the pace holds whatever AWS takes to answer. Those that are to be
 * made wait for the pace of CreateKey, two seconds at the most.
 */
const concurrency = 8;
/**
 * In one account and Region work on a KMS key is begun every so many milliseconds at the most: most of it only reads. How
 * fast changes are sent the pace of requests says (src/cloud/aws/pace.ts).
 */
const workPace = 25;
const lanePaces: Readonly<Record<KindOfWork, LanePace>> = {
  input: { concurrency, pace: workPace, maxWaiting: 40 },
  key: { concurrency, pace: workPace, maxWaiting: 6 },
  // Hundreds that AWS does not show yet are each looked at every few seconds.
  unshown: { concurrency, pace: 10, maxWaiting: 40 },
  rest: { concurrency, pace: workPace, maxWaiting: 40 },
};

/** What is wanted of KMS keys. */
export const kmsKeyWork: ScheduledWork = {
  name: 'KMS keys',
  turns: kmsKeyTurns.kind,
  due: dueWork,
  nextDue: async (context) => nextMoment(context, 'next_attempt_at'),
  attempt: async (context, id) => told(context, id, await advanceKmsKey(context, id)),
  lane: (kind) => lanePaces[kind as KindOfWork],
  tellFailed: (log, kmsKeys) =>
    log.warn({ kmsKeys }, 'AWS did not do what is wanted of KMS keys; holdfast kms-key list has why'),
};

/** How KMS keys are in AWS: 5 keys, 20 requests a second, where ListAliases has 500 and the others more. */
export const kmsKeyChecks: ScheduledWork = {
  name: 'status of KMS keys',
  turns: kmsKeyTurns.kind,
  due: dueChecks,
  nextDue: async (context) => nextMoment(context, 'next_check_at'),
  attempt: async (context, id) => told(context, id, await refreshKmsKey(context, id)),
  lane: () => ({ concurrency, pace: 200, maxWaiting: 40 }),
};

function told({ log }: LoggedAwsContext, id: string, attempt: Attempt): Tried {
  tellMistake(log, id, attempt);
  return attempt;
}
