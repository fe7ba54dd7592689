interface Entry<V> {
  value: Promise<V | undefined>;
  /** Asked for since the hand passed it last. */
  used: boolean;
}

/** So many are looked at for one that was not used lately; then the next one goes all the same. */
const maxSearch = 64;

/** Promises by name, at most so many: beyond, one that was not asked for lately goes for each that comes ("clock"). */
class Bounded<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #max: number;
  /** Goes round through all of them; one that is new is at its end. */
  #hand = this.#entries.entries();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(name: string): Promise<V | undefined> | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.value;
  }

  set(name: string, value: Promise<V | undefined>): void {
    if (this.#entries.size >= this.#max && !this.#entries.has(name)) this.#makeRoom();
    this.#entries.set(name, { value, used: false });
  }

  /** Where it is still this one. */
  delete(name: string, value?: Promise<V | undefined>): boolean {
    if (value !== undefined && this.#entries.get(name)?.value !== value) return false;
    return this.#entries.delete(name);
  }

  clear(): void {
    this.#entries.clear();
    this.#hand = this.#entries.entries();
  }

  #makeRoom(): void {
    for (let left = maxSearch; ; left--) {
      let next = this.#hand.next();
      if (next.done === true) {
        this.#hand = this.#entries.entries();
        next = this.#hand.next();
        if (next.done === true) return;
      }
      const [name, entry] = next.value;
      if (!entry.used || left <= 0) {
        this.#entries.delete(name);
        return;
      }
      entry.used = false;
    }
  }
}

/**
 * What was looked up by name, found or not found. What is not found has a bound of its own, so that whoever asks for names
 * that do not exist makes nobody forget those that do.
 */
export class Remembered<V> {
  readonly #found: Bounded<V>;
  readonly #missing: Bounded<V>;
  /** Look-ups that have not ended. */
  readonly #underWay = new Set<Promise<V | undefined>>();

  constructor(maxFound: number, maxMissing: number) {
    this.#found = new Bounded(maxFound);
    this.#missing = new Bounded(maxMissing);
  }

  get size(): number {
    return this.#found.size + this.#missing.size;
  }

  has(name: string): boolean {
    return this.#found.get(name) !== undefined || this.#missing.get(name) !== undefined;
  }

  /** One look-up for all who ask at once; a failed one is forgotten, so that the next request tries again. */
  get(name: string, look: () => Promise<V | undefined>): Promise<V | undefined> {
    const known = this.#found.get(name) ?? this.#missing.get(name);
    if (known !== undefined) return known;
    const looking = look();
    this.#found.set(name, looking);
    this.#underWay.add(looking);
    void this.#keep(name, looking);
    return looking;
  }

  /** Whether what {@link get} returned has to be waited for. */
  isUnderWay(looking: Promise<V | undefined>): boolean {
    return this.#underWay.has(looking);
  }

  async #keep(name: string, looking: Promise<V | undefined>): Promise<void> {
    try {
      if ((await looking) !== undefined) return;
      // Where it was forgotten meanwhile, what was read may be of before.
      if (this.#found.delete(name, looking)) this.#missing.set(name, looking);
    } catch {
      this.#found.delete(name, looking);
    } finally {
      this.#underWay.delete(looking);
    }
  }

  forget(name: string): void {
    this.#found.delete(name);
    this.#missing.delete(name);
  }

  clear(): void {
    this.#found.clear();
    this.#missing.clear();
  }
}
