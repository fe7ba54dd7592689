import { randomUUID } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { monotonicNow } from '../clock.ts';
import type { LoadedMember } from '../config/load.ts';
import type { Logger } from '../log.ts';
import { boundCommand, confinedNodeCommand, type Confinement } from '../node-process.ts';
import type { NodeFigures } from '../metrics/figures.ts';
import { MisfitError, parseMessage, type Check } from '../message-check.ts';
import { standardError } from '../output-sink.ts';
import type { HostFacts } from '../admin/services.ts';
import type { TokenWords } from '../token/remediations.ts';
import { HostParty, type HostSettings, type LoginGate } from '../token/keeper/host-keeper.ts';
import { Watchdog } from '../watchdog.ts';
import { HandedSockets } from './handed-sockets.ts';
import type { HostCount, Sharer } from './host-sharing.ts';
import type { OwnKeysMade, StartMessage, ToSupervisor, ToWorker } from './messages.ts';
import { openWorker } from '../http/worker-channel.ts';
import { isPrepared, keepHost, type KeptHost } from './kept-host.ts';
import { codeReplaced, type OwnCode } from './own-code.ts';
import { groupFigures, StartCounts } from './process-figures.ts';
import { processMark } from './node-id.ts';

/** How long a worker may be silent until it listens, since a starved machine loads slowly; milliseconds. */
const maxStart = 60_000;
/** How often to look whether token hosts get the CPU, milliseconds. */
const gaugeInterval = 1_000;
/** A host that does not answer and does not get the CPU either is spared so many times. */
const maxSpared = 3;
/** Pauses before a worker is started again, milliseconds. */
const firstPause = 100;
const maxPause = 5_000;
/** How long a new worker waits for the hosts of the one before to give their sessions back, milliseconds. */
const hostsTimeout = 250;
/** A host that could not start so often in a row is not waited for. */
const vainStarts = 2;
/** A worker that lived this long had come up well. */
const settledAfter = 30_000;

export interface WorkerGroupOptions {
  /** What its log lines and failures call it. */
  kind: 'XKS worker' | 'management process';
  index: number;
  /** The worker's script. */
  script: URL;
  /** What it is of: no worker is started of other code than its supervisor's. */
  code?: Pick<OwnCode, 'isReplaced'>;
  /** The files that it may touch. */
  may: Confinement;
  /** Each HSM of each token. */
  members: readonly { member: LoadedMember; hosts: number; settings: HostSettings; gate: LoginGate }[];
  /** Asked at each start: the port may have become known meanwhile. */
  start: () => StartMessage;
  /** How long it may be silent once it listens, milliseconds. */
  maxSilence: number;
  log: Logger;
  onListening: (port: number) => void;
  onChange: () => void;
  onPinRefused: (member: LoadedMember, problem: string, remediation: string) => void;
  onStartupFailed: (why: string) => void;
  /** What it may say. */
  says: Check<ToSupervisor>;
  /** Messages that are not about the worker's own life. An answer goes to the process that asked, or to nobody. */
  onMessage?: (message: ToSupervisor, reply: (message: ToWorker) => void) => void;
  /** The worker is gone; another is started. */
  onGone?: () => void;
  /** A host of the token has made keys of our own anew. */
  onOwnKeysMade?: (made: OwnKeysMade) => void;
}

/** One worker with the keepers of its token hosts: each host serves this worker alone. */
export class WorkerGroup implements Sharer {
  readonly #options: WorkerGroupOptions;
  #worker: ChildProcess | undefined;
  #channel: HandedSockets | undefined;
  #instance = '';
  #keepers: KeptHost[] = [];
  listens = false;
  #everListened = false;
  #failures = 0;
  readonly #starts = new StartCounts();
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(options: WorkerGroupOptions) {
    this.#options = options;
  }

  /**
   * Whether the worker listens and has every host that it can have now, each with what it must know to be in time. One that
   * could not start twice is not waited for: a token may have fewer sessions than hosts are wanted. Nor is one whose PIN
   * was refused: it waits for another PIN, and does not fail a second time.
   */
  get settled(): boolean {
    return (
      this.listens &&
      this.#keepers.every((host) => isPrepared(host) || host.gate.refused || host.failures >= vainStarts)
    );
  }

  /** Why it lacks hosts of the token, or of one of its HSMs, as the last of them said that could not start. */
  problem(token: string, member?: string): TokenWords | undefined {
    return this.#keepers.findLast(
      (host) => host.token === token && (member === undefined || host.member === member) && host.failures > 0,
    )?.problem;
  }

  /** What is wrong with keys of our own in the token, as those of its hosts told last that are there. */
  ownKeyAlarms(token: string): string[] {
    return this.#keepers.flatMap((host) =>
      host.token === token && host.hostId !== undefined ? host.alarms : [],
    );
  }

  /** From now on its hosts are told these proofs; those that are there ask. */
  takeOwnKeys({ token: name, serial, proofs }: OwnKeysMade): void {
    for (const { member, settings } of this.#options.members) {
      if (member.token !== name) continue;
      const { order } = settings;
      order.ownProofs = { ...order.ownProofs, [serial]: { ...order.ownProofs?.[serial], ...proofs } };
    }
  }

  /** The process that the worker is now. */
  get worker(): Sharer['worker'] {
    return this.#worker;
  }

  /** A name that this process of the worker has and no other ever gets: what it has begun, none that follows it ends. */
  get instance(): string {
    return this.#instance;
  }

  get index(): number {
    return this.#options.index;
  }

  hosts(token: string): HostCount {
    const kept = this.#keepers.filter((host) => host.token === token);
    const members = this.#options.members
      .filter(({ member }) => member.token === token)
      .map(({ member: { name }, hosts: wanted }) => {
        const own = kept.filter(({ member }) => member === name);
        const info = own.findLast((host) => host.info !== undefined)?.info;
        return { name, wanted, prepared: own.filter(isPrepared).length, info };
      });
    return {
      wanted: members.reduce((sum, { wanted }) => sum + wanted, 0),
      ready: kept.filter(({ hostId }) => hostId !== undefined).length,
      prepared: kept.filter(isPrepared).length,
      members,
    };
  }

  /** Each host that it is to have of an HSM. */
  hostsOf(token: string, member: string): HostFacts[] {
    const { kind, index } = this.#options;
    const worker = kind === 'XKS worker' ? index : null;
    return this.#keepers
      .filter((host) => host.token === token && host.member === member)
      .map((host) => {
        const isThere = host.hostId !== undefined;
        return {
          worker,
          pid: isThere ? host.pid : null,
          prepared: isPrepared(host),
          provenAt: isThere ? (host.provenAt ?? null) : null,
        };
      });
  }

  start(): void {
    this.#loop ??= this.#keep();
  }

  /** Its processes as the kernel sees them, and how often each was started. */
  get figures(): Pick<NodeFigures, 'processes' | 'starts'> {
    return groupFigures(this.#options, this.#worker?.pid, this.#keepers, this.#starts);
  }

  tell(message: ToWorker, handle?: Socket): void {
    if (this.#channel === undefined) handle?.destroy();
    else this.#channel.tell(message, handle);
  }

  /** Drains the worker, then ends its hosts. Kills the worker where it takes longer than `timeout` milliseconds. */
  async stop(timeout: number): Promise<void> {
    this.#stopping.abort();
    this.tell({ kind: 'drain' });
    const late = setTimeout(() => this.#worker?.kill('SIGKILL'), timeout);
    await this.#loop;
    clearTimeout(late);
  }

  async #keep(): Promise<void> {
    const { kind, index, log, onStartupFailed } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const began = monotonicNow();
      const why = this.#options.code?.isReplaced === true ? codeReplaced : await this.#runOnce();
      if (signal.aborted) break;
      if (why === codeReplaced) log.error({ worker: index }, `no ${kind} is started: ${why}`);
      else log.error({ worker: index, why }, `${kind} gone, starting another`);
      this.#failures = monotonicNow() - began > settledAfter ? 0 : this.#failures + 1;
      if (!this.#everListened && this.#failures >= 5) {
        onStartupFailed(`${kind} ${index} does not come up: ${why}`);
        break;
      }
      // A worker that had served is wanted back at once.
      const pause = this.#failures <= 1 ? 0 : Math.min(maxPause, firstPause * 2 ** this.#failures);
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One life of the worker, with its hosts. Resolves with how it ended. */
  // oxlint-disable-next-line max-lines-per-function -- one event of the worker’s life after another
  async #runOnce(): Promise<string> {
    const { kind, index, log, maxSilence, start, members } = this.#options;
    const { signal } = this.#stopping;
    const [[command, ...words], env] = this.#command();
    const begin = () =>
      spawn(command, words, {
        serialization: 'json',
        // What Node prints of a worker that fails must not wait for a reader who stands still.
        stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
        env,
      });
    // Once it has said what it may not, it is not the code that we started, or that is broken: another is.
    const onNonsense = (problem: string) => {
      if (worker.killed) return;
      log.error({ worker: index, problem }, `${kind} says what it may not: killed`);
      worker.kill('SIGKILL');
    };
    const onMessage = (said: unknown) => {
      // What it said last may be read after its end, when another is in its place or about to be.
      if (worker !== this.#worker) return;
      const message = worker.killed ? undefined : this.#parsed(said, onNonsense);
      if (message === undefined) return;
      watchdog.heard();
      this.#receive(message, reply);
    };
    const reply = (message: ToWorker) => {
      if (worker === this.#worker) this.tell(message);
    };
    const worker = openWorker(begin, { onMessage, onNonsense });
    void standardError().forward(worker.stderr);
    this.#worker = worker;
    this.#starts.worker++;
    const channel = new HandedSockets(worker);
    this.#channel = channel;
    this.#instance = `xks-worker/${processMark(worker.pid)}/${randomUUID()}`;
    const watchdog = new Watchdog({
      pid: worker.pid,
      bound: () => (this.listens ? maxSilence : maxStart),
      interval: maxSilence / 16,
      ask: () => this.tell({ kind: 'ping' }),
      onHung: () => {
        log.error({ worker: index }, `${kind} does not answer: killed`);
        worker.kill('SIGKILL');
      },
    });
    const gauging = setInterval(() => {
      for (const { gauge } of this.#keepers) gauge?.sample();
    }, gaugeInterval);
    worker.on('error', (error) => log.error({ worker: index, problem: error.message }, kind));
    const exited = new Promise<string>((resolve) => {
      worker.once('exit', (code, signal) => resolve(signal ?? `exit code ${String(code)}`));
    });
    this.tell(start());
    this.#keepers = members.flatMap(({ hosts, member, settings, gate }) => {
      const party = new HostParty(kind === 'XKS worker' ? 0 : 1);
      return Array.from({ length: hosts }, () => {
        const kept = keepHost(member, settings, gate, {
          ...this.#options,
          started: (name) => this.#starts.host(name),
          tell: (message, handle) => this.tell(message, handle),
          stopping: signal,
        });
        kept.keeper.party = party;
        return kept;
      });
    });
    for (const { keeper } of this.#keepers) keeper.start();
    this.#options.onChange();

    const why = await exited;
    this.#options.onGone?.();
    watchdog.stop();
    clearInterval(gauging);
    this.listens = false;
    this.#worker = undefined;
    this.#channel = undefined;
    channel.ended();
    this.#options.onChange();
    const ended = Promise.all(this.#keepers.map(async ({ keeper }) => keeper.stop()));
    // The next worker does not wait for hosts that hang; those that do not have given their sessions back by then.
    await (this.#stopping.signal.aborted ? ended : Promise.race([ended, delay(hostsTimeout)]));
    return why;
  }

  #parsed(said: unknown, onNonsense: (problem: string) => void): ToSupervisor | undefined {
    try {
      return parseMessage(this.#options.says, said);
    } catch (error) {
      if (!(error instanceof MisfitError)) throw error;
      onNonsense(error.message);
      return undefined;
    }
  }

  /** Program and arguments, and the environment. */
  #command(): [command: [string, ...string[]], env: NodeJS.ProcessEnv] {
    const { script, may, kind } = this.#options;
    // Where systemd puts credentials is nothing that a network-facing process has to know.
    const { CREDENTIALS_DIRECTORY: _, ...env } = process.env;
    const answersAws = kind === 'XKS worker';
    return [boundCommand(confinedNodeCommand(fileURLToPath(script), may, { answersAws })), env];
  }

  #receive(message: ToSupervisor, reply: (message: ToWorker) => void): void {
    switch (message.kind) {
      case 'listening':
        this.#listens(message.port);
        break;
      case 'kill-host':
        this.#killHost(message.id);
        break;
      case 'host-prepared': {
        const host = this.#keepers.find(({ hostId }) => hostId === message.id);
        if (host === undefined) break;
        host.preparedId = message.id;
        const { token, pid: tokenHost } = host;
        this.#options.log.debug({ token, tokenHost, keys: message.keys }, 'token host knows its keys');
        this.#options.onChange();
        break;
      }
      case 'pong':
        break;
      case 'quota':
      case 'served-write':
      case 'verify-token':
      case 'node-facts':
      case 'node-figures':
      case 'figures':
      case 'borrowed-lost':
      case 'store-moved':
        this.#options.onMessage?.(message, reply);
        break;
      default:
        // What is missing above is told by the compiler: whoever said it might wait for an answer for good.
        message satisfies never;
    }
  }

  /** It was loaded between two looks at our code: of another, if that was replaced in between. */
  #listens(port: number): void {
    if (this.#options.code?.isReplaced === true) return void this.#worker?.kill('SIGKILL');
    this.listens = true;
    this.#everListened = true;
    this.#options.onListening(port);
  }

  /** The worker asks again for as long as the host does not answer. */
  #killHost(id: number): void {
    const host = this.#keepers.find(({ hostId }) => hostId === id);
    if (host === undefined) return;
    if (host.gauge?.starved === true && host.spared < maxSpared) {
      host.spared++;
      return;
    }
    this.#options.log.warn({ token: host.token }, 'token host does not answer: killed');
    host.keeper.kill();
  }
}
