import { randomUUID } from 'node:crypto';
import type { Insertable, Transaction } from 'kysely';
import { record, type Act, type AuditEntry } from '../evidence/trail.ts';
import { restricts } from '../store/read-back.ts';
import type { Role, Tables, UserTable } from '../store/schema.ts';
import type { ActTransaction } from '../store/store.ts';
import { bumpRecord } from '../vault/edit-record.ts';
import { changes } from '../vault/edits.ts';
import { checkRowVersion, type Expected, type VaultContext } from '../vault/context.ts';
import { readPage, type Page, type PageInput } from '../vault/page.ts';
import { VaultError } from '../vault/vault-error.ts';
import { findVault } from '../vault/vaults.ts';
import { revokeApiKeysOf } from './api-keys.ts';
import { laneOf } from '../fair-queue.ts';
import { deliverPassword, type Delivery, type Site } from './first-passwords.ts';
import { firstPassword, hashPassword } from './passwords.ts';
import { applianceRoles, vaultRoles } from './permissions.ts';
import {
  checkAdministratorLeft,
  checkNotSelf,
  checkReach,
  isAdministrator,
  keepingSomebody,
  type Changer,
} from './reach.ts';
import { endSessionsOf, type UserRow } from './sessions.ts';
import { parseEmail, parsePlainName, parseUsername, usernameKey } from './user-forms.ts';

export interface UserInput {
  username: string;
  displayName?: string | undefined;
  email: string;
  role: Role;
  signIn?: UserRow['sign_in'] | undefined;
}

/** A user whom an act is on. */
export interface UserTarget extends Expected {
  /** '' for users of the appliance. */
  vaultId: string;
  userId: string;
}

export interface UserChange {
  displayName?: string | undefined;
  email?: string | undefined;
  role?: Role | undefined;
  state?: UserRow['state'] | undefined;
  signIn?: UserRow['sign_in'] | undefined;
}

export const userOrders = {
  username: 'users.username_key',
  createdAt: 'users.created_at',
  updatedAt: 'users.updated_at',
} as const;

/** `vaultId` is '' for the users of the appliance, here and below. */
export async function listUsers(
  context: VaultContext,
  vaultId: string,
  input: PageInput & {
    role?: Role | undefined;
    state?: UserRow['state'] | undefined;
    username?: string | undefined;
  },
): Promise<Page<UserRow>> {
  let query = context.store.db.selectFrom('users').selectAll().where('vault_id', '=', vaultId);
  if (input.role !== undefined) query = query.where('role', '=', input.role);
  if (input.state !== undefined) query = query.where('state', '=', input.state);
  if (input.username !== undefined) query = query.where('username_key', '=', usernameKey(input.username));
  const through = context.store.db.selectFrom('users').where('vault_id', '=', vaultId);
  return readPage(query, input.username === undefined ? through : 'few', userOrders, 'users.id', input);
}

/** Throws VaultError `not-found`, also for a user of another vault. */
export async function findUser(
  { db }: { readonly db: VaultContext['store']['db'] | Transaction<Tables> },
  vaultId: string,
  userId: string,
): Promise<UserRow> {
  const user = await db
    .selectFrom('users')
    .selectAll()
    .where('vault_id', '=', vaultId)
    .where('id', '=', userId)
    .executeTakeFirst();
  if (user === undefined) throw new VaultError('not-found', 'there is no such user');
  return user;
}

/** Makes a user with a first password, which must be changed at the first sign-in; by mail, or in the answer. */
export async function createUser(
  site: Site,
  act: Act,
  changer: Changer,
  vaultId: string,
  input: UserInput,
): Promise<{ user: UserRow; delivery: Delivery | undefined }> {
  checkReach(changer, input.role);
  const row = newUser(site, vaultId, input);
  const password = row.sign_in === 'oidc' ? undefined : firstPassword();
  const hash =
    password === undefined ? null : await hashPassword(password, laneOf(act.address), site.passwordCost);
  const user = await site.store.write(act, async (trx) =>
    insertUser(trx, act, { ...row, password_hash: hash }),
  );
  if (password === undefined) return { user, delivery: undefined };
  return { user, delivery: await deliverPassword(site, user, password, 'first') };
}

/** A user's row before it is in the store, its fields checked. */
export function newUser(context: VaultContext, vaultId: string, input: UserInput): Insertable<UserTable> {
  const now = context.now().toISOString();
  const username = parseUsername(input.username);
  checkRole(vaultId, input.role);
  return {
    id: randomUUID(),
    vault_id: vaultId,
    username,
    username_key: usernameKey(username),
    display_name: parsePlainName(input.displayName ?? username, 'a display name'),
    email: parseEmail(input.email),
    role: input.role,
    state: 'ACTIVE',
    sign_in: input.signIn ?? 'password',
    password_hash: null,
    must_change_password: 1,
    password_changed_at: now,
    locked_until: null,
    totp_sealed: null,
    totp_token: null,
    totp_state: 'NONE',
    oidc_subject: null,
    last_sign_in_at: null,
    created_at: now,
    updated_at: now,
  };
}

/** Throws VaultError `conflict` where the username is taken, in whichever case; `not-found` for a deleted vault. */
export async function insertUser(
  trx: ActTransaction,
  act: Act,
  row: Insertable<UserTable>,
): Promise<UserRow> {
  if (row.vault_id !== '') await findVault(trx, row.vault_id);
  const user = await trx
    .insertInto('users')
    .values(row)
    .onConflict((conflict) => conflict.columns(['vault_id', 'username_key']).doNothing())
    .returningAll()
    .executeTakeFirst();
  if (user === undefined)
    throw new VaultError('conflict', 'another user has this username, perhaps in different letter case');
  await record(trx, act, { ...userEntry('create', user), after: shownInTrail(user), creates: true });
  return user;
}

/**
 * Changes a user. What they may do at the moment ends with the change: disabled, with another role or another way to
 * sign in they have no session any more, and disabled no API key for good.
 */
export async function updateUser(
  context: VaultContext,
  act: Act,
  changer: Changer,
  { vaultId, userId, expected }: UserTarget,
  change: UserChange,
): Promise<UserRow> {
  if (change.role !== undefined) checkRole(vaultId, change.role);
  const fields = {
    ...(change.displayName === undefined
      ? {}
      : { display_name: parsePlainName(change.displayName, 'a display name') }),
    ...(change.email === undefined ? {} : { email: parseEmail(change.email) }),
    ...(change.role === undefined ? {} : { role: change.role }),
    ...(change.state === undefined ? {} : { state: change.state }),
    ...(change.signIn === undefined ? {} : { sign_in: change.signIn }),
    ...(change.signIn === 'oidc' ? { password_hash: null, must_change_password: 0 } : {}),
    ...(change.signIn === 'password' ? { oidc_subject: null } : {}),
  };
  return context.store.write(act, async (trx) => {
    const before = await findUser({ db: trx }, vaultId, userId);
    checkRowVersion(before, expected);
    checkReach(changer, before.role, ...(change.role === undefined ? [] : [change.role]));
    const isOtherRole = change.role !== undefined && change.role !== before.role;
    if (isOtherRole) checkNotSelf(changer, before, 'change the role of', 'another administrator can do it');
    if (change.state === 'DISABLED')
      checkNotSelf(changer, before, 'disable', 'another administrator can do it');
    if (!changes(before, fields)) return before;
    const after = await keepingSomebody(trx, vaultId, context.now(), async () =>
      bumpRecord(trx, 'users', before, fields),
    );
    if (isAdministrator(before)) await checkAdministratorLeft(trx, vaultId);
    if (after.state === 'DISABLED' || isOtherRole || after.sign_in !== before.sign_in)
      await endSessionsOf(trx, userId);
    if (after.state === 'DISABLED') {
      await revokeApiKeysOf(trx, userId);
      restricts(
        trx,
        'the state of the user',
        async () => (await findUser({ db: trx }, vaultId, userId)).state === 'DISABLED',
      );
    }
    await record(trx, act, {
      ...userEntry('update', after),
      before: shownInTrail(before),
      after: shownInTrail(after),
    });
    return after;
  });
}

/** With their sessions, API keys and memberships; the audit trail keeps their name. */
export async function deleteUser(
  context: VaultContext,
  act: Act,
  changer: Changer,
  { vaultId, userId, expected }: UserTarget,
): Promise<void> {
  await context.store.write(act, async (trx) => {
    const user = await findInReach(trx, changer, { vaultId, userId, expected });
    checkNotSelf(changer, user, 'delete', 'another administrator can do it');
    await keepingSomebody(trx, vaultId, context.now(), async () =>
      trx.deleteFrom('users').where('id', '=', userId).execute(),
    );
    if (isAdministrator(user)) await checkAdministratorLeft(trx, vaultId);
    restricts(trx, 'the end of the user', async () => {
      const left = await trx.selectFrom('users').select('id').where('id', '=', userId).executeTakeFirst();
      return left === undefined;
    });
    await record(trx, act, { ...userEntry('delete', user), before: shownInTrail(user) });
  });
}

/**
 * The user that somebody is about to act on: as the caller has seen them, and of a role that may not do more than the
 * caller may. Throws VaultError.
 */
export async function findInReach(
  trx: Transaction<Tables>,
  changer: Changer,
  { vaultId, userId, expected }: UserTarget,
): Promise<UserRow> {
  const user = await findUser({ db: trx }, vaultId, userId);
  checkRowVersion(user, expected);
  checkReach(changer, user.role);
  return user;
}

export function userEntry(verb: string, user: UserRow): Pick<AuditEntry, 'action' | 'vaultId' | 'target'> {
  return {
    action: `user.${verb}`,
    vaultId: user.vault_id,
    target: { kind: 'user', id: user.id, name: user.username },
  };
}

function shownInTrail(user: UserRow): Record<string, unknown> {
  return {
    username: user.username,
    displayName: user.display_name,
    email: user.email,
    role: user.role,
    state: user.state,
    signIn: user.sign_in,
  };
}

function checkRole(vaultId: string, role: Role): void {
  const fitting: readonly Role[] = vaultId === '' ? applianceRoles : vaultRoles;
  if (!fitting.includes(role))
    throw new VaultError('invalid', `a user here has one of the roles ${fitting.join(', ')}`);
}
