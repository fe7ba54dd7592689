import pkcs11js from 'pkcs11js';
import { monotonicNow } from '../../../clock.ts';
import { readAttributes } from '../attribute-reading.ts';
import type { Cryptoki } from '../cryptoki.ts';
import type { CryptokiError } from '../cryptoki-error.ts';
import { TokenError } from '../../faults.ts';
import { toText, type KeyHandles } from './key-handles.ts';
import { findAesKeys } from './key-search.ts';
import { quickSearch } from '../../messages.ts';
import { reactionTo } from '../reactions.ts';
import { counted } from '../../../counted.ts';

/** After a search for a key that is new to the host, none for so many times what it took: others want answers too. */
const restAfterSearch = 4;

/** Between two looks at whether the key has turned up, milliseconds. */
const seekSlice = 5;

/**
 * Learns the handles of a token's keys ahead of their use, in slices of time, so that work goes on between them; each
 * goes on where the last one stopped. One listing and a CKA_ID read for each key is the cheapest way: SoftHSM searches
 * by looking at every object (0.6 s among 20,000), while reading one id takes 0.1 ms.
 */
export class HandleLearning {
  readonly #cryptoki: Cryptoki;
  readonly #handles: KeyHandles;
  /** Handles of which the id is not known yet; undefined until the token was looked through. */
  #left: string[] | undefined;
  /** Ids that several keys have: none of these can be used. */
  readonly #twice = new Set<string>();
  #searchTime = 0;
  #nextSearch = 0;

  constructor(cryptoki: Cryptoki, handles: KeyHandles) {
    this.#cryptoki = cryptoki;
    this.#handles = handles;
  }

  /** Whether every key that was there when the token was last looked through is known. */
  get done(): boolean {
    return this.#left?.length === 0;
  }

  /** How many keys are to be learned, as far as that is known. */
  get left(): number {
    return this.#left?.length ?? 1;
  }

  /** How long a search in this token takes, milliseconds. */
  get searchTime(): number {
    return this.#searchTime;
  }

  /** Whether a key has to be known ahead of its use. */
  get isSlow(): boolean {
    return this.#searchTime > quickSearch;
  }

  /** Makes one search and remembers how long it took. */
  timed<T>(search: () => T): T {
    const began = monotonicNow();
    const found = search();
    this.#searchTime = monotonicNow() - began;
    return found;
  }

  /** Nothing that was known holds any more: a login was lost, and handles may have changed with it. */
  restart(): void {
    this.#left = undefined;
    this.#twice.clear();
  }

  /** Goes on learning, until `until` by {@link monotonicNow}. Throws CryptokiError; the next step goes on from there. */
  step(until: number): void {
    this.#left ??= this.#look();
    while (this.#left.length > 0 && monotonicNow() < until) {
      this.#learn(Buffer.from(this.#left.at(-1) ?? '', 'latin1'));
      this.#left.pop();
    }
    // The rest is found when it is used: what is remembered has a bound.
    if (this.#handles.isFull) this.#left = [];
  }

  /**
   * The handle of a key that is not known, where searching takes long: learns on until it turns up. Looks through the
   * token again for a key that was made since, but not all the time. Undefined where there is none. Throws CryptokiError;
   * TokenError `timeout` at the deadline, `key-duplicate`.
   */
  seek(id: Uint8Array, deadline: number): Buffer | undefined {
    if (this.done) this.#searchAgain();
    for (;;) {
      this.step(Math.min(monotonicNow() + seekSlice, deadline));
      const handle = this.#handles.get(id);
      if (handle !== undefined) return handle;
      if (this.done) break;
      if (monotonicNow() >= deadline)
        throw new TokenError(
          'timeout',
          'key search',
          undefined,
          `${counted(this.left, 'key is', 'keys are')} still to be learned`,
        );
    }
    if (this.#twice.has(toText(id))) throw new TokenError('key-duplicate', 'C_FindObjects');
    return undefined;
  }

  #searchAgain(): void {
    const now = monotonicNow();
    if (now < this.#nextSearch)
      throw new TokenError('timeout', 'key search', undefined, 'a key that is new to this host has to wait');
    this.#left = this.#look();
    this.#nextSearch = monotonicNow() + restAfterSearch * this.#searchTime;
  }

  /** Handles of all keys of which no id is known. */
  #look(): string[] {
    const known = this.#handles.values();
    return this.timed(() => findAesKeys(this.#cryptoki))
      .map(toText)
      .filter((handle) => !known.has(handle));
  }

  #learn(handle: Buffer): void {
    const id = this.#idOf(handle);
    if (id.length === 0) return;
    const name = toText(id);
    const known = this.#handles.get(id);
    if (known !== undefined && !known.equals(handle)) {
      this.#twice.add(name);
      this.#handles.delete(id);
    } else if (!this.#twice.has(name)) this.#handles.set(id, handle);
  }

  /** Empty where the key has none, does not tell it, or has gone meanwhile. */
  #idOf(handle: Buffer): Buffer {
    try {
      const { CKA_ID } = pkcs11js;
      return readAttributes(this.#cryptoki, handle, [CKA_ID]).get(CKA_ID) ?? Buffer.alloc(0);
    } catch (error) {
      const { call, rv } = error as CryptokiError;
      if (rv !== undefined && reactionTo(call, rv) === 'handle') return Buffer.alloc(0);
      throw error;
    }
  }
}
