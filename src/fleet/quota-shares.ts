/*
 * How the nodes of a database share out each quota: by how much of it each is asked for.
 *
 * A node lets through what it has claimed, and shows its claims to the others. It claims more only in the transaction that has read
 * what all others claim, and only what they leave; all writers of the store take turns, so that no two do so at once. What it is to
 * give up it stops using first, and shows a smaller claim only once nothing of the larger one is in use (held-shares.ts). So the
 * claims of all nodes never come to more than the quota, and what nodes let through never to more than their claims. There are two
 * exceptions, each with a bound (docs/operations.md): the even share that a node lets through which comes, before it could claim it, and what a
 * node uses on that could not show itself for so long that the others count on it no more.
 */

/** A whole quota, in the parts in which shares and demand are counted. */
export const wholeQuota = 10_000;

/** Each node has at least one part in so many of its even share. */
const floorPart = 8;

/**
 * A share is not given up for less than one part in so many of itself: demand is never twice the same. Where another node is asked for
 * nearly all that it has, and where none is.
 */
const tolerance = { needed: 64, spare: 4 };
/** A node that is asked for so much of its share may soon be asked for more. */
const nearlyAll = 3 / 4;

/** A node that needs more of a quota, and lacks more of it than this, asks the others again soon. */
const worthWaiting = wholeQuota / 16;

/** Of so many quotas a node tells its demand by itself, those with most; of others only where another node does. */
export const maxDemands = 200;

/** What a node claims of a quota, and how much of it it is asked for, both in parts of {@link wholeQuota}. */
export interface QuotaShare {
  /** `key-set:<id>` or `cloud-key:<id>`. */
  bucket: string;
  share: number;
  /** 0 for what the floor is enough for. */
  demand: number;
}

/** What a node shows of its quotas. */
export interface QuotaShares {
  /** What it claims of each quota that is not in the list. */
  each: number;
  listed: QuotaShare[];
  /** It may use what it claims for so long after it has shown it, milliseconds. */
  keeps: number;
}

/** What a node claims from now on, and what of that it is to use: less, where others are to have it. */
export interface Portion {
  claim: number;
  use: number;
}

/** What a node is told of its shares. */
export interface ToldShares {
  each: Portion;
  listed: (Portion & { bucket: string })[];
  /** What each node would have if none told what it is asked for. */
  even: number;
  /** What it may use of each quota in any case. */
  floor: number;
  /** It lacks what others have still. */
  waits: boolean;
  /** It is to have a share, had none, and lacks room for it. */
  comes: boolean;
}

/** Another node whose claims stand. */
export interface Peer {
  /** It is up, and is to have a share. */
  isSharer: boolean;
  /** Null of an older version, which takes an even share of each quota. */
  quotas: QuotaShares | null;
}

/** What a node has to say in a sign. */
export interface OwnQuotas {
  own: QuotaShares;
  /** Each quota is shared out among so many nodes at the least. */
  fleetSize: number;
  /** Since so many milliseconds it had not shown itself for too long, and the others may not have either; 0 where that is over. */
  away: number;
}

interface Claims {
  each: number;
  of: ReadonlyMap<string, QuotaShare>;
  takesPart: boolean;
}

/** The share and the floor of each node where so many share evenly. */
export function evenAmong(sharers: number): Pick<ToldShares, 'even' | 'floor'> {
  const even = Math.floor(wholeQuota / Math.max(1, sharers));
  return { even, floor: Math.max(1, Math.floor(even / floorPart)) };
}

export interface Division {
  /** What the others are to see of it, in the transaction that has read what they claim. */
  shown: QuotaShares;
  told: ToldShares;
}

/** What the node claims from now on; nothing in the end where it is not to have a share. */
export function divide(
  own: Pick<OwnQuotas, 'own' | 'fleetSize'>,
  isSharer: boolean,
  peers: readonly Peer[],
): Division {
  return new Divisor(own, isSharer, peers).divided();
}

class Divisor {
  readonly #keeps: number;
  readonly #own: Claims;
  readonly #others: readonly Claims[];
  /** What all nodes of the database may claim together. */
  readonly #capacity: number;
  /** What those may that say what they are asked for. */
  readonly #divisible: number;
  readonly #even: number;
  readonly #floor: number;

  constructor(
    { own, fleetSize }: Pick<OwnQuotas, 'own' | 'fleetSize'>,
    isSharer: boolean,
    peers: readonly Peer[],
  ) {
    const sharers = peers.filter((peer) => peer.isSharer);
    const count = sharers.length + (isSharer ? 1 : 0);
    const older = sharers.filter(({ quotas }) => quotas === null).length;
    const { even, floor } = evenAmong(Math.max(count, fleetSize));
    this.#keeps = own.keeps;
    this.#own = claimsOf(own, isSharer);
    this.#others = peers.map((peer) =>
      peer.quotas === null
        ? { each: even, of: new Map(), takesPart: false }
        : claimsOf(peer.quotas, peer.isSharer),
    );
    this.#capacity = even * count;
    this.#divisible = even * (count - older);
    this.#even = even;
    this.#floor = floor;
  }

  divided(): Division {
    const names = this.#names();
    const targets = new Map([...names].map((bucket) => [bucket, this.#target(bucket)]));
    const eachTarget = this.#target(undefined);
    const each = portion(this.#own.each, eachTarget, this.#roomOfRest(names));
    let waits = lacks(each, eachTarget);
    const shown: QuotaShare[] = [];
    const listed: ToldShares['listed'] = [];
    for (const [bucket, target] of targets) {
      const { share: held, demand } = this.#own.of.get(bucket) ?? {
        share: this.#own.each,
        demand: 0,
      };
      const isAsked = this.#isAsked(bucket);
      const isNear = isAsked && (held - target) * this.#tolerance(bucket) <= held;
      const mine = portion(held, isNear ? Math.max(held, target) : target, this.#room(bucket));
      waits ||= needs(mine.claim, demand) && lacks(mine, target);
      // As the rest of them again: it needs no mention.
      if (!isAsked && mine.claim === each.claim && mine.use === each.use) continue;
      shown.push({ bucket, share: mine.claim, demand });
      listed.push({ bucket, ...mine });
    }
    return {
      shown: { each: each.claim, listed: shown, keeps: this.#keeps },
      told: {
        ...{ each, listed, even: this.#even, floor: this.#floor, waits },
        comes: this.#own.takesPart && this.#own.each === 0 && (waits || each.claim === 0),
      },
    };
  }

  /** Quotas with a share of their own: what this node claims of them, and what any is asked for. */
  #names(): Set<string> {
    const asked = this.#others
      .filter(({ takesPart }) => takesPart)
      .flatMap(({ of }) => [...of.values()].filter(({ demand }) => demand > 0));
    return new Set([...this.#own.of.values(), ...asked].map(({ bucket }) => bucket));
  }

  #isAsked(bucket: string): boolean {
    return [this.#own, ...this.#others].some(
      ({ of, takesPart }) => takesPart && (of.get(bucket)?.demand ?? 0) > 0,
    );
  }

  #tolerance(bucket: string): number {
    const isNeeded = this.#others.some(({ each, of, takesPart }) => {
      const { share = each, demand = 0 } = of.get(bucket) ?? {};
      return takesPart && needs(share, demand);
    });
    return isNeeded ? tolerance.needed : tolerance.spare;
  }

  /** What the node is to have of the quota, once the others have what they are to have; of one that none is asked for without a name. */
  #target(bucket: string | undefined): number {
    if (!this.#own.takesPart) return 0;
    const demandOf = ({ of }: Claims): number =>
      Math.max((bucket === undefined ? undefined : of.get(bucket)?.demand) ?? 0, this.#floor);
    const others = this.#others.filter(({ takesPart }) => takesPart).map(demandOf);
    return partBy(demandOf(this.#own), others, this.#divisible);
  }

  /** What the others leave of the quota. */
  #room(bucket: string): number {
    const taken = this.#others.reduce((sum, { each, of }) => sum + (of.get(bucket)?.share ?? each), 0);
    return this.#capacity - taken;
  }

  /** What they leave of every quota that is not among `names`. */
  #roomOfRest(names: ReadonlySet<string>): number {
    const taken = this.#others.reduce((sum, { each }) => sum + each, 0);
    const rest = new Set(this.#others.flatMap(({ of }) => [...of.keys()].filter((name) => !names.has(name))));
    return Math.min(this.#capacity - taken, ...[...rest].map((bucket) => this.#room(bucket)));
  }
}

function claimsOf({ each, listed }: QuotaShares, takesPart: boolean): Claims {
  return { each, takesPart, of: new Map(listed.map((share) => [share.bucket, share])) };
}

/**
 * The part of who wants `wanted`. Where there is enough for all, each has what it wants and as much again of the rest as that is of
 * all wants. Else none gets more than it wants, and none less than it wants as long as another gets more than it.
 */
function partBy(wanted: number, others: readonly number[], divisible: number): number {
  const all = [wanted, ...others].toSorted((a, b) => a - b);
  const sum = all.reduce((total, one) => total + one, 0);
  if (sum <= divisible) return Math.floor((wanted * divisible) / sum);
  let left = divisible;
  for (const [at, one] of all.entries()) {
    const even = left / (all.length - at);
    if (one > even) return Math.min(wanted, Math.floor(even));
    left -= one;
  }
  return wanted;
}

/** On the way from what is held to `target`: down by using less first, up as far as there is room. */
function portion(held: number, target: number, room: number): Portion {
  if (target < held) return { claim: held, use: target };
  const claim = Math.min(target, Math.max(held, room));
  return { claim, use: claim };
}

function needs(share: number, demand: number): boolean {
  return demand > nearlyAll * share;
}

function lacks({ claim }: Portion, target: number): boolean {
  return target - claim > worthWaiting;
}
