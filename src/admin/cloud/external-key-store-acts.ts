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
      'Issues it and gives it to AWS with UpdateCustomKeyStore; the key store may stay connected. The old one retires by ' +
      'itself once the new one is in use and it has been quiet for long enough. Of one by hand the answer has the ' +
      'credential, this once; `done` says that AWS has it.',
    access: issues,
    params: one,
    body: z.strictObject({
      retireAfterQuietMinutes: z
        .int()
        .min(1)
        .max(maxQuietMinutes)
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
