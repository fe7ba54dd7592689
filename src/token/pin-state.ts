import pkcs11js from 'pkcs11js';

/**
 * What a token tells of its user PIN (PKCS#11 v2.40, CK_TOKEN_INFO flags).
 * - `locked`: C_Login cannot work until the security officer has set it anew.
 * - `final-try`: one more wrong PIN locks it.
 * - `count-low`: a wrong PIN was given since the last right one.
 * - `to-be-changed`: set by the security officer, or expired; the user has to change it first.
 */
export type PinState = 'well' | 'count-low' | 'final-try' | 'locked' | 'to-be-changed';

export function pinState(flags: number): PinState {
  if ((flags & pkcs11js.CKF_USER_PIN_LOCKED) !== 0) return 'locked';
  if ((flags & pkcs11js.CKF_USER_PIN_FINAL_TRY) !== 0) return 'final-try';
  if ((flags & pkcs11js.CKF_USER_PIN_TO_BE_CHANGED) !== 0) return 'to-be-changed';
  return (flags & pkcs11js.CKF_USER_PIN_COUNT_LOW) === 0 ? 'well' : 'count-low';
}
