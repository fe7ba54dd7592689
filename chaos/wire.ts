import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * `open`: passes on. `slow`: passes on later, in either direction. `cut`: ends connections and takes none. `stalled`: takes them and passes
 * nothing on, as a half-open one does. `elsewhere`: passes on to somebody else; whoever was connected to the one is no more.
 */
export type WireState = 'open' | 'slow' | 'cut' | 'stalled' | 'elsewhere';

/** What a slow one takes, milliseconds: no answer comes before twice as long. */
const latency = 100;

/** A TCP connection of ours between a node and its database: what comes in on its port goes to where `target` says just then. */
export class Wire {
  readonly #server: Server;
  readonly #target: () => number;
  readonly #elsewhere: () => number;
  readonly #ends = new Set<Socket>();
  readonly #waiting: Socket[] = [];
  #state: WireState = 'open';

  private constructor(target: () => number, elsewhere: () => number) {
    this.#target = target;
    this.#elsewhere = elsewhere;
    this.#server = createServer({ noDelay: true, pauseOnConnect: true }, (near) => this.#take(near));
  }

  /** Both tell a port of the loopback address. */
  static async open(target: () => number, elsewhere: () => number): Promise<Wire> {
    const wire = new Wire(target, elsewhere);
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** What was under way while it was stalled arrives late once it is open again. */
  set state(state: WireState) {
    const leadsOn = (state === 'elsewhere') === (this.#state === 'elsewhere');
    this.#state = state;
    if (state === 'cut' || !leadsOn) this.dropAll();
    for (const end of this.#ends) {
      if (state === 'stalled') end.pause();
      else end.resume();
    }
    if (state !== 'stalled') for (const near of this.#waiting.splice(0)) this.#take(near);
  }

  /** Whoever is connected is no more, as after a fail-over. */
  dropAll(): void {
    for (const end of this.#ends) end.destroy();
  }

  async close(): Promise<void> {
    this.dropAll();
    for (const near of this.#waiting) near.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(near: Socket): void {
    near.on('error', () => undefined);
    if (this.#state === 'cut') near.destroy();
    else if (this.#state === 'stalled') this.#waiting.push(near);
    else this.#join(near, connect({ port: this.#port(), host: '127.0.0.1', noDelay: true }));
  }

  #port(): number {
    return this.#state === 'elsewhere' ? this.#elsewhere() : this.#target();
  }

  #join(near: Socket, far: Socket): void {
    far.on('error', () => undefined);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#ends.add(one);
      one.on('data', this.#passOnTo(other));
      // Those of PostgreSQL end both ways at once.
      one.on('close', () => {
        this.#ends.delete(one);
        other.destroy();
      });
    }
    near.resume();
  }

  /** In the order in which it comes, however slow the wire was meanwhile. */
  #passOnTo(other: Socket): (bytes: Buffer) => void {
    let underWay: Promise<void> | undefined;
    const pass = (bytes: Buffer): void => {
      if (!other.destroyed) other.write(bytes);
    };
    const passLater = async (bytes: Buffer, before: Promise<void> | undefined, ms: number): Promise<void> => {
      await Promise.all([before, delay(ms)]);
      pass(bytes);
    };
    return (bytes) => {
      const isSlow = this.#state === 'slow';
      if (!isSlow && underWay === undefined) return pass(bytes);
      const own = passLater(bytes, underWay, isSlow ? latency : 0).finally(() => {
        if (underWay === own) underWay = undefined;
      });
      underWay = own;
    };
  }
}
