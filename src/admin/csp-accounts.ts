import { z } from 'zod';
import {
  createCspAccount,
  cspAccountOrders,
  deleteCspAccount,
  getCspAccount,
  listCspAccounts,
  updateCspAccount,
  type CspAccount,
} from '../vault/csp-accounts.ts';
import { description, namePrefix, region, time, vaultId } from './key-forms.ts';
import { pageOf, pageQuery, pageWish } from './page-query.ts';
import { callerOf, route, shownPage, type Answer, type Route } from './route.ts';

const tag = 'CSP accounts';
const path = '/vaults/{vaultId}/csp-accounts';
const inVault = z.strictObject({ vaultId });
const one = z.strictObject({ vaultId, cspAccountId: z.uuid().describe('The CSP account.') });
const read = { kind: 'permission', vault: 'vault.read' } as const;
const write = { kind: 'permission', vault: 'csp-accounts.write' } as const;

const type = z
  .literal('manual')
  .describe('How AWS is reached: `manual`, by hand, with no credential of AWS.');
const awsAccountId = z
  .string()
  .regex(/^(?:[0-9]{12})?$/)
  .describe('12 digits; empty where it is not told.');

const fields = {
  name: z.string().min(1).max(120).describe('Unique within the vault.'),
  adminGroupId: z.uuid().describe('Admin group whose members see it. Cloud admins name one of their own.'),
};

const shownAccount = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    description,
    adminGroupId: z.uuid().describe('Admin group whose members see it.'),
    type,
    awsAccountId,
    defaultRegion: region.describe('Region of CloudKeys for which none is told.'),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'CspAccount' });

export const cspAccountRoutes: readonly Route[] = [
  route({
    operation: 'listCspAccounts',
    method: 'GET',
    path,
    tag,
    summary: 'List the CSP accounts of a vault',
    access: read,
    params: inVault,
    query: z.strictObject({
      name: namePrefix,
      adminGroupId: z.uuid().optional().describe('Only those of this admin group.'),
      ...pageQuery(cspAccountOrders),
    }),
    answer: pageOf(shownAccount, 'CspAccount'),
    handle: async (call) => {
      const { params, query } = call;
      const { sight } = callerOf(call);
      return shownPage(
        await listCspAccounts(call.services, params.vaultId, sight, query, pageWish(query)),
        show,
      );
    },
  }),
  route({
    operation: 'createCspAccount',
    method: 'POST',
    path,
    tag,
    summary: 'Make a CSP account',
    description:
      'An account at the cloud service provider that key sets are for. Nothing here signs in there: its account id and ' +
      'Region are told by hand.',
    access: write,
    params: inVault,
    body: z.strictObject({
      ...fields,
      type: type.default('manual'),
      description: description.default(''),
      awsAccountId: awsAccountId.default(''),
      defaultRegion: region.default(''),
    }),
    answer: shownAccount,
    creates: {
      again: async (call, id) =>
        made(await getCspAccount(call.services, call.params.vaultId, callerOf(call).sight, id)),
    },
    handle: async (call) =>
      made(
        await createCspAccount(call.services, call.act, call.params.vaultId, callerOf(call).sight, call.body),
      ),
  }),
  route({
    operation: 'getCspAccount',
    method: 'GET',
    path: `${path}/{cspAccountId}`,
    tag,
    summary: 'Show a CSP account',
    access: read,
    params: one,
    answer: shownAccount,
    handle: async (call) => {
      const { vaultId, cspAccountId } = call.params;
      return answer(await getCspAccount(call.services, vaultId, callerOf(call).sight, cspAccountId));
    },
  }),
  route({
    operation: 'updateCspAccount',
    method: 'PATCH',
    path: `${path}/{cspAccountId}`,
    tag,
    summary: 'Change a CSP account',
    access: write,
    params: one,
    body: z.strictObject({ ...fields, description, awsAccountId, defaultRegion: region }).partial(),
    answer: shownAccount,
    changes: true,
    handle: async (call) => {
      const { services, act, params, body, expected } = call;
      const { sight } = callerOf(call);
      return answer(
        await updateCspAccount(services, act, params.vaultId, sight, params.cspAccountId, body, expected),
      );
    },
  }),
  route({
    operation: 'deleteCspAccount',
    method: 'DELETE',
    path: `${path}/{cspAccountId}`,
    tag,
    summary: 'Delete a CSP account that no key set is for',
    access: write,
    params: one,
    changes: true,
    handle: async (call) => {
      const { services, act, params, expected } = call;
      const { sight } = callerOf(call);
      await deleteCspAccount(services, act, params.vaultId, sight, params.cspAccountId, expected);
      return { status: 204 };
    },
  }),
];

function made(row: CspAccount): Answer {
  return { ...answer(row), status: 201, location: `/vaults/${row.vault_id}/csp-accounts/${row.id}` };
}

function answer(row: CspAccount): Answer {
  return { body: show(row), rowVersion: row.row_version };
}

function show(row: CspAccount) {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    adminGroupId: row.admin_group_id,
    type: row.type,
    awsAccountId: row.aws_account_id,
    defaultRegion: row.default_region,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
