import { Secret } from '../secret.ts';
import type { KeySet } from './key-set-records.ts';
import { xksUriPath } from './names.ts';
import { xksSecretContext } from '../token/messages.ts';
import { managementDeadline, type TokenRooms } from './token-rooms.ts';

/** The secret under the token's protecting key. Throws TokenError. */
export async function sealXksSecret(
  tokens: TokenRooms,
  keySet: Pick<KeySet, 'id' | 'token'>,
  accessKeyId: string,
  secret: Secret,
): Promise<Buffer> {
  const { value } = await tokens
    .pool(keySet.token)
    .call(
      { kind: 'protect', context: sealContext(accessKeyId, keySet.id), secret: Buffer.from(secret.reveal()) },
      managementDeadline(),
    );
  return Buffer.from(value.sealed);
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
  return `${xksSecretContext}${accessKeyId} of key set ${keySetId}`;
}

/** What AWS's console takes (XKS spec, XKS proxy configuration in AWS KMS console). Holds the secret: never logged. */
export interface ConsoleFile {
  XksProxyUriPath: string;
  XksProxyAuthenticationCredential: { AccessKeyId: string; RawSecretAccessKey: string };
}

export function consoleFile(
  keySet: Pick<KeySet, 'path_prefix'>,
  accessKeyId: string,
  secret: Secret,
): ConsoleFile {
  return {
    XksProxyUriPath: xksUriPath(keySet.path_prefix),
    XksProxyAuthenticationCredential: { AccessKeyId: accessKeyId, RawSecretAccessKey: secret.reveal() },
  };
}

/** The same as the file that the console reads. */
export function consoleFileText(
  keySet: Pick<KeySet, 'path_prefix'>,
  accessKeyId: string,
  secret: Secret,
): string {
  return `${JSON.stringify(consoleFile(keySet, accessKeyId, secret), null, 2)}\n`;
}
