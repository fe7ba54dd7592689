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
  .describe('What the session must complete before it can do anything else; ACTIVE if nothing.');

const csrfToken = z
  .string()
  .optional()
  .describe('For a session in a cookie: send it as X-CSRF-Token with every request that changes something.');

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
    permissions: z.array(permission).describe('For an API key, those of its scope.'),
    credentialId: z.uuid().describe('The session or the API key.'),
  })
  .meta({ id: 'Caller' });

/** What a session is, whoever sees it. */
export const sessionFields = {
  id: z.uuid(),
  state,
  method: z.enum(['password', 'oidc']).describe('How the user signed in.'),
  address: z.string().describe('Address that the session was started from.'),
  userAgent: z.string(),
  createdAt: time,
  lastSeenAt: time.describe('When it was last used, to within half a minute.'),
  expiresAt: time.describe('When it ends at the latest, however busy.'),
  idleMinutes: z.int().describe('After so many minutes without a request it ends.'),
};

const shownSession = z
  .strictObject({
    ...sessionFields,
    current: z.boolean().describe('Whether it is the current session.'),
    user: z.strictObject({
      ...ownFields,
      secondFactor: z.boolean().describe('Whether the user has a second factor.'),
    }),
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
      .describe('Send it as `Authorization: Bearer`; missing if the session is in a cookie.'),
    csrfToken,
  })
  .meta({ id: 'OpenedSession' });

const credentials = z.strictObject({
  username: z.string().min(1).max(256),
  password,
  cookie: z
    .boolean()
    .default(false)
    .describe('For browsers: return the session in a cookie instead of a token in the body.'),
});

const refusals =
  'A refused sign-in gets the same answer after the same time, whether the user is unknown, disabled or ' +
  'locked or the password is wrong. After five wrong passwords or codes in a row the account is locked for ' +
  '1, 2, 4 … 60 minutes, even for the right password; after a hundred, until an administrator unlocks it.';

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
    summary: 'Show the current session',
    description: 'Lets a reloaded page find out who is signed in, and get its CSRF token.',
    access: { kind: 'own', states: allStates, sessionsOnly: true },
    answer: shownSession,
    handle: async (call) => {
      const caller = callerOf(call);
      const { session, user } = await findSession(call.services, caller.userId, caller.credentialId);
      const cookie = caller.byCookie ? call.client.cookie(sessionCookie) : undefined;
      return {
        body: {
          ...showSession(call.services, session, user, session.id),
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
    summary: 'Show the caller’s identity and permissions',
    description: 'Also works with an API key, which has no session.',
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
      'Takes the code that the authenticator app shows, or a recovery code. Each works once, and wrong ones ' +
      'count like wrong passwords. The session gets a new token.',
    access: { kind: 'own', states: ['SECOND_FACTOR'], sessionsOnly: true },
    body: z.strictObject({ code: z.string().min(6).max(40) }),
    answer: openedSession,
    problems: ['sign-in-refused', 'token-unavailable'],
    handle: async (call) => {
      const { services, act, body } = call;
      return answer(
        services,
        await giveSecondFactor(services, services.sessions, act, ownOf(call), body.code),
      );
    },
  }),
  route({
    operation: 'changePassword',
    method: 'POST',
    path: '/session/password',
    tag,
    summary: 'Change your own password',
    description:
      '15 to 128 characters of any kind, not containing the name of the user or vault and not a commonly used ' +
      'password (NIST SP 800-63B-4). All other sessions of the user end, and this one gets a new token.',
    access: { kind: 'own', states: ['PASSWORD_CHANGE', 'ACTIVE'], sessionsOnly: true },
    body: z.strictObject({ currentPassword: password, newPassword: password }),
    answer: openedSession,
    handle: async (call) => {
      const { services, act, body } = call;
      return answer(
        services,
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
    summary: 'List your own sessions',
    description: 'At most twenty: one more ends the oldest.',
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
        (row) => showSession(services, row, user, sessionId),
      );
    },
  }),
  route({
    operation: 'endSession',
    method: 'DELETE',
    path: '/user/sessions/{sessionId}',
    tag,
    summary: 'End one of your own sessions',
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
  return { ...answer(services, opened), status: 201 };
}

/** The session as its client has it from now on: in a cookie, or with the token in the answer. */
export function answer(
  services: Pick<AdminServices, 'sessions'>,
  { session, user, token, csrfToken: csrf }: OpenedSession,
) {
  const shown = showSession(services, session, user, session.id);
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

function showSession(
  { sessions }: Pick<AdminServices, 'sessions'>,
  session: SessionRow,
  user: UserRow,
  current: string,
) {
  return {
    ...showSessionFields({ sessions }, session),
    current: session.id === current,
    user: {
      ...showOwn(user),
      permissions: [...permissionsOf[user.role]],
      secondFactor: user.totp_state === 'ON',
    },
  };
}

export function showSessionFields({ sessions }: Pick<AdminServices, 'sessions'>, session: SessionRow) {
  return {
    id: session.id,
    state: session.state,
    method: session.method,
    address: session.address,
    userAgent: session.user_agent,
    createdAt: session.created_at,
    lastSeenAt: session.last_seen_at,
    expiresAt: session.expires_at,
    idleMinutes: sessions.idleMinutes,
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
