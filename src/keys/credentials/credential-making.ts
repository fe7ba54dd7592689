import { randomBytes } from 'node:crypto';
import type { Transaction } from 'kysely';
import { record, type Act } from '../../evidence/trail.ts';
import { Secret } from '../../secret.ts';
import type { Tables } from '../../store/schema.ts';
import type { ChangeTransaction } from '../../store/store.ts';
import {
  auditedCredential,
  credentialEntry,
  findCredentialIn,
  liveCredentials,
  type UsedCredential,
} from './credential-records.ts';
import { sealXksSecret } from './credential-secrets.ts';
import { checkLive, parseQuiet, type CredentialTarget, type CredentialInput } from './credential-input.ts';
import { bumpRecord, noteOn } from '../../vault/edit-record.ts';
import { parseExpiry } from '../../vault/expiry.ts';
import { checkRowVersion, type VaultContext } from '../../vault/context.ts';
import { findKeySetIn, type KeySet } from '../key-sets/key-set-records.ts';
import type { AccessKeyId } from '../../vault/names.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** RFC 4648 Base32: the alphabet of access key ids (XKS spec, Appendix A). */
const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** More live credentials than this would not be a rotation but a leak. */
export const maxLiveCredentials = 10;
/** AWS's caches and a slow roll-out of its hosts are over long before, minutes. */
export const defaultQuietMinutes = 60;

/** A new credential with its secret, which is told this once. */
export interface IssuedCredential {
  accessKeyId: AccessKeyId;
  secret: Secret;
  credential: UsedCredential;
}

/**
 * Makes an XKS credential: an access key id of 26 characters (130 bits) and a secret of 256 bits as 44 characters of
 * Base64. At rest the secret is only under the token's sealing key, bound to its record. Throws TokenError; VaultError
 * `conflict` where the key set has ten live ones, `invalid`.
 */
export async function issueCredential(
  context: VaultContext,
  act: Act,
  keySet: KeySet,
  input: CredentialInput = {},
): Promise<IssuedCredential> {
  const made = await makeCredential(context, keySet, input, act.at);
  return context.store.change(act, async (trx) => insertCredential(trx, act, keySet, made));
}

/** Puts it on record: from then on whoever has its secret may use it. Throws VaultError `conflict`. */
export async function insertCredential(
  trx: ChangeTransaction,
  act: Act,
  keySet: KeySet,
  { accessKeyId, secret, row }: MadeCredential,
): Promise<IssuedCredential> {
  const credential = await insert(trx, keySet, row, act.at);
  await record(trx, act, {
    ...credentialEntry('issue', keySet, accessKeyId),
    after: auditedCredential(credential),
    creates: true,
  });
  return { accessKeyId, secret, credential };
}

/**
 * Issues the successor of a credential. The old one lives on, so that AWS can be told the new one without a gap, and is
 * retired once it has been quiet for `retireAfterQuietMinutes` while the new one has been seen.
 */
export async function rotateCredential(
  context: VaultContext,
  act: Act,
  keySet: KeySet,
  { accessKeyId, expected }: CredentialTarget,
  input: CredentialInput = {},
): Promise<IssuedCredential> {
  const { retireAfterQuietMinutes = defaultQuietMinutes } = input;
  const quiet = parseQuiet(retireAfterQuietMinutes);
  const made = await makeCredential(context, keySet, { expiresAt: input.expiresAt ?? null }, act.at);
  return context.store.change(act, async (trx) => {
    const old = await findCredentialIn(trx, keySet, accessKeyId);
    checkRowVersion(old, expected);
    checkLive(old, act.at);
    if (old.successor !== null)
      throw new VaultError(
        'conflict',
        'the credential already has a successor',
        'rotate the successor, or withdraw it and issue another credential',
      );
    const credential = await insert(trx, keySet, made.row, act.at);
    const succession = { successor: made.accessKeyId, retire_after_minutes: quiet };
    await bumpRecord(trx, 'xks_credentials', old, succession);
    await record(trx, act, {
      ...credentialEntry('rotate', keySet, made.accessKeyId),
      before: { ...auditedCredential(old), accessKeyId },
      after: {
        ...auditedCredential(credential),
        accessKeyId: made.accessKeyId,
        replaces: accessKeyId,
        replacedRetiresAfterQuietMinutes: quiet,
      },
      creates: true,
    });
    return { accessKeyId: made.accessKeyId, secret: made.secret, credential };
  });
}

/** The secret is sealed by the token; nothing is on record. Throws TokenError, VaultError `invalid`. */
export async function makeCredential(
  context: Pick<VaultContext, 'tokens'>,
  keySet: KeySet,
  input: CredentialInput,
  now: Date,
) {
  const accessKeyId = [...randomBytes(26)].map((byte) => base32[byte & 31]).join('') as AccessKeyId;
  const expires_at = parseExpiry(input.expiresAt ?? null, now);
  const retire_after_minutes = parseQuiet(input.retireAfterQuietMinutes ?? null);
  const secret = new Secret(randomBytes(32).toString('base64'));
  const sealed_secret = await sealXksSecret(context.tokens, keySet, accessKeyId, secret);
  return {
    accessKeyId,
    secret,
    row: { access_key_id: accessKeyId, sealed_secret, expires_at, retire_after_minutes },
  };
}

export type MadeCredential = Awaited<ReturnType<typeof makeCredential>>;

async function insert(
  trx: Transaction<Tables>,
  keySet: KeySet,
  row: MadeCredential['row'],
  now: Date,
): Promise<UsedCredential> {
  // It may have been deleted, or moved to another token, while the secret was sealed.
  const still = await findKeySetIn(trx, keySet.vault_id, 'all', keySet.id);
  if (still.token !== keySet.token)
    throw new VaultError('conflict', 'the key set was given another token meanwhile', 'try again');
  if ((await liveCredentials(trx, keySet.id, now)) >= maxLiveCredentials)
    throw new VaultError(
      'conflict',
      `the key set has ${maxLiveCredentials} live credentials`,
      'withdraw one first',
    );
  await trx
    .insertInto('xks_credentials')
    .values({
      ...row,
      key_set_id: keySet.id,
      successor: null,
      created_at: now.toISOString(),
      withdrawn_at: null,
      withdrawn_why: null,
    })
    .execute();
  return findCredentialIn(trx, keySet, row.access_key_id);
}

/** Puts the secret, sealed anew, into the record of its credential, where that is still as it was read. */
export async function keepResealedSecret(
  { store }: Pick<VaultContext, 'store'>,
  read: { access_key_id: string; sealed_secret: Buffer },
  sealed: Buffer,
): Promise<void> {
  // What a worker remembers opens as before; one that hears of it has the token open the new one, once.
  await store.bookkeep('sealed anew', async (trx) =>
    noteOn(trx, 'xks_credentials')
      .set({ sealed_secret: sealed })
      .where('access_key_id', '=', read.access_key_id)
      .where('sealed_secret', '=', read.sealed_secret)
      .execute(),
  );
}
