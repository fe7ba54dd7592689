import pkcs11js from 'pkcs11js';
import type { Cryptoki } from '../cryptoki.ts';
import { attempt } from '../cryptoki-error.ts';

/** So many handles are asked for in one call: on a network HSM each call is a round trip. */
const handlesPerCall = 500;

/**
 * Handles of the AES keys of the token that answer to `by`, all of them where it is empty; the search ends once there
 * are `most`. Throws CryptokiError.
 */
export function findAesKeys(
  { lib, session: { handle: session } }: Cryptoki,
  by: { id?: Buffer; label?: string } = {},
  max = Infinity,
): Buffer[] {
  const template: pkcs11js.Attribute[] = [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
    { type: pkcs11js.CKA_TOKEN, value: true },
    ...(by.id === undefined ? [] : [{ type: pkcs11js.CKA_ID, value: by.id }]),
    ...(by.label === undefined ? [] : [{ type: pkcs11js.CKA_LABEL, value: Buffer.from(by.label) }]),
  ];
  attempt('C_FindObjectsInit', () => lib.C_FindObjectsInit(session, template));
  const found: Buffer[] = [];
  let ended = false;
  try {
    while (found.length < max) {
      const wanted = Math.min(max - found.length, handlesPerCall);
      // A module may give fewer than asked for: only none at all is the end.
      const some = attempt('C_FindObjects', () => lib.C_FindObjects(session, wanted));
      if (some.length === 0) break;
      found.push(...some);
    }
    ended = true;
    return found;
  } finally {
    endSearch(lib, session, ended);
  }
}

function endSearch(lib: pkcs11js.PKCS11, session: Buffer, ended: boolean): void {
  try {
    attempt('C_FindObjectsFinal', () => lib.C_FindObjectsFinal(session));
  } catch (error) {
    // Of a search that failed its own error says more.
    if (ended) throw error;
  }
}
