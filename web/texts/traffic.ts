import { numberText } from './locale.ts';

interface Nodes {
  included: number;
  missing: number;
  missingHosts?: string[];
}

export const traffic = {
  title: 'Requests of AWS',
  ofNodes: ({ included, missing, missingHosts = [] }: Nodes) => {
    if (missing === 0) return included === 1 ? 'Of the one node' : `Of all ${included} nodes`;
    const which = missingHosts.length === 0 ? '' : `: ${missingHosts.join(', ')}`;
    return `Of ${included} of ${included + missing} nodes; not told${which}`;
  },
  range: 'How far back',
  ranges: { '1h': '1h', '3h': '3h', '12h': '12h', '1d': '1d', '1w': '1w', '30d': '30d' },
  now: 'Requests now',
  perSecond: (n: number) => `${n < 10 ? n.toFixed(1) : numberText(Math.round(n))} per second`,
  inAll: (n: number) => `${numberText(n)} in this time`,
  total: 'Requests',
  requests: 'requests',
  reliability: 'Reliability',
  reliabilityNote: 'not answered with an error that AWS retries',
  latency: 'Latency, p50 and p99',
  late: (n: number) => (n === 0 ? 'none took more than 250 ms' : `${numberText(n)} took more than 250 ms`),
  patience: 'AWS KMS gives up',
  errors: 'Top errors',
  noErrors: 'No errors',
  noRequests: 'No requests',
  certificate: 'XKS certificate',
  certificateDays: 'Days until the XKS certificate expires',
  noCertificate: 'Not known yet',
  none: '–',
  legend: 'Legend',
  chart: 'line chart',
} as const;
