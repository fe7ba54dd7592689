import { z } from 'zod';
import { isLocked } from '../../identity/lockout.ts';
import { applianceRoles, vaultRoles } from '../../identity/permissions.ts';
import type { UserRow } from '../../identity/sessions.ts';
import { removeTotp, resetPassword, unlockUser } from '../../identity/user-access.ts';
import { createUser, deleteUser, findUser, listUsers, updateUser, userOrders } from '../../identity/users.ts';
import type { Role } from '../../store/schema.ts';
import { time, vaultId } from '../keys/key-forms.ts';
import { pageOf, pageQuery, pageInput } from '../page-query.ts';
import { delivery, displayName, email, showDelivery, siteOf, username } from './people-forms.ts';
import { callerOf, route, shownPage, type Access, type Route } from '../route.ts';

const tag = 'Users';
const state = z.enum(['ACTIVE', 'DISABLED']).describe('A disabled user has no session and no API key.');
const signIn = z
  .enum(['password', 'oidc', 'both'])
  .describe('By password, through the OpenID Connect provider of the vault or appliance, or either.');

export const shownUser = z
  .strictObject({
    id: z.uuid(),
    username,
    displayName,
    email,
    role: z.enum([...applianceRoles, ...vaultRoles]),
    state,
    locked: z
      .boolean()
      .describe('After too many wrong passwords or codes; the lock expires, or an administrator lifts it.'),
    secondFactor: z.boolean().describe('Whether the user has a second factor.'),
    mustChangePassword: z.boolean(),
    signIn,
    lastSignInAt: time.nullable(),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'User' });

/** Users of a vault, or of the appliance: the same routes in two places. */
interface Place {
  /** In the names of operations: `User` or `ApplianceUser`. */
  noun: string;
  words: string;
  path: string;
  roles: readonly [Role, ...Role[]];
  read: Access;
  write: Access;
  inPlace: z.ZodType<{ vaultId?: string }>;
  one: z.ZodType<{ vaultId?: string; userId: string }>;
}

const userId = z.uuid().describe('The user.');

export const userRoutes: readonly Route[] = userRoutesAt({
  noun: 'User',
  words: 'user of a vault',
  path: '/vaults/{vaultId}/users',
  roles: vaultRoles,
  read: { kind: 'permission', vault: 'users.read' },
  write: { kind: 'permission', vault: 'users.write' },
  inPlace: z.strictObject({ vaultId }),
  one: z.strictObject({ vaultId, userId }),
});

// oxlint-disable-next-line max-lines-per-function -- a list of routes
export function userRoutesAt({ noun, words, path, roles, read, write, inPlace, one }: Place): Route[] {
  const role = z.enum(roles);
  const withDelivery = shownUser.extend(delivery);
  return [
    route({
      operation: `list${noun}s`,
      method: 'GET',
      path,
      tag,
      summary: `List the ${words.replace('user', 'users')}`,
      access: read,
      params: inPlace,
      query: z.strictObject({
        username: username.optional().describe('Only this one.'),
        role: role.optional().describe('Only those with this role.'),
        state: state.optional().describe('Only those in this state.'),
        ...pageQuery(userOrders),
      }),
      answer: pageOf(shownUser, noun),
      handle: async ({ services, params, query }) => {
        const { username: name, role: ofRole, state: inState } = query;
        const page = await listUsers(services, params.vaultId ?? '', {
          ...pageInput(query),
          username: name,
          role: ofRole,
          state: inState,
        });
        return shownPage(page, (row) => showUser(row, services.now()));
      },
    }),
    route({
      operation: `create${noun}`,
      method: 'POST',
      path,
      tag,
      summary: `Create a ${words}`,
      description:
        'The first password is sent to the user by mail if mail is set up; otherwise it is in the response, only ' +
        'once. It must be changed at the first sign-in. Nobody can create a user with more permissions than ' +
        'their own.',
      access: write,
      params: inPlace,
      body: z.strictObject({
        username,
        displayName: displayName.optional(),
        email,
        role,
        signIn: signIn.default('password'),
      }),
      answer: withDelivery,
      creates: {
        again: async ({ services, params }, id) => {
          const user = await findUser(services.store, params.vaultId ?? '', id);
          return made(path, user, { ...showUser(user, services.now()), mailed: false });
        },
      },
      handle: async (call) => {
        const { services, act, params, body } = call;
        const { user, delivery: how } = await createUser(
          siteOf(services),
          act,
          callerOf(call),
          params.vaultId ?? '',
          body,
        );
        return made(path, user, { ...showUser(user, services.now()), ...showDelivery(how) });
      },
    }),
    route({
      operation: `get${noun}`,
      method: 'GET',
      path: `${path}/{userId}`,
      tag,
      summary: `Show a ${words}`,
      access: read,
      params: one,
      answer: shownUser,
      handle: async ({ services, params }) =>
        shown(await findUser(services.store, params.vaultId ?? '', params.userId), services.now()),
    }),
    route({
      operation: `update${noun}`,
      method: 'PATCH',
      path: `${path}/{userId}`,
      tag,
      summary: `Change a ${words}`,
      description:
        'Disabling a user, or changing their role or sign-in method, ends their sessions at once; disabling also ' +
        'revokes their API keys for good. Nobody can change their own role, and the last administrator who can ' +
        'sign in cannot be disabled or demoted.',
      access: write,
      params: one,
      body: z.strictObject({ displayName, email, role, state, signIn }).partial(),
      answer: shownUser,
      changes: true,
      handle: async (call) => {
        const { services, act, params, body, expected } = call;
        const { vaultId: vault = '', userId: id } = params;
        return shown(
          await updateUser(services, act, callerOf(call), { vaultId: vault, userId: id, expected }, body),
          services.now(),
        );
      },
    }),
    route({
      operation: `delete${noun}`,
      method: 'DELETE',
      path: `${path}/{userId}`,
      tag,
      summary: `Delete a ${words}`,
      description:
        'Their sessions and API keys are deleted too. The audit trail keeps what they did, and their name.',
      access: write,
      params: one,
      changes: true,
      handle: async (call) => {
        const { services, act, params, expected } = call;
        await deleteUser(services, act, callerOf(call), {
          vaultId: params.vaultId ?? '',
          userId: params.userId,
          expected,
        });
        return { status: 204 };
      },
    }),
    route({
      operation: `unlock${noun}`,
      method: 'POST',
      path: `${path}/{userId}/unlock`,
      tag,
      summary: `Unlock a ${words}`,
      description: 'Resets the count of wrong passwords and codes. Nobody can unlock themselves.',
      access: write,
      params: one,
      answer: shownUser,
      changes: true,
      handle: async (call) => {
        const { services, act, params, expected } = call;
        return shown(
          await unlockUser(services, act, callerOf(call), {
            vaultId: params.vaultId ?? '',
            userId: params.userId,
            expected,
          }),
          services.now(),
        );
      },
    }),
    route({
      operation: `reset${noun}Password`,
      method: 'POST',
      path: `${path}/{userId}/password-reset`,
      tag,
      summary: `Reset the password of a ${words}`,
      description: 'Unlocks the user and ends their sessions. API keys and second factor stay.',
      access: write,
      params: one,
      answer: withDelivery,
      changes: true,
      handle: async (call) => {
        const { services, act, params, expected } = call;
        const { user, delivery: how } = await resetPassword(siteOf(services), act, callerOf(call), {
          vaultId: params.vaultId ?? '',
          userId: params.userId,
          expected,
        });
        return {
          body: { ...showUser(user, services.now()), ...showDelivery(how) },
          rowVersion: user.row_version,
        };
      },
    }),
    route({
      operation: `remove${noun}Totp`,
      method: 'POST',
      path: `${path}/{userId}/totp-removal`,
      tag,
      summary: `Remove the second factor of a ${words}`,
      description: 'For a user who has lost it. Ends their sessions.',
      access: write,
      params: one,
      answer: shownUser,
      changes: true,
      handle: async (call) => {
        const { services, act, params, expected } = call;
        return shown(
          await removeTotp(services, act, callerOf(call), {
            vaultId: params.vaultId ?? '',
            userId: params.userId,
            expected,
          }),
          services.now(),
        );
      },
    }),
  ];
}

export function showUser(row: UserRow, now: Date) {
  return {
    id: row.id,
    username: row.username,
    displayName: row.display_name,
    email: row.email,
    role: row.role,
    state: row.state,
    locked: isLocked(row, now),
    secondFactor: row.totp_state === 'ON',
    // Who signs in with the provider alone has no password to change.
    mustChangePassword: row.sign_in !== 'oidc' && row.must_change_password === 1,
    signIn: row.sign_in,
    lastSignInAt: row.last_sign_in_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function shown(row: UserRow, now: Date) {
  return { body: showUser(row, now), rowVersion: row.row_version };
}

function made<B>(path: string, row: UserRow, body: B) {
  return {
    status: 201,
    body,
    rowVersion: row.row_version,
    location: `${path.replace('{vaultId}', row.vault_id)}/${row.id}`,
  };
}
