import pkcs11js from 'pkcs11js';
import type { Profile } from '../../config/profile.ts';
import type { TestKey } from './canary.ts';
import type { Cryptoki } from './cryptoki.ts';
import { CryptokiError, StartError } from './cryptoki-error.ts';
import { CKR, TokenError, ckrName } from '../faults.ts';
import type { Gcm, Sealed } from './gcm.ts';
import type { KeyObjects } from './keys/key-objects.ts';
import type { OwnKeyGuard } from './keys/own-key-proofs.ts';
import { ownKeys } from '../own-keys.ts';
import { tokenIsEmpty } from './presence.ts';
import { reactionTo } from './reactions.ts';
import { proveSizes } from './serving-sizes.ts';

export interface TestedParts {
  cryptoki: Cryptoki;
  gcm: Gcm;
  keys: KeyObjects;
  canary: TestKey;
  own: OwnKeyGuard;
  profile: Profile;
}

const aad = Buffer.from('holdfast self-test');
const remediationIv =
  'set iv.mode of the profile to what the vendor documents; Holdfast does not serve on an unproven IV mode';

/**
 * Proves before serving that the token does what its profile says: the mechanisms are there, our own keys are fit,
 * the IV mode is the stated one, an altered tag is refused, the longest of everything is taken. Throws StartError, CryptokiError or TokenError.
 */
export function selfTest(parts: TestedParts): void {
  proveMechanisms(parts);
  proveOwnKeys(parts);
  proveIvMode(parts);
  proveTag(parts);
  proveSizes(parts);
  // With what is known to encrypt as it should.
  parts.own.proveFound();
}

/** Throws StartError where the token cannot do what Holdfast is for. */
export function proveMechanisms({ cryptoki, gcm }: Pick<TestedParts, 'cryptoki' | 'gcm'>): void {
  const { mechanisms } = cryptoki;
  for (const [name, number] of [
    ['AES-GCM', gcm.mechanism],
    ['CKM_AES_KEY_GEN', pkcs11js.CKM_AES_KEY_GEN],
  ] as const) {
    if (!mechanisms.has(number))
      throw new StartError(
        `token "${cryptoki.info.label}" has no ${name} (mechanism 0x${number.toString(16)})`,
        'XKS needs AES-256-GCM in the token; use another token or the profile with the vendor’s mechanism number',
      );
  }
}

/** One of which there is a proof is looked at where it is used: without it most of the work goes on. */
function proveOwnKeys({ cryptoki, keys, own }: TestedParts): void {
  // That they are proven says that they were there.
  if (!Object.values(ownKeys).some(({ id }) => keys.has(id)) && own.anyProven && !keys.any)
    throw new StartError(
      `token "${cryptoki.info.label}": ${tokenIsEmpty}`,
      'restore it from the HSM’s backup; to begin anew with an empty token, stop every node and run holdfast init --replace-token',
    );
  for (const key of Object.values(ownKeys)) {
    const { id, label } = key;
    if (own.isProven(key)) continue;
    if (!keys.has(id))
      throw new StartError(`key "${label}" is not in token "${cryptoki.info.label}"`, 'run: holdfast init');
    const attributes = keys.inspect(id);
    if (!attributes.compliant || !attributes.generatedOnToken)
      throw new StartError(
        `key "${label}" is not as made: ${attributes.violations.join(', ')}`,
        'find out who replaced it',
      );
  }
}

type TriedWithKey = Pick<TestedParts, 'cryptoki' | 'gcm' | 'canary'>;

/** Throws StartError, CryptokiError or TokenError. */
export function proveIvMode({ cryptoki, gcm, canary }: TriedWithKey): void {
  const { key } = canary;
  const token = `token "${cryptoki.info.label}"`;
  const ivs = new Set<string>();
  for (const size of [1, 32, 1000]) {
    const plaintext = Buffer.alloc(size, size);
    const sealed = encryptInMode(gcm, key, plaintext, token);
    if (!opens(gcm, key, sealed, plaintext))
      throw new StartError(
        `${token} does not decrypt what it encrypted with the IV that it told`,
        remediationIv,
      );
    ivs.add(sealed.iv.toString('hex'));
  }
  if (ivs.size < 3) throw new StartError(`${token} gives one IV twice`, remediationIv);
}

function encryptInMode(gcm: Gcm, key: Buffer, plaintext: Buffer, token: string): Sealed {
  try {
    return gcm.encrypt(key, aad, plaintext);
  } catch (error) {
    if (!saysSomethingOfTheIv(error)) throw error;
    const why = error instanceof TokenError ? error.message : error.said;
    throw new StartError(
      `${token} does not make its IV as iv.mode "${gcm.ivMode}" says: ${why}`,
      remediationIv,
    );
  }
}

/** A token that is sick or lost its login has not shown a wrong IV mode. */
function saysSomethingOfTheIv(error: unknown): error is CryptokiError | TokenError {
  if (error instanceof TokenError) return true;
  if (!(error instanceof CryptokiError)) return false;
  if (error.call !== 'C_EncryptInit' && error.call !== 'C_Encrypt') return false;
  const vague: (number | undefined)[] = [
    undefined,
    CKR.GENERAL_ERROR,
    CKR.FUNCTION_FAILED,
    CKR.BUFFER_TOO_SMALL,
  ];
  return (
    vague.includes(error.rv) || ['refused', 'caller'].includes(reactionTo(error.call, error.rv ?? CKR.OK))
  );
}

function opens(gcm: Gcm, key: Buffer, sealed: Sealed, plaintext: Buffer): boolean {
  try {
    return gcm.decrypt(key, aad, sealed).equals(plaintext);
  } catch (error) {
    if (error instanceof CryptokiError && isVerdict(error)) return false;
    throw error;
  }
}

/** Gives what the token said of an altered tag. Throws StartError, CryptokiError or TokenError. */
export function proveTag({ cryptoki, gcm, canary }: TriedWithKey): CryptokiError {
  const { key } = canary;
  const sealed = gcm.encrypt(key, aad, Buffer.alloc(32, 1));
  const altered = Buffer.from(sealed.tag);
  altered[0] = (altered[0] ?? 0) ^ 1;
  try {
    gcm.decrypt(key, aad, { ...sealed, tag: altered });
  } catch (error) {
    if (!(error instanceof CryptokiError)) throw error;
    if (!isVerdict(error))
      throw new StartError(
        `token "${cryptoki.info.label}" refuses an altered tag with a value that says something else: ` +
          `${error.call} ${error.rv === undefined ? '' : ckrName(error.rv)}`,
        'report this value to Holdfast: altered ciphertext could not be told from a sick token',
      );
    // Whatever number it gave: the token must be usable afterwards.
    canary.renew();
    return error;
  }
  throw new StartError(
    `token "${cryptoki.info.label}" accepts a ciphertext whose tag was altered`,
    'do not use this module: it does not authenticate',
  );
}

/** Whether the value is one that a decrypt gives for ciphertext which is not authentic. */
function isVerdict({ call, rv }: CryptokiError): boolean {
  return call === 'C_Decrypt' && rv !== undefined && ['caller', 'ambiguous'].includes(reactionTo(call, rv));
}
