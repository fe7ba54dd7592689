import type { Act } from '../evidence/trail.ts';
import { leaveUnrecorded } from '../store/act-transaction.ts';
import { serves } from '../store/read-back.ts';
import type { Store } from '../store/store.ts';
import { isRotationDue } from './encryption-limits.ts';
import { maxAct, type LeftKeyObject } from './interrupted.ts';
import { versionToMake, type VersionToMake } from './key-generation.ts';
import { activateVersion, beginVersion, isBeingRotated, isRotatable, readKeyAndSet } from './key-versions.ts';
import { systemAct } from '../vault/system-act.ts';

/*
 * The steps of a rotation at the limit as they are written. Whoever asks faces the network: what is asked for is done only
 * where the record, in the same transaction, says that it is due, and only to a version that the asker has begun.
 */

/** Asks for a version to be begun after `current`. Who asks is said by who hands it on, never by the asker itself. */
export interface BeginAsk {
  cloudKeyId: string;
  current: number;
}

/** A version that is on record as PENDING, for the asker to make the key object of. */
export interface BegunVersion extends VersionToMake {
  token: string;
}

export interface ActivateAsk {
  cloudKeyId: string;
  version: number;
  /** Base64; null for a key that can have none. */
  proof: string | null;
}

export interface TakeBackAsk extends Pick<ActivateAsk, 'cloudKeyId' | 'version'> {
  keyObject: LeftKeyObject;
}

/** What was asked for can never be written: the store is well, and refuses it. Asking again changes nothing. */
export class WriteRefusedError extends Error {}

/** Each resolves once it is in the store, however long that takes. Rejects where it may not be; {@link WriteRefusedError} where never. */
export interface VersionWrites {
  /** Null where no rotation is due at the limit, or another process is at it. The same version again for who asks twice. */
  begin: (ask: BeginAsk) => Promise<BegunVersion | null>;
  /** The current version afterwards, 0 where the version is gone with its CloudKey. Left as it is: what is not PENDING, or not the asker's, any more. */
  activate: (ask: ActivateAsk) => Promise<number>;
  takeBack: (ask: TakeBackAsk) => Promise<void>;
}

type Written = Pick<Store, 'db' | 'change'>;

/**
 * Done though the store has lost changes: a new version takes nothing away, and without it a key comes to where it encrypts no more. Where
 * the lost time had one of the same number, the token refuses to make another: that stays for reconcile.
 */
function actAtLimit(now: () => Date): Act {
  return { ...systemAct({ now }, 'encryption limit'), despiteLoss: true };
}

/** Steps that are written here, into `store`, for the process `madeBy` as the record of a version has it. */
export function versionWritesInto(store: Written, now: () => Date, madeBy: string): VersionWrites {
  return {
    begin: async (ask) => beginAtLimit(store, now, madeBy, ask),
    activate: async (ask) => activateAtLimit(store, now, madeBy, ask),
    takeBack: async (ask) => takeBackAtLimit(store, now, madeBy, ask),
  };
}

async function beginAtLimit(
  store: Written,
  now: () => Date,
  madeBy: string,
  { cloudKeyId, current }: BeginAsk,
): Promise<BegunVersion | null> {
  return store.change(actAtLimit(now), async (trx) => {
    leaveUnrecorded(trx, 'being made');
    serves(trx);
    const found = await readKeyAndSet(trx, cloudKeyId);
    if (found === undefined) return null;
    const { key, keySet } = found;
    if (key.current_version !== current || !isRotatable(key, trx.at)) return null;
    const leased = await trx
      .selectFrom('key_versions')
      .select('encryptions_leased')
      .where('cloud_key_id', '=', cloudKeyId)
      .where('version', '=', current)
      .executeTakeFirst();
    if (leased === undefined || !isRotationDue(leased.encryptions_leased)) return null;
    const own = await trx
      .selectFrom('key_versions')
      .select('version')
      .where('cloud_key_id', '=', cloudKeyId)
      .where('state', '=', 'PENDING')
      .where('made_by', '=', madeBy)
      .where('version', '>', current)
      .executeTakeFirst();
    // There is time: what reconcile, or who has begun it, may yet end is not made a second time.
    if (own === undefined && (await isBeingRotated(trx, key, trx.at, maxAct))) return null;
    const version = own?.version ?? (await beginVersion(trx, madeBy, key, trx.at));
    return { ...versionToMake(keySet, key, version), token: keySet.token };
  });
}

async function activateAtLimit(
  store: Written,
  now: () => Date,
  madeBy: string,
  { cloudKeyId, version, proof }: ActivateAsk,
): Promise<number> {
  const begun = await store.db
    .selectFrom('key_versions')
    .select('created_at')
    .where('cloud_key_id', '=', cloudKeyId)
    .where('version', '=', version)
    .executeTakeFirst();
  // Gone with its CloudKey: waiting brings neither back.
  if (begun === undefined) return 0;
  const { current_version } = await activateVersion(
    { store, now },
    { ...actAtLimit(now), at: new Date(begun.created_at) },
    { id: cloudKeyId },
    version,
    'limit',
    proof === null ? null : Buffer.from(proof, 'base64'),
    madeBy,
  );
  return current_version;
}

/** A worker's hosts destroy nothing: what a failure may have left in the token is left to reconcile. */
async function takeBackAtLimit(
  store: Written,
  now: () => Date,
  madeBy: string,
  { cloudKeyId, version, keyObject }: TakeBackAsk,
): Promise<void> {
  await store.change(actAtLimit(now), async (trx) => {
    leaveUnrecorded(trx, 'being made');
    serves(trx);
    if (keyObject === 'none')
      await trx
        .deleteFrom('key_versions')
        .where('cloud_key_id', '=', cloudKeyId)
        .where('version', '=', version)
        .where('state', '=', 'PENDING')
        .where('made_by', '=', madeBy)
        .execute();
    else
      await trx
        .updateTable('key_versions')
        .set({ made_by: '', ...(keyObject === 'left' ? { state: 'DESTROYING' as const } : {}) })
        .where('cloud_key_id', '=', cloudKeyId)
        .where('version', '=', version)
        .where('state', '=', 'PENDING')
        .where('made_by', '=', madeBy)
        .execute();
  });
}
