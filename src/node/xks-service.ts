import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import { openHolderLine, openStoreToRead } from '../store/opening/open.ts';
import type { ReadableStore } from '../store/store.ts';
import { monotonicNow, wallClock } from '../clock.ts';
import { lendHosts } from '../token/pool/lent-hosts.ts';
import { TokenPool } from '../token/pool/token-pool.ts';
import { Directory } from '../serving/directory.ts';
import { EncryptionCount } from '../serving/encryption-count.ts';
import { LimitRotations } from '../serving/limit-rotations.ts';
import { SnapshotHolder } from '../serving/snapshot-holder.ts';
import { tellWentBack } from '../serving/went-back.ts';
import { QuotaLeases } from '../serving/quota-leases.ts';
import { TokenPools } from '../vault/tokens.ts';
import { UnfitKeys } from '../serving/unfit-keys.ts';
import { FailedRequestRecorder } from '../serving/failed-requests.ts';
import { UseRecorder } from '../serving/uses.ts';
import type { XksServices } from '../xks/operation.ts';
import { Listener } from '../http/listener.ts';
import type { WorkerFigures } from '../metrics/figures.ts';
import { loopFigures, RequestCounts } from '../metrics/request-counts.ts';
import type { ToSupervisor, ToWorker, WorkerConfig } from './messages.ts';
import { RequestLog } from '../http/request-log.ts';
import { ServedWriteAsks } from './served-write-asks.ts';
import { WorkerHistory } from '../serving/worker-history.ts';
import { receiveCommon, type Worker } from './worker-process.ts';
import { rehearse } from '../http/rehearsal.ts';
import { createXksApp, xksRefusal } from '../http/xks-app.ts';

/** How long requests under way may take once the node closes, milliseconds. */
const closeTimeout = 2_000;
/** How long fetching secrets ahead of use may take, milliseconds. */
const warmUpTimeout = 10_000;

export interface XksSurroundings {
  log: Logger;
  /** To the supervisor. */
  tell: (message: ToSupervisor) => void;
  /** It has drained, and everything is closed. */
  onEnd: () => void;
}

/** What an XKS worker does: serves AWS from the store and from token hosts whose sockets it is handed. */
export class XksService implements Worker {
  readonly #log: Logger;
  readonly #tell: XksSurroundings['tell'];
  readonly #onEnd: () => void;
  readonly #store: ReadableStore;
  readonly #tokens: TokenPools;
  readonly #pools: Map<string, TokenPool>;
  readonly #listener: Listener;
  readonly #drainMilliseconds: number;
  readonly #history: WorkerHistory;
  readonly #directory: Directory;
  /** Where the store is a database. */
  readonly #holder: SnapshotHolder | undefined;
  readonly #quotas: QuotaLeases;
  readonly #uses: UseRecorder;
  readonly #failed: FailedRequestRecorder;
  readonly #requests: RequestLog;
  readonly #counts = new RequestCounts();
  readonly #writes: ServedWriteAsks;
  readonly #services: XksServices;
  /** Tokens whose secrets were fetched ahead of use. */
  readonly #warm = new Set<string>();
  readonly #rotations: LimitRotations;
  #draining = false;
  /** Load balancers are to send requests to other nodes. */
  #drained: boolean;

  // oxlint-disable-next-line max-lines-per-function -- puts the parts of the process together
  private constructor(config: WorkerConfig, store: ReadableStore, { log, tell, onEnd }: XksSurroundings) {
    this.#log = log;
    this.#tell = tell;
    this.#onEnd = onEnd;
    this.#store = store;
    this.#drainMilliseconds = config.xks.drain_ms;
    this.#drained = config.fleet.drained;
    this.#pools = new Map(
      config.tokens.map((token) => [
        token.name,
        new TokenPool(
          token.name,
          token.members,
          (id) => tell({ kind: 'kill-host', id }),
          {
            sickAfter: token.sick_after_ms,
            killAfter: token.kill_after_ms,
            queueLength: 2048,
            healthInterval: 10_000,
          },
          {
            fetchAhead: true,
            onPrepared: (id, keys) => tell({ kind: 'host-prepared', id, keys }),
            onBorrowedLost: (id) => tell({ kind: 'borrowed-lost', id }),
          },
        ),
      ]),
    );
    const tokens = new TokenPools([...this.#pools.values()]);
    const profiles = new Map(config.tokens.map((token) => [token.name, token.moduleProfile]));
    this.#tokens = tokens;
    this.#history = new WorkerHistory(
      config.history,
      (id) => tell({ kind: 'store-moved', id }),
      () => {
        this.#directory.takeLost();
        this.#holder?.keptMore();
      },
    );
    this.#directory = new Directory(store, tokens, undefined, { history: this.#history });
    this.#directory.onWentBack = (step) => tellWentBack(log, step);
    this.#holder = holderOf(config, this.#directory, this.#history, log);
    this.#quotas = new QuotaLeases({ now: monotonicNow, send: (asks) => tell({ kind: 'quota', asks }) });
    this.#writes = new ServedWriteAsks(tell);
    this.#rotations = new LimitRotations(this.#writes.versions, tokens, log);
    this.#uses = new UseRecorder({
      write: this.#writes.uses,
      now: () => wallClock().getTime(),
      onFailure: (error) =>
        log.warn(
          { problem: (error as Error).message },
          'uses of keys and credentials could not be written yet',
        ),
    });
    this.#failed = new FailedRequestRecorder({
      write: this.#writes.failedRequests,
      now: () => wallClock().getTime(),
      onFailure: (error) =>
        log.warn({ problem: (error as Error).message }, 'failed requests could not be put on record yet'),
    });
    const encryptions = new EncryptionCount(
      this.#writes.lease,
      (key) => this.#rotations.due(key),
      config.store.kind === 'postgres' ? config.store.lease : 0,
    );
    this.#directory.onWarm = (keys) => void encryptions.keepAhead(keys);
    const services: XksServices = {
      directory: this.#directory,
      ...(this.#holder === undefined ? {} : { holder: this.#holder }),
      tokens,
      encryptions,
      quotas: this.#quotas,
      uses: this.#uses,
      unfitKeys: new UnfitKeys(this.#writes.unfit, log),
      tokenFacts: (name) => {
        const profile = profiles.get(name);
        return {
          vendor: profile?.vendor ?? 'unknown',
          model: profile?.model ?? 'unknown',
          aadForm: profile?.aad.form ?? 'full',
          plaintextBytes: profile?.limits.plaintext_bytes ?? 4300,
        };
      },
      fleet: { size: config.fleet.live, tokens: config.fleet.tokens },
      version: config.version,
    };
    this.#services = services;
    this.#requests = new RequestLog({
      log,
      settings: config.log,
      counts: this.#counts,
      failed: this.#failed,
    });
    const app = createXksApp({
      services,
      log,
      requests: this.#requests,
      answerWithin: config.xks.answer_within_ms,
      draining: () => this.#draining || this.#drained,
    }).callback();
    this.#listener = new Listener(
      {
        address: config.xks.address,
        port: config.xks.port,
        tls: config.tls,
        ticketKeys: config.ticketKeys,
        clientSubjects: config.xks.tls.client_subjects,
        proxyProtocolFrom: config.xks.proxy_protocol_from,
        connections: config.xks.connections,
        log,
        refusalForm: xksRefusal,
        reusePort: config.reusePort,
      },
      (request, response) => void app(request, response),
    );
    this.#listener.leave(this.#drained);
  }

  static async start(config: WorkerConfig, surroundings: XksSurroundings): Promise<XksService> {
    const service = new XksService(config, await openStoreToRead(config.store), surroundings);
    service.#holder?.start();
    rehearse(wallClock(), surroundings.log);
    const { port } = await service.#listener.listen();
    service.#tell({ kind: 'listening', port });
    return service;
  }

  /** Its tokens, by name. */
  get tokens(): TokenPools {
    return this.#tokens;
  }

  // oxlint-disable-next-line complexity -- one case for each message
  receive(message: ToWorker, handle: Socket | undefined): void {
    switch (message.kind) {
      case 'start':
      case 'start-management':
      case 'token-report':
      case 'node-facts':
      case 'node-figures':
      case 'own-keys-made':
      case 'ping':
        break;
      case 'fleet':
        this.#services.fleet = { size: message.live, tokens: message.tokens };
        this.#drained = message.drained;
        this.#listener.leave(this.#drained || this.#draining);
        break;
      case 'history':
        this.#history.receive(message);
        break;
      case 'host':
        if (handle !== undefined) this.#addHost(message, handle);
        break;
      case 'borrowed-gone':
        this.#pools.get(message.token)?.removeHost(message.id);
        break;
      case 'lend':
        this.#lend(message.token, handle);
        break;
      case 'borrow':
        if (handle !== undefined) this.#borrow(message, handle);
        break;
      case 'borrowed-hosts':
        this.#pools.get(message.token)?.lenderHas(message.id, message);
        break;
      case 'others-lack-hosts':
        this.#pools.get(message.token)?.othersLack(message);
        break;
      case 'quota':
        this.#quotas.receive(message.grants);
        break;
      case 'served-written':
        this.#writes.receive(message);
        break;
      case 'figures':
        this.#tell({ kind: 'figures', figures: this.#figures() });
        break;
      case 'host-gone':
      case 'tls':
      case 'ticket-keys':
      case 'drain':
        receiveCommon(message, {
          pools: this.#pools,
          listener: this.#listener,
          drain: async () => this.#drain(),
        });
        break;
    }
  }

  #figures(): WorkerFigures {
    return {
      ...this.#counts.take(),
      pools: [...this.#pools.values()].map(({ name: token, load }) => Object.assign(load, { token })),
      loop: loopFigures(),
      lease: this.#holder?.signs ?? null,
      wentBack: this.#directory.timesBack,
    };
  }

  #addHost(
    { token, member, id, pid, operationTime }: Extract<ToWorker, { kind: 'host' }>,
    socket: Socket,
  ): void {
    this.#pools.get(token)?.addHost(id, pid, socket, { operationTime, member });
    void this.#warmUp(token);
  }

  #lend(token: string, socket: Socket | undefined): void {
    const pool = this.#pools.get(token);
    if (socket === undefined) return;
    if (pool === undefined) socket.destroy();
    else lendHosts(pool, socket);
  }

  #borrow({ token, id, pid, hosts, prepared }: Extract<ToWorker, { kind: 'borrow' }>, socket: Socket): void {
    this.#pools.get(token)?.borrow(id, pid, socket, { hosts, prepared });
    void this.#warmUp(token);
  }

  async #warmUp(token: string): Promise<void> {
    if (this.#warm.has(token)) return;
    this.#warm.add(token);
    try {
      const failed = await this.#directory.warmUp(token, monotonicNow() + warmUpTimeout);
      for (const { accessKeyId, error } of failed)
        this.#log.error(
          { token, accessKeyId, problem: error.message },
          'the secret of a credential does not open: its record is not as it was made',
        );
    } catch (error) {
      this.#warm.delete(token);
      // Cut off by the end.
      if (this.#draining) return;
      this.#log.warn(
        { token, problem: (error as Error).message },
        'secrets could not be fetched ahead of use',
      );
    }
  }

  /** /ready says 503 first, so that load balancers look away; then no new connection; then the end. */
  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    this.#listener.leave(true);
    await delay(this.#drainMilliseconds);
    await this.#listener.close(closeTimeout);
    this.#requests.close();
    await this.#holder?.stop();
    // One whose key object is being made ends well; what is left of another is for reconcile.
    await this.#rotations.settled(closeTimeout);
    for (const pool of this.#pools.values()) pool.close();
    await Promise.all([this.#uses.close(), this.#failed.close()]);
    await this.#store.close();
    this.#onEnd();
  }
}

/** What an XKS worker serves from memory by. A file tells at each request what was changed, and is never away. */
function holderOf(
  { store, nodeId, instance }: WorkerConfig,
  snapshot: Directory,
  history: WorkerHistory,
  log: Logger,
): SnapshotHolder | undefined {
  if (store.kind !== 'postgres') return undefined;
  return new SnapshotHolder({
    open: async (options) => openHolderLine(store, options),
    snapshot,
    who: { nodeId, hostname: hostname() },
    instance,
    length: store.lease,
    history,
    log,
  });
}
