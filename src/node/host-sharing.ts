import type { TokenInfo } from '../token/token-info.ts';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import type { ToWorker } from './messages.ts';
import { socketPair } from './socket-pair.ts';
import type { LoginGate } from '../token/login-gate.ts';

/** After a pair of sockets could not be had, or one was lost, milliseconds. */
const pauseAfterFailure = 250;

/** Hosts of a token that are there, and of them those that find in time what is asked of them. */
export interface HostCount {
  wanted: number;
  ready: number;
  prepared: number;
  /** Of each of the HSMs that hold the token's keys. */
  members: readonly MemberCount[];
}

/** Hosts of one HSM. */
export interface MemberCount {
  name: string;
  wanted: number;
  prepared: number;
  /** The HSM, as a host of it told last. */
  info?: TokenInfo | undefined;
}

/** An XKS worker with its hosts. */
export interface Sharer {
  index: number;
  /** The process that it is now; undefined while there is none. */
  readonly worker: { readonly pid?: number | undefined } | undefined;
  hosts(token: string): HostCount;
  tell(message: ToWorker, handle?: Socket): void;
}

interface Loan {
  id: number;
  borrower: NonNullable<Sharer['worker']>;
  lender: NonNullable<Sharer['worker']>;
  hosts: number;
  prepared: boolean;
}

/**
 * Sees to it that what one worker's hosts can do, every worker can have done: the kernel chooses the worker that gets a
 * connection, and nobody may be refused by its choice. For each token each worker has a neighbour, whose hosts do what none
 * of its own can: because they are gone and their replacements are refused, hang, or are still on their way.
 */
export class HostSharing {
  readonly #tokens: readonly string[];
  readonly #sharers: readonly Sharer[];
  readonly #log: Logger;
  readonly #pair: typeof socketPair;
  /** By worker and token. */
  readonly #loans = new Map<string, Loan>();
  /** What each process was told last, by token. */
  readonly #told = new WeakMap<NonNullable<Sharer['worker']>, Map<string, string>>();
  #lastId = 0;
  #isDue = false;
  #running = false;
  #stopped = false;

  constructor(
    tokens: readonly string[],
    sharers: readonly Sharer[],
    log: Logger,
    pair: typeof socketPair = socketPair,
  ) {
    this.#tokens = tokens;
    this.#sharers = sharers;
    this.#log = log;
    this.#pair = pair;
  }

  /** A worker or a host came or went. */
  changed(): void {
    this.#isDue = true;
    if (!this.#running && !this.#stopped) void this.#run();
  }

  /** A worker has lost what it borrowed, and not by our word. */
  lost(id: number): void {
    for (const [name, loan] of this.#loans) if (loan.id === id) this.#loans.delete(name);
    setTimeout(() => this.changed(), pauseAfterFailure).unref();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#isDue && !this.#stopped) {
      this.#isDue = false;
      try {
        for (const token of this.#tokens) {
          this.#tellLack(token);
          for (const sharer of this.#sharers) await this.#settle(sharer, token);
        }
      } catch (error) {
        this.#log.warn({ problem: (error as Error).message }, 'token hosts could not be shared yet');
        this.#isDue = true;
        await delay(pauseAfterFailure, undefined, { ref: false });
      }
    }
    this.#running = false;
  }

  /** What a worker says of the token's health is of all hosts, not of its own. */
  #tellLack(token: string): void {
    const lack = lackOf(this.#sharers.map((sharer) => sharer.hosts(token).members));
    const words = JSON.stringify(lack);
    for (const sharer of this.#sharers) {
      const { worker } = sharer;
      if (worker === undefined) continue;
      const told = this.#told.get(worker) ?? new Map<string, string>();
      this.#told.set(worker, told);
      if ((told.get(token) ?? noLack) === words) continue;
      told.set(token, words);
      sharer.tell({ kind: 'others-lack-hosts', token, ...lack });
    }
  }

  async #settle(sharer: Sharer, token: string): Promise<void> {
    const name = `${sharer.index} ${token}`;
    const loan = this.#loans.get(name);
    const lender = this.#lenderOf(sharer, token);
    if (
      lender !== undefined &&
      loan !== undefined &&
      loan.lender === lender.worker &&
      loan.borrower === sharer.worker
    ) {
      this.#update(sharer, token, loan, lender.hosts(token));
      return;
    }
    if (lender !== undefined && sharer.worker !== undefined) await this.#lend(sharer, lender, token);
    else this.#loans.delete(name);
    // Only now, so that what it holds goes to the new one.
    if (loan !== undefined && loan.borrower === sharer.worker)
      sharer.tell({ kind: 'borrowed-gone', token, id: loan.id });
  }

  /** Who is to lend to it: whoever does, as long as there is no better one. */
  #lenderOf(sharer: Sharer, token: string): Sharer | undefined {
    if (sharer.worker === undefined) return undefined;
    const present = this.#loans.get(`${sharer.index} ${token}`)?.lender;
    const rank = (other: Sharer): number[] => {
      const { ready, prepared } = other.hosts(token);
      const distance = (other.index - sharer.index + this.#sharers.length) % this.#sharers.length;
      return [
        prepared > 0 ? 0 : 1,
        other.worker === present ? 0 : 1,
        this.#needing(other, sharer, token) / ready,
        distance,
      ];
    };
    return this.#sharers
      .filter((other) => other !== sharer && other.worker !== undefined && other.hosts(token).ready > 0)
      .map((other) => ({ other, rank: rank(other) }))
      .toSorted((a, b) => compare(a.rank, b.rank))[0]?.other;
  }

  /** How many others have nothing but what this one lends them. */
  #needing(lender: Sharer, sharer: Sharer, token: string): number {
    return this.#sharers.filter(
      (other) =>
        other !== sharer &&
        other.hosts(token).ready === 0 &&
        this.#loans.get(`${other.index} ${token}`)?.lender === lender.worker,
    ).length;
  }

  async #lend(sharer: Sharer, lender: Sharer, token: string): Promise<void> {
    const [borrower, from] = [sharer.worker, lender.worker];
    const [ours, theirs] = await this.#pair();
    if (borrower === undefined || from === undefined || this.#stopped || sharer.worker !== borrower) {
      ours.destroy();
      theirs.destroy();
      return;
    }
    const { ready, prepared } = lender.hosts(token);
    const id = --this.#lastId;
    const has = { hosts: Math.max(1, prepared, ready), prepared: prepared > 0 };
    this.#loans.set(`${sharer.index} ${token}`, { id, borrower, lender: from, ...has });
    lender.tell({ kind: 'lend', token }, theirs);
    sharer.tell({ kind: 'borrow', token, id, pid: from.pid ?? 0, ...has }, ours);
  }

  #update(sharer: Sharer, token: string, loan: Loan, { ready, prepared }: HostCount): void {
    const has = { hosts: ready, prepared: prepared > 0 };
    if (loan.hosts === has.hosts && loan.prepared === has.prepared) return;
    Object.assign(loan, has);
    sharer.tell({ kind: 'borrowed-hosts', token, id: loan.id, ...has });
  }
}

/** Of which members some worker lacks hosts, and of which every one has none. */
function lackOf(ofWorkers: readonly (readonly MemberCount[])[]): { lacking: string[]; gone: string[] } {
  const all = ofWorkers.flat();
  const lacking = [
    ...new Set(all.filter(({ prepared, wanted }) => prepared < wanted).map(({ name }) => name)),
  ];
  const gone = lacking.filter((name) => all.every((one) => one.name !== name || one.prepared === 0));
  return { lacking, gone };
}

const noLack = JSON.stringify(lackOf([]));

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [at, one] of a.entries()) {
    const difference = one - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Whether a token cannot be served at all for refused PINs: every HSM that has its keys refused its own, and no host is
 * logged in from before. A host that is goes on, whatever PIN the next one would try.
 */
export function isLostToPins(
  token: string,
  groups: readonly Pick<Sharer, 'hosts'>[],
  gates: readonly Pick<LoginGate, 'refused'>[],
): boolean {
  return gates.every(({ refused }) => refused) && groups.every((group) => group.hosts(token).ready === 0);
}
