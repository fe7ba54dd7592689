import type { LoadedConfig, LoadedToken } from '../config/load.ts';
import type { Logger } from '../log.ts';
import type { Secret } from '../secret.ts';
import { LoginGate, type HostSettings } from '../token/host-keeper.ts';
import { workerRequests } from '../token/messages.ts';
import { Crew } from './crew.ts';
import type { WorkerConfig } from './node-messages.ts';

export interface SupervisorOptions {
  config: LoadedConfig;
  log: Logger;
  version: string;
  /** The PIN of a token, read anew at each start of a host. */
  pin: (token: LoadedToken) => Promise<Secret | undefined>;
}

/** Why a node cannot serve. */
export interface Hopeless {
  problem: string;
  /** The token that refused its PIN, if that is it. */
  pinRefusedBy?: string;
}

/**
 * The parent of a node's processes. It starts token hosts and XKS workers, hands each host's socket to its worker,
 * replaces what dies, and talks to no network. It alone holds the PIN.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #gates: Map<string, LoginGate>;
  readonly #crews: Crew[];
  #port: number | undefined;
  #isReady = false;
  readonly #ready = Promise.withResolvers<number>();
  readonly #hopeless = Promise.withResolvers<Hopeless>();
  #stopped: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#gates = new Map(options.config.tokens.map((token) => [token.name, new LoginGate()]));
    this.#crews = Array.from({ length: options.config.workers }, (_, index) => this.#crew(index));
  }

  /** Resolves with the port when every worker listens and has all its hosts of every token. */
  get ready(): Promise<number> {
    return this.#ready.promise;
  }

  /**
   * Resolves with the reason when the node cannot serve: a token refused its PIN before the node had ever been ready,
   * or a worker does not come up. Later a refused PIN stops only the hosts that would try it.
   */
  get hopeless(): Promise<Hopeless> {
    return this.#hopeless.promise;
  }

  start(): void {
    const [first, ...others] = this.#crews;
    first?.start();
    // Where the system is to choose the port, the first worker gets it and the others follow.
    if (this.#options.config.xks.port !== 0) for (const crew of others) crew.start();
  }

  /** SIGHUP: TLS files again, and PINs that were refused may be tried again. */
  reload(): void {
    for (const gate of this.#gates.values()) gate.reset();
    for (const crew of this.#crews) crew.tell({ kind: 'reload' });
  }

  /** SIGTERM: drains the workers, then ends the token hosts. */
  async stop(): Promise<void> {
    const patience = this.#options.config.xks.drain_ms + 5_000;
    this.#stopped ??= Promise.all(this.#crews.map(async (crew) => crew.stop(patience))).then(() => undefined);
    return this.#stopped;
  }

  #crew(index: number): Crew {
    const { config, log, pin } = this.#options;
    return new Crew({
      index,
      log,
      tokens: config.tokens.map((token) => ({
        token,
        hosts: hostsOf(token, config.workers),
        settings: hostSettings(token, async () => pin(token), { permitted: workerRequests }),
        gate: this.#gates.get(token.name) ?? new LoginGate(),
      })),
      workerConfig: () => this.#workerConfig(),
      onListening: (port) => {
        this.#port ??= port;
        for (const crew of this.#crews) if (this.#stopped === undefined) crew.start();
        this.#checkReady();
      },
      onChange: () => this.#checkReady(),
      onPinRefused: (token, problem, wayOut) => {
        const words = `token ${token}: ${problem}; ${wayOut}`;
        if (this.#isReady) log.error({ token }, `${words}, then send SIGHUP`);
        else this.#hopeless.resolve({ problem: words, pinRefusedBy: token });
      },
      onHopeless: (problem) => this.#hopeless.resolve({ problem }),
    });
  }

  #workerConfig(): WorkerConfig {
    const { config, version } = this.#options;
    const { log, node, storePath, workers } = config;
    return {
      xks: { ...config.xks, port: this.#port ?? config.xks.port },
      log,
      node,
      storePath,
      tokens: config.tokens.map((token) => ({
        name: token.name,
        sick_after_ms: token.sick_after_ms,
        kill_after_ms: token.kill_after_ms,
        moduleProfile: token.moduleProfile,
        hosts: hostsOf(token, workers),
      })),
      version,
      reusePort: workers > 1,
    };
  }

  #checkReady(): void {
    if (this.#port === undefined || !this.#crews.every(({ complete }) => complete)) return;
    this.#isReady = true;
    this.#ready.resolve(this.#port);
  }
}

/** What a token's hosts are started with. */
export function hostSettings(
  token: LoadedToken,
  pin: HostSettings['pin'],
  order: Pick<HostSettings['order'], 'prepare' | 'permitted'> = {},
): HostSettings {
  return {
    token: token.name,
    order: {
      profile: token.moduleProfile,
      module: token.module,
      initializeParameters: token.initialize_parameters,
      choose: { label: token.label, serial: token.serial },
      ...order,
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
