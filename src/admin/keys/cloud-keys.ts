import { z } from 'zod';
import {
  adoptCloudKey,
  cloudKeyOrders,
  createCloudKey,
  getCloudKey,
  listCloudKeys,
  listVersions,
  planCloudKey,
  updateCloudKey,
} from '../../keys/cloud-keys.ts';
import { readKeyOrigin } from '../../keys/history/key-origin.ts';
import { withFollowing } from '../../keys/history/version-use.ts';
import { tryLater } from '../../cloud/kms-keys/attempts.ts';
import { previewKmsKey } from '../../cloud/kms-keys/new-key.ts';
import { kmsKeysOf } from '../../cloud/kms-keys/records.ts';
import { cloudKeyActRoutes } from './cloud-key-acts.ts';
import {
  externalKeyId,
  keyFields,
  keyStates,
  shownActedKey,
  shownKey,
  shownOneKey,
  showKey,
  shownVersion,
  showVersion,
  usage,
  usages,
} from './cloud-key-forms.ts';
import { showPreview, shownPreview } from './cloud-key-preview.ts';
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
  keySetId: z.uuid().describe('Key set that it belongs to; permanent.'),
  description: keyFields.description.default(''),
  region: region
    .optional()
    .describe('AWS Region; the default Region of the key set’s CSP account if omitted.'),
  administrators: keyFields.administrators.default([]),
  users: keyFields.users.default([]),
  rotation: keyFields.rotation.default({ kind: 'INHERIT' }),
  expiresAt: keyFields.expiresAt.default(null),
  quota: keyFields.quota.default(null),
};

const newKey = z.strictObject({
  ...newFields,
  externalKeyId: externalKeyId.optional(),
  usage: usage.default('encrypt-decrypt'),
  kmsKey: kmsKeyOfNewKey.optional(),
});

function newKeyInput(body: z.output<typeof newKey>) {
  return { ...body, usage: usages[body.usage], expiresAt: toDate(body.expiresAt) };
}

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
      externalKeyId: z.string().max(128).optional().describe('Only the one with this external key id.'),
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
    summary: 'Create a CloudKey',
    description:
      'Generates an AES-256 key in the token of the key set; it cannot leave the token. If the key set has an ' +
      'external key store in AWS, its KMS key and alias are created there next (`kmsKeys` shows the progress); ' +
      'otherwise pass its `externalKeyId` to AWS KMS (CreateKey with Origin EXTERNAL_KEY_STORE, XksKeyId). A ' +
      'failure in AWS never fails the CloudKey.',
    access: writeKeys,
    params: inVault,
    body: newKey,
    answer: shownKey,
    creates: {
      again: async (call, id) =>
        made(call, await getCloudKey(call.services, call.params.vaultId, callerOf(call).sight, id)),
    },
    handle: async (call) => {
      const { services, act, params, body } = call;
      const { sight } = callerOf(call);
      const { id } = await createCloudKey(services, act, params.vaultId, sight, newKeyInput(body));
      tryLater(services, id);
      // Made by who might: it is answered as made even if its key set is another group's since.
      return made(call, await getCloudKey(services, params.vaultId, 'all', id));
    },
  }),
  route({
    operation: 'previewCloudKey',
    method: 'POST',
    path: `${keyPath}/preview`,
    tag: keyTag,
    summary: 'Show what creating a CloudKey would make',
    description:
      'Takes what creating a CloudKey takes, and refuses what that refuses, but makes nothing and asks neither the ' +
      'token nor AWS: the token of the key, and of its KMS key the external key store, alias, tags and key policy. ' +
      'A generated key policy that AWS KMS would not take is refused here even if nobody asked for the KMS key.',
    access: writeKeys,
    params: inVault,
    body: newKey,
    answer: shownPreview,
    handle: async (call) => {
      const { services, act, params, body } = call;
      const { sight } = callerOf(call);
      const { key, keySet } = await planCloudKey(services, act, params.vaultId, sight, newKeyInput(body));
      const kmsKey = await previewKmsKey(services.store.db, keySet, key, body.kmsKey);
      return { body: showPreview(key, keySet, kmsKey) };
    },
  }),
  route({
    operation: 'adoptCloudKey',
    method: 'POST',
    path: `${keyPath}/adoptions`,
    tag: keyTag,
    summary: 'Adopt a key of the AWS sample proxy',
    description:
      'Adopts a key object that is already in the token, along with the ciphertext that the AWS sample proxy ' +
      '(aws-kms-xks-proxy) produced under it. A key object that could have left the token is refused. One that ' +
      'permits wrapping, unwrapping or derivation is refused too, naming those attributes, unless `restrict` ' +
      'is true. Its usage is what the key object permits.',
    access: { kind: 'permission', vault: 'cloud-keys.adopt' },
    params: inVault,
    body: z.strictObject({
      ...newFields,
      label: z.string().min(1).max(300).describe('CKA_LABEL of the key object in the token.'),
      externalKeyId: externalKeyId
        .optional()
        .describe('How AWS refers to it; the label if omitted, as in the sample proxy.'),
      restrict: z
        .boolean()
        .default(false)
        .describe(
          'Permanently set those attributes to false in the token that a CloudKey does not need: CKA_SIGN, ' +
            'CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE. Nothing else is changed, and nothing at all if the key ' +
            'cannot be adopted even so. If the token refuses, its return value is reported (409).',
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
    answer: shownOneKey,
    handle: async (call) => {
      const { services, params } = call;
      const { sight, permissions } = callerOf(call);
      const key = await getCloudKey(services, params.vaultId, sight, params.cloudKeyId);
      const { madeBy, ...origin } = await readKeyOrigin(services, params.vaultId, key);
      const answer = await shown(call, key);
      const whoMade = permissions.has('audit.read') ? (madeBy ?? null) : null;
      return { ...answer, body: { ...answer.body, ...origin, madeBy: whoMade } };
    },
  }),
  route({
    operation: 'listCloudKeyVersions',
    method: 'GET',
    path: `${keyPath}/{cloudKeyId}/versions`,
    tag: keyTag,
    summary: 'List the versions of a CloudKey',
    description: 'Each is one AES-256 key object in the token. Oldest first.',
    access: readKeys,
    params: one,
    query: z.strictObject(wholeQuery),
    answer: pageOf(shownVersion, 'KeyVersion'),
    handle: async (call) => {
      const { services, params, query } = call;
      const key = await getCloudKey(services, params.vaultId, callerOf(call).sight, params.cloudKeyId);
      const page = await listVersions(services, key, query);
      const all = await withFollowing(services, key.id, page.items);
      return shownPage(page, (row) => showVersion(key, row, all));
    },
  }),
  route({
    operation: 'updateCloudKey',
    takesAway: true,
    method: 'PATCH',
    path: `${keyPath}/{cloudKeyId}`,
    tag: keyTag,
    summary: 'Change a CloudKey',
    description:
      'A later `expiresAt`, or null, makes an EXPIRED CloudKey DISABLED: enable it to use it again. A new ' +
      'rotation schedule counts from the last rotation; if it is overdue, it is rotated now. Alias, ' +
      'description and key policy of its KMS keys follow unless they were set individually; with `applyToKms` ' +
      'they are changed in AWS at once, otherwise they are shown as drift until they are applied.',
    access: writeKeys,
    params: one,
    body: z.strictObject({
      ...z.strictObject(keyFields).partial().shape,
      applyToKms: z.boolean().default(false).describe('Also change its KMS keys in AWS.'),
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
