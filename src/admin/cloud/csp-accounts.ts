import { z } from 'zod';
import { Secret } from '../../secret.ts';
import { rotateAccessKey } from '../../cloud/accounts/access-key-rotation.ts';
import { checkCspAccount, policyOfCspAccount, principalsOfCspAccount } from '../../cloud/accounts/checks.ts';
import {
  createCspAccount,
  cspAccountOrders,
  deleteCspAccount,
  getCspAccount,
  listCspAccounts,
  updateCspAccount,
  type CspAccountRecord,
} from '../../cloud/accounts/accounts.ts';
import {
  accountFields,
  showAccount,
  shownAccount,
  shownPolicies,
  shownPrincipal,
} from './csp-account-forms.ts';
import { namePrefix, vaultId } from '../keys/key-forms.ts';
import { pageOf, pageQuery, pageInput } from '../page-query.ts';
import type { ProblemKind } from '../problem.ts';
import type { Target } from '../../vault/context.ts';
import { callerOf, route, shownPage, type Call, type Route } from '../route.ts';

const tag = 'CSP accounts';
const path = '/vaults/{vaultId}/csp-accounts';
const inVault = z.strictObject({ vaultId });
const one = z.strictObject({ vaultId, cspAccountId: z.uuid().describe('The CSP account.') });
const read = { kind: 'permission', vault: 'vault.read' } as const;
const write = { kind: 'permission', vault: 'csp-accounts.write' } as const;
const asksAws = ['aws', 'aws-busy', 'token-unavailable'] as const satisfies ProblemKind[];

const { name, adminGroupId, type, description, awsAccountId, defaultRegion, ...access } = accountFields;

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
        await listCspAccounts(call.services, params.vaultId, sight, query, pageInput(query)),
        showAccount,
      );
    },
  }),
  route({
    operation: 'createCspAccount',
    method: 'POST',
    path,
    tag,
    summary: 'Create a CSP account',
    description:
      'An AWS account that key sets are for, and how Holdfast signs in to it. A credential that AWS refuses is ' +
      'refused, and nothing is stored; missing permissions are listed in `check`. A role may be entered before ' +
      'its trust policy is written, because its external id is generated here: check it again afterwards.',
    access: write,
    params: inVault,
    body: z.strictObject({
      name,
      adminGroupId,
      type: type.default('manual'),
      description: description.default(''),
      awsAccountId: awsAccountId.default(''),
      defaultRegion: defaultRegion.default(''),
      ...z.strictObject(access).partial().shape,
    }),
    answer: shownAccount,
    problems: asksAws,
    creates: {
      again: async (call, id) =>
        made(await getCspAccount(call.services, call.params.vaultId, callerOf(call).sight, id)),
    },
    handle: async (call) =>
      made(
        await createCspAccount(
          call.services,
          call.act,
          call.params.vaultId,
          callerOf(call).sight,
          inputOf(call.body),
        ),
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
      const { vaultId, sight, id } = onAccount(call);
      return answer(await getCspAccount(call.services, vaultId, sight, id));
    },
  }),
  route({
    operation: 'updateCspAccount',
    method: 'PATCH',
    path: `${path}/{cspAccountId}`,
    tag,
    summary: 'Change a CSP account',
    description:
      'A change to how Holdfast signs in is tried first; if AWS refuses the credential, nothing is changed. A ' +
      'CSP account whose AWS account has external key stores cannot be moved to another AWS account.',
    access: write,
    params: one,
    body: z.strictObject(accountFields).partial(),
    answer: shownAccount,
    problems: asksAws,
    changes: true,
    handle: async (call) =>
      answer(await updateCspAccount(call.services, call.act, onAccount(call), inputOf(call.body))),
  }),
  route({
    operation: 'deleteCspAccount',
    method: 'DELETE',
    path: `${path}/{cspAccountId}`,
    tag,
    summary: 'Delete a CSP account that no key set uses',
    description:
      'Its sealed secret is deleted too. The access key stays in IAM: delete it there if nothing else uses it.',
    access: write,
    params: one,
    changes: true,
    handle: async (call) => {
      await deleteCspAccount(call.services, call.act, onAccount(call));
      return { status: 204 };
    },
  }),
  route({
    operation: 'checkCspAccount',
    method: 'POST',
    path: `${path}/{cspAccountId}/check`,
    tag,
    summary: 'Check the credential and permissions of a CSP account',
    description: 'What AWS refuses is listed in `check`; the request itself succeeds.',
    access: write,
    params: one,
    answer: shownAccount,
    problems: asksAws,
    changes: true,
    handle: async (call) => answer(await checkCspAccount(call.services, call.act, onAccount(call))),
  }),
  route({
    operation: 'rotateCspAccessKey',
    method: 'POST',
    path: `${path}/{cspAccountId}/rotate-access-key`,
    tag,
    summary: 'Rotate the access key of a CSP account',
    description:
      'Creates a second access key in IAM, tries it, switches to it and deletes the first. A step that fails, ' +
      'or waits for IAM, is shown in `accessKeyRotationState` and `accessKeyRotationProblem` and is retried ' +
      'automatically. If a rotation is in progress, this retries it at once.',
    access: write,
    params: one,
    answer: shownAccount,
    problems: asksAws,
    changes: true,
    handle: async (call) => answer(await rotateAccessKey(call.services, call.act, onAccount(call))),
  }),
  route({
    operation: 'getCspAccountPolicy',
    method: 'GET',
    path: `${path}/{cspAccountId}/policy`,
    tag,
    summary: 'Show the least-privilege IAM policy for a CSP account',
    description: 'Includes the trust policy of a role. AWS is not called.',
    access: read,
    params: one,
    answer: shownPolicies,
    handle: async (call) => {
      const { vaultId, sight, id } = onAccount(call);
      return { body: await policyOfCspAccount(call.services, vaultId, sight, id) };
    },
  }),
  route({
    operation: 'listCspPrincipals',
    method: 'GET',
    path: `${path}/{cspAccountId}/principals`,
    tag,
    summary: 'List IAM users or roles of the AWS account',
    description:
      'To choose the administrators and users of CloudKeys from. Service-linked roles are left out, so a page ' +
      'may have fewer items than requested even if more pages follow.',
    access: write,
    params: one,
    query: z.strictObject({
      kind: z.enum(['user', 'role']).default('role').describe('Users or roles.'),
      pathPrefix: z
        .string()
        .regex(/^\/(?:[!-~]{0,510}\/)?$/)
        .optional()
        .describe('Only those whose path starts with this, such as `/teams/`.'),
      limit: z.coerce
        .number()
        .int()
        .min(1)
        .max(200)
        .default(100)
        .describe('Maximum number of items in a page.'),
      cursor: z.string().max(2000).optional().describe('`next` of the previous page.'),
    }),
    answer: pageOf(shownPrincipal, 'IamPrincipal'),
    problems: [...asksAws, 'conflict'],
    handle: async (call) => {
      const { vaultId, sight, id } = onAccount(call);
      const { cursor: marker, ...rest } = call.query;
      const page = await principalsOfCspAccount(call.services, vaultId, sight, id, { ...rest, marker });
      return shownPage(page, ({ createdAt, ...principal }) => ({
        ...principal,
        createdAt: createdAt?.toISOString() ?? null,
      }));
    },
  }),
];

/** Which one an act is on. */
function onAccount(
  call: Pick<Call<z.output<typeof one>, unknown, unknown>, 'caller' | 'params' | 'expected'>,
): Target {
  const { vaultId, cspAccountId: id } = call.params;
  return { vaultId, sight: callerOf(call).sight, id, expected: call.expected };
}

interface AccountBody {
  secretAccessKey?: string | undefined;
  accessKeyRotation?: { days: number | null } | undefined;
}

/** The body as vault functions take it: the secret in something that cannot be printed. */
function inputOf<B extends AccountBody>({ secretAccessKey, accessKeyRotation, ...rest }: B) {
  return {
    ...rest,
    secretAccessKey: secretAccessKey === undefined ? undefined : new Secret(secretAccessKey),
    accessKeyRotationDays: accessKeyRotation?.days,
  };
}

function made(row: CspAccountRecord) {
  return { ...answer(row), status: 201, location: `/vaults/${row.vault_id}/csp-accounts/${row.id}` };
}

function answer(row: CspAccountRecord) {
  return { body: showAccount(row), rowVersion: row.row_version };
}
