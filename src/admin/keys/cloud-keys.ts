import { z } from 'zod';
import {
  adoptCloudKey,
  cloudKeyOrders,
  createCloudKey,
  getCloudKey,
  listCloudKeys,
  listVersions,
  updateCloudKey,
} from '../../keys/cloud-keys.ts';
import { tryLater } from '../../cloud/kms-keys/attempts.ts';
import { kmsKeysOf } from '../../cloud/kms-keys/records.ts';
import { cloudKeyActRoutes } from './cloud-key-acts.ts';
import {
  externalKeyId,
  keyFields,
  keyStates,
  shownActedKey,
  shownKey,
  showKey,
  shownVersion,
  showVersion,
  usage,
  usages,
} from './cloud-key-forms.ts';
import {
  acted,
  inVault,
  keyPath,
  keyTag,
  made,
  one,
  readKeys,
  shown,
  writeKeys,
} from './cloud-key-routes.ts';
import { called } from './key-lookup.ts';
import { kmsKeyOfNewKey } from '../cloud/kms-key-forms.ts';
import { namePrefix, region, toDate } from './key-forms.ts';
import { pageOf, pageQuery, pageInput, wholeQuery } from '../page-query.ts';
import { callerOf, route, shownPage, type Route } from '../route.ts';

const newFields = {
  ...keyFields,
  keySetId: z.uuid().describe('Key set that it belongs to, for ever.'),
  description: keyFields.description.default(''),
  region: region.optional().describe('AWS Region; the default of the key set’s CSP account if left out.'),
  administrators: keyFields.administrators.default([]),
  users: keyFields.users.default([]),
  rotation: keyFields.rotation.default({ kind: 'INHERIT' }),
  expiresAt: keyFields.expiresAt.default(null),
  quota: keyFields.quota.default(null),
};

export const cloudKeyRoutes: readonly Route[] = [
  route({
    operation: 'listCloudKeys',
    method: 'GET',
    path: keyPath,
    tag: keyTag,
    summary: 'List the CloudKeys of a vault',
    access: readKeys,
    params: inVault,
    query: z.strictObject({
      keySetId: z.uuid().optional().describe('Only those of this key set.'),
      region: region.optional().describe('Only those in this Region.'),
      state: keyStates.optional().describe('Only those in this state.'),
      name: namePrefix,
      externalKeyId: z.string().max(128).optional().describe('Only the one that AWS calls so.'),
      called: called.optional(),
      ...pageQuery(cloudKeyOrders),
    }),
    answer: pageOf(shownKey, 'CloudKey'),
    handle: async (call) => {
      const { services, params, query, act } = call;
      const { sight } = callerOf(call);
      const page = await listCloudKeys(services, params.vaultId, sight, query, pageInput(query));
      const kmsKeys = await kmsKeysOf(
        services,
        page.items.map(({ id }) => id),
      );
      return shownPage(page, (row) => showKey(row, kmsKeys.get(row.id) ?? [], act.at));
    },
  }),
  route({
    operation: 'createCloudKey',
    method: 'POST',
    path: keyPath,
    tag: keyTag,
    summary: 'Make a CloudKey',
    description:
      'Makes an AES-256 key in the token of the key set: it is born there and cannot leave. Its KMS key and alias follow ' +
      'in AWS where the key set has an external key store there (`kmsKeys` tells how far they are); else give its ' +
      '`externalKeyId` to AWS KMS (CreateKey with Origin EXTERNAL_KEY_STORE, XksKeyId). What fails in AWS never fails ' +
      'the CloudKey.',
    access: writeKeys,
    params: inVault,
    body: z.strictObject({
      ...newFields,
      externalKeyId: externalKeyId.optional(),
      usage: usage.default('encrypt-decrypt'),
      kmsKey: kmsKeyOfNewKey.optional(),
    }),
    answer: shownKey,
    creates: {
      again: async (call, id) =>
        made(call, await getCloudKey(call.services, call.params.vaultId, callerOf(call).sight, id)),
    },
    handle: async (call) => {
      const { services, act, params, body } = call;
      const { sight } = callerOf(call);
      const input = { ...body, usage: usages[body.usage], expiresAt: toDate(body.expiresAt) };
      const { id } = await createCloudKey(services, act, params.vaultId, sight, input);
      tryLater(services, id);
      // Made by who might: it is answered as made even if its key set is another group's since.
      return made(call, await getCloudKey(services, params.vaultId, 'all', id));
    },
  }),
  route({
    operation: 'adoptCloudKey',
    method: 'POST',
    path: `${keyPath}/adoptions`,
    tag: keyTag,
    summary: 'Take over a key of AWS’s sample proxy',
    description:
      'Takes a key object that is in the token already, with the ciphertext that AWS’s sample proxy ' +
      '(aws-kms-xks-proxy) made under it. A key object that could have left the token is refused. One that may wrap or ' +
      'unwrap other keys, or be derived from, is refused too, with the names of what it may do, unless `restrict` is true. ' +
      'What AWS may do with it is what the key object may do.',
    access: { kind: 'permission', vault: 'cloud-keys.adopt' },
    params: inVault,
    body: z.strictObject({
      ...newFields,
      label: z.string().min(1).max(300).describe('CKA_LABEL of the key object in the token.'),
      externalKeyId: externalKeyId
        .optional()
        .describe('What AWS calls it; the label if left out, as the sample proxy has it.'),
      restrict: z
        .boolean()
        .default(false)
        .describe(
          'Set to false in the token, for good, what the key object may do and a CloudKey does not: CKA_SIGN, CKA_VERIFY, ' +
            'CKA_WRAP, CKA_UNWRAP, CKA_DERIVE. Nothing else is changed, and none of it where the key could not be adopted ' +
            'then. A token that refuses is told with its return value (409).',
        ),
    }),
    answer: shownKey,
    creates: {
      again: async (call, id) =>
        made(call, await getCloudKey(call.services, call.params.vaultId, callerOf(call).sight, id)),
    },
    handle: async (call) => {
      const { services, act, params, body } = call;
      const { sight } = callerOf(call);
      const input = {
        ...body,
        externalKeyId: body.externalKeyId ?? body.label,
        expiresAt: toDate(body.expiresAt),
      };
      const { id } = await adoptCloudKey(services, act, params.vaultId, sight, input);
      // Made by who might: it is answered as made even if its key set is another group's since.
      return made(call, await getCloudKey(services, params.vaultId, 'all', id));
    },
  }),
  route({
    operation: 'getCloudKey',
    method: 'GET',
    path: `${keyPath}/{cloudKeyId}`,
    tag: keyTag,
    summary: 'Show a CloudKey',
    access: readKeys,
    params: one,
    answer: shownKey,
    handle: async (call) => {
      const { vaultId, cloudKeyId } = call.params;
      return shown(call, await getCloudKey(call.services, vaultId, callerOf(call).sight, cloudKeyId));
    },
  }),
  route({
    operation: 'listCloudKeyVersions',
    method: 'GET',
    path: `${keyPath}/{cloudKeyId}/versions`,
    tag: keyTag,
    summary: 'List the versions of a CloudKey',
    description: 'Each is one AES-256 key object in the token. The first one comes first.',
    access: readKeys,
    params: one,
    query: z.strictObject(wholeQuery),
    answer: pageOf(shownVersion, 'KeyVersion'),
    handle: async (call) => {
      const { services, params, query } = call;
      const key = await getCloudKey(services, params.vaultId, callerOf(call).sight, params.cloudKeyId);
      const page = await listVersions(services, key, query);
      return shownPage(page, (row) => showVersion(key, row));
    },
  }),
  route({
    operation: 'updateCloudKey',
    method: 'PATCH',
    path: `${keyPath}/{cloudKeyId}`,
    tag: keyTag,
    summary: 'Change a CloudKey',
    description:
      'A later `expiresAt`, or null, makes an EXPIRED CloudKey DISABLED: enable it for it to serve again. A new rotation ' +
      'schedule counts from the last rotation; what is overdue by it is due now. Alias, description and key policy of its ' +
      'KMS keys follow where they are as the CloudKey had them; with `applyToKms` AWS is given them at once, else they ' +
      'are shown as drift until they are applied.',
    access: writeKeys,
    params: one,
    body: z.strictObject({
      ...z.strictObject(keyFields).partial().shape,
      applyToKms: z.boolean().default(false).describe('Change its KMS keys in AWS as well.'),
    }),
    answer: shownActedKey,
    changes: true,
    handle: async (call) => {
      const { services, act, params, body, expected } = call;
      const { sight } = callerOf(call);
      const { applyToKms, ...told } = body;
      const { vaultId, cloudKeyId } = params;
      const input = { ...told, expiresAt: toDate(told.expiresAt) };
      return acted(
        call,
        await updateCloudKey(services, act, { vaultId, sight, id: cloudKeyId, expected }, input, applyToKms),
        applyToKms ? 'both' : 'ours',
      );
    },
  }),
  ...cloudKeyActRoutes,
];
