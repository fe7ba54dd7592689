import { z } from 'zod';
import { updateExternalKeyStore } from '../../cloud/key-stores/edits.ts';
import { findCandidates, linkExternalKeyStore } from '../../cloud/key-stores/links.ts';
import {
  getExternalKeyStore,
  listExternalKeyStores,
  listStoresInVault,
  storeOrders,
  type ExternalKeyStore,
} from '../../cloud/key-stores/records.ts';
import { viewsAcross, viewsOf } from '../../cloud/key-stores/view.ts';
import { createExternalKeyStore, deleteExternalKeyStore } from '../../cloud/key-stores/key-stores.ts';
import { type KeySet } from '../../keys/key-sets/key-sets.ts';
import {
  linkBody,
  newStoreBody,
  showCandidate,
  shownCandidate,
  shownDeletion,
  shownStore,
  showStore,
  storeEditBody,
} from './external-key-store-forms.ts';
import { namePrefix, region, vaultId } from '../keys/key-forms.ts';
import { pageOf, pageOfWhole, pageQuery, pageInput, wholeQuery } from '../page-query.ts';
import { callerOf, route, shownPage, type Route } from '../route.ts';

import { externalKeyStoreActRoutes } from './external-key-store-acts.ts';
import {
  inKeySet,
  keySetOf,
  one,
  onStore,
  path,
  problems,
  read,
  shown,
  tag,
  write,
  type InKeySet,
} from './external-key-store-routes.ts';

export const externalKeyStoreRoutes: readonly Route[] = [
  route({
    operation: 'listExternalKeyStoresInVault',
    method: 'GET',
    path: '/vaults/{vaultId}/external-key-stores',
    tag,
    summary: 'List the external key stores of a vault',
    description: 'Those of all key sets that the caller may see, as last seen in AWS.',
    access: read,
    params: z.strictObject({ vaultId }),
    query: z.strictObject({
      id: z
        .string()
        .min(1)
        .max(64)
        .optional()
        .describe('Only the one with this id, or with this id in AWS (`cks-…`).'),
      name: namePrefix,
      region: region.optional().describe('Only those in this Region.'),
      cspAccountId: z.uuid().optional().describe('Only those in the AWS account of this CSP account.'),
      ...pageQuery(storeOrders),
    }),
    answer: pageOf(shownStore, 'ExternalKeyStore'),
    handle: async ({ services, caller, params, query }) => {
      const { sight } = callerOf({ caller });
      const page = await listStoresInVault(services, params.vaultId, sight, query, pageInput(query));
      const stores = page.items.map(({ key_set_name: name, path_prefix, served, ...row }) => ({
        row,
        keySet: { id: row.key_set_id, name, path_prefix, external_key_store: served },
      }));
      return shownPage({ items: await viewsAcross(services, stores), next: page.next }, showStore);
    },
  }),
  route({
    operation: 'listExternalKeyStores',
    method: 'GET',
    path,
    tag,
    summary: 'List the external key stores of a key set',
    description: 'At most one for each AWS Region, as last seen in AWS.',
    access: read,
    params: inKeySet,
    query: z.strictObject({
      region: region.optional().describe('Only the one in this Region.'),
      ...pageQuery(storeOrders),
    }),
    answer: pageOf(shownStore, 'ExternalKeyStore'),
    handle: async (call) => {
      const keySet = await keySetOf(call);
      const { items, next } = await listExternalKeyStores(
        call.services,
        keySet,
        call.query,
        pageInput(call.query),
      );
      return shownPage({ items: await viewsOf(call.services, keySet, items), next }, showStore);
    },
  }),
  route({
    operation: 'createExternalKeyStore',
    method: 'POST',
    path,
    tag,
    summary: 'Create the external key store of a key set in a Region',
    description:
      'Issues a dedicated XKS credential and gives it to AWS with CreateCustomKeyStore. AWS KMS calls a public ' +
      'endpoint while it creates the key store. Continues an earlier attempt that was interrupted. With `make` ' +
      'false, or if the key set’s CSP account is manual, only a record is created: `console` returns what to ' +
      'enter in AWS.',
    access: write,
    params: inKeySet,
    body: newStoreBody,
    answer: shownStore,
    problems,
    creates: { again: madeBefore },
    handle: async (call) => {
      const keySet = await keySetOf(call);
      return made(call, keySet, await createExternalKeyStore(call.services, call.act, keySet, call.body));
    },
  }),
  route({
    operation: 'listExternalKeyStoreCandidates',
    method: 'GET',
    path: `${path}/candidates`,
    tag,
    summary: 'Find external key stores in AWS that may belong to the key set',
    description:
      'Lists those of the AWS account and Region whose path, endpoint or credential matches the key set.',
    access: write,
    params: inKeySet,
    query: z.strictObject({ region: region.min(1), ...wholeQuery }),
    answer: pageOf(shownCandidate, 'ExternalKeyStoreCandidate'),
    problems,
    handle: async (call) => {
      const found = await findCandidates(call.services, await keySetOf(call), call.query.region);
      return shownPage(
        pageOfWhole(found, call.query, ({ id }) => id),
        showCandidate,
      );
    },
  }),
  route({
    operation: 'linkExternalKeyStore',
    method: 'POST',
    path: `${path}/link`,
    tag,
    summary: 'Link an external key store that was created in AWS manually',
    description:
      'If the key set’s CSP account signs in to AWS, the key store is read there, and its path must match the ' +
      'key set’s. Otherwise its id is recorded as given.',
    access: write,
    params: inKeySet,
    body: linkBody,
    answer: shownStore,
    problems,
    creates: { again: madeBefore },
    handle: async (call) => {
      const keySet = await keySetOf(call);
      return made(call, keySet, await linkExternalKeyStore(call.services, call.act, keySet, call.body));
    },
  }),
  route({
    operation: 'getExternalKeyStore',
    method: 'GET',
    path: `${path}/{externalKeyStoreId}`,
    tag,
    summary: 'Show an external key store',
    description: 'As last seen in AWS; `refresh` reads it now.',
    access: read,
    params: one,
    answer: shownStore,
    handle: async (call) => {
      const keySet = await keySetOf(call);
      const { externalKeyStoreId } = call.params;
      return shown(call, keySet, await getExternalKeyStore(call.services, keySet, externalKeyStoreId));
    },
  }),
  route({
    operation: 'updateExternalKeyStore',
    method: 'PATCH',
    path: `${path}/{externalKeyStoreId}`,
    tag,
    summary: 'Change an external key store',
    description:
      'Changes it in AWS too: the name at any time; endpoint, connectivity and VPC endpoint service only while ' +
      'it is disconnected, or with `disconnect`. For a manual one, records what a person did in AWS: its id ' +
      'and state.',
    access: write,
    params: one,
    body: storeEditBody,
    answer: shownStore,
    problems,
    changes: true,
    handle: async (call) => {
      const on = await onStore(call);
      return shown(call, on.keySet, await updateExternalKeyStore(call.services, call.act, on, call.body));
    },
  }),
  route({
    operation: 'deleteExternalKeyStore',
    takesAway: true,
    method: 'DELETE',
    path: `${path}/{externalKeyStoreId}`,
    tag,
    summary: 'Delete an external key store',
    description:
      'Deletes it in AWS too. AWS KMS requires it to be disconnected and to have no KMS keys. If Holdfast ' +
      'created it, its XKS credential is withdrawn as well.',
    access: write,
    params: one,
    query: z.strictObject({
      disconnect: flag('Disconnect it first if it is connected; it is deleted once that is done.'),
      forget: flag('Remove only the record, and leave the key store in AWS as it is.'),
    }),
    answer: shownDeletion,
    problems,
    changes: true,
    handle: async (call) => {
      const on = await onStore(call);
      const left = await deleteExternalKeyStore(call.services, call.act, on, call.query);
      const [view] = left === undefined ? [] : await viewsOf(call.services, on.keySet, [left]);
      return {
        body: { deleted: view === undefined, externalKeyStore: view === undefined ? null : showStore(view) },
        ...(left === undefined ? {} : { rowVersion: left.row_version }),
      };
    },
  }),
  ...externalKeyStoreActRoutes,
];

function flag(description: string) {
  return z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .describe(description);
}

async function made(call: InKeySet, keySet: KeySet, row: ExternalKeyStore) {
  const { vaultId, keySetId } = call.params;
  return {
    ...(await shown(call, keySet, row)),
    status: 201,
    location: `/vaults/${vaultId}/key-sets/${keySetId}/external-key-stores/${row.id}`,
  };
}

/** What a repetition of the request that made it is told. */
async function madeBefore(call: InKeySet, id: string) {
  const keySet = await keySetOf(call);
  return made(call, keySet, await getExternalKeyStore(call.services, keySet, id));
}
