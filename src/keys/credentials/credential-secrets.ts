import { Secret } from '../../secret.ts';
import type { KeySet } from '../key-sets/key-set-records.ts';
import { xksUriPath } from '../../vault/names.ts';
import { encodeSealContext, formerXksContext, type SealContext } from '../../token/seal-context.ts';
import { managementDeadline, type TokenPools } from '../../vault/tokens.ts';

/** The secret under the token's sealing key. Throws TokenError. */
export async function sealXksSecret(
  tokens: TokenPools,
  keySet: Pick<KeySet, 'id' | 'vault_id' | 'token'>,
  accessKeyId: string,
  secret: Secret,
): Promise<Buffer> {
  const context = encodeSealContext(
    xksSecretContext({ vaultId: keySet.vault_id, keySetId: keySet.id, accessKeyId }),
  );
  const { value } = await tokens
    .pool(keySet.token)
    .call({ kind: 'seal', context, secret: Buffer.from(secret.reveal()) }, managementDeadline());
  return Buffer.from(value.sealed);
}

/** An XKS credential, and all that its secret belongs to. */
export interface CredentialIdentity {
  vaultId: string;
  keySetId: string;
  accessKeyId: string;
}

/** The secret access key of a credential. Throws TokenError: `seal-broken` when the record was tampered with. */
export async function revealSecret(
  tokens: TokenPools,
  credential: CredentialIdentity & { sealedSecret: Uint8Array },
  token: string,
  deadline: number,
): Promise<Secret> {
  const context = xksSecretContext(credential);
  const { value } = await tokens.pool(token).call(
    {
      kind: 'unseal',
      context: encodeSealContext(context),
      former: context.former,
      sealed: credential.sealedSecret,
    },
    { deadline },
  );
  return new Secret(Buffer.from(value.secret).toString('utf8'));
}

/** What the sealed secret is bound to: moved to another record, key set or vault it does not open. */
export function xksSecretContext({ vaultId, keySetId, accessKeyId }: CredentialIdentity): SealContext {
  return {
    purpose: 'xks-credential',
    parts: [vaultId, keySetId, accessKeyId],
    former: `${formerXksContext}${accessKeyId} of key set ${keySetId}`,
  };
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
