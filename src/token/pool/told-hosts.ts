import { PoolHosts, type HealthStatus, type MemberHosts, type ToldHost } from './pool-hosts.ts';

/** What a pool tells of its hosts. */
export class ToldHosts {
  readonly name: string;
  protected readonly links: PoolHosts;

  /** `members` are the HSMs that hold the token's keys; of the one of the token's own name only how many hosts it has. */
  constructor(name: string, members: number | readonly MemberHosts[]) {
    this.name = name;
    this.links = new PoolHosts(typeof members === 'number' ? [{ name, hosts: members }] : members);
  }

  /** The HSMs that hold the token's keys, by name: of an HSM group two or more, else one of the token's own name. */
  get members(): readonly string[] {
    return this.links.members;
  }

  /** Serial number of a member’s HSM, as its last host told; undefined where it has had none. */
  serialOf(member: string): string | undefined {
    return this.links.serialOf(member);
  }

  /** Process ids, states and last health checks of its own hosts, also of such as are to come. */
  get hosts(): (ToldHost & { id: number })[] {
    return this.links.shown;
  }

  /** Whether a host that has proven itself within the last minute finds in time what is asked of it: what /ready tells. */
  get usable(): boolean {
    return this.links.usable;
  }

  /**
   * ACTIVE when every host has proven itself within the last minute, DEGRADED when some have, UNAVAILABLE when none
   * has, nor any that could be borrowed (XKS spec, GetHealthStatus, healthStatus).
   */
  get health(): HealthStatus {
    return this.links.health;
  }

  /** {@link health} of one member, by its name. */
  healthOf(member: string): HealthStatus {
    return this.links.isGroup ? this.links.healthOf(member) : this.health;
  }

  /** Whether a host of its own has proven itself within the last minute: what is told to who borrows them. */
  get hasHealthyHost(): boolean {
    return this.links.hasHealthy;
  }

  /** Tells {@link hasHealthyHost} at once and at each change, until what it returns is called. */
  watchHosts(tell: (healthy: boolean) => void): () => void {
    return this.links.watch(tell);
  }

  /** Members of which processes beside this one lack hosts, so that what is healthy here is not all; and such as none has a host of. */
  othersLack(of: { lacking: readonly string[]; gone: readonly string[] }): void {
    this.links.othersLack = of;
  }
}
