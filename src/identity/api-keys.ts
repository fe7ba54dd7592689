import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { record, type Act } from '../evidence/trail.ts';
import type { Secret } from '../secret.ts';
import { restricts } from '../store/read-back.ts';
import type { ApiKeyTable } from '../store/schema.ts';
import type { ActTransaction } from '../store/store.ts';
import { bumpRecord, bumpRecords } from '../vault/edit-record.ts';
import type { Reading } from '../vault/edits.ts';
import type { VaultContext } from '../vault/context.ts';
import { readPage, type Page, type PageInput } from '../vault/page.ts';
import { VaultError } from '../vault/vault-error.ts';
import { hashOf, mintApiKey } from './bearer.ts';
import type { Caller } from './caller.ts';
import type { Permission } from './permissions.ts';
import { parsePlainName } from './user-forms.ts';

export type ApiKeyRow = Selectable<ApiKeyTable>;

/** A key that nobody renews is one that nobody remembers. */
export const maxApiKeyDays = 366;

/** Live ones of one user. */
export const maxApiKeys = 50;

/**
 * Makes an API key that may do a part of what its owner may. The secret is shown this once. Throws VaultError
 * `forbidden` for a scope beyond the caller's permissions.
 */
export async function createApiKey(
  context: VaultContext,
  act: Act,
  caller: Pick<Caller, 'userId' | 'vaultId' | 'permissions'>,
  input: { name: string; scope: readonly Permission[]; expiresAt: Date },
): Promise<{ apiKey: ApiKeyRow; secret: Secret }> {
  const now = context.now();
  const scope = [...new Set(input.scope)].toSorted();
  if (scope.length === 0) throw new VaultError('invalid', 'an API key needs at least one permission');
  if (!scope.every((permission) => caller.permissions.has(permission)))
    throw new VaultError('forbidden', 'an API key may do no more than you may yourself');
  const length = input.expiresAt.getTime() - now.getTime();
  if (!(length > 0 && length <= maxApiKeyDays * 86_400_000))
    throw new VaultError(
      'invalid',
      `an API key expires in the future, after ${maxApiKeyDays} days at the most`,
    );
  const id = randomUUID();
  const secret = mintApiKey(id);
  const row: ApiKeyRow = {
    id,
    user_id: caller.userId,
    name: parsePlainName(input.name, 'the name of an API key'),
    hash: hashOf(secret.reveal()),
    scope: JSON.stringify(scope),
    expires_at: input.expiresAt.toISOString(),
    revoked_at: null,
    last_used_at: null,
    last_address: null,
    row_version: 1,
    created_at: now.toISOString(),
  };
  await context.store.write(act, async (trx) => {
    await trx.insertInto('api_keys').values(row).execute();
    const { live } = await trx
      .selectFrom('api_keys')
      .select((eb) => eb.fn.countAll<number>().as('live'))
      .where('user_id', '=', caller.userId)
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', now.toISOString())
      .executeTakeFirstOrThrow();
    if (live > maxApiKeys)
      throw new VaultError('conflict', `you have ${maxApiKeys} live API keys`, 'revoke one first');
    await record(trx, act, {
      action: 'api-key.create',
      vaultId: caller.vaultId,
      target: { kind: 'api-key', id, name: row.name },
      after: { name: row.name, scope, expiresAt: row.expires_at },
      creates: true,
    });
  });
  return { apiKey: row, secret };
}

export const apiKeyOrders = {
  createdAt: 'api_keys.created_at',
  name: 'api_keys.name',
  expiresAt: 'api_keys.expires_at',
} as const;

export async function listApiKeys(
  context: VaultContext,
  userId: string,
  input: PageInput,
): Promise<Page<ApiKeyRow>> {
  const through = context.store.db.selectFrom('api_keys').where('user_id', '=', userId);
  return readPage(through.selectAll(), through, apiKeyOrders, 'api_keys.id', input);
}

/** One of the user's own. Throws VaultError `not-found`. */
export async function findApiKey(db: Reading, userId: string, apiKeyId: string): Promise<ApiKeyRow> {
  const row = await db
    .selectFrom('api_keys')
    .selectAll()
    .where('id', '=', apiKeyId)
    .where('user_id', '=', userId)
    .executeTakeFirst();
  if (row === undefined) throw new VaultError('not-found', 'there is no such API key');
  return row;
}

/** From the moment this returns it opens nothing. Safe to repeat. Throws VaultError `not-found`. */
export async function revokeApiKey(
  context: VaultContext,
  act: Act,
  caller: Pick<Caller, 'userId' | 'vaultId'>,
  apiKeyId: string,
): Promise<void> {
  await context.store.write(act, async (trx) => {
    const row = await findApiKey(trx, caller.userId, apiKeyId);
    if (row.revoked_at !== null) return;
    await markRevoked(trx, row);
    await record(trx, act, {
      action: 'api-key.revoke',
      vaultId: caller.vaultId,
      target: apiKeyTarget(row),
    });
  });
}

/** In a transaction, of one that is not revoked. */
export async function markRevoked(trx: ActTransaction, row: ApiKeyRow): Promise<void> {
  await bumpRecord(trx, 'api_keys', row, { revoked_at: trx.at.toISOString() });
  restricts(trx, 'the end of the API key', async () => {
    const now = await trx
      .selectFrom('api_keys')
      .select('revoked_at')
      .where('id', '=', row.id)
      .executeTakeFirst();
    return now?.revoked_at !== null;
  });
}

export function apiKeyTarget({ id, name }: ApiKeyRow): { kind: string; id: string; name: string } {
  return { kind: 'api-key', id, name };
}

/** For good: enabling the user again brings none of them back. */
export async function revokeApiKeysOf(trx: ActTransaction, userId: string): Promise<void> {
  const live = trx
    .selectFrom('api_keys')
    .select('id')
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null);
  await bumpRecords(trx, 'api_keys', live, { revoked_at: trx.at.toISOString() });
}

export const apiKeyStates = ['LIVE', 'EXPIRED', 'REVOKED'] as const;
export type ApiKeyState = (typeof apiKeyStates)[number];

export function apiKeyState(row: ApiKeyRow, now: Date): ApiKeyState {
  if (row.revoked_at !== null) return 'REVOKED';
  return row.expires_at <= now.toISOString() ? 'EXPIRED' : 'LIVE';
}
