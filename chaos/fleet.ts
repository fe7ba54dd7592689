import { readFile, rename, writeFile, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { tokensOf } from '../testing/cloned-token.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { freePort } from '../testing/free-port.ts';
import { Haproxy } from '../testing/haproxy.ts';
import { memoryDirectory } from '../testing/memory-directory.ts';
import { TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../testing/tokens.ts';
import type { KeySetAccess } from '../testing/xks-client.ts';
import type { PostgresSettings } from '../src/store/postgres/settings.ts';
import { knownNodeId } from '../src/node/node-id.ts';
import { ThreadedWire } from './threaded-wire.ts';
import type { WireState } from './wire.ts';

export const keySetName = 'chaos';

/** What a fleet has its store in. */
export interface FleetDatabase {
  /** Ports of the loopback address, for threads: of what leads to the primary, and of another store's server where there is one. */
  readonly ports: SharedArrayBuffer;
  /** What the nodes are told of it, but for the port. */
  readonly settings: PostgresSettings;
  /** Files: of the role's password, and of the CA that the server's certificate is of. */
  readonly passwordFile: string;
  readonly ca: string;
  /** For good. */
  stop(): Promise<void>;
}

export interface FleetOptions {
  nodes: number;
  /** Of their leases, seconds. */
  lease: number;
  /** As little as can be beside the nodes: no HAProxy, no clock that can be set, and times that a busy machine keeps. */
  plain?: boolean;
  /** Within which a request is answered where it is plain, milliseconds; 2,000 without it. */
  answerWithin?: number;
  /** Directory of the code that the nodes are started of; ours without it. */
  code?: string | undefined;
}

/** Nodes over one token, each with a wire of its own to the database, behind HAProxy. */
export class Fleet<D extends FleetDatabase> {
  readonly nodes: TestNode[] = [];
  readonly wires: ThreadedWire[] = [];
  readonly lives = new Lives();
  /** Each node's own. */
  readonly clocks: FakeClock[] = [];
  readonly #clockUsers: { clock: FakeClock; pid: number }[] = [];
  /** PEM file with the CAs of all nodes. */
  readonly ca: string;
  readonly #directory: string;
  readonly database: D;
  /** Of the leases, milliseconds. */
  readonly lease: number;
  readonly #isPlain: boolean;
  readonly #answerWithin: number;
  readonly #code: { code?: string };
  readonly #fixture: TokenFixture;
  #haproxy: Haproxy | undefined;

  private constructor(
    directory: string,
    database: D,
    fixture: TokenFixture,
    { lease, plain = false, answerWithin = 2_000, code }: FleetOptions,
  ) {
    this.#directory = directory;
    this.ca = path.join(directory, 'ca.pem');
    this.database = database;
    this.lease = lease * 1000;
    this.#isPlain = plain;
    this.#answerWithin = answerWithin;
    this.#code = code === undefined ? {} : { code };
    this.#fixture = fixture;
  }

  /** The database is the fleet's from now on, and stopped with it. */
  static async start<D extends FleetDatabase>(database: D, options: FleetOptions): Promise<Fleet<D>> {
    const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-chaos-'));
    const fleet = new Fleet(directory, database, await createSoftHsmToken(), options);
    try {
      await fleet.#start(options.nodes);
      return fleet;
    } catch (error) {
      await fleet.dispose();
      throw error;
    }
  }

  async #start(nodes: number): Promise<void> {
    const serving: Promise<void>[] = [];
    // The first makes the store. While one starts the next is made.
    for (let i = 0; i < nodes; i++) {
      const node = await this.#addNode();
      serving.push(this.serve(node));
      serving.at(-1)?.catch(() => undefined);
    }
    await Promise.all(serving);
    for (const index of this.nodes.keys()) this.lives.begin(index);
    const bundles = await Promise.all(this.nodes.map(async ({ ca }) => readFile(ca.certificate, 'utf8')));
    await writeFile(this.ca, bundles.join(''));
    if (this.#isPlain) return;
    this.#haproxy = await Haproxy.start({
      ...{ directory: this.#directory, port: await freePort(), ca: this.ca },
      nodes: this.nodes.map(({ port }) => port),
    });
  }

  async #addNode(): Promise<TestNode> {
    const wire = await ThreadedWire.open(this.database.ports);
    this.wires.push(wire);
    const { passwordFile, ca, settings } = this.database;
    const { database, user, durability } = settings;
    const times = this.#isPlain
      ? { realTimes: false, xks: { answer_within_ms: this.#answerWithin } }
      : { realTimes: true, xks: { proxy_protocol_from: ['127.0.0.1'], drain_ms: 3_000 } };
    const node = await TestNode.create({
      ...times,
      tokens: [{ fixture: this.#fixture }],
      // Each start has the ports that HAProxy and the load know.
      xks: { port: await freePort(), ...times.xks },
      admin: { port: await freePort() },
      log: { requests: 'failures' },
      store: {
        ...{ kind: 'postgres', address: '127.0.0.1', port: wire.port, database, user },
        ...{ password_file: passwordFile, ca, durability, lease: this.lease / 1000 },
      },
    });
    this.nodes.push(node);
    if (this.#isPlain) return node;
    const clock = new FakeClock(node.directory, { lazy: true });
    await clock.set(0);
    this.clocks.push(clock);
    return node;
  }

  /** By the clock of the node. */
  async serve(node: TestNode): Promise<void> {
    const clock = this.clocks[this.nodes.indexOf(node)];
    const serving = node.serve(clock?.environment, this.#code);
    if (clock !== undefined) this.#clockUsers.push({ clock, pid: node.pid });
    await serving;
  }

  /** Undefined where there is none. */
  get haproxy(): Haproxy | undefined {
    return this.#haproxy;
  }

  /**
   * Puts another token of the same label and PIN in the place of ours, for hosts that start from now on and for those that read it
   * again. Resolves with what puts ours back.
   */
  async swapToken(): Promise<() => Promise<void>> {
    const { label, pin } = this.#fixture;
    const other = await createSoftHsmToken({ label, pin });
    const [ours, theirs] = [tokensOf(this.#fixture), tokensOf(other)];
    const aside = `${ours}.aside`;
    await rename(ours, aside);
    await rename(theirs, ours);
    return async () => {
      await rename(ours, theirs);
      await rename(aside, ours);
      await other.dispose();
    };
  }

  /** Until HAProxy finds every node well. */
  async untilFoundWell(): Promise<void> {
    await this.#haproxy?.sees(this.nodes.length);
  }

  /** The node that has this place. */
  node(index: number): TestNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error('there is no such node');
    return node;
  }

  /** The ways of these nodes to the database; each is so once this resolves. */
  async turnWires(indexes: readonly number[], state: WireState): Promise<void> {
    await Promise.all(indexes.map(async (index) => this.wires[index]?.turn(state)));
  }

  /** A key set with a credential, and CloudKeys. */
  async makeKeys(count: number): Promise<{ access: KeySetAccess; keys: string[] }> {
    const node = this.node(0);
    const access = await node.makeKeySet(keySetName, { prefix: keySetName });
    const keys: string[] = [];
    for (let i = 0; i < count; i++) keys.push(await node.makeKey(keySetName, `key-${i}`));
    await node.closeVault();
    return { access, keys };
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

/** The id by which the others know a node that has been started. */
export function nodeIdIn({ directory }: Pick<TestNode, 'directory'>): string {
  const id = knownNodeId(path.join(directory, 'state'));
  if (id === undefined) throw new Error('the node has no id yet');
  return id;
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
