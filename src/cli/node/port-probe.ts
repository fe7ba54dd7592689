import { once } from 'node:events';
import { createServer } from 'node:net';
import { ConfigError } from '../../config/problem.ts';

/**
 * Says in words that the port cannot be listened on. The workers share it (SO_REUSEPORT), and so would a second node
 * of the same user, unnoticed: binding it alone first finds that out. Nothing is accepted. `setting` is what says which port.
 */
export async function probePort(
  table: 'xks' | 'admin',
  address: string,
  port: number,
  setting = `${table}.port`,
): Promise<void> {
  if (port === 0) return;
  const server = createServer();
  server.listen({ host: address, port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new ConfigError([
      `${address} port ${port} ${reason({ table, setting }, (error as NodeJS.ErrnoException).code)}`,
    ]);
  }
  server.close();
  await once(server, 'close');
}

interface Asked {
  table: string;
  setting: string;
}

function reason(asked: Asked, code = 'unknown'): string {
  return reasons[code]?.(asked) ?? `cannot be listened on (${code})`;
}

const reasons: Record<string, (asked: Asked) => string> = {
  EADDRINUSE: ({ setting }) => `is in use by another process; end it, or set another ${setting}`,
  EACCES: ({ setting }) =>
    `may not be listened on by this user; run as a service with CAP_NET_BIND_SERVICE, or set ${setting} above 1023`,
  EADDRNOTAVAIL: ({ table }) => `is not an address of this machine; set ${table}.address`,
};
