import { readFile, writeFile, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { FakeClock } from '../testing/fake-clock.ts';
import { freePort } from '../testing/free-port.ts';
import { Haproxy } from '../testing/haproxy.ts';
import { memoryDirectory } from '../testing/memory-directory.ts';
import { childrenOf, TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../testing/tokens.ts';
import type { KeySetAccess } from '../testing/xks-client.ts';
import { Database } from './database.ts';
import { ThreadedWire } from './threaded-wire.ts';

export const keySetName = 'chaos';

/** Three nodes over one token, each with a wire of its own to the database, behind HAProxy. */
export class Fleet {
  readonly nodes: TestNode[] = [];
  readonly wires: ThreadedWire[] = [];
  readonly lives = new Lives();
  /** Each node's own. */
  readonly clocks: FakeClock[] = [];
  readonly #clockUsers: { clock: FakeClock; pid: number }[] = [];
  /** PEM file with the CAs of all nodes. */
  readonly ca: string;
  readonly #directory: string;
  readonly database: Database;
  readonly #fixture: TokenFixture;
  #haproxy: Haproxy | undefined;

  private constructor(directory: string, database: Database, fixture: TokenFixture) {
    this.#directory = directory;
    this.ca = path.join(directory, 'ca.pem');
    this.database = database;
    this.#fixture = fixture;
  }

  static async start(nodes: number): Promise<Fleet> {
    const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-chaos-'));
    const fleet = new Fleet(directory, await Database.start(), await createSoftHsmToken());
    try {
      await fleet.#start(nodes);
      return fleet;
    } catch (error) {
      await fleet.dispose();
      throw error;
    }
  }

  async #start(nodes: number): Promise<void> {
    for (let i = 0; i < nodes; i++) await this.#addNode();
    await Promise.all(this.nodes.map(async (node) => this.serve(node)));
    for (const index of this.nodes.keys()) this.lives.begin(index);
    const bundles = await Promise.all(this.nodes.map(async ({ ca }) => readFile(ca.certificate, 'utf8')));
    await writeFile(this.ca, bundles.join(''));
    this.#haproxy = await Haproxy.start({
      ...{ directory: this.#directory, port: await freePort(), ca: this.ca },
      nodes: this.nodes.map(({ port }) => port),
    });
  }

  async #addNode(): Promise<void> {
    const wire = await ThreadedWire.open(this.database.port);
    this.wires.push(wire);
    const { settings, primary } = this.database;
    const { database, user } = settings;
    const node = await TestNode.create({
      tokens: [{ fixture: this.#fixture }],
      realTimes: true,
      // Each start has the ports that HAProxy knows.
      xks: { port: await freePort(), proxy_protocol_from: ['127.0.0.1'], drain_ms: 3_000 },
      admin: { port: await freePort() },
      log: { requests: 'failures' },
      store: {
        ...{ kind: 'postgres', address: '127.0.0.1', port: wire.port, database, user },
        ...{ password_file: primary.passwordFile, ca: primary.ca.certificate, durability: 'synchronous' },
      },
    });
    const clock = new FakeClock(node.directory, { lazy: true });
    await clock.set(0);
    this.nodes.push(node);
    this.clocks.push(clock);
  }

  /** By the clock of the node. */
  async serve(node: TestNode): Promise<void> {
    const clock = this.clocks[this.nodes.indexOf(node)];
    const serving = node.serve(clock?.environment);
    if (clock !== undefined) this.#clockUsers.push({ clock, pid: node.pid });
    await serving;
  }

  get haproxy(): Haproxy {
    if (this.#haproxy === undefined) throw new Error('HAProxy does not run');
    return this.#haproxy;
  }

  /** A key set with a credential, and CloudKeys. */
  async makeKeys(count: number): Promise<{ access: KeySetAccess; keys: string[] }> {
    const [node] = this.nodes;
    if (node === undefined) throw new Error('there is no node');
    const access = await node.makeKeySet(keySetName, { prefix: keySetName });
    const keys: string[] = [];
    for (let i = 0; i < count; i++) keys.push(await node.makeKey(keySetName, `key-${i}`));
    await node.closeVault();
    return { access, keys };
  }

  /** Sends a signal to all processes of a node. */
  signal(node: TestNode, name: NodeJS.Signals): void {
    for (const pid of [node.pid, ...childrenOf(node.pid)]) sendSignal(pid, name);
  }

  async dispose(): Promise<void> {
    await this.#haproxy?.stop();
    await Promise.all(this.nodes.map(async (node) => node.dispose()));
    await Promise.all(this.#clockUsers.map(async ({ clock, pid }) => clock.dispose(pid)));
    await Promise.all(this.wires.map(async (wire) => wire.close()));
    await this.database.stop();
    await this.#fixture.dispose();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/**
 * Which XKS worker of each node answers: of the same life is what one process answered. Without a number while it is not certain.
 */
export class Lives {
  readonly #now = new Map<number, number>();
  #last = 0;

  of(node: number): number | undefined {
    return this.#now.get(node);
  }

  /** Its worker is about to be killed. */
  end(node: number): void {
    this.#now.delete(node);
  }

  /** Nothing is left of the one before. */
  begin(node: number): void {
    this.#now.set(node, ++this.#last);
  }
}

export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** One that has ended meanwhile needs none. */
export function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
