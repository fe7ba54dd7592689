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
    .describe('The newest first, or with `beganAt` the oldest.'),
});

const known = z.string().nullable();

const finding = z
  .strictObject({
    kind: z
      .enum(findingKinds)
      .describe(
        '`interrupted`: an act that did not come to its end. `missing`: a version without its key object; what was ' +
          'encrypted with it cannot be read. `orphan`: a key object of Holdfast that no record knows. `drift`: a key ' +
          'object that is not as it was made, or not as its record says. `duplicate`: several key objects with one ' +
          'CKA_ID, none of which can be used.',
      ),
    outcome: z
      .enum(findingOutcomes)
      .describe('What was done about it; with `none` and `failed` somebody has to look.'),
    detail: z.string(),
    vaultId: known,
    keySetId: known,
    cloudKeyId: known,
    name: known.describe('Name of the CloudKey.'),
    externalKeyId: known,
    version: z.int().nullable(),
    objectId: z.string().describe('CKA_ID of the key object, in hexadecimal digits.'),
    label: known.describe('CKA_LABEL of the key object, where the token was asked for it.'),
  })
  .meta({
    id: 'Finding',
    description: 'One thing that is not as it should be; null is what no record says.',
  });

const shownReconciliation = z
  .strictObject({
    id: reconciliationId,
    vaultId: z.uuid().nullable().describe('The vault that it was confined to; null for all.'),
    beganAt: time,
    endedAt: time,
    askedBy: z
      .string()
      .describe('`start` of a node, or who asked; a vault is not told which user of the appliance.'),
    clean: z
      .boolean()
      .describe('Every token was compared, and there is nothing that somebody has to look at.'),
    tokens: z.array(
      z.strictObject({
        token: z.string(),
        compared: z.boolean().describe('False where the token could not be asked; `problem` says why.'),
        problem: z.string().nullable(),
        keyObjects: z
          .int()
          .nullable()
          .describe('Key objects of Holdfast in the token; told to the appliance alone.'),
        counts: z
          .strictObject(Object.fromEntries(findingKinds.map((kind) => [kind, z.int()])))
          .describe('Findings of each kind, also those that are not listed.'),
        findings: z.array(finding).max(maxFindings),
      }),
    ),
  })
  .meta({ id: 'Reconciliation', description: 'What the store said against what the tokens held.' });

const descriptionOfRun =
  'Ends or undoes acts that were interrupted, and reports what differs. A key object that no record knows is never ' +
  'destroyed. A node does the same when it starts.';

const readAppliance = { kind: 'permission', appliance: 'appliance.read' } as const satisfies Access;
const readVault = { kind: 'permission', vault: 'audit.read' } as const satisfies Access;

export const reconciliationRoutes: readonly Route[] = [
  route({
    operation: 'listReconciliations',
    method: 'GET',
    path,
    tag,
    summary: 'List the reports',
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
    summary: 'Show a report',
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
    summary: 'Compare the store with the tokens now',
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
    summary: 'List what the reports say of a vault',
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
    summary: 'Show what a report says of a vault',
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
