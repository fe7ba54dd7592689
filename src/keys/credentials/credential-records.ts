import type { Selectable, Transaction } from 'kysely';
import { restricts } from '../../store/read-back.ts';
import type { Tables, XksCredentialTable } from '../../store/schema.ts';
import type { Reading } from '../../vault/edits.ts';
import type { VaultContext } from '../../vault/context.ts';
import type { KeySet } from '../key-sets/key-set-records.ts';
import { readPage, type Page, type PageInput } from '../../vault/page.ts';
import { timesUsed, used } from '../used.ts';
import { VaultError } from '../../vault/vault-error.ts';

export type XksCredential = Omit<Selectable<XksCredentialTable>, 'sealed_secret'>;
/** With when and from where it was last seen, and how often. */
export type UsedCredential = XksCredential & {
  last_seen_at: string | null;
  last_address: string | null;
  requests: number;
};

export type CredentialState = 'LIVE' | 'EXPIRED' | 'WITHDRAWN' | 'RETIRED';

/** What a list may be sorted by. */
export const credentialOrders = { createdAt: 'xks_credentials.created_at' } as const;

/** Its state at a moment: it opens nothing from `expires_at` on, whether the schedule has written so or not. */
export function credentialState(
  { withdrawn_at, withdrawn_why, expires_at }: XksCredential,
  now: Date,
): CredentialState {
  if (withdrawn_at !== null) return withdrawn_why ?? 'WITHDRAWN';
  return expires_at !== null && expires_at <= now.toISOString() ? 'EXPIRED' : 'LIVE';
}

export async function listCredentials(
  { store }: Pick<VaultContext, 'store'>,
  keySet: Pick<KeySet, 'id'>,
  page: PageInput,
): Promise<Page<UsedCredential>> {
  const through = store.db.selectFrom('xks_credentials').where('key_set_id', '=', keySet.id);
  const query = credentialsOf(store.db, keySet);
  return readPage(query, through, credentialOrders, 'xks_credentials.access_key_id', page);
}

/** Throws VaultError `not-found`. */
export async function getCredential(
  { store }: Pick<VaultContext, 'store'>,
  keySet: Pick<KeySet, 'id'>,
  accessKeyId: string,
): Promise<UsedCredential> {
  return findCredentialIn(store.db, keySet, accessKeyId);
}

/** The same within a transaction. */
export async function findCredentialIn(
  db: Reading,
  keySet: Pick<KeySet, 'id'>,
  accessKeyId: string,
): Promise<UsedCredential> {
  const row = await credentialsOf(db, keySet)
    .where('xks_credentials.access_key_id', '=', accessKeyId)
    .executeTakeFirst();
  if (row === undefined) throw new VaultError('not-found', 'the key set has no such credential');
  return row;
}

/** Those of the key set with these access key ids, and the successors of these. */
export async function credentialsNamed(
  db: Reading,
  keySet: Pick<KeySet, 'id'>,
  accessKeyIds: readonly string[],
): Promise<UsedCredential[]> {
  if (accessKeyIds.length === 0) return [];
  const successors = db
    .selectFrom('xks_credentials as before')
    .select('before.successor')
    .where('before.access_key_id', 'in', accessKeyIds)
    .where('before.successor', 'is not', null);
  return credentialsOf(db, keySet)
    .where((eb) =>
      eb.or([
        eb('xks_credentials.access_key_id', 'in', accessKeyIds),
        eb('xks_credentials.access_key_id', 'in', successors),
      ]),
    )
    .execute();
}

/** How many credentials of the key set open something. */
export async function liveCredentials(db: Reading, keySetId: string, now: Date): Promise<number> {
  const { live } = await db
    .selectFrom('xks_credentials')
    .select((eb) => eb.fn.countAll<number>().as('live'))
    .where('key_set_id', '=', keySetId)
    .where('withdrawn_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now.toISOString())]))
    .executeTakeFirstOrThrow();
  return live;
}

/** When a credential ends or ended is in the store as it was answered, or the act fails. */
export function credentialWillStand(
  trx: Transaction<Tables>,
  accessKeyId: string,
  end: { withdrawn_at?: string | null | undefined; expires_at?: string | null | undefined },
): void {
  restricts(trx, 'the end of the credential', async () => {
    const now = await trx
      .selectFrom('xks_credentials')
      .select(['withdrawn_at', 'expires_at'])
      .where('access_key_id', '=', accessKeyId)
      .executeTakeFirst();
    return (
      now !== undefined &&
      (end.withdrawn_at === undefined || end.withdrawn_at === now.withdrawn_at) &&
      (end.expires_at === undefined || end.expires_at === now.expires_at)
    );
  });
}

/** Head of an audit event. */
export function credentialEntry(
  verb: string,
  keySet: Pick<KeySet, 'vault_id' | 'name'>,
  accessKeyId: string,
) {
  return {
    action: `credential.${verb}`,
    vaultId: keySet.vault_id,
    target: { kind: 'credential', id: accessKeyId, name: keySet.name },
  };
}

/** The record as the audit trail shows it: never the secret, sealed or not. */
export function auditedCredential(row: XksCredential): Record<string, unknown> {
  return {
    keySetId: row.key_set_id,
    expiresAt: row.expires_at,
    retireAfterQuietMinutes: row.retire_after_minutes,
    successor: row.successor,
    withdrawnAt: row.withdrawn_at,
    withdrawnWhy: row.withdrawn_why,
  };
}

/**
 * Those with these access key ids, and the ones that are not withdrawn and have one of them as their successor. Of whichever
 * key set they are: the caller compares it.
 */
export async function credentialsAround(
  { store }: Pick<VaultContext, 'store'>,
  accessKeyIds: readonly string[],
): Promise<UsedCredential[]> {
  if (accessKeyIds.length === 0) return [];
  const all = usedCredentials(store.db);
  const [own, before] = await Promise.all([
    all.where('xks_credentials.access_key_id', 'in', accessKeyIds).execute(),
    all
      .where('xks_credentials.successor', 'in', accessKeyIds)
      // Where two Regions are at different ones of a row, one may be both.
      .where('xks_credentials.access_key_id', 'not in', accessKeyIds)
      .where('xks_credentials.withdrawn_at', 'is', null)
      .execute(),
  ]);
  return [...own, ...before];
}

function credentialsOf(db: Reading, { id }: Pick<KeySet, 'id'>) {
  return usedCredentials(db).where('xks_credentials.key_set_id', '=', id);
}

function usedCredentials(db: Reading) {
  const accessKeyId = 'xks_credentials.access_key_id';
  return db
    .selectFrom('xks_credentials')
    .select([
      'access_key_id',
      'key_set_id',
      'expires_at',
      'retire_after_minutes',
      'successor',
      'row_version',
      'created_at',
      'withdrawn_at',
      'withdrawn_why',
      used('credential', accessKeyId, 'last_at', 'last_seen_at'),
      used('credential', accessKeyId, 'last_address', 'last_address'),
      timesUsed('credential', accessKeyId, 'requests'),
    ]);
}

/** Their rows, with when they were used last. */
export async function removeCredentials(
  trx: Pick<Transaction<Tables>, 'deleteFrom'>,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  await trx.deleteFrom('uses').where('kind', '=', 'credential').where('id', 'in', ids).execute();
  await trx.deleteFrom('xks_credentials').where('access_key_id', 'in', ids).execute();
}
