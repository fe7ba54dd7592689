import type { NodeFacts } from '../admin/services.ts';
import { counted } from '../counted.ts';
import { monotonicNow, wallClock } from '../clock.ts';
import type { LoginGate } from '../token/keeper/host-keeper.ts';
import type { LoadedConfig, LoadedToken } from '../config/load.ts';
import type { ShownMember, ShownNode, ShownToken } from '../fleet/shown-node.ts';
import type { TokenWords } from '../token/remediations.ts';
import type { ShownTokenInfo, TokenInfo } from '../token/token-info.ts';
import type { WorkerGroup } from './worker-group.ts';
import type { NodeTls } from './tls/node-tls.ts';
import type { QuotaLedger } from '../serving/quota-ledger.ts';

/** Since when the HSMs of this node are up, or away: one is up while any process of the node has a host of it. */
export class MemberTimes {
  readonly #began = wallClock();
  /** By title. */
  readonly #changed = new Map<string, { up: boolean; at: Date }>();

  /** How it is at this moment: call it at each change. */
  note(title: string, up: boolean): void {
    if (this.#changed.get(title)?.up !== up) this.#changed.set(title, { up, at: wallClock() });
  }

  /** Of one that has never been up, since the node began. */
  since(title: string): Date {
    return this.#changed.get(title)?.at ?? this.#began;
  }
}

/** What `holdfast status` tells of this node and only its supervisor knows. Nothing is asked of anybody for it. */
export function nodeFacts(
  { tokens }: Pick<LoadedConfig, 'tokens'>,
  { gates, times }: { gates: ReadonlyMap<string, LoginGate>; times: MemberTimes },
  groups: readonly WorkerGroup[],
  tls: NodeTls,
  quotas: QuotaLedger,
): NodeFacts {
  return {
    tokens: tokens.map(({ name, members }) => {
      const known = members.map((member) => ({ member, gate: gates.get(member.title) }));
      const refused = known.find(({ gate }) => gate?.refused === true)?.gate ?? known[0]?.gate;
      return {
        ...{ name, pinRefused: refused?.refused ?? false, newPinBy: refused?.newPinBy ?? 'restart' },
        ...hostTotals(groups, name),
        members: memberTotals(groups, name).map(({ name: ofMember, info, hosts, up }) => {
          const own = known.find(({ member }) => member.name === ofMember);
          return {
            name: ofMember,
            serial: info?.serial,
            hosts,
            up,
            since: times.since(own?.member.title ?? name).toISOString(),
            pinRefused: own?.gate?.refused ?? false,
            failure: problemOf(groups, name, ofMember),
            info: info && shownInfo(info),
            each: groups.flatMap((group) => group.hostsOf(name, ofMember)),
          };
        }),
      };
    }),
    certificates: tls.certificates,
    quotas: {
      refusedSince: new Date(wallClock().getTime() - (monotonicNow() - quotas.refusedSince)).toISOString(),
      near: quotas.near(),
    },
  };
}

function problemOf(groups: readonly WorkerGroup[], token: string, member?: string): TokenWords | undefined {
  return groups.map((group) => group.problem(token, member)).find((one) => one !== undefined);
}

/** Notes which HSMs are up at this moment. */
export function noteMembers(
  { tokens }: Pick<LoadedConfig, 'tokens'>,
  groups: readonly WorkerGroup[],
  times: MemberTimes,
): void {
  for (const { name, members } of tokens)
    for (const [at, { up }] of memberTotals(groups, name).entries())
      times.note(members[at]?.title ?? name, up > 0);
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
    problem: problemOf(groups, token)?.problem,
    ownKeys: [...new Set(groups.flatMap((group) => group.ownKeyAlarms(token)))],
  };
}

/** Of each HSM of the token, over these processes: how many hosts it is to have and has, and what it told of itself. */
function memberTotals(
  groups: readonly WorkerGroup[],
  token: string,
): { name: string; info: TokenInfo | undefined; hosts: number; up: number }[] {
  const counts = groups.map((group) => group.hosts(token).members);
  return (counts[0] ?? []).map(({ name }, at) => {
    const own = counts.flatMap((members) => members[at] ?? []);
    const info = own.find((one) => one.info !== undefined)?.info;
    const hosts = own.reduce((sum, { wanted }) => sum + wanted, 0);
    const up = own.reduce((sum, { prepared }) => sum + prepared, 0);
    return { name, info, hosts, up };
  });
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
    const members = memberTotals(groups, name);
    const seen = members.find(({ info }) => info !== undefined)?.info;
    return {
      ...{ name, serial: seen?.serial ?? null, label: seen?.label ?? null, model: moduleProfile.model },
      ...(seen === undefined ? {} : { firmware: seen.firmware }),
      ...{ health: healthBy(up, hosts), hosts, up },
      ...(members.length > 1 ? { members: members.map(shownMember) } : {}),
    };
  });
}

function shownMember(counts: ReturnType<typeof memberTotals>[number]): ShownMember {
  const { name, info, hosts, up } = counts;
  const { serial = null, label = null, firmware } = info ?? {};
  return { name, serial, label, health: healthBy(up, hosts), hosts, up, firmware };
}

function shownInfo(info: TokenInfo): ShownTokenInfo {
  const { loginRequired: _, ...shown } = info;
  return shown;
}

function healthBy(up: number, hosts: number): ShownToken['health'] {
  return up === 0 ? 'UNAVAILABLE' : up < hosts ? 'DEGRADED' : 'ACTIVE';
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
