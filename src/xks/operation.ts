import type { CloudKey, Directory } from '../vault/directory.ts';
import type { EncryptionCount } from '../vault/encryption-count.ts';
import type { KeySet } from '../vault/key-sets.ts';
import type { TokenRooms } from '../vault/token-rooms.ts';
import type { AadForm } from '../config/profile.ts';
import type { CallTimes } from '../token/token-pool.ts';
import { XksError } from './errors.ts';
import type { RequestMetadata } from './wire.ts';

/** What the operations need of the node. */
export interface XksServices {
  directory: Directory;
  tokens: TokenRooms;
  encryptions: EncryptionCount;
  /** Facts of a token's profile that the operations go by. */
  tokenFacts: (token: string) => TokenFacts;
  fleetSize: number;
  version: string;
}

export interface TokenFacts {
  vendor: string;
  model: string;
  aadForm: AadForm;
  plaintextBytes: number;
}

/** One authenticated request. */
export interface XksCall {
  keySet: KeySet;
  body: Buffer;
  /** When the answer must be out, by the machine's monotonic clock. */
  deadline: number;
  /** What the log line tells; the operations fill it in as they learn it. */
  facts: CallFacts;
}

export interface CallFacts {
  metadata?: RequestMetadata;
  keyVersion?: number;
  times?: CallTimes;
}

/** The longest AAD: its length is two bytes (XKS spec, Encrypt). */
const mostAad = 0xffff;

/** The key of the request. Throws KeyNotFoundException, also for a key of another key set. */
export async function findKey(
  { directory }: XksServices,
  keySet: KeySet,
  externalKeyId: string,
): Promise<CloudKey> {
  const key = await directory.cloudKey(keySet, externalKeyId);
  if (key === undefined)
    throw new XksError('KeyNotFoundException', 'The external key is not found in this key store.');
  return key;
}

/** Disabled comes before usage: a key that was pulled away says so, whatever was asked of it. */
export function checkUsable(key: CloudKey, needs: { encrypt?: boolean; decrypt?: boolean }): void {
  if (!key.enabled) throw new XksError('InvalidStateException', 'The external key is disabled.');
  if (needs.encrypt === true && !key.canEncrypt)
    throw new XksError('InvalidKeyUsageException', 'The external key does not support encryption.');
  if (needs.decrypt === true && !key.canDecrypt)
    throw new XksError('InvalidKeyUsageException', 'The external key does not support decryption.');
}

/** Beyond the sizes that every proxy must take, the token's profile says how far we go. */
export function checkSizes(
  data: Buffer,
  what: 'plaintext' | 'ciphertext',
  aad: Buffer,
  facts: TokenFacts,
): void {
  if (data.length > facts.plaintextBytes)
    throw new XksError(
      'UnsupportedOperationException',
      `The ${what} is longer than the ${facts.plaintextBytes} bytes supported.`,
    );
  if (aad.length > mostAad)
    throw new XksError(
      'UnsupportedOperationException',
      `The additional authenticated data is longer than ${mostAad} bytes.`,
    );
  if (data.length === 0) throw new XksError('ValidationException', `The ${what} is empty.`);
}

export const noBytes = Buffer.alloc(0);
