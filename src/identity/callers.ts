import { timingSafeEqual } from 'node:crypto';
import type { Transaction } from 'kysely';
import { signsIn } from '../store/read-back.ts';
import type { Tables } from '../store/schema.ts';
import { StoreError } from '../store/store-error.ts';
import { noteOn } from '../vault/edit-record.ts';
import type { Reading } from '../vault/edits.ts';
import type { VaultContext } from '../vault/context.ts';
import { ofLivingVault } from '../vault/living-vault.ts';
import { apiKeyIdOf, hashOf, isSessionToken } from './bearer.ts';
import type { Caller } from './caller.ts';
import { CsrfError } from './identity-error.ts';
import { permissionsOf, type Permission } from './permissions.ts';
import { isLive, type SessionLimits } from './sessions.ts';
import { sightOf } from './sight.ts';

/** What a request brought to prove who sent it. */
export interface Presented {
  /** After `Authorization: Bearer`. Where there is one the cookie is not looked at. */
  bearer?: string | undefined;
  /** Value of the session cookie. */
  cookie?: string | undefined;
  /** `X-CSRF-Token`. */
  csrfToken?: string | undefined;
  method: string;
  address: string;
  /** The answer does not wait until it is written that the API key was used: a store that can be read may take no write. */
  hurried?: boolean;
}

/** So often at the most it is written that a session or API key was used, milliseconds. */
const writtenEvery = 30_000;

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Who sent the request; undefined where nothing proves it, for whichever reason. Throws CsrfError for a request that
 * could change something, came with a live session in a cookie, and without that session's CSRF token.
 */
export async function resolveCaller(
  context: VaultContext,
  limits: SessionLimits,
  presented: Presented,
): Promise<Caller | undefined> {
  const { bearer, cookie } = presented;
  if (bearer !== undefined) {
    if (isSessionToken(bearer)) return bySession(context, limits, bearer, undefined);
    const keyId = apiKeyIdOf(bearer);
    return keyId === undefined ? undefined : byApiKey(context, keyId, bearer, presented);
  }
  if (cookie === undefined || !isSessionToken(cookie)) return undefined;
  return bySession(context, limits, cookie, presented);
}

/**
 * The caller as they are now, by the session or API key that the request came with: read by `db` alone, so that it can be
 * the transaction of what they do. Undefined where it has ended, or its user is not ACTIVE any more.
 */
export async function readCallerAgain(
  db: Reading,
  limits: SessionLimits,
  now: Date,
  { kind, credentialId }: Pick<Caller, 'kind' | 'credentialId'>,
): Promise<Caller | undefined> {
  if (kind === 'api-key') {
    const key = await apiKeys(db).where('api_keys.id', '=', credentialId).executeTakeFirst();
    return key === undefined || key.expires_at <= now.toISOString() ? undefined : ownerOfKey(db, key);
  }
  const session = await sessions(db).where('sessions.id', '=', credentialId).executeTakeFirst();
  if (session === undefined || !isLive(session, limits, now)) return undefined;
  return ownerOfSession(db, session);
}

async function bySession(
  context: VaultContext,
  limits: SessionLimits,
  token: string,
  withCookie: Presented | undefined,
): Promise<Caller | undefined> {
  const { db } = context.store;
  const session = await sessions(db).where('sessions.hash', '=', hashOf(token)).executeTakeFirst();
  const now = context.now();
  if (session === undefined || !isLive(session, limits, now)) return undefined;
  // A token from a cookie is of no use in a header and the other way round: the one is guarded by the CSRF token.
  if ((session.csrf_hash !== null) !== (withCookie !== undefined)) return undefined;
  if (withCookie !== undefined && !safeMethods.has(withCookie.method))
    await checkCsrfToken(db, session, withCookie.csrfToken);
  const writtenBefore = new Date(now.getTime() - writtenEvery).toISOString();
  if (session.last_seen_at <= writtenBefore)
    await note(context, async (trx) =>
      trx
        .updateTable('sessions')
        .set({ last_seen_at: now.toISOString() })
        .where('id', '=', session.id)
        .where('last_seen_at', '<=', writtenBefore)
        .execute(),
    );
  return ownerOfSession(db, session);
}

/** Notes that somebody came. Whoever may read is not kept from it by a store that takes no note. */
async function note(
  context: VaultContext,
  write: (trx: Transaction<Tables>) => Promise<unknown>,
): Promise<void> {
  try {
    await context.store.bookkeep('use', async (trx) => {
      signsIn(trx);
      await write(trx);
    });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

function sessions(db: Reading) {
  return db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select([
      'sessions.id',
      'sessions.state',
      'sessions.csrf_hash',
      'sessions.created_at',
      'sessions.last_seen_at',
      'sessions.expires_at',
      'users.id as user_id',
      'users.username',
      'users.role',
      'users.vault_id',
    ])
    .where('users.state', '=', 'ACTIVE')
    .where((eb) => ofLivingVault(eb.ref('users.vault_id')));
}

type FoundSession = NonNullable<Awaited<ReturnType<ReturnType<typeof sessions>['executeTakeFirst']>>>;

async function ownerOfSession(db: Reading, session: FoundSession): Promise<Caller> {
  return {
    kind: 'user',
    userId: session.user_id,
    username: session.username,
    role: session.role,
    vaultId: session.vault_id,
    permissions: new Set(permissionsOf[session.role]),
    sight: await sightOf(db, { id: session.user_id, role: session.role }),
    credentialId: session.id,
    state: session.state,
    byCookie: session.csrf_hash !== null,
  };
}

async function checkCsrfToken(db: Reading, session: FoundSession, given: string | undefined): Promise<void> {
  const expected = session.csrf_hash;
  if (expected === null || given === undefined || !timingSafeEqual(expected, hashOf(given)))
    throw new CsrfError(await ownerOfSession(db, session));
}

async function byApiKey(
  context: VaultContext,
  keyId: string,
  bearer: string,
  { address, hurried = false }: Presented,
): Promise<Caller | undefined> {
  const { db } = context.store;
  const key = await apiKeys(db).where('api_keys.id', '=', keyId).executeTakeFirst();
  const now = context.now();
  if (key === undefined || !timingSafeEqual(key.hash, hashOf(bearer))) return undefined;
  if (key.expires_at <= now.toISOString()) return undefined;
  const writtenBefore = new Date(now.getTime() - writtenEvery).toISOString();
  if (key.last_used_at === null || key.last_used_at <= writtenBefore) {
    const noted = note(context, async (trx) =>
      noteOn(trx, 'api_keys')
        .set({ last_used_at: now.toISOString(), last_address: address })
        .where('id', '=', key.id)
        .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<=', writtenBefore)]))
        .execute(),
    );
    if (hurried) noted.catch(() => undefined);
    else await noted;
  }
  return ownerOfKey(db, key);
}

function apiKeys(db: Reading) {
  return db
    .selectFrom('api_keys')
    .innerJoin('users', 'users.id', 'api_keys.user_id')
    .select([
      'api_keys.id',
      'api_keys.hash',
      'api_keys.scope',
      'api_keys.expires_at',
      'api_keys.last_used_at',
      'users.id as user_id',
      'users.username',
      'users.role',
      'users.vault_id',
    ])
    .where('api_keys.revoked_at', 'is', null)
    .where('users.state', '=', 'ACTIVE')
    .where((eb) => ofLivingVault(eb.ref('users.vault_id')));
}

type FoundKey = NonNullable<Awaited<ReturnType<ReturnType<typeof apiKeys>['executeTakeFirst']>>>;

async function ownerOfKey(db: Reading, key: FoundKey): Promise<Caller> {
  // What the owner may do no longer, the key may do no longer either.
  const owners = new Set<string>(permissionsOf[key.role]);
  const scope = (JSON.parse(key.scope) as Permission[]).filter((permission) => owners.has(permission));
  return {
    kind: 'api-key',
    userId: key.user_id,
    username: key.username,
    role: key.role,
    vaultId: key.vault_id,
    permissions: new Set(scope),
    sight: await sightOf(db, { id: key.user_id, role: key.role }),
    credentialId: key.id,
    state: 'ACTIVE',
    byCookie: false,
    expiresAt: key.expires_at,
  };
}
