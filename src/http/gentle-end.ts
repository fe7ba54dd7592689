import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/*
 * The end of a connection over HTTP/1.1 whose client may still be sending. Closed with bytes unread it would be reset, and the
 * reset takes the answer with it: so our side ends, and what comes is thrown away until the client has seen that. Nothing of it
 * is a request any more (RFC 9112, 9.6), so Node's parser does not get it: it keeps each request that it reads until the
 * connection closes, answered or not.
 */

/** How long a client may take for it, milliseconds. */
const timeout = 2_000;
/** How much it may send meanwhile. */
const maxBytes = 16 * 1024 * 1024;

/** Requests that are read ahead of their answers: as many as streams over HTTP/2. */
export const maxAhead = 128;

/** Of which nothing more is read as HTTP. */
const unread = new WeakSet<Duplex>();
/** Of which our side has ended. */
const ended = new WeakSet<Duplex>();
/** The newest answer of each connection, begun or not. */
const newest = new WeakMap<Duplex, ServerResponse>();
/** How many requests of each connection have been read whose answers are not out. */
const ahead = new WeakMap<Duplex, number>();

/** Whether our side has ended: then nobody waits for an answer. */
export function isEnding(socket: Duplex): boolean {
  return ended.has(socket);
}

/** Has the last answer on a connection end it gently, where Node would destroy it with what has not been read. */
export function endsGently(socket: Duplex): void {
  // Which Node calls for nothing else.
  (socket as Duplex & { destroySoon: () => void }).destroySoon = () => endGently(socket);
}

/** Sends `last`, ends our side and reads on, for a bounded time. */
export function endGently(socket: Duplex, last?: string): void {
  if (ended.has(socket)) return;
  ended.add(socket);
  readNoMore(socket);
  const late = setTimeout(() => socket.destroy(), timeout);
  socket.once('close', () => clearTimeout(late));
  // Its end is all that is waited for.
  socket.once('end', () => socket.destroy());
  socket.end(last);
}

/**
 * False where the answer before this one is the last on its connection, gone out or not: then nobody would get this one, and
 * what the request asks for is not done either. Cuts off who sends many requests and waits for no answer.
 */
export function isToBeAnswered(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.httpVersionMajor > 1) return true;
  const { socket } = request;
  if (isEnding(socket) || isLast(newest.get(socket))) {
    readNoMore(socket);
    return false;
  }
  newest.set(socket, response);
  const count = (ahead.get(socket) ?? 0) + 1;
  if (count > maxAhead) {
    readNoMore(socket);
    socket.destroy();
    return false;
  }
  ahead.set(socket, count);
  response.once('close', () => ahead.set(socket, (ahead.get(socket) ?? 1) - 1));
  return true;
}

/** What Node has noted of an answer with `Connection: close`, and goes by. */
function isLast(response: ServerResponse | undefined): boolean {
  return (response as { _last?: boolean } | undefined)?._last === true;
}

/** Takes the connection from Node's parser and throws away what comes. Cuts off who sends too much of it. */
function readNoMore(socket: Duplex): void {
  if (unread.has(socket)) return;
  unread.add(socket);
  const parsing = socket.listeners('data') as (() => void)[];
  let left = maxBytes;
  // The parser, which reads beneath the stream, lets go of it where anything else listens to that.
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) socket.destroy();
  });
  for (const listener of parsing) socket.off('data', listener);
  // A handler that has not read its body may have paused it.
  socket.resume();
}
