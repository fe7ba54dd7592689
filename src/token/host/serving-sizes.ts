import type { Profile } from '../../config/profile.ts';
import { tokenAad } from './aad.ts';
import type { TestKey } from './canary.ts';
import { CryptokiError, StartError } from './cryptoki-error.ts';
import type { Cryptoki } from './cryptoki.ts';
import { CKR, TokenError } from '../faults.ts';
import type { Gcm } from './gcm.ts';
import type { KeyObjects } from './keys/key-objects.ts';
import { versionLabel, versionObjectId } from '../own-keys.ts';
import { reactionTo } from './reactions.ts';

interface TriedParts {
  cryptoki: Cryptoki;
  gcm: Gcm;
  keys: KeyObjects;
  canary: TestKey;
  profile: Profile;
}

/** What a request may bring at the least (XKS spec, Encrypt), and the longest ciphertextMetadata; bytes. */
export const xksAadBytes = 8192;
export const metadataBytes = 20;

/** Makes a key with these names, tells what it is called then, and destroys it. */
export type NameTrial = Pick<KeyObjects, 'tryNames'>;

export interface TriedNames {
  shortId: Buffer;
  shortLabel: string;
  maxIdLength: Buffer;
  maxLabelLength: string;
}

const nobody = '00000000-0000-4000-8000-000000000000';

/** The longest that a version of a CloudKey has: an external key id of 128 characters, a version of ten digits. */
export const triedNames: TriedNames = {
  shortId: Buffer.from('trial'),
  shortLabel: 'trial',
  maxIdLength: versionObjectId(nobody, 1),
  maxLabelLength: versionLabel(nobody, 'x'.repeat(128), 4_294_967_295),
};

/** Proves that the token takes the longest of everything that serving needs. Throws StartError, CryptokiError, TokenError. */
export function proveSizes(parts: TriedParts): void {
  proveData(parts);
  proveNames(parts);
}

/** Throws StartError, CryptokiError or TokenError. */
export function proveData({ cryptoki, gcm, canary, profile }: Omit<TriedParts, 'keys'>): void {
  const token = `token "${cryptoki.info.label}"`;
  const { form } = profile.aad;
  const aad = tokenAad(form, Buffer.alloc(xksAadBytes, 1), Buffer.alloc(metadataBytes, 2));
  const plaintext = Buffer.alloc(profile.limits.plaintext_bytes, 3);
  const one = Buffer.alloc(1, 3);
  const tools = { cryptoki, gcm, canary };
  const why = whyNot(tools, aad, plaintext);
  if (why !== undefined) {
    const ofPlaintext = whyNot(tools, one, plaintext);
    if (ofPlaintext !== undefined)
      throw new StartError(
        `${token} does not take a plaintext of ${plaintext.length} bytes: ${ofPlaintext}`,
        'set limits.plaintext_bytes of the profile to what the vendor documents; AWS KMS needs 4300',
      );
    const ofAad = whyNot(tools, aad, one);
    throw new StartError(
      `${token} does not take additional authenticated data of ${aad.length} bytes` +
        `${ofAad === undefined ? ` beside a plaintext of ${plaintext.length}` : ''}: ${ofAad ?? why}`,
      form === 'full'
        ? 'set aad.form = "sha256" in the profile: then the token gets a hash of it'
        : 'set limits.plaintext_bytes of the profile to what the vendor documents; AWS KMS needs 4300',
    );
  }
  const sealed = gcm.encrypt(canary.key, aad, one);
  const other = Buffer.from(aad);
  other[aad.length - 1] = 0xff;
  try {
    gcm.decrypt(canary.key, other, sealed);
  } catch (error) {
    if (!(error instanceof CryptokiError)) throw error;
    // Whatever number it gave: the token must be usable afterwards.
    canary.renew();
    return;
  }
  throw new StartError(
    `${token} does not authenticate all of additional authenticated data of ${aad.length} bytes`,
    form === 'full'
      ? 'set aad.form = "sha256" in the profile: then the token gets a hash of it'
      : 'do not use this module: it does not authenticate',
  );
}

/** Undefined where the token encrypts and decrypts this; else what it said. Throws where it says nothing of the sizes. */
export function whyNot(
  { cryptoki, gcm, canary }: Pick<TriedParts, 'cryptoki' | 'gcm' | 'canary'>,
  aad: Buffer,
  plaintext: Buffer,
): string | undefined {
  try {
    const { key } = canary;
    return gcm.decrypt(key, aad, gcm.encrypt(key, aad, plaintext)).equals(plaintext)
      ? undefined
      : 'C_Decrypt gives other bytes';
  } catch (error) {
    const why = saidOfSize(error, ['C_EncryptInit', 'C_Encrypt', 'C_DecryptInit', 'C_Decrypt']);
    // An operation may have been left active; where all of the token is sick this tells.
    cryptoki.reopenSession();
    canary.renew();
    return why;
  }
}

/**
 * With keys of a session, which leave nothing behind. A token that has none is tried when it makes a key, which is read
 * back too. Throws StartError, CryptokiError or TokenError.
 */
export function proveNames(
  { cryptoki, keys }: Pick<TriedParts, 'cryptoki'> & { keys: NameTrial },
  { shortId, shortLabel, maxIdLength, maxLabelLength }: TriedNames = triedNames,
): void {
  const why = whyNotNamed(keys, maxIdLength, maxLabelLength);
  if (why === undefined || whyNotNamed(keys, shortId, shortLabel) !== undefined) return;
  const token = `token "${cryptoki.info.label}"`;
  const ofId = whyNotNamed(keys, maxIdLength, shortLabel);
  throw ofId === undefined
    ? new StartError(
        `${token} does not take a label (CKA_LABEL) of ${maxLabelLength.length} bytes: ${whyNotNamed(keys, shortId, maxLabelLength) ?? why}`,
        'the label says whose key it is, should the store be lost: use another token, or ask the vendor for the limit',
      )
    : new StartError(
        `${token} does not take an id (CKA_ID) of ${maxIdLength.length} bytes: ${ofId}`,
        'an id is what keys are found by: use another token, or ask the vendor for the limit',
      );
}

/** Undefined where a key keeps these names. Throws where the token says nothing of them. */
export function whyNotNamed(keys: NameTrial, id: Buffer, label: string): string | undefined {
  try {
    const told = keys.tryNames(id, label);
    if (!told.id.equals(id)) return `it is cut silently to ${told.id.length} bytes`;
    return told.label === label ? undefined : `it is cut silently to ${Buffer.byteLength(told.label)} bytes`;
  } catch (error) {
    return saidOfSize(error, ['C_GenerateKey']);
  }
}

/** What the module said, where it may have said it of a size. Throws `error` where it is of something else. */
function saidOfSize(error: unknown, calls: readonly string[]): string {
  if (error instanceof TokenError && error.fault === 'internal') return error.message;
  if (!(error instanceof CryptokiError) || !calls.includes(error.call)) throw error;
  const { call, rv } = error;
  if (rv === undefined) return error.said;
  const reaction = reactionTo(call, rv);
  const isOfSize =
    reaction === 'refused' ||
    reaction === 'caller' ||
    reaction === 'ambiguous' ||
    reaction === 'suspect' ||
    rv === CKR.BUFFER_TOO_SMALL;
  if (!isOfSize) throw error;
  return error.said;
}
