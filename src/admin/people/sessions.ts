import { z } from 'zod';
import type { Act } from '../../evidence/trail.ts';
import { csrfTokenOf, sessionCookie } from '../../identity/bearer.ts';
import { permissionsOf } from '../../identity/permissions.ts';
import {
  endSession,
  findSession,
  listSessions,
  type OpenedSession,
  type SessionRow,
  type UserRow,
} from '../../identity/sessions.ts';
import { changePassword, giveSecondFactor, signIn } from '../../identity/sign-in.ts';
import { findUser } from '../../identity/users.ts';
import type { Secret } from '../../secret.ts';
import { time, vaultId } from '../keys/key-forms.ts';
import { password, permission } from './people-forms.ts';
import { pageOf, pageOfWhole, wholeQuery } from '../page-query.ts';
import { callerOf, route, shownPage, type Client, type Route } from '../route.ts';
import type { AdminServices } from '../services.ts';

const tag = 'Sessions';
const allStates = ['SECOND_FACTOR', 'PASSWORD_CHANGE', 'ACTIVE'] as const;
const state = z
  .enum(allStates)
  .describe('What is still owed before the session may do anything else; ACTIVE when nothing is.');

const csrfToken = z
  .string()
  .optional()
  .describe(
    'Of a session in a cookie: to be sent as X-CSRF-Token with every request that changes something.',
  );

const ownFields = {
  id: z.uuid(),
  username: z.string(),
  displayName: z.string(),
  role: z.enum(['appliance-admin', 'appliance-auditor', 'vault-admin', 'cloud-admin', 'auditor']),
  vaultId: z.uuid().nullable().describe('Null for users of the appliance.'),
  permissions: z.array(permission),
};

const shownCaller = z
  .strictObject({
    ...ownFields,
    kind: z.enum(['user', 'api-key']).describe('With a session, or with an API key of the user.'),
    permissions: z.array(permission).describe('Of an API key those of its scope.'),
    credentialId: z.uuid().describe('The session or the API key.'),
  })
  .meta({ id: 'Caller' });

const shownSession = z
  .strictObject({
    id: z.uuid(),
    state,
    method: z.enum(['password', 'oidc']).describe('How the user proved who they are.'),
    address: z.string().describe('Address that the session was begun from.'),
    userAgent: z.string(),
    createdAt: time,
    lastSeenAt: time.describe('When it was last used, to within half a minute.'),
    expiresAt: time.describe('When it ends at the latest.'),
    current: z.boolean().describe('Whether it is the one that asks.'),
    user: z.strictObject(ownFields),
    csrfToken,
  })
  .meta({ id: 'Session' });

/** What every sign-in answers, by password or by OIDC. */
export const openedSession = z
  .strictObject({
    session: shownSession,
    token: z
      .string()
      .optional()
      .describe('To be sent as `Authorization: Bearer`; missing where the session is in a cookie.'),
    csrfToken,
  })
  .meta({ id: 'OpenedSession' });

const credentials = z.strictObject({
  username: z.string().min(1).max(256),
  password,
  cookie: z
    .boolean()
    .default(false)
    .describe('For browsers: the session comes in a cookie instead of a token in the answer.'),
});

const refusals =
  'A refused sign-in is the same answer, after the same time, for an unknown user, a wrong password, a user who is ' +
  'disabled and one who is locked. From the fifth wrong password or code in a row on an account is locked for 1, 2, 4 … ' +
  '60 minutes, also against the right password; after a hundred until an administrator unlocks it.';

export const sessionRoutes: readonly Route[] = [
  route({
    operation: 'signIn',
    signIn: true,
    method: 'POST',
    path: '/sessions',
    tag,
    summary: 'Sign in to the appliance',
    description: refusals,
    access: { kind: 'public' },
    body: credentials,
    answer: openedSession,
    status: 201,
    problems: ['sign-in-refused'],
    handle: async ({ services, act, body, client }) => begin(services, act, client, '', body),
  }),
  route({
    operation: 'signInToVault',
    signIn: true,
    method: 'POST',
    path: '/vaults/{vaultId}/sessions',
    tag,
    summary: 'Sign in to a vault',
    description: refusals,
    access: { kind: 'public' },
    params: z.strictObject({ vaultId }),
    body: credentials,
    answer: openedSession,
    status: 201,
    problems: ['sign-in-refused'],
    handle: async ({ services, act, params, body, client }) =>
      begin(services, act, client, params.vaultId, body),
  }),
  route({
    operation: 'getSession',
    method: 'GET',
    path: '/session',
    tag,
    summary: 'Show the session that asks',
    description: 'With it a page that was loaded again finds out who is signed in, and its CSRF token.',
    access: { kind: 'own', states: allStates, sessionsOnly: true },
    answer: shownSession,
    handle: async (call) => {
      const caller = callerOf(call);
      const { session, user } = await findSession(call.services, caller.userId, caller.credentialId);
      const cookie = caller.byCookie ? call.client.cookie(sessionCookie) : undefined;
      return {
        body: {
          ...showSession(session, user, session.id),
          ...(cookie === undefined ? {} : { csrfToken: csrfTokenOf(cookie).reveal() }),
        },
      };
    },
  }),
  route({
    operation: 'getCaller',
    method: 'GET',
    path: '/user',
    tag,
    summary: 'Show who one is and what one may do',
    description: 'Also for a program with an API key, which has no session to look at.',
    access: { kind: 'own' },
    answer: shownCaller,
    handle: async (call) => {
      const caller = callerOf(call);
      const user = await findUser(call.services.store, caller.vaultId, caller.userId);
      return {
        body: {
          kind: caller.kind,
          ...showOwn(user),
          permissions: [...caller.permissions],
          credentialId: caller.credentialId,
        },
      };
    },
  }),
  route({
    operation: 'signOut',
    method: 'DELETE',
    path: '/session',
    tag,
    summary: 'Sign out',
    access: { kind: 'own', states: allStates, sessionsOnly: true },
    handle: async (call) => {
      const caller = callerOf(call);
      await endSession(call.services, call.act, caller.userId, caller.credentialId);
      return { status: 204, ...(caller.byCookie ? { cookies: { [sessionCookie]: null } } : {}) };
    },
  }),
  route({
    operation: 'giveSecondFactor',
    method: 'POST',
    path: '/session/second-factor',
    tag,
    summary: 'Complete a sign-in with a second factor',
    description:
      'The code that the authenticator app shows, or one of the recovery codes. Each works once, and wrong ones count ' +
      'like wrong passwords. The session’s token becomes another.',
    access: { kind: 'own', states: ['SECOND_FACTOR'], sessionsOnly: true },
    body: z.strictObject({ code: z.string().min(6).max(40) }),
    answer: openedSession,
    problems: ['sign-in-refused', 'token-unavailable'],
    handle: async (call) => {
      const { services, act, body } = call;
      return answer(await giveSecondFactor(services, services.sessions, act, ownOf(call), body.code));
    },
  }),
  route({
    operation: 'changePassword',
    method: 'POST',
    path: '/session/password',
    tag,
    summary: 'Change one’s own password',
    description:
      '15 to 128 characters of any kind, without the names of user and vault, and not what is guessed first (NIST SP ' +
      '800-63B-4). All other sessions of the user end, and this one’s token becomes another.',
    access: { kind: 'own', states: ['PASSWORD_CHANGE', 'ACTIVE'], sessionsOnly: true },
    body: z.strictObject({ currentPassword: password, newPassword: password }),
    answer: openedSession,
    handle: async (call) => {
      const { services, act, body } = call;
      return answer(
        await changePassword(services, services.sessions, act, ownOf(call), {
          current: body.currentPassword,
          wanted: body.newPassword,
        }),
      );
    },
  }),
  route({
    operation: 'listSessions',
    method: 'GET',
    path: '/user/sessions',
    tag,
    summary: 'List one’s own sessions',
    description: 'At most twenty: with one more the oldest ends.',
    access: { kind: 'own', sessionsOnly: true },
    query: z.strictObject(wholeQuery),
    answer: pageOf(shownSession, 'Session'),
    handle: async (call) => {
      const { services, query } = call;
      const { userId, sessionId } = ownOf(call);
      const { user } = await findSession(services, userId, sessionId);
      const rows = await listSessions(services, services.sessions, userId);
      return shownPage(
        pageOfWhole(rows, query, ({ id }) => id),
        (row) => showSession(row, user, sessionId),
      );
    },
  }),
  route({
    operation: 'endSession',
    method: 'DELETE',
    path: '/user/sessions/{sessionId}',
    tag,
    summary: 'End one of one’s own sessions',
    access: { kind: 'own', sessionsOnly: true },
    params: z.strictObject({ sessionId: z.uuid().describe('The session.') }),
    handle: async (call) => {
      await endSession(call.services, call.act, callerOf(call).userId, call.params.sessionId);
      return { status: 204 };
    },
  }),
];

async function begin(
  services: AdminServices,
  act: Act,
  { userAgent }: Client,
  vault: string,
  body: { username: string; password: Secret; cookie: boolean },
) {
  const opened = await signIn(services, services.sessions, act, { vaultId: vault, userAgent, ...body });
  return { ...answer(opened), status: 201 };
}

/** The session as its client has it from now on: in a cookie, or with the token in the answer. */
export function answer({ session, user, token, csrfToken: csrf }: OpenedSession) {
  const shown = showSession(session, user, session.id);
  if (csrf === undefined) return { body: { session: shown, token: token.reveal() } };
  return {
    body: { session: shown, csrfToken: csrf.reveal() },
    cookies: { [sessionCookie]: { value: token.reveal() } },
  };
}

/** Whose session asks. */
export function ownOf(call: Parameters<typeof callerOf>[0]): { userId: string; sessionId: string } {
  const { userId, credentialId } = callerOf(call);
  return { userId, sessionId: credentialId };
}

function showSession(session: SessionRow, user: UserRow, current: string) {
  return {
    id: session.id,
    state: session.state,
    method: session.method,
    address: session.address,
    userAgent: session.user_agent,
    createdAt: session.created_at,
    lastSeenAt: session.last_seen_at,
    expiresAt: session.expires_at,
    current: session.id === current,
    user: { ...showOwn(user), permissions: [...permissionsOf[user.role]] },
  };
}

function showOwn(user: UserRow) {
  return {
    id: user.id,
    username: user.username,
    displayName: user.display_name,
    role: user.role,
    vaultId: user.vault_id === '' ? null : user.vault_id,
  };
}
