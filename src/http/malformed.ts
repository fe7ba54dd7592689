import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { XksError } from '../xks/errors.ts';

/** Sent with every answer, of whatever kind. */
export const strictTransportSecurity = 'max-age=63072000; includeSubDomains';

/** Connections whose first malformed request has been taken in hand: the parser tells of each further byte again. */
const taken = new WeakSet<Duplex>();

/**
 * What is not HTTP, and what comes too late, gets the spec's JSON and the end of the connection. Answers to requests
 * before it on the connection go out first: in their place this one would be taken for theirs.
 */
export function answerMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (taken.has(socket)) return;
  taken.add(socket);
  afterEarlierAnswers(socket, () => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const tooLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    const status = tooLate
      ? '408 Request Timeout'
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : '400 Bad Request';
    const { body } = new XksError(
      'ValidationException',
      tooLate ? 'The request did not arrive in time.' : 'The request is not well-formed HTTP.',
    );
    const head = [
      `HTTP/1.1 ${status}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      `Strict-Transport-Security: ${strictTransportSecurity}`,
      'Connection: close',
    ].join('\r\n');
    socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
  });
}

/** Node keeps the answer whose turn it is at the socket, and looks there itself before it reports an error. */
function afterEarlierAnswers(socket: Duplex, act: () => void): void {
  const response = (socket as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage;
  if (response === null || response === undefined) act();
  else if (response.req.complete)
    // Node's own listener, which comes first, has by then put the next answer in its place.
    response.once('finish', () => afterEarlierAnswers(socket, act));
  // The body of this very request is malformed or late.
  else if (response.headersSent) socket.destroy();
  else act();
}

/**
 * What Node takes for a request but RFC 9112 does not: true when it was refused. A missing Host is the client's error
 * (3.2). Transfer-Encoding did not exist in HTTP/1.0, and what stands in between may have read the length otherwise
 * (6.1). Before that there were no headers at all.
 */
export function refusedAsMalformed(request: IncomingMessage, response: ServerResponse): boolean {
  const { headers, httpVersion } = request;
  const fine =
    httpVersion === '1.1'
      ? headers.host !== undefined
      : httpVersion === '1.0' && headers['transfer-encoding'] === undefined;
  if (!fine) refuse(response, 400);
  return !fine;
}

/** An answer outside the application; the connection ends with it. */
export function refuse(response: ServerResponse, status: number): void {
  const { body } = new XksError('ValidationException', 'The request is not well-formed HTTP.');
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'Strict-Transport-Security': strictTransportSecurity,
    Connection: 'close',
  });
  response.end(body);
}
