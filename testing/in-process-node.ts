import { awsFollower } from '../src/cloud/kms-keys/cloud-key-follower.ts';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pinOf } from '../src/cli/node/open-node.ts';
import { version } from '../src/cli/client/version.ts';
import { loadConfig, membersOf, type LoadedConfig, type LoadedMember } from '../src/config/load.ts';
import type { FleetMessage, ToSupervisor } from '../src/node/messages.ts';
import { QuotaLedger } from '../src/serving/quota-ledger.ts';
import { hostSettings, tokensOfManagement } from '../src/node/host-settings.ts';
import { loadTls } from '../src/http/tls.ts';
import { XksService } from '../src/node/xks-service.ts';
import { createLog } from '../src/log.ts';
import { beforeEverything } from '../src/store/revision-log.ts';
import { initStore } from '../src/store/opening/open.ts';
import type { Store } from '../src/store/store.ts';
import { monotonicNow } from '../src/clock.ts';
import { HostKeeper, LoginGate } from '../src/token/keeper/host-keeper.ts';
import { writeServed } from '../src/serving/served-writes.ts';
import { NodeVault, vaultOf } from './node-vault.ts';
import { writeNodeFiles, type NodeFiles, type NodeOptions } from './node-files.ts';
import { ServedNode } from './served-node.ts';

/**
 * The XKS side of a node in the test's own process, with a real store, real TLS and a real token host. What is left out
 * is what the whole nodes of other tests have: supervisor, several workers, hosts that take only what their worker is
 * for. It starts in a fifth of the time, so it is what tests of the protocol use.
 */
export class InProcessNode extends ServedNode {
  readonly #config: LoadedConfig;
  readonly #store: Store;
  readonly #vaultId: string;
  readonly #keepers: HostKeeper[] = [];
  /** The token hosts that run, by id. */
  readonly #hosts = new Map<number, { pid: number; keeper: HostKeeper }>();
  readonly #ended = Promise.withResolvers<void>();
  #service: XksService | undefined;

  private constructor(files: NodeFiles, config: LoadedConfig, store: Store, vaultId: string) {
    super(files);
    this.#config = config;
    this.#store = store;
    this.#vaultId = vaultId;
  }

  static async start(options: Omit<NodeOptions, 'workers' | 'init' | 'admin'>): Promise<InProcessNode> {
    const files = await writeNodeFiles({ ...options, workers: 1 });
    const config = loadConfig(files.config);
    mkdirSync(path.dirname(config.storePath), { recursive: true, mode: 0o700 });
    const store = await initStore(config.store);
    const names = config.tokens.map(({ name }) => name);
    const node = new InProcessNode(files, config, store, await vaultOf(store, names));
    await node.#serve();
    return node;
  }

  async #serve(): Promise<void> {
    const ledger = new QuotaLedger({ part: 1, now: monotonicNow });
    const { log, store, xks } = this.#config;
    const service = await XksService.start(
      {
        xks,
        log,
        store,
        nodeId: 'in-process',
        instance: 'xks-worker/in-process',
        fleet: { live: 1, tokens: [], drained: false },
        history: { at: beforeEverything, lost: [] },
        tokens: tokensOfManagement(this.#config),
        version,
        reusePort: false,
        tls: loadTls(xks.tls),
        ticketKeys: [],
      },
      {
        log: createLog(log.level, { process: 'xks-worker' }, this.#logTo()),
        tell: (message: ToSupervisor) => {
          if (message.kind === 'listening') this.port = message.port;
          else if (message.kind === 'kill-host') this.#hosts.get(message.id)?.keeper.kill();
          else if (message.kind === 'served-write')
            void writeServed(this.#store, message.write, 'xks-worker/in-process').then(
              (written) =>
                this.#service?.receive({ kind: 'served-written', id: message.id, written }, undefined),
              (error: unknown) =>
                this.#service?.receive(
                  { kind: 'served-written', id: message.id, problem: (error as Error).message },
                  undefined,
                ),
            );
          else if (message.kind === 'store-moved')
            // The store may be closed by then.
            void this.#tellHistory(message.id).catch(() => undefined);
          else if (message.kind === 'quota')
            // As over IPC: never before the ask has returned.
            setImmediate(() =>
              this.#service?.receive({ kind: 'quota', grants: ledger.answer(0, message.asks) }, undefined),
            );
        },
        onEnd: () => this.#ended.resolve(),
      },
    );
    this.#service = service;
    await Promise.all(membersOf(this.#config).map(async (member) => this.#startHost(service, member)));
  }

  /** Nothing is lost here, and nobody restarts it: it keeps whatever the store has. */
  async #tellHistory(asked: number): Promise<void> {
    const at = await this.#store.moment();
    this.#service?.receive({ kind: 'history', asked, at, lost: [] }, undefined);
  }

  async #startHost(service: XksService, member: LoadedMember): Promise<void> {
    const ready = Promise.withResolvers<void>();
    const settings = hostSettings(member, async () => pinOf(member), { prepare: true });
    const keeper = new HostKeeper(settings, new LoginGate(), {
      onReady: ({ id, pid, socket, ...told }) => {
        this.#hosts.set(id, { pid, keeper });
        service.receive({ kind: 'host', token: member.token, member: member.name, id, pid, ...told }, socket);
        ready.resolve();
      },
      onGone: (id) => {
        this.#hosts.delete(id);
        service.receive({ kind: 'host-gone', token: member.token, id, pid: 0 }, undefined);
      },
      onFailed: (problem) => ready.reject(new Error(problem)),
    });
    this.#keepers.push(keeper);
    keeper.start();
    await ready.promise;
  }

  #logTo(): Writable {
    return new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, done) => {
        for (const line of text.split('\n').slice(0, -1)) this.printed(line);
        done();
      },
    });
  }

  override hostPids(): number[] {
    return [...this.#hosts.values()].map(({ pid }) => pid);
  }

  override async withVault<T>(run: (vault: NodeVault) => Promise<T>): Promise<T> {
    const tokens = this.#service?.tokens;
    if (tokens === undefined) throw new Error('the node does not serve');
    const vaultContext = {
      store: this.#store,
      tokens,
      now: () => new Date(),
      instance: 'test-node/1',
      followers: [awsFollower],
    };
    return run(new NodeVault(vaultContext, this.#vaultId));
  }

  override async withStore<T>(run: (vault: NodeVault) => Promise<T>): Promise<T> {
    return this.withVault(run);
  }

  /** What the supervisor of a node tells of the fleet. */
  hear(message: FleetMessage): void {
    this.#service?.receive(message, undefined);
  }

  /** Serves no more, and has said its last. */
  async drained(): Promise<void> {
    this.#service?.receive({ kind: 'drain' }, undefined);
    if (this.#service !== undefined) await this.#ended.promise;
  }

  override async dispose(): Promise<void> {
    await this.drained();
    await Promise.all(this.#keepers.map(async (keeper) => keeper.stop()));
    await this.#store.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}
