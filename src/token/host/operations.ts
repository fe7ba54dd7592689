import { timingSafeEqual } from 'node:crypto';
import { monotonicNow } from '../../clock.ts';
import { CKR, TokenError } from '../faults.ts';
import { isLabelOfOurs, readKeyIdentity } from '../key-identity.ts';
import type { TokenRequest, TokenResponses } from '../messages.ts';
import { isOwnKey } from '../own-keys.ts';
import type { RequestFrame } from '../request-frames.ts';
import type { TokenAnswer } from '../response-frames.ts';
import { ciphertextDataIntegrityValue, tokenAad } from './aad.ts';
import type { Canary } from './canary.ts';
import { CryptokiError } from './cryptoki-error.ts';
import type { Cryptoki } from './cryptoki.ts';
import type { Gcm, Sealed } from './gcm.ts';
import { findByLabel } from './keys/key-by-label.ts';
import { KeyDestruction } from './keys/key-destruction.ts';
import { KeyList } from './keys/key-list.ts';
import type { KeyObjects } from './keys/key-objects.ts';
import { makeProof } from './keys/key-proof.ts';
import { restrictKey } from './keys/key-restriction.ts';
import type { OwnKeyGuard } from './keys/own-key-proofs.ts';
import { ProvenKeys } from './keys/proven-keys.ts';
import type { OwnKeyWatch } from './own-key-watch.ts';
import { reactionTo } from './reactions.ts';
import { seal, reseal, unseal, type SealTools } from './sealed-secret.ts';

/** A request, and when its caller stops waiting. */
export type Work = Pick<RequestFrame, 'request' | 'deadline'>;

/** What the operations on a token are done with. */
export interface HostParts {
  cryptoki: Cryptoki;
  gcm: Gcm;
  keys: KeyObjects;
  canary: Canary;
  own: OwnKeyGuard;
  ownKeyWatch: OwnKeyWatch;
  /** Whether the store has on record which token this is. */
  isOnRecord: boolean;
}

/** What each request does on the token, once and without repair. */
export class Operations {
  readonly #cryptoki: Cryptoki;
  readonly #gcm: Gcm;
  readonly #keys: KeyObjects;
  readonly #canary: Canary;
  readonly #own: OwnKeyGuard;
  readonly #isOnRecord: boolean;
  readonly #ownKeyWatch: OwnKeyWatch;
  readonly #proven: ProvenKeys;
  readonly #destruction: KeyDestruction;
  readonly #list: KeyList;
  readonly #sealTools: SealTools;

  constructor({ cryptoki, gcm, keys, canary, own, ownKeyWatch, isOnRecord }: HostParts) {
    this.#own = own;
    this.#isOnRecord = isOnRecord;
    this.#cryptoki = cryptoki;
    this.#gcm = gcm;
    this.#keys = keys;
    this.#canary = canary;
    this.#ownKeyWatch = ownKeyWatch;
    this.#proven = new ProvenKeys({ gcm, keys, canary });
    this.#destruction = new KeyDestruction(cryptoki, { gcm, keys, canary }, undefined, () =>
      this.#assertOurs(),
    );
    this.#list = new KeyList(keys);
    this.#sealTools = { gcm, own, canary };
  }

  /** `attemptNumber` counts from 1. Throws TokenError, CryptokiError. */
  // oxlint-disable-next-line complexity -- one case for each kind of request
  run({ request, deadline }: Work, attemptNumber: number): TokenAnswer {
    // Keys of our own have their own requests: a record that names one as a CloudKey's is wrong or forged.
    if (usesKey(request) && isOwnKey(request.key)) throw new TokenError('key-unfit', 'own key');
    if (isManaging(request)) this.#assertOurs();
    switch (request.kind) {
      case 'encrypt': {
        const key = this.#proven.use(request.key, request.identity, deadline);
        const { iv, ciphertext, tag, cdiv } = this.#encrypt(key, request);
        return { kind: 'encrypt', value: { iv, ciphertext, tag, cdiv, encryptions: attemptNumber } };
      }
      case 'decrypt':
        return this.#decrypt(request, deadline);
      case 'generateKey':
        return { kind: 'generateKey', value: this.#generate(request) };
      case 'destroyKey':
        return {
          kind: 'destroyKey',
          value: { destroyed: this.#destruction.destroy(request.key, request.identity) },
        };
      case 'proveKey':
        this.#proven.prove(request.key, request.identity, deadline);
        return { kind: 'proveKey', value: {} };
      case 'makeProof':
        return { kind: 'makeProof', value: { proof: this.#makeProof(request) } };
      case 'inspectKey':
        return { kind: 'inspectKey', value: this.#keys.inspect(request.key) };
      case 'findKey':
        return { kind: 'findKey', value: findByLabel(this.#keys, request.label) };
      case 'restrictKey':
        restrictKey(this.#cryptoki, this.#keys, request.key, request.label);
        return { kind: 'restrictKey', value: {} };
      case 'listKeys':
        return { kind: 'listKeys', value: this.#list.page(request.after, request.limit) };
      case 'seal':
        return {
          kind: 'seal',
          value: { sealed: seal(this.#sealTools, request.context, request.secret) },
        };
      case 'unseal':
        return { kind: 'unseal', value: { secret: unseal(this.#sealTools, request, request.sealed) } };
      case 'reseal':
        return { kind: 'reseal', value: { sealed: reseal(this.#sealTools, request, request.sealed) } };
      case 'health':
        this.#canary.renew();
        this.#ownKeyWatch.look(deadline);
        return { kind: 'health', value: {} };
      case 'learn':
        return { kind: 'learn', value: this.#learn(request.milliseconds) };
    }
  }

  /** What is made, missed or destroyed in another token than the one on record is not so in that. Throws TokenError, CryptokiError. */
  #assertOurs(): void {
    const why = this.#isOnRecord ? this.#own.whyNotOurs() : undefined;
    if (why !== undefined) throw new TokenError('other-token', 'own keys', undefined, why);
  }

  /** A key without its proof could not be told from another later: it is destroyed again. */
  #generate(request: Extract<TokenRequest, { kind: 'generateKey' }>): TokenResponses['generateKey'] {
    const { key, label, binding, encrypt, decrypt } = request;
    const made = this.#keys.generate(key, label, request);
    if (!encrypt || !decrypt) return { ...made, proof: Buffer.alloc(0) };
    try {
      return { ...made, proof: makeProof(this.#gcm, this.#keys.find(key), binding) };
    } catch (error) {
      const left = this.#keys.undo(key);
      // Never the call itself: a repair would make a second key.
      if (error instanceof CryptokiError)
        throw new TokenError('internal', 'key proof', error.rv, `${error.call} failed${left}`);
      if (error instanceof TokenError && left !== '')
        throw new TokenError(error.fault, error.call, error.rv, `${error.detail ?? 'failed'}${left}`);
      throw error;
    }
  }

  /** Of a key that has none yet. Throws TokenError `key-unfit` for one that is not as it was made. */
  #makeProof({ key, identity }: Extract<TokenRequest, { kind: 'makeProof' }>): Buffer {
    this.#keys.forget(key);
    const handle = this.#proven.prove(key, identity);
    const { binding, label } = readKeyIdentity(identity);
    const told = this.#keys.read(handle);
    if (isLabelOfOurs(label) && !told.generatedOnToken)
      throw new TokenError(
        'key-unfit',
        'key proof',
        undefined,
        `it was not made in the token: ${told.violations.join(', ')}`,
      );
    if (!told.encrypt || !told.decrypt) return Buffer.alloc(0);
    return makeProof(this.#gcm, handle, binding);
  }

  /** Encrypt → CDIV → decrypt the result and compare, in this fixed order (XKS spec, Appendix C). */
  #encrypt(key: Buffer, request: Extract<TokenRequest, { kind: 'encrypt' }>): Sealed & { cdiv: Buffer } {
    const aad = tokenAad(request.aadForm, request.aad, request.metadata);
    const plaintext = asBuffer(request.plaintext);
    // pkcs11js gives a null pointer for no bytes, which tokens read in different ways.
    if (plaintext.length === 0) throw new TokenError('data-refused', 'C_Encrypt');
    const sealed = this.#gcm.encrypt(key, aad, plaintext);
    if (!request.verify) return { ...sealed, cdiv: Buffer.alloc(0) };
    const cdiv = ciphertextDataIntegrityValue({ aad: request.aad, metadata: request.metadata, ...sealed });
    let opened: Buffer;
    try {
      opened = this.#gcm.decrypt(key, aad, sealed);
    } catch (error) {
      if (!(error instanceof CryptokiError) || error.rv === undefined) throw error;
      const reaction = reactionTo(error.call, error.rv);
      // What we have just made is no bad ciphertext of the caller's.
      if (
        reaction === 'ambiguous' ||
        (reaction === 'caller' && error.call === 'C_Decrypt' && error.rv !== CKR.KEY_FUNCTION_NOT_PERMITTED)
      )
        throw new TokenError('verify-failed', error.call, error.rv);
      throw error;
    }
    if (!timingSafeEqual(opened, plaintext)) throw new TokenError('verify-failed', 'C_Decrypt');
    return { ...sealed, cdiv };
  }

  #learn(milliseconds: number): TokenResponses['learn'] {
    const { learning } = this.#keys;
    learning.step(monotonicNow() + Math.min(milliseconds, maxSlice));
    return { known: this.#keys.known, searchTime: learning.searchTime };
  }

  #decrypt(request: Extract<TokenRequest, { kind: 'decrypt' }>, deadline: number): TokenAnswer {
    const plaintext = this.#gcm.decrypt(
      this.#proven.use(request.key, request.identity, deadline),
      tokenAad(request.aadForm, request.aad, request.metadata),
      { iv: asBuffer(request.iv), ciphertext: asBuffer(request.ciphertext), tag: asBuffer(request.tag) },
    );
    return { kind: 'decrypt', value: { plaintext } };
  }
}

/** What is done with a CloudKey's key object; looking at it harms nothing. */
function usesKey(request: TokenRequest): request is Extract<TokenRequest, { kind: (typeof uses)[number] }> {
  return (uses as readonly string[]).includes(request.kind);
}

const uses = ['encrypt', 'decrypt', 'generateKey', 'destroyKey', 'restrictKey'] as const;

/** What a record is made or changed by. Uses of a CloudKey are none of them: each proves its own key. */
export function isManaging({ kind }: TokenRequest): boolean {
  return (managing as readonly string[]).includes(kind);
}

const managing = [
  'generateKey',
  'destroyKey',
  'makeProof',
  'inspectKey',
  'findKey',
  'restrictKey',
  'listKeys',
] as const satisfies readonly TokenRequest['kind'][];

/** Others wait meanwhile, milliseconds. */
const maxSlice = 250;

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
