import type { TokenRequest } from '../messages.ts';

/** What waits for a token, as far as its place in the row goes. */
export interface Waiting {
  readonly request: TokenRequest;
  /** Whom it is for: each lane has the same share of the token, whatever the others ask for. */
  readonly lane: string;
  /** How much of the token it takes, in single operations. */
  readonly cost: number;
  /** Nobody waits for it any more. */
  readonly settled: boolean;
}

/** Without the secret of a credential none of its requests can be looked at; and data that cannot be read stops people today. */
const ranks: Readonly<Partial<Record<TokenRequest['kind'], number>>> = { unseal: 0, decrypt: 1 };
const lowestRank = 2;

interface Lane<Entry> {
  /** By rank, oldest first. */
  readonly rows: readonly [Entry[], Entry[], Entry[]];
  /** What all of it costs, by rank. */
  readonly costs: [number, number, number];
  count: number;
  /** Has its turn before those with a higher one. */
  turn: number;
}

/**
 * What waits for a host of one token. Lanes have their turns one after another (start-time fair queueing): what one asks for
 * beyond its share waits in its own lane. In a lane decrypts go before encrypts, and so they do between lanes whose turn it is.
 */
export class WaitingRoom<Entry extends Waiting> {
  readonly #lanes = new Map<string, Lane<Entry>>();
  /** The turn of what was taken last. */
  #turn = 0;
  #count = 0;

  get length(): number {
    return this.#count;
  }

  /** What all that waits costs, in single operations. */
  get cost(): number {
    let cost = 0;
    for (const { costs } of this.#lanes.values()) cost += sum(costs, lowestRank);
    return cost;
  }

  add(entry: Entry): void {
    let lane = this.#lanes.get(entry.lane);
    if (lane === undefined) {
      lane = { rows: [[], [], []], costs: [0, 0, 0], count: 0, turn: this.#turn };
      this.#lanes.set(entry.lane, lane);
    }
    // What it did not ask for before it does not get now.
    if (lane.count === 0) lane.turn = Math.max(lane.turn, this.#turn);
    const rank = rankOf(entry);
    lane.rows[rank].push(entry);
    lane.costs[rank] += entry.cost;
    lane.count++;
    this.#count++;
  }

  /** Whose turn it is, `passed` lanes aside; undefined where nobody waits. It stays until {@link take}. */
  next(passed?: ReadonlySet<string>): Entry | undefined {
    for (;;) {
      const lane = this.#lane(passed);
      const entry = lane === undefined ? undefined : first(lane);
      if (lane === undefined || entry === undefined || !entry.settled) return entry;
      // Its caller has been told already: that was no turn of the lane.
      this.#remove(lane, entry, 0);
    }
  }

  /** Takes what {@link next} has given. Lanes that were passed over have had their turn: they do not have it twice later. */
  take(entry: Entry, passed?: ReadonlySet<string>): void {
    const lane = this.#lanes.get(entry.lane);
    if (lane === undefined) return;
    this.#turn = lane.turn;
    lane.turn += entry.cost;
    this.#remove(lane, entry, 0);
    for (const name of passed ?? []) {
      const other = this.#lanes.get(name);
      if (other !== undefined) other.turn = Math.max(other.turn, this.#turn);
    }
    if (this.#count > 0) return;
    this.#lanes.clear();
    this.#turn = 0;
  }

  /** What will be done before `entry`, were it added now and nothing after it; in single operations. */
  costBefore(entry: Entry): number {
    const rank = rankOf(entry);
    const own = this.#lanes.get(entry.lane);
    const inLane = own === undefined ? 0 : sum(own.costs, rank);
    const turn = Math.max(own?.turn ?? 0, this.#turn) + inLane;
    let before = inLane;
    for (const lane of this.#lanes.values())
      // Of each other lane what has its turn until then.
      if (lane !== own && lane.count > 0)
        before += Math.min(sum(lane.costs, lowestRank), Math.max(0, turn + entry.cost - lane.turn));
    return before;
  }

  /**
   * Makes room for `newcomer` where too many wait: what came last to the lane that has most, and not its decrypts where it has
   * anything else. Undefined where that is the newcomer.
   */
  dropFor(newcomer: Entry): Entry | undefined {
    const own = this.#lanes.get(newcomer.lane);
    let fullest = own;
    for (const lane of this.#lanes.values()) if (lane.count > (fullest?.count ?? 0) + 1) fullest = lane;
    if (fullest === undefined) return undefined;
    const rank = fullest.rows.findLastIndex(({ length }) => length > 0);
    if (fullest === own && rank <= rankOf(newcomer)) return undefined;
    const row = fullest.rows[rank as 0 | 1 | 2];
    const last = row.at(-1);
    if (last !== undefined) this.#remove(fullest, last, row.length - 1);
    return last;
  }

  /** Forgets all that nobody waits for any more. */
  forgetSettled(): void {
    for (const lane of this.#lanes.values())
      for (const row of lane.rows)
        for (let at = row.length - 1; at >= 0; at--) {
          const entry = row[at];
          if (entry?.settled === true) this.#remove(lane, entry, at);
        }
  }

  #lane(passed?: ReadonlySet<string>): Lane<Entry> | undefined {
    let best: Lane<Entry> | undefined;
    let bestRank = 0;
    for (const [name, lane] of this.#lanes) {
      if (lane.count === 0) {
        // Its turn has been, so that one that comes anew has no other.
        if (lane.turn <= this.#turn) this.#lanes.delete(name);
        continue;
      }
      if (passed?.has(name) === true) continue;
      const rank = lane.rows.findIndex(({ length }) => length > 0);
      if (best !== undefined && (lane.turn > best.turn || (lane.turn === best.turn && rank >= bestRank)))
        continue;
      best = lane;
      bestRank = rank;
    }
    return best;
  }

  #remove(lane: Lane<Entry>, entry: Entry, at: number): void {
    const rank = rankOf(entry);
    lane.rows[rank].splice(at, 1);
    lane.costs[rank] -= entry.cost;
    lane.count--;
    this.#count--;
  }
}

/** What it takes of a token: an encryption that is verified is two. */
export function costOf(request: TokenRequest): number {
  return request.kind === 'encrypt' && request.verify ? 2 : 1;
}

function rankOf({ request }: Waiting): 0 | 1 | 2 {
  return (ranks[request.kind] ?? lowestRank) as 0 | 1 | 2;
}

function first<Entry>({ rows }: Lane<Entry>): Entry | undefined {
  return rows[0][0] ?? rows[1][0] ?? rows[2][0];
}

function sum(costs: readonly number[], rank: number): number {
  let all = 0;
  for (let one = 0; one <= rank; one++) all += costs[one] ?? 0;
  return all;
}
