import { lookup } from 'node:dns/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { XksFailure } from './xks-failure.ts';

/** Where a host really is, and whom to trust there. */
export interface Route {
  /** The name in the certificate and in the Host header. */
  readonly host: string;
  /** `127.0.0.1:8443`; without it the host's IPv4 address and port 443, as AWS does. */
  readonly address?: string | undefined;
  /** PEM; without it the roots that Node trusts. */
  readonly ca?: string | undefined;
  /** Shown where the proxy asks for a client certificate; PEM texts. */
  readonly clientCertificate?: (() => Promise<{ certificate: string; key: string }>) | undefined;
}

/** The spec's suites (API content type), those of TLS 1.3 first. */
const suites = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
].join(':');

/**
 * A TLS connection whose certificate chains to the CA and names the host. When `signal` aborts, the attempt ends: `unreachable`
 * while there is no TCP connection, `timeout` after that. Throws {@link XksFailure}.
 */
export async function openTls(route: Route, signal: AbortSignal): Promise<TLSSocket> {
  const shown = await route.clientCertificate?.();
  const tcp = await openTcp(route, signal);
  return new Promise((resolve, reject) => {
    const tls = connectTls({
      socket: tcp,
      servername: route.host,
      ALPNProtocols: ['h2', 'http/1.1'],
      minVersion: 'TLSv1.2',
      ciphers: suites,
      ...(route.ca === undefined ? {} : { ca: route.ca }),
      ...(shown === undefined ? {} : { cert: shown.certificate, key: shown.key }),
    });
    const fail = (failure: XksFailure) => {
      signal.removeEventListener('abort', late);
      tls.destroy();
      reject(failure);
    };
    const late = () => fail(new XksFailure('timeout', 'the TLS handshake took longer than the limit'));
    signal.addEventListener('abort', late, { once: true });
    tls.once('error', (error) => fail(new XksFailure('tls', `no TLS connection: ${codeOf(error)}`)));
    tls.once('close', () =>
      fail(new XksFailure('tls', 'the connection was closed during the TLS handshake')),
    );
    tls.once('secureConnect', () => {
      signal.removeEventListener('abort', late);
      tls.removeAllListeners('error').removeAllListeners('close');
      // Whoever uses it next listens too; an error between two uses must not end the process.
      tls.on('error', () => tls.destroy());
      resolve(tls.setNoDelay(true));
    });
  });
}

async function openTcp(route: Route, signal: AbortSignal): Promise<Socket> {
  const { host, port } = await locate(route);
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, family: 4 });
    const fail = (message: string) => {
      signal.removeEventListener('abort', late);
      socket.destroy();
      reject(new XksFailure('unreachable', message));
    };
    const late = () => fail('no TCP connection within the limit');
    if (signal.aborted) return late();
    signal.addEventListener('abort', late, { once: true });
    socket.once('error', (error) => fail(`no TCP connection: ${codeOf(error)}`));
    socket.once('connect', () => {
      signal.removeEventListener('abort', late);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

async function locate(route: Route): Promise<{ host: string; port: number }> {
  if (route.address !== undefined) {
    const colon = route.address.lastIndexOf(':');
    return { host: route.address.slice(0, colon), port: Number(route.address.slice(colon + 1)) };
  }
  try {
    // AWS reaches proxies over IPv4 only.
    return { host: (await lookup(route.host, { family: 4 })).address, port: 443 };
  } catch (error) {
    throw new XksFailure('unreachable', `the endpoint's name has no IPv4 address: ${codeOf(error)}`);
  }
}

export function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'no code';
}
