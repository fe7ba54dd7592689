/**
 * The child process of shim.test.ts: loads the module, logs in, makes a key, and then does one request a line.
 * argv: module, token label, PIN.
 */
import { createInterface } from 'node:readline';
import pkcs11js from 'pkcs11js';

export type Request =
  | {
      do: 'encrypt';
      iv?: string;
      aad?: string;
      data: string;
      room?: number;
      mechanism?: number;
      spoil?: boolean;
    }
  | { do: 'decrypt'; iv: string; aad?: string; data: string; mechanism?: number }
  | { do: 'attributes'; types: number[] }
  | { do: 'find'; max: number }
  | { do: 'findOneByOne' }
  | { do: 'random'; bytes: number }
  | { do: 'flags' }
  | { do: 'generate' };

/** Byte strings are in hex. `rv` is what the first call that failed returned, and `call` its name. */
export interface Answer {
  call?: string;
  rv?: number;
  out?: string;
  ivAfterInit?: string;
  ivAfterCall?: string;
  values?: (string | null)[];
  handles?: string[];
  tokenFlags?: number;
  milliseconds: number;
}

const [module = '', label = '', pin = ''] = process.argv.slice(2);
const lib = new pkcs11js.PKCS11();
lib.load(module);
lib.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
const slot = lib.C_GetSlotList(true).find((one) => lib.C_GetTokenInfo(one).label.trim() === label);
if (slot === undefined) throw new Error('the token is not there');
const session = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
lib.C_Login(session, pkcs11js.CKU_USER, pin);
const id = Buffer.from(`shim test ${process.pid}`);
const key = generate();

for await (const line of createInterface(process.stdin)) {
  const start = performance.now();
  const answer = perform(JSON.parse(line) as Request);
  process.stdout.write(`${JSON.stringify({ ...answer, milliseconds: performance.now() - start })}\n`);
}

// oxlint-disable-next-line complexity, max-lines-per-function -- one case for each command
function perform(request: Request): Omit<Answer, 'milliseconds'> {
  let call = '';
  const step = <T>(name: string, run: () => T): T => {
    call = name;
    return run();
  };
  const seen: Omit<Answer, 'milliseconds'> = {};
  try {
    switch (request.do) {
      case 'encrypt': {
        const iv = Buffer.from(request.iv ?? '', 'hex');
        const aad = Buffer.from(request.aad ?? '', 'hex');
        const data = Buffer.from(request.data, 'hex');
        const out = Buffer.alloc(request.room ?? data.length + 32);
        step('C_EncryptInit', () => lib.C_EncryptInit(session, mechanism(iv, aad, request.mechanism), key));
        seen.ivAfterInit = iv.toString('hex');
        if (request.spoil === true) aad.fill(0xff);
        const result = step('C_Encrypt', () => lib.C_Encrypt(session, data, out));
        seen.ivAfterCall = iv.toString('hex');
        return { ...seen, out: result.toString('hex') };
      }
      case 'decrypt': {
        const iv = Buffer.from(request.iv, 'hex');
        const aad = Buffer.from(request.aad ?? '', 'hex');
        const data = Buffer.from(request.data, 'hex');
        step('C_DecryptInit', () => lib.C_DecryptInit(session, mechanism(iv, aad, request.mechanism), key));
        const result = step('C_Decrypt', () => lib.C_Decrypt(session, data, Buffer.alloc(data.length)));
        return { out: result.toString('hex') };
      }
      case 'attributes': {
        const template = request.types.map((type) => ({ type }));
        const values = step('C_GetAttributeValue', () => lib.C_GetAttributeValue(session, key, template));
        return { values: values.map(({ value }) => (Buffer.isBuffer(value) ? value.toString('hex') : null)) };
      }
      case 'find':
      case 'findOneByOne': {
        step('C_FindObjectsInit', () =>
          lib.C_FindObjectsInit(session, [{ type: pkcs11js.CKA_ID, value: id }]),
        );
        const handles: string[] = [];
        try {
          if (request.do === 'find') {
            const found = step('C_FindObjects', () => lib.C_FindObjects(session, request.max));
            handles.push(...found.map((handle) => handle.toString('hex')));
          } else {
            for (let one = lib.C_FindObjects(session); one !== null; one = lib.C_FindObjects(session))
              handles.push(one.toString('hex'));
          }
        } finally {
          lib.C_FindObjectsFinal(session);
        }
        return { handles };
      }
      case 'random': {
        const out = Buffer.alloc(request.bytes);
        step('C_GenerateRandom', () => lib.C_GenerateRandom(session, out));
        return { out: out.toString('hex') };
      }
      case 'flags':
        return {
          tokenFlags: step('C_GetTokenInfo', () => lib.C_GetTokenInfo(slot ?? Buffer.alloc(8))).flags,
        };
      case 'generate':
        step('C_GenerateKey', generate);
        return {};
    }
  } catch (error) {
    const { message, code } = error as { message: string; code?: number };
    const rv = typeof code === 'number' && code !== 0 ? code : Number(/:(\d+)/.exec(message)?.[1]);
    return { ...seen, call, rv };
  }
}

function generate(): Buffer {
  return lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
    { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { type: pkcs11js.CKA_ENCRYPT, value: true },
    { type: pkcs11js.CKA_DECRYPT, value: true },
    { type: pkcs11js.CKA_ID, value: id },
  ]);
}

function mechanism(iv: Buffer, aad: Buffer, number: number = pkcs11js.CKM_AES_GCM): pkcs11js.Mechanism {
  const parameter = { type: pkcs11js.CK_PARAMS_AES_GCM_v240, iv, ivBits: iv.length * 8, aad, tagBits: 128 };
  return { mechanism: number, parameter };
}
