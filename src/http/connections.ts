import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { monotonicNow } from '../clock.ts';
import { laneOf } from '../fair-queue.ts';
import type { Logger } from '../log.ts';

/** How long a client may hold something open, milliseconds. The same for HTTP/1.1 and HTTP/2. */
export interface ConnectionBounds {
  handshake: number;
  /** From the first byte of a request, or the end of the handshake, to the end of its head. */
  headers: number;
  /** From there to the end of its body. */
  request: number;
  /** From when an answer is complete until the client has taken it. */
  response: number;
  /** Without a request that was answered. */
  idle: number;
  /** How often to look. */
  check: number;
  /** Crowding is logged this often at the most. */
  crowdLog: number;
}

/** How long a client has to take note of the end of its connection before it is cut, milliseconds. */
const farewell = 1_000;

/** One request with its answer, from the end of its head until the client has the answer. */
interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** When its answer was first seen to be complete but not taken. */
  answered?: number;
}

/** Who is at the other end of the connection itself, where a load balancer has told from whom it comes. */
const ownPeer = Symbol('peer');

class Connection {
  readonly socket: Socket;
  readonly peer: string;
  lane: string;
  /** When it was opened, or last had a whole request answered: whatever else arrives is no use of it. */
  since = monotonicNow();
  /** Has had a request answered. */
  used = false;
  readonly exchanges = new Set<Exchange>();
  session: ServerHttp2Session | undefined;
  /** Its client was asked to take its next requests elsewhere. */
  sentAway = false;
  /** When it was told to end. */
  farewell: number | undefined;

  constructor(socket: Socket, peer: string) {
    this.socket = socket;
    this.peer = peer;
    this.lane = laneOf(socket.remoteAddress ?? '');
  }

  /** A whole request is being worked on: what keeps it open is ours. */
  get working(): boolean {
    for (const { request, response } of this.exchanges)
      if (isWhole(request) && !response.writableEnded) return true;
    return false;
  }
}

export interface ConnectionsOptions {
  /** How many may be open. */
  max: number;
  bounds: ConnectionBounds;
  log: Logger;
}

/**
 * The connections of one listener. Where there are too many, the one that has been of no use for longest goes, of the
 * address that has most: so whoever opens any number of them takes the place of nobody else, and a proxy in front, from
 * which all may come, has them all. And each that is held open for nothing ends, whatever a client sends on it meanwhile.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  /** By the address at the other end. */
  readonly #lanes = new Map<string, Set<Connection>>();
  readonly #byPeer = new Map<string, Connection>();
  /** The same by the sockets of those that had a request: it is asked for at each. */
  readonly #bySocket = new WeakMap<object, Connection>();
  readonly #sweeper: NodeJS.Timeout;
  #crowdLogged = -Infinity;
  #leaving = false;
  /** What the log has not told yet, and of which address the last of them was. */
  #evicted = 0;
  #refused = 0;
  #crowded = '';

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.#sweep(), options.bounds.check).unref();
  }

  /** A connection was accepted. One has to go where there are too many now: it may be this one. */
  opened(socket: Socket): void {
    const peer = peerOf(socket);
    // Without an address it has ended already.
    if (peer === undefined) {
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, peer);
    const lane = this.#lanes.get(connection.lane) ?? new Set();
    this.#lanes.set(connection.lane, lane.add(connection));
    this.#byPeer.set(peer, connection);
    socket.once('close', () => this.#forget(connection));
    if (this.#byPeer.size > this.#options.max) this.#makeRoom(connection);
  }

  /** A load balancer has told from whom the connection comes: it counts as that address's. */
  comesFrom(socket: Socket, address: string): void {
    const connection = this.#of(socket);
    if (connection === undefined) return;
    const lane = this.#lanes.get(connection.lane);
    lane?.delete(connection);
    if (lane?.size === 0) this.#lanes.delete(connection.lane);
    connection.lane = laneOf(address);
    this.#lanes.set(connection.lane, (this.#lanes.get(connection.lane) ?? new Set()).add(connection));
  }

  /** A connection speaks HTTP/2. */
  speaksHttp2(session: ServerHttp2Session): void {
    const connection = this.#of(session.socket);
    if (connection === undefined) session.destroy();
    else connection.session = session;
  }

  /** A request's head is whole. */
  began(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#of(request.socket);
    if (connection === undefined) return;
    const exchange: Exchange = { request, response };
    connection.exchanges.add(exchange);
    // One that came meanwhile has its first request answered, and goes.
    if (this.#leaving) sendAway(connection);
    response.once('close', () => {
      connection.exchanges.delete(exchange);
      if (!isWhole(request) || !wasTaken(request, response)) return;
      connection.since = monotonicNow();
      connection.used = true;
    });
  }

  /**
   * Whether others are to serve from now on. Then every HTTP/2 client is asked to open its next connection, which a load balancer may
   * lead elsewhere; what it has sent, or sends all the same, is answered. Over HTTP/1.1 each answer says `Connection: close`.
   */
  leave(leaving: boolean): void {
    this.#leaving = leaving;
    if (leaving) for (const connection of this.#byPeer.values()) sendAway(connection);
  }

  /** Asks every HTTP/2 client to leave once its requests are answered; HTTP/1.1 is the server's own matter. */
  end(): void {
    for (const { session } of this.#byPeer.values()) session?.close();
  }

  /** Cuts off whatever is still open. */
  cut(): void {
    clearInterval(this.#sweeper);
    if (this.#evicted + this.#refused > 0) this.#logCrowd();
    for (const { socket } of this.#byPeer.values()) socket.destroy();
  }

  #of(socket: Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress'>): Connection | undefined {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known;
    const found = this.#byPeer.get(peerOf(socket) ?? '');
    if (found !== undefined) this.#bySocket.set(socket, found);
    return found;
  }

  #forget(connection: Connection): void {
    if (this.#byPeer.get(connection.peer) === connection) this.#byPeer.delete(connection.peer);
    const lane = this.#lanes.get(connection.lane);
    lane?.delete(connection);
    if (lane?.size === 0) this.#lanes.delete(connection.lane);
  }

  #makeRoom(newcomer: Connection): void {
    const victim = this.#victim(newcomer);
    if (victim === newcomer) this.#refused++;
    else this.#evicted++;
    this.#crowded = victim.lane;
    this.#logCrowdInTurn(monotonicNow());
    victim.socket.destroy();
    // Its place is free now, not when its end has been told.
    this.#forget(victim);
  }

  /** Nobody whose request is being worked on; the newcomer where its own address has as many as any and all are at work. */
  #victim(newcomer: Connection): Connection {
    const own = this.#lanes.get(newcomer.lane) ?? new Set();
    let fullest = own;
    for (const lane of this.#lanes.values()) if (lane.size > fullest.size) fullest = lane;
    const found = maxUseless(fullest, newcomer);
    if (found !== undefined) return found;
    const others = [...this.#lanes.values()]
      .filter((lane) => lane.size >= own.size)
      .toSorted((a, b) => b.size - a.size);
    for (const lane of others) {
      const victim = maxUseless(lane, newcomer);
      if (victim !== undefined) return victim;
    }
    return newcomer;
  }

  /** Whoever counts lines has them all: the last of a crowd are told when nobody comes any more, too. */
  #logCrowdInTurn(now: number): void {
    if (this.#evicted + this.#refused === 0 || now - this.#crowdLogged < this.#options.bounds.crowdLog)
      return;
    this.#crowdLogged = now;
    this.#logCrowd();
  }

  #logCrowd(): void {
    const { log, max } = this.#options;
    const line = {
      connections: max,
      closed: this.#evicted,
      refused: this.#refused,
      fullest: this.#crowded,
      itsConnections: this.#lanes.get(this.#crowded)?.size ?? 0,
    };
    this.#evicted = 0;
    this.#refused = 0;
    log.warn(line, 'too many connections: the longest idle of the address with most are closed');
  }

  #sweep(): void {
    const now = monotonicNow();
    this.#logCrowdInTurn(now);
    for (const connection of this.#byPeer.values()) {
      for (const exchange of connection.exchanges) this.#boundAnswer(exchange, connection, now);
      if (connection.farewell !== undefined) {
        if (now - connection.farewell > farewell && !connection.working) connection.socket.destroy();
      } else if (this.#isHeldForNothing(connection, now)) {
        connection.farewell = now;
        // Over HTTP/1.1 the server has said 408 by now, where there was anything to answer.
        connection.session?.close();
      }
    }
  }

  #isHeldForNothing(connection: Connection, now: number): boolean {
    const { handshake, headers, idle, request } = this.#options.bounds;
    const { used, exchanges, since, working } = connection;
    const bound = (used ? idle : handshake + headers) + (exchanges.size > 0 ? request : 0);
    return now - since > bound && !working;
  }

  /** An answer that nobody takes holds its request, its connection and its bytes. */
  #boundAnswer(exchange: Exchange, { socket }: Connection, now: number): void {
    const { request, response } = exchange;
    if (!response.writableEnded) return;
    exchange.answered ??= now;
    if (now - exchange.answered <= this.#options.bounds.response) return;
    const stream = streamOf(request);
    if (stream === undefined) socket.destroy();
    else stream.close(constants.NGHTTP2_CANCEL);
  }
}

/** The greatest id that a stream may have: no request is refused yet. */
const lastOfAll = 2 ** 31 - 1;

/** A GOAWAY that refuses nothing, well before the one that does (RFC 9113, 6.8): so no request is lost on the way. */
function sendAway(connection: Connection): void {
  const { session } = connection;
  if (session === undefined || session.destroyed || session.closed || connection.sentAway) return;
  connection.sentAway = true;
  session.goaway(constants.NGHTTP2_NO_ERROR, lastOfAll);
}

function maxUseless(lane: ReadonlySet<Connection>, newcomer: Connection): Connection | undefined {
  let found: Connection | undefined;
  for (const connection of lane)
    if (
      connection !== newcomer &&
      !connection.working &&
      !(found !== undefined && connection.since >= found.since)
    )
      found = connection;
  return found;
}

type Addressed = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress'> & { [ownPeer]?: string };

/** What tells a connection of this listener from all others: TCP, TLS and HTTP/2 each have an object of their own for it. */
export function peerOf(socket: Addressed): string | undefined {
  const { remoteAddress, remotePort, localAddress } = socket;
  const own = socket[ownPeer];
  if (own !== undefined) return own;
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort} ${localAddress}`;
}

/** From now on whoever looks at the socket sees what the load balancer has told; `peer` is what {@link peerOf} gave before. */
export function showSource(socket: Socket, peer: string, source: { address: string; port: number }): void {
  Object.defineProperties(socket, {
    [ownPeer]: { value: peer },
    remoteAddress: { value: source.address },
    remotePort: { value: source.port },
  });
}

/** Its stream, over HTTP/2. */
function streamOf(request: IncomingMessage): Http2ServerRequest['stream'] | undefined {
  return request.httpVersionMajor < 2 ? undefined : (request as unknown as Http2ServerRequest).stream;
}

/** Its body came to an end. */
function isWhole(request: IncomingMessage): boolean {
  const stream = streamOf(request);
  // Over HTTP/2 what was given up is `complete` as well.
  return stream === undefined ? request.complete : stream.endAfterHeaders || request.readableEnded;
}

function wasTaken(request: IncomingMessage, response: ServerResponse): boolean {
  const stream = streamOf(request);
  return stream === undefined
    ? response.writableFinished
    : response.writableEnded && stream.rstCode === constants.NGHTTP2_NO_ERROR;
}
