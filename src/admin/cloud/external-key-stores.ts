import { z } from 'zod';
import { defaultQuietMinutes, mostQuietMinutes } from '../../keys/credentials/credentials.ts';
import { consoleOf, rotateByHand } from '../../cloud/key-stores/console.ts';
import { accountFor, isByHand } from '../../cloud/key-stores/accounts.ts';
import { givenByHand } from '../../cloud/key-stores/by-hand.ts';
import { updateExternalKeyStore } from '../../cloud/key-stores/edits.ts';
import { findCandidates, linkExternalKeyStore } from '../../cloud/key-stores/links.ts';
import {
  getExternalKeyStore,
  listExternalKeyStores,
  listStoresInVault,
  storeOrders,
  type ExternalKeyStore,
} from '../../cloud/key-stores/records.ts';
import { viewsAcross, viewsOf, type StoreView } from '../../cloud/key-stores/view.ts';
import { refreshExternalKeyStore } from '../../cloud/key-stores/watch.ts';
import {
  connectExternalKeyStore,
  createExternalKeyStore,
  deleteExternalKeyStore,
  disconnectExternalKeyStore,
  rotateStoreCredential,
} from '../../cloud/key-stores/key-stores.ts';
import { getKeySet, type KeySet } from '../../keys/key-sets/key-sets.ts';
import {
  linkBody,
  newStoreBody,
  showByHand,
  showCandidate,
  shownByHand,
  shownCandidate,
  shownDeletion,
  shownStore,
  showStore,
  storeEditBody,
} from './external-key-store-forms.ts';
import { namePrefix, region, vaultId } from '../keys/key-forms.ts';
import { pageOf, pageOfWhole, pageQuery, pageWish, wholeQuery } from '../page-query.ts';
import type { ProblemKind } from '../problem.ts';
import { callerOf, route, shownPage, type Answer, type Call, type Route } from '../route.ts';

const tag = 'External key stores';
const path = '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores';
const keySetId = z.uuid().describe('The key set.');
const inKeySet = z.strictObject({ vaultId, keySetId });
const one = z.strictObject({
  vaultId,
  keySetId,
  externalKeyStoreId: z.uuid().describe('The external key store.'),
});
const read = { kind: 'permission', vault: 'vault.read' } as const;
const write = { kind: 'permission', vault: 'key-sets.write' } as const;
const issues = { kind: 'permission', vault: 'credentials.write' } as const;
/** What AWS may answer. */
const problems: readonly ProblemKind[] = ['conflict', 'aws', 'aws-busy'];

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
      const page = await listStoresInVault(services, params.vaultId, sight, query, pageWish(query));
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
        pageWish(call.query),
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
  route({
    operation: 'connectExternalKeyStore',
    method: 'POST',
    path: `${path}/{externalKeyStoreId}/connect`,
    tag,
    summary: 'Connect an external key store',
    description:
      'AWS takes about five minutes; the state is CONNECTED or FAILED then. A FAILED one is disconnected first, as AWS ' +
      'asks: `wanted` stays CONNECT until that is done.',
    access: write,
    params: one,
    answer: shownStore,
    problems,
    changes: true,
    handle: async (call) => {
      const on = await onStore(call);
      return shown(call, on.keySet, await connectExternalKeyStore(call.services, call.act, on));
    },
  }),
  route({
    operation: 'disconnectExternalKeyStore',
    method: 'POST',
    path: `${path}/{externalKeyStoreId}/disconnect`,
    tag,
    summary: 'Disconnect an external key store',
    description: 'None of its KMS keys can be used until it is connected again.',
    access: write,
    params: one,
    answer: shownStore,
    problems,
    changes: true,
    handle: async (call) => {
      const on = await onStore(call);
      return shown(call, on.keySet, await disconnectExternalKeyStore(call.services, call.act, on));
    },
  }),
  route({
    operation: 'refreshExternalKeyStore',
    method: 'POST',
    path: `${path}/{externalKeyStoreId}/refresh`,
    tag,
    summary: 'Look at an external key store in AWS now',
    description:
      'And go on with what is wanted. Where AWS cannot be asked the state is UNKNOWN, and `problem` says why. ' +
      'Problem `not-found` once one that was to be deleted is.',
    access: write,
    params: one,
    answer: shownStore,
    handle: async (call) => {
      const on = await onStore(call);
      await refreshExternalKeyStore(call.services, call.act, on);
      return shown(call, on.keySet, await getExternalKeyStore(call.services, on.keySet, on.id));
    },
  }),
  route({
    operation: 'rotateExternalKeyStoreCredential',
    method: 'POST',
    path: `${path}/{externalKeyStoreId}/rotate-credential`,
    tag,
    summary: 'Give AWS a new XKS credential',
    description:
      'Issues it and gives it to AWS with UpdateCustomKeyStore; the key store may stay connected. The old one retires by ' +
      'itself once the new one is in use and it has been quiet for long enough. Of one by hand the answer has the ' +
      'credential, this once; `done` says that AWS has it.',
    access: issues,
    params: one,
    body: z.strictObject({
      retireAfterQuietMinutes: z
        .int()
        .min(1)
        .max(mostQuietMinutes)
        .default(defaultQuietMinutes)
        .describe('The old one is retired after so many quiet minutes.'),
      done: z.boolean().default(false).describe('Of one by hand: AWS was given the new credential.'),
    }),
    answer: shownByHand.partial().extend({ externalKeyStore: shownStore }).meta({
      id: 'ExternalKeyStoreRotation',
    }),
    problems,
    changes: true,
    handle: async (call) => rotate(call),
  }),
  route({
    operation: 'getExternalKeyStoreConsole',
    method: 'POST',
    path: `${path}/{externalKeyStoreId}/console`,
    tag,
    summary: 'Tell what to enter in AWS by hand',
    description:
      'What AWS’s console asks for, the proxy configuration file, and AWS’s command. For one by hand that has no ' +
      'credential yet it issues one, which is shown this once.',
    access: issues,
    params: one,
    body: z.strictObject({
      credential: z.boolean().optional().describe('Whether to issue a credential.'),
    }),
    answer: shownByHand,
    problems,
    changes: true,
    handle: async (call) => {
      const on = await onStore(call);
      const byHand = await consoleOf(call.services, call.act, on, call.body.credential);
      const view = await viewOf(call, on.keySet, byHand.row);
      return { body: showByHand(byHand, view), rowVersion: byHand.row.row_version };
    },
  }),
];

function flag(description: string) {
  return z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .describe(description);
}

type InKeySet = Pick<
  Call<{ vaultId: string; keySetId: string }, unknown, unknown>,
  'services' | 'caller' | 'params' | 'act'
>;
type OnOne = Pick<
  Call<z.output<typeof one>, unknown, unknown>,
  'services' | 'caller' | 'params' | 'expected'
>;

async function rotate(
  call: Call<z.output<typeof one>, unknown, { retireAfterQuietMinutes: number; done: boolean }>,
): Promise<Answer> {
  const { services, act, body } = call;
  const on = await onStore(call);
  const row = await getExternalKeyStore(services, on.keySet, on.id);
  const byHand = isByHand(row, await accountFor(services.store.db, row));
  const quiet = body.retireAfterQuietMinutes;
  if (byHand && !body.done) {
    const issued = await rotateByHand(services, act, on);
    const view = await viewOf(call, on.keySet, issued.row);
    return { body: showByHand(issued, view), rowVersion: issued.row.row_version };
  }
  const after = byHand
    ? await givenByHand(services, act, on, quiet)
    : await rotateStoreCredential(services, act, on, quiet);
  return {
    body: { externalKeyStore: showStore(await viewOf(call, on.keySet, after)) },
    rowVersion: after.row_version,
  };
}

async function keySetOf(call: Pick<InKeySet, 'services' | 'caller' | 'params'>): Promise<KeySet> {
  return getKeySet(call.services, call.params.vaultId, callerOf(call).sight, call.params.keySetId);
}

async function onStore(call: OnOne) {
  return { keySet: await keySetOf(call), id: call.params.externalKeyStoreId, expected: call.expected };
}

async function viewOf(
  call: Pick<InKeySet, 'services'>,
  keySet: KeySet,
  row: ExternalKeyStore,
): Promise<StoreView> {
  const [view] = await viewsOf(call.services, keySet, [row]);
  return view ?? { row, keySet, credentials: [], warnings: [] };
}

async function made(call: InKeySet, keySet: KeySet, row: ExternalKeyStore): Promise<Answer> {
  const { vaultId, keySetId } = call.params;
  return {
    ...(await shown(call, keySet, row)),
    status: 201,
    location: `/vaults/${vaultId}/key-sets/${keySetId}/external-key-stores/${row.id}`,
  };
}

/** What a repetition of the request that made it is told. */
async function madeBefore(call: InKeySet, id: string): Promise<Answer> {
  const keySet = await keySetOf(call);
  return made(call, keySet, await getExternalKeyStore(call.services, keySet, id));
}

async function shown(
  call: Pick<InKeySet, 'services'>,
  keySet: KeySet,
  row: ExternalKeyStore,
): Promise<Answer> {
  return { body: showStore(await viewOf(call, keySet, row)), rowVersion: row.row_version };
}
