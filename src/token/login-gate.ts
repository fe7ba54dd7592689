import { once } from 'node:events';

/** How many hosts of a token may be on their way to a login once one has succeeded. */
const concurrency = 3;

/** What the operator is told when the token has refused the PIN. */
export const remediationOfRefusedPin =
  'put the right PIN in place; Holdfast does not try the same one again, since tokens lock themselves';

/**
 * By what a node that serves gets to know of another PIN: a file is read at each login, and SIGHUP has one tried that comes
 * after a refusal; what systemd handed over or somebody typed is what it was until the node ends.
 */
export type NewPinBy = 'reload' | 'restart';

/** The same in words, after those of {@link remediationOfRefusedPin}. */
export const thenNewPin: Readonly<Record<NewPinBy, string>> = {
  reload: 'then send SIGHUP to the node',
  restart: 'then restart the node: a reload hands it no other PIN',
};

/** So many failures in a row of its first host, and the others wait for it no more. */
const maxFirstFailures = 3;

/** Those whose hosts of a token serve together: one worker. */
export class HostParty {
  /** 0 for those that serve AWS: where a token has room for one host, it is theirs. */
  readonly rank: number;
  /** That are ready. */
  hosts = 0;
  /** That are ready, or on their way. */
  taken = 0;
  /** Starts that failed since it had a host. */
  failures = 0;
  keepers = 0;

  constructor(rank = 0) {
    this.rank = rank;
  }

  /** Whether others wait for it to get its first host. */
  get isWaitedFor(): boolean {
    return this.keepers > 0 && this.hosts === 0 && this.failures < maxFirstFailures;
  }
}

/**
 * Lets hosts of one token log in one after another until a login has succeeded, then a few at once, and none at all
 * once the token has refused the PIN: a wrong PIN tried by every host would lock the token. No party gets a second host
 * before each has its first: a token may have fewer sessions than hosts are wanted.
 */
export class LoginGate {
  #inside = 0;
  #proven = false;
  #refused = false;
  #changed = Promise.withResolvers<void>();
  readonly #parties = new Set<HostParty>();
  readonly newPinBy: NewPinBy;
  /** How often {@link reset} was called. */
  resets = 0;

  /** `refused` where the token is known to refuse the PIN that there is. */
  constructor(newPinBy: NewPinBy = 'reload', refused = false) {
    this.#refused = refused;
    this.newPinBy = newPinBy;
  }

  get refused(): boolean {
    return this.#refused;
  }

  /**
   * Waits for a turn; false where `signal` was aborted meanwhile. While the PIN counts as refused there is no turn:
   * `whenRefused` says whether to wait for {@link reset} or to leave.
   */
  async enter(
    signal: AbortSignal,
    whenRefused: 'wait' | 'leave' = 'wait',
    party?: HostParty,
  ): Promise<boolean> {
    const aborted = signal.aborted ? undefined : once(signal, 'abort');
    while (!signal.aborted) {
      if (this.#refused && whenRefused === 'leave') return false;
      if (!this.#refused && this.#inside < (this.#proven ? concurrency : 1) && this.#isTurnOf(party)) {
        this.#inside++;
        if (party !== undefined) party.taken++;
        return true;
      }
      await Promise.race([this.#changed.promise, aborted]);
    }
    return false;
  }

  #isTurnOf(party: HostParty | undefined): boolean {
    if (party === undefined) return true;
    const others = [...this.#parties].filter((other) => other !== party);
    if (party.taken > 0) return !party.isWaitedFor && !others.some((other) => other.isWaitedFor);
    const before = others.filter(({ rank }) => rank < party.rank);
    return before.every((other) => !other.isWaitedFor) || before.some(({ hosts }) => hosts > 0);
  }

  /** Whether anybody has a host of the token. */
  get hasHosts(): boolean {
    return [...this.#parties].some(({ hosts }) => hosts > 0);
  }

  /** A keeper of the party begins. */
  join(party: HostParty): void {
    party.keepers++;
    this.#parties.add(party);
  }

  /** A keeper of the party ends. */
  part(party: HostParty): void {
    if (--party.keepers === 0) this.#parties.delete(party);
    this.#wake();
  }

  gained(party: HostParty): void {
    party.hosts++;
    party.failures = 0;
    this.#wake();
  }

  /** What entered has ended. */
  lost(party: HostParty, wasReady: boolean): void {
    party.taken--;
    if (wasReady) party.hosts--;
    else party.failures++;
    this.#wake();
  }

  leave(outcome: 'ready' | 'failed' | 'pin-refused'): void {
    this.#inside--;
    // A start that failed may have been refused by a token that counts: back to one at a time.
    this.#proven = outcome === 'ready';
    if (outcome === 'pin-refused') this.#refused = true;
    this.#wake();
  }

  /** A login or a host was lost: the PIN may have been changed meanwhile, so the next login is made alone. */
  doubt(): void {
    this.#proven = false;
  }

  /** The operator says that the PIN is right now, or that there is room for more hosts (SIGHUP). */
  reset(): void {
    this.resets++;
    this.#refused = false;
    this.#proven = false;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
