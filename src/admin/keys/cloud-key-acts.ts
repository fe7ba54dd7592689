import { z } from 'zod';
import {
  cancelDeletion,
  deletionDays,
  disableCloudKey,
  enableCloudKey,
  getCloudKey,
  rotateCloudKey,
  scheduleDeletion,
} from '../../keys/cloud-keys.ts';
import type { CloudSide } from '../../keys/followers.ts';
import { shownActedKey, shownKey } from './cloud-key-forms.ts';
import { cloudSide } from '../cloud/kms-key-forms.ts';
import { acted, deleteKeys, keyPath, keyTag, one, shown, writeKeys } from './cloud-key-routes.ts';
import { waitingDays } from './key-forms.ts';
import { callerOf, route, type Call, type Route } from '../route.ts';

/** What is done to a CloudKey. Each answers the CloudKey as it is afterwards. */
export const cloudKeyActRoutes: readonly Route[] = [
  route({
    operation: 'disableCloudKey',
    takesAway: true,
    despiteLoss: true,
    method: 'POST',
    path: `${keyPath}/{cloudKeyId}/disable`,
    tag: keyTag,
    summary: 'Disable a CloudKey',
    description:
      'From the moment this returns, every request for it gets InvalidStateException, on every worker. A ' +
      'DISABLED one stays as it is. With `cloud` set to `both`, its KMS keys are disabled in AWS afterwards; ' +
      'the response reports both outcomes. Data keys that AWS services hold in memory outlive either.',
    access: writeKeys,
    params: one,
    body: z.strictObject({ cloud: cloudSide }),
    answer: shownActedKey,
    changes: true,
    handle: doing(disableCloudKey),
  }),
  route({
    operation: 'enableCloudKey',
    takesReason: true,
    method: 'POST',
    path: `${keyPath}/{cloudKeyId}/enable`,
    tag: keyTag,
    summary: 'Enable a CloudKey',
    description: 'With `cloud` set to `both`, its KMS keys are enabled in AWS too.',
    access: writeKeys,
    params: one,
    body: z.strictObject({ cloud: cloudSide }),
    answer: shownActedKey,
    changes: true,
    handle: doing(enableCloudKey),
  }),
  route({
    operation: 'rotateCloudKey',
    method: 'POST',
    path: `${keyPath}/{cloudKeyId}/rotate`,
    tag: keyTag,
    summary: 'Rotate a CloudKey',
    description:
      'Generates a new version in the token. It encrypts from the moment this returns; what earlier versions ' +
      'encrypted can still be decrypted, and AWS sees no difference. A rotation schedule counts from now.',
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
    takesAway: true,
    method: 'POST',
    path: `${keyPath}/{cloudKeyId}/schedule-deletion`,
    tag: keyTag,
    summary: 'Schedule the deletion of a CloudKey',
    description:
      `Disables it at once and destroys its key objects in the token after ${deletionDays.min} to ` +
      `${deletionDays.max} days. Until then the deletion can be cancelled; afterwards nothing that AWS encrypted with ` +
      'it can be decrypted. Its external key id is never used again. With `cloud` set to `both`, the deletion of its KMS ' +
      'keys is scheduled in AWS too, with the same waiting period.',
    access: deleteKeys,
    params: one,
    body: z.strictObject({ days: waitingDays.default(deletionDays.max), cloud: cloudSide }),
    answer: shownActedKey,
    changes: true,
    handle: async (call) => {
      const { services, act, params, body, expected } = call;
      const { vaultId, cloudKeyId } = params;
      const { sight } = callerOf(call);
      const { days, cloud } = body;
      return acted(
        call,
        await scheduleDeletion(services, act, { vaultId, sight, id: cloudKeyId, expected }, days, cloud),
        cloud,
      );
    },
  }),
  route({
    operation: 'cancelCloudKeyDeletion',
    takesReason: true,
    method: 'POST',
    path: `${keyPath}/{cloudKeyId}/cancel-deletion`,
    tag: keyTag,
    summary: 'Cancel the deletion of a CloudKey',
    description:
      'It is DISABLED afterwards: enable it to use it again. With `cloud` set to `both`, the deletion of its ' +
      'KMS keys is cancelled in AWS too.',
    access: deleteKeys,
    params: one,
    body: z.strictObject({ cloud: cloudSide }),
    answer: shownActedKey,
    changes: true,
    handle: doing(cancelDeletion),
  }),
];

/** Handler of an act that needs nothing but the CloudKey, and the side that it is done on. */
function doing(acting: typeof disableCloudKey) {
  return async (call: Call<z.output<typeof one>, unknown, { cloud: CloudSide }>) => {
    const { services, act, params, expected } = call;
    const { sight } = callerOf(call);
    const { cloud } = call.body;
    return acted(
      call,
      await acting(services, act, { vaultId: params.vaultId, sight, id: params.cloudKeyId, expected }, cloud),
      cloud,
    );
  };
}
