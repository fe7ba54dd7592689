import { timingSafeEqual } from 'node:crypto';
import type { Profile } from '../../config/profile.ts';
import { ciphertextDataIntegrityValue, tokenAad } from './aad.ts';
import { Canary } from './canary.ts';
import { CryptokiError } from './cryptoki-error.ts';
import type { Cryptoki } from './cryptoki.ts';
import { CKR, endsHost, TokenError } from '../faults.ts';
import { monotonicNow } from '../../clock.ts';
import type { RequestFrame } from '../request-frames.ts';
import type { ResponseFrame, TokenAnswer } from '../response-frames.ts';
import { Gcm, type Sealed } from './gcm.ts';
import { isLabelOfOurs, readKeyIdentity } from '../key-identity.ts';
import { KeyDestruction } from './keys/key-destruction.ts';
import { KeyObjects } from './keys/key-objects.ts';
import { makeProof } from './keys/key-proof.ts';
import { findByLabel } from './keys/key-by-label.ts';
import { KeyList } from './keys/key-list.ts';
import { restrictKey } from './keys/key-restriction.ts';
import { isPermitted, type Permitted, type TokenRequest, type TokenResponses } from '../messages.ts';
import { isOwnKey, ownKeys } from '../own-keys.ts';
import { OwnKeyGuard } from './keys/own-key-proofs.ts';
import type { OwnKeyProofs } from '../own-key-proofs.ts';
import { OwnKeyWatch } from './own-key-watch.ts';
import { Presence } from './presence.ts';
import { ProvenKeys } from './keys/proven-keys.ts';
import { reactionTo, type Reaction } from './reactions.ts';
import { isRepairable, repair, type Repairable } from './repair.ts';
import { protect, reseal, reveal, type SealTools } from './sealed-secret.ts';
import { proveMechanisms, selfTest } from './self-test.ts';
import { tryMakingKeys } from './keys/trial-key.ts';

type Decrypt = Extract<TokenRequest, { kind: 'decrypt' }>;

/** A request, and when its caller stops waiting. */
type Work = Pick<RequestFrame, 'request' | 'deadline'>;

/** A decrypt that looks like one of bad ciphertext; `sure` where the return value says nothing else. */
interface Doubt extends Work {
  request: Decrypt;
  response: ResponseFrame;
  sure: boolean;
}

/** What a key was found to be; `moved` where its handle is another than the one that was used. */
interface Standing {
  unfit: TokenError | undefined;
  moved: boolean;
}

/**
 * Does the operations on one token, one at a time, and repairs what can be repaired within one operation: a spoilt
 * session, a stale handle, a lost login, each once. Everything here is synchronous: it is the only thing its process
 * does.
 */
export class TokenHost {
  readonly #cryptoki: Cryptoki;
  readonly #profile: Profile;
  readonly #gcm: Gcm;
  readonly #keys: KeyObjects;
  readonly #canary: Canary;
  readonly #own: OwnKeyGuard;
  readonly #ownKeyWatch: OwnKeyWatch;
  readonly #proven: ProvenKeys;
  readonly #destruction: KeyDestruction;
  readonly #list: KeyList;
  readonly #sealTools: SealTools;
  readonly #permitted: Permitted | undefined;
  /** So many operations in a row a repair did not help. */
  #vainRepairs = 0;
  /** Not before this is a missing key a reason to look for the whole token, by the monotonic clock. */
  #nextMiss = 0;

  /** `proofs` are those of the keys of our own in this token. */
  constructor(cryptoki: Cryptoki, profile: Profile, permitted?: Permitted, proofs?: OwnKeyProofs) {
    this.#permitted = permitted;
    this.#cryptoki = cryptoki;
    this.#profile = profile;
    this.#gcm = new Gcm(cryptoki, profile);
    this.#keys = new KeyObjects(cryptoki, profile);
    this.#list = new KeyList(this.#keys);
    this.#own = new OwnKeyGuard({ gcm: this.#gcm, keys: this.#keys }, proofs);
    this.#ownKeyWatch = new OwnKeyWatch(cryptoki, this.#keys, this.#own);
    const presence = new Presence(cryptoki, this.#keys);
    this.#canary = new Canary(cryptoki, this.#gcm, this.#keys, this.#own, presence);
    this.#sealTools = { gcm: this.#gcm, own: this.#own, canary: this.#canary };
    const proofTools = { gcm: this.#gcm, keys: this.#keys, canary: this.#canary };
    this.#proven = new ProvenKeys(proofTools);
    this.#destruction = new KeyDestruction(cryptoki, proofTools);
  }

  /** Makes our own keys where they are missing (`holdfast init`). Returns the labels of those it made. */
  prepare(): string[] {
    proveMechanisms({ cryptoki: this.#cryptoki, gcm: this.#gcm });
    return Object.values(ownKeys)
      .filter(({ id }) => !this.#keys.has(id))
      .map((key) => {
        this.#keys.generate(key.id, key.label, { encrypt: true, decrypt: true });
        this.#own.forget(key);
        return key.label;
      });
  }

  /**
   * What must hold before this token is served; returns what an encryption with its decryption takes, milliseconds. Throws
   * StartError, CryptokiError or TokenError.
   */
  selfTest(): number {
    selfTest({
      cryptoki: this.#cryptoki,
      gcm: this.#gcm,
      keys: this.#keys,
      canary: this.#canary,
      own: this.#own,
      profile: this.#profile,
    });
    const began = monotonicNow();
    this.#canary.renew();
    return monotonicNow() - began;
  }

  /** Whether the token takes new keys. Throws TokenError. */
  tryMakingKeys(): void {
    tryMakingKeys({ cryptoki: this.#cryptoki, keys: this.#keys, profile: this.#profile });
  }

  /** After the self-test: the proofs of our own keys, and what is wrong with those that are not the ones proven. */
  get ownKeys(): { proofs: OwnKeyProofs; alarms: string[] } {
    this.#own.lookAtAll();
    return { proofs: this.#own.proofs, alarms: this.#own.alarms };
  }

  /** What was wrong with our own keys when they were used last; it costs the token nothing to ask. */
  get alarms(): string[] {
    return this.#own.alarms;
  }

  /**
   * Answers a batch in order. What looks like bad ciphertext waits for the end of the batch: then each of the keys has to
   * show once more that it is the key of its record, by a known ciphertext of its own, which tells bad ciphertext from
   * another key and from a sick token for all of them; so a flood of bad ciphertext costs one more decrypt a batch.
   * `fatal` is set when the module is dead: the process must end once the answers are out.
   */
  answer(frames: readonly RequestFrame[]): { responses: ResponseFrame[]; fatal: TokenError | undefined } {
    const responses: ResponseFrame[] = [];
    const doubts: Doubt[] = [];
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
      if (frame.request.kind === 'decrypt' && isBadCiphertext(answer))
        doubts.push({
          request: frame.request,
          deadline: frame.deadline,
          response,
          sure: result !== 'doubtful',
        });
      if (answer instanceof TokenError && endsHost(answer.fault)) fatal = answer;
    }
    return { responses, fatal: doubts.length === 0 ? fatal : this.#settle(doubts, fatal) };
  }

  /** Gives each doubtful decrypt its answer. Returns what ends the host. */
  #settle(doubts: readonly Doubt[], dead: TokenError | undefined): TokenError | undefined {
    let fatal = dead;
    if (doubts.some(({ request, sure }) => !sure && !hasProof(request.identity))) fatal ??= this.#sickness();
    const standings = new Map<string, Standing>();
    for (const { request, deadline, response, sure } of doubts) {
      const began = monotonicNow();
      if (fatal === undefined) {
        const { unfit, moved } = this.#standing(standings, { request, deadline });
        // A second opinion, so that a single hiccup of the token, or a handle of before, is not told as bad ciphertext.
        const second = sure && !moved ? response.answer : this.#attempt({ request, deadline });
        response.answer = unfit ?? (second === 'doubtful' ? badCiphertext : second);
      } else response.answer = fatal;
      response.microseconds += microsecondsSince(began);
      if (response.answer instanceof TokenError && endsHost(response.answer.fault)) fatal = response.answer;
    }
    return fatal;
  }

  /** Whether the key behind a doubtful decrypt is the right one; asked once a batch. */
  #standing(
    standings: Map<string, Standing>,
    { request: { key, identity }, deadline }: Work & { request: Decrypt },
  ): Standing {
    const name = `${Buffer.from(key).toString('latin1')} ${Buffer.from(identity).toString('latin1')}`;
    const known = standings.get(name);
    if (known !== undefined) return known;
    const before = this.#keys.handleOf(key);
    const proven = this.#attempt({ request: { kind: 'proveKey', key, identity }, deadline });
    const standing = {
      unfit: proven instanceof TokenError ? proven : undefined,
      moved: before === undefined || this.#keys.handleOf(key)?.equals(before) !== true,
    };
    standings.set(name, standing);
    return standing;
  }

  /** What the canary says: undefined where the token is well. */
  #sickness(): TokenError | undefined {
    return this.#judged(() => this.#canary.check());
  }

  #judged(look: () => void): TokenError | undefined {
    try {
      look();
      return undefined;
    } catch (error) {
      return error instanceof TokenError
        ? new TokenError('device', error.call, error.rv, error.detail)
        : new TokenError('device', 'canary');
    }
  }

  /** `now` is 0 for work that is done whether late or not. */
  #answerOne(frame: RequestFrame, now: number): TokenAnswer | TokenError | 'doubtful' {
    // Nobody waits for it any more: do not spend the token on it.
    if (frame.deadline <= now) return new TokenError('timeout', 'queue');
    if (this.#permitted !== undefined && !isPermitted(this.#permitted, frame.request))
      return new TokenError('internal', 'not permitted');
    return this.#attempt(frame);
  }

  /** Does it, with one repair. */
  #attempt({ request, deadline }: Work): TokenAnswer | TokenError | 'doubtful' {
    for (let repaired = false; ; repaired = true) {
      try {
        const answer = this.#run({ request, deadline }, repaired ? 2 : 1);
        this.#vainRepairs = 0;
        return answer;
      } catch (error) {
        if (error instanceof TokenError) return this.#whetherGone(request, error);
        if (!(error instanceof CryptokiError) || error.rv === undefined)
          return new TokenError('internal', error instanceof CryptokiError ? error.call : 'token host');
        const reaction = reactionTo(error.call, error.rv);
        if (reaction === 'ambiguous' && request.kind === 'decrypt') return 'doubtful';
        if (!isRepairable(reaction)) {
          if (!repaired && isOfKey(request, error.call, reaction)) {
            const moved = this.#hasMoved(request.key, deadline);
            if (moved === true) continue;
            if (moved !== false) return moved;
          }
          if (reaction === 'refused') this.#leaveClean(error);
          return faultOf(request, error);
        }
        if (repaired) {
          this.#leaveClean(error);
          return this.#whetherSpoilt(faultOf(request, error));
        }
        const failed = this.#repair(reaction, request);
        if (failed !== undefined) return failed;
        // A key that may have been made is not made again.
        if (error.call === 'C_GenerateKey') return faultOf(request, error);
      }
    }
  }

  /** A health that fails, or a key that is missing because the whole token is, is the host's end and not only this request's. */
  #whetherGone({ kind }: TokenRequest, error: TokenError): TokenError {
    if (kind === 'health' && !endsHost(error.fault))
      return new TokenError('device', error.call, error.rv, error.detail ?? error.fault);
    if (error.fault !== 'key-missing' || monotonicNow() < this.#nextMiss) return error;
    this.#nextMiss = monotonicNow() + missInterval;
    return this.#judged(() => this.#canary.miss()) ?? error;
  }

  /** Sessions that no repair cures may be so until C_Finalize: at the second failure in a row a canary tells. */
  #whetherSpoilt(error: TokenError): TokenError {
    if (error.fault !== 'session-lost' || ++this.#vainRepairs < 2) return error;
    return this.#sickness() ?? error;
  }

  /**
   * Whether the key has another handle by now. A handle whose object is gone is no key, or of no use, to some modules: NSS
   * says that its type does not fit.
   */
  #hasMoved(key: Uint8Array, deadline: number): boolean | TokenError {
    const before = this.#keys.handleOf(key);
    this.#keys.forget(key);
    try {
      return before === undefined || !this.#keys.find(key, deadline).equals(before);
    } catch (error) {
      return error instanceof TokenError ? error : false;
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

  #run({ request, deadline }: Work, attemptNumber: number): TokenAnswer {
    // Keys of our own have their own requests: a record that names one as a CloudKey's is wrong or forged.
    if (usesKey(request) && isOwnKey(request.key)) throw new TokenError('key-unfit', 'own key');
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
        this.#ownKeyWatch.look();
        return { kind: 'health', value: {} };
      case 'learn':
        return { kind: 'learn', value: this.#learn(request.milliseconds) };
    }
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
    if (isLabelOfOurs(label) && !told.bornInToken)
      throw new TokenError(
        'key-unfit',
        'key proof',
        undefined,
        `it was not made in the token: ${told.complaints.join(', ')}`,
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
    learning.step(monotonicNow() + Math.min(milliseconds, longestSlice));
    return { known: this.#keys.known, searchTime: learning.searchTime };
  }

  #decrypt(request: Decrypt, deadline: number): TokenAnswer {
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

/** Between two looks at whether the whole token is gone, because a key of it is missing; milliseconds. */
const missInterval = 1_000;

/** Others wait meanwhile, milliseconds. */
const longestSlice = 250;

function isBadCiphertext(answer: TokenAnswer | TokenError): boolean {
  return answer instanceof TokenError && answer.fault === 'bad-ciphertext';
}

function hasProof(identity: Uint8Array): boolean {
  try {
    return readKeyIdentity(identity).proof.length > 0;
  } catch {
    return false;
  }
}

/** Whether it is the key that a use of it began to fail over. */
function isOfKey(
  request: TokenRequest,
  call: string,
  reaction: Reaction,
): request is Extract<TokenRequest, { kind: 'encrypt' | 'decrypt' }> {
  const isUse = request.kind === 'encrypt' || request.kind === 'decrypt';
  return isUse && reaction === 'caller' && (call === 'C_EncryptInit' || call === 'C_DecryptInit');
}

const badCiphertext = new TokenError('bad-ciphertext', 'C_Decrypt');

/** Calls that may leave an operation active when they fail; after a failed Init there is none. */
const leavesActive = new Set(['C_Encrypt', 'C_Decrypt', 'C_FindObjects']);

function faultOf(request: TokenRequest, error: CryptokiError): TokenError {
  const { call, rv, detail } = error;
  const reaction = rv === undefined ? 'refused' : reactionTo(call, rv);
  switch (reaction) {
    case 'caller':
      if (rv === CKR.KEY_FUNCTION_NOT_PERMITTED || rv === CKR.KEY_TYPE_INCONSISTENT)
        return new TokenError('usage-refused', call, rv, detail);
      return new TokenError(request.kind === 'decrypt' ? 'bad-ciphertext' : 'data-refused', call, rv, detail);
    case 'ambiguous':
    case 'dead':
      return new TokenError('device', call, rv, detail);
    case 'suspect':
    case 'session':
    case 'handle':
    case 'login':
      return new TokenError('session-lost', call, rv, detail);
    case 'pin':
      return new TokenError('pin-refused', call, rv, detail);
    case 'refused':
      return new TokenError('internal', call, rv, detail);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function microsecondsSince(began: number): number {
  return Math.round((monotonicNow() - began) * 1000);
}
