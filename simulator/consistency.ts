import type { SimulatedTimes } from './simulator-options.ts';

/** What a record was until it was changed; undefined for one that was not there. */
interface Change {
  readonly at: number;
  readonly before: unknown;
}

/**
 * Eventual consistency (KMS developer guide, "AWS KMS eventual consistency"; IAM user guide, "Changes that I make are not
 * always immediately visible"): what was changed shows to reads, and to requests that name it, only after a time. Half of
 * it nobody sees the change; in the other half one read does and the next may not. What must be unique is checked
 * against what is really there, at once.
 *
 * A record is known by a name such as its ARN; what it was before its last changes is kept until they have spread.
 */
export class Consistency {
  readonly #time: () => SimulatedTimes | undefined;
  readonly #now: () => Date;
  readonly #changes = new Map<string, Change[]>();
  #settledAt = -Infinity;
  #random = 0x9e3779b9;

  constructor(time: () => SimulatedTimes | undefined, now: () => Date) {
    this.#time = time;
    this.#now = now;
  }

  /** By the clock by which changes spread. */
  now(): number {
    return this.#now().getTime();
  }

  /** Milliseconds; 0 where everything shows at once. */
  get window(): number {
    return this.#time()?.consistencyMs ?? 0;
  }

  /** To be called before a record is changed, with what it is until then; undefined for one that is being made. */
  changing(name: string, before: object | undefined): void {
    if (this.window === 0) return;
    this.#forgetOld();
    const change = { at: this.#now().getTime(), before: structuredClone(before) };
    this.#changes.set(name, [...(this.#changes.get(name) ?? []), change]);
  }

  /** What a read sees of a record that is `current` in truth; undefined where it sees none. */
  seen<T extends object>(name: string, current: T | undefined): T | undefined {
    const changes = this.#changes.get(name);
    if (changes === undefined) return current;
    const asOf = this.#asOf();
    const first = changes.find(({ at }) => at > asOf);
    return first === undefined ? current : (first.before as T | undefined);
  }

  /** Records that are gone and that a read still sees, of those whose names begin so. */
  ghosts<T extends object>(prefix: string, isThere: (name: string) => boolean): T[] {
    return [...this.#changes.keys()].flatMap((name) =>
      name.startsWith(prefix) && !isThere(name) ? (this.seen<T>(name, undefined) ?? []) : [],
    );
  }

  /** Whether what was made or changed at this time, by the simulator's clock, has spread for certain. */
  hasSpread(changedAt: number, window = this.window): boolean {
    return changedAt <= this.#settledAt || this.#now().getTime() >= changedAt + window;
  }

  /** Everything that was changed until now shows everywhere. */
  settle(): void {
    this.#changes.clear();
    this.#settledAt = this.#now().getTime();
  }

  /** What was changed later a read does not see. */
  #asOf(): number {
    const late = this.#toss() ? this.window : this.window / 2;
    return Math.max(this.#settledAt, this.#now().getTime() - late);
  }

  #forgetOld(): void {
    for (const [name, changes] of this.#changes) {
      const open = changes.filter(({ at }) => !this.hasSpread(at));
      if (open.length === 0) this.#changes.delete(name);
      else this.#changes.set(name, open);
    }
  }

  /** Xorshift: the same tosses with each start, so that what a test finds it finds again. */
  #toss(): boolean {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return (this.#random & 1) === 1;
  }
}
