import { z } from 'zod';
import {
  consoleFile,
  credentialOrders,
  credentialState,
  defaultQuietMinutes,
  getCredential,
  issueCredential,
  listCredentials,
  maxQuietMinutes,
  rotateCredential,
  updateCredential,
  withdrawCredential,
  type IssuedCredential,
  type UsedCredential,
} from '../../keys/credentials/credentials.ts';
import { getKeySet, type KeySet } from '../../keys/key-sets/key-sets.ts';
import { expiry, shownConsoleFile, time, toDate, vaultId } from './key-forms.ts';
import { pageOf, pageQuery, pageInput } from '../page-query.ts';
import { callerOf, route, shownPage, type Call, type Route } from '../route.ts';

const tag = 'Credentials';
const path = '/vaults/{vaultId}/key-sets/{keySetId}/credentials';
const keySetId = z.uuid().describe('The key set.');
const inKeySet = z.strictObject({ vaultId, keySetId });
const one = z.strictObject({
  vaultId,
  keySetId,
  accessKeyId: z
    .string()
    .regex(/^[A-Z2-7]{20,30}$/)
    .describe('Access key id of the credential.'),
});
const read = { kind: 'permission', vault: 'vault.read' } as const;
const write = { kind: 'permission', vault: 'credentials.write' } as const;

const quietMinutes = z
  .int()
  .min(1)
  .max(maxQuietMinutes)
  .describe(
    'Retire it once it has been idle for this many minutes and its successor is in use; null for never.',
  );

const fields = {
  accessKeyId: z.string().describe('Access key id: what AWS signs its requests with.'),
  state: z
    .enum(['LIVE', 'EXPIRED', 'WITHDRAWN', 'RETIRED'])
    .describe('RETIRED: withdrawn automatically after its successor took over. Only LIVE ones are accepted.'),
  expiresAt: time.nullable().describe('When it expires; null for never.'),
  retireAfterQuietMinutes: quietMinutes.nullable(),
  successor: z.string().nullable().describe('Access key id of the credential that takes its place.'),
  lastSeenAt: time.nullable().describe('When it was last used to sign a request; null if never.'),
  lastAddress: z.string().nullable().describe('Address of that request.'),
  requests: z.int().describe('Number of requests signed with it.'),
  createdAt: time,
  withdrawnAt: time.nullable(),
};
const shownCredential = z.strictObject(fields).meta({ id: 'Credential' });
const issued = z
  .strictObject({
    ...fields,
    rawSecretAccessKey: z
      .string()
      .optional()
      .describe('The secret access key, shown only once: 44 characters, to be used as they are.'),
    consoleFile: shownConsoleFile,
  })
  .meta({ id: 'IssuedCredential' });

export const credentialRoutes: readonly Route[] = [
  route({
    operation: 'listCredentials',
    method: 'GET',
    path,
    tag,
    summary: 'List the credentials of a key set',
    description: 'Includes withdrawn ones. Secrets are never shown again.',
    access: read,
    params: inKeySet,
    query: z.strictObject(pageQuery(credentialOrders)),
    answer: pageOf(shownCredential, 'Credential'),
    handle: async (call) =>
      shownPage(
        await listCredentials(call.services, await keySetOf(call), pageInput(call.query)),
        shownAt(call.act.at),
      ),
  }),
  route({
    operation: 'issueCredential',
    method: 'POST',
    path,
    tag,
    summary: 'Issue a credential',
    description:
      'Up to ten may be live at once, so that AWS can switch from one to the next without a gap. A repeated ' +
      'request with the same Idempotency-Key returns no secret.',
    access: write,
    params: inKeySet,
    body: z.strictObject({
      expiresAt: expiry.default(null),
      retireAfterQuietMinutes: quietMinutes.nullable().default(null),
    }),
    answer: issued,
    creates: {
      again: async (call, id) => made(call, await getCredential(call.services, await keySetOf(call), id)),
    },
    handle: async (call) => {
      const keySet = await keySetOf(call);
      const input = { ...call.body, expiresAt: toDate(call.body.expiresAt) };
      return madeNow(call, keySet, await issueCredential(call.services, call.act, keySet, input));
    },
  }),
  route({
    operation: 'getCredential',
    method: 'GET',
    path: `${path}/{accessKeyId}`,
    tag,
    summary: 'Show a credential',
    access: read,
    params: one,
    answer: shownCredential,
    handle: async (call) =>
      answer(call, await getCredential(call.services, await keySetOf(call), call.params.accessKeyId)),
  }),
  route({
    operation: 'updateCredential',
    takesAway: true,
    method: 'PATCH',
    path: `${path}/{accessKeyId}`,
    tag,
    summary: 'Change when a credential expires or is retired',
    access: write,
    params: one,
    body: z.strictObject({ expiresAt: expiry, retireAfterQuietMinutes: quietMinutes.nullable() }).partial(),
    answer: shownCredential,
    changes: true,
    handle: async (call) => {
      const { services, act, params, body, expected } = call;
      const input = { ...body, expiresAt: toDate(body.expiresAt) };
      const keySet = await keySetOf(call);
      return answer(
        call,
        await updateCredential(services, act, keySet, { accessKeyId: params.accessKeyId, expected }, input),
      );
    },
  }),
  route({
    operation: 'rotateCredential',
    method: 'POST',
    path: `${path}/{accessKeyId}/rotate`,
    tag,
    summary: 'Issue the successor of a credential',
    description:
      'Give the new one to AWS (UpdateCustomKeyStore); the old one is retired automatically once it has been ' +
      'idle for long enough and the new one has been used. A repeated request with the same Idempotency-Key ' +
      'returns no secret.',
    access: write,
    params: one,
    body: z.strictObject({
      expiresAt: expiry.default(null).describe('When the successor expires; null for never.'),
      retireAfterQuietMinutes: quietMinutes
        .nullable()
        .default(defaultQuietMinutes)
        .describe(
          'The old credential is retired after it has been idle for this many minutes; null: it stays until it is withdrawn.',
        ),
    }),
    answer: issued,
    changes: true,
    creates: {
      again: async (call, id) => made(call, await getCredential(call.services, await keySetOf(call), id)),
    },
    handle: async (call) => {
      const { services, act, params, body, expected } = call;
      const keySet = await keySetOf(call);
      const input = { ...body, expiresAt: toDate(body.expiresAt) };
      return madeNow(
        call,
        keySet,
        await rotateCredential(services, act, keySet, { accessKeyId: params.accessKeyId, expected }, input),
      );
    },
  }),
  route({
    operation: 'withdrawCredential',
    takesAway: true,
    despiteLoss: true,
    method: 'DELETE',
    path: `${path}/{accessKeyId}`,
    tag,
    summary: 'Withdraw a credential',
    description:
      'From the moment this returns, no request signed with it succeeds. It stays in the list as WITHDRAWN.',
    access: write,
    params: one,
    changes: true,
    handle: async (call) => {
      const { services, act, params, expected } = call;
      await withdrawCredential(services, act, await keySetOf(call), {
        accessKeyId: params.accessKeyId,
        expected,
      });
      return { status: 204 };
    },
  }),
];

type InKeySet = Pick<
  Call<{ vaultId: string; keySetId: string }, unknown, unknown>,
  'services' | 'caller' | 'params' | 'act'
>;

async function keySetOf(call: InKeySet): Promise<KeySet> {
  return getKeySet(call.services, call.params.vaultId, callerOf(call).sight, call.params.keySetId);
}

function madeNow(call: InKeySet, keySet: KeySet, { accessKeyId, secret, credential }: IssuedCredential) {
  const { body, ...rest } = made(call, credential);
  return {
    ...rest,
    body: {
      ...body,
      rawSecretAccessKey: secret.reveal(),
      consoleFile: consoleFile(keySet, accessKeyId, secret),
    },
  };
}

function made(call: InKeySet, row: UsedCredential) {
  const { vaultId, keySetId } = call.params;
  return {
    ...answer(call, row),
    status: 201,
    location: `/vaults/${vaultId}/key-sets/${keySetId}/credentials/${row.access_key_id}`,
  };
}

function answer({ act }: Pick<InKeySet, 'act'>, row: UsedCredential) {
  return { body: shownAt(act.at)(row), rowVersion: row.row_version };
}

function shownAt(now: Date) {
  return (row: UsedCredential): z.output<typeof shownCredential> => ({
    accessKeyId: row.access_key_id,
    state: credentialState(row, now),
    expiresAt: row.expires_at,
    retireAfterQuietMinutes: row.retire_after_minutes,
    successor: row.successor,
    lastSeenAt: row.last_seen_at,
    lastAddress: row.last_address,
    requests: row.requests,
    createdAt: row.created_at,
    withdrawnAt: row.withdrawn_at,
  });
}
