import type { Kysely, Transaction } from 'kysely';
import type { Tables } from '../store/schema.ts';
import type { VaultContext } from '../vault/context.ts';
import { paced } from '../vault/paced.ts';
import { endCredential } from '../keys/credentials/credential-ends.ts';
import { storesWithCredential } from '../cloud/key-stores/records.ts';
import { expireKey } from '../keys/key-states.ts';
import { systemAct } from '../vault/system-act.ts';

/** XKS workers tell of uses every few seconds; so long after one it must be in the store, milliseconds. */
const useToldWithin = 30_000;

/**
 * So many keys or credentials expire in one transaction: some five milliseconds, in which nobody else writes and nothing else
 * has the event loop.
 */
const batchSize = 5;

const living = ['AVAILABLE', 'DISABLED'] as const;

type Db = Kysely<Tables> | Transaction<Tables>;

/**
 * Writes EXPIRED into CloudKeys whose `expires_at` has passed. Requests are refused from that moment on in any case; what
 * this adds is the record and the audit event. Returns how many.
 */
export async function expireKeys(context: VaultContext, mayGoOn?: () => Promise<boolean>): Promise<number> {
  const now = context.now().toISOString();
  let expired = 0;
  for (const state of living)
    await paced(async () => {
      if ((await dueKeys(context.store.db, state, now).limit(1).executeTakeFirst()) === undefined)
        return false;
      expired += await expireSome(context, state, now);
      return true;
    }, mayGoOn);
  return expired;
}

async function expireSome(
  context: VaultContext,
  state: (typeof living)[number],
  now: string,
): Promise<number> {
  const act = systemAct(context, 'schedule');
  return context.store.change(act, async (trx) => {
    const due = await dueKeys(trx, state, now).limit(batchSize).execute();
    for (const { vault_id, ...before } of due) await expireKey(trx, act, vault_id, before);
    return due.length;
  });
}

/** Withdraws XKS credentials whose `expires_at` has passed; they open nothing from that moment on in any case. */
export async function expireCredentials(
  context: VaultContext,
  mayGoOn?: () => Promise<boolean>,
): Promise<number> {
  const now = context.now().toISOString();
  const act = systemAct(context, 'schedule');
  let expired = 0;
  await paced(async () => {
    if ((await expiredCredentials(context.store.db, now).limit(1).executeTakeFirst()) === undefined)
      return false;
    expired += await context.store.change(act, async (trx) => {
      const due = await expiredCredentials(trx, now).limit(batchSize).execute();
      // It ended when it said it would, however late that is written.
      for (const credential of due)
        await endCredential(trx, act, credential, 'EXPIRED', credential.expires_at ?? now);
      return due.length;
    });
    return true;
  }, mayGoOn);
  return expired;
}

/**
 * Retires XKS credentials that were rotated: the successor has been seen and is live, and the old one has been quiet for
 * as long as was asked. Quiet is only what somebody could have heard: the time before `listeningSince`, when this node was
 * down or its clock stood elsewhere, does not count, nor that before there was a successor.
 */
export async function retireCredentials(
  context: VaultContext,
  listeningSince: Date,
  mayGoOn?: () => Promise<boolean>,
): Promise<number> {
  const now = context.now();
  const act = systemAct(context, 'schedule');
  let retired = 0;
  await paced(async () => {
    if ((await quietCredentials(context.store.db, now, listeningSince)).length === 0) return false;
    retired += await context.store.change(act, async (trx) => {
      const quiet = (await quietCredentials(trx, now, listeningSince)).slice(0, batchSize);
      for (const credential of quiet) await endCredential(trx, act, credential, 'RETIRED', now.toISOString());
      return quiet.length;
    });
    return true;
  }, mayGoOn);
  return retired;
}

function dueKeys(db: Db, state: (typeof living)[number], now: string) {
  return db
    .selectFrom('cloud_keys')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .selectAll('cloud_keys')
    .select('key_sets.vault_id')
    .where('state', '=', state)
    .where('expires_at', '<=', now)
    .orderBy('expires_at');
}

function liveCredentials(db: Db) {
  return db
    .selectFrom('xks_credentials')
    .innerJoin('key_sets', 'key_sets.id', 'xks_credentials.key_set_id')
    .select([
      'xks_credentials.access_key_id',
      'xks_credentials.row_version',
      'xks_credentials.expires_at',
      'xks_credentials.retire_after_minutes',
      'xks_credentials.successor',
      'key_sets.name',
      'key_sets.vault_id',
    ])
    .where('xks_credentials.withdrawn_at', 'is', null);
}

function expiredCredentials(db: Db, now: string) {
  return liveCredentials(db).where('xks_credentials.expires_at', '<=', now);
}

async function quietCredentials(db: Db, now: Date, listeningSince: Date) {
  const rows = await liveCredentials(db)
    .innerJoin('xks_credentials as next', 'next.access_key_id', 'xks_credentials.successor')
    .innerJoin('uses as next_use', (join) =>
      join.onRef('next_use.id', '=', 'next.access_key_id').on('next_use.kind', '=', 'credential'),
    )
    .leftJoin('uses as use', (join) =>
      join.onRef('use.id', '=', 'xks_credentials.access_key_id').on('use.kind', '=', 'credential'),
    )
    .select(['use.last_at as last_seen', 'next.created_at as succeeded_at'])
    .where('xks_credentials.retire_after_minutes', 'is not', null)
    // An external key store that has the old one, or is being given it, may be disconnected and quiet for long.
    .where((eb) =>
      eb.not(
        eb.exists(
          storesWithCredential(
            eb.ref('xks_credentials.key_set_id'),
            eb.ref('xks_credentials.access_key_id'),
          ).where('external_key_stores.state', '<>', 'NOT_FOUND'),
        ),
      ),
    )
    // Where the new one opens nothing any more, the old one is all that AWS has.
    .where('next.withdrawn_at', 'is', null)
    .where((eb) => eb.or([eb('next.expires_at', 'is', null), eb('next.expires_at', '>', now.toISOString())]))
    .execute();
  return rows.filter(({ retire_after_minutes, last_seen, succeeded_at }) => {
    const quietSince = Math.max(
      last_seen === null ? 0 : Date.parse(last_seen),
      Date.parse(succeeded_at),
      listeningSince.getTime(),
    );
    return now.getTime() - quietSince >= (retire_after_minutes ?? Infinity) * 60_000 + useToldWithin;
  });
}
