import { sql, type Selectable, type Transaction } from 'kysely';
import { restricts } from '../store/read-back.ts';
import type { CloudKeyState, CloudKeyTable, KeyVersionTable, Tables } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Reading } from '../vault/edits.ts';
import type { VaultContext, Sight } from '../vault/context.ts';
import type { KeySet } from './key-sets/key-set-records.ts';
import { notByIndex, readPage, type Page, type PageInput } from '../vault/page.ts';
import { seenBy } from '../vault/sight.ts';
import { timesUsed, used } from './used.ts';
import { VaultError } from '../vault/vault-error.ts';

export type CloudKeyRecord = Omit<Selectable<CloudKeyTable>, 'listed_in'>;
export type KeyVersionRecord = Selectable<KeyVersionTable>;
/** With what its key set says of it, and how often and when it was last used. */
export type UsedCloudKey = CloudKeyRecord & {
  key_set_name: string;
  frozen_since: string | null;
  encrypts: number;
  last_encrypt_at: string | null;
  decrypts: number;
  last_decrypt_at: string | null;
};

/** What AWS may do with a CloudKey. */
export interface Usage {
  encrypt: boolean;
  decrypt: boolean;
}

/** Its state at a moment: it is EXPIRED from `expires_at` on, whether the schedule has written so or not. */
export function keyState(
  { state, expires_at }: Pick<CloudKeyRecord, 'state' | 'expires_at'>,
  now: Date,
): CloudKeyState {
  const mayExpire = state === 'AVAILABLE' || state === 'DISABLED';
  return mayExpire && expires_at !== null && expires_at <= now.toISOString() ? 'EXPIRED' : state;
}

/** What a request for it meets: a key set or vault that is FROZEN stops all that would be served. */
export function effectiveState(
  key: Pick<UsedCloudKey, 'state' | 'expires_at' | 'frozen_since'>,
  now: Date,
): CloudKeyState | 'FROZEN' {
  const state = keyState(key, now);
  return state === 'AVAILABLE' && key.frozen_since !== null ? 'FROZEN' : state;
}

/** A CloudKey of the vault, DELETED ones too. Throws VaultError `not-found`. */
export async function getCloudKey(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
  sight: Sight,
  id: string,
): Promise<UsedCloudKey> {
  return findCloudKeyIn(store.db, vaultId, sight, id);
}

/** The same within a transaction. */
export async function findCloudKeyIn(
  db: Reading,
  vaultId: string,
  sight: Sight,
  id: string,
): Promise<UsedCloudKey> {
  const key = await seenCloudKeys(db, vaultId, sight).where('cloud_keys.id', '=', id).executeTakeFirst();
  if (key === undefined) throw new VaultError('not-found', 'there is no such CloudKey');
  return key;
}

/**
 * By external key id or by id, by name within `keySet`, of whichever vault: for those who serve all of them. Throws
 * VaultError `not-found`, `conflict`.
 */
export async function findCloudKey(
  { db }: Pick<Store, 'db'>,
  idOrName: string,
  keySet?: Pick<KeySet, 'id'>,
): Promise<CloudKeyRecord> {
  let query = db
    .selectFrom('cloud_keys')
    .selectAll()
    .where((eb) =>
      eb.or([
        eb('external_key_id', '=', idOrName),
        eb('id', '=', idOrName),
        eb.and([eb('name', '=', idOrName), eb('state', '<>', 'DELETED')]),
      ]),
    );
  if (keySet !== undefined) query = query.where('key_set_id', '=', keySet.id);
  const [key, second] = await query.limit(2).execute();
  if (key === undefined) throw new VaultError('not-found', 'there is no such CloudKey');
  if (second !== undefined)
    throw new VaultError('conflict', 'more than one CloudKey has this name', 'use its external key id');
  return key;
}

/** Versions of a CloudKey that were ever begun, the first one first. */
export async function listVersions(
  { store }: Pick<VaultContext, 'store'>,
  key: Pick<CloudKeyRecord, 'id'>,
  page: Omit<PageInput, 'sort'>,
): Promise<Page<KeyVersionRecord>> {
  const through = store.db.selectFrom('key_versions').where('cloud_key_id', '=', key.id);
  return readPage(through.selectAll(), through, versionOrders, 'key_versions.version', page);
}

const versionOrders = { version: 'key_versions.version' } as const;

/** The CloudKeys of a vault that are seen, with their use. */
export function seenCloudKeys(db: Reading, vaultId: string, sight: Sight) {
  const id = 'cloud_keys.id';
  return db
    .selectFrom('cloud_keys')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .selectAll('cloud_keys')
    .select([
      'key_sets.name as key_set_name',
      frozenSince.as('frozen_since'),
      timesUsed('encrypt', id, 'encrypts'),
      used('encrypt', id, 'last_at', 'last_encrypt_at'),
      timesUsed('decrypt', id, 'decrypts'),
      used('decrypt', id, 'last_at', 'last_decrypt_at'),
    ])
    .where('key_sets.vault_id', '=', vaultId)
    .where('key_sets.removed_at', 'is', null)
    .where((eb) => seenBy(eb.ref('key_sets.admin_group_id'), sight));
}

/**
 * The same in the order of a list, of any number of keys: `cloud_keys` alone says which are looked at, and by which index;
 * whether they are seen is asked of each. With a key set, of that one.
 */
export function listedCloudKeys(db: Reading, vaultId: string, sight: Sight, keySetId: string | undefined) {
  const query = db
    .selectFrom('cloud_keys')
    .selectAll('cloud_keys')
    .select([keySetName.as('key_set_name'), frozenSince.as('frozen_since')])
    .select([
      timesUsed('encrypt', 'cloud_keys.id', 'encrypts'),
      used('encrypt', 'cloud_keys.id', 'last_at', 'last_encrypt_at'),
      timesUsed('decrypt', 'cloud_keys.id', 'decrypts'),
      used('decrypt', 'cloud_keys.id', 'last_at', 'last_decrypt_at'),
    ])
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('key_sets')
          .select('key_sets.id')
          .whereRef('key_sets.id', '=', 'cloud_keys.key_set_id')
          // By its id: it is one row, and the order of the keys stays.
          .where((inner) => inner(notByIndex(inner.ref('key_sets.vault_id')), '=', vaultId))
          .where('key_sets.removed_at', 'is', null)
          .where((inner) => seenBy(inner.ref('key_sets.admin_group_id'), sight)),
      ),
    );
  return keySetId === undefined
    ? query.where('cloud_keys.listed_in', '=', vaultId)
    : query.where('cloud_keys.key_set_id', '=', keySetId);
}

/* Not by joins, which would be another plan for the list. */

const keySetName = sql<string>`(
  select key_sets.name from key_sets where key_sets.id = cloud_keys.key_set_id
)`;

/** Its key set may be frozen, or the whole vault, by its own people or by the appliance. */
export const frozenSince = sql<string | null>`(
  select coalesce(frozen_set.frozen_at, vaults.frozen_at, vaults.appliance_frozen_at)
  from key_sets as frozen_set inner join vaults on vaults.id = frozen_set.vault_id
  where frozen_set.id = cloud_keys.key_set_id
)`;

/** What an act that takes a CloudKey out of use wrote is in the store when it is answered, or the act fails. */
export function keyWillStand(
  trx: Transaction<Tables>,
  { id, state, expires_at, deletion_at }: Pick<CloudKeyRecord, 'id' | 'state' | 'expires_at' | 'deletion_at'>,
): void {
  restricts(trx, 'the state of the CloudKey', async () => {
    const now = await trx
      .selectFrom('cloud_keys')
      .select(['state', 'expires_at', 'deletion_at'])
      .where('id', '=', id)
      .executeTakeFirst();
    return now?.state === state && now.expires_at === expires_at && now.deletion_at === deletion_at;
  });
}

/** Head of an audit event. */
export function keyEntry(verb: string, vaultId: string, { id, name }: Pick<CloudKeyRecord, 'id' | 'name'>) {
  return { action: `cloud-key.${verb}`, vaultId, target: { kind: 'cloud-key', id, name } };
}

/** The record as the audit trail shows it. */
export function auditedKey(row: CloudKeyRecord): Record<string, unknown> {
  return {
    keySetId: row.key_set_id,
    name: row.name,
    description: row.description,
    externalKeyId: row.external_key_id,
    state: row.state,
    region: row.region,
    administrators: toList(row.administrators),
    users: toList(row.users),
    encrypt: row.can_encrypt === 1,
    decrypt: row.can_decrypt === 1,
    currentVersion: row.current_version,
    rotation: row.rotation,
    rotationDays: row.rotation_days,
    expiresAt: row.expires_at,
    deletionAt: row.deletion_at,
    quota:
      row.quota_rate === null
        ? null
        : { requestsPerSecond: row.quota_rate, burst: row.quota_burst ?? row.quota_rate },
  };
}

/** A JSON list of ARNs, as the store has it. */
export function toList(json: string): string[] {
  const list: unknown = JSON.parse(json);
  if (!Array.isArray(list) || !list.every((one) => typeof one === 'string'))
    throw new TypeError('the store has something else in place of a list');
  return list;
}
