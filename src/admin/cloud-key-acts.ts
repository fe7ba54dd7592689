import { z } from 'zod';
import {
  cancelDeletion,
  deletionDays,
  disableCloudKey,
  enableCloudKey,
  getCloudKey,
  rotateCloudKey,
  scheduleDeletion,
} from '../vault/cloud-keys.ts';
import { shownKey } from './cloud-key-forms.ts';
import { deleteKeys, keyPath, keyTag, one, shown, writeKeys } from './cloud-key-routes.ts';
import { waitingDays } from './key-forms.ts';
import { callerOf, route, type Answer, type Call, type Route } from './route.ts';

/** What is done to a CloudKey. Each answers the CloudKey as it is afterwards. */
export const cloudKeyActRoutes: readonly Route[] = [
  route({
    operation: 'disableCloudKey',
    method: 'POST',
    path: `${keyPath}/{cloudKeyId}/disable`,
    tag: keyTag,
    summary: 'Disable a CloudKey',
    description:
      'From the moment this is answered every request for it is answered InvalidStateException, on every worker. One ' +
      'that is DISABLED stays as it is.',
    access: writeKeys,
    params: one,
    answer: shownKey,
    changes: true,
    handle: doing(disableCloudKey),
  }),
  route({
    operation: 'enableCloudKey',
    method: 'POST',
    path: `${keyPath}/{cloudKeyId}/enable`,
    tag: keyTag,
    summary: 'Enable a CloudKey that is DISABLED',
    access: writeKeys,
    params: one,
    answer: shownKey,
    changes: true,
    handle: doing(enableCloudKey),
  }),
  route({
    operation: 'rotateCloudKey',
    method: 'POST',
    path: `${keyPath}/{cloudKeyId}/rotate`,
    tag: keyTag,
    summary: 'Rotate a CloudKey now',
    description:
      'Makes a new version in the token. New ciphertext is made with it from the moment this is answered; what earlier ' +
      'versions encrypted stays readable, and AWS sees no difference. A rotation schedule counts from now.',
    access: writeKeys,
    params: one,
    answer: shownKey,
    changes: true,
    handle: async (call) => {
      const { services, act, params, expected } = call;
      const { sight } = callerOf(call);
      const key = await getCloudKey(services, params.vaultId, sight, params.cloudKeyId);
      await rotateCloudKey(services, act, key, 'asked', expected);
      return shown(call, await getCloudKey(services, params.vaultId, sight, key.id));
    },
  }),
  route({
    operation: 'scheduleCloudKeyDeletion',
    method: 'POST',
    path: `${keyPath}/{cloudKeyId}/schedule-deletion`,
    tag: keyTag,
    summary: 'Schedule the deletion of a CloudKey',
    description:
      `Disables it at once and has its key objects destroyed in the token after ${deletionDays.least} to ` +
      `${deletionDays.most} days. Until then the deletion can be cancelled; afterwards nothing that AWS encrypted with ` +
      'it can be read. Its external key id is never given again.',
    access: deleteKeys,
    params: one,
    body: z.strictObject({ days: waitingDays.default(deletionDays.most) }),
    answer: shownKey,
    changes: true,
    handle: async (call) => {
      const { services, act, params, body, expected } = call;
      const { vaultId, cloudKeyId } = params;
      const { sight } = callerOf(call);
      return shown(
        call,
        await scheduleDeletion(services, act, vaultId, sight, cloudKeyId, body.days, expected),
      );
    },
  }),
  route({
    operation: 'cancelCloudKeyDeletion',
    method: 'POST',
    path: `${keyPath}/{cloudKeyId}/cancel-deletion`,
    tag: keyTag,
    summary: 'Cancel the deletion of a CloudKey',
    description: 'It is DISABLED afterwards: enable it for it to serve again.',
    access: deleteKeys,
    params: one,
    answer: shownKey,
    changes: true,
    handle: doing(cancelDeletion),
  }),
];

/** Handler of an act that needs nothing but the CloudKey. */
function doing(acting: typeof disableCloudKey) {
  return async (call: Call<z.output<typeof one>, unknown, unknown>): Promise<Answer> => {
    const { services, act, params, expected } = call;
    const { sight } = callerOf(call);
    return shown(call, await acting(services, act, params.vaultId, sight, params.cloudKeyId, expected));
  };
}
