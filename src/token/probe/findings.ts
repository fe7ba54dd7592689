import type { LeftKey } from './questions.ts';

/** What the probe asks, in this order; names are stable. */
const probeSteps = [
  'module',
  'slots',
  'token',
  'pin',
  'login',
  'sessions',
  'mechanisms',
  'left-overs',
  'key-making',
  'attributes',
  'names',
  'search',
  'second-session',
  'second-process',
  'iv-mode',
  'tag',
  'data',
  'destruction',
  'latency',
  'whole',
  'clean-up',
] as const;

export type ProbeStep = (typeof probeSteps)[number];

/** `no` keeps Holdfast from serving with the token; `note` is something to know. */
export type FindingResult = 'ok' | 'note' | 'no';

export interface Finding {
  step: ProbeStep;
  result: FindingResult;
  milliseconds: number;
  /** One line. */
  found: string;
  remediation?: string;
}

/** How it ended. `cannot`: all was asked, and Holdfast does not serve with this token. `unreached`: it could not be asked. */
export type ProbeVerdict = 'profile' | 'cannot' | 'unreached' | 'pin-refused' | 'pin-kept';

export interface ProbeReport {
  verdict: ProbeVerdict;
  findings: Finding[];
  /** Why there is no profile. */
  reason?: string;
  remediation?: string;
  token?: { label: string; serial: string; manufacturer: string; model: string; firmware: string };
  /** A profile in TOML, and its name. */
  profile?: { name: string; toml: string };
  /** Keys of the probe's that it could not destroy. */
  left: LeftKey[];
}
