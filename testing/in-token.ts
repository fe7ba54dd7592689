import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import pkcs11js, { type Handle, type Template } from 'pkcs11js';
import { nodeFlags } from '../src/node-process.ts';
import { type CryptokiError, attempt } from '../src/token/host/cryptoki-error.ts';
import { ckrName } from '../src/token/faults.ts';
import { ownKeys } from '../src/token/own-keys.ts';
import type { TokenFixture } from './tokens.ts';
import { openBareSession } from './bare-session.ts';

/** What somebody else does with the token, past Holdfast. Ids are in hex. */
export type Deed =
  | { do: 'attributes'; id: string }
  /** `wraps`: it may wrap and unwrap keys, as pkcs11-tool makes them; `fixed`: not CKA_MODIFIABLE. */
  | { do: 'generate'; id: string; label: string; extractable?: boolean; wraps?: boolean; fixed?: boolean }
  /** Takes wrapping, unwrapping and deriving from a key. */
  | { do: 'restrict'; id: string }
  /** A key of known bytes: `value` in hex. */
  | { do: 'plant'; id: string; label: string; value: string; extractable?: boolean; wraps?: boolean }
  | { do: 'destroy'; id: string }
  /** Whether there is a key of this id. */
  | { do: 'has'; id: string }
  /** A secret sealed in format 1, as steps 1 to 3 did: bound to a text. Gives the sealed bytes in hex. */
  | { do: 'seal'; context: string; secret: string };

/** Does `deeds` in a process of its own, with bare PKCS#11; gives what each came to. */
export async function inToken(fixture: TokenFixture, deeds: readonly Deed[]): Promise<unknown[]> {
  const child = spawn(process.execPath, [...nodeFlags, import.meta.filename], {
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
  'CKA_ENCRYPT',
  'CKA_DECRYPT',
  'CKA_SIGN',
  'CKA_VERIFY',
  'CKA_WRAP',
  'CKA_UNWRAP',
  'CKA_DERIVE',
] as const;

class Bare {
  readonly #lib: pkcs11js.PKCS11;
  readonly #session: Handle;

  constructor(lib: pkcs11js.PKCS11, session: Handle) {
    this.#lib = lib;
    this.#session = session;
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
      case 'generate':
        this.#lib.C_GenerateKey(this.#session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, [
          ...templateOf(deed),
          { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
        ]);
        return {};
      case 'restrict':
        this.#lib.C_SetAttributeValue(
          this.#session,
          this.#find(deed.id),
          [pkcs11js.CKA_WRAP, pkcs11js.CKA_UNWRAP, pkcs11js.CKA_DERIVE].map((type) => ({
            type,
            value: false,
          })),
        );
        return {};
      case 'plant':
        this.#lib.C_CreateObject(this.#session, [
          ...templateOf(deed),
          { type: pkcs11js.CKA_VALUE, value: Buffer.from(deed.value, 'hex') },
        ]);
        return {};
      case 'has':
        return this.#search(deed.id) !== undefined;
      case 'destroy':
        this.#lib.C_DestroyObject(this.#session, this.#find(deed.id));
        return {};
      case 'seal':
        return this.#seal(deed).toString('hex');
    }
  }

  #seal({ context, secret }: Extract<Deed, { do: 'seal' }>): Buffer {
    const iv = randomBytes(12);
    const parameter = {
      type: pkcs11js.CK_PARAMS_AES_GCM_v240,
      iv,
      ivBits: 96,
      aad: Buffer.from(context),
      tagBits: 128,
    } as pkcs11js.AesGCM & { ivBits: number };
    const key = this.#find(ownKeys.sealing.id.toString('hex'));
    this.#lib.C_EncryptInit(this.#session, { mechanism: pkcs11js.CKM_AES_GCM, parameter }, key);
    const plaintext = Buffer.from(secret);
    const result = this.#lib.C_Encrypt(this.#session, plaintext, Buffer.alloc(plaintext.length + 16));
    const tag = result.subarray(plaintext.length);
    return Buffer.concat([Buffer.from([1, iv.length]), iv, tag, result.subarray(0, plaintext.length)]);
  }

  #find(id: string): Handle {
    const key = this.#search(id);
    if (key === undefined) throw new Error('the key is not there');
    return key;
  }

  #search(id: string): Handle | undefined {
    this.#lib.C_FindObjectsInit(this.#session, [{ type: pkcs11js.CKA_ID, value: Buffer.from(id, 'hex') }]);
    const [key] = this.#lib.C_FindObjects(this.#session, 1);
    this.#lib.C_FindObjectsFinal(this.#session);
    return key;
  }
}

function templateOf({
  id,
  label,
  extractable,
  wraps = false,
  fixed,
}: {
  id: string;
  label: string;
  extractable?: boolean;
  wraps?: boolean;
  fixed?: boolean;
}): Template {
  return [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: extractable !== true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: extractable === true },
    { type: pkcs11js.CKA_ENCRYPT, value: true },
    { type: pkcs11js.CKA_DECRYPT, value: true },
    { type: pkcs11js.CKA_WRAP, value: wraps },
    { type: pkcs11js.CKA_UNWRAP, value: wraps },
    { type: pkcs11js.CKA_DERIVE, value: false },
    { type: pkcs11js.CKA_ID, value: Buffer.from(id, 'hex') },
    { type: pkcs11js.CKA_LABEL, value: Buffer.from(label) },
    ...(fixed === true ? [{ type: pkcs11js.CKA_MODIFIABLE, value: false }] : []),
  ];
}

if (import.meta.main) {
  const { deeds, ...fixture } = JSON.parse(await text(process.stdin)) as TokenFixture & { deeds: Deed[] };
  const { lib, session } = await openBareSession(fixture);
  const token = new Bare(lib, session);
  process.stdout.write(JSON.stringify(deeds.map((deed) => token.perform(deed))));
}
