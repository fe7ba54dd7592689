import { fileURLToPath } from 'node:url';
import { Watchdog } from '../../watchdog.ts';
import { ModuleProcess } from '../module-process.ts';
import type { StartFailure } from '../host/start-failure.ts';
import type { OpenReport, PinLine, ProbeLine, ProbeQuestions, QuestionName } from './questions.ts';

const script = fileURLToPath(new URL('./probe-process.ts', import.meta.url));
/** How long one that is told to end may take to give its sessions back, milliseconds. */
const endTimeout = 2_000;
/** How long a line may still be in the pipe when its process has ended, milliseconds: a busy machine reads it late. */
const lineTimeout = 2_000;

/**
 * A question was not answered as it should be.
 * - `refused`: the module, or our check of what it did, says no; the process goes on.
 * - `hung`: no C_ function came back for too long; the process was killed.
 * - `died`: the process ended, by a signal or by the module's own exit.
 */
export class ProbeFailure extends Error {
  readonly how: 'refused' | 'hung' | 'died';
  readonly told: StartFailure;

  constructor(how: ProbeFailure['how'], told: StartFailure) {
    super(told.problem);
    this.name = 'ProbeFailure';
    this.how = how;
    this.told = told;
  }
}

/** One process that has the module, or is to get it. */
export class ProbeChild {
  readonly #process: ModuleProcess;
  readonly #timeout: number;
  readonly #ended: Promise<string>;
  #isOver = false;
  #onLine: (line: ProbeLine) => void = () => undefined;

  /** @param patience How long one C_ function may take, milliseconds. */
  constructor(environment: Readonly<Record<string, string>>, timeout: number) {
    this.#timeout = timeout;
    this.#process = new ModuleProcess({ script, environment, socket: false });
    this.#process.onLine = (line) => {
      const told = parseLine(line);
      // What a module prints there; a question that is not answered is late.
      if (told !== undefined) this.#onLine(told);
    };
    this.#ended = this.#process.exited.then(async (how) => {
      this.#isOver = true;
      await this.#process.readRest(lineTimeout);
      return how;
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Throws {@link ProbeFailure}. `onReport` gives the PIN where one is wanted; what it throws ends the process. */
  async ask<Name extends QuestionName>(
    name: Name,
    input: ProbeQuestions[Name]['input'],
    onReport: (report: OpenReport) => Promise<PinLine | undefined> = async () => undefined,
  ): Promise<ProbeQuestions[Name]['answer']> {
    const answered = Promise.withResolvers<ProbeQuestions[Name]['answer']>();
    let call: string | undefined;
    let hung = false;
    const watchdog = new Watchdog({
      pid: this.#process.pid,
      bound: () => this.#timeout,
      interval: this.#timeout / 16,
      onHung: () => {
        hung = true;
        this.#process.kill();
      },
    });
    // One after another, as they were told.
    let told = Promise.resolve();
    this.#onLine = (line) => {
      watchdog.heard();
      if ('call' in line) call = line.call;
      else if ('answer' in line) answered.resolve(line.answer as ProbeQuestions[Name]['answer']);
      else if ('failed' in line) answered.reject(new ProbeFailure('refused', line.failed));
      else
        told = told
          .then(async () => this.#reply(await onReport(line)))
          .catch((error: unknown) => answered.reject(error));
    };
    void this.#ended.then((how) => answered.reject(over(hung, how, call, this.#timeout)));
    this.#process.stdin?.write(`${JSON.stringify({ ask: name, input })}\n`);
    try {
      return await answered.promise;
    } finally {
      watchdog.stop();
      await told;
      this.#onLine = () => undefined;
    }
  }

  #reply(line: PinLine | undefined): void {
    if (line !== undefined) this.#process.stdin?.write(`${JSON.stringify(line)}\n`);
  }

  /** Lets it give its sessions back; kills it where that takes long. */
  async end(): Promise<void> {
    this.#process.stdin?.end();
    const late = setTimeout(() => this.#process.kill(), endTimeout);
    await this.#ended;
    clearTimeout(late);
  }

  async kill(): Promise<void> {
    this.#process.kill();
    await this.#ended;
  }
}

function over(hung: boolean, how: string, call: string | undefined, timeout: number): ProbeFailure {
  const where = call === undefined ? 'while the module was loaded' : `in ${call}, or soon after it`;
  return hung
    ? new ProbeFailure('hung', {
        pinRefused: false,
        problem: `the module hangs: ${call ?? 'loading it'} did not come back within ${timeout / 1000} s`,
        remediation: 'look at the module’s own log and at the network to the HSM; --timeout waits longer',
        call,
      })
    : new ProbeFailure('died', {
        pinRefused: false,
        problem: `the module ended its process (${how}) ${where}`,
        remediation: 'look at the module’s own log, and ask its vendor: it was alone in that process',
        call,
      });
}

/** Undefined where the line is no record: a module may write into any descriptor. */
function parseLine(line: string): ProbeLine | undefined {
  try {
    const told: unknown = JSON.parse(line);
    return typeof told === 'object' && told !== null ? (told as ProbeLine) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
