import { z } from 'zod';
import { explainConnectionError } from '../../cloud/aws/connection-errors.ts';
import type { ByHand } from '../../cloud/key-stores/console.ts';
import { toldStates } from '../../cloud/key-stores/edits.ts';
import type { Candidate } from '../../cloud/key-stores/links.ts';
import type { StoreView } from '../../cloud/key-stores/view.ts';
import { lookOperation, problemOfStore } from '../../cloud/key-stores/wanted.ts';
import { region, shownConsoleFile, time } from '../keys/key-forms.ts';

/* What the API takes and shows of external key stores. */

const name = z.string().min(1).max(256).describe('Its name in AWS, unique within the account and Region.');
const connectivity = z
  .enum(['PUBLIC_ENDPOINT', 'VPC_ENDPOINT_SERVICE'])
  .describe('How AWS KMS reaches the proxy.');
const uriEndpoint = z
  .string()
  .min(10)
  .max(128)
  .describe(
    '`https://` and the fully qualified host name at which AWS reaches this node, on port 443; with a VPC ' +
      'endpoint service, its private DNS name.',
  );
const vpcEndpointServiceName = z
  .string()
  .min(20)
  .max(64)
  .describe('VPC endpoint service, with VPC_ENDPOINT_SERVICE.');
const vpcEndpointServiceOwner = z
  .string()
  .regex(/^[0-9]{12}$/)
  .describe('AWS account that owns it, if it is another one.');
const customKeyStoreId = z
  .string()
  .max(64)
  .regex(/^cks-[0-9A-Za-z]+$/)
  .describe('Its id in AWS, `cks-…`.');
const storeRegion = region.min(1).describe('AWS Region such as `eu-central-1`.');

export const newStoreBody = z.strictObject({
  region: storeRegion,
  name: name.optional().describe('Its name in AWS; the name of the key set if omitted.'),
  connectivity: connectivity.default('PUBLIC_ENDPOINT'),
  uriEndpoint: uriEndpoint
    .optional()
    .describe(
      '`https://` and the fully qualified host name at which AWS reaches this node; the one used last if omitted.',
    ),
  vpcEndpointServiceName: vpcEndpointServiceName.optional(),
  vpcEndpointServiceOwner: vpcEndpointServiceOwner.optional(),
  make: z
    .boolean()
    .optional()
    .describe('False: a person creates it in AWS. If omitted, Holdfast creates it if it can sign in to AWS.'),
  connect: z.boolean().default(false).describe('Connect it once it is created.'),
});

export const storeEditBody = z
  .strictObject({
    name,
    connectivity,
    uriEndpoint,
    vpcEndpointServiceName,
    vpcEndpointServiceOwner,
    restorePath: z.boolean().describe('Set the path in AWS to that of the key set.'),
    disconnect: z
      .boolean()
      .describe(
        'Disconnect it for changes that require it, and connect it again. None of its KMS keys can be used in ' +
          'the meantime.',
      ),
    customKeyStoreId: customKeyStoreId.describe('Of a manual one: its id in AWS.'),
    state: z.enum(toldStates).describe('Of a manual one: the state that AWS shows.'),
    connectionError: z
      .string()
      .max(64)
      .describe('Of a manual one, with FAILED: AWS’s connection error code.'),
  })
  .partial();

export const linkBody = z.strictObject({
  region: storeRegion,
  customKeyStoreId,
  name: name.optional().describe('Its name in AWS, if Holdfast does not sign in there.'),
  uriEndpoint: uriEndpoint.optional().describe('Its endpoint in AWS, if Holdfast does not sign in there.'),
});

const connectionError = z
  .strictObject({
    code: z.string().describe('As AWS has it.'),
    meaning: z.string(),
    cause: z.string().describe('The usual cause.'),
    remediation: z.string(),
    source: z.string().describe('Where AWS documents it.'),
  })
  .nullable()
  .describe('Why it is FAILED.');

const problem = z
  .strictObject({
    operation: z.string().describe('Error code of AWS KMS; empty if it is not from AWS.'),
    code: z.string(),
    message: z.string(),
    remediation: z.string(),
    at: time,
    times: z.int().describe('Number of consecutive failures.'),
  })
  .nullable()
  .describe('Why the last act on it, or the last refresh, failed.');

export const shownStore = z
  .strictObject({
    id: z.uuid(),
    keySetId: z.uuid(),
    keySetName: z.string(),
    cspAccountId: z.uuid().nullable(),
    region: z.string(),
    name: z.string(),
    customKeyStoreId: z.string().nullable().describe('Its id in AWS; null while unknown.'),
    origin: z
      .enum(['HOLDFAST', 'LINKED', 'MANUAL'])
      .describe('Created by Holdfast, found in AWS, or managed manually.'),
    connectivity,
    uriEndpoint: z.string(),
    uriPath: z.string().describe('As seen in AWS; empty if it was never read.'),
    vpcEndpointServiceName: z.string().nullable(),
    vpcEndpointServiceOwner: z.string().nullable(),
    accessKeyId: z.string().nullable().describe('XKS credential that AWS has.'),
    pendingAccessKeyId: z
      .string()
      .nullable()
      .describe('The one that AWS is being given: until this is null, AWS may have either.'),
    credentials: z
      .array(
        z.strictObject({
          accessKeyId: z.string(),
          role: z
            .enum(['CURRENT', 'PENDING', 'OLD'])
            .describe('OLD: AWS had it before; it is retired once it is idle.'),
          state: z.enum(['LIVE', 'EXPIRED', 'WITHDRAWN', 'RETIRED', 'UNKNOWN']),
          lastSeenAt: time.nullable(),
        }),
      )
      .describe('Those of this key store, and when AWS last used each.'),
    wanted: z
      .enum(['CREATE', 'CONNECT', 'DISCONNECT', 'DELETE', 'UPDATE'])
      .nullable()
      .describe('What was requested and AWS has not confirmed yet.'),
    state: z
      .enum([
        'CREATING',
        'DISCONNECTED',
        'CONNECTING',
        'CONNECTED',
        'DISCONNECTING',
        'FAILED',
        'NOT_FOUND',
        'UNKNOWN',
      ])
      .describe(
        'Connection state in AWS. UNKNOWN: it could not be read last time, or it is managed manually.',
      ),
    lastKnownState: z.string().describe('The last state that could be read.'),
    connectionError,
    problem,
    warnings: z
      .array(z.strictObject({ code: z.string(), message: z.string(), remediation: z.string() }))
      .describe('What does not match, with its remediation.'),
    checkedAt: time.nullable().describe('When it was last read from AWS.'),
    nextCheckAt: time
      .nullable()
      .describe('When it is read from AWS next, and what is wanted continues; null: not automatically.'),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'ExternalKeyStore' });

export const shownDeletion = z
  .strictObject({
    deleted: z.boolean().describe('False: AWS has to disconnect it first; it is deleted after that.'),
    externalKeyStore: shownStore.nullable(),
  })
  .meta({ id: 'ExternalKeyStoreDeletion' });

export const shownByHand = z
  .strictObject({
    externalKeyStore: shownStore,
    url: z.string().describe('URL in the AWS console.'),
    steps: z.array(z.string()),
    fields: z.array(z.strictObject({ label: z.string(), value: z.string() })),
    command: z.string().describe('The AWS CLI command that does the same.'),
    requestFile: z.string().describe('Name of the file that the command reads its request from.'),
    accessKeyId: z.string().optional().describe('Access key id of the credential that was issued.'),
    consoleFile: shownConsoleFile,
    request: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('The request for the AWS CLI command; if it contains the secret, shown only once.'),
  })
  .meta({ id: 'ExternalKeyStoreByHand' });

export const shownCandidate = z
  .strictObject({
    customKeyStoreId: z.string(),
    name: z.string(),
    state: z.string(),
    connectivity,
    uriEndpoint: z.string(),
    uriPath: z.string(),
    accessKeyId: z.string(),
    matches: z
      .array(z.enum(['PATH', 'ENDPOINT', 'CREDENTIAL']))
      .describe('Which of its properties match the key set.'),
    fits: z.boolean().describe('Whether it can be linked: its path matches the key set’s.'),
    linkedAs: z.uuid().nullable().describe('The external key store record that it is linked as already.'),
    createdAt: time.nullable(),
  })
  .meta({ id: 'ExternalKeyStoreCandidate' });

export function showStore({ row, keySet, credentials, warnings }: StoreView): z.output<typeof shownStore> {
  const told = problemOfStore(row);
  return {
    id: row.id,
    keySetId: row.key_set_id,
    keySetName: keySet.name,
    cspAccountId: row.csp_account_id,
    region: row.region,
    name: row.name,
    customKeyStoreId: orNull(row.custom_key_store_id),
    origin: row.origin,
    connectivity: row.connectivity,
    uriEndpoint: row.uri_endpoint,
    uriPath: row.uri_path,
    vpcEndpointServiceName: orNull(row.vpc_endpoint_service_name),
    vpcEndpointServiceOwner: orNull(row.vpc_endpoint_service_owner),
    accessKeyId: orNull(row.access_key_id),
    pendingAccessKeyId: orNull(row.pending_access_key_id),
    credentials,
    wanted: row.wanted,
    state: told?.operation === lookOperation && row.state !== 'CREATING' ? 'UNKNOWN' : row.state,
    lastKnownState: row.state,
    connectionError: row.connection_error === '' ? null : explainConnectionError(row.connection_error),
    problem: showProblem(told),
    warnings,
    checkedAt: row.checked_at,
    nextCheckAt: row.next_check_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function showProblem(told: ReturnType<typeof problemOfStore>): z.output<typeof problem> {
  if (told === null) return null;
  const { operation, code, message, remediation, at, times } = told;
  return { operation, code, message, remediation, at, times };
}

export function showByHand(byHand: ByHand, view: StoreView): z.output<typeof shownByHand> {
  const { url, steps, fields, command, requestFile, secret } = byHand;
  return { externalKeyStore: showStore(view), url, steps, fields, command, requestFile, ...secret };
}

export function showCandidate(candidate: Candidate): z.output<typeof shownCandidate> {
  const { id, createdAt, vpcEndpointServiceName: _, vpcEndpointServiceOwner: __, ...rest } = candidate;
  const { connectionError: ___, ...shown } = rest;
  return { customKeyStoreId: id, createdAt: createdAt?.toISOString() ?? null, ...shown };
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}
