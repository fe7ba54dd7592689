// Child process of tokens.ts: `node tokens-init.ts PROFILE` with a TokenInitialization as JSON on stdin.
import { text } from 'node:stream/consumers';
import pkcs11js, { type Handle } from 'pkcs11js';

export interface TokenInitialization {
  module: string;
  initializeParameters?: string;
  label: string;
  pin: string;
  securityOfficerPin: string;
}

if (import.meta.main) {
  const request = JSON.parse(await text(process.stdin)) as TokenInitialization;
  const library = new pkcs11js.PKCS11();
  library.load(request.module);
  library.C_Initialize({
    flags: pkcs11js.CKF_OS_LOCKING_OK,
    // pkcs11js drops the last character.
    ...(request.initializeParameters !== undefined && {
      libraryParameters: `${request.initializeParameters} `,
    }),
  });
  if (process.argv[2] === 'nss-softokn') initializeNss(library, request);
  else initializeOpencryptoki(library, request);
  library.C_Finalize();
  library.close();
}

/** An empty database lets the security officer in without a PIN; C_InitToken would only empty it again. */
function initializeNss(library: pkcs11js.PKCS11, { label, pin }: TokenInitialization): void {
  const slot = findSlot(library, (token) => token.label.trim() === label);
  withLogin(library, slot, pkcs11js.CKU_SO, '', (session) => library.C_InitPIN(session, pin));
}

/** Both PINs start as ones "to be changed" (CKR_PIN_EXPIRED until then): the officer's 87654321 and the user's. */
function initializeOpencryptoki(library: pkcs11js.PKCS11, request: TokenInitialization): void {
  const first = '87654321';
  const slot = findSlot(library, (token) => token.model.trim() === 'IBM SoftTok');
  library.C_InitToken(slot, first, request.label.padEnd(32));
  withLogin(library, slot, pkcs11js.CKU_SO, first, (session) => {
    library.C_SetPIN(session, first, request.securityOfficerPin);
    library.C_InitPIN(session, first);
  });
  withLogin(library, slot, pkcs11js.CKU_USER, first, (session) => {
    library.C_SetPIN(session, first, request.pin);
  });
}

function findSlot(library: pkcs11js.PKCS11, matches: (token: pkcs11js.TokenInfo) => boolean): Handle {
  const slot = library.C_GetSlotList(true).find((candidate) => matches(library.C_GetTokenInfo(candidate)));
  if (slot === undefined) throw new Error('the module shows no token to initialise');
  return slot;
}

function withLogin(
  library: pkcs11js.PKCS11,
  slot: Handle,
  user: number,
  pin: string,
  body: (session: Handle) => void,
): void {
  const session = library.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
  library.C_Login(session, user, pin);
  body(session);
  library.C_Logout(session);
  library.C_CloseSession(session);
}
