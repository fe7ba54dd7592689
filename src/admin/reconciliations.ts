import { z } from 'zod';
import { reconcile } from '../reconcile/reconcile.ts';
import {
  findingKinds,
  findingOutcomes,
  getReconciliation,
  listReconciliations,
  maxFindings,
  reconciliationOrders,
  type Reconciliation,
} from '../reconcile/reconciliation-report.ts';
import { time, vaultId } from './keys/key-forms.ts';
import { pageOf, pageQuery, pageInput } from './page-query.ts';
import { callerOf, route, shownPage, type Access, type Route } from './route.ts';

const tag = 'Reconciliation';
const path = '/reconciliations';
const vaultPath = `/vaults/{vaultId}${path}`;
const reconciliationId = z.uuid();

const query = z.strictObject({
  ...pageQuery(reconciliationOrders),
  sort: z
    .enum(['-beganAt', 'beganAt'])
    .default('-beganAt')
    .describe('Newest first, or with `beganAt` oldest first.'),
});

const known = z.string().nullable();

const finding = z
  .strictObject({
    kind: z
      .enum(findingKinds)
      .describe(
        '`interrupted`: an act that was not completed. `missing`: a version without its key object; what was ' +
          'encrypted with it cannot be decrypted. `in-replaced-token`: a version whose key object was left in a token that ' +
          'another replaced, and is not in that one; or one that is to be destroyed, and may be in an HSM that is not asked. `orphan`: a key object of Holdfast without a record. `drift`: a ' +
          'key object that differs from how it was generated, or from its record. `duplicate`: several key objects ' +
          'with the same CKA_ID, none of which can be used.',
      ),
    outcome: z.enum(findingOutcomes).describe('What was done about it; `none` and `failed` need attention.'),
    detail: z.string(),
    vaultId: known,
    keySetId: known,
    cloudKeyId: known,
    name: known.describe('Name of the CloudKey.'),
    externalKeyId: known,
    version: z.int().nullable(),
    objectId: z.string().describe('CKA_ID of the key object, in hexadecimal digits.'),
    label: known.describe('CKA_LABEL of the key object, where the token was asked for it.'),
    member: known.describe(
      'The member of the HSM group that lacks the right key object, if another member has it; null otherwise, and in older reports.',
    ),
  })
  .meta({
    id: 'Finding',
    description: 'A difference; fields are null if no record has them.',
  });

const shownReconciliation = z
  .strictObject({
    id: reconciliationId,
    vaultId: z.uuid().nullable().describe('The vault that it was limited to; null for all.'),
    beganAt: time,
    endedAt: time,
    askedBy: z
      .string()
      .describe(
        '`start` for the start of a node, or who requested it; a vault is not told which user of the appliance.',
      ),
    clean: z.boolean().describe('Whether every token was compared and nothing needs attention.'),
    tokens: z.array(
      z.strictObject({
        token: z.string(),
        compared: z.boolean().describe('False if the token could not be read; `problem` says why.'),
        problem: z.string().nullable(),
        keyObjects: z
          .int()
          .nullable()
          .describe('Number of key objects of Holdfast in the token; shown only to the appliance.'),
        counts: z
          .strictObject(Object.fromEntries(findingKinds.map((kind) => [kind, z.int()])))
          .describe('Number of findings of each kind, including those not listed.'),
        findings: z.array(finding).max(maxFindings),
      }),
    ),
  })
  .meta({ id: 'Reconciliation', description: 'Result of comparing the records with the tokens.' });

const descriptionOfRun =
  'Completes or rolls back interrupted acts, and reports the differences. A key object without a record is ' +
  'never destroyed. A node does the same when it starts.';

const readAppliance = { kind: 'permission', appliance: 'appliance.read' } as const satisfies Access;
const readVault = { kind: 'permission', vault: 'audit.read' } as const satisfies Access;

export const reconciliationRoutes: readonly Route[] = [
  route({
    operation: 'listReconciliations',
    method: 'GET',
    path,
    tag,
    summary: 'List the reconciliation reports',
    access: readAppliance,
    query,
    answer: pageOf(shownReconciliation, 'Reconciliation'),
    handle: async ({ services, query }) =>
      shownPage(await listReconciliations(services, '', pageInput(query)), shown),
  }),
  route({
    operation: 'getReconciliation',
    method: 'GET',
    path: `${path}/{reconciliationId}`,
    tag,
    summary: 'Show a reconciliation report',
    access: readAppliance,
    params: z.strictObject({ reconciliationId }),
    answer: shownReconciliation,
    handle: async ({ services, params }) => ({
      body: shown(await getReconciliation(services, '', params.reconciliationId)),
    }),
  }),
  route({
    operation: 'createReconciliation',
    method: 'POST',
    path,
    tag,
    summary: 'Compare the records with the tokens now',
    description: descriptionOfRun,
    access: { kind: 'permission', appliance: 'appliance.write' },
    answer: shownReconciliation,
    creates: { again: async ({ services }, id) => made(await getReconciliation(services, '', id)) },
    handle: async (call) =>
      made(await reconcile(call.services, call.act, { askedBy: callerOf(call).username })),
  }),
  route({
    operation: 'listVaultReconciliations',
    method: 'GET',
    path: vaultPath,
    tag,
    summary: 'List the reconciliation reports of a vault',
    access: readVault,
    params: z.strictObject({ vaultId }),
    query,
    answer: pageOf(shownReconciliation, 'VaultReconciliation'),
    handle: async ({ services, params, query }) =>
      shownPage(await listReconciliations(services, params.vaultId, pageInput(query)), shown),
  }),
  route({
    operation: 'getVaultReconciliation',
    method: 'GET',
    path: `${vaultPath}/{reconciliationId}`,
    tag,
    summary: 'Show a reconciliation report of a vault',
    access: readVault,
    params: z.strictObject({ vaultId, reconciliationId }),
    answer: shownReconciliation,
    handle: async ({ services, params }) => ({
      body: shown(await getReconciliation(services, params.vaultId, params.reconciliationId)),
    }),
  }),
  route({
    operation: 'createVaultReconciliation',
    method: 'POST',
    path: vaultPath,
    tag,
    summary: 'Compare the records of a vault with the tokens now',
    description: descriptionOfRun,
    access: { kind: 'permission', vault: 'reconcile.run' },
    params: z.strictObject({ vaultId }),
    answer: shownReconciliation,
    creates: {
      again: async ({ services, params }, id) => made(await getReconciliation(services, params.vaultId, id)),
    },
    handle: async (call) =>
      made(
        await reconcile(call.services, call.act, {
          vaultId: call.params.vaultId,
          askedBy: callerOf(call).username,
        }),
      ),
  }),
];

function made(reconciliation: Reconciliation) {
  const { id, vaultId } = reconciliation;
  const location = vaultId === '' ? `${path}/${id}` : `/vaults/${vaultId}${path}/${id}`;
  return { status: 201, location, body: shown(reconciliation) };
}

function shown({ vaultId, ...reconciliation }: Reconciliation) {
  return { ...reconciliation, vaultId: vaultId === '' ? null : vaultId };
}
