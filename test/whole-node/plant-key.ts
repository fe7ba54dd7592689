import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import pkcs11js from 'pkcs11js';
import type { TokenFixture } from '../support/tokens.ts';

interface Planting {
  module: string;
  token: string;
  pin: string;
  label: string;
  /** CKA_ID and CKA_VALUE in hex. */
  id: string;
  value: string;
}

/**
 * Puts an AES key of known bytes into a token, sensitive and not extractable. In a process of its own: the test's own
 * loads no module, and C code reads the environment that its process started with.
 */
export async function plantKey(
  token: TokenFixture,
  key: { label: string; id: Buffer; value: Buffer },
): Promise<void> {
  const child = spawn(process.execPath, [import.meta.filename, 'plant'], {
    env: { ...process.env, ...token.environment },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const planting: Planting = {
    module: token.module,
    token: token.label,
    pin: token.pin,
    label: key.label,
    id: key.id.toString('hex'),
    value: key.value.toString('hex'),
  };
  child.stdin.end(JSON.stringify(planting));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`planting the key failed (${code})`);
}

function plant({ module, token, pin, label, id, value }: Planting): void {
  const lib = new pkcs11js.PKCS11();
  lib.load(module);
  lib.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
  const slot = lib
    .C_GetSlotList(true)
    .find((candidate) => lib.C_GetTokenInfo(candidate).label.trim() === token);
  if (slot === undefined) throw new Error('the token is not there');
  const session = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
  lib.C_Login(session, pkcs11js.CKU_USER, pin);
  lib.C_CreateObject(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { type: pkcs11js.CKA_ENCRYPT, value: true },
    { type: pkcs11js.CKA_DECRYPT, value: true },
    { type: pkcs11js.CKA_WRAP, value: false },
    { type: pkcs11js.CKA_UNWRAP, value: false },
    { type: pkcs11js.CKA_DERIVE, value: false },
    { type: pkcs11js.CKA_ID, value: Buffer.from(id, 'hex') },
    { type: pkcs11js.CKA_LABEL, value: Buffer.from(label) },
    { type: pkcs11js.CKA_VALUE, value: Buffer.from(value, 'hex') },
  ]);
  lib.C_Finalize();
}

if (process.argv[2] === 'plant' && process.argv[1] === import.meta.filename)
  plant(JSON.parse(readFileSync(0, 'utf8')) as Planting);
