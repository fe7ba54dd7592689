import { z } from 'zod';
import {
  acceptKmsKey,
  applyKmsKey,
  retryKmsKey,
  wantedOfKmsKey,
  type KmsKeyWanted,
} from '../../cloud/kms-keys/acts.ts';
import { tellMistake } from '../../cloud/kms-keys/attempts.ts';
import { getKmsKey } from '../../cloud/kms-keys/records.ts';
import { refreshKmsKey } from '../../cloud/kms-keys/attempts.ts';
import { deleteKeys, writeKeys } from '../keys/cloud-key-routes.ts';
import { waitingDays } from '../keys/key-forms.ts';
import { callerOf, route, type Route } from '../route.ts';
import { drifting, shownKmsKey } from './kms-key-forms.ts';
import { afterwards, one, onKmsKey, path, shown, tag } from './kms-key-routes.ts';

const some = z.strictObject({
  what: z.array(drifting).min(1).optional().describe('Only these; everything that differs if omitted.'),
});

/** What is done to a KMS key in AWS, or taken over from there. */
export const kmsKeyActRoutes: readonly Route[] = [
  route({
    operation: 'retryKmsKey',
    method: 'POST',
    path: `${path}/{kmsKeyId}/retry`,
    tag,
    summary: 'Retry a failed step',
    description: 'Retries at once instead of at the scheduled time. Steps that are done are not repeated.',
    access: writeKeys,
    params: one,
    body: z.strictObject({
      takeAlias: z
        .boolean()
        .default(false)
        .describe('Take the alias away from the KMS key that has it; without this it is never taken.'),
    }),
    answer: shownKmsKey,
    changes: true,
    handle: async (call) => {
      await retryKmsKey(call.services, call.act, onKmsKey(call), call.body);
      return afterwards(call);
    },
  }),
  route({
    operation: 'refreshKmsKey',
    method: 'POST',
    path: `${path}/{kmsKeyId}/refresh`,
    tag,
    summary: 'Refresh a KMS key from AWS',
    description:
      'Reads status, key policy, aliases, description and tags. This also happens automatically once an hour.',
    access: writeKeys,
    params: one,
    answer: shownKmsKey,
    showsRecord: true,
    handle: async (call) => {
      const { services, params } = call;
      await getKmsKey(services, params.vaultId, callerOf(call).sight, params.cloudKeyId, params.kmsKeyId);
      tellMistake(services.log, params.kmsKeyId, await refreshKmsKey(services, params.kmsKeyId));
      return shown(call, params);
    },
  }),
  inputRoute('enableKmsKey', 'enable', 'ENABLE', 'Enable a KMS key in AWS', 'The CloudKey stays as it is.'),
  inputRoute(
    'disableKmsKey',
    'disable',
    'DISABLE',
    'Disable a KMS key in AWS',
    'The CloudKey stays as it is.',
  ),
  route({
    operation: 'scheduleKmsKeyDeletion',
    takesReason: true,
    method: 'POST',
    path: `${path}/{kmsKeyId}/schedule-deletion`,
    tag,
    summary: 'Schedule the deletion of a KMS key in AWS',
    description:
      'Once AWS has deleted it, nothing that was encrypted with it can be decrypted, even though the CloudKey ' +
      'still exists: KMS adds encryption of its own. The CloudKey stays as it is.',
    access: deleteKeys,
    params: one,
    body: z.strictObject({ days: waitingDays.default(30).describe('Days until AWS deletes it.') }),
    answer: shownKmsKey,
    changes: true,
    handle: async (call) => {
      await wantedOfKmsKey(call.services, call.act, onKmsKey(call), 'SCHEDULE_DELETION', call.body.days);
      return afterwards(call);
    },
  }),
  {
    ...inputRoute(
      'cancelKmsKeyDeletion',
      'cancel-deletion',
      'CANCEL_DELETION',
      'Cancel the deletion of a KMS key in AWS',
      'It is disabled there afterwards.',
    ),
    access: deleteKeys,
  },
  route({
    operation: 'applyKmsKey',
    method: 'POST',
    path: `${path}/{kmsKeyId}/apply`,
    tag,
    summary: 'Apply a KMS key record to AWS',
    description:
      'Sets key policy, alias, description, tags and state in AWS to what the record says where they differ or ' +
      'may differ. What `what` names is sent in any case.',
    access: writeKeys,
    params: one,
    body: some,
    answer: shownKmsKey,
    changes: true,
    handle: async (call) => {
      await applyKmsKey(call.services, call.act, onKmsKey(call), call.body.what);
      return afterwards(call);
    },
  }),
  route({
    operation: 'acceptKmsKey',
    method: 'POST',
    path: `${path}/{kmsKeyId}/accept`,
    tag,
    summary: 'Accept the state in AWS',
    description:
      'Sets key policy, alias, description, tags and state in the record to what AWS has. An accepted key ' +
      'policy no longer follows the administrators and users of the CloudKey until it is `generated` again. ' +
      'Refused if what AWS shows may be stale (`mayBeStale`).',
    access: writeKeys,
    params: one,
    body: some,
    answer: shownKmsKey,
    changes: true,
    handle: async (call) => {
      await acceptKmsKey(call.services, call.act, onKmsKey(call), call.body.what);
      return shown(call, call.params);
    },
  }),
];

function inputRoute(
  operation: string,
  verb: string,
  wanted: KmsKeyWanted,
  summary: string,
  description: string,
): Route {
  return route({
    ...{ operation, tag, summary, description },
    takesReason: true,
    method: 'POST',
    path: `${path}/{kmsKeyId}/${verb}`,
    access: writeKeys,
    params: one,
    answer: shownKmsKey,
    changes: true,
    handle: async (call) => {
      await wantedOfKmsKey(call.services, call.act, onKmsKey(call), wanted);
      return afterwards(call);
    },
  });
}
