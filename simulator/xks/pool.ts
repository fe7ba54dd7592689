import { openTls, type Route } from './connection.ts';
import { exchangeOver, type Exchange, type Post, type RawAnswer } from './exchange.ts';
import { XksFailure } from './xks-failure.ts';

/** More connections to one host than AWS's request quota could ever need. */
const maxConnections = 128;

/** Connections that stay open between calls, by host and Region. */
export class ConnectionPool {
  readonly #routeTo: (host: string, region: string) => Route;
  readonly #connections = new Map<string, Set<Exchange>>();
  #closed = false;

  constructor(routeTo: (host: string, region: string) => Route) {
    this.#routeTo = routeTo;
  }

  /** Sends over a free connection, or a new one. Throws {@link XksFailure}. */
  async post(
    post: Post,
    signal: AbortSignal,
  ): Promise<{ answer: RawAnswer; over: Exchange; fresh: boolean }> {
    const open = this.#openTo(`${post.host} ${post.region}`);
    const free = [...open].find((exchange) => exchange.free);
    const over = free ?? (await this.#open(post, open, signal));
    try {
      return { answer: await over.post(post, signal), over, fresh: free === undefined };
    } finally {
      if (over.closed) open.delete(over);
    }
  }

  async #open({ host, region }: Post, open: Set<Exchange>, signal: AbortSignal): Promise<Exchange> {
    if (open.size >= maxConnections) throw new XksFailure('busy', 'too many calls of this proxy at once');
    const socket = await openTls(this.#routeTo(host, region), signal);
    const exchange = exchangeOver(socket);
    socket.once('close', () => open.delete(exchange));
    if (this.#closed) exchange.close();
    else open.add(exchange);
    return exchange;
  }

  #openTo(where: string): Set<Exchange> {
    const open = this.#connections.get(where) ?? new Set();
    this.#connections.set(where, open);
    return open;
  }

  close(): void {
    this.#closed = true;
    this.drop();
  }

  /** Ends all connections; the next requests open new ones. */
  drop(): void {
    for (const open of this.#connections.values()) for (const exchange of open) exchange.close();
  }
}
