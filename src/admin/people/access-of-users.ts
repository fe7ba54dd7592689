import { z } from 'zod';
import { apiKeyOrders, apiKeyStates } from '../../identity/api-keys.ts';
import {
  endSessionOfUser,
  listApiKeysOfUsers,
  listSessionsOfUsers,
  revokeApiKeyOfUser,
  sessionOrders,
  type Owner,
} from '../../identity/user-access.ts';
import { applianceRoles, vaultRoles } from '../../identity/permissions.ts';
import { vaultId } from '../keys/key-forms.ts';
import { pageInput, pageOf, pageQuery } from '../page-query.ts';
import { callerOf, route, shownPage, type Access, type Route } from '../route.ts';
import { showKey, shownKey } from './api-keys.ts';
import { sessionFields, showSessionFields } from './sessions.ts';

/* API keys and sessions of others, for those who look after users. */

const owner = z.strictObject({
  id: z.uuid(),
  username: z.string(),
  role: z.enum([...applianceRoles, ...vaultRoles]),
});
const shownUserKey = shownKey.extend({ user: owner.describe('Whose it is.') }).meta({ id: 'UserApiKey' });
const shownUserSession = z
  .strictObject({
    ...sessionFields,
    current: z.boolean().describe('Whether it is the current session.'),
    user: owner.describe('Whose it is.'),
  })
  .meta({ id: 'UserSession' });

const keyPage = pageOf(shownUserKey, 'UserApiKey');
const sessionPage = pageOf(shownUserSession, 'UserSession');

const userId = z.uuid().optional().describe('Only those of this user.');
const apiKeyId = z.uuid().describe('The API key.');
const sessionId = z.uuid().describe('The session.');

const reach = 'Not of a user with permissions that the caller does not have.';

/** Users of a vault, or of the appliance: the same routes in two places. */
interface Place {
  /** In the names of operations. */
  noun: 'User' | 'ApplianceUser';
  whose: string;
  path: string;
  read: Access;
  write: Access;
  inPlace: z.ZodType<{ vaultId?: string }>;
  oneKey: z.ZodType<{ vaultId?: string; apiKeyId: string }>;
  oneSession: z.ZodType<{ vaultId?: string; sessionId: string }>;
}

export const accessOfUsersRoutes: readonly Route[] = routesAt({
  noun: 'User',
  whose: 'the users of a vault',
  path: '/vaults/{vaultId}',
  read: { kind: 'permission', vault: 'users.read' },
  write: { kind: 'permission', vault: 'users.write' },
  inPlace: z.strictObject({ vaultId }),
  oneKey: z.strictObject({ vaultId, apiKeyId }),
  oneSession: z.strictObject({ vaultId, sessionId }),
});

export const accessOfApplianceUsersRoutes: readonly Route[] = routesAt({
  noun: 'ApplianceUser',
  whose: 'the users of the appliance',
  path: '',
  read: { kind: 'permission', appliance: 'appliance.read' },
  write: { kind: 'permission', appliance: 'appliance-users.write' },
  inPlace: z.strictObject({}),
  oneKey: z.strictObject({ apiKeyId }),
  oneSession: z.strictObject({ sessionId }),
});

// oxlint-disable-next-line max-lines-per-function -- a list of routes
function routesAt({ noun, whose, path, read, write, inPlace, oneKey, oneSession }: Place): Route[] {
  return [
    route({
      operation: `list${noun}ApiKeys`,
      method: 'GET',
      path: `${path}/api-keys`,
      tag: 'API keys',
      summary: `List the API keys of ${whose}`,
      description: 'Expired and revoked ones too, until they are 90 days old.',
      access: read,
      params: inPlace,
      query: z.strictObject({
        userId,
        state: z.enum(apiKeyStates).optional().describe('Only those in this state.'),
        ...pageQuery(apiKeyOrders),
      }),
      answer: keyPage,
      handle: async ({ services, params, query }) => {
        const { userId: of, state } = query;
        const input = { ...pageInput(query), userId: of, state };
        return shownPage(await listApiKeysOfUsers(services, params.vaultId ?? '', input), (row) => ({
          ...showKey(row, services.now()),
          user: showOwner(row),
        }));
      },
    }),
    route({
      operation: `revoke${noun}ApiKey`,
      method: 'DELETE',
      path: `${path}/api-keys/{apiKeyId}`,
      tag: 'API keys',
      summary: `Revoke an API key of one of ${whose}`,
      description: `It stops working at once, on every node. Idempotent. ${reach}`,
      access: write,
      params: oneKey,
      despiteLoss: true,
      handle: async (call) => {
        const { services, act, params } = call;
        await revokeApiKeyOfUser(services, act, callerOf(call), params.vaultId ?? '', params.apiKeyId);
        return { status: 204 };
      },
    }),
    route({
      operation: `list${noun}Sessions`,
      method: 'GET',
      path: `${path}/sessions`,
      tag: 'Sessions',
      summary: `List the sessions of ${whose}`,
      access: read,
      params: inPlace,
      query: z.strictObject({ userId, ...pageQuery(sessionOrders) }),
      answer: sessionPage,
      handle: async (call) => {
        const { services, params, query } = call;
        const { credentialId } = callerOf(call);
        const input = { ...pageInput(query), userId: query.userId };
        const { sessions: limits } = services;
        return shownPage(await listSessionsOfUsers(services, limits, params.vaultId ?? '', input), (row) => ({
          ...showSessionFields(services, row),
          current: row.id === credentialId,
          user: showOwner(row),
        }));
      },
    }),
    route({
      operation: `end${noun}Session`,
      method: 'DELETE',
      path: `${path}/sessions/{sessionId}`,
      tag: 'Sessions',
      summary: `End a session of one of ${whose}`,
      description: `Whoever has it is signed out at once, on every node. ${reach}`,
      access: write,
      params: oneSession,
      despiteLoss: true,
      handle: async (call) => {
        const { services, act, params } = call;
        await endSessionOfUser(services, act, callerOf(call), params.vaultId ?? '', params.sessionId);
        return { status: 204 };
      },
    }),
  ];
}

function showOwner({ user_id, username, role }: Owner) {
  return { id: user_id, username, role };
}
