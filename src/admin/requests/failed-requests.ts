import { z } from 'zod';
import { isRetryable } from '../../metrics/series/cell.ts';
import { time, vaultId } from '../keys/key-forms.ts';
import { pageInput, pageOf, pageQuery } from '../page-query.ts';
import { callerOf, route, shownPage, type Route } from '../route.ts';
import { failedRequestOrders, listFailedRequests, type ListedFailedRequest } from './failed-request-list.ts';
import { remedyOf } from './remedies.ts';

const tag = 'Failed requests';

const filters = {
  id: z.string().max(64).optional().describe('Only the row with this id.'),
  error: z
    .string()
    .max(100)
    .optional()
    .describe('Only this error of the XKS API, such as `InvalidStateException`.'),
  from: z.iso.datetime({ offset: true }).optional().describe('The last of them at or after this time.'),
  to: z.iso.datetime({ offset: true }).optional().describe('The last of them before this time.'),
  ...pageQuery(failedRequestOrders),
  sort: z
    .enum(['-lastAt', 'lastAt'])
    .default('-lastAt')
    .describe('Newest first, or with `lastAt` oldest first.'),
};

const ofVault = {
  keySetId: z.uuid().optional().describe('Only those to this key set.'),
  externalKeyId: z.string().max(128).optional().describe('Only those for this external key.'),
  principal: z.string().max(512).optional().describe('Only those of this caller, letter for letter.'),
  kmsRequestId: z
    .string()
    .max(512)
    .optional()
    .describe('Only the row whose last request has this id; the log of the node has every one.'),
  ...filters,
};

const sent = (what: string) =>
  z.string().describe(`${what} As AWS sent it, up to 512 characters; empty if it sent none.`);

const shownRequest = z
  .strictObject({
    id: z.string(),
    firstAt: time,
    lastAt: time,
    count: z.int().describe('How many requests this stands for.'),
    operation: z.string().describe('Of the XKS API; empty for a path that is none of it, and of the rest.'),
    error: z.string().describe('Of the XKS API.'),
    message: z.string().describe('What AWS was told.'),
    reason: z
      .string()
      .describe(
        'What tells more: why a signature was refused, the fault of the token, the state of the CloudKey, whose quota was spent.',
      ),
    retryable: z
      .boolean()
      .describe('Whether AWS KMS retries it and counts it against the reliability of the proxy.'),
    remediation: z.string().describe('What to do about it.'),
    keySet: z
      .strictObject({ id: z.string(), name: z.string() })
      .nullable()
      .describe('Null where the request was not authenticated, the key set is deleted, and of the rest.'),
    cloudKey: z
      .strictObject({ id: z.string(), name: z.string() })
      .nullable()
      .describe('Null where there is none of this external key id in the key set.'),
    externalKeyId: z.string().describe('As the request named it; empty if it named none.'),
    principal: sent('Who called AWS KMS: an ARN, a service principal or `AWS Internal`.'),
    viaService: sent('The AWS service that called for them.'),
    kmsOperation: sent('What was asked of AWS KMS, such as `GenerateDataKey`.'),
    kmsKeyArn: sent('Of the last of them.'),
    kmsRequestId: sent('Of the last of them: CloudTrail and the log of the node have it too.'),
    address: z.string().describe('Where the last of them came from.'),
  })
  .meta({
    id: 'FailedRequest',
    description:
      'Requests of one minute that were answered with an error and differ in nothing but time, address, KMS request id and KMS key.',
  });

const bounds =
  'A row stands for all requests of a minute that are the same; it shows within 5 seconds and is kept for 30 days. Of each vault 50 rows a minute ' +
  'and XKS worker are told apart; the rest is in one row for each error, which has neither key set nor caller. Of the rows of one vault the newest 10,000 are kept.';

export const failedRequestRoutes: readonly Route[] = [
  route({
    operation: 'listUnauthenticatedRequests',
    method: 'GET',
    path: '/failed-requests',
    tag,
    summary: 'List requests of nobody that were refused',
    description: `Requests that were not authenticated and so belong to no vault. ${bounds}`,
    access: { kind: 'permission', appliance: 'appliance.read' },
    query: z.strictObject(filters),
    answer: pageOf(shownRequest, 'UnauthenticatedRequest'),
    handle: async ({ services, query }) =>
      shownPage(await listFailedRequests(services, '', 'all', { ...query, ...pageInput(query) }), shown),
  }),
  route({
    operation: 'listFailedRequests',
    method: 'GET',
    path: '/vaults/{vaultId}/failed-requests',
    tag,
    summary: 'List requests of AWS that were refused or failed',
    description: `Those to key sets of the admin groups that the caller sees. ${bounds}`,
    access: { kind: 'permission', vault: 'vault.read' },
    params: z.strictObject({ vaultId }),
    query: z.strictObject(ofVault),
    answer: pageOf(shownRequest, 'FailedRequest'),
    handle: async (call) => {
      const { services, params, query } = call;
      const { sight } = callerOf(call);
      return shownPage(
        await listFailedRequests(services, params.vaultId, sight, { ...query, ...pageInput(query) }),
        shown,
      );
    },
  }),
];

function shown(row: ListedFailedRequest) {
  const { key_set_name: keySetName, cloud_key_id: cloudKeyId, cloud_key_name: cloudKeyName } = row;
  return {
    id: row.id,
    firstAt: row.first_at,
    lastAt: row.last_at,
    count: row.count,
    operation: row.operation,
    error: row.error,
    message: row.message,
    reason: row.reason,
    retryable: isRetryable(row.error),
    remediation: remedyOf(row.error, row.reason),
    keySet: keySetName === null ? null : { id: row.key_set_id, name: keySetName },
    cloudKey: cloudKeyId === null || cloudKeyName === null ? null : { id: cloudKeyId, name: cloudKeyName },
    externalKeyId: row.external_key_id,
    principal: row.principal,
    viaService: row.via_service,
    kmsOperation: row.kms_operation,
    kmsKeyArn: row.kms_key_arn,
    kmsRequestId: row.kms_request_id,
    address: row.address,
  };
}
