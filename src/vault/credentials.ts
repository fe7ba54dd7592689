import { randomBytes } from 'node:crypto';
import type { Selectable } from 'kysely';
import { Secret } from '../secret.ts';
import type { XksCredentialTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { KeySet } from './key-sets.ts';
import { xksUriPath, type AccessKeyId } from './names.ts';
import { managementDeadline, type TokenRooms } from './token-rooms.ts';
import { VaultError } from './vault-error.ts';

export type XksCredential = Omit<Selectable<XksCredentialTable>, 'sealed_secret'>;

/** RFC 4648 Base32: the alphabet of access key ids (XKS spec, Appendix A). */
const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** More live credentials than this would not be a rotation but a leak. */
const mostLive = 10;

/**
 * Makes an XKS credential: an access key id of 26 characters (130 bits) and a secret of 256 bits as 44 characters of
 * Base64. At rest the secret is only under the token's protecting key, bound to its record.
 */
export async function issueCredential(
  store: Store,
  tokens: TokenRooms,
  keySet: KeySet,
): Promise<{ accessKeyId: AccessKeyId; secret: Secret }> {
  const accessKeyId = [...randomBytes(26)].map((byte) => base32[byte & 31]).join('') as AccessKeyId;
  const secret = new Secret(randomBytes(32).toString('base64'));
  const { value } = await tokens
    .pool(keySet.token)
    .call(
      { kind: 'protect', context: sealContext(accessKeyId, keySet.id), secret: Buffer.from(secret.reveal()) },
      managementDeadline(),
    );
  await store.change(async (trx) => {
    const { live } = await trx
      .selectFrom('xks_credentials')
      .select((eb) => eb.fn.countAll<number>().as('live'))
      .where('key_set_id', '=', keySet.id)
      .where('withdrawn_at', 'is', null)
      .executeTakeFirstOrThrow();
    if (live >= mostLive)
      throw new VaultError('conflict', `the key set has ${mostLive} live credentials; withdraw one first`);
    await trx
      .insertInto('xks_credentials')
      .values({
        access_key_id: accessKeyId,
        key_set_id: keySet.id,
        sealed_secret: Buffer.from(value.sealed),
        created_at: new Date().toISOString(),
        withdrawn_at: null,
      })
      .execute();
  });
  return { accessKeyId, secret };
}

export async function listCredentials(store: Store, keySet: KeySet): Promise<XksCredential[]> {
  return store.db
    .selectFrom('xks_credentials')
    .select(['access_key_id', 'key_set_id', 'created_at', 'withdrawn_at'])
    .where('key_set_id', '=', keySet.id)
    .orderBy('created_at')
    .execute();
}

/** From the moment this returns no request signed with it succeeds, on any worker. */
export async function withdrawCredential(store: Store, accessKeyId: string): Promise<void> {
  const done = await store.change(async (trx) =>
    trx
      .updateTable('xks_credentials')
      .set({ withdrawn_at: new Date().toISOString() })
      .where('access_key_id', '=', accessKeyId)
      .where('withdrawn_at', 'is', null)
      .executeTakeFirst(),
  );
  if (done.numUpdatedRows === 0n)
    throw new VaultError('not-found', 'there is no live credential with this access key id');
}

/** The secret access key of a credential. Throws TokenError: `seal-broken` when the record was tampered with. */
export async function revealSecret(
  tokens: TokenRooms,
  credential: { access_key_id: string; key_set_id: string; sealed_secret: Uint8Array },
  token: string,
  deadline: number,
): Promise<Secret> {
  const { value } = await tokens.pool(token).call(
    {
      kind: 'reveal',
      context: sealContext(credential.access_key_id, credential.key_set_id),
      sealed: credential.sealed_secret,
    },
    { deadline },
  );
  return new Secret(Buffer.from(value.secret).toString('utf8'));
}

/** What a sealed secret is bound to: moved to another record or key set it does not open. */
function sealContext(accessKeyId: string, keySetId: string): string {
  return `holdfast xks credential ${accessKeyId} of key set ${keySetId}`;
}

/** The file that AWS's console takes (XKS spec, XKS proxy configuration in AWS KMS console). */
export function consoleFile(keySet: KeySet, accessKeyId: string, secret: Secret): string {
  return `${JSON.stringify(
    {
      XksProxyUriPath: xksUriPath(keySet.path_prefix),
      XksProxyAuthenticationCredential: { AccessKeyId: accessKeyId, RawSecretAccessKey: secret.reveal() },
    },
    null,
    2,
  )}\n`;
}
