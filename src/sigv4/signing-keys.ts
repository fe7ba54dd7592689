import { createHmac, hash } from 'node:crypto';
import type { Secret } from '../secret.ts';
import type { Credential } from './credential.ts';
import { SERVICE, TERMINATOR } from './credential.ts';

/** What a signing key is made for, besides the secret. */
export type Scope = Pick<Credential, 'date' | 'region'>;

/** Days and Regions that one secret is kept for: AWS signs for one Region, and for two days around midnight. */
const maxScopes = 4;

/** Of SHA-256, bytes: a block, and a digest. */
const BLOCK = 64;
const DIGEST = 32;
/** More than any string to sign has, in bytes; a longer one is signed all the same. */
const ROOM = 512;

/**
 * A signing key as the two pads of HMAC-SHA-256 (RFC 2104): with these a signature is two hashes in one call each, a quarter of
 * what an Hmac object takes.
 */
export class SigningKey {
  /** The inner pad, and behind it room for what is signed. */
  readonly #inner = Buffer.allocUnsafeSlow(BLOCK + ROOM);
  /** The outer pad, and behind it the inner digest. */
  readonly #outer = Buffer.allocUnsafeSlow(BLOCK + DIGEST);

  /** `key` is a digest, which is shorter than a block. */
  constructor(key: Buffer) {
    for (let at = 0; at < BLOCK; at++) {
      const byte = key[at] ?? 0;
      this.#inner[at] = byte ^ 0x36;
      this.#outer[at] = byte ^ 0x5c;
    }
  }

  /** HMAC-SHA-256 of the text as UTF-8, in hexadecimal. */
  sign(text: string): string {
    // As Latin-1 it has a byte in each character, and costs a third of a Buffer.
    this.#outer.write(hash('sha256', this.#padded(text), 'binary'), BLOCK, 'latin1');
    return hash('sha256', this.#outer, 'hex');
  }

  #padded(text: string): Buffer {
    // A character of a string has three bytes at the most.
    if (text.length * 3 > ROOM) return Buffer.concat([this.#inner.subarray(0, BLOCK), Buffer.from(text)]);
    return this.#inner.subarray(0, BLOCK + this.#inner.write(text, BLOCK));
  }
}

/** As long as whoever opened a secret keeps it, and no longer. */
const proven = new WeakMap<Secret, Map<string, SigningKey>>();

/**
 * The signing key of a secret for a day and a Region (SigV4, "Derive a signing key"): the kept one, or made by four HMACs.
 */
export function signingKey(secret: Secret, scope: Scope): SigningKey {
  return proven.get(secret)?.get(nameOf(scope)) ?? deriveSigningKey(secret.reveal(), scope);
}

/** Keeps a key that a request was proven with; others are not worth keeping, or who has no secret would fill the place. */
export function keepSigningKey(secret: Secret, scope: Scope, key: SigningKey): void {
  let known = proven.get(secret);
  if (known === undefined) proven.set(secret, (known = new Map()));
  const name = nameOf(scope);
  if (known.has(name)) return;
  if (known.size >= maxScopes) for (const oldest of known.keys()) if (known.delete(oldest)) break;
  known.set(name, key);
}

function deriveSigningKey(secret: string, { date, region }: Scope): SigningKey {
  let key = Buffer.from(`AWS4${secret}`);
  for (const part of [date, region, SERVICE, TERMINATOR])
    key = createHmac('sha256', key).update(part).digest();
  return new SigningKey(key);
}

function nameOf({ date, region }: Scope): string {
  return `${date}/${region}`;
}
