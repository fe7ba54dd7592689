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
    description: 'Of all its key sets that the caller sees. As AWS was last seen to have them.',
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
    description: 'One for each AWS Region at the most. As AWS was last seen to have them.',
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
    summary: 'Make the external key store of a key set in a Region',
    description:
      'Issues an XKS credential of its own and gives it to AWS with CreateCustomKeyStore. AWS KMS tries a public endpoint ' +
      'while it makes the key store. Where an earlier try was cut off this goes on with it. With `make` false, or where ' +
      'the key set’s CSP account does not sign in to AWS, it is only written down: see `console` for what to enter there.',
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
    summary: 'Look in AWS for external key stores that may be the key set’s',
    description:
      'Asks AWS for those of the account and Region, and lists the ones whose path, endpoint or credential is the key ' +
      'set’s or used beside it.',
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
    summary: 'Link an external key store that was made in AWS by hand',
    description:
      'It is looked at where the key set’s CSP account signs in to AWS, and its path must be the key set’s. Otherwise its ' +
      'id is written down as it is told.',
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
    description: 'As AWS was last seen to have it; `refresh` looks now.',
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
      'In AWS too. The name at any time; endpoint, connectivity and VPC endpoint service only while it is disconnected, ' +
      'or with `disconnect`. Of one by hand, what a person has done in AWS: its id, its state.',
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
    method: 'DELETE',
    path: `${path}/{externalKeyStoreId}`,
    tag,
    summary: 'Delete an external key store',
    description:
      'In AWS too. AWS KMS deletes only one that is disconnected and has no KMS keys. One that was made by Holdfast takes ' +
      'its XKS credential along.',
    access: write,
    params: one,
    query: z.strictObject({
      disconnect: flag('Disconnect it first where it is connected; then it is deleted by itself.'),
      forget: flag('Take only the record away, and leave in AWS what is there.'),
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
