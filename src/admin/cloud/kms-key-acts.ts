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
  what: z.array(drifting).min(1).optional().describe('Only these; all that AWS has otherwise if left out.'),
});

/** What is done to a KMS key in AWS, or taken over from there. */
export const kmsKeyActRoutes: readonly Route[] = [
  route({
    operation: 'retryKmsKey',
    method: 'POST',
    path: `${path}/{kmsKeyId}/retry`,
    tag,
    summary: 'Try again what failed',
    description: 'At once, whatever the next try was set for. What is done already is not done again.',
    access: writeKeys,
    params: one,
    body: z.strictObject({
      takeAlias: z
        .boolean()
        .default(false)
        .describe('Take the alias from the KMS key that has it. It is never taken without.'),
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
    summary: 'Ask AWS how a KMS key is',
    description: 'Status, key policy, aliases, description and tags. It happens by itself once an hour.',
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
    method: 'POST',
    path: `${path}/{kmsKeyId}/schedule-deletion`,
    tag,
    summary: 'Schedule the deletion of a KMS key in AWS',
    description:
      'Once AWS has deleted it nothing that was encrypted with it can be read, though the CloudKey is there: KMS adds ' +
      'encryption of its own. The CloudKey stays as it is.',
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
    summary: 'Give AWS what is here',
    description:
      'Where AWS has it otherwise, or may have: key policy, alias, description, tags and state as they are here. What is ' +
      'named with `what` is sent in any case.',
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
    summary: 'Take over what AWS has',
    description:
      'Key policy, alias, description, tags and state become here as AWS has them. A key policy that is taken over does ' +
      'not follow the administrators and users of the CloudKey any more, until it is `generated` again. Refused where what ' +
      'AWS shows may be stale (`mayBeStale`).',
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
