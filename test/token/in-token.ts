import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import pkcs11js, { type Handle, type Template } from 'pkcs11js';
import { type CryptokiError, attempt } from '../../src/token/cryptoki-error.ts';
import { ckrName } from '../../src/token/faults.ts';
import type { TokenFixture } from '../support/tokens.ts';

/** What somebody else does with the token, past Holdfast. Ids are in hex. */
export type Deed =
  { do: 'attributes'; id: string } | { do: 'generate'; id: string; label: string; extractable?: boolean };

/** Does `deeds` in a process of its own, with bare PKCS#11; gives what each came to. */
export async function inToken(fixture: TokenFixture, deeds: readonly Deed[]): Promise<unknown[]> {
  const child = spawn(process.execPath, [import.meta.filename], {
    env: { ...process.env, ...fixture.environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { module, label, pin, initializeParameters } = fixture;
  child.stdin.end(JSON.stringify({ module, label, pin, initializeParameters, deeds }));
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`the process ended with ${String(code)}`);
  return JSON.parse(output) as unknown[];
}

const told = [
  'CKA_TOKEN',
  'CKA_PRIVATE',
  'CKA_SENSITIVE',
  'CKA_ALWAYS_SENSITIVE',
  'CKA_EXTRACTABLE',
  'CKA_NEVER_EXTRACTABLE',
  'CKA_LOCAL',
  'CKA_MODIFIABLE',
  'CKA_WRAP',
  'CKA_UNWRAP',
  'CKA_DERIVE',
] as const;

class Bare {
  readonly #lib = new pkcs11js.PKCS11();
  readonly #session: Handle;

  constructor({ module, label, pin, initializeParameters }: TokenFixture) {
    const lib = this.#lib;
    lib.load(module);
    lib.C_Initialize({
      flags: pkcs11js.CKF_OS_LOCKING_OK,
      ...(initializeParameters !== undefined && { libraryParameters: `${initializeParameters} ` }),
    });
    const slot = lib.C_GetSlotList(true).find((one) => lib.C_GetTokenInfo(one).label.trim() === label);
    if (slot === undefined) throw new Error('the token is not there');
    this.#session = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    lib.C_Login(this.#session, pkcs11js.CKU_USER, pin);
  }

  perform(deed: Deed): unknown {
    switch (deed.do) {
      case 'attributes': {
        const key = this.#find(deed.id);
        const value = (name: 'CKA_VALUE' | (typeof told)[number]): unknown => {
          try {
            return attempt(name, () =>
              this.#lib.C_GetAttributeValue(this.#session, key, [{ type: pkcs11js[name] }]),
            )[0]?.value[0];
          } catch (error) {
            return ckrName((error as CryptokiError).rv ?? 0);
          }
        };
        return {
          ...Object.fromEntries(told.map((name) => [name, value(name) === 1])),
          CKA_VALUE: value('CKA_VALUE'),
        };
      }
      case 'generate': {
        const template: Template = [
          { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
          { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
          { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
          { type: pkcs11js.CKA_TOKEN, value: true },
          { type: pkcs11js.CKA_PRIVATE, value: true },
          { type: pkcs11js.CKA_SENSITIVE, value: true },
          { type: pkcs11js.CKA_EXTRACTABLE, value: deed.extractable === true },
          { type: pkcs11js.CKA_ENCRYPT, value: true },
          { type: pkcs11js.CKA_DECRYPT, value: true },
          { type: pkcs11js.CKA_ID, value: Buffer.from(deed.id, 'hex') },
          { type: pkcs11js.CKA_LABEL, value: Buffer.from(deed.label) },
        ];
        this.#lib.C_GenerateKey(this.#session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, template);
        return {};
      }
    }
  }

  #find(id: string): Handle {
    this.#lib.C_FindObjectsInit(this.#session, [{ type: pkcs11js.CKA_ID, value: Buffer.from(id, 'hex') }]);
    const [key] = this.#lib.C_FindObjects(this.#session, 1);
    this.#lib.C_FindObjectsFinal(this.#session);
    if (key === undefined) throw new Error('the key is not there');
    return key;
  }
}

if (import.meta.main) {
  const { deeds, ...fixture } = JSON.parse(await text(process.stdin)) as TokenFixture & { deeds: Deed[] };
  const token = new Bare(fixture);
  process.stdout.write(JSON.stringify(deeds.map((deed) => token.perform(deed))));
}
