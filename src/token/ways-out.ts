import { CKR } from './faults.ts';

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

export function knownWayOut(rv: number | undefined): string | undefined {
  return rv === undefined ? undefined : wayOuts.get(rv);
}

export function wayOutOf(rv: number | undefined): string {
  return knownWayOut(rv) ?? 'see the module’s own log';
}
