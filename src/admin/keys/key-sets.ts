import { z } from 'zod';
import {
  createKeySet,
  deleteKeySet,
  freezeKeySet,
  getKeySet,
  keySetOrders,
  keySetWarnings,
  listKeySets,
  thawKeySet,
  updateKeySet,
  type CountedKeySet,
} from '../../keys/key-sets/key-sets.ts';
import { isFrozen } from '../../keys/key-sets/key-set-records.ts';
import { xksUriPath } from '../../vault/names.ts';
import { countsOfKeySets, type KeySetCounts } from './key-set-counts.ts';
import {
  description,
  namePrefix,
  quota,
  rotationDays,
  showQuota,
  shownQuota,
  time,
  vaultId,
} from './key-forms.ts';
import { pageOf, pageQuery, pageInput } from '../page-query.ts';
import { callerOf, route, shownPage, type Call, type Route } from '../route.ts';

const tag = 'Key sets';
const path = '/vaults/{vaultId}/key-sets';
const inVault = z.strictObject({ vaultId });
const one = z.strictObject({ vaultId, keySetId: z.uuid().describe('The key set.') });
const read = { kind: 'permission', vault: 'vault.read' } as const;
const write = { kind: 'permission', vault: 'key-sets.write' } as const;

const state = z.enum(['ACTIVE', 'FROZEN']);
const rotation = z
  .strictObject({ days: rotationDays.nullable().describe('Null for never.') })
  .describe('Days of 24 hours between rotations of CloudKeys without a schedule of their own.');
const moment = time.nullable();
const adminGroupId = z
  .uuid()
  .nullable()
  .describe('Admin group whose members see it; null for none. Cloud admins name one of their own.');
const cspAccountId = z.uuid().nullable().describe('CSP account that it belongs to; null for none.');
const externalKeyStore = z
  .boolean()
  .describe('Whether AWS may use it as an external key store; if false, its credentials are refused.');

const fields = {
  name: z.string().min(1).max(250).describe('Unique within the vault: A-Z, a-z, 0-9, `_`, `-` and `/`.'),
  token: z
    .string()
    .max(100)
    .describe('One of the vault’s tokens. Fixed once it has CloudKeys or credentials.'),
  pathPrefix: z
    .string()
    .max(118)
    .describe(
      'Path prefix of its XKS URIs, with or without slashes around it; empty for none. Unique among all key ' +
        'sets. Fixed once it has CloudKeys or credentials.',
    ),
};

const shownKeySet = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    description,
    adminGroupId,
    cspAccountId,
    token: z.string().describe('Token that its keys are in.'),
    externalKeyStore,
    pathPrefix: z.string().describe('Without slashes around it; empty for none.'),
    xksProxyUriPath: z
      .string()
      .describe('The URI path for the external key store in AWS KMS (XksProxyUriPath).'),
    rotation,
    state: state.describe(
      'FROZEN: every request for one of its keys gets InvalidStateException, because it is frozen itself or ' +
        'its vault is.',
    ),
    frozenSince: z
      .strictObject({
        keySet: moment.describe('Frozen individually.'),
        vault: moment.describe('Its vault is frozen by the vault’s administrators.'),
        appliance: moment.describe('Its vault is frozen by the appliance’s administrators.'),
      })
      .describe('The freezes in effect; its keys are usable once there are none.'),
    quota: shownQuota,
    cloudKeys: z.int().describe('Number of CloudKeys that are not DELETED.'),
    externalKeyStores: z.int().describe('Number of external key stores of AWS KMS that connect to it.'),
    liveCredentials: z.int().describe('Number of credentials that are LIVE.'),
    createdAt: time,
    updatedAt: time,
    warnings: z
      .array(z.strictObject({ code: z.string(), message: z.string(), remediation: z.string() }))
      .optional()
      .describe(
        'What to fix before AWS uses it, such as another key set that has no path prefix either. Not returned in ' +
          'lists.',
      ),
  })
  .meta({ id: 'KeySet' });

export const keySetRoutes: readonly Route[] = [
  route({
    operation: 'listKeySets',
    method: 'GET',
    path,
    tag,
    summary: 'List the key sets of a vault',
    access: read,
    params: inVault,
    query: z.strictObject({
      name: namePrefix,
      state: state.optional().describe('Only those in this state.'),
      adminGroupId: z.uuid().optional().describe('Only those of this admin group.'),
      cspAccountId: z.uuid().optional().describe('Only those of this CSP account.'),
      token: z.string().max(100).optional().describe('Only those whose keys are in this token.'),
      ...pageQuery(keySetOrders),
    }),
    answer: pageOf(shownKeySet, 'KeySet'),
    handle: async (call) => {
      const { services, params, query, act } = call;
      const { sight } = callerOf(call);
      const page = await listKeySets(services, params.vaultId, sight, query, pageInput(query));
      const ids = page.items.map(({ id }) => id);
      const counts = await countsOfKeySets(services.store.db, ids, act.at);
      return shownPage(page, (row) => show(row, counts(row.id)));
    },
  }),
  route({
    operation: 'createKeySet',
    method: 'POST',
    path,
    tag,
    summary: 'Create a key set',
    description:
      'What an external key store of AWS KMS connects to. Issue a credential for it, then create CloudKeys in it.',
    access: write,
    params: inVault,
    body: z.strictObject({
      ...fields,
      description: description.default(''),
      adminGroupId: adminGroupId.default(null),
      cspAccountId: cspAccountId.default(null),
      externalKeyStore: externalKeyStore.default(true),
      pathPrefix: fields.pathPrefix.default(''),
      rotation: rotation.default({ days: null }),
      quota: quota.default(null),
    }),
    answer: shownKeySet,
    creates: {
      again: async (call, id) =>
        made(call, await getKeySet(call.services, call.params.vaultId, callerOf(call).sight, id)),
    },
    handle: async (call) => {
      const { services, act, params, body } = call;
      const { rotation, ...input } = body;
      const { sight } = callerOf(call);
      return made(
        call,
        await createKeySet(services, act, params.vaultId, sight, { ...input, rotationDays: rotation.days }),
      );
    },
  }),
  route({
    operation: 'getKeySet',
    method: 'GET',
    path: `${path}/{keySetId}`,
    tag,
    summary: 'Show a key set',
    access: read,
    params: one,
    answer: shownKeySet,
    handle: async (call) => {
      const { vaultId, keySetId } = call.params;
      return answer(call, await getKeySet(call.services, vaultId, callerOf(call).sight, keySetId));
    },
  }),
  route({
    operation: 'updateKeySet',
    takesAway: true,
    method: 'PATCH',
    path: `${path}/{keySetId}`,
    tag,
    summary: 'Change a key set',
    description:
      'A new rotation schedule applies at once to all CloudKeys that inherit it, counted from their last ' +
      'rotations; what is overdue is due now. With thousands of them, `nextRotationAt` is updated within ' +
      'minutes; none is rotated by the old schedule.',
    access: write,
    params: one,
    body: z
      .strictObject({
        ...fields,
        description,
        adminGroupId,
        cspAccountId,
        externalKeyStore,
        rotation,
        quota,
      })
      .partial(),
    answer: shownKeySet,
    changes: true,
    handle: async (call) => {
      const { services, act, params, body, expected } = call;
      const { rotation, ...rest } = body;
      const input = { ...rest, rotationDays: rotation?.days };
      const { sight } = callerOf(call);
      return answer(
        call,
        await updateKeySet(
          services,
          act,
          { vaultId: params.vaultId, sight, id: params.keySetId, expected },
          input,
        ),
      );
    },
  }),
  route({
    operation: 'freezeKeySet',
    takesAway: true,
    despiteLoss: true,
    method: 'POST',
    path: `${path}/{keySetId}/freeze`,
    tag,
    summary: 'Freeze a key set',
    description:
      'From the moment this returns, every request for one of its keys gets InvalidStateException. Nothing ' +
      'else about them changes.',
    access: write,
    params: one,
    answer: shownKeySet,
    changes: true,
    handle: async (call) => {
      const { services, act, params, expected } = call;
      const { sight } = callerOf(call);
      return answer(
        call,
        await freezeKeySet(services, act, { vaultId: params.vaultId, sight, id: params.keySetId, expected }),
      );
    },
  }),
  route({
    operation: 'thawKeySet',
    takesReason: true,
    method: 'POST',
    path: `${path}/{keySetId}/thaw`,
    tag,
    summary: 'Thaw a frozen key set',
    description:
      'Ends the freeze of the key set itself. While its vault is frozen, the key set stays FROZEN.',
    access: write,
    params: one,
    answer: shownKeySet,
    changes: true,
    handle: async (call) => {
      const { services, act, params, expected } = call;
      const { sight } = callerOf(call);
      return answer(
        call,
        await thawKeySet(services, act, { vaultId: params.vaultId, sight, id: params.keySetId, expected }),
      );
    },
  }),
  route({
    operation: 'deleteKeySet',
    takesAway: true,
    method: 'DELETE',
    path: `${path}/{keySetId}`,
    tag,
    summary: 'Delete a key set',
    description:
      'Possible only if all of its CloudKeys are DELETED and it has no live credentials. The external key ids ' +
      'of its DELETED CloudKeys are never used again. The key set is gone when this returns, and its name and ' +
      'path prefix are free; the records of thousands of DELETED CloudKeys are removed in the following ' +
      'minutes.',
    access: write,
    params: one,
    changes: true,
    handle: async (call) => {
      const { services, act, params, expected } = call;
      await deleteKeySet(services, act, {
        vaultId: params.vaultId,
        sight: callerOf(call).sight,
        id: params.keySetId,
        expected,
      });
      return { status: 204 };
    },
  }),
];

type Answering = Pick<Call<unknown, unknown, unknown>, 'act' | 'services'>;

async function made(call: Answering, row: CountedKeySet) {
  const location = `/vaults/${row.vault_id}/key-sets/${row.id}`;
  return { ...(await answer(call, row)), status: 201, location };
}

async function answer({ act, services: { store } }: Answering, row: CountedKeySet) {
  const counts = await countsOfKeySets(store.db, [row.id], act.at);
  const warnings = await keySetWarnings(store.db, row);
  return { body: { ...show(row, counts(row.id)), warnings }, rowVersion: row.row_version };
}

function show(row: CountedKeySet, counts: KeySetCounts): z.output<typeof shownKeySet> {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    adminGroupId: row.admin_group_id,
    cspAccountId: row.csp_account_id,
    token: row.token,
    externalKeyStore: row.external_key_store === 1,
    pathPrefix: row.path_prefix,
    xksProxyUriPath: xksUriPath(row.path_prefix),
    rotation: { days: row.rotation_days },
    state: isFrozen(row) ? 'FROZEN' : 'ACTIVE',
    frozenSince: {
      keySet: row.frozen_at,
      vault: row.vault_frozen_at,
      appliance: row.appliance_frozen_at,
    },
    quota: showQuota(row),
    cloudKeys: row.cloud_keys,
    ...counts,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
