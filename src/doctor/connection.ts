import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Address } from './options.ts';

/** Where a TLS connection goes, and as whom. */
export interface Target {
  /** Name asked for (SNI), and signed. */
  host: string;
  /** Port of the endpoint, which is signed unless it is 443. */
  port: number;
  to: Address;
  client: { certificate: string; key: string } | undefined;
  /** For each exchange, milliseconds. */
  timeout: number;
}

/** A connection that could not be made, or ended too soon. */
export class ConnectionFailure extends Error {
  readonly stage: 'tcp' | 'tls' | 'http';
  /** Such as ECONNREFUSED; ETIMEDOUT where it took too long. */
  readonly code: string;

  constructor(stage: ConnectionFailure['stage'], error: unknown) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    super(`${stage}: ${code}`);
    this.name = 'ConnectionFailure';
    this.stage = stage;
    this.code = code;
  }
}

export const timedOut = Object.assign(new Error('took too long'), { code: 'ETIMEDOUT' });

export interface Opened {
  socket: TLSSocket;
  /** Milliseconds of TCP, and of the handshake after it. */
  tcp: number;
  tls: number;
}

/** The Host header, as AWS KMS would write it. */
export function authorityOf({ host, port }: Pick<Target, 'host' | 'port'>): string {
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return port === 443 ? name : `${name}:${port}`;
}

/**
 * TLS options for a target. The certificate is not verified here: the doctor looks at it in findings of their own and
 * goes on, since what it sends has no secret in it, only signatures that are good for five minutes.
 */
export function tlsOptions({ host, client }: Target): ConnectionOptions {
  return {
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: false,
    ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
  };
}

/** Opens a TCP connection. Throws ConnectionFailure. */
export async function openTcp(to: Address, timeout: number): Promise<{ socket: Socket; tcp: number }> {
  const began = performance.now();
  const socket = connectTcp({ host: to.address, port: to.port, noDelay: true });
  await arrival(socket, 'connect', 'tcp', timeout);
  return { socket, tcp: performance.now() - began };
}

/** Opens a TLS connection. Throws ConnectionFailure. */
export async function openTls(target: Target, more: ConnectionOptions = {}): Promise<Opened> {
  const { socket: raw, tcp } = await openTcp(target.to, target.timeout);
  const began = performance.now();
  let socket: TLSSocket;
  try {
    socket = connectTls({ socket: raw, ALPNProtocols: ['http/1.1'], ...tlsOptions(target), ...more });
  } catch (error) {
    // OpenSSL here does not have what was to be offered.
    raw.destroy();
    throw new ConnectionFailure('tls', error);
  }
  await arrival(socket, 'secureConnect', 'tls', target.timeout);
  return { socket, tcp, tls: performance.now() - began };
}

async function arrival(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  stage: 'tcp' | 'tls',
  timeout: number,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => socket.destroy(timedOut), timeout);
  socket.once(event, () => resolve());
  // The listener stays: a socket that fails later is nobody's error.
  socket.on('error', reject);
  socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
  try {
    await promise;
  } catch (error) {
    socket.destroy();
    throw new ConnectionFailure(stage, error);
  } finally {
    clearTimeout(timer);
  }
}
