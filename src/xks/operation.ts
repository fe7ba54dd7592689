import { TokenError } from '../token/faults.ts';
import type { CloudKey, Directory, FoundState, KeyVersion, ServedKeySet } from '../serving/directory.ts';
import type { EncryptionCount } from '../serving/encryption-count.ts';
import type { TokenPools } from '../vault/tokens.ts';
import type { Admission, QuotaLeases } from '../serving/quota-leases.ts';
import type { UnfitKeys } from '../serving/unfit-keys.ts';
import type { SnapshotHolder } from '../serving/snapshot-holder.ts';
import type { UseRecorder } from '../serving/uses.ts';
import type { AadForm } from '../config/profile.ts';
import type { CallTimes } from '../token/pool/pool-entry.ts';
import { XksError } from './errors.ts';
import type { OtherToken } from './fleet-tokens.ts';
import type { RequestMetadata } from './wire.ts';

/** What the operations need of the node. */
export interface XksServices {
  directory: Directory;
  /** Where this process serves from memory; without, each request asks the store. */
  holder?: SnapshotHolder;
  tokens: TokenPools;
  encryptions: EncryptionCount;
  quotas: Pick<QuotaLeases, 'take' | 'takeBoth'>;
  uses: Pick<UseRecorder, 'record'>;
  unfitKeys: Pick<UnfitKeys, 'found' | 'notOn' | 'good'>;
  /** Facts of a token's profile that the operations go by. */
  tokenFacts: (token: string) => TokenFacts;
  /** Nodes that are live, and the tokens of the others. */
  fleet: { size: number; tokens: readonly OtherToken[] };
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
  keySet: ServedKeySet;
  /** Where it came from: of AWS KMS, or of the load balancer in front of the node. */
  address: string;
  body: Buffer;
  /** When the answer must be out, by the machine's monotonic clock. */
  deadline: number;
  /** What the log line tells; the operations fill it in as they learn it. */
  facts: CallFacts;
}

export interface CallFacts {
  metadata?: RequestMetadata;
  keyVersion?: number;
  /** Of the key that was asked for. */
  state?: FoundState;
  /** Whose quota held it up, and whether that was spent or could not be asked. */
  throttledBy?: 'cloud-key' | 'key-set';
  quota?: Exclude<Admission, 'granted'>;
  times?: CallTimes;
  /** The answer tells of what the key may not do. */
  restricted?: boolean;
}

/** The longest AAD: its length is two bytes (XKS spec, Encrypt). */
const maxAad = 0xffff;

/** The key of the request, and its state at this moment. Throws KeyNotFoundException, also for a key of another key set. */
export async function findKey(
  { directory }: XksServices,
  { keySet, deadline, facts }: XksCall,
  externalKeyId: string,
): Promise<{ key: CloudKey; state: FoundState }> {
  const key = await directory.cloudKey(keySet, externalKeyId, deadline);
  if (key === undefined)
    throw new XksError('KeyNotFoundException', 'The external key is not found in this key store.');
  const state = directory.stateOf(keySet, key);
  facts.state = state;
  return { key, state };
}

/** What an operator reads in CloudTrail. It is their own key and key set: they may know why. */
const unusable: Record<Exclude<FoundState, 'AVAILABLE'>, string> = {
  FROZEN: 'The key set of the external key is frozen.',
  DISABLED: 'The external key is disabled.',
  EXPIRED: 'The external key has expired.',
  PENDING_DELETION: 'The external key is pending deletion.',
};

/** State comes before usage: a key that was pulled away says so, whatever was asked of it. */
export function checkUsable(
  { key, state }: { key: CloudKey; state: FoundState },
  needs: { encrypt?: boolean; decrypt?: boolean },
): void {
  if (state !== 'AVAILABLE') throw new XksError('InvalidStateException', unusable[state]);
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
  if (aad.length > maxAad)
    throw new XksError(
      'UnsupportedOperationException',
      `The additional authenticated data is longer than ${maxAad} bytes.`,
    );
  if (data.length === 0) throw new XksError('ValidationException', `The ${what} is empty.`);
}

/** Does `run` with a key's version, and sees to it that a key object which is not the key on record is told. */
export async function withVersion<T extends Pick<CallTimes, 'notOn'>>(
  { unfitKeys }: XksServices,
  { keySet }: XksCall,
  key: CloudKey,
  version: KeyVersion,
  run: () => Promise<T>,
): Promise<T> {
  try {
    const done = await run();
    if (done.notOn === undefined) unfitKeys.good(key, version);
    else unfitKeys.notOn(keySet, key, version, done.notOn);
    return done;
  } catch (error) {
    if (error instanceof TokenError && error.fault === 'key-unfit')
      unfitKeys.found(keySet, key, version, error);
    throw error;
  }
}

export const noBytes = Buffer.alloc(0);
