import type { Profile } from '../../config/profile.ts';
import { Attempts, type Attempted } from './attempts.ts';
import { Canary } from './canary.ts';
import type { Cryptoki } from './cryptoki.ts';
import { endsHost, TokenError } from '../faults.ts';
import { monotonicNow } from '../../clock.ts';
import type { RequestFrame } from '../request-frames.ts';
import type { ResponseFrame, TokenAnswer } from '../response-frames.ts';
import { Gcm } from './gcm.ts';
import { hasProof } from '../key-identity.ts';
import { KeyObjects } from './keys/key-objects.ts';
import { isPermitted, type Permitted, type TokenRequest } from '../messages.ts';
import type { Work } from './operations.ts';
import { ownKeys } from '../own-keys.ts';
import { OwnKeyGuard, type LatestProofs } from './keys/own-key-proofs.ts';
import { OwnKeyWatch } from './own-key-watch.ts';
import type { OwnKeyProofs, TokenOnRecord } from '../own-key-proofs.ts';
import { Presence } from './presence.ts';
import { assertOnRecord } from './recorded-token.ts';
import { proveMechanisms, selfTest } from './self-test.ts';
import { tryMakingKeys } from './keys/trial-key.ts';

type Decrypt = Extract<TokenRequest, { kind: 'decrypt' }>;

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
  readonly #attempts: Attempts;
  readonly #permitted: Permitted | undefined;
  readonly #recorded: TokenOnRecord | undefined;

  /** `proofs` are those of the keys of our own in this token. */
  constructor(
    cryptoki: Cryptoki,
    profile: Profile,
    permitted?: Permitted,
    proofs?: OwnKeyProofs,
    {
      latest,
      makesKeys = false,
      recorded,
    }: {
      latest?: LatestProofs;
      makesKeys?: boolean | undefined;
      recorded?: TokenOnRecord | undefined;
    } = {},
  ) {
    this.#permitted = permitted;
    this.#cryptoki = cryptoki;
    this.#profile = profile;
    this.#gcm = new Gcm(cryptoki, profile);
    this.#keys = new KeyObjects(cryptoki, profile);
    const canary = { check: () => this.#canary.check() };
    this.#recorded = recorded;
    this.#own = new OwnKeyGuard(
      { gcm: this.#gcm, keys: this.#keys, canary },
      // Whatever was taken for it once: there is one sealing key of each token on record.
      typeof recorded === 'object' ? { ...proofs, [ownKeys.sealing.label]: recorded.proof } : proofs,
      latest,
    );
    this.#ownKeyWatch = new OwnKeyWatch(cryptoki, this.#keys, this.#own, makesKeys);
    const presence = new Presence(cryptoki, this.#keys);
    this.#canary = new Canary(cryptoki, this.#gcm, this.#keys, this.#own, presence);
    this.#attempts = new Attempts({
      cryptoki,
      gcm: this.#gcm,
      keys: this.#keys,
      canary: this.#canary,
      own: this.#own,
      ownKeyWatch: this.#ownKeyWatch,
      isOnRecord: typeof recorded === 'object',
    });
  }

  /** Whether this is the token that the store means. Throws StartError, CryptokiError or TokenError. */
  assertOnRecord(prepare: boolean): void {
    assertOnRecord(this.#cryptoki.info, this.#own, this.#recorded, prepare);
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

  /**
   * After the self-test: has our own keys show what they are. Returns their proofs, and what is wrong with those that are not the
   * ones proven. Throws CryptokiError; TokenError where it ends the host.
   */
  lookAtOwnKeys(): { proofs: OwnKeyProofs; alarms: string[] } {
    this.#own.lookAtAll();
    return { proofs: this.#own.proofs, alarms: this.#own.alarms };
  }

  /** What was wrong with our own keys when they were used last; it costs the token nothing to ask. */
  get alarms(): string[] {
    return this.#own.alarms;
  }

  /** Proofs of keys of our own that were made anew since this was asked last; undefined where there are none. */
  takeMade(): OwnKeyProofs | undefined {
    return this.#ownKeyWatch.takeMade();
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
    if (doubts.some(({ request, sure }) => !sure && !hasProof(request.identity)))
      fatal ??= this.#attempts.sickness();
    const standings = new Map<string, Standing>();
    for (const { request, deadline, response, sure } of doubts) {
      const began = monotonicNow();
      if (fatal === undefined) {
        const { unfit, moved } = this.#standing(standings, { request, deadline });
        // A second opinion, so that a single hiccup of the token, or a handle of before, is not told as bad ciphertext.
        const second = sure && !moved ? response.answer : this.#attempts.attempt({ request, deadline });
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
    const proven = this.#attempts.attempt({ request: { kind: 'proveKey', key, identity }, deadline });
    const standing = {
      unfit: proven instanceof TokenError ? proven : undefined,
      moved: before === undefined || this.#keys.handleOf(key)?.equals(before) !== true,
    };
    standings.set(name, standing);
    return standing;
  }

  /** `now` is 0 for work that is done whether late or not. */
  #answerOne(frame: RequestFrame, now: number): Attempted {
    // Nobody waits for it any more: do not spend the token on it.
    if (frame.deadline <= now) return new TokenError('timeout', 'queue');
    if (this.#permitted !== undefined && !isPermitted(this.#permitted, frame.request))
      return new TokenError('internal', 'not permitted');
    return this.#attempts.attempt(frame);
  }
}

function isBadCiphertext(answer: TokenAnswer | TokenError): boolean {
  return answer instanceof TokenError && answer.fault === 'bad-ciphertext';
}

const badCiphertext = new TokenError('bad-ciphertext', 'C_Decrypt');

function microsecondsSince(began: number): number {
  return Math.round((monotonicNow() - began) * 1000);
}
