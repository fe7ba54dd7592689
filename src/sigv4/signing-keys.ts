import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Secret } from '../secret.ts';
import type { Credential } from './credential.ts';
import { SERVICE, TERMINATOR } from './credential.ts';

/** What a signing key is made for, besides the secret. */
export type Scope = Pick<Credential, 'date' | 'region'>;

/** Days and Regions that one secret is kept for: AWS signs for one Region, and for two days around midnight. */
const maxScopes = 4;

/** As long as whoever opened a secret keeps it, and no longer. */
const proven = new WeakMap<Secret, Map<string, KeyObject>>();

/**
 * The signing key of a secret for a day and a Region (SigV4, "Derive a signing key"): the kept one, or made by four HMACs.
 */
export function signingKey(secret: Secret, scope: Scope): KeyObject {
  return proven.get(secret)?.get(nameOf(scope)) ?? deriveSigningKey(secret.reveal(), scope);
}

/** Keeps a key that a request was proven with; others are not worth keeping, or who has no secret would fill the place. */
export function keepSigningKey(secret: Secret, scope: Scope, key: KeyObject): void {
  let known = proven.get(secret);
  if (known === undefined) proven.set(secret, (known = new Map()));
  const name = nameOf(scope);
  if (known.has(name)) return;
  if (known.size >= maxScopes) for (const oldest of known.keys()) if (known.delete(oldest)) break;
  known.set(name, key);
}

function deriveSigningKey(secret: string, { date, region }: Scope): KeyObject {
  let key = createSecretKey(`AWS4${secret}`, 'utf8');
  for (const part of [date, region, SERVICE, TERMINATOR])
    key = createSecretKey(createHmac('sha256', key).update(part).digest());
  return key;
}

function nameOf({ date, region }: Scope): string {
  return `${date}/${region}`;
}
