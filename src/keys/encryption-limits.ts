/* How often a key may encrypt, and how that is counted ahead (promise 5). */

/** SP 800-38D, 8.3: no key encrypts more often with random 96-bit IVs, over all nodes. Refused beyond. */
export const refuseAt = 2 ** 32;
/** A new version is made before this many. */
export const rotateAt = 2 ** 31;
/** Encryptions taken from the store at once. What a stopped worker had left is lost, never used twice. */
export const blockSize = 2 ** 16;

/** Whether a version of which so many encryptions are leased is to be followed by a new one. */
export function isRotationDue(leased: number): boolean {
  return leased >= rotateAt - blockSize;
}

/**
 * More encryptions than all nodes make with one key in a second: AWS KMS sends 1,800 requests a second to a key store, unless
 * its quota was raised.
 */
export const encryptionsPerSecond = 5_000;
