import { setTimeout as delay } from 'node:timers/promises';
import type { LoadedConfig, LoadedToken } from '../config/load.ts';
import type { Logger } from '../log.ts';
import type { Secret } from '../secret.ts';
import { LoginGate, type HostSettings } from '../token/keeper/host-keeper.ts';
import { hostSettings } from './host-settings.ts';
import { thenNewPin } from '../token/login-gate.ts';
import { managementRequests, workerRequests } from '../token/messages.ts';
import type { TokenReport } from '../admin/services.ts';
import { monotonicNow } from '../clock.ts';
import { awsSettings } from './aws-settings.ts';
import { confinementOfManagement, confinementOfXksWorker } from './confinement.ts';
import { WorkerGroup, type WorkerGroupOptions } from './worker-group.ts';
import type { FleetMessage, StartMessage, ToSupervisor, ToWorker } from './messages.ts';
import { QuotaLedger } from '../serving/quota-ledger.ts';
import { answerWrite, giveUpLeaseOf, ServedWriter } from './served-writer.ts';
import { FigureRounds } from './figure-rounds.ts';
import { HostSharing } from './host-sharing.ts';
import { hostTotals, nodeFacts, ownFacts, statusLine } from './node-facts.ts';
import { nodeIdOf } from './node-id.ts';
import type { KnownTokens } from './known-tokens.ts';
import { NodeSigns } from './node-signs.ts';
import { NodeTls } from './tls/node-tls.ts';
import { hostsOf, newPinBy, tokensOfManagement, tokensOfWorker } from './worker-tokens.ts';
import { OwnCode } from './own-code.ts';
import { connectionsWithin } from '../http/open-files.ts';
import { managementMessage, xksWorkerMessage } from './worker-messages.ts';

/** How long the last sign of the node is waited for, milliseconds. */
const maxLastSign = 1_000;

export interface SupervisorOptions {
  config: LoadedConfig;
  log: Logger;
  version: string;
  /** The version with the commit, for operators. */
  build: string;
  /** The PIN of a token, read anew at each start of a host. */
  pin: (token: LoadedToken) => Promise<Secret | undefined>;
  /** What is known of a token's PINs; without it every PIN is tried. */
  pins?: (token: LoadedToken) => HostSettings['pins'];
  /** What the store has of each token. */
  known: KnownTokens;
  /** Tries a token with one more host. */
  verifyToken: (token: LoadedToken, settings: HostSettings, gate: LoginGate) => Promise<TokenReport>;
}

/** Where a node listens once it is ready. */
export interface Ports {
  xks: number;
  /** Undefined where the configuration has no management API. */
  admin: number | undefined;
}

/** Why a node cannot serve. */
export interface StartupFailure {
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
  readonly #groups: WorkerGroup[];
  readonly #code = new OwnCode();
  readonly #management: WorkerGroup | undefined;
  readonly #quotas: QuotaLedger;
  readonly #writer: ServedWriter;
  #writerStarted = false;
  readonly #tls: NodeTls;
  readonly #sharing: HostSharing;
  readonly #nodeId: string;
  readonly #signs: NodeSigns;
  readonly #figures: FigureRounds;
  #port: number | undefined;
  #adminPort: number | undefined;
  #isReady = false;
  readonly #listening = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<Ports>();
  readonly #startupFailed = Promise.withResolvers<StartupFailure>();
  #stopped: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#gates = new Map(
      options.config.tokens.map((token) => [token.name, new LoginGate(newPinBy(token.pin))]),
    );
    this.#quotas = new QuotaLedger({ fleetSize: options.config.node.fleet_size, now: monotonicNow });
    this.#writer = new ServedWriter(options.config.store, (problem) =>
      options.log.error(
        { problem },
        'the thread that writes for XKS workers has ended; the next write starts another',
      ),
    );
    this.#tls = new NodeTls({
      config: options.config,
      log: options.log,
      tellXks: (message) => {
        for (const group of this.#groups) group.tell(message);
      },
      tellManagement: (message) => this.#management?.tell(message),
    });
    this.#groups = Array.from({ length: options.config.workers }, (_, index) => this.#group(index));
    this.#sharing = new HostSharing(
      options.config.tokens.map(({ name }) => name),
      this.#groups,
      options.log,
    );
    this.#management = options.config.admin.enabled ? this.#managementGroup() : undefined;
    this.#figures = new FigureRounds(this.#groups, this.#everyone, this.#writer, options.log);
    this.#nodeId = nodeIdOf(options.config.node.state_directory);
    this.#signs = new NodeSigns({
      ...{ id: this.#nodeId, version: options.build, writer: this.#writer, log: options.log },
      alone: options.config.store.kind === 'sqlite',
      own: () => ownFacts(this.#groups, this.#management, options.config.tokens),
      onFleet: (message) => this.#hearOfFleet(message),
    });
  }

  /**
   * Resolves with the ports when every worker listens and has all the hosts of every token that it can have, and AWS can be
   * served with each token.
   */
  get ready(): Promise<Ports> {
    return this.#ready.promise;
  }

  /** Resolves when every worker listens, whatever the tokens do. */
  get listening(): Promise<void> {
    return this.#listening.promise;
  }

  /** Whether a worker answers AWS. A management process that is away is no reason to end the node: AWS would be left alone. */
  get isWell(): boolean {
    return this.#groups.some(({ listens }) => listens);
  }

  /** In one line. */
  get status(): string {
    return statusLine(this.#groups, this.#options.config.tokens);
  }

  /**
   * Resolves with the reason when the node cannot serve: a token refused its PIN before the node had ever been ready,
   * or a worker does not come up. Later a refused PIN stops only the hosts that would try it.
   */
  get startupFailed(): Promise<StartupFailure> {
    return this.#startupFailed.promise;
  }

  start(): void {
    void this.#startWriter();
    const [first, ...others] = this.#groups;
    first?.start();
    this.#management?.start();
    // Where the system is to choose the port, the first worker gets it and the others follow.
    if (this.#options.config.xks.port !== 0) for (const group of others) group.start();
  }

  /** SIGHUP: TLS files again, and PINs that were refused and hosts that found no room may be tried again. */
  reload(): void {
    for (const gate of this.#gates.values()) gate.reset();
    this.#tls.reload();
  }

  /** SIGTERM: drains the workers, then ends the token hosts. */
  async stop(): Promise<void> {
    const timeout = this.#options.config.xks.drain_ms + 5_000;
    this.#signs.stopping();
    this.#tls.stop();
    this.#sharing.stop();
    this.#stopped ??= Promise.all(this.#everyone.map(async (group) => group.stop(timeout))).then(async () => {
      // The store may be away.
      await Promise.race([this.#signs.end(), delay(maxLastSign, undefined, { ref: false })]);
      return this.#writer.close();
    });
    return this.#stopped;
  }

  get #everyone(): WorkerGroup[] {
    return this.#management === undefined ? this.#groups : [...this.#groups, this.#management];
  }

  #group(index: number): WorkerGroup {
    const { config } = this.#options;
    const group: WorkerGroup = new WorkerGroup({
      ...this.#common(),
      kind: 'XKS worker',
      index,
      script: new URL('./xks-worker.ts', import.meta.url),
      says: xksWorkerMessage,
      may: confinementOfXksWorker(config),
      tokens: config.tokens.map((token) =>
        this.#hosting(token, hostsOf(token, config.workers), workerRequests),
      ),
      start: () => this.#workerStart(group.instance),
      onListening: (port) => {
        this.#port ??= port;
        for (const other of this.#groups) if (this.#stopped === undefined) other.start();
        this.#checkReady();
      },
      onMessage: (message, reply) => {
        if (message.kind === 'quota')
          reply({ kind: 'quota', grants: this.#quotas.answer(index, message.asks) });
        if (message.kind === 'borrowed-lost') this.#sharing.lost(message.id);
        if (message.kind === 'figures') this.#figures.answered(index, message.figures);
        if (message.kind === 'served-write') void answerWrite(this.#writer, group.instance, message, reply);
      },
      onGone: () => {
        this.#quotas.forget(index);
        this.#figures.gone(index);
        void giveUpLeaseOf(group.instance, this.#writer, config.store);
      },
    });
    return group;
  }

  /** Quotas are shared out among as many as there should be at the least: one that is only cut off grants its part still. */
  #hearOfFleet(message: FleetMessage): void {
    this.#quotas.shareAmong(Math.max(message.live, this.#options.config.node.fleet_size));
    for (const group of this.#groups) group.tell(message);
  }

  /** One process for the management API and the schedules, with one host of each token: it has no hot path. */
  #managementGroup(): WorkerGroup {
    const { config, log } = this.#options;
    return new WorkerGroup({
      ...this.#common(),
      kind: 'management process',
      index: 0,
      script: new URL('./management-worker.ts', import.meta.url),
      says: managementMessage,
      may: confinementOfManagement(config, process.env),
      tokens: config.tokens.map((token) => this.#hosting(token, 1, managementRequests)),
      start: () => this.#managementStart(),
      onListening: (port) => {
        this.#adminPort ??= port;
        this.#checkReady();
      },
      onMessage: (message, reply) => {
        if (message.kind === 'verify-token') void this.#verifyToken(message, reply);
        if (message.kind === 'node-facts') {
          const facts = nodeFacts(this.#gates, this.#everyone, this.#tls, this.#quotas);
          reply({ kind: 'node-facts', id: message.id, facts });
        }
        if (message.kind === 'node-figures') void this.#figures.tell(message.id, reply);
      },
      // Only these hosts make any, and this process keeps what is known of them.
      onOwnKeysMade: (made) => {
        const { token, serial } = made;
        const keys = Object.keys(made.proofs);
        log.warn({ token, serial, keys }, 'a key of Holdfast’s own was gone and has been made anew');
        // For those that verify the token.
        this.#options.known.renew(made);
        for (const group of this.#everyone) group.takeOwnKeys(made);
        this.#management?.tell({ kind: 'own-keys-made', ...made });
      },
    });
  }

  #common(): Pick<
    WorkerGroupOptions,
    'code' | 'log' | 'maxSilence' | 'onChange' | 'onPinRefused' | 'onStartupFailed'
  > {
    const { config, log } = this.#options;
    return {
      code: this.#code,
      log,
      maxSilence: config.node.worker_silent_ms,
      onChange: () => {
        this.#checkReady();
        this.#sharing.changed();
      },
      onPinRefused: (token, problem, remediation) => {
        const words = `token ${token}: ${problem}; ${remediation}`;
        if (this.#isReady) log.error({ token }, `${words}; ${thenNewPin[this.#gate(token).newPinBy]}`);
        else this.#startupFailed.resolve({ problem: words, pinRefusedBy: token });
      },
      onStartupFailed: (problem) => this.#startupFailed.resolve({ problem }),
    };
  }

  #hosting(
    token: LoadedToken,
    hosts: number,
    permitted: HostSettings['order']['permitted'],
  ): WorkerGroupOptions['tokens'][number] {
    const { pin, pins, known } = this.#options;
    const order = {
      ...(permitted === undefined ? {} : { permitted }),
      makesKeys: permitted === managementRequests,
      ...known.orderOf(token.name),
    };
    return {
      token,
      hosts,
      settings: hostSettings(token, async () => pin(token), order, pins?.(token)),
      gate: this.#gate(token.name),
    };
  }

  #gate(token: string): LoginGate {
    return this.#gates.get(token) ?? new LoginGate();
  }

  #workerStart(instance: string): StartMessage {
    const { config, version } = this.#options;
    const { log, node, store, workers } = config;
    return {
      kind: 'start',
      config: {
        xks: {
          ...config.xks,
          port: this.#port ?? config.xks.port,
          // A worker that is confined cannot read its limits.
          connections: connectionsWithin(config.xks.connections),
        },
        log,
        fleet: this.#signs.fleet ?? { live: node.fleet_size, tokens: [], drained: false },
        ...{ store, instance, nodeId: this.#nodeId },
        tokens: tokensOfWorker(config),
        version,
        reusePort: workers > 1,
        ...this.#tls.xks,
      },
    };
  }

  #managementStart(): StartMessage {
    const { config, version } = this.#options;
    const { log, store } = config;
    return {
      kind: 'start-management',
      config: {
        admin: {
          ...config.admin,
          port: this.#adminPort ?? config.admin.port,
          connections: connectionsWithin(config.admin.connections),
        },
        ...this.#tls.management,
        aws: awsSettings(config.aws, version),
        audit: config.audit,
        log,
        nodeId: this.#nodeId,
        store,
        tokens: tokensOfManagement(config),
        version,
      },
    };
  }

  async #verifyToken(
    { id, token: name }: Extract<ToSupervisor, { kind: 'verify-token' }>,
    reply: (message: ToWorker) => void,
  ): Promise<void> {
    const { config, pin, pins, verifyToken, known } = this.#options;
    const token = config.tokens.find((candidate) => candidate.name === name);
    if (token === undefined) return;
    const report = await verifyToken(
      token,
      hostSettings(token, async () => pin(token), known.orderOf(name), pins?.(token)),
      this.#gate(name),
    );
    reply({ kind: 'token-report', id, report });
  }

  async #startWriter(): Promise<void> {
    await this.#writer.start();
    this.#signs.start();
    this.#writerStarted = true;
    this.#checkReady();
  }

  #checkReady(): void {
    this.#signs.look();
    if (this.#isReady || this.#port === undefined || !this.#writerStarted) return;
    if (this.#everyone.every(({ listens }) => listens)) this.#listening.resolve();
    if (!this.#everyone.every(({ settled }) => settled)) return;
    const tokens = this.#options.config.tokens.map(({ name }) => name);
    if (!tokens.every((token) => hostTotals(this.#groups, token).up > 0)) return;
    for (const token of tokens) {
      const { hosts: wanted, up: hosts, problem } = hostTotals(this.#everyone, token);
      if (hosts < wanted)
        this.#options.log.warn(
          { token, hosts, wanted, problem },
          'the token has fewer hosts than wanted: they serve all workers; lower token.hosts where it has no room for more',
        );
    }
    this.#isReady = true;
    this.#ready.resolve({ xks: this.#port, admin: this.#adminPort });
  }
}
