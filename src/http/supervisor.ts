import { fork, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadedConfig, LoadedToken } from '../config/load.ts';
import type { Logger } from '../log.ts';
import type { Secret } from '../secret.ts';
import { HostKeeper, LoginGate, type HostSettings } from '../token/host-keeper.ts';
import type { ToSupervisor, ToWorker } from './node-messages.ts';

export interface SupervisorOptions {
  config: LoadedConfig;
  log: Logger;
  version: string;
  /** The PIN of a token, read anew at each start of a host. */
  pin: (token: LoadedToken) => Promise<Secret | undefined>;
}

/** One XKS worker with the keepers of its token hosts. */
interface Crew {
  index: number;
  worker: ChildProcess | undefined;
  keepers: { token: string; keeper: HostKeeper; hostId: number | undefined }[];
  listening: boolean;
  failures: number;
}

/**
 * The parent of a node's processes. It starts token hosts and XKS workers, hands each host's socket to its worker,
 * replaces what dies, and talks to no network. It alone holds the PIN.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #gates: Map<string, LoginGate>;
  readonly #crews: Crew[] = [];
  #stopping = false;
  #port: number | undefined;
  readonly #ready = Promise.withResolvers<number>();
  readonly #fatal = Promise.withResolvers<string>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#gates = new Map(options.config.tokens.map((token) => [token.name, new LoginGate()]));
    this.#ready.promise.catch(() => undefined);
  }

  /** Resolves with the port when every worker listens and has a host of every token. */
  get ready(): Promise<number> {
    return this.#ready.promise;
  }

  /** Resolves with the reason when the node cannot serve: a PIN was refused at the start. */
  get fatal(): Promise<string> {
    return this.#fatal.promise;
  }

  start(): void {
    for (let index = 0; index < this.#options.config.workers; index++) {
      const crew: Crew = { index, worker: undefined, keepers: [], listening: false, failures: 0 };
      this.#crews.push(crew);
      this.#startWorker(crew);
    }
  }

  /** SIGHUP: TLS files again, and PINs that were refused may be tried again. */
  reload(): void {
    for (const gate of this.#gates.values()) gate.reset();
    for (const { worker } of this.#crews) send(worker, { kind: 'reload' });
  }

  /** SIGTERM: drains the workers, then ends the token hosts. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const patience = this.#options.config.xks.drain_ms + 5_000;
    await Promise.all(
      this.#crews.map(async ({ worker }) => {
        if (worker === undefined || worker.exitCode !== null) return;
        const exited = new Promise((resolve) => worker.once('exit', resolve));
        send(worker, { kind: 'drain' });
        const late = setTimeout(() => worker.kill('SIGKILL'), patience);
        await exited;
        clearTimeout(late);
      }),
    );
    await Promise.all(this.#crews.flatMap(({ keepers }) => keepers.map(async ({ keeper }) => keeper.stop())));
  }

  #startWorker(crew: Crew): void {
    const { config, log, version } = this.#options;
    const worker = fork(path.join(import.meta.dirname, 'xks-worker.ts'), [], {
      serialization: 'json',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    crew.worker = worker;
    crew.listening = false;
    const hosts = Object.fromEntries(
      config.tokens.map((token) => [token.name, hostsOf(token, config.workers)]),
    );
    worker.on('message', (message: ToSupervisor) => this.#receive(crew, message));
    worker.on('error', (error) => log.error({ problem: error.message }, 'XKS worker'));
    worker.once('exit', (code, signal) => void this.#workerGone(crew, signal ?? `exit code ${code}`));
    // Every worker binds the port that the first one got, where the configuration leaves it to the system.
    const xks = { ...config.xks, port: this.#port ?? config.xks.port };
    send(worker, {
      kind: 'start',
      config: { ...config, xks },
      hosts,
      version,
      reusePort: config.workers > 1,
    });
    crew.keepers = config.tokens.flatMap((token) =>
      Array.from({ length: hosts[token.name] ?? 1 }, () => this.#keepHost(crew, worker, token)),
    );
    for (const { keeper } of crew.keepers) keeper.start();
  }

  #keepHost(crew: Crew, worker: ChildProcess, token: LoadedToken): Crew['keepers'][number] {
    const { log } = this.#options;
    const gate = this.#gates.get(token.name) ?? new LoginGate();
    const entry: Crew['keepers'][number] = {
      token: token.name,
      hostId: undefined,
      keeper: new HostKeeper(
        hostSettings(token, async () => this.#options.pin(token)),
        gate,
        {
          onReady: ({ id, pid, socket, info }) => {
            entry.hostId = id;
            send(worker, { kind: 'host', token: token.name, id, pid, info }, socket);
            log.info(
              {
                token: token.name,
                tokenHost: pid,
                worker: crew.index,
                serial: info.serial,
                firmware: info.firmware,
              },
              'token host ready',
            );
            this.#checkReady();
          },
          onGone: (id, why) => {
            entry.hostId = undefined;
            send(worker, { kind: 'host-gone', token: token.name, id });
            if (!this.#stopping) log.warn({ token: token.name, why }, 'token host gone, starting another');
          },
          onFailed: (problem, wayOut, final) => {
            log.error({ token: token.name, problem, wayOut }, 'token host could not start');
            if (final) this.#fatal.resolve(`token ${token.name}: ${problem}; ${wayOut}`);
          },
        },
      ),
    };
    return entry;
  }

  #receive(crew: Crew, message: ToSupervisor): void {
    switch (message.kind) {
      case 'listening':
        this.#port ??= message.port;
        crew.listening = true;
        this.#checkReady();
        break;
      case 'kill-host': {
        const host = crew.keepers.find(({ hostId }) => hostId === message.id);
        if (host === undefined) break;
        this.#options.log.warn({ token: host.token }, 'token host does not answer: killed');
        host.keeper.kill();
        break;
      }
      case 'drained':
        break;
    }
  }

  #checkReady(): void {
    const isReady = this.#crews.every(
      ({ listening, keepers }) => listening && keepers.every(({ hostId }) => hostId !== undefined),
    );
    if (isReady && this.#port !== undefined) this.#ready.resolve(this.#port);
  }

  async #workerGone(crew: Crew, why: string): Promise<void> {
    const keepers = crew.keepers;
    crew.keepers = [];
    crew.worker = undefined;
    await Promise.all(keepers.map(async ({ keeper }) => keeper.stop()));
    if (this.#stopping) return;
    this.#options.log.error({ worker: crew.index, why }, 'XKS worker gone, starting another');
    if (!crew.listening && ++crew.failures >= 5) {
      this.#fatal.resolve(`XKS worker ${crew.index} does not come up: ${why}`);
      return;
    }
    await delay(crew.listening ? 0 : 500);
    if (crew.listening) crew.failures = 0;
    this.#startWorker(crew);
  }
}

/** What a token's hosts are started with. */
export function hostSettings(token: LoadedToken, pin: HostSettings['pin'], prepare = false): HostSettings {
  return {
    token: token.name,
    order: {
      profile: token.moduleProfile,
      module: token.module,
      initializeParameters: token.initialize_parameters,
      choose: { label: token.label, serial: token.serial },
      prepare,
    },
    environment: { ...token.moduleProfile.environment, ...token.environment },
    pin,
    startTimeout: token.start_timeout_ms,
  };
}

/** The token's hosts are shared out among the workers; each has at least one. */
function hostsOf(token: LoadedToken, workers: number): number {
  return Math.max(1, Math.ceil((token.hosts ?? token.moduleProfile.hosts) / workers));
}

function send(worker: ChildProcess | undefined, message: ToWorker, handle?: Socket): void {
  if (worker?.connected !== true) {
    handle?.destroy();
    return;
  }
  worker.send(message, handle, (error) => {
    if (error !== null) handle?.destroy();
  });
}
