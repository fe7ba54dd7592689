import { randomUUID } from 'node:crypto';
import type { Selectable, Transaction } from 'kysely';
import { record, type Act } from '../evidence/trail.ts';
import type { Secret } from '../secret.ts';
import { restricts, signsIn } from '../store/read-back.ts';
import type { SessionTable, Tables, UserTable } from '../store/schema.ts';
import type { ActTransaction } from '../store/store.ts';
import { noteOn } from '../vault/edit-record.ts';
import type { VaultContext } from '../vault/context.ts';
import { VaultError } from '../vault/vault-error.ts';
import { csrfTokenOf, hashOf, mintSessionToken } from './bearer.ts';

export type SessionRow = Selectable<SessionTable>;
export type UserRow = Selectable<UserTable>;

export interface SessionLimits {
  /** Without a request for so long a session ends, minutes. */
  idleMinutes: number;
  /** However busy, it ends after so long, minutes. */
  maxMinutes: number;
}

/** Where a session begins. */
export interface SessionInput {
  method: SessionRow['method'];
  /** It will come in a cookie, guarded by a CSRF token. */
  cookie: boolean;
  address: string;
  userAgent: string;
}

/** A session with what its client has to show, told this once. */
export interface OpenedSession {
  session: SessionRow;
  user: UserRow;
  token: Secret;
  /** For sessions in a cookie. */
  csrfToken?: Secret;
}

/** Of one user; the oldest go when there are more. */
export const maxSessions = 20;

/** A session that still has something to do before it may do anything else has so long for it, minutes. */
export const unfinishedMinutes = 10;

/** Whether a session has not come to its end, by the limits as they are now. */
export function isLive(
  session: Pick<SessionRow, 'created_at' | 'last_seen_at' | 'expires_at'>,
  limits: SessionLimits,
  now: Date,
): boolean {
  const time = now.getTime();
  return (
    time < Date.parse(session.expires_at) &&
    time < Date.parse(session.last_seen_at) + minutes(limits.idleMinutes) &&
    time < Date.parse(session.created_at) + minutes(limits.maxMinutes)
  );
}

/** What a session's times are all later than as long as {@link isLive} holds, ISO 8601. */
export function oldestLive(
  limits: SessionLimits,
  now: Date,
): Record<'expiresAt' | 'lastSeenAt' | 'createdAt', string> {
  const before = (count: number) => new Date(now.getTime() - minutes(count)).toISOString();
  return {
    expiresAt: before(0),
    lastSeenAt: before(limits.idleMinutes),
    createdAt: before(limits.maxMinutes),
  };
}

/** What sessions are made with. */
interface SessionContext {
  context: VaultContext;
  limits: SessionLimits;
}

/**
 * Begins a session of a user who has proven who they are by `method`, in the transaction that found it out. What is
 * left to do stands in its state. After a sign-in by OIDC the password is the provider's, and so is the second factor,
 * unless the user has one here as well: then it is asked for.
 */
export async function openSession(
  trx: ActTransaction,
  { context, limits }: SessionContext,
  act: Act,
  user: UserRow,
  input: SessionInput,
): Promise<OpenedSession> {
  signsIn(trx);
  const now = context.now();
  const token = mintSessionToken();
  const state = firstState(user, input.method);
  const session: SessionRow = {
    hash: hashOf(token.reveal()),
    id: randomUUID(),
    user_id: user.id,
    csrf_hash: input.cookie ? hashOf(csrfTokenOf(token.reveal()).reveal()) : null,
    state,
    method: input.method,
    address: input.address,
    user_agent: input.userAgent.slice(0, 300),
    created_at: now.toISOString(),
    last_seen_at: now.toISOString(),
    expires_at: endOf(now, state, limits),
  };
  await dropEnded(trx, limits, now);
  await trx.insertInto('sessions').values(session).execute();
  await dropOldest(trx, session);
  if (state === 'ACTIVE') await noteSignIn(trx, user.id, now);
  await record(trx, actOf(act, user), {
    action: 'session.begin',
    vaultId: user.vault_id,
    target: sessionTarget(session, user),
    after: { method: input.method, state, address: input.address, userAgent: session.user_agent },
  });
  return opened(session, user, token);
}

/**
 * Lets a session rise to what is next for it. Its token becomes another, so that whoever knew the one from before the
 * second factor has nothing (session fixation).
 */
export async function elevateSession(
  trx: Transaction<Tables>,
  { context, limits }: SessionContext,
  user: UserRow,
  session: SessionRow,
  state: 'PASSWORD_CHANGE' | 'ACTIVE',
): Promise<OpenedSession> {
  signsIn(trx);
  const now = context.now();
  const token = mintSessionToken();
  const raised = await trx
    .updateTable('sessions')
    .set({
      hash: hashOf(token.reveal()),
      csrf_hash: session.csrf_hash === null ? null : hashOf(csrfTokenOf(token.reveal()).reveal()),
      state,
      last_seen_at: now.toISOString(),
      // An ACTIVE session whose token changes with the password does not get longer by it.
      expires_at: session.state === 'ACTIVE' ? session.expires_at : endOf(now, state, limits),
    })
    .where('id', '=', session.id)
    // The token that was shown must still be the session's: of two risings at once one wins.
    .where('hash', '=', session.hash)
    .returningAll()
    .executeTakeFirst();
  if (raised === undefined) throw new VaultError('conflict', 'the session has ended or moved on meanwhile');
  if (state === 'ACTIVE' && session.state !== 'ACTIVE') await noteSignIn(trx, user.id, now);
  return opened(raised, user, token);
}

/** What comes after a right password, or after the provider's word. */
function firstState(user: UserRow, method: SessionRow['method']): SessionRow['state'] {
  if (user.totp_state === 'ON') return 'SECOND_FACTOR';
  return stateAfterSecondFactor(user, method);
}

export function stateAfterSecondFactor(
  user: UserRow,
  method: SessionRow['method'],
): 'PASSWORD_CHANGE' | 'ACTIVE' {
  return method === 'password' && user.must_change_password === 1 ? 'PASSWORD_CHANGE' : 'ACTIVE';
}

export async function listSessions(
  context: VaultContext,
  limits: SessionLimits,
  userId: string,
): Promise<SessionRow[]> {
  const rows = await context.store.db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('created_at', 'desc')
    .execute();
  return rows.filter((row) => isLive(row, limits, context.now()));
}

/** A user's own session, with them. Throws VaultError `not-found`. */
export async function findSession(
  context: VaultContext,
  userId: string,
  sessionId: string,
): Promise<{ session: SessionRow; user: UserRow }> {
  const { db } = context.store;
  const [session, user] = await Promise.all([
    db
      .selectFrom('sessions')
      .selectAll()
      .where('id', '=', sessionId)
      .where('user_id', '=', userId)
      .executeTakeFirst(),
    db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirst(),
  ]);
  if (session === undefined || user === undefined)
    throw new VaultError('not-found', 'there is no such session');
  return { session, user };
}

/** Signs out, or ends another of the user's own sessions. Throws VaultError `not-found`. */
export async function endSession(
  context: VaultContext,
  act: Act,
  userId: string,
  sessionId: string,
): Promise<void> {
  const { session, user } = await findSession(context, userId, sessionId);
  await context.store.write(act, async (trx) => dropSession(trx, act, session, user));
}

/** In a transaction, with an entry in the trail. Throws VaultError `not-found` where it has ended meanwhile. */
export async function dropSession(
  trx: ActTransaction,
  act: Act,
  session: SessionRow,
  user: Pick<UserRow, 'username' | 'vault_id'>,
): Promise<void> {
  const ended = await trx.deleteFrom('sessions').where('id', '=', session.id).executeTakeFirst();
  if (ended.numDeletedRows === 0n) throw new VaultError('not-found', 'there is no such session');
  restricts(trx, 'the end of the session', async () => {
    const left = await trx
      .selectFrom('sessions')
      .select('id')
      .where('id', '=', session.id)
      .executeTakeFirst();
    return left === undefined;
  });
  await record(trx, act, {
    action: 'session.end',
    vaultId: user.vault_id,
    target: sessionTarget(session, user),
  });
}

/** Ends all sessions of a user, but for one. */
export async function endSessionsOf(
  trx: Transaction<Tables>,
  userId: string,
  except?: string,
): Promise<void> {
  let query = trx.deleteFrom('sessions').where('user_id', '=', userId);
  if (except !== undefined) query = query.where('id', '<>', except);
  await query.execute();
}

/** The act with the user as who does it: at a sign-in that is not known before. */
export function actOf(act: Act, user: Pick<UserRow, 'id' | 'username' | 'vault_id'>): Act {
  return { ...act, actor: { kind: 'user', id: user.id, name: user.username, vaultId: user.vault_id } };
}

async function noteSignIn(trx: Transaction<Tables>, userId: string, now: Date): Promise<void> {
  await noteOn(trx, 'users').set({ last_sign_in_at: now.toISOString() }).where('id', '=', userId).execute();
}

async function dropEnded(trx: Transaction<Tables>, limits: SessionLimits, now: Date): Promise<void> {
  const idle = new Date(now.getTime() - minutes(limits.idleMinutes)).toISOString();
  await trx
    .deleteFrom('sessions')
    .where((eb) => eb.or([eb('expires_at', '<=', now.toISOString()), eb('last_seen_at', '<=', idle)]))
    .execute();
}

async function dropOldest(trx: Transaction<Tables>, newest: SessionRow): Promise<void> {
  const kept = trx
    .selectFrom('sessions')
    .select('id')
    .where('user_id', '=', newest.user_id)
    .where('id', '<>', newest.id)
    .orderBy('created_at', 'desc')
    .limit(maxSessions - 1);
  let surplus = trx
    .deleteFrom('sessions')
    .where('user_id', '=', newest.user_id)
    .where('id', '<>', newest.id)
    .where('id', 'not in', kept);
  // Who knows the password alone, and not the second factor, throws nobody out who had both.
  if (newest.state === 'SECOND_FACTOR') surplus = surplus.where('state', '=', 'SECOND_FACTOR');
  await surplus.execute();
}

function endOf(now: Date, state: SessionRow['state'], limits: SessionLimits): string {
  const length = state === 'ACTIVE' ? limits.maxMinutes : Math.min(unfinishedMinutes, limits.maxMinutes);
  return new Date(now.getTime() + minutes(length)).toISOString();
}

function opened(session: SessionRow, user: UserRow, token: Secret): OpenedSession {
  if (session.csrf_hash === null) return { session, user, token };
  return { session, user, token, csrfToken: csrfTokenOf(token.reveal()) };
}

function sessionTarget(
  session: SessionRow,
  user: Pick<UserRow, 'username'>,
): { kind: string; id: string; name: string } {
  return { kind: 'session', id: session.id, name: user.username };
}

function minutes(count: number): number {
  return count * 60_000;
}
