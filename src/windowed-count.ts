/** Counts by windows of a fixed length, of which the present one and the one before are remembered. */
export class WindowedCount {
  readonly #length: number;
  #window = 0;
  #before = 0;
  #current = 0;

  /** @param length Milliseconds of the clock that the moments are of. */
  constructor(length: number) {
    this.#length = length;
  }

  add(count: number, now: number): void {
    this.#roll(now);
    this.#current += count;
  }

  /** Of the last window that is over. */
  complete(now: number): number {
    this.#roll(now);
    return this.#before;
  }

  /** Since the beginning of the window before. */
  total(now: number): number {
    return this.complete(now) + this.#current;
  }

  /** When the window before the present one began. */
  static start(length: number, now: number): number {
    return (Math.floor(now / length) - 1) * length;
  }

  #roll(now: number): void {
    const window = Math.floor(now / this.#length);
    if (window === this.#window) return;
    this.#before = window === this.#window + 1 ? this.#current : 0;
    this.#current = 0;
    this.#window = window;
  }
}
