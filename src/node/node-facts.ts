import type { NodeFacts } from '../admin/services.ts';
import { counted } from '../counted.ts';
import { monotonicNow, wallClock } from '../clock.ts';
import type { LoginGate } from '../token/keeper/host-keeper.ts';
import type { LoadedToken } from '../config/load.ts';
import type { ShownNode, ShownToken } from '../fleet/shown-node.ts';
import type { WorkerGroup } from './worker-group.ts';
import type { NodeTls } from './tls/node-tls.ts';
import type { QuotaLedger } from '../serving/quota-ledger.ts';

/** What `holdfast status` tells of this node and only its supervisor knows. Nothing is asked of anybody for it. */
export function nodeFacts(
  gates: ReadonlyMap<string, LoginGate>,
  groups: readonly WorkerGroup[],
  tls: NodeTls,
  quotas: QuotaLedger,
): NodeFacts {
  return {
    tokens: [...gates].map(([name, { refused: pinRefused, newPinBy }]) =>
      Object.assign({ name, pinRefused, newPinBy }, hostTotals(groups, name)),
    ),
    certificates: tls.certificates,
    quotas: {
      refusedSince: new Date(wallClock().getTime() - (monotonicNow() - quotas.refusedSince)).toISOString(),
      near: quotas.near(),
    },
  };
}

/** Of one token, over these processes: how many hosts they are to have and have, what keeps the others away, what they miss. */
export function hostTotals(
  groups: readonly WorkerGroup[],
  token: string,
): Pick<NodeFacts['tokens'][number], 'hosts' | 'up' | 'problem' | 'ownKeys'> {
  const counts = groups.map((group) => group.hosts(token));
  return {
    hosts: counts.reduce((sum, { wanted }) => sum + wanted, 0),
    up: counts.reduce((sum, { prepared }) => sum + prepared, 0),
    problem: groups.map((group) => group.problem(token)).find((one) => one !== undefined),
    ownKeys: [...new Set(groups.flatMap((group) => group.ownKeyAlarms(token)))],
  };
}

/** This node as the others are told of it. */
export function ownFacts(
  groups: readonly WorkerGroup[],
  management: Pick<WorkerGroup, 'listens'> | undefined,
  tokens: readonly Pick<LoadedToken, 'name' | 'moduleProfile'>[],
): Pick<ShownNode, 'tokens' | 'serves' | 'manages'> {
  const shown = shownTokens(groups, tokens);
  const usable = shown.some(({ health }) => health !== 'UNAVAILABLE');
  return {
    tokens: shown,
    serves: usable && groups.some(({ listens }) => listens),
    manages: management?.listens ?? false,
  };
}

function shownTokens(
  groups: readonly WorkerGroup[],
  tokens: readonly Pick<LoadedToken, 'name' | 'moduleProfile'>[],
): ShownToken[] {
  return tokens.map(({ name, moduleProfile }) => {
    const { hosts, up } = hostTotals(groups, name);
    const info = groups.map((group) => group.hosts(name).info).find((one) => one !== undefined);
    return {
      ...{ name, serial: info?.serial ?? null, label: info?.label ?? null, model: moduleProfile.model },
      ...{ health: up === 0 ? 'UNAVAILABLE' : up < hosts ? 'DEGRADED' : 'ACTIVE', hosts, up },
    };
  });
}

/** For whoever looks at the service from outside. */
export function statusLine(
  groups: readonly WorkerGroup[],
  tokens: readonly Pick<LoadedToken, 'name'>[],
): string {
  const workers = groups.filter(({ listens }) => listens).length;
  const hosts = tokens.map(({ name }) => {
    const { hosts: wanted, up } = hostTotals(groups, name);
    return `token ${name}: ${up} of ${counted(wanted, 'host')}`;
  });
  return [`XKS workers: ${workers} of ${groups.length}`, ...hosts].join('; ');
}
