import { expressionBuilder, type Expression, type Selectable } from 'kysely';
import type { ExternalKeyStoreTable, Tables } from '../../store/schema.ts';
import type { Reading } from '../../vault/edits.ts';
import type { Change } from '../controller/resource.ts';
import { beginsWith } from '../../vault/begins-with.ts';
import type { VaultContext, Sight } from '../../vault/context.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import { notByIndex, readPage, type Page, type PageInput } from '../../vault/page.ts';
import { seenBy } from '../../vault/sight.ts';
import { VaultError } from '../../vault/vault-error.ts';

export type ExternalKeyStore = Selectable<ExternalKeyStoreTable>;
export type StoreChange = Change<'external_key_stores'>;

export const storeOrders = {
  name: 'external_key_stores.name',
  region: 'external_key_stores.region',
  createdAt: 'external_key_stores.created_at',
  updatedAt: 'external_key_stores.updated_at',
} as const;

export interface StoreFilter {
  region?: string | undefined;
}

export async function listExternalKeyStores(
  { store }: Pick<VaultContext, 'store'>,
  keySet: Pick<KeySet, 'id'>,
  { region }: StoreFilter,
  page: PageInput,
): Promise<Page<ExternalKeyStore>> {
  let query = store.db.selectFrom('external_key_stores').selectAll().where('key_set_id', '=', keySet.id);
  if (region !== undefined) query = query.where('region', '=', region);
  // One for each Region.
  return readPage(query, 'few', storeOrders, 'external_key_stores.id', page);
}

export interface StoreInVaultFilter extends StoreFilter {
  /** Ours, or AWS's. */
  id?: string | undefined;
  /** Beginning of the name. */
  name?: string | undefined;
  cspAccountId?: string | undefined;
}

/** With what is shown of its key set. */
export type ListedStore = ExternalKeyStore & {
  key_set_name: string;
  path_prefix: string;
  /** Whether the key set is an external key store. */
  served: number;
};

/** Of all key sets of the vault that are seen. */
export async function listStoresInVault(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
  sight: Sight,
  { id, name, region, cspAccountId }: StoreInVaultFilter,
  page: PageInput,
): Promise<Page<ListedStore>> {
  // In the order of the list: `external_key_stores` alone says which are looked at; the key set is looked up for each.
  let query = store.db
    .selectFrom('external_key_stores')
    .innerJoin('key_sets', 'key_sets.id', 'external_key_stores.key_set_id')
    .selectAll('external_key_stores')
    .select([
      'key_sets.name as key_set_name',
      'key_sets.path_prefix',
      'key_sets.external_key_store as served',
    ])
    .where('external_key_stores.vault_id', '=', vaultId)
    .where((eb) => eb(notByIndex(eb.ref('key_sets.vault_id')), '=', vaultId))
    .where((eb) => seenBy(notByIndex(eb.ref('key_sets.admin_group_id')), sight));
  if (id !== undefined)
    query = query.where((eb) =>
      eb.or([
        eb('external_key_stores.id', '=', id.toLowerCase()),
        eb('external_key_stores.custom_key_store_id', '=', id),
      ]),
    );
  if (name !== undefined) query = query.where((eb) => beginsWith(eb.ref('external_key_stores.name'), name));
  if (region !== undefined)
    query = query.where((eb) => eb(notByIndex(eb.ref('external_key_stores.region')), '=', region));
  if (cspAccountId !== undefined)
    query = query.where((eb) =>
      eb(notByIndex(eb.ref('external_key_stores.csp_account_id')), '=', cspAccountId),
    );
  const through = store.db
    .selectFrom('external_key_stores')
    .where('external_key_stores.vault_id', '=', vaultId);
  return readPage(query, id === undefined ? through : 'few', storeOrders, 'external_key_stores.id', page);
}

/** Throws VaultError `not-found`. */
export async function getExternalKeyStore(
  { store }: Pick<VaultContext, 'store'>,
  keySet: Pick<KeySet, 'id'>,
  id: string,
): Promise<ExternalKeyStore> {
  return findStoreIn(store.db, keySet, id);
}

/** The same within a transaction. */
export async function findStoreIn(
  db: Reading,
  keySet: Pick<KeySet, 'id'>,
  id: string,
): Promise<ExternalKeyStore> {
  const row = await db
    .selectFrom('external_key_stores')
    .selectAll()
    .where('id', '=', id)
    .where('key_set_id', '=', keySet.id)
    .executeTakeFirst();
  if (row === undefined) throw new VaultError('not-found', 'the key set has no such external key store');
  return row;
}

/** The one of the key set in this Region: there is one at the most. */
export async function storeInRegion(
  db: Reading,
  keySet: Pick<KeySet, 'id'>,
  region: string,
): Promise<ExternalKeyStore | undefined> {
  return db
    .selectFrom('external_key_stores')
    .selectAll()
    .where('key_set_id', '=', keySet.id)
    .where('region', '=', region)
    .executeTakeFirst();
}

/**
 * Whether a store of the key set has the credential, or is about to be given it. What stores of others say is no matter:
 * their AWS accounts may name any access key id.
 */
export async function isOfStore(
  db: Reading,
  { id }: Pick<KeySet, 'id'>,
  accessKeyId: string,
): Promise<boolean> {
  const store = await db
    .selectFrom('external_key_stores')
    .select('id')
    .where('key_set_id', '=', id)
    .where((eb) =>
      eb.or([eb('access_key_id', '=', accessKeyId), eb('pending_access_key_id', '=', accessKeyId)]),
    )
    .executeTakeFirst();
  return store !== undefined;
}

/** Head of an audit event. */
export function storeEntry(verb: string, { id, name, vault_id }: ExternalKeyStore) {
  return {
    action: `external-key-store.${verb}`,
    vaultId: vault_id,
    target: { kind: 'external-key-store', id, name },
  };
}

/** The record as the audit trail shows it. */
export function auditedStore(row: ExternalKeyStore): Record<string, unknown> {
  return {
    name: row.name,
    keySetId: row.key_set_id,
    cspAccountId: row.csp_account_id,
    region: row.region,
    customKeyStoreId: row.custom_key_store_id,
    origin: row.origin,
    connectivity: row.connectivity,
    uriEndpoint: row.uri_endpoint,
    uriPath: row.uri_path,
    vpcEndpointServiceName: row.vpc_endpoint_service_name,
    vpcEndpointServiceOwner: row.vpc_endpoint_service_owner,
    accessKeyId: row.access_key_id,
    pendingAccessKeyId: row.pending_access_key_id,
    wanted: row.wanted,
    state: row.state,
    connectionError: row.connection_error,
  };
}

/** For a query on credentials: the key stores of this one's key set that have it in AWS, or are being given it. */
export function storesWithCredential(keySetId: Expression<string>, accessKeyId: Expression<string>) {
  return expressionBuilder<Tables>()
    .selectFrom('external_key_stores')
    .select('external_key_stores.id')
    .where('external_key_stores.key_set_id', '=', keySetId)
    .where((eb) =>
      eb.or([
        eb('external_key_stores.access_key_id', '=', accessKeyId),
        eb('external_key_stores.pending_access_key_id', '=', accessKeyId),
      ]),
    );
}
