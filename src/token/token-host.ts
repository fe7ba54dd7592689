import { timingSafeEqual } from 'node:crypto';
import pkcs11js from 'pkcs11js';
import type { Profile } from '../config/profile.ts';
import { ciphertextDataIntegrityValue, tokenAad } from './aad.ts';
import { CryptokiError, type Cryptoki, StartError } from './cryptoki.ts';
import { CKR, TokenError } from './faults.ts';
import { monotonicNow, type RequestFrame, type ResponseFrame, type TokenAnswer } from './frames.ts';
import { Gcm, type Sealed } from './gcm.ts';
import { KeyObjects } from './key-objects.ts';
import type { TokenRequest } from './messages.ts';
import { ownKeys } from './own-keys.ts';
import { reactionTo } from './reactions.ts';

type Decrypt = Extract<TokenRequest, { kind: 'decrypt' }>;

/** A sealed secret: format ‖ IV length ‖ IV ‖ tag ‖ ciphertext. */
const sealedFormat = 1;

/**
 * Does the operations on one token, one at a time, and repairs what can be repaired within one operation: a spoilt
 * session, a stale handle, a lost login, each once. Everything here is synchronous: it is the only thing its process
 * does.
 */
export class TokenHost {
  readonly #cryptoki: Cryptoki;
  readonly #gcm: Gcm;
  readonly #keys: KeyObjects;
  #canary: Sealed | undefined;

  constructor(cryptoki: Cryptoki, profile: Profile) {
    this.#cryptoki = cryptoki;
    this.#gcm = new Gcm(cryptoki, profile);
    this.#keys = new KeyObjects(cryptoki, profile);
  }

  /** Makes our own keys where they are missing (`holdfast init`). Returns the labels of those it made. */
  prepare(): string[] {
    return Object.values(ownKeys)
      .filter(({ id }) => !this.#keys.has(id))
      .map(({ id, label }) => {
        this.#keys.generate(id, label, { encrypt: true, decrypt: true });
        return label;
      });
  }

  /**
   * Proves before serving that the token does what its profile says: the mechanisms are there, our own keys are fit,
   * the IV mode is the stated one, a tag that is altered is refused. Throws StartError or TokenError.
   */
  selfTest(): void {
    const mechanisms = this.#cryptoki.mechanisms;
    for (const [name, number] of [
      ['AES-GCM', this.#gcm.mechanism],
      ['CKM_AES_KEY_GEN', pkcs11js.CKM_AES_KEY_GEN],
    ] as const) {
      if (!mechanisms.has(number))
        throw new StartError(
          `token "${this.#cryptoki.info.label}" has no ${name} (mechanism 0x${number.toString(16)})`,
          'XKS needs AES-256-GCM in the token; use another token or the profile with the vendor’s mechanism number',
        );
    }
    this.#keys.preload();
    for (const { id, label } of Object.values(ownKeys)) {
      if (!this.#keys.has(id))
        throw new StartError(
          `key "${label}" is not in token "${this.#cryptoki.info.label}"`,
          'run: holdfast init',
        );
      const attributes = this.#keys.inspect(id);
      if (!attributes.fit || !attributes.bornInToken)
        throw new StartError(
          `key "${label}" is not as made: ${attributes.complaints.join(', ')}`,
          'find out who replaced it',
        );
    }
    this.#proveIvMode();
    this.#proveTag();
  }

  #proveIvMode(): void {
    const ivs = new Set<string>();
    for (const size of [1, 32, 4300]) {
      const plaintext = Buffer.alloc(size, size);
      let sealed: Sealed;
      try {
        sealed = this.#gcm.encrypt(this.#keys.find(ownKeys.health.id), canaryAad, plaintext);
      } catch (error) {
        const [call, rv] =
          error instanceof CryptokiError || error instanceof TokenError
            ? [error.call, error.rv]
            : ['', undefined];
        const why = new TokenError('iv-refused', call, rv).message;
        throw new StartError(
          `token "${this.#cryptoki.info.label}" does not make its IV as its profile says: ${why}`,
          'set iv.mode of the profile to what the vendor documents; Holdfast does not serve on an unproven IV mode',
        );
      }
      const { iv } = sealed;
      if (
        !this.#gcm.decrypt(this.#keys.find(ownKeys.health.id), canaryAad, sealed).equals(plaintext) ||
        ivs.has(iv.toString('hex'))
      )
        throw new StartError(
          `token "${this.#cryptoki.info.label}" does not decrypt what it encrypted, or gives one IV twice`,
          'set iv.mode of the profile to what the vendor documents',
        );
      ivs.add(iv.toString('hex'));
    }
  }

  #proveTag(): void {
    const sealed = this.#freshCanary();
    const altered = Buffer.from(sealed.tag);
    altered[0] = (altered[0] ?? 0) ^ 1;
    try {
      this.#gcm.decrypt(this.#keys.find(ownKeys.health.id), canaryAad, { ...sealed, tag: altered });
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
      // Whatever number it gave: the session must be usable afterwards, which the canary shows.
      if (error.rv === undefined || !['caller', 'ambiguous'].includes(reactionTo(error.call, error.rv)))
        this.#cryptoki.reopenSession();
      this.#runCanary();
      return;
    }
    throw new StartError(
      `token "${this.#cryptoki.info.label}" accepts a ciphertext whose tag was altered`,
      'do not use this module: it does not authenticate',
    );
  }

  /**
   * Answers a batch in order. Decrypts that failed ambiguously wait for one canary at the end of the batch: it tells
   * bad ciphertext from a sick HSM for all of them, so a flood of bad ciphertext costs one canary a batch.
   * `fatal` is set when the module is dead: the process must end once the answers are out.
   */
  answer(frames: readonly RequestFrame[]): { responses: ResponseFrame[]; fatal: TokenError | undefined } {
    const responses: ResponseFrame[] = [];
    const doubtful: { frame: RequestFrame; request: Decrypt; at: number }[] = [];
    let fatal: TokenError | undefined;
    for (const frame of frames) {
      const began = monotonicNow();
      const result = fatal ?? this.#answerOne(frame, began);
      const at = responses.length;
      if (result === 'doubtful') {
        doubtful.push({ frame, request: frame.request as Decrypt, at });
      } else if (result instanceof TokenError && isFatal(result)) {
        fatal = result;
      }
      responses.push({
        id: frame.id,
        microseconds: microsecondsSince(began),
        answer: result === 'doubtful' ? new TokenError('bad-ciphertext', 'C_Decrypt') : result,
      });
    }
    if (doubtful.length > 0) {
      const verdicts = this.#resolve(doubtful.map(({ request }) => request));
      for (const [index, { frame, at }] of doubtful.entries()) {
        const answer = verdicts[index] ?? new TokenError('internal', 'C_Decrypt');
        if (answer instanceof TokenError && isFatal(answer)) fatal = answer;
        responses[at] = { id: frame.id, microseconds: responses[at]?.microseconds ?? 0, answer };
      }
    }
    return { responses, fatal };
  }

  /** The canary first; where it succeeds, one second opinion for each, so that a single hiccup is not told as bad. */
  #resolve(requests: Decrypt[]): (TokenAnswer | TokenError)[] {
    try {
      this.#runCanary();
    } catch (error) {
      const sick = error instanceof TokenError ? error : new TokenError('device', 'canary', rvOf(error));
      return requests.map(() => new TokenError('device', sick.call, sick.rv));
    }
    return requests.map((request) => {
      try {
        return this.#decrypt(request);
      } catch (error) {
        if (error instanceof TokenError) return error;
        if (!(error instanceof CryptokiError)) return new TokenError('internal', 'C_Decrypt');
        const reaction = error.rv === undefined ? 'refused' : reactionTo(error.call, error.rv);
        return reaction === 'ambiguous' || reaction === 'caller'
          ? new TokenError('bad-ciphertext', error.call, error.rv)
          : new TokenError('device', error.call, error.rv);
      }
    });
  }

  #answerOne(frame: RequestFrame, now: number): TokenAnswer | TokenError | 'doubtful' {
    // Nobody waits for it any more: do not spend the HSM on it.
    if (frame.deadline <= now) return new TokenError('timeout', 'queue');
    let repaired = false;
    for (;;) {
      try {
        return this.#run(frame.request, repaired ? 2 : 1);
      } catch (error) {
        if (error instanceof TokenError) return error;
        if (!(error instanceof CryptokiError) || error.rv === undefined)
          return new TokenError('internal', error instanceof CryptokiError ? error.call : 'token host');
        const reaction = reactionTo(error.call, error.rv);
        if (reaction === 'ambiguous' && frame.request.kind === 'decrypt') return 'doubtful';
        const fault = faultOf(frame.request, error);
        const canRepair = reaction === 'session' || reaction === 'handle' || reaction === 'login';
        if (!canRepair || repaired || frame.request.kind === 'generateKey') {
          if (canRepair || reaction === 'refused') this.#leaveClean();
          return fault;
        }
        repaired = true;
        const failed = this.#repair(reaction, frame.request);
        if (failed !== undefined) return failed;
      }
    }
  }

  /** An operation may have been left active on the session: the next caller gets a new one. */
  #leaveClean(): void {
    try {
      this.#cryptoki.reopenSession();
    } catch {
      // The next operation finds out and says so.
    }
  }

  #repair(reaction: 'session' | 'handle' | 'login', request: TokenRequest): TokenError | undefined {
    try {
      if (reaction === 'handle') {
        if ('key' in request) this.#keys.forget(request.key);
        else this.#keys.forgetAll();
        this.#cryptoki.reopenSession();
      } else if (reaction === 'session') {
        this.#cryptoki.reopenSession();
      } else {
        this.#cryptoki.reopenAnchor();
        this.#cryptoki.login();
        this.#keys.forgetAll();
      }
      return undefined;
    } catch (error) {
      if (error instanceof TokenError) return error;
      return new TokenError('device', error instanceof CryptokiError ? error.call : 'repair', rvOf(error));
    }
  }

  #run(request: TokenRequest, attemptNumber: number): TokenAnswer {
    switch (request.kind) {
      case 'encrypt': {
        const key = this.#keys.find(request.key);
        const { iv, ciphertext, tag, cdiv } = this.#encrypt(key, request);
        return { kind: 'encrypt', value: { iv, ciphertext, tag, cdiv, encryptions: attemptNumber } };
      }
      case 'decrypt':
        return this.#decrypt(request);
      case 'generateKey':
        return { kind: 'generateKey', value: this.#keys.generate(request.key, request.label, request) };
      case 'destroyKey':
        return { kind: 'destroyKey', value: { destroyed: this.#keys.destroy(request.key) } };
      case 'inspectKey':
        return { kind: 'inspectKey', value: this.#keys.inspect(request.key) };
      case 'findKey':
        return { kind: 'findKey', value: this.#keys.findByLabel(request.label) };
      case 'protect':
        return { kind: 'protect', value: { sealed: this.#protect(request.context, request.secret) } };
      case 'reveal':
        return { kind: 'reveal', value: { secret: this.#reveal(request.context, request.sealed) } };
      case 'health':
        this.#canary = undefined;
        this.#runCanary();
        return { kind: 'health', value: {} };
    }
  }

  /** Encrypt → CDIV → decrypt the result and compare, in this fixed order (XKS spec, Appendix C). */
  #encrypt(key: Buffer, request: Extract<TokenRequest, { kind: 'encrypt' }>): Sealed & { cdiv: Buffer } {
    const aad = tokenAad(request.aadForm, request.aad, request.metadata);
    const plaintext = asBuffer(request.plaintext);
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

  #decrypt(request: Decrypt): TokenAnswer {
    const plaintext = this.#gcm.decrypt(
      this.#keys.find(request.key),
      tokenAad(request.aadForm, request.aad, request.metadata),
      { iv: asBuffer(request.iv), ciphertext: asBuffer(request.ciphertext), tag: asBuffer(request.tag) },
    );
    return { kind: 'decrypt', value: { plaintext } };
  }

  #protect(context: string, secret: Uint8Array): Buffer {
    const { iv, ciphertext, tag } = this.#gcm.encrypt(
      this.#keys.find(ownKeys.protecting.id),
      Buffer.from(context),
      Buffer.from(secret),
    );
    return Buffer.concat([Buffer.from([sealedFormat, iv.length]), iv, tag, ciphertext]);
  }

  #reveal(context: string, sealed: Uint8Array): Buffer {
    const bytes = asBuffer(sealed);
    const ivEnd = 2 + (bytes[1] ?? 0);
    if (bytes[0] !== sealedFormat || bytes.length <= ivEnd + 16)
      throw new TokenError('seal-broken', 'reveal');
    try {
      return this.#gcm.decrypt(this.#keys.find(ownKeys.protecting.id), Buffer.from(context), {
        iv: bytes.subarray(2, ivEnd),
        tag: bytes.subarray(ivEnd, ivEnd + 16),
        ciphertext: bytes.subarray(ivEnd + 16),
      });
    } catch (error) {
      const reaction =
        error instanceof CryptokiError && error.rv !== undefined
          ? reactionTo(error.call, error.rv)
          : 'refused';
      if (reaction !== 'ambiguous' && reaction !== 'caller') throw error;
      this.#runCanary();
      throw new TokenError('seal-broken', 'C_Decrypt', rvOf(error));
    }
  }

  #freshCanary(): Sealed {
    this.#canary = this.#gcm.encrypt(this.#keys.find(ownKeys.health.id), canaryAad, canaryPlaintext);
    return this.#canary;
  }

  /** Decrypts a known ciphertext of the health key; after `health` a fresh one. Throws when the token is sick. */
  #runCanary(): void {
    const sealed = this.#canary ?? this.#freshCanary();
    let opened: Buffer;
    try {
      opened = this.#gcm.decrypt(this.#keys.find(ownKeys.health.id), canaryAad, sealed);
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
      throw error.rv !== undefined && reactionTo(error.call, error.rv) === 'ambiguous'
        ? new TokenError('device', error.call, error.rv)
        : error;
    }
    if (!opened.equals(canaryPlaintext)) throw new TokenError('device', 'canary');
  }
}

const canaryAad = Buffer.from('holdfast canary');
const canaryPlaintext = Buffer.from('The token decrypts what it made.');

function faultOf(request: TokenRequest, error: CryptokiError): TokenError {
  const { call, rv } = error;
  const reaction = rv === undefined ? 'refused' : reactionTo(call, rv);
  switch (reaction) {
    case 'caller':
      if (rv === CKR.KEY_FUNCTION_NOT_PERMITTED || rv === CKR.KEY_TYPE_INCONSISTENT)
        return new TokenError('usage-refused', call, rv);
      return new TokenError(request.kind === 'decrypt' ? 'bad-ciphertext' : 'data-refused', call, rv);
    case 'ambiguous':
    case 'dead':
      return new TokenError('device', call, rv);
    case 'session':
    case 'handle':
    case 'login':
      return new TokenError('session-lost', call, rv);
    case 'pin':
      return new TokenError('pin-refused', call, rv);
    case 'refused':
      return new TokenError('internal', call, rv);
  }
}

/** Faults after which the process is of no more use: another takes its place. */
function isFatal(error: TokenError): boolean {
  return error.fault === 'device' || error.fault === 'pin-refused' || error.fault === 'iv-refused';
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function rvOf(error: unknown): number | undefined {
  return error instanceof CryptokiError || error instanceof TokenError ? error.rv : undefined;
}

function microsecondsSince(began: number): number {
  return Math.round((monotonicNow() - began) * 1000);
}
