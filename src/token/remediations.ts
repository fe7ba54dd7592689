import { CKR, TokenError, type TokenFault } from './faults.ts';
import { remediationOfOwnKeys } from './own-keys.ts';

const link = 'look at the HSM’s own status and log, and at the network to it';

/** What an operator can do about what a module returns. */
const wayOuts: ReadonlyMap<number, string> = new Map<number, string>([
  [CKR.DEVICE_ERROR, `the HSM, or the link to it, has a fault: ${link}`],
  [CKR.DEVICE_REMOVED, `the HSM does not answer: ${link}`],
  [CKR.TOKEN_NOT_PRESENT, `the partition or card is not there any more: ${link}`],
  [CKR.TOKEN_NOT_RECOGNIZED, `the partition or card cannot be read: ${link}`],
  [CKR.SLOT_ID_INVALID, `the slot is not there any more: ${link}`],
  [CKR.GENERAL_ERROR, `the module says no more than this; its own log does. Else ${link}`],
  [CKR.FUNCTION_FAILED, `the module says no more than this; its own log does. Else ${link}`],
  [CKR.DEVICE_MEMORY, 'the HSM has no memory left: remove what is not needed, or ask its administrator'],
  [CKR.HOST_MEMORY, 'this machine has no memory left for the module'],
  [CKR.SESSION_COUNT, 'the token has no session left: lower token.hosts, or end other clients of the token'],
  [CKR.CANT_LOCK, 'the module cannot be used by a process with threads: ask its vendor for another build'],
  [CKR.ARGUMENTS_BAD, 'the module does not take its parameters: check initialize_parameters and environment'],
  [
    CKR.FUNCTION_NOT_SUPPORTED,
    'the module does not have this function: is it the right one, for this token?',
  ],
  [
    CKR.MECHANISM_INVALID,
    'the token does not have this mechanism, or its policy forbids it: check its policies',
  ],
  [CKR.PIN_LOCKED, 'the PIN is locked: have the security officer unlock it, then put the right one in place'],
  [CKR.PIN_EXPIRED, 'the PIN has expired: change it at the HSM, then put the new one in place'],
  [CKR.USER_PIN_NOT_INITIALIZED, 'the token has no user PIN yet: have the security officer set one'],
]);

const attributeRefused =
  'the token refuses an attribute of the key that is to be made, and the same again if it is repeated: leave out what ' +
  'its documentation does not allow (keys.omit of the profile, docs/profiles.md), or have its policy allow it';
const noNewObjects =
  'the token takes no new objects: have it unlocked for writing, and see that this service may write where its module ' +
  'keeps keys (writes of the profile, docs/profiles.md)';
const vague =
  'the module says no more than this; its own log does. As a rule this service may not write where the module keeps ' +
  'keys (writes of the profile, docs/profiles.md), or the token is full';

/** What the same number means of C_GenerateKey. */
const ofGenerateKey: ReadonlyMap<number, string> = new Map<number, string>([
  [CKR.ATTRIBUTE_READ_ONLY, attributeRefused],
  [CKR.ATTRIBUTE_TYPE_INVALID, attributeRefused],
  [CKR.ATTRIBUTE_VALUE_INVALID, attributeRefused],
  [CKR.TEMPLATE_INCOMPLETE, attributeRefused],
  [CKR.TEMPLATE_INCONSISTENT, attributeRefused],
  [CKR.TOKEN_WRITE_PROTECTED, noNewObjects],
  [CKR.SESSION_READ_ONLY, noNewObjects],
  [CKR.GENERAL_ERROR, vague],
  [CKR.FUNCTION_FAILED, vague],
  [CKR.KEY_SIZE_RANGE, 'the token makes no AES key of 256 bits: its policy or its licence has to allow them'],
  [
    CKR.MECHANISM_PARAM_INVALID,
    'the token does not make AES keys as PKCS#11 has it: is it the right module for it?',
  ],
  [
    CKR.USER_NOT_LOGGED_IN,
    'the token asks for a login to make keys with, and does not count ours: a card that has to be in the reader, or a ' +
      'role that may use keys and not make them',
  ],
  [
    CKR.FUNCTION_REJECTED,
    'the token’s operator or policy refused the new key: a card or a confirmation may be wanted',
  ],
]);

const verifyFirst = 'verify the connection to the token (holdfast token verify), then try again';

/** Where no return value tells more. */
const ofFault: Readonly<Record<TokenFault, string>> = {
  'bad-ciphertext': 'this is not what the key made',
  'data-refused':
    'the token takes less data at once: lower limits.plaintext_bytes of the profile, or set aad.form to sha256 (docs/profiles.md)',
  'usage-refused':
    'the key object may not do this (CKA_ENCRYPT, CKA_DECRYPT): holdfast reconcile run tells of drift',
  'key-missing':
    'the token does not hold the key: holdfast reconcile run, then restore it from the token’s backup',
  'key-duplicate':
    'several key objects have its CKA_ID: holdfast reconcile run tells which; remove the one that is not ours',
  'key-unfit': 'the key object is not the one of the record, or not as it was made: holdfast reconcile run',
  'other-token': remediationOfOwnKeys,
  'iv-refused': 'set iv.mode of the profile to what the vendor documents (docs/profiles.md)',
  'verify-failed': 'the token does not decrypt what it encrypted: take it out of use, and ask its vendor',
  'seal-broken':
    'the record was changed past Holdfast, or it was sealed by another token: is the store the one of this token?',
  'session-lost': verifyFirst,
  'pin-refused': 'put the right PIN in place; see holdfast token verify',
  device: verifyFirst,
  timeout: verifyFirst,
  unavailable: verifyFirst,
  overloaded: 'more waits for the token than it does: repeat it later, or give it more hosts (token.hosts)',
  internal: verifyFirst,
};

/** What can be done about a fault of which no more is known. */
export function remediationOfFault(fault: TokenFault): string {
  return ofFault[fault];
}

export function knownRemediation(rv: number | undefined): string | undefined {
  return rv === undefined ? undefined : wayOuts.get(rv);
}

export function remediationOf(rv: number | undefined, call?: string): string {
  return (
    (call === 'C_GenerateKey' && rv !== undefined ? ofGenerateKey.get(rv) : undefined) ??
    knownRemediation(rv) ??
    'see the module’s own log'
  );
}

/** What a token's failure is for an operator: what was said, with the CKR and its detail, and what can be done. */
export interface TokenWords {
  problem: string;
  remediation: string;
}

/** What {@link TokenError.call} is of encryptions that may not be done before they are counted: no call of the module's. */
export const countCall = 'encryption count';

/** The same of a second attempt, when the first has failed: what the token did of that is not known. */
export const recountCall = 'encryption count of a second attempt';

const secondCountIsLate = {
  problem:
    'an attempt at the encryption failed, and another was not made: it was not counted in time. Whether the token did the ' +
    'first is not known; its result was given to nobody',
};

const countIsLate: TokenWords = {
  problem: 'the encryptions of the key were not counted in time, so none was done',
  remediation:
    'the supervisor writes the count into the store: look at the store’s disk, at who locks the store, and whether the ' +
    'supervisor runs; keys that are in use go on meanwhile',
};

/**
 * The one place that turns what a module answered into words: the API, the logs, the records of what failed and the
 * command line all have them from here.
 */
export function tokenWords(error: TokenError): TokenWords {
  const { fault, call, rv, message } = error;
  if (call === countCall) return countIsLate;
  if (call === recountCall) return { ...countIsLate, ...secondCountIsLate };
  return { problem: `the token: ${message}`, remediation: remediationOfFailure(fault, call, rv) };
}

/** Of any failure: the token's with what can be done about it, others as they say it. */
export function wordsOfFailure(error: unknown): { problem: string; remediation?: string } {
  return error instanceof TokenError ? tokenWords(error) : { problem: (error as Error).message };
}

function remediationOfFailure(fault: TokenFault, call: string, rv: number | undefined): string {
  if (fault === 'key-unfit' && call === 'C_GenerateKey')
    return (
      'the token makes keys with other attributes than it was asked for, and the same again if it is repeated: its policy ' +
      'has to allow them; one that is as asked but read back wrong belongs into keys.not_told of the profile (docs/profiles.md)'
    );
  if (rv === undefined || fault === 'bad-ciphertext' || fault === 'usage-refused') return ofFault[fault];
  const isGeneral = rv === CKR.GENERAL_ERROR || rv === CKR.FUNCTION_FAILED;
  const ofCall = call === 'C_GenerateKey' ? ofGenerateKey.get(rv) : undefined;
  return ofCall ?? (isGeneral ? undefined : knownRemediation(rv)) ?? ofFault[fault];
}
