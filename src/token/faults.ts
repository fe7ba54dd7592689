/**
 * What went wrong below the token room. Three questions stay apart: what happened (here), does the session live on
 * (`reactions.ts`), what does AWS see (`xks/errors.ts`).
 */
export const tokenFaults = [
  /** The ciphertext, IV, AAD or tag is not what the key made. */
  'bad-ciphertext',
  /** The token refuses the data itself: length or content. */
  'data-refused',
  /** The key may not do this operation (CKA_ENCRYPT, CKA_DECRYPT). */
  'usage-refused',
  /** The vault knows the key, the token does not: our trouble, never KeyNotFoundException. */
  'key-missing',
  /** More than one key object answers to one CKA_ID. */
  'key-duplicate',
  /** The token holds the key with attributes we do not accept: extractable, not sensitive, not local. */
  'key-unfit',
  /** The token does not show our own sealing key: it may be another than the store means, so nothing is made or missed in it. */
  'other-token',
  /** The token's IV is zero, unchanged or not in the proven mode. */
  'iv-refused',
  /** What was encrypted does not decrypt to the same bytes. */
  'verify-failed',
  /** A sealed secret does not open under its sealing key and record. */
  'seal-broken',
  /** The session or login is gone, or the module failed in it, and one repair did not help. */
  'session-lost',
  /** The token refused the PIN. Never retried: tokens lock themselves. */
  'pin-refused',
  /** The module or device is broken; its host process ends. */
  'device',
  /** No answer within the caller's deadline. */
  'timeout',
  /** No token host is up. */
  'unavailable',
  /** More waits for the token than it does in time. */
  'overloaded',
  /** Anything else: our mistake or the module's. */
  'internal',
] as const;

export type TokenFault = (typeof tokenFaults)[number];

/** Faults after which a token host is of no more use: it says so and ends, and another takes its place. */
export function endsHost(fault: TokenFault): boolean {
  // A token that does not decrypt what it encrypted is not trusted with encryptions that nobody verifies.
  return fault === 'device' || fault === 'pin-refused' || fault === 'iv-refused' || fault === 'verify-failed';
}

/**
 * The one error that leaves the token room. `call` is the C_ function or step that failed, `rv` its CKR number,
 * `detail` what is known besides, such as the names of attributes; for operators, without secrets.
 */
export class TokenError extends Error {
  readonly fault: TokenFault;
  readonly call: string;
  readonly rv: number | undefined;
  readonly detail: string | undefined;

  constructor(fault: TokenFault, call: string, rv?: number, detail?: string) {
    const number = rv === undefined ? '' : ` (${ckrName(rv)})`;
    super(`${fault} in ${call}${number}${detail === undefined ? '' : `: ${detail}`}`);
    this.name = 'TokenError';
    this.fault = fault;
    this.call = call;
    this.rv = rv;
    this.detail = detail;
  }
}

/** Return values by number (PKCS#11 v3.0, "Function return values"); unknown ones are told in hex. */
export const CKR = {
  OK: 0x000,
  CANCEL: 0x001,
  HOST_MEMORY: 0x002,
  SLOT_ID_INVALID: 0x003,
  GENERAL_ERROR: 0x005,
  FUNCTION_FAILED: 0x006,
  ARGUMENTS_BAD: 0x007,
  CANT_LOCK: 0x00a,
  ATTRIBUTE_READ_ONLY: 0x010,
  ATTRIBUTE_SENSITIVE: 0x011,
  ATTRIBUTE_TYPE_INVALID: 0x012,
  ATTRIBUTE_VALUE_INVALID: 0x013,
  DATA_INVALID: 0x020,
  DATA_LEN_RANGE: 0x021,
  DEVICE_ERROR: 0x030,
  DEVICE_MEMORY: 0x031,
  DEVICE_REMOVED: 0x032,
  ENCRYPTED_DATA_INVALID: 0x040,
  ENCRYPTED_DATA_LEN_RANGE: 0x041,
  AEAD_DECRYPT_FAILED: 0x042,
  FUNCTION_CANCELED: 0x050,
  FUNCTION_NOT_SUPPORTED: 0x054,
  KEY_HANDLE_INVALID: 0x060,
  KEY_SIZE_RANGE: 0x062,
  KEY_TYPE_INCONSISTENT: 0x063,
  KEY_FUNCTION_NOT_PERMITTED: 0x068,
  MECHANISM_INVALID: 0x070,
  MECHANISM_PARAM_INVALID: 0x071,
  OBJECT_HANDLE_INVALID: 0x082,
  OPERATION_ACTIVE: 0x090,
  OPERATION_NOT_INITIALIZED: 0x091,
  PIN_INCORRECT: 0x0a0,
  PIN_INVALID: 0x0a1,
  PIN_LEN_RANGE: 0x0a2,
  PIN_EXPIRED: 0x0a3,
  PIN_LOCKED: 0x0a4,
  SESSION_CLOSED: 0x0b0,
  SESSION_COUNT: 0x0b1,
  SESSION_HANDLE_INVALID: 0x0b3,
  SESSION_READ_ONLY: 0x0b5,
  TEMPLATE_INCOMPLETE: 0x0d0,
  TEMPLATE_INCONSISTENT: 0x0d1,
  TOKEN_NOT_PRESENT: 0x0e0,
  TOKEN_NOT_RECOGNIZED: 0x0e1,
  TOKEN_WRITE_PROTECTED: 0x0e2,
  USER_ALREADY_LOGGED_IN: 0x100,
  USER_NOT_LOGGED_IN: 0x101,
  USER_PIN_NOT_INITIALIZED: 0x102,
  USER_TYPE_INVALID: 0x103,
  USER_ANOTHER_ALREADY_LOGGED_IN: 0x104,
  USER_TOO_MANY_TYPES: 0x105,
  BUFFER_TOO_SMALL: 0x150,
  CRYPTOKI_NOT_INITIALIZED: 0x190,
  CRYPTOKI_ALREADY_INITIALIZED: 0x191,
  FUNCTION_REJECTED: 0x200,
  TOKEN_RESOURCE_EXCEEDED: 0x201,
} as const;

/** The others, which nothing is decided by. */
const otherNames: readonly (readonly [rv: number, name: string])[] = [
  [0x008, 'NO_EVENT'],
  [0x009, 'NEED_TO_CREATE_THREADS'],
  [0x01b, 'ACTION_PROHIBITED'],
  [0x051, 'FUNCTION_NOT_PARALLEL'],
  [0x064, 'KEY_NOT_NEEDED'],
  [0x065, 'KEY_CHANGED'],
  [0x066, 'KEY_NEEDED'],
  [0x067, 'KEY_INDIGESTIBLE'],
  [0x069, 'KEY_NOT_WRAPPABLE'],
  [0x06a, 'KEY_UNEXTRACTABLE'],
  [0x0b4, 'SESSION_PARALLEL_NOT_SUPPORTED'],
  [0x0b6, 'SESSION_EXISTS'],
  [0x0b7, 'SESSION_READ_ONLY_EXISTS'],
  [0x0b8, 'SESSION_READ_WRITE_SO_EXISTS'],
  [0x0c0, 'SIGNATURE_INVALID'],
  [0x0c1, 'SIGNATURE_LEN_RANGE'],
  [0x0f0, 'UNWRAPPING_KEY_HANDLE_INVALID'],
  [0x0f1, 'UNWRAPPING_KEY_SIZE_RANGE'],
  [0x0f2, 'UNWRAPPING_KEY_TYPE_INCONSISTENT'],
  [0x110, 'WRAPPED_KEY_INVALID'],
  [0x112, 'WRAPPED_KEY_LEN_RANGE'],
  [0x113, 'WRAPPING_KEY_HANDLE_INVALID'],
  [0x114, 'WRAPPING_KEY_SIZE_RANGE'],
  [0x115, 'WRAPPING_KEY_TYPE_INCONSISTENT'],
  [0x120, 'RANDOM_SEED_NOT_SUPPORTED'],
  [0x121, 'RANDOM_NO_RNG'],
  [0x130, 'DOMAIN_PARAMS_INVALID'],
  [0x140, 'CURVE_NOT_SUPPORTED'],
  [0x160, 'SAVED_STATE_INVALID'],
  [0x170, 'INFORMATION_SENSITIVE'],
  [0x180, 'STATE_UNSAVEABLE'],
  [0x1a0, 'MUTEX_BAD'],
  [0x1a1, 'MUTEX_NOT_LOCKED'],
  [0x1b0, 'NEW_PIN_MODE'],
  [0x1b1, 'NEXT_OTP'],
  [0x1b5, 'EXCEEDED_MAX_ITERATIONS'],
  [0x1b6, 'FIPS_SELF_TEST_FAILED'],
  [0x1b7, 'LIBRARY_LOAD_FAILED'],
  [0x1b8, 'PIN_TOO_WEAK'],
  [0x1b9, 'PUBLIC_KEY_INVALID'],
  [0x202, 'OPERATION_CANCEL_FAILED'],
  [0x203, 'KEY_EXHAUSTED'],
];

const names = new Map<number, string>(
  [...otherNames, ...Object.entries(CKR).map(([name, rv]) => [rv, name] as const)].map(([rv, name]) => [
    rv,
    `CKR_${name}`,
  ]),
);
const vendorDefined = 0x80000000;

export function ckrName(rv: number): string {
  const name = names.get(rv);
  if (name !== undefined) return name;
  return rv >= vendorDefined
    ? `CKR_VENDOR_DEFINED + 0x${(rv - vendorDefined).toString(16)}`
    : `CKR 0x${rv.toString(16).padStart(8, '0')}`;
}
