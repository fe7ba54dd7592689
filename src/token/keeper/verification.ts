import type { Secret } from '../../secret.ts';
import { TokenError } from '../faults.ts';
import { monotonicNow } from '../../clock.ts';
import { HostLife, pinProblem, type HostEnd, type HostSettings, type ReadyHost } from './host-life.ts';
import { thenNewPin, remediationOfRefusedPin, type LoginGate } from '../login-gate.ts';
import { verificationSteps, type ProgressReport, type VerificationStep } from '../verification-steps.ts';
import { TokenPool } from '../pool/token-pool.ts';
import type { ShownTokenInfo } from '../token-info.ts';
import { knownRemediation, remediationOf } from '../remediations.ts';

/** What was found out about a token by connecting to it anew. */
export interface Verification {
  ok: boolean;
  /** In the order in which they were tried; the first that failed is the last. */
  steps: { name: VerificationStep; ok: boolean; milliseconds: number; detail: string }[];
  remediation?: string;
  info?: ShownTokenInfo;
  mechanisms?: string[];
}

/** Throws where the token has refused this PIN before; the error's `remediation` says what to do. */
export type CheckPin = (pin: Secret) => Promise<void>;

/** How many health operations the latency is told of. */
const samples = 20;
/** However long the start took, they have this long, milliseconds. */
const minForSamples = 1_000;
/** So long the host has that looks for a token anew, however long the first took, milliseconds. */
const minForLook = 500;

/**
 * Connects to a token with a host of its own, beside those that serve: loads the module, finds the token, logs in, reads
 * the mechanisms, runs the self-test, measures. It stops at the first step that fails. Its host has `settings.startTimeout`
 * to the end of the login, and as long again from there to the end of the self-test; a second one, which looks for a token
 * that the first did not see, has what is left of that and half a second at the least; the measurement has a second at the
 * least. It keeps to the gate: a PIN that the token has refused is not tried, and what is refused here is not tried by
 * others either. Never rejects; leaves no process.
 */
export async function verifyConnection(
  settings: HostSettings,
  gate: LoginGate,
  check?: CheckPin,
): Promise<Verification> {
  const run = new VerificationRun(settings, gate, check);
  return run.result;
}

class VerificationRun {
  readonly result: Promise<Verification>;
  readonly #settings: HostSettings;
  readonly #gate: LoginGate;
  readonly #check: CheckPin | undefined;
  readonly #told: Verification = { ok: false, steps: [] };
  #stepBegan = monotonicNow();
  readonly #until: number;
  /** Whether its host has come to the login, and got its turn. */
  #turn: 'not-wanted' | 'wanted' | 'given' = 'not-wanted';
  /** Why there was no PIN to try. */
  #pinProblem: { problem: string; remediation: string } | undefined;

  constructor(settings: HostSettings, gate: LoginGate, check: CheckPin | undefined) {
    this.#settings = settings;
    this.#gate = gate;
    this.#check = check;
    this.#until = this.#stepBegan + settings.startTimeout;
    this.result = this.#run();
  }

  async #run(): Promise<Verification> {
    let end = await this.#runHost(this.#settings.startTimeout);
    if (end?.missed === true) {
      // Another process may see the token: TokenMissedError.
      const first = { end, steps: this.#told.steps.splice(0), took: this.#sinceStep() };
      this.#stepBegan = monotonicNow();
      end = await this.#runHost(Math.max(minForLook, this.#until - this.#stepBegan));
      if (end?.overdue === true && this.#told.steps.length <= first.steps.length) {
        // It had no time to get there: what the first one saw is all that is known.
        this.#told.steps = first.steps;
        this.#fail(this.#whyNotReady(first.end), first.took);
        return this.#told;
      }
    }
    if (end !== undefined) this.#fail(this.#whyNotReady(end));
    return this.#told;
  }

  /** One life of a host; tells how it ended where it did not become ready. */
  async #runHost(startTimeout: number): Promise<HostEnd | undefined> {
    const stopping = new AbortController();
    const { order, ...others } = this.#settings;
    const { prepare: _, ...verified } = {
      ...order,
      verify: true,
      permitted: { kinds: ['health'], unseals: 'none' } as const,
    };
    const life = new HostLife(
      { ...others, startTimeout, order: verified, pin: async () => this.#pinInTurn() },
      this.#gate,
      stopping.signal,
      undefined,
      false,
    );
    life.onProgress = (report) => this.#take(report);
    life.onLoginWanted = () => {
      this.#turn = 'wanted';
    };
    const ready = Promise.withResolvers<ReadyHost | undefined>();
    life.onReady = (host) => ready.resolve(host);
    const ended = life.ended.finally(() => {
      stopping.abort();
      ready.resolve(undefined);
    });
    const host = await ready.promise;
    if (host !== undefined) await this.#measure(host);
    life.end();
    const end = await ended;
    return host === undefined ? end : undefined;
  }

  #take(report: ProgressReport): void {
    if (report.state === 'mechanisms') {
      this.#told.mechanisms = report.names;
      return;
    }
    const { step, milliseconds, detail, info } = report;
    this.#told.steps.push({ name: step, ok: true, milliseconds, detail });
    this.#stepBegan = monotonicNow();
    if (info === undefined) return;
    const { loginRequired: _, ...shown } = info;
    this.#told.info = shown;
  }

  /** The turn has come: the PIN as it is now, unless the token is known to refuse it. */
  async #pinInTurn(): Promise<Secret | undefined> {
    this.#turn = 'given';
    try {
      const pin = await this.#settings.pin();
      if (pin !== undefined) await this.#check?.(pin);
      else
        this.#pinProblem = {
          problem: 'the token wants a PIN, and there is none',
          remediation: 'give it in the configuration, token.pin',
        };
      return pin;
    } catch (error) {
      const { remediation } = error as { remediation?: unknown };
      this.#pinProblem = {
        problem: pinProblem(error),
        remediation: typeof remediation === 'string' ? remediation : 'check token.pin',
      };
      return undefined;
    }
  }

  async #measure({ pid, socket }: ReadyHost): Promise<void> {
    const deadline = Math.max(this.#until, monotonicNow() + minForSamples);
    const timeout = Math.ceil(deadline - monotonicNow());
    const pool = new TokenPool(this.#settings.token, 1, () => undefined, {
      sickAfter: timeout,
      killAfter: timeout,
      queueLength: samples,
      // The operations that are measured are the only ones.
      healthInterval: 2 ** 30,
    });
    pool.addHost(1, pid, socket);
    try {
      const times: number[] = [];
      for (let count = 0; count < samples; count++)
        times.push((await pool.call({ kind: 'health' }, { deadline })).token);
      this.#told.steps.push({
        name: 'latency',
        ok: true,
        milliseconds: this.#sinceStep(),
        detail: spread(times),
      });
      this.#told.ok = true;
    } catch (error) {
      const { message, rv, call } =
        error instanceof TokenError ? error : new TokenError('internal', 'latency');
      this.#fail({ problem: message, remediation: remediationOf(rv, call) });
    } finally {
      pool.close();
    }
  }

  #whyNotReady(end: HostEnd): { problem: string; remediation: string } {
    const { problem, remediation, rv, call, pinRefused } = end;
    if (this.#pinProblem !== undefined) return this.#pinProblem;
    if (this.#turn === 'wanted')
      return this.#gate.refused
        ? {
            problem: 'the token has refused this PIN to another host of this node',
            remediation: `${remediationOfRefusedPin}; ${thenNewPin[this.#gate.newPinBy]}`,
          }
        : {
            problem: `no turn to log in within ${this.#settings.startTimeout} ms: another host of the token is at its login`,
            remediation: 'the login hangs, or the HSM is slow: look at its own log and at the network to it',
          };
    if (pinRefused) return { problem, remediation: knownRemediation(rv) ?? remediation };
    return { problem, remediation: rv === undefined ? remediation : remediationOf(rv, call) };
  }

  /** The step that was under way. */
  get #next(): VerificationStep {
    return verificationSteps[this.#told.steps.length] ?? 'latency';
  }

  #fail(
    { problem, remediation }: { problem: string; remediation: string },
    milliseconds = this.#sinceStep(),
  ): void {
    this.#told.steps.push({ name: this.#next, ok: false, milliseconds, detail: problem });
    this.#told.remediation = remediation;
  }

  #sinceStep(): number {
    return Math.round((monotonicNow() - this.#stepBegan) * 10) / 10;
  }
}

function spread(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const p50 = sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
  const max = sorted.at(-1) ?? 0;
  return `${sorted.length} encryptions with decryption: p50 ${p50.toFixed(1)} ms, max ${max.toFixed(1)} ms`;
}
