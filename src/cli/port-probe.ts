import { once } from 'node:events';
import { createServer } from 'node:net';
import { ConfigError } from '../config/problem.ts';

/**
 * Says in words that the port cannot be listened on. The workers share it (SO_REUSEPORT), and so would a second node
 * of the same user, unnoticed: binding it alone first finds that out. Nothing is accepted.
 */
export async function probePort(address: string, port: number): Promise<void> {
  if (port === 0) return;
  const server = createServer();
  server.listen({ host: address, port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new ConfigError([`${address} port ${port} ${reason((error as NodeJS.ErrnoException).code)}`]);
  }
  server.close();
  await once(server, 'close');
}

function reason(code = 'unknown'): string {
  return reasons[code] ?? `cannot be listened on (${code})`;
}

const reasons: Record<string, string> = {
  EADDRINUSE: 'is in use by another process; end it, or set another xks.port',
  EACCES:
    'may not be listened on by this user; run as a service with CAP_NET_BIND_SERVICE, or set an xks.port above 1023',
  EADDRNOTAVAIL: 'is not an address of this machine; set xks.address',
};
