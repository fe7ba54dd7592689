import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { boundCommand, nodeCommand } from '../../node-process.ts';
import { standardError } from '../../output-sink.ts';
import { systemReason } from '../../system-reason.ts';
import { Watchdog } from '../../watchdog.ts';
import type { StartFailure } from '../start-failure.ts';
import type { OpenReport, PinLine, ProbeLine, ProbeQuestions, QuestionName } from './questions.ts';

const script = path.join(import.meta.dirname, 'probe-process.ts');
/** How long one that is told to end may take to give its sessions back, milliseconds. */
const endPatience = 2_000;
/** How long a line may still be in the pipe when its process has ended, milliseconds: a busy machine reads it late. */
const linePatience = 2_000;

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
  readonly #child: ChildProcess;
  readonly #patience: number;
  readonly #ended: Promise<string>;
  #isOver = false;
  #onLine: (line: ProbeLine) => void = () => undefined;

  /** @param patience How long one C_ function may take, milliseconds. */
  constructor(environment: Readonly<Record<string, string>>, patience: number) {
    this.#patience = patience;
    const [command, ...words] = boundCommand(nodeCommand(script));
    this.#child = spawn(command, words, {
      env: { ...process.env, ...environment },
      // What a module prints goes to our stderr; 3 is where a token host has its socket.
      stdio: ['pipe', 'pipe', 'pipe', 'ignore', 'pipe'],
    });
    const [stdin, stdout, stderr, , reports] = this.#child.stdio as unknown as [
      Socket,
      Socket,
      Socket,
      null,
      Socket,
    ];
    for (const stream of [stdin, reports]) stream.on('error', () => undefined);
    const printed = [stdout, stderr].map(async (stream) => standardError().forward(stream));
    const lines = createInterface({ input: reports });
    const allRead = once(lines, 'close').catch(() => undefined);
    lines.on('line', (line) => this.#onLine(JSON.parse(line) as ProbeLine));
    const exited = new Promise<string>((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      this.#child.once('error', (error) => resolve(`it could not be started: ${systemReason(error).words}`));
    });
    this.#ended = exited.then(async (how) => {
      this.#isOver = true;
      await Promise.race([Promise.all([allRead, ...printed]), delay(linePatience)]);
      lines.close();
      for (const stream of [reports, stdout, stderr]) stream.destroy();
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
      pid: this.#child.pid,
      bound: () => this.#patience,
      interval: this.#patience / 16,
      onHung: () => {
        hung = true;
        this.#child.kill('SIGKILL');
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
    void this.#ended.then((how) => answered.reject(over(hung, how, call, this.#patience)));
    this.#child.stdin?.write(`${JSON.stringify({ ask: name, input })}\n`);
    try {
      return await answered.promise;
    } finally {
      watchdog.stop();
      await told;
      this.#onLine = () => undefined;
    }
  }

  #reply(line: PinLine | undefined): void {
    if (line !== undefined) this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
  }

  /** Lets it give its sessions back; kills it where that takes long. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    const late = setTimeout(() => this.#child.kill('SIGKILL'), endPatience);
    await this.#ended;
    clearTimeout(late);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

function over(hung: boolean, how: string, call: string | undefined, patience: number): ProbeFailure {
  const where = call === undefined ? 'while the module was loaded' : `in ${call}, or soon after it`;
  return hung
    ? new ProbeFailure('hung', {
        pinRefused: false,
        problem: `the module hangs: ${call ?? 'loading it'} did not come back within ${patience / 1000} s`,
        wayOut: 'look at the module’s own log and at the network to the HSM; --timeout waits longer',
        call,
      })
    : new ProbeFailure('died', {
        pinRefused: false,
        problem: `the module ended its process (${how}) ${where}`,
        wayOut: 'look at the module’s own log, and ask its vendor: it was alone in that process',
        call,
      });
}
