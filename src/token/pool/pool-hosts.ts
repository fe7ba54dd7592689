import { monotonicNow } from '../../clock.ts';
import { TokenError } from '../faults.ts';
import { hasProof } from '../key-identity.ts';
import type { TokenRequest } from '../messages.ts';
import type { ResponseFrame } from '../response-frames.ts';
import type { HostState } from './host-link.ts';
import type { Entry, Link } from './pool-entry.ts';

/** An answer that is older than this says nothing about health (XKS spec: a cached result MUST not be older than one minute). */
const healthMaxAge = 50_000;

/** Without any host for this long, requests fail at once instead of waiting out their deadline. */
const failFastAfter = 1000;

export type HealthStatus = 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE';

/** A host that is there, as is told of it to who shows it. */
export interface ToldHost {
  pid: number;
  member: string;
  state: HostState;
  /** Its last health check: how long ago it was answered, and what it took in the host, milliseconds; null while there was none. */
  check: { ago: number; took: number; ok: boolean } | null;
}

/** How the hosts of a pool are at this moment. */
export interface HostsLoad {
  /** Of each HSM that holds the token's keys how many of its hosts get nothing new. */
  members: { member: string; sick: number }[];
  hosts: ToldHost[];
  /**
   * How long a single operation that came now would wait for its turn, by what operations took last, milliseconds; null where no host
   * that is well finds in time what is asked of it.
   */
  wait: number | null;
}

/** One of the HSMs that hold a token's keys, and how many hosts of it there are once all have started. */
export interface MemberHosts {
  name: string;
  hosts: number;
}

/** The hosts of a pool, its own and borrowed ones: how they are, and which of them an operation goes to. */
export class PoolHosts {
  readonly #members: readonly MemberHosts[];
  readonly #expected: number;
  readonly #links = new Map<number, Link>();
  #withoutHostSince = monotonicNow();
  /** Since when each member has no host of its own. */
  readonly #memberWithoutHostSince = new Map<string, number>();
  /** Of each member, as the last host of it told. */
  readonly #serials = new Map<string, string>();
  /** Members of which processes beside this one lack hosts: what is healthy here is not all of it; and such as none has a host of. */
  othersLack: { lacking: readonly string[]; gone: readonly string[] } = { lacking: [], gone: [] };
  readonly #watchers = new Set<(healthy: boolean) => void>();
  /** What all watchers know. */
  #toldHealthy = false;

  constructor(members: readonly MemberHosts[]) {
    this.#members = members;
    this.#expected = sumOfHosts(members);
    for (const { name } of members) this.#memberWithoutHostSince.set(name, this.#withoutHostSince);
  }

  get members(): readonly string[] {
    return this.#members.map(({ name }) => name);
  }

  get isGroup(): boolean {
    return this.#members.length > 1;
  }

  add(link: Link): void {
    this.#links.set(link.id, link);
    if (link.borrowed === undefined) this.#memberWithoutHostSince.delete(link.member);
    if (link.serial !== undefined) this.#serials.set(link.member, link.serial);
  }

  serialOf(member: string): string | undefined {
    return this.#serials.get(member);
  }

  get(id: number): Link | undefined {
    return this.#links.get(id);
  }

  /** Whether it was there. */
  delete(id: number): boolean {
    const link = this.#links.get(id);
    if (link === undefined) return false;
    this.#links.delete(id);
    const now = monotonicNow();
    if (this.#links.size === 0) this.#withoutHostSince = now;
    if (link.borrowed === undefined && !this.#own.some(({ member }) => member === link.member))
      this.#memberWithoutHostSince.set(link.member, now);
    return true;
  }

  get all(): IterableIterator<Link> {
    return this.#links.values();
  }

  /** Whether there is a member without any host, so that {@link lacks} may be true of what is open. */
  get missesMember(): boolean {
    return this.#memberWithoutHostSince.size > 0;
  }

  /** Whether there has been no host that may do it for so long that none is to be expected within a deadline. */
  lacks(entry: Entry, now: number): boolean {
    if (this.#thatMayDo(entry).length > 0) return false;
    if (this.#links.size === 0 && now - this.#withoutHostSince <= failFastAfter) return false;
    return this.#membersFor(entry).every(({ name }) => this.#isGone(name, now));
  }

  #isGone(member: string, now: number): boolean {
    return now - (this.#memberWithoutHostSince.get(member) ?? now) > failFastAfter;
  }

  /**
   * A key without a proof is used on the first member of an HSM group alone: nothing shows that what has its CKA_ID on another is the
   * same key, and what that encrypts may be lost with it.
   */
  onlyMemberFor(request: TokenRequest): string | undefined {
    if (!this.isGroup || !('identity' in request)) return undefined;
    return hasProof(request.identity) ? undefined : this.members[0];
  }

  /** The members that may do it. */
  #membersFor({ member, notOn }: Entry): MemberHosts[] {
    return this.#members.filter(({ name }) => (member === undefined || name === member) && !notOn.has(name));
  }

  /**
   * The hosts that may do it, whatever they do now. Of borrowed ones it is not known which member they are of: the lender
   * applies {@link onlyMemberFor} to the same request.
   */
  #thatMayDo({ ownHostsOnly, member, notOn }: Pick<Entry, 'ownHostsOnly' | 'member' | 'notOn'>): Link[] {
    return [...this.#links.values()].filter((link) =>
      link.borrowed === undefined
        ? (member === undefined || link.member === member) && !notOn.has(link.member)
        : !ownHostsOnly,
    );
  }

  /**
   * Those that have least to do come first, of those that find in time what is asked of them. One that is busy for too long
   * is passed over, since a quicker one may be free in time; one that is idle shows by the next how quick it is.
   */
  pick(entry: Entry): Link | undefined {
    let best: Link | undefined;
    const now = monotonicNow();
    const candidates = this.#thatMayDo(entry).filter((link) => !entry.tried.has(link) && !link.unfit);
    // What kept one host of an HSM from it may well keep the next one of the same: that one is asked where no other is free.
    const triedMembers = new Set([...entry.tried].map(({ member }) => member));
    const preference = (link: Link) =>
      triedMembers.has(link.member) ? link.inFlight.size + tried : link.inFlight.size;
    // One that is still learning, or is not ours, gets work only where no other can do it.
    const first = Math.min(...candidates.map((link) => rankFor(entry, link)));
    for (const link of candidates) {
      if (!link.hasRoom || rankFor(entry, link) > first) continue;
      if (link.inFlight.size > 0 && now + link.timeFor(entry) > entry.deadline) continue;
      if (best === undefined || preference(link) < preference(best)) best = link;
    }
    return best;
  }

  /** Whether `entry` comes too late where so much is done before it, in single operations. */
  wouldBeLate(entry: Entry, costBefore: number): boolean {
    return isTooMuch(entry, this.#pace(entry), costBefore, entry.enqueued);
  }

  /** Those that are late, or will be whatever comes, and what to tell whoever waits for them. */
  late(entries: Iterable<Entry>, now: number): [Entry, TokenError][] {
    const paces = new Map<string, Pace>();
    return [...entries].flatMap((entry) => {
      // Of most it is the same.
      const { ownHostsOnly, member = '', notOn, avoided } = entry;
      const name = `${ownHostsOnly} ${member} ${[...notOn.keys()].join()} ${[...avoided].join()}`;
      const pace = paces.get(name) ?? this.#pace(entry);
      paces.set(name, pace);
      const error = lateness(entry, pace, now);
      return error === undefined ? [] : [[entry, error]];
    });
  }

  /**
   * Whether its deadline leaves a host that has not been asked just the time for it, and not much more. That one is taken to be no quicker
   * than `link`, which has it: where it is asked for little, it may not have shown yet how slow it is.
   */
  isLastChance(entry: Entry, link: Link): boolean {
    const others = this.#thatMayDo(entry).filter(
      (other) => !entry.tried.has(other) && !other.unfit && other.prepared,
    );
    const quickest = Math.min(...others.map((other) => other.timeFor(entry)));
    const needed = Math.max(quickest, (link.workTime * entry.cost) / link.cost);
    const left = entry.deadline - monotonicNow();
    return left <= needed + spare && left >= needed / 2;
  }

  /** What those hold and do that {@link pick} chooses from. */
  #pace(entry: Entry): Pace {
    const pace = { held: 0, hosts: 0, perMillisecond: 0, quickest: Infinity, lastAnswer: -Infinity };
    const links = this.#thatMayDo(entry).filter((link) => !link.unfit && link.prepared);
    const first = Math.min(...links.map((link) => rankFor(entry, link)));
    for (const link of links) {
      if (rankFor(entry, link) > first) continue;
      const hosts = link.borrowed?.hosts ?? 1;
      pace.hosts += hosts;
      pace.held += link.cost;
      pace.perMillisecond += hosts / link.operationTime;
      pace.quickest = Math.min(pace.quickest, link.operationTime);
      pace.lastAnswer = Math.max(pace.lastAnswer, link.lastAnswer);
    }
    return pace;
  }

  /** Whether another can be found for it: one that is up and was not asked, or one that is to come. */
  mayHaveAnotherFor(entry: Entry): boolean {
    const staying = this.#thatMayDo(entry).filter((link) => !link.leaving);
    if (staying.some((link) => !entry.tried.has(link))) return true;
    const now = monotonicNow();
    const expected = this.#membersFor(entry).filter(({ name }) => !this.#isGone(name, now));
    const own = staying.filter(({ borrowed }) => borrowed === undefined);
    return own.length < sumOfHosts(expected);
  }

  /** Whether a host of its own has proven itself within the last minute. */
  get hasHealthy(): boolean {
    return this.#healthy.some(({ borrowed }) => borrowed === undefined);
  }

  /** Tells {@link hasHealthy} at once and at each change, until what it returns is called. */
  watch(tell: (healthy: boolean) => void): () => void {
    this.tellWatchers();
    this.#toldHealthy = this.hasHealthy;
    this.#watchers.add(tell);
    tell(this.#toldHealthy);
    return () => this.#watchers.delete(tell);
  }

  tellWatchers(): void {
    if (this.#watchers.size === 0) return;
    const healthy = this.hasHealthy;
    if (healthy === this.#toldHealthy) return;
    this.#toldHealthy = healthy;
    for (const tell of this.#watchers) tell(healthy);
  }

  /** Those of its own, also such as are to come. */
  get shown(): (ToldHost & { id: number })[] {
    const known = this.#told;
    const missing = this.#members.flatMap(({ name: member, hosts }) => {
      const there = known.filter((one) => one.member === member).length;
      return Array.from({ length: Math.max(0, hosts - there) }, () => ({
        ...{ id: 0, pid: 0, state: 'starting' as const, member, check: null },
      }));
    });
    return [...known, ...missing];
  }

  /** Its own hosts, and how long what came now would wait where so much waits already, in single operations. */
  loadAfter(costBefore: number): HostsLoad {
    return { members: this.sick, hosts: this.#told, wait: this.#waitAfter(costBefore) };
  }

  /** Those of its own that are there, with their last health check. */
  get #told(): (ToldHost & { id: number })[] {
    const now = monotonicNow();
    return this.#own.map(({ id, pid, member, state, lastCheck }) => {
      const check = lastCheck && { ago: now - lastCheck.at, took: lastCheck.took, ok: lastCheck.ok };
      return { id, pid, member, state, check: check ?? null };
    });
  }

  #waitAfter(costBefore: number): number | null {
    const fit = [...this.#links.values()].filter((link) => !link.unfit && link.prepared);
    // Neighbours are asked only where none of our own can do it.
    const own = fit.filter(({ borrowed }) => borrowed === undefined);
    const asked = own.length > 0 ? own : fit;
    if (asked.length === 0) return null;
    if (costBefore === 0 && asked.some(({ hasRoom, inFlight }) => hasRoom && inFlight.size === 0)) return 0;
    let [held, perMillisecond] = [0, 0];
    for (const link of asked) {
      held += link.cost;
      perMillisecond += (link.borrowed?.hosts ?? 1) / link.operationTime;
    }
    return (held + costBefore) / perMillisecond;
  }

  /** Of each member how many of its own hosts get nothing new. */
  get sick(): { member: string; sick: number }[] {
    return this.#members.map(({ name: member }) => ({
      member,
      sick: this.#own.filter((link) => link.member === member && link.unfit).length,
    }));
  }

  /** Whether one that has proven itself within the last minute finds in time what is asked of it. */
  get usable(): boolean {
    return this.#healthy.some(({ prepared }) => prepared);
  }

  get health(): HealthStatus {
    const healthy = this.#healthy;
    if (healthy.length === 0) return 'UNAVAILABLE';
    const own = healthy.filter(({ prepared, borrowed }) => prepared && borrowed === undefined);
    return own.length < this.#expected || this.othersLack.lacking.length > 0 ? 'DEGRADED' : 'ACTIVE';
  }

  /** The same of one member of an HSM group, by what this process and those beside it have of it. */
  healthOf(member: string): HealthStatus {
    const healthy = this.#healthy.filter((link) => link.borrowed === undefined && link.member === member);
    const { lacking, gone } = this.othersLack;
    const isSomewhere = this.#links.size > this.#own.length && !gone.includes(member);
    if (healthy.length === 0) return isSomewhere ? 'DEGRADED' : 'UNAVAILABLE';
    const expected = this.#members.find(({ name }) => name === member)?.hosts ?? 0;
    const prepared = healthy.filter((link) => link.prepared);
    return prepared.length < expected || lacking.includes(member) ? 'DEGRADED' : 'ACTIVE';
  }

  get #own(): Link[] {
    return [...this.#links.values()].filter(({ borrowed }) => borrowed === undefined);
  }

  get #healthy(): Link[] {
    const now = monotonicNow();
    return [...this.#links.values()].filter((link) => !link.unfit && now - link.lastHealthy < healthMaxAge);
  }
}

/** Another host is asked so much sooner than it must be, milliseconds: it may take longer than before, and we look only now and then. */
const spare = 20;

/** A member that could not use the key comes after all else. */
const couldNot = 100;
/** More than a host holds at once. */
const tried = 1000;

/** Which hosts to try first for it: the least of these numbers. */
function rankFor({ avoided }: Entry, link: Link): number {
  return link.rank + (avoided.has(link.member) ? couldNot : 0);
}

function sumOfHosts(members: readonly MemberHosts[]): number {
  return members.reduce((sum, { hosts }) => sum + hosts, 0);
}

/** How fast hosts work, and what they have to do yet; in single operations. */
interface Pace {
  held: number;
  hosts: number;
  perMillisecond: number;
  /** What an operation takes at the quickest of them, and when one was answered last; milliseconds. */
  quickest: number;
  lastAnswer: number;
}

/**
 * How long until something is done where so much is done before it, milliseconds. Zero where it is not known: no host is well.
 */
function timeUntilDone({ held, hosts, perMillisecond }: Pace, before: number, cost: number): number {
  return perMillisecond === 0 ? 0 : (held + before + cost * hosts) / perMillisecond;
}

function lateness(entry: Entry, pace: Pace, now: number): TokenError | undefined {
  if (entry.deadline <= now)
    return entry.failure ?? new TokenError('timeout', entry.attempts === 0 ? 'queue' : 'token host');
  if (entry.attempts > 0) return undefined;
  // Others came before it, or hosts have gone.
  return isTooMuch(entry, pace, 0, now) ? overloaded() : undefined;
}

/**
 * Whether it will be late because so much is asked. A token that answers nothing, or takes longer for one operation than
 * anybody waits, is not asked too much: that is told as the failure that it is, when its time has come.
 */
function isTooMuch(entry: Entry, pace: Pace, costBefore: number, now: number): boolean {
  if (entry.cost * pace.quickest > entry.deadline - entry.enqueued) return false;
  if (now - pace.lastAnswer > Math.max(maxSilence, 2 * pace.quickest)) return false;
  return now + timeUntilDone(pace, costBefore, entry.cost) > entry.deadline;
}

/** Hosts that have answered nothing for so long may be hanging, milliseconds. */
const maxSilence = 100;

export function overloaded(): TokenError {
  return new TokenError('overloaded', 'pool');
}

/** Takes what a host said of its health. Any other failure of it ends the host; that it came too late says nothing. */
export function noteHealth(link: Link, answer: ResponseFrame['answer'], microseconds: number): void {
  const ok = !(answer instanceof TokenError);
  link.lastCheck = { at: monotonicNow(), took: microseconds / 1000, ok };
  if (!(answer instanceof TokenError)) link.lastHealthy = monotonicNow();
  else if (answer.fault !== 'timeout') link.lastHealthy = -Infinity;
}
