import {
  evenAmong,
  maxDemands,
  wholeQuota,
  type OwnQuotas,
  type Portion,
  type QuotaShare,
  type ToldShares,
} from './quota-shares.ts';
import { showEvery } from './nodes.ts';

/** So long after a database was away for all nodes each has shown itself again, milliseconds. */
const othersShowWithin = 2.5 * showEvery;
/** Demand is measured over no less than this, milliseconds: signs may come closer than every ten seconds. */
const measuredOver = showEvery / 2;

/**
 * A node that comes lets an even share through at once, for so long that the others have surely made room, milliseconds: a load balancer
 * sends it its part of the requests from the first second on, and a restart is to fail none of them.
 */
export const comesFor = 2 * showEvery;

export interface HeldSharesOptions {
  /** `node.fleet_size` */
  fleetSize: number;
  /** What is claimed may be used for so long after the others were shown it, milliseconds; then no more than an even share. */
  keeps: number;
  /** After so long nothing is in use any more of what was let through by a larger share, milliseconds. */
  settlesAfter: number;
  /** The machine's monotonic clock, which the workers' leases go by, milliseconds. */
  now: () => number;
  /** A clock that goes on while the machine is suspended, milliseconds. */
  bootNow: () => number;
  /** How much of each quota was asked for since this was asked last, in requests: of the whole quota, by second. */
  demands: () => ReadonlyMap<string, number>;
  /** What of each quota is let through from now on, 1 for all of it: of those that are named, and of each other one. */
  onParts: (parts: { each: number; of: ReadonlyMap<string, number> }) => void;
}

interface Held extends Portion {
  /** Since when no more than `use` is used. */
  since: number;
}

/** What a node shows of its shares, and what {@link HeldShares} is to be given back with the answer. */
export interface SharesSign {
  quotas: OwnQuotas;
  sent: { at: number; lapses: number };
}

/**
 * The shares of the quotas that a node holds (docs/operations.md): never used beyond what the others were shown. Where they may think
 * that the node is no more it holds no more than an even share, as if none had told what it is asked for: it is not to know whether it
 * alone is cut off from the database or all of them are.
 */
export class HeldShares {
  readonly #options: HeldSharesOptions;
  #each: Held = { claim: 0, use: 0, since: 0 };
  #listed = new Map<string, Held>();
  #even: number;
  #floor: number;
  /** When the sign was sent that has come through last. */
  #shownAt: number | undefined;
  /** It had not come through for too long: the last one before that, and the first one since. */
  #gap: { from: number; to: number | undefined } | undefined;
  #lapses = 0;
  /** Since when it has been to have a share for which there is not all the room yet; undefined once it has it, and while it is to have none. */
  #comesSince: number | undefined;
  #isComing = true;
  #demands: ReadonlyMap<string, number> = new Map();
  #measuredAt: number;

  constructor(options: HeldSharesOptions) {
    this.#options = options;
    // Until it has heard of others it counts on one.
    ({ even: this.#even, floor: this.#floor } = evenAmong(Math.max(2, options.fleetSize)));
    this.#measuredAt = options.now();
    this.#comesSince = options.now();
    this.#tell();
  }

  sign(): SharesSign {
    this.lapse();
    const { fleetSize, keeps } = this.#options;
    const now = this.#options.now();
    const demands = this.#measured(now);
    const each = this.#claim(this.#each, now);
    const told = [...demands.keys()].slice(0, maxDemands);
    const listed: QuotaShare[] = [...new Set([...this.#listed.keys(), ...told])].map((bucket) => {
      const held = this.#listed.get(bucket);
      const share = held === undefined ? each : this.#claim(held, now);
      return { bucket, share, demand: demands.get(bucket) ?? 0 };
    });
    const at = this.#options.bootNow();
    return {
      quotas: { own: { each, listed, keeps }, fleetSize, away: this.#away(at) },
      sent: { at, lapses: this.#lapses },
    };
  }

  /** The others were shown it. Answers after how many milliseconds the next sign is wanted; undefined for as usual. */
  heard(
    { each, listed, even, floor, waits, comes }: ToldShares,
    { at, lapses }: SharesSign['sent'],
  ): number | undefined {
    const { settlesAfter } = this.#options;
    // What it claimed in the sign it uses no more: it may be another's by now.
    if (lapses !== this.#lapses) return settlesAfter;
    const now = this.#options.now();
    const before = this.#each;
    this.#each = held(each, before, now);
    this.#listed = new Map(
      listed.map(({ bucket, ...portion }) => [
        bucket,
        held(portion, this.#listed.get(bucket) ?? before, now),
      ]),
    );
    this.#even = even;
    this.#floor = floor;
    if (comes) this.#comesSince ??= now;
    else if (!waits) this.#comesSince = undefined;
    this.#shownAt = at;
    if (this.#gap !== undefined) this.#gap.to ??= at;
    this.#tell();
    const gives = [this.#each, ...this.#listed.values()].some(({ claim, use }) => use < claim);
    return gives ? settlesAfter : waits ? 2 * settlesAfter : undefined;
  }

  /** Gives up what is more than an even share where no sign has come through for too long. Call it at each try of one. */
  lapse(): void {
    // It may have come to no end.
    if (this.#isComing) this.#tell();
    if (this.#shownAt === undefined) return;
    if (this.#options.bootNow() - this.#shownAt < this.#options.keeps) return;
    this.#lapses++;
    this.#gap = { from: this.#shownAt, to: undefined };
    this.#shownAt = undefined;
    const now = this.#options.now();
    const even = this.#even;
    const least = (one: Held): Held => (one.use > even ? { ...one, use: even, since: now } : one);
    this.#each = least(this.#each);
    this.#listed = new Map([...this.#listed].map(([bucket, one]) => [bucket, least(one)]));
    this.#tell();
  }

  /** How long none came through, milliseconds, until the others have had the time to show themselves again after that. */
  #away(at: number): number {
    if (this.#gap === undefined) return 0;
    const { from, to = at } = this.#gap;
    return at - to < othersShowWithin ? at - from : 0;
  }

  /** In parts of the quota, most first; of those alone for which the floor may not be enough. */
  #measured(now: number): ReadonlyMap<string, number> {
    if (now - this.#measuredAt < measuredOver) return this.#demands;
    this.#measuredAt = now;
    const asked = [...this.#options.demands()]
      .map(([bucket, part]) => [bucket, Math.min(wholeQuota, Math.round(part * wholeQuota))] as const)
      .filter(([, demand]) => demand > this.#floor)
      .toSorted(([, a], [, b]) => b - a);
    this.#demands = new Map(asked);
    return this.#demands;
  }

  /** What it has stopped using counts until it is certainly used up. */
  #claim({ claim, use, since }: Held, now: number): number {
    return now - since < this.#options.settlesAfter ? claim : use;
  }

  #tell(): void {
    const since = this.#comesSince;
    this.#isComing = since !== undefined && this.#options.now() - since < comesFor;
    const least = this.#isComing ? this.#even : this.#floor;
    const part = ({ use }: Held): number => Math.max(use, least) / wholeQuota;
    this.#options.onParts({
      each: part(this.#each),
      of: new Map([...this.#listed].map(([bucket, one]) => [bucket, part(one)])),
    });
  }
}

function held({ claim, use }: Portion, before: Held, now: number): Held {
  return { claim, use, since: use < claim && use === before.use ? before.since : now };
}
