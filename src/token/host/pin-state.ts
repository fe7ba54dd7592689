import pkcs11js from 'pkcs11js';
import { StartError } from './cryptoki-error.ts';

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

/**
 * What this node knows of a PIN that it was given.
 * - `proven`: the token has taken it before.
 * - `replaced`: it was put in the place of another that this node has used, which the token has taken or refused: a try that
 *   counts as wrong may be one of this node's with the old one.
 * - `unproven`: nothing.
 */
export type PinStanding = 'proven' | 'replaced' | 'unproven';

/**
 * Why a PIN is not given to the token: a node that starts again and again would use up the tries that a person needs. What
 * is proven may have been typed wrong by others meanwhile, and is tried. Undefined where it may be.
 */
export function whyKept(
  { label, serial }: { label: string; serial: string },
  flags: number,
  standing: PinStanding,
): StartError | undefined {
  const token = `token "${label}"`;
  switch (pinState(flags)) {
    case 'locked':
      return new StartError(
        `${token} says that its user PIN is locked (CKF_USER_PIN_LOCKED): none is tried`,
        'have the security officer unlock it; the node then continues automatically',
      );
    case 'final-try':
      if (standing === 'proven') return undefined;
      return new StartError(
        `${token} locks itself at the next wrong PIN (CKF_USER_PIN_FINAL_TRY), and this node has never logged in with the one that it has: it is not tried`,
        byAPerson(serial),
      );
    case 'count-low':
      if (standing !== 'unproven') return undefined;
      return new StartError(
        `${token} was given a wrong PIN since the last right one (CKF_USER_PIN_COUNT_LOW), and this node has never logged in with the one that it has: it is not tried`,
        byAPerson(serial),
      );
    case 'to-be-changed':
    case 'well':
      return undefined;
  }
}

function byAPerson(serial: string): string {
  return (
    'be sure of the PIN, then try it once manually: holdfast token probe --module MODULE --serial ' +
    `${serial} --force, or the vendor’s own tool; a right one gives all tries back, and the node then continues automatically`
  );
}
