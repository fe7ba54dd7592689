import { Agent, request, type RequestOptions } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { getCACertificates } from 'node:tls';
import { CliError } from '../output/cli-error.ts';

export interface Exchange {
  method: string;
  /** With the query, from the slash on. */
  path: string;
  headers: Record<string, string>;
  body?: string | undefined;
  /** For the whole exchange, milliseconds. */
  timeout: number;
}

export interface Received {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** The request was sent and the connection ended before its answer was whole: it may have been done, or not. */
export class LostConnectionError extends CliError {
  constructor(host: string, cause: unknown) {
    super(
      'unreachable',
      `the connection to ${host} was lost before the answer came; what was asked may have been done all the same`,
      'look at it before you repeat the command',
      cause,
    );
    this.name = 'LostConnectionError';
  }
}

/** More than any answer of the API: what is larger is none of it. */
const largestAnswer = 16 * 2 ** 20;

/** HTTPS exchanges with one endpoint. Follows no redirects: a bearer token goes nowhere but here. */
export class Transport {
  readonly host: string;
  readonly #origin: URL;
  readonly #agent: Agent;

  /** `ca` in PEM is trusted in place of the machine's own CAs, not beside them. */
  constructor(origin: URL, ca?: string) {
    this.#origin = origin;
    this.host = origin.host;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 2,
      ca: ca ?? [...getCACertificates('default'), ...getCACertificates('system')],
    });
  }

  /** Throws CliError where nothing was sent or nothing came, LostConnectionError where it is uncertain. */
  async send(exchange: Exchange): Promise<Received> {
    const { promise, resolve, reject } = Promise.withResolvers<Received>();
    const options: RequestOptions = {
      agent: this.#agent,
      host: this.#origin.hostname.replace(/^\[|\]$/g, ''),
      port: this.#origin.port === '' ? 443 : Number(this.#origin.port),
      method: exchange.method,
      path: exchange.path,
      headers: {
        ...exchange.headers,
        ...(exchange.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(exchange.body) }),
      },
    };
    const sent = { yet: false };
    const outgoing = request(options);
    const timer = setTimeout(
      () => outgoing.destroy(new TimedOutError(this.host, exchange.timeout, sent.yet)),
      exchange.timeout,
    );
    outgoing.on('socket', (socket) => {
      if (outgoing.reusedSocket) sent.yet = true;
      else socket.once('secureConnect', () => (sent.yet = true));
    });
    outgoing.on('error', (error) => {
      if (error instanceof CliError) reject(error);
      else reject(sent.yet ? new LostConnectionError(this.host, error) : unreachable(this.host, error));
    });
    outgoing.on('response', (incoming) => {
      readText(incoming).then(
        (text) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }),
        (error: unknown) =>
          reject(error instanceof CliError ? error : new LostConnectionError(this.host, error)),
      );
    });
    outgoing.end(exchange.body);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

class TimedOutError extends CliError {
  constructor(host: string, timeout: number, sent: boolean) {
    super(
      'unreachable',
      `${host} ${sent ? 'did not answer' : 'could not be reached'} within ${timeout / 1000} s${
        sent ? '; what was asked may be done all the same' : ''
      }`,
      sent
        ? 'look at it before you repeat the command; a slow token needs a longer --timeout'
        : 'the network and firewalls on the way; the address and port of the endpoint',
    );
    this.name = 'TimedOutError';
  }
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > largestAnswer)
      throw new CliError('unreachable', 'the answer is larger than any of the management API');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unreachable(host: string, error: Error): CliError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const [problem, remediation] = reasons[code] ?? [
    `could not be reached (${code === '' ? error.message : code})`,
    'the address and port of the endpoint',
  ];
  return new CliError('unreachable', `${host} ${problem}`, remediation + whereLocalhost(host, code), error);
}

/** On some machines `localhost` is ::1 alone, where a node does not listen by itself, and on some it is nothing. */
function whereLocalhost(host: string, code: string): string {
  if (!/^localhost(?::|$)/.test(host) || !['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'].includes(code))
    return '';
  return `; where localhost is not 127.0.0.1, https://${host.replace('localhost', '127.0.0.1')}`;
}

const untrusted: [string, string] = [
  'has a certificate of a CA that is not trusted here',
  'name the file of its CA with --ca FILE or HOLDFAST_CA',
];
const reasons: Record<string, [problem: string, remediation: string]> = {
  ECONNREFUSED: ['refuses connections: nothing listens there', 'holdfast serve; the port of the endpoint'],
  ENOTFOUND: ['has a name that DNS does not know', 'the name in the endpoint'],
  EAI_AGAIN: ['has a name that DNS cannot look up now', 'the name server'],
  EHOSTUNREACH: ['has no route to it', 'the network'],
  ENETUNREACH: ['has no route to it', 'the network'],
  ECONNRESET: ['ended the connection while it was made', 'whether HTTPS is spoken on this port'],
  EPROTO: ['does not speak TLS as we do', 'whether HTTPS is spoken on this port'],
  ERR_SSL_WRONG_VERSION_NUMBER: ['does not speak TLS', 'whether HTTPS is spoken on this port'],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: ['does not speak TLS', 'whether HTTPS is spoken on this port'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'has a certificate of another name',
    'the name in its certificate as the endpoint; or a certificate with the name of the endpoint',
  ],
  CERT_HAS_EXPIRED: ['has a certificate that has expired', 'renew it: docs/operations.md, TLS'],
  CERT_NOT_YET_VALID: ['has a certificate that is not valid yet', 'the clock of this machine'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
};
