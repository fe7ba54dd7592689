import { once } from 'node:events';
import {
  constants,
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
} from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, BlockList, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '../log.ts';
import { inShortTurn } from '../turn.ts';
import { noteArrival } from './arrival.ts';
import { Connections, peerOf, showSource, type ConnectionBounds } from './connections.ts';
import { endsGently, isToBeAnswered, maxAhead } from './gentle-end.ts';
import { answerMalformed, maxHeadLength, refuse, refusedAsMalformed, type RefusalForm } from './malformed.ts';
import { includes, networks, takeProxyHeader } from './proxy-protocol.ts';
import { useTicketKeys, type TicketKey } from './session-tickets.ts';
import { certificateEnd, hasWantedSubject, type LoadedTls } from './tls.ts';

/** {@link arrivalOf} says of a request how long it has waited. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface ListenerOptions {
  address: string;
  port: number;
  tls: LoadedTls;
  /** What session tickets are sealed with; its own without any. */
  ticketKeys?: readonly TicketKey[];
  /** Names of which a client certificate must have one; asked for where `tls` has a CA for them. */
  clientSubjects?: readonly string[];
  /** Load balancers, by address or network, whose connections begin with a header of the PROXY protocol. */
  proxyProtocolFrom?: readonly string[];
  connections: number;
  log: Logger;
  /** Words for what is not HTTP. */
  refusalForm: RefusalForm;
  /** Several processes listen on the same port, and the kernel spreads the connections. */
  reusePort?: boolean;
  bounds?: ConnectionBounds;
}

const defaultBounds: ConnectionBounds = {
  handshake: 5_000,
  headers: 5_000,
  request: 10_000,
  response: 10_000,
  // Longer than the idle time of AWS's and of load balancers' connections: they, not we, close idle ones.
  idle: 75_000,
  check: 1_000,
  crowdLog: 10_000,
};

const http2Settings = { maxConcurrentStreams: maxAhead, maxHeaderListSize: maxHeadLength };

/**
 * HTTPS with HTTP/2 by ALPN and HTTP/1.1 beneath it, on one port. The certificate is exchanged under it without
 * dropping a connection.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #http2: Http2Server;
  readonly #connections: Connections;
  /** What load balancers have told, by {@link peerOf}. */
  readonly #sources = new Map<string, { address: string; port: number }>();
  #ticketKeys: readonly TicketKey[] = [];

  constructor(options: ListenerOptions, handler: RequestHandler) {
    this.#options = options;
    const { tls } = options;
    const mutual = tls.ca !== undefined;
    const bounds = options.bounds ?? defaultBounds;
    this.#connections = new Connections({
      max: options.connections,
      bounds,
      log: options.log,
    });
    const take: RequestHandler = (request, response) => {
      if (!isToBeAnswered(request, response)) return;
      this.#connections.began(request, response);
      if (!refusedAsMalformed(request, response, options.refusalForm)) inTurn(request, response, handler);
    };
    this.#server = createServer(
      {
        ...tls,
        ALPNProtocols: ['h2', 'http/1.1'],
        requestCert: mutual,
        rejectUnauthorized: mutual,
        handshakeTimeout: bounds.handshake,
        headersTimeout: bounds.headers,
        requestTimeout: bounds.request,
        keepAliveTimeout: bounds.idle,
        connectionsCheckingInterval: bounds.check,
        maxHeaderSize: maxHeadLength,
        // Node's own answer to a missing Host has no JSON.
        requireHostHeader: false,
      },
      take,
    );
    this.useTicketKeys(options.ticketKeys ?? []);
    this.#server.prependListener('connection', (socket: Socket) => this.#connections.opened(socket));
    const from = options.proxyProtocolFrom ?? [];
    if (from.length > 0) this.#readProxyHeaders(networks(from));
    this.#server.on('checkExpectation', (request, response) => {
      if (isToBeAnswered(request, response)) refuse(response, 417, options.refusalForm);
    });
    this.#http2 = createHttp2Server({
      settings: http2Settings,
      maxHeaderListPairs: 64,
      maxSessionMemory: 4,
    });
    // Node's HTTP/2 compatibility layer: requests and responses with the faces of HTTP/1.1.
    this.#http2.on('request', (request, response) => {
      boundBody(request, bounds.request);
      take(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    });
    this.#http2.on('session', (session) => {
      this.#connections.speaksHttp2(session);
      session.on('error', () => session.destroy());
    });
    this.#http2.on('sessionError', () => undefined);
    this.#divertByProtocol();
    this.#server.on('clientError', (error, socket) => answerMalformed(error, socket, options.refusalForm));
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      options.log.debug({ remote: socket.remoteAddress, code: error.code }, 'TLS handshake refused');
      socket.destroy();
    });
  }

  /** What comes from these says first from whom it comes: then, and only then, TLS begins. */
  #readProxyHeaders(from: BlockList): void {
    const [count, ...begin] = this.#server.listeners('connection') as ((socket: Socket) => void)[];
    const beginTls = (socket: Socket) => {
      for (const listener of begin) listener.call(this.#server, socket);
    };
    this.#server.removeAllListeners('connection');
    this.#server.on('connection', (socket: Socket) => {
      count?.(socket);
      const remote = socket.remoteAddress;
      if (remote !== undefined && includes(from, remote)) void this.#beginProxied(socket, remote, beginTls);
      else beginTls(socket);
    });
  }

  async #beginProxied(socket: Socket, remote: string, beginTls: (socket: Socket) => void): Promise<void> {
    const peer = peerOf(socket);
    const header = await takeProxyHeader(socket);
    if (header === undefined && socket.bytesRead > 0)
      // One that opens a connection to see whether somebody is there, and says nothing, is no news.
      this.#options.log.warn(
        { remote },
        'no header of the PROXY protocol from a load balancer that is to send one',
      );
    if (header === undefined || peer === undefined || socket.destroyed) return void socket.destroy();
    if (header.source !== undefined) {
      this.#connections.comesFrom(socket, header.source.address);
      const { source } = header;
      this.#sources.set(peer, source);
      socket.once('close', () => {
        // The same port of the load balancer may be another connection's by now.
        if (this.#sources.get(peer) === source) this.#sources.delete(peer);
      });
    }
    beginTls(socket);
  }

  /** After the handshake: checks the subject of the client certificate, then hands over to the protocol agreed on. */
  #divertByProtocol(): void {
    const { tls, clientSubjects: subjects = [] } = this.#options;
    const mutual = tls.ca !== undefined;
    const http1 = this.#server.listeners('secureConnection') as ((socket: TLSSocket) => void)[];
    this.#server.removeAllListeners('secureConnection');
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      socket.setNoDelay(true);
      const peer = peerOf(socket);
      const source = this.#sources.get(peer ?? '');
      if (peer !== undefined && source !== undefined) showSource(socket, peer, source);
      if (mutual && !hasWantedSubject(socket, subjects)) {
        this.#options.log.warn(
          { remote: socket.remoteAddress },
          'client certificate with another subject refused',
        );
        socket.destroy();
        return;
      }
      if (socket.alpnProtocol === 'h2') this.#http2.emit('connection', socket);
      else {
        endsGently(socket);
        for (const listener of http1) listener.call(this.#server, socket);
      }
    });
  }

  async listen(): Promise<AddressInfo> {
    const { address, port, reusePort } = this.#options;
    this.#server.listen({ host: address, port, reusePort: reusePort === true, backlog: 1024 });
    await once(this.#server, 'listening');
    return this.#server.address() as AddressInfo;
  }

  /** Takes another certificate into use, for new connections. */
  useTls(tls: LoadedTls): void {
    this.#server.setSecureContext(tls);
    useTicketKeys(this.#server, this.#ticketKeys);
    this.#options.log.info({ notAfter: certificateEnd(tls)?.toISOString() }, 'TLS certificate loaded');
  }

  /** Seals session tickets with other keys. */
  useTicketKeys(keys: readonly TicketKey[]): void {
    this.#ticketKeys = keys;
    useTicketKeys(this.#server, keys);
  }

  /** Whether clients are to go elsewhere, as far as they can be asked; whoever comes is served. */
  leave(leaving: boolean): void {
    this.#connections.leave(leaving);
  }

  /** Takes no new connection, lets every request under way end, then closes. Cuts off after `timeout` milliseconds. */
  async close(timeout: number): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeIdleConnections();
    this.#connections.end();
    const cut = setTimeout(() => this.#connections.cut(), timeout);
    await closed;
    clearTimeout(cut);
    this.#connections.cut();
  }
}

/**
 * Begins it when its turn comes, and notes how long that took. Whoever hangs up meanwhile is not heard of any more by whoever would read
 * the body: it is not begun.
 */
function inTurn(request: IncomingMessage, response: ServerResponse, begin: RequestHandler): void {
  let isGone = false;
  response.once('close', () => {
    isGone = true;
  });
  inShortTurn((came, begun) => {
    if (isGone) return;
    noteArrival(request, { came, begun });
    begin(request, response);
  });
}

/** Over HTTP/2 nothing else ends a stream whose body never does. */
function boundBody(request: Http2ServerRequest, milliseconds: number): void {
  const { stream } = request;
  if (stream.endAfterHeaders) return;
  const late = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), milliseconds);
  const whole = () => clearTimeout(late);
  request.once('end', whole);
  request.once('close', whole);
}
