import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/*
 * A connection over HTTP/1.1 that ends while its client is still sending. Closed with bytes unread it would be reset, and the
 * reset takes the answer with it: so our side ends, and what comes is thrown away until the client has seen that.
 */

/** How long a client may take for it, milliseconds. */
const patience = 2_000;
/** How much it may send meanwhile. */
const mostBytes = 16 * 1024 * 1024;

/** Bytes that had been read when our side ended. */
const ending = new WeakMap<Duplex, number>();

/** Whether our side has ended: what else comes is no request to be answered. Cuts off who sends too much of it. */
export function isEnding(socket: Duplex): boolean {
  const before = ending.get(socket);
  if (before === undefined) return false;
  if (bytesRead(socket) - before > mostBytes) socket.destroy();
  return true;
}

/** Sends `last`, ends our side and reads on, for a bounded time. Whatever reads the socket must ask {@link isEnding}. */
export function endGently(socket: Duplex, last?: string): void {
  if (ending.has(socket)) return;
  ending.set(socket, bytesRead(socket));
  const late = setTimeout(() => socket.destroy(), patience);
  socket.once('close', () => clearTimeout(late));
  // Its end is all that is waited for.
  socket.once('end', () => socket.destroy());
  socket.end(last);
}

/**
 * Has the connection end gently where this answer is the last on it and goes out before the request is whole. False where our
 * side has ended already: then nobody waits for an answer.
 */
export function isToBeAnswered(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.httpVersionMajor > 1) return true;
  if (isEnding(request.socket)) return false;
  // Before Node's own listener, which destroys the socket once the answer is written.
  response.prependOnceListener('finish', () => {
    const { socket } = request;
    if (request.complete) return;
    socket.destroySoon = () => {
      endGently(socket);
      request.on('data', () => isEnding(socket));
      request.resume();
    };
  });
  return true;
}

function bytesRead(socket: Duplex): number {
  return (socket as Duplex & { bytesRead?: number }).bytesRead ?? 0;
}
