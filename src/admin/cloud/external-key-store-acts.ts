import { z } from 'zod';
import { defaultQuietMinutes, maxQuietMinutes } from '../../keys/credentials/credentials.ts';
import { consoleOf, rotateByHand } from '../../cloud/key-stores/console.ts';
import { accountFor, isByHand } from '../../cloud/key-stores/accounts.ts';
import { givenByHand } from '../../cloud/key-stores/by-hand.ts';
import { getExternalKeyStore } from '../../cloud/key-stores/records.ts';
import { refreshExternalKeyStore } from '../../cloud/key-stores/watch.ts';
import {
  connectExternalKeyStore,
  disconnectExternalKeyStore,
  rotateStoreCredential,
} from '../../cloud/key-stores/key-stores.ts';
import { showByHand, shownByHand, shownStore, showStore } from './external-key-store-forms.ts';
import { route, type Call, type Route } from '../route.ts';

import {
  issues,
  one,
  onStore,
  path,
  problems,
  shown,
  tag,
  viewOf,
  write,
} from './external-key-store-routes.ts';

/** What is done to an external key store in AWS. */
export const externalKeyStoreActRoutes: readonly Route[] = [
  route({
    operation: 'connectExternalKeyStore',
    method: 'POST',
    path: `${path}/{externalKeyStoreId}/connect`,
    tag,
    summary: 'Connect an external key store',
    description:
      'AWS takes about five minutes; then the state is CONNECTED or FAILED. A FAILED one is disconnected ' +
      'first, as AWS requires: `wanted` stays CONNECT until it is connected.',
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
    takesReason: true,
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
    summary: 'Refresh an external key store from AWS',
    description:
      'Also continues what is wanted. If AWS cannot be reached the state is UNKNOWN, and `problem` says why. ' +
      'Fails with `not-found` once a key store that was to be deleted is gone.',
    access: write,
    params: one,
    answer: shownStore,
    showsRecord: true,
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
      'Issues it and gives it to AWS with UpdateCustomKeyStore; the key store may stay connected. The old one ' +
      'is retired automatically once the new one is in use and the old one has been idle for long enough. For ' +
      'a manual key store the response contains the credential, only once; `done` confirms that AWS has it.',
    access: issues,
    params: one,
    body: z.strictObject({
      retireAfterQuietMinutes: z
        .int()
        .min(1)
        .max(maxQuietMinutes)
        .default(defaultQuietMinutes)
        .describe('The old credential is retired after it has been idle for this many minutes.'),
      done: z
        .boolean()
        .default(false)
        .describe('Of a manual one: confirms that AWS was given the new credential.'),
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
    summary: 'Show what to enter in the AWS console',
    description:
      'Returns what the AWS console asks for, the proxy configuration file, and the AWS CLI command. For a ' +
      'manual key store without a credential it issues one, which is shown only once.',
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

async function rotate(
  call: Call<z.output<typeof one>, unknown, { retireAfterQuietMinutes: number; done: boolean }>,
) {
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
