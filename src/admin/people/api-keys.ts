import { z } from 'zod';
import {
  apiKeyOrders,
  apiKeyState,
  apiKeyStates,
  createApiKey,
  findApiKey,
  listApiKeys,
  revokeApiKey,
  type ApiKeyRow,
} from '../../identity/api-keys.ts';
import { time } from '../keys/key-forms.ts';
import { pageOf, pageQuery, pageInput } from '../page-query.ts';
import { permission } from './people-forms.ts';
import { callerOf, route, shownPage, type Route } from '../route.ts';

const tag = 'API keys';
const path = '/user/api-keys';
/** An API key makes no others: what leaks must not multiply. */
const access = { kind: 'own', sessionsOnly: true } as const;

export const shownKey = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    scope: z.array(permission).describe('Its permissions, as long as its owner has them too.'),
    expiresAt: time,
    revokedAt: time.nullable(),
    lastUsedAt: time.nullable().describe('To within half a minute.'),
    lastAddress: z.string().nullable(),
    createdAt: time,
    state: z.enum(apiKeyStates),
  })
  .meta({ id: 'ApiKey' });

const one = z.strictObject({ apiKeyId: z.uuid().describe('The API key.') });

export const apiKeyRoutes: readonly Route[] = [
  route({
    operation: 'listApiKeys',
    method: 'GET',
    path,
    tag,
    summary: 'List your own API keys',
    access,
    query: z.strictObject(pageQuery(apiKeyOrders)),
    answer: pageOf(shownKey, 'ApiKey'),
    handle: async (call) => {
      const { services, query } = call;
      const show = (row: ApiKeyRow) => showKey(row, services.now());
      return shownPage(await listApiKeys(services, callerOf(call).userId, pageInput(query)), show);
    },
  }),
  route({
    operation: 'createApiKey',
    method: 'POST',
    path,
    tag,
    summary: 'Create an API key',
    description: 'For a program. Its permissions are a subset of your own, for at most 366 days.',
    access,
    body: z.strictObject({
      name: z.string().min(1).max(100),
      scope: z.array(permission).min(1),
      expiresAt: z.iso.datetime({ offset: true }).describe('At most 366 days from now.'),
    }),
    answer: shownKey.extend({
      secret: z
        .string()
        .optional()
        .describe('Send it as `Authorization: Bearer`. Shown only once; a repeated request returns none.'),
    }),
    creates: {
      again: async (call, id) => {
        const row = await findApiKey(call.services.store.db, callerOf(call).userId, id);
        return made(row, showKey(row, call.services.now()));
      },
    },
    handle: async (call) => {
      const { services, act, body } = call;
      const input = { ...body, expiresAt: new Date(body.expiresAt) };
      const { apiKey, secret } = await createApiKey(services, act, callerOf(call), input);
      return made(apiKey, { ...showKey(apiKey, services.now()), secret: secret.reveal() });
    },
  }),
  route({
    operation: 'getApiKey',
    method: 'GET',
    path: `${path}/{apiKeyId}`,
    tag,
    summary: 'Show one of your own API keys',
    access,
    params: one,
    answer: shownKey,
    handle: async (call) => {
      const { services, params } = call;
      const row = await findApiKey(services.store.db, callerOf(call).userId, params.apiKeyId);
      return { body: showKey(row, services.now()) };
    },
  }),
  route({
    operation: 'revokeApiKey',
    method: 'DELETE',
    path: `${path}/{apiKeyId}`,
    tag,
    summary: 'Revoke an API key',
    description: 'It stops working at once. Idempotent.',
    access,
    params: one,
    handle: async (call) => {
      await revokeApiKey(call.services, call.act, callerOf(call), call.params.apiKeyId);
      return { status: 204 };
    },
  }),
];

function made<B>(row: ApiKeyRow, body: B) {
  return { status: 201, body, location: `${path}/${row.id}` };
}

export function showKey(row: ApiKeyRow, now: Date) {
  return {
    id: row.id,
    name: row.name,
    scope: JSON.parse(row.scope) as z.output<typeof shownKey>['scope'],
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
    lastAddress: row.last_address,
    createdAt: row.created_at,
    state: apiKeyState(row, now),
  };
}
