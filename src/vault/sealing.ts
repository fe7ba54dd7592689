import { createHash } from 'node:crypto';
import { Secret } from '../secret.ts';
import { encodeSealContext, type SealContext } from '../token/seal-context.ts';
import type { VaultContext } from './context.ts';
import { managementDeadline } from './tokens.ts';
import { VaultError } from './vault-error.ts';

/** A secret of ours at rest, and what it is bound to: moved to another record it does not open. */
export interface Sealed {
  context: SealContext;
  sealed: Uint8Array;
  /** Name of the token whose sealing key it is under. */
  token: string;
}

/** A sealed secret of the store, and whose it is, in words. */
export type NamedSecret = Sealed & { what: string };

/** Seals a secret under the sealing key of the first token of the configuration. Throws TokenError. */
export async function seal(
  { tokens }: Pick<VaultContext, 'tokens'>,
  context: SealContext,
  secret: Secret,
): Promise<{ sealed: Buffer; token: string }> {
  const [pool] = tokens.all;
  if (pool === undefined)
    throw new VaultError('conflict', 'there is no token to seal a secret', 'configure a token');
  const { value } = await pool.call(
    { kind: 'seal', context: encodeSealContext(context), secret: Buffer.from(secret.reveal()) },
    managementDeadline(),
  );
  return { sealed: Buffer.from(value.sealed), token: pool.name };
}

/**
 * A sealed secret in the format of today, the same bytes where it is in that already; the secret itself is not told. Throws
 * TokenError: `seal-broken` where it does not belong to the record.
 */
export async function reseal(
  { tokens }: Pick<VaultContext, 'tokens'>,
  { context, sealed, token }: Sealed,
): Promise<Buffer> {
  const { value } = await tokens
    .pool(token)
    .call(
      { kind: 'reseal', context: encodeSealContext(context), former: context.former, sealed },
      managementDeadline(),
    );
  return Buffer.from(value.sealed);
}

/**
 * Whether a sealed secret is in the format of before, bound to less than its context names today: once it is opened it is
 * to be sealed anew ({@link reseal}).
 */
export function isOfBefore({ sealed }: Pick<Sealed, 'sealed'>): boolean {
  return sealed[0] === 1;
}

/** A part of a context that stands for CA certificates: who vouches for where a secret goes. '' for those of the system. */
export function partOfCa(pem: string | null): string {
  return pem === null || pem === '' ? '' : createHash('sha256').update(pem).digest('hex');
}

/** Throws TokenError: `seal-broken` where the record was tampered with. */
export async function unseal(
  { tokens }: Pick<VaultContext, 'tokens'>,
  { context, sealed, token }: Sealed,
  { deadline } = managementDeadline(),
): Promise<Secret> {
  const { value } = await tokens
    .pool(token)
    .call(
      { kind: 'unseal', context: encodeSealContext(context), former: context.former, sealed },
      { deadline },
    );
  return new Secret(Buffer.from(value.secret).toString('utf8'));
}
