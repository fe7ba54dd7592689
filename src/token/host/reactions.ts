import { CKR } from '../faults.ts';

/**
 * What a return value asks of the token host, by number (pkcs11js does not name every value).
 * - `caller`: the caller's fault; the session stays.
 * - `ambiguous`: bad ciphertext or a sick HSM; a canary on the same session tells which.
 * - `suspect`: a sick HSM, or more than it can do; a canary on a fresh session tells which, and one retry follows.
 * - `session`: the session is spoilt; open another, retry once.
 * - `handle`: the handle is stale; find the key again, retry once.
 * - `login`: log in again, once, retry once.
 * - `pin`: never retry.
 * - `dead`: the module is gone; fail fast, the host process ends and is replaced.
 * - `refused`: the module does not like the request; nothing to repair.
 */
export type Reaction =
  'caller' | 'ambiguous' | 'suspect' | 'session' | 'handle' | 'login' | 'pin' | 'dead' | 'refused';

const byNumber: ReadonlyMap<number, Reaction> = new Map<number, Reaction>([
  [CKR.DATA_INVALID, 'caller'],
  [CKR.DATA_LEN_RANGE, 'caller'],
  [CKR.ENCRYPTED_DATA_INVALID, 'caller'],
  [CKR.ENCRYPTED_DATA_LEN_RANGE, 'caller'],
  [CKR.AEAD_DECRYPT_FAILED, 'caller'],
  [CKR.KEY_FUNCTION_NOT_PERMITTED, 'caller'],
  [CKR.SESSION_CLOSED, 'session'],
  [CKR.SESSION_HANDLE_INVALID, 'session'],
  [CKR.SESSION_READ_ONLY, 'session'],
  [CKR.OPERATION_ACTIVE, 'session'],
  [CKR.OPERATION_NOT_INITIALIZED, 'session'],
  [CKR.BUFFER_TOO_SMALL, 'session'],
  [CKR.FUNCTION_CANCELED, 'session'],
  [CKR.CANCEL, 'session'],
  [CKR.KEY_HANDLE_INVALID, 'handle'],
  [CKR.OBJECT_HANDLE_INVALID, 'handle'],
  [CKR.USER_NOT_LOGGED_IN, 'login'],
  [CKR.PIN_INCORRECT, 'pin'],
  [CKR.PIN_INVALID, 'pin'],
  [CKR.PIN_LEN_RANGE, 'pin'],
  [CKR.PIN_EXPIRED, 'pin'],
  [CKR.PIN_LOCKED, 'pin'],
  [CKR.USER_PIN_NOT_INITIALIZED, 'pin'],
  [CKR.HOST_MEMORY, 'suspect'],
  [CKR.SLOT_ID_INVALID, 'dead'],
  [CKR.GENERAL_ERROR, 'suspect'],
  [CKR.FUNCTION_FAILED, 'suspect'],
  [CKR.DEVICE_ERROR, 'dead'],
  [CKR.DEVICE_MEMORY, 'suspect'],
  [CKR.DEVICE_REMOVED, 'dead'],
  [CKR.SESSION_COUNT, 'dead'],
  [CKR.TOKEN_NOT_PRESENT, 'dead'],
  [CKR.TOKEN_NOT_RECOGNIZED, 'dead'],
  [CKR.CRYPTOKI_NOT_INITIALIZED, 'dead'],
]);

/** The reaction to `rv` from the C_ function `call`. Numbers nobody knows are refusals: nothing is retried on them. */
export function reactionTo(call: string, rv: number): Reaction {
  // Bad tag on SoftHSM 2.6 is GENERAL_ERROR, on nShield FUNCTION_FAILED (field notes, part 3).
  if (call === 'C_Decrypt' && (rv === CKR.GENERAL_ERROR || rv === CKR.FUNCTION_FAILED)) return 'ambiguous';
  // SoftHSM gives GENERAL_ERROR when a search races with a creation; a fresh session cures every search error.
  if (call.startsWith('C_FindObjects') && byNumber.get(rv) !== 'login') return 'session';
  // NSS softokn says so of a key whose CKA_ENCRYPT or CKA_DECRYPT is false.
  if (rv === CKR.KEY_TYPE_INCONSISTENT && (call === 'C_EncryptInit' || call === 'C_DecryptInit'))
    return 'caller';
  const reaction = byNumber.get(rv) ?? 'refused';
  // A login that is refused for a reason we do not know may have cost one of the few tries that a token allows.
  return call === 'C_Login' && reaction === 'refused' ? 'pin' : reaction;
}
