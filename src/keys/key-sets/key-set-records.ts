import { type Selectable } from 'kysely';
import { beginsWith } from '../../vault/begins-with.ts';
import type { KeySetTable } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import type { Reading } from '../../vault/edits.ts';
import type { VaultContext, Sight } from '../../vault/context.ts';
import { notByIndex, readPage, type Page, type PageInput } from '../../vault/page.ts';
import { seenBy } from '../../vault/sight.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { vaultIsThawed } from '../../vault/vault-frozen.ts';

export type KeySet = Selectable<KeySetTable>;
/** Since when its vault is frozen as a whole, by the vault itself and by the appliance. */
export interface FreezesOfVault {
  vault_frozen_at: string | null;
  appliance_frozen_at: string | null;
}

/** With how many CloudKeys it has that are not DELETED. */
export type CountedKeySet = KeySet & { cloud_keys: number } & FreezesOfVault;

/** Whether a request for one of its keys is refused whatever the key is. */
export function isFrozen(keySet: KeySet & FreezesOfVault): boolean {
  return [keySet.frozen_at, keySet.vault_frozen_at, keySet.appliance_frozen_at].some((at) => at !== null);
}

export interface KeySetFilter {
  /** Beginning of the name. */
  name?: string | undefined;
  state?: 'ACTIVE' | 'FROZEN' | undefined;
  adminGroupId?: string | undefined;
  cspAccountId?: string | undefined;
  token?: string | undefined;
}

/** What a list may be sorted by. */
export const keySetOrders = {
  name: 'key_sets.name',
  createdAt: 'key_sets.created_at',
  updatedAt: 'key_sets.updated_at',
} as const;

export async function listKeySets(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
  sight: Sight,
  filter: KeySetFilter,
  page: PageInput,
): Promise<Page<CountedKeySet>> {
  let query = seenKeySets(store.db, vaultId, sight);
  const { name, state, adminGroupId, cspAccountId, token } = filter;
  if (name !== undefined) query = query.where((eb) => beginsWith(eb.ref('name'), name));
  if (state !== undefined)
    query = query.where((eb) => {
      const thawed = eb.and([eb('frozen_at', 'is', null), vaultIsThawed('key_sets.vault_id')]);
      return state === 'FROZEN' ? eb.not(thawed) : thawed;
    });
  if (adminGroupId !== undefined)
    query = query.where((eb) => eb(notByIndex(eb.ref('admin_group_id')), '=', adminGroupId));
  if (cspAccountId !== undefined)
    query = query.where((eb) => eb(notByIndex(eb.ref('csp_account_id')), '=', cspAccountId));
  if (token !== undefined) query = query.where((eb) => eb(notByIndex(eb.ref('token')), '=', token));
  const through = store.db.selectFrom('key_sets').where('key_sets.vault_id', '=', vaultId);
  return readPage(query, through, keySetOrders, 'key_sets.id', page);
}

/** Throws VaultError `not-found`. */
export async function getKeySet(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
  sight: Sight,
  id: string,
): Promise<CountedKeySet> {
  return findKeySetIn(store.db, vaultId, sight, id);
}

/** The same within a transaction. */
export async function findKeySetIn(
  db: Reading,
  vaultId: string,
  sight: Sight,
  id: string,
): Promise<CountedKeySet> {
  const keySet = await seenKeySets(db, vaultId, sight).where('key_sets.id', '=', id).executeTakeFirst();
  if (keySet === undefined) throw new VaultError('not-found', 'there is no such key set');
  return keySet;
}

/** By name or id, of whichever vault, for those who serve all of them. Throws VaultError `not-found`, `conflict`. */
export async function findKeySet({ db }: Pick<Store, 'db'>, nameOrId: string): Promise<KeySet> {
  const [keySet, second] = await db
    .selectFrom('key_sets')
    .selectAll()
    .where((eb) => eb.or([eb('name', '=', nameOrId), eb('id', '=', nameOrId)]))
    .limit(2)
    .execute();
  if (keySet === undefined) throw new VaultError('not-found', 'there is no such key set');
  if (second !== undefined)
    throw new VaultError('conflict', 'more than one vault has a key set of this name', 'use its id');
  return keySet;
}

/** Head of an audit event. */
export function keySetEntry(verb: string, { id, name, vault_id }: KeySet) {
  return { action: `key-set.${verb}`, vaultId: vault_id, target: { kind: 'key-set', id, name } };
}

/** The record as the audit trail shows it. */
export function auditedKeySet(row: KeySet): Record<string, unknown> {
  return {
    name: row.name,
    description: row.description,
    adminGroupId: row.admin_group_id,
    cspAccountId: row.csp_account_id,
    token: row.token,
    externalKeyStore: row.external_key_store === 1,
    pathPrefix: row.path_prefix,
    rotationDays: row.rotation_days,
    state: row.frozen_at === null ? 'ACTIVE' : 'FROZEN',
    quota:
      row.quota_rate === null
        ? null
        : { requestsPerSecond: row.quota_rate, burst: row.quota_burst ?? row.quota_rate },
  };
}

function seenKeySets(db: Reading, vaultId: string, sight: Sight) {
  return (
    db
      .selectFrom('key_sets')
      .selectAll('key_sets')
      .select((eb) =>
        eb
          .selectFrom('cloud_keys')
          .select((of) => of.fn.countAll<number>().as('n'))
          .whereRef('cloud_keys.key_set_id', '=', 'key_sets.id')
          .where('cloud_keys.state', '<>', 'DELETED')
          .$asScalar()
          .$notNull()
          .as('cloud_keys'),
      )
      .select((eb) => {
        const ofVault = eb.selectFrom('vaults').whereRef('vaults.id', '=', 'key_sets.vault_id');
        return [
          ofVault.select('vaults.frozen_at').$asScalar().as('vault_frozen_at'),
          ofVault.select('vaults.appliance_frozen_at').$asScalar().as('appliance_frozen_at'),
        ];
      })
      .where('key_sets.vault_id', '=', vaultId)
      .where('key_sets.removed_at', 'is', null)
      // The rows of a deleted vault stay, for what must never be used again.
      .where((eb) =>
        eb.exists(
          eb
            .selectFrom('vaults')
            .select('vaults.id')
            .where('vaults.id', '=', vaultId)
            .where('deleted_at', 'is', null),
        ),
      )
      .where((eb) => seenBy(notByIndex(eb.ref('key_sets.admin_group_id')), sight))
  );
}

export interface KeySetWarning {
  code: string;
  message: string;
  remediation: string;
}

/** What does not hinder the key set itself, and is found late and far from here where nobody tells of it. */
export async function keySetWarnings(db: Reading, keySet: KeySet): Promise<KeySetWarning[]> {
  if (keySet.path_prefix !== '' || keySet.external_key_store === 0) return [];
  // Of whichever vault: that some key set has no prefix is told to everybody by 401 in place of 404.
  const other = await db
    .selectFrom('key_sets')
    .select('id')
    .where('path_prefix', '=', '')
    .where('external_key_store', '=', 1)
    .where('removed_at', 'is', null)
    .where('id', '<>', keySet.id)
    .limit(1)
    .executeTakeFirst();
  if (other === undefined) return [];
  return [
    {
      code: 'path-shared',
      message:
        'another key set of this node has no path prefix either; AWS KMS has each pair of proxy endpoint and path once in an AWS account and Region, so that only one of the two can be an external key store there',
      remediation:
        'give one of them a path prefix while it has no CloudKeys and no credentials (holdfast key-set edit KEY-SET --path-prefix PREFIX); or take another host name of the proxy as its endpoint, or another AWS account or Region',
    },
  ];
}
