import { z } from 'zod';
import type { Sight } from '../../vault/context.ts';
import { findCloudKeyIn } from '../../keys/key-records.ts';
import { deleteKmsKey } from '../../cloud/kms-keys/acts.ts';
import { tryLater } from '../../cloud/kms-keys/attempts.ts';
import { consoleOfKmsKey } from '../../cloud/kms-keys/console.ts';
import { editKmsKey } from '../../cloud/kms-keys/edit.ts';
import { createKmsKey } from '../../cloud/kms-keys/create.ts';
import { kmsKeyOrders, listKmsKeys } from '../../cloud/kms-keys/records.ts';
import { listUnlinkedKmsKeys } from '../../cloud/kms-keys/unlinked.ts';
import { deleteKeys, readKeys, writeKeys } from '../keys/cloud-key-routes.ts';
import { region, vaultId, waitingDays } from '../keys/key-forms.ts';
import { pageOf, pageQuery, pageInput } from '../page-query.ts';
import { callerOf, route, shownPage, type Route } from '../route.ts';
import { kmsKeyActRoutes } from './kms-key-acts.ts';
import { cloudStatuses, keyArnForm, kmsKeyFields, showKmsKey, shownKmsKey } from './kms-key-forms.ts';
import { afterwards, one, onKmsKey, path, shown, tag, type One, type OnOne } from './kms-key-routes.ts';

const ofCloudKey = one.omit({ kmsKeyId: true });

const unlinked = z
  .strictObject({
    items: z.array(
      z.strictObject({
        keyArn: z.string(),
        externalKeyStoreId: z.uuid(),
        region,
        state: z.string().describe('The KeyState in AWS.'),
        description: z.string(),
        externalKeyId: z.string().describe('What the KMS key refers to.'),
        cloudKeyId: z
          .uuid()
          .nullable()
          .describe(
            'Null if the key set has no CloudKey with this external key id: the KMS key cannot be used.',
          ),
        cloudKeyName: z.string().nullable(),
      }),
    ),
    next: z.string().nullable().describe('Pass it as `cursor` to get the next page; null at the end.'),
    looked: z.int().describe('Number of KMS keys of the AWS account and Region that were examined so far.'),
    hidden: z.int().describe('How many of them AWS does not allow the CSP account to read.'),
  })
  .meta({ id: 'UnlinkedKmsKeyPage' });

const console = z
  .strictObject({
    region,
    accountId: z.string(),
    keyStoreName: z.string(),
    customKeyStoreId: z.string(),
    externalKeyId: z.string(),
    alias: z.string(),
    description: z.string(),
    tags: z.record(z.string(), z.string()),
    policy: z.unknown().describe('The key policy; null if the AWS account id is unknown.'),
    steps: z.array(z.string()).describe('Steps in the AWS console.'),
    commands: z.array(z.string()).describe('The same with the AWS CLI; the policy is in `policy.json`.'),
  })
  .meta({ id: 'KmsKeyConsole' });

export const kmsKeyRoutes: readonly Route[] = [
  route({
    operation: 'listKmsKeys',
    method: 'GET',
    path: '/vaults/{vaultId}/kms-keys',
    tag,
    summary: 'List the KMS key records of a vault',
    access: readKeys,
    params: z.strictObject({ vaultId }),
    query: z.strictObject({
      // Key ids of AWS look like UUIDs, and need not be of a version that RFC 9562 has.
      id: z.guid().optional().describe('Only the one with this id, or with this key id in AWS.'),
      cloudKeyId: z.uuid().optional().describe('Only those of this CloudKey.'),
      keySetId: z.uuid().optional().describe('Only those of this key set.'),
      region: region.optional().describe('Only those in this Region.'),
      cloudStatus: cloudStatuses.optional().describe('Only those with this status.'),
      step: z.enum(['KEY', 'ALIAS', 'DONE', 'GONE']).optional().describe('Only those at this step.'),
      alias: z
        .string()
        .max(256)
        .optional()
        .describe('Only those whose alias starts with this, `alias/` included.'),
      keyArn: z.string().max(200).optional().describe('Only the one of this KMS key.'),
      ...pageQuery(kmsKeyOrders),
    }),
    answer: pageOf(shownKmsKey, 'KmsKey'),
    handle: async (call) => {
      const { services, params, query } = call;
      const { sight } = callerOf(call);
      return shownPage(
        await listKmsKeys(services, params.vaultId, sight, query, pageInput(query)),
        showKmsKey,
      );
    },
  }),
  route({
    operation: 'listKmsKeysOfCloudKey',
    method: 'GET',
    path,
    tag,
    summary: 'List the KMS key records of a CloudKey',
    description: 'Includes removed ones (GONE), which say what became of their KMS keys.',
    access: readKeys,
    params: ofCloudKey,
    query: z.strictObject(pageQuery(kmsKeyOrders)),
    answer: pageOf(shownKmsKey, 'KmsKey'),
    handle: async (call) => {
      const { services, params, query } = call;
      const { sight } = callerOf(call);
      await findCloudKeyIn(services.store.db, params.vaultId, sight, params.cloudKeyId);
      const filter = { cloudKeyId: params.cloudKeyId };
      return shownPage(
        await listKmsKeys(services, params.vaultId, sight, filter, pageInput(query)),
        showKmsKey,
      );
    },
  }),
  route({
    operation: 'createKmsKey',
    method: 'POST',
    path,
    tag,
    summary: 'Create a KMS key for a CloudKey',
    description:
      'The KMS key record is created at once; the KMS key and its alias are created in AWS next, and what ' +
      'prevents that is shown in `problem` with its remediation. With `keyArn`, an existing KMS key is linked: ' +
      'AWS is asked whether it refers to the CloudKey; with a manual CSP account your word is taken for it.',
    access: writeKeys,
    params: ofCloudKey,
    body: z.strictObject({
      externalKeyStoreId: z.uuid().optional().describe('The external key store to create it in.'),
      region: region
        .optional()
        .describe('Alternatively its Region; that of the CloudKey if both are omitted.'),
      ...z.strictObject(kmsKeyFields).partial().shape,
      keyArn: keyArnForm.optional(),
    }),
    answer: shownKmsKey,
    problems: ['aws', 'aws-busy', 'token-unavailable'],
    creates: {
      again: async (call, id) => made(call, { ...call.params, kmsKeyId: id }, callerOf(call).sight),
    },
    handle: async (call) => {
      const { services, act, params, body } = call;
      const { sight } = callerOf(call);
      const { id } = await createKmsKey(
        services,
        act,
        { vaultId: params.vaultId, sight, cloudKeyId: params.cloudKeyId },
        body,
      );
      // Made by who might: it is answered as made even if its key set is another group's since.
      const answer = await made(call, { ...params, kmsKeyId: id }, 'all');
      tryLater(services, params.cloudKeyId);
      return answer;
    },
  }),
  route({
    operation: 'getKmsKey',
    method: 'GET',
    path: `${path}/{kmsKeyId}`,
    tag,
    summary: 'Show a KMS key record',
    description:
      'Includes the differences between the KMS key in AWS and this record, with both key policies.',
    access: readKeys,
    params: one,
    answer: shownKmsKey,
    handle: async (call) => shown(call, call.params),
  }),
  route({
    operation: 'getKmsKeyConsole',
    method: 'GET',
    path: `${path}/{kmsKeyId}/console`,
    tag,
    summary: 'Show what to enter in the AWS console',
    access: readKeys,
    params: one,
    answer: console,
    handle: async (call) => ({ body: await consoleOfKmsKey(call.services, onKmsKey(call)) }),
  }),
  route({
    operation: 'updateKmsKey',
    method: 'PATCH',
    path: `${path}/{kmsKeyId}`,
    tag,
    summary: 'Change a KMS key record',
    description:
      'Sets alias, description, tags and key policy, and changes them in AWS too unless `apply` is false. With ' +
      '`keyArn`, a record without a KMS key is linked to an existing one.',
    access: writeKeys,
    params: one,
    body: z.strictObject({
      ...z.strictObject(kmsKeyFields).partial().shape,
      keyArn: keyArnForm.optional(),
      apply: z.boolean().default(true).describe('Also change it in AWS.'),
    }),
    answer: shownKmsKey,
    changes: true,
    problems: ['aws', 'aws-busy', 'token-unavailable'],
    handle: async (call) => {
      const { services, act, body } = call;
      const { apply, ...input } = body;
      await editKmsKey(services, act, onKmsKey(call), input, { apply });
      return afterwards(call);
    },
  }),
  route({
    operation: 'deleteKmsKey',
    method: 'DELETE',
    path: `${path}/{kmsKeyId}`,
    tag,
    summary: 'Remove a KMS key record',
    description:
      'The KMS key stays in AWS as it is, or its deletion is scheduled there first, according to `aws`. The ' +
      'record is GONE once that is done, and its `outcome` says what became of the KMS key.',
    access: deleteKeys,
    params: one,
    query: z.strictObject({
      aws: z.enum(['keep', 'schedule-deletion']).describe('What to do with the KMS key in AWS.'),
      days: z.coerce
        .number()
        .pipe(waitingDays)
        .default(30)
        .describe('With `schedule-deletion`: days until AWS deletes it.'),
    }),
    answer: shownKmsKey,
    changes: true,
    handle: async (call) => {
      const { services, act, query } = call;
      const { aws, days } = query;
      await deleteKmsKey(services, act, onKmsKey(call), aws === 'keep' ? { kind: aws } : { kind: aws, days });
      return afterwards(call);
    },
  }),
  ...kmsKeyActRoutes,
  route({
    operation: 'listUnlinkedKmsKeys',
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/kms-keys/unlinked',
    tag,
    summary: 'Find KMS keys without a KMS key record',
    description:
      'Searches the KMS keys of the AWS account and Region for those in the external key store of the key set. ' +
      'One that refers to no CloudKey was created after the backup that was restored, or its CloudKey belongs ' +
      'to another node. Each page covers 300 KMS keys of any kind, whether or not any of them match.',
    access: writeKeys,
    params: z.strictObject({ vaultId, keySetId: z.uuid().describe('The key set.') }),
    query: z.strictObject({
      region: region.min(1),
      cursor: z.string().max(2000).optional().describe('`next` of the previous page.'),
    }),
    answer: unlinked,
    problems: ['aws', 'aws-busy', 'conflict', 'token-unavailable'],
    handle: async (call) => {
      const { services, params, query } = call;
      const { sight } = callerOf(call);
      return { body: await listUnlinkedKmsKeys(services, params.vaultId, sight, params.keySetId, query) };
    },
  }),
];

async function made(call: Pick<OnOne, 'services' | 'caller'>, at: One, sight: Sight) {
  const { vaultId, cloudKeyId, kmsKeyId } = at;
  const location = `/vaults/${vaultId}/cloud-keys/${cloudKeyId}/kms-keys/${kmsKeyId}`;
  return { ...(await shown(call, at, sight)), status: 201, location };
}
