import { record, type Act } from '../evidence/trail.ts';
import type { Role } from '../store/schema.ts';
import type { ActTransaction } from '../store/store.ts';
import { bumpRecord } from '../vault/edit-record.ts';
import type { Secret } from '../secret.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Reading } from '../vault/edits.ts';
import { notByIndex, readPage, type Page, type PageInput } from '../vault/page.ts';
import { VaultError } from '../vault/vault-error.ts';
import { laneOf } from '../fair-queue.ts';
import { apiKeyOrders, apiKeyTarget, markRevoked, type ApiKeyRow, type ApiKeyState } from './api-keys.ts';
import { deliverPassword, type Delivery, type Site } from './first-passwords.ts';
import { clean } from './lockout.ts';
import { firstPassword, hashPassword } from './passwords.ts';
import { checkNotSelf, checkReach, type Changer } from './reach.ts';
import { clearTotp } from './second-factor.ts';
import {
  dropSession,
  endSessionsOf,
  oldestLive,
  type SessionLimits,
  type SessionRow,
  type UserRow,
} from './sessions.ts';
import { findInReach, userEntry, type UserTarget } from './users.ts';

/** Forgets the wrong passwords and codes of a user. */
export async function unlockUser(
  context: VaultContext,
  act: Act,
  changer: Changer,
  { vaultId, userId, expected }: UserTarget,
): Promise<UserRow> {
  return context.store.write(act, async (trx) => {
    const before = await findInReach(trx, changer, { vaultId, userId, expected });
    // A session that somebody took must not be a place to guess the password at without end.
    checkNotSelf(changer, before, 'unlock', 'another administrator can do it');
    const user = await bumpRecord(trx, 'users', before, clean);
    await record(trx, act, {
      ...userEntry('unlock', user),
      before: { failures: before.failures, lockedUntil: before.locked_until },
      after: { failures: 0, lockedUntil: null },
    });
    return user;
  });
}

/** Gives a user a new first password, unlocks them and ends their sessions. Their API keys stay. */
export async function resetPassword(
  site: Site,
  act: Act,
  changer: Changer,
  { vaultId, userId, expected }: UserTarget,
): Promise<{ user: UserRow; delivery: Delivery }> {
  const password = firstPassword();
  const hash = await hashPassword(password, laneOf(act.address), site.passwordCost);
  const user = await site.store.write(act, async (trx) => {
    const before = await findInReach(trx, changer, { vaultId, userId, expected });
    checkNotSelf(changer, before, 'reset the password of', 'change it instead, with your current one');
    if (before.sign_in === 'oidc')
      throw new VaultError(
        'conflict',
        'the user signs in at the OpenID provider alone',
        'let them sign in by password first (signIn)',
      );
    return setFirstPassword(trx, act, before, hash);
  });
  return { user, delivery: await deliverPassword(site, user, password, 'reset') };
}

/** In a transaction: the new hash, no lock, no session, and an entry in the trail. */
export async function setFirstPassword(
  trx: ActTransaction,
  act: Act,
  user: UserRow,
  hash: string,
): Promise<UserRow> {
  const changed = await bumpRecord(trx, 'users', user, {
    ...clean,
    password_hash: hash,
    must_change_password: 1,
    password_changed_at: trx.at.toISOString(),
  });
  await endSessionsOf(trx, user.id);
  await record(trx, act, userEntry('reset-password', user));
  return changed;
}

/** In a transaction: whoever was disabled, or signed in at the OpenID provider alone, can sign in by password. */
export async function admitAgain(trx: ActTransaction, user: UserRow): Promise<UserRow> {
  return bumpRecord(trx, 'users', user, {
    state: 'ACTIVE',
    sign_in: user.sign_in === 'oidc' ? 'both' : user.sign_in,
  });
}

/** Gives a user a password that is their own already: nobody has to change it. For commands on the machine itself. */
export async function setOwnPassword(
  context: VaultContext,
  act: Act,
  user: UserRow,
  password: Secret,
): Promise<void> {
  const hash = await hashPassword(password, 'command', context.passwordCost);
  await context.store.write(act, async (trx) => {
    await bumpRecord(trx, 'users', user, { password_hash: hash, must_change_password: 0 });
    await record(trx, act, userEntry('change-password', user));
  });
}

/** Takes away the second factor of someone who has lost it, and ends their sessions. */
export async function removeTotp(
  context: VaultContext,
  act: Act,
  changer: Changer,
  { vaultId, userId, expected }: UserTarget,
): Promise<UserRow> {
  return context.store.write(act, async (trx) => {
    const user = await findInReach(trx, changer, { vaultId, userId, expected });
    checkNotSelf(changer, user, 'take the second factor from', 'remove it with your password and a code');
    const cleared = await clearTotp(trx, user);
    await endSessionsOf(trx, userId);
    await record(trx, act, userEntry('remove-totp', user));
    return cleared;
  });
}

/*
 * API keys and sessions of the users of a vault or of the appliance, for those who look after them. `vaultId` is '' for the
 * appliance. Of another vault nothing is found.
 */

/** Whose it is. */
export interface Owner {
  user_id: string;
  username: string;
  role: Role;
}

interface Asked extends PageInput {
  /** Of this user alone. */
  userId?: string | undefined;
}

export async function listApiKeysOfUsers(
  { store: { db }, now }: Pick<VaultContext, 'store' | 'now'>,
  vaultId: string,
  { userId, state, ...input }: Asked & { state?: ApiKeyState | undefined },
): Promise<Page<ApiKeyRow & Owner>> {
  const at = now().toISOString();
  let query = db
    .selectFrom('api_keys')
    .innerJoin('users', 'users.id', 'api_keys.user_id')
    .selectAll('api_keys')
    .select(['users.username', 'users.role'])
    .where((eb) => eb(notByIndex(eb.ref('users.vault_id')), '=', vaultId));
  if (userId !== undefined) query = query.where('api_keys.user_id', '=', userId);
  if (state !== undefined)
    query = query.where((eb) =>
      eb(notByIndex(eb.ref('api_keys.revoked_at')), state === 'REVOKED' ? 'is not' : 'is', null),
    );
  if (state === 'LIVE' || state === 'EXPIRED')
    query = query.where((eb) =>
      eb(notByIndex(eb.ref('api_keys.expires_at')), state === 'LIVE' ? '>' : '<=', at),
    );
  const all = db.selectFrom('api_keys');
  const through = userId === undefined ? all : all.where('user_id', '=', userId);
  return readPage(query, through, apiKeyOrders, 'api_keys.id', input);
}

export const sessionOrders = { createdAt: 'sessions.created_at' } as const;

/** Those that have not come to their end. */
export async function listSessionsOfUsers(
  { store: { db }, now }: Pick<VaultContext, 'store' | 'now'>,
  limits: SessionLimits,
  vaultId: string,
  { userId, ...input }: Asked,
): Promise<Page<SessionRow & Owner>> {
  const oldest = oldestLive(limits, now());
  let query = db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .selectAll('sessions')
    .select(['users.username', 'users.role'])
    .where((eb) => eb(notByIndex(eb.ref('users.vault_id')), '=', vaultId))
    .where((eb) => eb(notByIndex(eb.ref('sessions.expires_at')), '>', oldest.expiresAt))
    .where((eb) => eb(notByIndex(eb.ref('sessions.last_seen_at')), '>', oldest.lastSeenAt))
    .where((eb) => eb(notByIndex(eb.ref('sessions.created_at')), '>', oldest.createdAt));
  if (userId !== undefined) query = query.where('sessions.user_id', '=', userId);
  const all = db.selectFrom('sessions');
  const through = userId === undefined ? all : all.where('user_id', '=', userId);
  return readPage(query, through, sessionOrders, 'sessions.id', input);
}

/**
 * From the moment this returns the API key opens nothing, on any node: each request reads it. Safe to repeat. Throws VaultError
 * `not-found`, or `forbidden` where the owner may do more than the caller.
 */
export async function revokeApiKeyOfUser(
  context: Pick<VaultContext, 'store'>,
  act: Act,
  changer: Changer,
  vaultId: string,
  apiKeyId: string,
): Promise<void> {
  await context.store.write(act, async (trx) => {
    const row = await trx
      .selectFrom('api_keys')
      .innerJoin('users', 'users.id', 'api_keys.user_id')
      .selectAll('api_keys')
      .select(['users.username', 'users.role'])
      .where('api_keys.id', '=', apiKeyId)
      .where('users.vault_id', '=', vaultId)
      .executeTakeFirst();
    if (row === undefined) throw new VaultError('not-found', 'there is no such API key');
    const { username, role, ...apiKey } = row;
    checkReach(changer, role);
    if (apiKey.revoked_at !== null) return;
    await markRevoked(trx, apiKey);
    await record(trx, act, {
      ...{ action: 'api-key.revoke', vaultId, target: apiKeyTarget(apiKey) },
      before: { owner: username },
    });
  });
}

/** Whoever has the session is signed out at once, on every node. Throws as {@link revokeApiKeyOfUser} does. */
export async function endSessionOfUser(
  context: Pick<VaultContext, 'store'>,
  act: Act,
  changer: Changer,
  vaultId: string,
  sessionId: string,
): Promise<void> {
  await context.store.write(act, async (trx) => {
    const session = await findIn(trx, vaultId, sessionId);
    checkReach(changer, session.role);
    await dropSession(trx, act, session, { username: session.username, vault_id: vaultId });
  });
}

async function findIn(db: Reading, vaultId: string, sessionId: string): Promise<SessionRow & Owner> {
  const session = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .selectAll('sessions')
    .select(['users.username', 'users.role'])
    .where('sessions.id', '=', sessionId)
    .where('users.vault_id', '=', vaultId)
    .executeTakeFirst();
  if (session === undefined) throw new VaultError('not-found', 'there is no such session');
  return session;
}
