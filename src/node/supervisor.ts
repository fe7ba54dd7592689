import { setTimeout as delay } from 'node:timers/promises';
import { membersOf, type LoadedMember } from '../config/load.ts';
import { LoginGate, type HostSettings } from '../token/keeper/host-keeper.ts';
import { thenNewPin } from '../token/login-gate.ts';
import { HsmClaims } from '../token/keeper/hsm-claims.ts';
import { managementRequests, workerRequests } from '../token/messages.ts';
import { monotonicNow } from '../clock.ts';
import { awsSettings } from './aws-settings.ts';
import { confinementOfManagement, confinementOfXksWorker } from './confinement.ts';
import type { Ports, StartupFailure, SupervisorOptions } from './supervisor-options.ts';
import { WorkerGroup, type WorkerGroupOptions } from './worker-group.ts';
import type { StartMessage, ToSupervisor, ToWorker } from './messages.ts';
import { QuotaLedger } from '../serving/quota-ledger.ts';
import { answerWrite, giveUpLeaseOf, writerOf, type ServedWriter } from './served-writer.ts';
import { FigureRounds } from './figure-rounds.ts';
import { historyOf, type HistoryKeeper } from '../serving/history-keeper.ts';
import { HostSharing, isLostToPins } from './host-sharing.ts';
import { hostTotals, MemberTimes, nodeFacts, noteMembers, ownFacts, statusLine } from './node-facts.ts';
import { nodeIdOf } from './node-id.ts';
import { NodeSigns, sharesOf } from './node-signs.ts';
import { NodeTls } from './tls/node-tls.ts';
import { hostSettings, hostsOf, newPinBy, tokensOfManagement, tokensOfWorker } from './host-settings.ts';
import { OwnCode } from './own-code.ts';
import { connectionsWithin } from '../http/open-files.ts';
import { managementMessage, xksWorkerMessage } from './worker-messages.ts';

/** How long the last sign of the node is waited for, milliseconds. */
const maxLastSign = 1_000;

/**
 * The parent of a node's processes. It starts token hosts and XKS workers, hands each host's socket to its worker,
 * replaces what dies, and talks to no network. It alone holds the PIN.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  /** Of each HSM, by its title: one that hangs at its login keeps no other waiting. */
  readonly #gates: Map<string, LoginGate>;
  readonly #claims = new HsmClaims();
  readonly #times = new MemberTimes();
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
  readonly #history: HistoryKeeper;
  readonly #figures: FigureRounds;
  readonly #tellXks = (message: ToWorker): void => this.#groups.forEach((group) => group.tell(message));
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
      membersOf(options.config).map(({ title, pin }) => [
        title,
        new LoginGate(newPinBy(pin), options.refused?.has(title)),
      ]),
    );
    this.#quotas = new QuotaLedger({ part: 1 / options.config.node.fleet_size, now: monotonicNow });
    this.#nodeId = nodeIdOf(options.config.node.state_directory);
    this.#writer = writerOf(options.config, this.#nodeId, options.log);
    this.#history = historyOf(options.config, this.#writer, options.log, (told) =>
      this.#tellXks({ kind: 'history', ...told }),
    );
    this.#tls = new NodeTls({
      config: options.config,
      log: options.log,
      tellXks: this.#tellXks,
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
    this.#signs = new NodeSigns({
      ...{ id: this.#nodeId, version: options.build, writer: this.#writer, log: options.log },
      alone: options.config.store.kind === 'sqlite',
      own: () => ownFacts(this.#groups, this.#management, options.config.tokens),
      granted: () => this.#quotas.granted,
      onFleet: this.#tellXks,
      shares: sharesOf(options.config, this.#quotas),
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
   * Resolves with the reason when the node cannot serve: a token refused its PIN before the node had ever been ready and has
   * no host that is up, or a worker does not come up. Later a refused PIN stops only the hosts that would try it.
   */
  get startupFailed(): Promise<StartupFailure> {
    return this.#startupFailed.promise;
  }

  start(): void {
    void this.#startWriter();
    // Where the system is to choose the port, the first worker gets it and the others follow.
    const first = this.#options.config.xks.port === 0 ? this.#groups.slice(0, 1) : this.#groups;
    for (const group of first) group.start();
  }

  /** SIGHUP: TLS files again, and PINs that were refused and hosts that found no room may be tried again. */
  reload(): void {
    for (const gate of this.#gates.values()) gate.reset();
    this.#tls.reload();
  }

  /** How long `stop` takes at the most, milliseconds: draining, ending workers, the last sign and the writer's end. */
  get stopsWithin(): number {
    return this.#options.config.xks.drain_ms + 10_000;
  }

  /** SIGTERM: drains the workers, then ends the token hosts. */
  async stop(): Promise<void> {
    const timeout = this.#options.config.xks.drain_ms + 5_000;
    this.#signs.stopping();
    this.#tls.stop();
    this.#sharing.stop();
    this.#stopped ??= Promise.all(this.#everyone.map(async (group) => group.stop(timeout))).then(async () => {
      // The store may be away.
      await Promise.race([
        Promise.all([this.#signs.end(), this.#history.end()]),
        delay(maxLastSign, undefined, { ref: false }),
      ]);
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
      members: membersOf(config).map((member) =>
        this.#hosting(member, hostsOf(member, config.workers), workerRequests),
      ),
      start: () => this.#workerStart(group.instance),
      onListening: (port) => {
        this.#port ??= port;
        // The management process, which AWS does not wait for, takes the processor from none that it does.
        if (this.#stopped === undefined) for (const other of this.#everyone) other.start();
        this.#checkReady();
      },
      onMessage: (message, reply) => {
        if (message.kind === 'quota')
          reply({ kind: 'quota', grants: this.#quotas.answer(index, message.asks) });
        if (message.kind === 'borrowed-lost') this.#sharing.lost(message.id);
        if (message.kind === 'figures') this.#figures.answered(index, message.figures);
        if (message.kind === 'store-moved')
          this.#history.ask(message.id, (told) => reply({ kind: 'history', ...told }));
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

  /** One process for the management API and the schedules, with one host of each HSM: it has no hot path. */
  #managementGroup(): WorkerGroup {
    const { config, log } = this.#options;
    return new WorkerGroup({
      ...this.#common(),
      kind: 'management process',
      index: 0,
      script: new URL('./management-worker.ts', import.meta.url),
      says: managementMessage,
      may: confinementOfManagement(config, process.env),
      members: membersOf(config).map((member) => this.#hosting(member, 1, managementRequests)),
      start: () => this.#managementStart(),
      onListening: (port) => {
        this.#adminPort ??= port;
        this.#checkReady();
      },
      onMessage: (message, reply) => {
        if (message.kind === 'verify-token') void this.#verifyToken(message, reply);
        if (message.kind === 'node-facts') {
          const hsms = { gates: this.#gates, times: this.#times };
          const facts = nodeFacts(config, hsms, this.#everyone, this.#tls, this.#quotas);
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
        noteMembers(config, this.#everyone, this.#times);
        this.#checkReady();
        this.#sharing.changed();
      },
      onPinRefused: (member, problem, remediation) => {
        const { token, title } = member;
        const words = `token ${title}: ${problem}; ${remediation}`;
        // Where another HSM has the keys too, or a host of before the refusal is there, the node serves with that.
        const gates = membersOf(config)
          .filter((one) => one.token === token)
          .map((one) => this.#gate(one.title));
        if (this.#isReady || !isLostToPins(token, this.#everyone, gates))
          log.error({ token }, `${words}; ${thenNewPin[this.#gate(title).newPinBy]}`);
        else this.#startupFailed.resolve({ problem: words, pinRefusedBy: token });
      },
      onStartupFailed: (problem) => this.#startupFailed.resolve({ problem }),
    };
  }

  #hosting(
    member: LoadedMember,
    hosts: number,
    permitted: HostSettings['order']['permitted'],
  ): WorkerGroupOptions['members'][number] {
    const { pin, pins, known } = this.#options;
    const order = {
      ...(permitted === undefined ? {} : { permitted }),
      makesKeys: permitted === managementRequests,
      ...known.orderOf(member.token),
    };
    return {
      member,
      hosts,
      settings: {
        ...hostSettings(member, async () => pin(member), order, pins?.(member)),
        refuses: (info) => this.#claims.refuse(member, info),
      },
      gate: this.#gate(member.title),
    };
  }

  #gate(title: string): LoginGate {
    return this.#gates.get(title) ?? new LoginGate();
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
        fleet: this.#signs.fleet ?? {
          live: node.fleet_size,
          tokens: [],
          drained: false,
        },
        ...{ store, instance, nodeId: this.#nodeId, history: this.#history.last },
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
    { id, token, member: name }: Extract<ToSupervisor, { kind: 'verify-token' }>,
    reply: (message: ToWorker) => void,
  ): Promise<void> {
    const { config, pin, pins, verifyToken, known } = this.#options;
    const member = membersOf(config).find((one) => one.token === token && one.name === name);
    if (member === undefined) return;
    const report = await verifyToken(
      member,
      hostSettings(member, async () => pin(member), known.orderOf(token), pins?.(member)),
      this.#gate(member.title),
    );
    reply({ kind: 'token-report', id, report });
  }

  async #startWriter(): Promise<void> {
    await this.#writer.start();
    this.#history.look();
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
