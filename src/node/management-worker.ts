import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { wallClock } from '../clock.ts';
import { allRoutes } from '../admin/routes.ts';
import type { AdminServices, NodeFacts, TokenReport } from '../admin/services.ts';
import { AwsClients } from '../cloud/aws/clients.ts';
import { awsFollower } from '../cloud/kms-keys/cloud-key-follower.ts';
import { drawsIvs } from '../config/draws-ivs.ts';
import { createLog, type Logger } from '../log.ts';
import { ReserveFilling } from '../store/sqlite/reserve-filling.ts';
import type { OwnKeyProofs } from '../token/own-key-proofs.ts';
import { openStore, type OpenStore } from '../store/opening/open.ts';
import { TokenPool } from '../token/pool/token-pool.ts';
import type { TokenInfo } from '../token/token-info.ts';
import { keepOwnKeyProofs } from '../keys/own-key-proofs.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { AuditPruner } from '../schedules/audit-pruner.ts';
import { EndedAcknowledgements } from '../admin/status/ended-acknowledgements.ts';
import { AwsSchedules } from '../cloud/schedule.ts';
import { Schedules } from '../schedules/schedules.ts';
import { systemAct } from '../vault/system-act.ts';
import { TokenPools } from '../vault/tokens.ts';
import { adminRefusal, createAdminApp } from '../http/admin-app.ts';
import { Asks } from './asks.ts';
import { Comparisons } from './comparisons.ts';
import type { NodeFigures } from '../metrics/figures.ts';
import { BuiltConsole } from '../http/console-files.ts';
import { Listener } from '../http/listener.ts';
import { GatheredMetrics } from '../metrics/series/gathered-metrics.ts';
import type { ManagementConfig, ToWorker } from './messages.ts';
import { receiveCommon, runWorker, tell, type Worker } from './worker-process.ts';

/*
 * The management process: the management API for people and programs, and the schedules. It loads no PKCS#11 module and
 * knows no PIN; its token hosts make and destroy keys and seal secrets, and refuse to encrypt or decrypt for it.
 */

/** How long requests under way may take once the node closes, milliseconds. */
const closeTimeout = 2_000;

/** How long the schedules wait for tokens that do not come up, milliseconds. */
const maxWait = 60_000;

/** How long they wait for interrupted acts to be put right, milliseconds: they put right what is left themselves. */
const maxSettling = 10_000;

/** How long the supervisor is waited for, milliseconds. */
const factsTimeout = 2_000;

class AdminWorker implements Worker {
  readonly #log: Logger;
  readonly #store: OpenStore;
  /** Of a file. */
  readonly #reserve: ReserveFilling | undefined;
  readonly #pools: Map<string, TokenPool>;
  readonly #listener: Listener;
  readonly #services: AdminServices;
  readonly #schedules: Schedules;
  readonly #awsSchedules: AwsSchedules;
  readonly #pruner: AuditPruner;
  readonly #verifications = new Map<number, (report: TokenReport) => void>();
  #lastVerification = 0;
  readonly #facts = new Asks<NodeFacts>();
  readonly #figures = new Asks<NodeFigures>();
  readonly #metrics: GatheredMetrics;
  #draining = false;
  readonly #comparisons = new Comparisons(async (onSettled) => this.#reconcile(onSettled));
  #started = false;
  readonly #underWay = new Set<Promise<void>>();

  // oxlint-disable-next-line max-lines-per-function -- puts the parts of the process together
  private constructor(config: ManagementConfig, store: OpenStore, log: Logger) {
    const { admin, nodeId, tokens, version } = config;
    this.#log = log;
    this.#store = store;
    const { reserve } = store;
    this.#reserve = reserve === undefined ? undefined : new ReserveFilling(reserve, log);
    this.#pools = new Map(
      tokens.map((token) => [
        token.name,
        new TokenPool(
          token.name,
          token.members,
          (id) => tell({ kind: 'kill-host', id }),
          {
            // Nothing here has AWS's 250 ms to keep, and an HSM may take seconds to make a key.
            sickAfter: Math.max(token.sick_after_ms, 5_000),
            killAfter: Math.max(token.kill_after_ms, 20_000),
            queueLength: 512,
            healthInterval: 10_000,
          },
          { onPrepared: (id, keys) => tell({ kind: 'host-prepared', id, keys }) },
        ),
      ]),
    );
    const facts = async () => this.#facts.ask((id) => tell({ kind: 'node-facts', id }), factsTimeout);
    this.#metrics = new GatheredMetrics({
      ...{ store, nodeId, log, facts },
      ask: async () => this.#figures.ask((id) => tell({ kind: 'node-figures', id }), factsTimeout),
    });
    this.#services = {
      store,
      tokens: new TokenPools([...this.#pools.values()]),
      now: () => wallClock(),
      instance: `${nodeId}/${randomUUID()}`,
      aws: new AwsClients(config.aws, log),
      followers: [awsFollower],
      log,
      version,
      publicUrl: admin.public_url ?? '',
      ...(admin.environment === undefined ? {} : { environment: admin.environment }),
      tokenFacts: tokens.map(({ name, profile, moduleProfile }) => ({
        name,
        profile,
        vendor: moduleProfile.vendor,
        model: moduleProfile.model,
        iv: { mode: moduleProfile.iv.mode, bytes: moduleProfile.iv.bytes },
        drawsIvs: drawsIvs(moduleProfile),
      })),
      pruning: { keepAtLeastDays: config.audit.keep_at_least_days, wake: () => this.#pruner.wake() },
      sessions: { idleMinutes: admin.session_idle_minutes, maxMinutes: admin.session_minutes },
      verifyToken: async (name) => this.#verifyToken(name),
      onWorkLeft: () => this.#schedules.wake(),
      nodeFacts: facts,
      gathered: this.#metrics,
      ...(reserve === undefined ? {} : { disk: () => reserve.disk }),
      whyUnwritable: () => store.whyUnwritable?.(),
      durabilityProblems: () => store.durabilityProblems ?? [],
      storeConnections: () => store.connections,
    };
    const acknowledged = new EndedAcknowledgements(this.#services);
    this.#schedules = new Schedules({
      context: this.#services,
      log,
      endAcknowledgements: async (context) => acknowledged.look(context),
    });
    this.#awsSchedules = new AwsSchedules({ context: this.#services, log });
    this.#pruner = new AuditPruner({ context: this.#services, log });
    const app = createAdminApp({
      services: this.#services,
      routes: allRoutes,
      limits: { signInsPerMinute: admin.sign_ins_per_minute, requestsPerMinute: admin.requests_per_minute },
      draining: () => this.#draining,
    }).callback();
    this.#listener = new Listener(
      {
        address: admin.address,
        port: admin.port,
        tls: config.tls,
        ticketKeys: config.ticketKeys,
        proxyProtocolFrom: admin.proxy_protocol_from,
        connections: admin.connections,
        log,
        refusalForm: adminRefusal,
      },
      (request, response) => void app(request, response),
    );
  }

  static async start(config: ManagementConfig): Promise<AdminWorker> {
    const log = createLog(config.log.level, { process: 'management' });
    const store = await openStore(config.store, (problems) => tellDurability(problems, log));
    const worker = new AdminWorker(config, store, log);
    const { port } = await worker.#listener.listen();
    const found = await new BuiltConsole().files();
    if (typeof found === 'string') log.warn({ why: found }, 'the console is not served');
    worker.#reserve?.start();
    worker.#metrics.start();
    setTimeout(() => worker.#startWork(true), maxWait).unref();
    if (worker.#services.publicUrl === '') worker.#services.publicUrl = `https://localhost:${port}`;
    tell({ kind: 'listening', port });
    return worker;
  }

  // oxlint-disable-next-line complexity -- one case for each message
  receive(message: ToWorker, handle: Socket | undefined): void {
    switch (message.kind) {
      case 'start':
      case 'start-management':
      case 'quota':
      case 'served-written':
      // Its hosts do what no worker's do, and the other way round: nothing is lent.
      case 'lend':
      case 'borrow':
      case 'borrowed-hosts':
      case 'borrowed-gone':
      case 'others-lack-hosts':
      case 'fleet':
      case 'figures':
      // It asks the store at each request, and keeps nothing.
      case 'history':
      case 'ping':
        break;
      case 'host':
        if (handle === undefined) break;
        this.#pools.get(message.token)?.addHost(message.id, message.pid, handle, {
          ...{ operationTime: message.operationTime, member: message.member },
          serial: message.info.serial,
        });
        this.#do(this.#keepProofs(message.token, message.info, message.ownProofs));
        this.#do(this.#comparisons.opened(`${message.token} ${message.member}`));
        this.#startWork();
        break;
      case 'own-keys-made':
        this.#do(this.#keepProofs(message.token, message, message.proofs, Object.keys(message.proofs)));
        break;
      case 'token-report':
        this.#verifications.get(message.id)?.(message.report);
        this.#verifications.delete(message.id);
        break;
      case 'node-facts':
        this.#facts.answered(message.id, message.facts);
        break;
      case 'node-figures':
        this.#figures.answered(message.id, message.figures);
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

  /**
   * Once every token can be asked, and in any case after a while, since one dead token must not keep the keys of the
   * others from expiring: what was interrupted is put right before anything is done by schedule, where that does not take
   * long. The comparison of every key with its record goes on beside the schedules: it takes as long as there are keys.
   */
  #startWork(whateverIsOpen = false): void {
    if (this.#started || this.#draining) return;
    const all = [...this.#pools.values()].reduce((sum, { members }) => sum + members.length, 0);
    if (!whateverIsOpen && this.#comparisons.open < all) return;
    this.#started = true;
    let scheduling = false;
    const schedule = (): void => {
      if (scheduling || this.#draining) return;
      scheduling = true;
      this.#schedules.start();
      this.#awsSchedules.start();
      this.#pruner.start();
    };
    setTimeout(schedule, maxSettling).unref();
    this.#do(this.#comparisons.begin(schedule).finally(schedule));
  }

  /** What is under way at the end is waited for before the store is closed under it. */
  #do(work: Promise<void>): void {
    const done = work.finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  async #reconcile(onSettled: () => void): Promise<void> {
    if (this.#draining) return;
    try {
      const act = systemAct(this.#services, 'reconcile');
      const input = { askedBy: 'start', onSettled, unhurried: true };
      const { id, clean, tokens } = await reconcile(this.#services, act, input);
      for (const { token, findings, counts } of tokens) {
        for (const finding of findings.filter(({ kind }) => kind === 'unfit' || kind === 'seal-broken'))
          this.#log.error({ token, ...finding }, 'a record is not what the token has');
        if (counts.unproven > 0)
          this.#log.warn(
            { token, reconciliation: id, versions: counts.unproven },
            'versions of before have their proof now, of the key objects as they were found',
          );
      }
      if (clean) this.#log.info({ reconciliation: id }, 'store and tokens compared');
      // Cut off by the end it says only that the tokens could not be asked.
      else if (!this.#draining)
        this.#log.error(
          { reconciliation: id },
          'store and tokens differ; see: holdfast reconcile show, with this id',
        );
    } catch (error) {
      // Cut off by the end: the next start compares them.
      if (!this.#draining)
        this.#log.error({ problem: (error as Error).message }, 'store and tokens could not be compared');
    }
  }

  /** A store of before has none: they are made of the keys as they were found, and from then on no others are used. */
  async #keepProofs(
    token: string,
    { serial }: Pick<TokenInfo, 'serial'>,
    proofs: OwnKeyProofs,
    made: readonly string[] = [],
  ): Promise<void> {
    try {
      const kept = await keepOwnKeyProofs(this.#store, token, { serial }, { proofs, made }, wallClock());
      if (kept.length > made.length)
        this.#log.warn(
          { token, serial, keys: kept },
          'keys of Holdfast’s own have their proofs now, of the key objects as they were found',
        );
    } catch (error) {
      this.#log.error({ token, problem: (error as Error).message }, 'proofs of own keys could not be kept');
    }
  }

  /** Of an HSM group what is wrong with the first member that something is wrong with. */
  async #verifyToken(token: string): Promise<TokenReport> {
    const members = this.#pools.get(token)?.members ?? [];
    const reports = await Promise.all(members.map(async (member) => this.#verifyMember(token, member)));
    return reports.find(({ ok }) => !ok) ?? reports[0] ?? { ok: false, steps: [] };
  }

  async #verifyMember(token: string, member: string): Promise<TokenReport> {
    const id = ++this.#lastVerification;
    return new Promise((resolve) => {
      this.#verifications.set(id, resolve);
      tell({ kind: 'verify-token', id, token, member });
    });
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    this.#reserve?.stop();
    await this.#schedules.stop();
    await this.#pruner.stop();
    await this.#listener.close(closeTimeout);
    await this.#awsSchedules.stop();
    await this.#metrics.stop();
    for (const pool of this.#pools.values()) pool.close();
    await Promise.race([Promise.allSettled(this.#underWay), delay(closeTimeout)]);
    await this.#store.close();
    process.disconnect();
  }
}

function tellDurability(problems: readonly string[], log: Logger): void {
  if (problems.length > 0)
    log.error({ problems }, 'the database server does not keep what is claimed of it (store.durability)');
  else log.info('the database server keeps what is claimed of it (store.durability)');
}

runWorker('management process', async (message) => {
  if (message.kind !== 'start-management') throw new Error('started as another kind of worker');
  return AdminWorker.start(message.config);
});
