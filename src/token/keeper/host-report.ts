import {
  duration,
  flag,
  listOf,
  nullOr,
  optional,
  oneOf,
  parseMessage,
  record,
  recordOf,
  textOf,
  variant,
  wholeFrom,
  MisfitError,
} from '../../message-check.ts';
import type { HostReport } from '../host/host-process.ts';
import { verificationSteps } from '../verification-steps.ts';

/*
 * What a token host may tell: a vendor's module runs in it, and may write into any descriptor. Numbers of mechanisms and return
 * values are CK_ULONG.
 */

const text = textOf(100_000);
const texts = listOf(text, 10_000);
const token = record({
  label: text,
  serial: text,
  manufacturer: text,
  model: text,
  firmware: text,
  loginRequired: flag,
  slot: nullOr(wholeFrom(0)),
});
const number = optional(wholeFrom(0));

const hostReport = variant<'state', HostReport>('state', {
  ready: record<Omit<Extract<HostReport, { state: 'ready' }>, 'state'>>({
    token,
    made: texts,
    ownProofs: recordOf(text, 1_000),
    alarms: texts,
    noKeys: optional(record({ problem: text, remediation: text })),
    operationTime: duration,
  }),
  failed: record<Omit<Extract<HostReport, { state: 'failed' }>, 'state'>>({
    pinRefused: flag,
    problem: text,
    remediation: text,
    rv: number,
    call: optional(text),
    missed: optional(flag),
  }),
  step: record<Omit<Extract<HostReport, { state: 'step' }>, 'state'>>({
    step: oneOf(verificationSteps),
    milliseconds: duration,
    detail: text,
    info: optional(token),
  }),
  mechanisms: record({ names: texts }),
  'own-keys': record({ alarms: texts, made: optional(recordOf(text, 1_000)) }),
  'proofs-wanted': record({ serial: text }),
  'login-wanted': record({}),
  'logged-in': record({}),
  dead: record({ pinRefused: flag, problem: text }),
});

/** Undefined where the line is none of a host's. */
export function parseHostReport(line: string): HostReport | undefined {
  try {
    return parseMessage(hostReport, JSON.parse(line));
  } catch (error) {
    if (error instanceof MisfitError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
