import { Option } from 'commander';
import { counted } from '../../counted.ts';
import type { Schemas } from '../client/api-types.ts';

export type Range = Schemas['Traffic']['range'];

const ranges = ['1h', '3h', '12h', '1d', '1w', '30d'] as const satisfies readonly Range[];

/** How far back a series goes. */
export function rangeOption(): Option {
  return new Option('--range <range>', 'how far back').choices(ranges).default('1h');
}

type Vitals = Schemas['Vitals'];
/** Of the status, or of a whole range. */
type Vital = Omit<Vitals['points'][number], 'at'>;

/** Of which nodes a series is. A node of an older version says so in a word. */
export function nodesInWords(nodes: Vitals['nodes'] | string): string {
  if (typeof nodes === 'string') return nodes;
  const { included, missing, missingHosts = [] } = nodes;
  return missing === 0
    ? String(included)
    : `${included}, without ${missingInWords({ missing, missingHosts })}`;
}

export function missingInWords({
  missing,
  missingHosts = [],
}: Pick<Vitals['nodes'], 'missing' | 'missingHosts'>): string {
  return missingHosts.length === 0 ? counted(missing, 'node') : missingHosts.join(' and ');
}

/** What was worst, for one line; undefined where no node has told. */
export function vitalsInWords(vital: Vital): string | undefined {
  const { looks, tokens, leastLeasePercent, storeUpPercent, storeSlowestMs, budgetPercent } = vital;
  if (looks === 0) return undefined;
  const parts = [
    ...tokens.map((token) => tokenInWords(token)),
    ...(leastLeasePercent === null
      ? []
      : [leastLeasePercent === 0 ? 'leases ended' : `leases had ${leastLeasePercent} % left at the least`]),
    ...(storeUpPercent === null
      ? []
      : [
          `the database answered ${storeUpPercent === 100 ? 'always' : `${storeUpPercent} % of the time`}${storeSlowestMs === null ? '' : `, within ${storeSlowestMs} ms`}`,
        ]),
    ...(budgetPercent === null || budgetPercent === 0
      ? []
      : [`${budgetPercent} % of the encryptions of a key version used`]),
  ];
  return parts.join('; ');
}

export function tokenInWords({
  name,
  fitPercent,
  leastFitPercent,
  p99WaitMs,
  waiting,
}: Vital['tokens'][number]): string {
  const fit =
    fitPercent === null
      ? 'has no hosts'
      : leastFitPercent === 100
        ? 'all hosts fit'
        : `${fitPercent} % of its hosts fit, ${leastFitPercent ?? 0} % at the least`;
  const waits = p99WaitMs === null ? '' : `, 99 in 100 waited ${p99WaitMs} ms at the most`;
  return `${name} ${fit}${waits}${waiting === 0 ? '' : `, up to ${waiting} in a queue`}`;
}
