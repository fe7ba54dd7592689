import { timingSafeEqual } from 'node:crypto';
import type { Profile } from '../config/profile.ts';
import { ciphertextDataIntegrityValue, tokenAad } from './aad.ts';
import { Canary } from './canary.ts';
import { CryptokiError } from './cryptoki-error.ts';
import type { Cryptoki } from './cryptoki.ts';
import { CKR, endsHost, TokenError } from './faults.ts';
import { monotonicNow } from '../clock.ts';
import { type RequestFrame, type ResponseFrame, type TokenAnswer } from './frames.ts';
import { Gcm, type Sealed } from './gcm.ts';
import { KeyObjects } from './key-objects.ts';
import { listKeys } from './key-list.ts';
import { isPermitted, type Permitted, type TokenRequest, type TokenResponses } from './messages.ts';
import { isOwnKey, ownKeys } from './own-keys.ts';
import { reactionTo } from './reactions.ts';
import { isRepairable, repair, type Repairable } from './repair.ts';
import { protect, reseal, reveal, type SealTools } from './sealed-secret.ts';
import { proveMechanisms, selfTest } from './self-test.ts';

type Decrypt = Extract<TokenRequest, { kind: 'decrypt' }>;

/**
 * Does the operations on one token, one at a time, and repairs what can be repaired within one operation: a spoilt
 * session, a stale handle, a lost login, each once. Everything here is synchronous: it is the only thing its process
 * does.
 */
export class TokenHost {
  readonly #cryptoki: Cryptoki;
  readonly #gcm: Gcm;
  readonly #keys: KeyObjects;
  readonly #canary: Canary;
  readonly #sealTools: SealTools;
  readonly #permitted: Permitted | undefined;

  constructor(cryptoki: Cryptoki, profile: Profile, permitted?: Permitted) {
    this.#permitted = permitted;
    this.#cryptoki = cryptoki;
    this.#gcm = new Gcm(cryptoki, profile);
    this.#keys = new KeyObjects(cryptoki, profile);
    this.#canary = new Canary(cryptoki, this.#gcm, this.#keys);
    this.#sealTools = { gcm: this.#gcm, keys: this.#keys, canary: this.#canary };
  }

  /** Makes our own keys where they are missing (`holdfast init`). Returns the labels of those it made. */
  prepare(): string[] {
    proveMechanisms({ cryptoki: this.#cryptoki, gcm: this.#gcm });
    return Object.values(ownKeys)
      .filter(({ id }) => !this.#keys.has(id))
      .map(({ id, label }) => {
        this.#keys.generate(id, label, { encrypt: true, decrypt: true });
        return label;
      });
  }

  /** What must hold before this token is served. Throws StartError, CryptokiError or TokenError. */
  selfTest(): void {
    selfTest({ cryptoki: this.#cryptoki, gcm: this.#gcm, keys: this.#keys, canary: this.#canary });
  }

  /**
   * Answers a batch in order. Decrypts that failed ambiguously wait for one canary at the end of the batch: it tells
   * bad ciphertext from a sick token for all of them, so a flood of bad ciphertext costs one canary a batch.
   * `fatal` is set when the module is dead: the process must end once the answers are out.
   */
  answer(frames: readonly RequestFrame[]): { responses: ResponseFrame[]; fatal: TokenError | undefined } {
    const responses: ResponseFrame[] = [];
    const doubtful: { frame: RequestFrame; response: ResponseFrame }[] = [];
    let fatal: TokenError | undefined;
    for (const frame of frames) {
      const began = monotonicNow();
      const result = fatal ?? this.#answerOne(frame, began);
      const answer = result === 'doubtful' ? badCiphertext : result;
      const response = {
        id: frame.id,
        microseconds: microsecondsSince(began),
        learning: !this.#keys.learning.done,
        answer,
      };
      responses.push(response);
      if (result === 'doubtful') doubtful.push({ frame, response });
      if (answer instanceof TokenError && endsHost(answer.fault)) fatal = answer;
    }
    if (doubtful.length === 0) return { responses, fatal };
    fatal ??= this.#sickness();
    for (const { frame, response } of doubtful) {
      const began = monotonicNow();
      // A second opinion for each, so that a single hiccup of the token is not told as bad ciphertext.
      const second = fatal ?? this.#answerOne(frame, 0);
      response.answer = second === 'doubtful' ? badCiphertext : second;
      response.microseconds += microsecondsSince(began);
      if (response.answer instanceof TokenError && endsHost(response.answer.fault)) fatal = response.answer;
    }
    return { responses, fatal };
  }

  /** What the canary says: undefined where the token is well. */
  #sickness(): TokenError | undefined {
    try {
      this.#canary.check();
      return undefined;
    } catch (error) {
      return error instanceof TokenError
        ? new TokenError('device', error.call, error.rv)
        : new TokenError('device', 'canary');
    }
  }

  /** `now` is 0 for work that is done whether late or not. */
  #answerOne(frame: RequestFrame, now: number): TokenAnswer | TokenError | 'doubtful' {
    // Nobody waits for it any more: do not spend the token on it.
    if (frame.deadline <= now) return new TokenError('timeout', 'queue');
    if (this.#permitted !== undefined && !isPermitted(this.#permitted, frame.request))
      return new TokenError('internal', 'not permitted');
    for (let repaired = false; ; repaired = true) {
      try {
        return this.#run(frame, repaired ? 2 : 1);
      } catch (error) {
        if (error instanceof TokenError) return error;
        if (!(error instanceof CryptokiError) || error.rv === undefined)
          return new TokenError('internal', error instanceof CryptokiError ? error.call : 'token host');
        const reaction = reactionTo(error.call, error.rv);
        if (reaction === 'ambiguous' && frame.request.kind === 'decrypt') return 'doubtful';
        if (!isRepairable(reaction)) {
          if (reaction === 'refused') this.#leaveClean(error);
          return faultOf(frame.request, error);
        }
        if (repaired) {
          this.#leaveClean(error);
          return faultOf(frame.request, error);
        }
        const failed = this.#repair(reaction, frame.request);
        if (failed !== undefined) return failed;
        // A key that may have been made is not made again.
        if (error.call === 'C_GenerateKey') return faultOf(frame.request, error);
      }
    }
  }

  /** An operation may have been left active on the session: the next caller gets a new one. */
  #leaveClean({ call }: CryptokiError): void {
    if (!leavesActive.has(call)) return;
    try {
      this.#cryptoki.reopenSession();
    } catch {
      // The next operation finds out and says so.
    }
  }

  #repair(reaction: Repairable, request: TokenRequest): TokenError | undefined {
    try {
      repair(this.#cryptoki, this.#keys, reaction, 'key' in request ? request.key : undefined);
      if (reaction === 'suspect') this.#canary.renew();
      return undefined;
    } catch (error) {
      return error instanceof TokenError ? error : new TokenError('internal', 'repair');
    }
  }

  #run({ request, deadline }: RequestFrame, attemptNumber: number): TokenAnswer {
    // Keys of our own have their own requests: a record that names one as a CloudKey's is wrong or forged.
    if (usesKey(request) && isOwnKey(request.key)) throw new TokenError('key-unfit', 'own key');
    switch (request.kind) {
      case 'encrypt': {
        const key = this.#keys.find(request.key, deadline);
        const { iv, ciphertext, tag, cdiv } = this.#encrypt(key, request);
        return { kind: 'encrypt', value: { iv, ciphertext, tag, cdiv, encryptions: attemptNumber } };
      }
      case 'decrypt':
        return this.#decrypt(request, deadline);
      case 'generateKey':
        return { kind: 'generateKey', value: this.#keys.generate(request.key, request.label, request) };
      case 'destroyKey':
        return { kind: 'destroyKey', value: { destroyed: this.#keys.destroy(request.key) } };
      case 'inspectKey':
        return { kind: 'inspectKey', value: this.#keys.inspect(request.key) };
      case 'findKey':
        return { kind: 'findKey', value: this.#keys.findByLabel(request.label) };
      case 'listKeys':
        return { kind: 'listKeys', value: listKeys(this.#keys, request.after, request.limit) };
      case 'protect':
        return {
          kind: 'protect',
          value: { sealed: protect(this.#sealTools, request.context, request.secret) },
        };
      case 'reveal':
        return { kind: 'reveal', value: { secret: reveal(this.#sealTools, request, request.sealed) } };
      case 'reseal':
        return { kind: 'reseal', value: { sealed: reseal(this.#sealTools, request, request.sealed) } };
      case 'health':
        this.#canary.renew();
        return { kind: 'health', value: {} };
      case 'learn':
        return { kind: 'learn', value: this.#learn(request.milliseconds) };
    }
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
    learning.step(monotonicNow() + Math.min(milliseconds, longestSlice));
    return { known: this.#keys.known, searchTime: learning.searchTime };
  }

  #decrypt(request: Decrypt, deadline: number): TokenAnswer {
    const plaintext = this.#gcm.decrypt(
      this.#keys.find(request.key, deadline),
      tokenAad(request.aadForm, request.aad, request.metadata),
      { iv: asBuffer(request.iv), ciphertext: asBuffer(request.ciphertext), tag: asBuffer(request.tag) },
    );
    return { kind: 'decrypt', value: { plaintext } };
  }
}

/** What is done with a CloudKey's key object; looking at it harms nothing. */
function usesKey(
  request: TokenRequest,
): request is Extract<TokenRequest, { kind: 'encrypt' | 'decrypt' | 'generateKey' | 'destroyKey' }> {
  const { kind } = request;
  return kind === 'encrypt' || kind === 'decrypt' || kind === 'generateKey' || kind === 'destroyKey';
}

/** Others wait meanwhile, milliseconds. */
const longestSlice = 250;

const badCiphertext = new TokenError('bad-ciphertext', 'C_Decrypt');

/** Calls that may leave an operation active when they fail; after a failed Init there is none. */
const leavesActive = new Set(['C_Encrypt', 'C_Decrypt', 'C_FindObjects']);

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
    case 'suspect':
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

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function microsecondsSince(began: number): number {
  return Math.round((monotonicNow() - began) * 1000);
}
