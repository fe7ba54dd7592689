import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { endGently, isEnding } from './gentle-end.ts';

/** Sent with every answer, of whatever kind. */
export const strictTransportSecurity = 'max-age=63072000; includeSubDomains';

/** Bytes of a request's head, over either protocol. */
export const maxHeadLength = 16 * 1024;

const notHttp = 'The request is not well-formed HTTP.';
const headTooLong = `The head of the request, its target and all headers, is longer than the ${maxHeadLength} bytes supported.`;

/** How an application words the refusal of what never reached it. */
export type RefusalForm = (status: number, words: string) => { contentType: string; body: string };

const badRequest = { status: 400, reason: 'Bad Request', words: notHttp };
const tooLong = { status: 431, reason: 'Request Header Fields Too Large', words: headTooLong };
/** What Node's parser says, by its code. */
const parserErrors: Record<string, typeof badRequest> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    reason: 'Request Timeout',
    words: 'The request did not arrive in time.',
  },
  HPE_HEADER_OVERFLOW: tooLong,
};

/** Connections whose first malformed request has been taken in hand: the parser tells of each further byte again. */
const taken = new WeakSet<Duplex>();

/**
 * What is not HTTP, and what comes too late, gets the application's JSON and the end of the connection. Answers to requests
 * before it on the connection go out first: in their place this one would be taken for theirs.
 */
export function answerMalformed(error: NodeJS.ErrnoException, socket: Duplex, form: RefusalForm): void {
  if (isEnding(socket) || taken.has(socket)) return;
  taken.add(socket);
  afterEarlierAnswers(socket, () => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const { status, reason, words } = parserErrors[error.code ?? ''] ?? badRequest;
    const { contentType, body } = form(status, words);
    const head = [
      `HTTP/1.1 ${status} ${reason}`,
      `Content-Type: ${contentType}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      `Strict-Transport-Security: ${strictTransportSecurity}`,
      'Connection: close',
    ].join('\r\n');
    endGently(socket, `${head}\r\n\r\n${body}`);
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
 * What Node takes for a request but the RFCs do not: true when it was refused. Over HTTP/2 Node bounds a head only once the
 * client has taken note of the settings, which it may leave be.
 */
export function refusedAsMalformed(
  request: IncomingMessage,
  response: ServerResponse,
  form: RefusalForm,
): boolean {
  const { httpVersionMajor, rawHeaders } = request;
  if (httpVersionMajor === 2 && headLength(rawHeaders) > maxHeadLength) {
    refuse(response, tooLong.status, form, tooLong.words);
    return true;
  }
  if (httpVersionMajor === 2 ? !namesOneHost(request) : !isHttp1(request)) {
    refuse(response, 400, form);
    return true;
  }
  // RFC 9112, 6.1: what is not understood is not implemented. The parser itself refuses where chunked is not the last.
  const coding = request.headers['transfer-encoding'];
  if (coding !== undefined && /,\s*chunked\s*$/i.test(coding)) {
    refuse(response, 501, form, 'The only transfer coding supported is chunked.');
    return true;
  }
  return false;
}

/**
 * RFC 9112: one Host that is a host, the client's error otherwise (3.2), and the same one where the target is a whole URI
 * (3.2.2), which then becomes a path. Transfer-Encoding did not exist in HTTP/1.0, and what stands in between may have read
 * the length otherwise (6.1). Before that there were no headers at all.
 */
function isHttp1(request: IncomingMessage): boolean {
  const { headers, httpVersion } = request;
  const hosts = valuesOf(request, 'host');
  if (hosts.length > 1 || (hosts.length === 0 && httpVersion !== '1.0')) return false;
  if (httpVersion !== '1.1' && (httpVersion !== '1.0' || headers['transfer-encoding'] !== undefined))
    return false;
  const [host = ''] = hosts;
  if (!/^[\w.:[\]~!$&'()*+;=%-]*$/.test(host)) return false;
  const whole = /^https?:\/\/([^/?#]*)(.*)$/is.exec(request.url ?? '');
  if (whole === null) return true;
  const [, authority = '', target = ''] = whole;
  request.url = target.startsWith('/') ? target : `/${target}`;
  return authority.toLowerCase() === host.toLowerCase();
}

/** RFC 9113, 8.3.1: a Host beside :authority says the same, and there is one of them. */
function namesOneHost(request: IncomingMessage): boolean {
  const [authority, ...more] = valuesOf(request, ':authority');
  const hosts = valuesOf(request, 'host');
  const host = authority ?? hosts[0];
  return more.length === 0 && host !== undefined && hosts.length <= 1 && (hosts[0] ?? host) === host;
}

function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}

/** As HTTP/1.1 would write it: each name and value with a colon, a space and the end of the line. */
function headLength(rawHeaders: readonly string[]): number {
  return rawHeaders.reduce((sum, text) => sum + text.length + 2, 0);
}

/** An answer outside the application; over HTTP/1.1 the connection ends with it. */
export function refuse(
  response: ServerResponse,
  status: number,
  form: RefusalForm,
  words: string = notHttp,
): void {
  const { contentType, body } = form(status, words);
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Strict-Transport-Security': strictTransportSecurity,
    ...(response.req.httpVersionMajor < 2 ? { Connection: 'close' } : {}),
  });
  response.end(body);
}
