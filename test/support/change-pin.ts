import { execFile } from 'node:child_process';
import { text } from 'node:stream/consumers';
import pkcs11js from 'pkcs11js';
import { nodeFlags } from '../../src/node-process.ts';
import type { TokenFixture } from '../../testing/tokens.ts';

interface Change {
  module: string;
  label: string;
  from: string;
  to: string;
}

/** Changes the user PIN of a token, as its vendor's tool does; in a process of its own, since that loads the module. */
export async function changePin(fixture: TokenFixture, from: string, to: string): Promise<void> {
  const { module, label, environment } = fixture;
  await new Promise<void>((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [...nodeFlags, import.meta.filename],
      { env: { ...process.env, ...environment } },
      (error) => (error === null ? resolve() : reject(error)),
    );
    child.stdin?.end(JSON.stringify({ module, label, from, to } satisfies Change));
  });
}

if (import.meta.main) {
  const { module, label, from, to } = JSON.parse(await text(process.stdin)) as Change;
  const library = new pkcs11js.PKCS11();
  library.load(module);
  library.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
  const slot = library.C_GetSlotList(true).find((one) => library.C_GetTokenInfo(one).label.trim() === label);
  if (slot === undefined) throw new Error('the module shows no such token');
  const session = library.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
  library.C_Login(session, pkcs11js.CKU_USER, from);
  library.C_SetPIN(session, from, to);
  library.C_Finalize();
}
