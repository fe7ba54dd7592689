import { monotonicNow } from '../../clock.ts';
import { CKR, endsHost, TokenError } from '../faults.ts';
import type { TokenRequest } from '../messages.ts';
import type { TokenAnswer } from '../response-frames.ts';
import type { Canary } from './canary.ts';
import { CryptokiError } from './cryptoki-error.ts';
import type { Cryptoki } from './cryptoki.ts';
import type { KeyObjects } from './keys/key-objects.ts';
import { Operations, type HostParts, type Work } from './operations.ts';
import { reactionTo, type Reaction } from './reactions.ts';
import { isRepairable, repair, type Repairable } from './repair.ts';

/** `doubtful`: a decrypt that failed in a way that tells bad ciphertext as well as a sick token. */
export type Attempted = TokenAnswer | TokenError | 'doubtful';

/** Operations with the repair of what can be repaired within one: a spoilt session, a stale handle, a lost login. */
export class Attempts {
  readonly #cryptoki: Cryptoki;
  readonly #keys: KeyObjects;
  readonly #canary: Canary;
  readonly #operations: Operations;
  /** So many operations in a row a repair did not help. */
  #vainRepairs = 0;
  /** Not before this is a missing key a reason to look for the whole token, by the monotonic clock. */
  #nextMiss = 0;

  constructor(parts: HostParts) {
    this.#cryptoki = parts.cryptoki;
    this.#keys = parts.keys;
    this.#canary = parts.canary;
    this.#operations = new Operations(parts);
  }

  /** Does it, with one repair. */
  attempt(work: Work): Attempted {
    for (let repaired = false; ; repaired = true) {
      try {
        const answer = this.#operations.run(work, repaired ? 2 : 1);
        this.#vainRepairs = 0;
        return answer;
      } catch (error) {
        const outcome = this.#failed(work, error, repaired);
        if (outcome !== 'again') return outcome;
      }
    }
  }

  /** What the canary says: undefined where the token is well. */
  sickness(): TokenError | undefined {
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

  /** What comes of a failure; `again` where something was put right. */
  #failed(work: Work, error: unknown, repaired: boolean): Attempted | 'again' {
    const { request } = work;
    if (error instanceof TokenError) return this.#whetherGone(request, error);
    if (!(error instanceof CryptokiError) || error.rv === undefined)
      return new TokenError('internal', error instanceof CryptokiError ? error.call : 'token host');
    const reaction = reactionTo(error.call, error.rv);
    if (reaction === 'ambiguous' && request.kind === 'decrypt') return 'doubtful';
    if (!isRepairable(reaction)) return this.#beyondRepair(work, error, reaction, repaired);
    if (repaired) {
      this.#leaveClean(error);
      return this.#whetherSpoilt(faultOf(request, error));
    }
    const failed = this.#repair(reaction, request);
    if (failed !== undefined) return failed;
    // A key that may have been made is not made again.
    return error.call === 'C_GenerateKey' ? faultOf(request, error) : 'again';
  }

  #beyondRepair(
    { request, deadline }: Work,
    error: CryptokiError,
    reaction: Reaction,
    repaired: boolean,
  ): TokenError | 'again' {
    if (!repaired && isOfKey(request, error.call, reaction)) {
      const moved = this.#hasMoved(request.key, deadline);
      if (moved === true) return 'again';
      if (moved !== false) return moved;
    }
    if (reaction === 'refused') this.#leaveClean(error);
    return faultOf(request, error);
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
    return this.sickness() ?? error;
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
}

/** Between two looks at whether the whole token is gone, because a key of it is missing; milliseconds. */
const missInterval = 1_000;

/** Whether it is the key that a use of it began to fail over. */
function isOfKey(
  request: TokenRequest,
  call: string,
  reaction: Reaction,
): request is Extract<TokenRequest, { kind: 'encrypt' | 'decrypt' }> {
  const isUse = request.kind === 'encrypt' || request.kind === 'decrypt';
  return isUse && reaction === 'caller' && (call === 'C_EncryptInit' || call === 'C_DecryptInit');
}

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
