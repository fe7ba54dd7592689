import pkcs11js from 'pkcs11js';
import type { IvMode, Profile } from '../../config/profile.ts';
import type { Cryptoki } from './cryptoki.ts';
import { attempt } from './cryptoki-error.ts';
import { TokenError } from '../faults.ts';

/** Authentication tag, bytes (XKS spec, Encrypt). */
export const tagBytes = 16;

/** How many IVs one C_GenerateRandom brings: on a network HSM each call is a round trip of its own. */
const ivsPerDraw = 256;

export interface Sealed {
  iv: Buffer;
  ciphertext: Buffer;
  tag: Buffer;
}

/** AES-256-GCM over C_EncryptInit + C_Encrypt in the IV mode of the token's profile. */
export class Gcm {
  readonly #cryptoki: Cryptoki;
  readonly #iv: Profile['iv'];
  readonly #mechanism: number;
  readonly #sendIvBits: boolean;
  #drawn: Buffer = Buffer.alloc(0);
  #lastIv: Buffer = Buffer.alloc(0);

  constructor(cryptoki: Cryptoki, profile: Profile) {
    this.#cryptoki = cryptoki;
    this.#iv = profile.iv;
    this.#mechanism = profile.gcm.mechanism ?? pkcs11js.CKM_AES_GCM;
    this.#sendIvBits = profile.gcm.iv_bits;
  }

  get ivMode(): IvMode {
    return this.#iv.mode;
  }

  get mechanism(): number {
    return this.#mechanism;
  }

  /**
   * Encrypts. Throws CryptokiError, or TokenError `iv-refused` when the IV that came back is not what the mode
   * promises: zero, unchanged, or changed at another step than the proven one.
   */
  encrypt(key: Buffer, aad: Buffer, plaintext: Buffer): Sealed {
    const { lib, session } = this.#cryptoki;
    const { mode, bytes } = this.#iv;
    const appended = mode === 'hsm-appended';
    // pkcs11js hands the address of this very buffer to the module: `iv` and `aad` must live until C_Encrypt has
    // returned, and where the token makes the IV it is written here. Fresh and zero for every call: a token that
    // makes IVs takes zero for "generate", and an old IV left in place would be used a second time.
    const iv = mode === 'caller' ? this.#draw(bytes) : Buffer.alloc(appended ? 0 : bytes);
    let settled = mode === 'caller' ? Buffer.from(iv) : undefined;
    attempt('C_EncryptInit', () =>
      lib.C_EncryptInit(session.handle, this.#parameters(iv, aad, this.#sendIvBits), key),
    );
    if (mode === 'hsm-at-init') {
      refuseZero(iv, 'C_EncryptInit');
      settled = Buffer.from(iv);
    }
    if (mode === 'hsm-at-encrypt' && !isZero(iv)) throw new TokenError('iv-refused', 'C_EncryptInit');
    const out = Buffer.alloc(plaintext.length + tagBytes + (appended ? bytes : 0));
    const result = attempt('C_Encrypt', () => lib.C_Encrypt(session.handle, plaintext, out));
    if (result.length !== out.length) throw new TokenError(appended ? 'iv-refused' : 'internal', 'C_Encrypt');
    const made = appended ? result.subarray(plaintext.length + tagBytes) : iv;
    if (settled !== undefined && !settled.equals(made)) throw new TokenError('iv-refused', 'C_Encrypt');
    refuseZero(made, 'C_Encrypt');
    if (made.equals(this.#lastIv)) throw new TokenError('iv-refused', 'C_Encrypt');
    this.#lastIv = made;
    return {
      iv: made,
      ciphertext: result.subarray(0, plaintext.length),
      tag: result.subarray(plaintext.length, plaintext.length + tagBytes),
    };
  }

  /** Decrypts. Throws CryptokiError. */
  decrypt(key: Buffer, aad: Buffer, { iv, ciphertext, tag }: Sealed): Buffer {
    const { lib, session } = this.#cryptoki;
    // A copy of the IV: some modules write into it, and `iv` may be a view into the caller's message.
    const ownIv = Buffer.from(iv);
    const input = Buffer.concat([ciphertext, tag]);
    attempt('C_DecryptInit', () =>
      lib.C_DecryptInit(session.handle, this.#parameters(ownIv, aad, true), key),
    );
    // As long as the whole input: SoftHSM 2.6 wants room for the tag too, or answers BUFFER_TOO_SMALL.
    const out = Buffer.alloc(input.length);
    const result = attempt('C_Decrypt', () => lib.C_Decrypt(session.handle, input, out));
    if (result.length !== ciphertext.length) throw new TokenError('internal', 'C_Decrypt');
    return result;
  }

  #parameters(iv: Buffer, aad: Buffer, ivBits: boolean): pkcs11js.Mechanism {
    return {
      mechanism: this.#mechanism,
      // Type 7, not 3: with CK_PARAMS_AES_GCM pkcs11js 2.1.7 leaves ulIvBits as garbage.
      parameter: {
        type: pkcs11js.CK_PARAMS_AES_GCM_v240,
        iv,
        ivBits: ivBits ? iv.length * 8 : 0,
        aad,
        tagBits: tagBytes * 8,
      } as pkcs11js.AesGCM & { ivBits: number },
    };
  }

  /** The next unused bytes of the token's own random number generator. */
  #draw(bytes: number): Buffer {
    if (this.#drawn.length < bytes) {
      const { lib, session } = this.#cryptoki;
      const fresh = Buffer.alloc(bytes * ivsPerDraw);
      attempt('C_GenerateRandom', () => lib.C_GenerateRandom(session.handle, fresh));
      // A generator that says OK and writes nothing would give a nonce twice.
      if (isZero(fresh.subarray(0, 32)) || isZero(fresh.subarray(-32)))
        throw new TokenError('iv-refused', 'C_GenerateRandom');
      this.#drawn = fresh;
    }
    const iv = Buffer.from(this.#drawn.subarray(0, bytes));
    this.#drawn = this.#drawn.subarray(bytes);
    return iv;
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

function refuseZero(iv: Buffer, call: string): void {
  if (iv.length === 0 || isZero(iv)) throw new TokenError('iv-refused', call);
}
