import type { HealthStatus } from '../token/pool/pool-hosts.ts';

/** An HSM of other nodes, as they find it. */
export interface OtherToken {
  /** Of its token. */
  name: string;
  /** What it is called to AWS: of one that this node has too, as here. */
  id: string;
  /** This node has it too. */
  isOwn: boolean;
  model: string;
  health: HealthStatus;
}

interface Detail {
  id: string;
  model: string;
  healthStatus: HealthStatus;
}

/** Of one token as two nodes find it: what only one of them can use is neither well nor gone. */
export function together(one: HealthStatus, other: HealthStatus): HealthStatus {
  return one === other ? one : 'DEGRADED';
}

/** The tokens of this node, with what the others find of them, and then those that only others have. */
export function withOthers(own: readonly Detail[], others: readonly OtherToken[]): Detail[] {
  const shared = new Map(others.filter(({ isOwn }) => isOwn).map(({ id, health }) => [id, health]));
  return [
    ...own.map((detail) => ({
      ...detail,
      healthStatus: together(detail.healthStatus, shared.get(detail.id) ?? detail.healthStatus),
    })),
    ...others
      .filter(({ isOwn }) => !isOwn)
      .map(({ id, model, health }) => ({ id, model, healthStatus: health })),
  ];
}
