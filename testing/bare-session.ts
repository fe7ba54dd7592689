import { setTimeout as delay } from 'node:timers/promises';
import pkcs11js, { type Handle } from 'pkcs11js';
import type { TokenFixture } from './tokens.ts';

/** How often the token is looked for: SoftHSM 2.6 may miss it for a whole C_Initialize, beside another process's login. */
const looks = 10;

/** Loads the module, finds the token, logs in: bare PKCS#11, for a child process of a test. */
export async function openBareSession({
  module,
  label,
  pin,
  initializeParameters,
}: Pick<TokenFixture, 'module' | 'label' | 'pin' | 'initializeParameters'>): Promise<{
  lib: pkcs11js.PKCS11;
  session: Handle;
}> {
  const lib = new pkcs11js.PKCS11();
  lib.load(module);
  for (let look = 1; ; look++) {
    lib.C_Initialize({
      flags: pkcs11js.CKF_OS_LOCKING_OK,
      ...(initializeParameters !== undefined && { libraryParameters: `${initializeParameters} ` }),
    });
    const slot = lib.C_GetSlotList(true).find((one) => labelOf(lib, one) === label);
    if (slot !== undefined) {
      const session = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
      lib.C_Login(session, pkcs11js.CKU_USER, pin);
      return { lib, session };
    }
    if (look === looks) throw new Error('the token is not there');
    lib.C_Finalize();
    await delay(10);
  }
}

/** None where the slot cannot be read: a token that another test is just making. */
function labelOf(lib: pkcs11js.PKCS11, slot: Handle): string | undefined {
  try {
    return lib.C_GetTokenInfo(slot).label.trim();
  } catch {
    return undefined;
  }
}
