import { randomBytes } from 'node:crypto';
import { ConnectionFailure } from './connection.ts';
import { Exchanger, type Answer } from './exchange.ts';
import { ok, problem, warning, type Finding } from './finding.ts';
import { decrypt, encrypt, readEncrypted } from './operations.ts';
import { ms, round } from './reach.ts';
import { XksCaller } from './xks-call.ts';
import { counted } from '../counted.ts';

/** XKS spec, Encrypt, KMS Considerations. */
export const awsGivesUp = 250;
/** Its recommendation for the ping between AWS and the proxy: one round trip. */
export const awsPing = 35;
const requests = 100;
const connections = 10;
/** So many late answers are enough to know. */
const enoughLate = 12;

/** Requests on one connection, then one on each of some new ones; with a key if there is one. */
export async function examineTimes(caller: XksCaller, key: string | undefined): Promise<Finding[]> {
  const what = key === undefined ? 'GetHealthStatus' : 'Encrypt and Decrypt';
  const warm: number[] = [];
  const next = key === undefined ? () => caller.health() : await alternating(caller, key);
  let failed = 0;
  for (let count = 0; count < requests; count++) {
    const answer = await next();
    warm.push(answer.took);
    if (answer.status !== 200) failed += 1;
    // What is this slow has been found slow.
    if (warm.filter((time) => time > awsGivesUp).length >= enoughLate) break;
  }
  const cold: number[] = [];
  for (let count = 0; count < connections; count++) {
    const exchanger = new Exchanger(caller.exchanger.target, { keepAlive: false });
    const fresh = new XksCaller(exchanger, caller.credential);
    fresh.clockOffset = caller.clockOffset;
    try {
      const answer =
        key === undefined ? await fresh.health() : await encrypt(fresh, key, randomBytes(32), noBytes);
      cold.push(answer.took);
    } finally {
      exchanger.close();
    }
    if (cold.filter((time) => time > awsGivesUp).length >= enoughLate / 4) break;
  }
  return [
    judge('time.requests', `${warm.length} × ${what}`, warm, awsGivesUp - awsPing, failed),
    judge('time.connection', `${cold.length} new connections`, cold, awsGivesUp - 3 * awsPing, 0),
  ];
}

const noBytes = Buffer.alloc(0);

async function alternating(caller: XksCaller, key: string): Promise<() => Promise<Answer>> {
  const plaintext = randomBytes(32);
  const encrypted = readEncrypted(await encrypt(caller, key, plaintext, noBytes), plaintext, noBytes);
  let turn = 0;
  return async () =>
    typeof encrypted === 'string' || ++turn % 2 === 0
      ? encrypt(caller, key, plaintext, noBytes)
      : decrypt(caller, key, encrypted);
}

function judge(
  id: 'time.requests' | 'time.connection',
  what: string,
  times: number[],
  comfortable: number,
  failed: number,
): Finding {
  const { p50, p99, max } = percentiles(times);
  const data = { count: times.length, p50: round(p50), p99: round(p99), max: round(max), failed };
  const seen = `${what}: p50 ${ms(p50)}, p99 ${ms(p99)}, ${ms(max)} at the most, as measured from here`;
  const remediation =
    'holdfast token verify tells the token’s own time, queueTime and tokenTime in the node’s log where it goes; more token.hosts or xks.workers; a place nearer to the AWS Region';
  if (failed > 0)
    return problem(id, `${seen}; ${failed} of ${times.length} failed`, remediation, {
      data,
      code: 'NETWORK_ERRORS',
    });
  if (p99 > awsGivesUp) return problem(id, seen, remediation, { data });
  if (p99 > comfortable)
    return warning(
      id,
      `${seen}; with a ping of ${awsPing} ms to AWS it would be over ${awsGivesUp} ms`,
      remediation,
      { data },
    );
  return ok(id, seen, { data });
}

/** Nearest rank. */
export function percentiles(times: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

export const maxLoad = { rate: 1800, seconds: 60 };

/**
 * Sends `rate` requests a second, whether answers come or not, as AWS does: half of them Encrypt, half Decrypt, on kept
 * connections. A time counts from when the request was due, so that a proxy that stands still is not flattered.
 */
export async function examineLoad(
  caller: XksCaller,
  key: string,
  { rate, seconds }: { rate: number; seconds: number },
): Promise<Finding> {
  const maxSockets = Math.min(64, Math.max(4, Math.ceil(rate / 8)));
  const exchanger = new Exchanger(caller.exchanger.target, { maxSockets });
  const loader = new XksCaller(exchanger, caller.credential);
  loader.clockOffset = caller.clockOffset;
  try {
    const plaintext = randomBytes(64);
    const encrypted = readEncrypted(await encrypt(loader, key, plaintext, noBytes), plaintext, noBytes);
    if (typeof encrypted === 'string')
      return problem('time.load', `nothing could be encrypted: ${encrypted}`, 'see the findings of the key');
    // Connections are there before the first request is due, as AWS's are.
    for (let open = 1; open < maxSockets; open = Math.min(maxSockets, open * 2))
      await Promise.all(Array.from({ length: Math.min(maxSockets, open * 2) }, async () => loader.health()));
    const times: number[] = [];
    const errors = new Map<string, number>();
    const wrong = (name: string) => errors.set(name, (errors.get(name) ?? 0) + 1);
    const total = Math.min(rate, maxLoad.rate) * Math.min(seconds, maxLoad.seconds);
    const began = performance.now();
    const one = async (due: number, turn: number) => {
      try {
        const answer =
          turn % 2 === 0
            ? await encrypt(loader, key, plaintext, noBytes, awsGivesUp * 4)
            : await decrypt(loader, key, encrypted, awsGivesUp * 4);
        if (answer.status !== 200) wrong(nameOfError(answer));
      } catch (error) {
        if (!(error instanceof ConnectionFailure)) throw error;
        wrong(error.code);
      }
      times.push(performance.now() - due);
    };
    const pending: Promise<void>[] = [];
    for (let sent = 0; sent < total;) {
      const due = Math.min(total, Math.ceil(((performance.now() - began) / 1000) * rate));
      for (; sent < due; sent++) pending.push(one(began + (sent / rate) * 1000, sent));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const sendingTook = (performance.now() - began) / 1000;
    await Promise.all(pending);
    return judgeLoad(times, errors, { rate, seconds, achieved: total / sendingTook });
  } finally {
    exchanger.close();
  }
}

function nameOfError({ status, json }: Answer): string {
  const name = (json as { errorName?: unknown } | undefined)?.errorName;
  return typeof name === 'string' && /^[A-Za-z]{1,64}$/.test(name) ? name : `HTTP ${status}`;
}

function judgeLoad(
  times: number[],
  errors: ReadonlyMap<string, number>,
  { rate, seconds, achieved }: { rate: number; seconds: number; achieved: number },
): Finding {
  const { p50, p99, max } = percentiles(times);
  const late = times.filter((time) => time > awsGivesUp).length;
  const failed = [...errors.values()].reduce((a, b) => a + b, 0);
  const data = {
    rate,
    seconds,
    achieved: round(achieved),
    count: times.length,
    p50: round(p50),
    p99: round(p99),
    max: round(max),
    late,
    failed,
    errors: [...errors].map(([name, count]) => `${name} ${count}`),
  };
  const seen = [
    `${counted(times.length, 'request')} at ${rate}/s: p50 ${ms(p50)}, p99 ${ms(p99)}, ${ms(max)} at the most`,
    `${late} over ${awsGivesUp} ms, ${failed} failed${failed === 0 ? '' : ` (${data.errors.join(', ')})`}`,
  ].join('; ');
  const remediation =
    'more token.hosts, more nodes, a faster token; compare queueTime and tokenTime in the node’s log, and with docs/performance.md';
  if (achieved < rate * 0.9)
    return warning(
      'time.load',
      `${seen}; this machine brought ${Math.round(achieved)}/s only`,
      'run the doctor on a machine of its own',
      { data },
    );
  const share = (late + failed) / times.length;
  if (p99 > awsGivesUp || share > 0.001) return problem('time.load', seen, remediation, { data });
  if (p99 > awsGivesUp - awsPing) return warning('time.load', seen, remediation, { data });
  return ok('time.load', seen, { data });
}
