/**
 * Comparisons of store and tokens by a node that starts: one of all, and one more where a token, or a member of an HSM group,
 * that had no host then has its first. So at most one for each, one after another; what comes and goes later is not compared by itself.
 */
export class Comparisons {
  readonly #run: (onSettled: () => void) => Promise<void>;
  readonly #open = new Set<string>();
  #last: Promise<void> | undefined;

  constructor(run: (onSettled: () => void) => Promise<void>) {
    this.#run = run;
  }

  /** How many tokens and members had a host. */
  get open(): number {
    return this.#open.size;
  }

  /** Of all, as the tokens are now. */
  async begin(onSettled: () => void): Promise<void> {
    this.#last = this.#run(onSettled);
    return this.#last;
  }

  /** A token, or a member, has a host. Resolves once what has to be compared for it is. */
  async opened(token: string): Promise<void> {
    if (this.#open.has(token)) return;
    this.#open.add(token);
    if (this.#last === undefined) return;
    this.#last = this.#last.then(async () => this.#run(() => undefined));
    return this.#last;
  }
}
