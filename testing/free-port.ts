import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that the kernel gives to whoever asks for any: nobody gets it by chance before it is used. */
const [lowest, highest] = [10_000, 32_000];

/** A port of the loopback address that nobody listens on just now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, highest);
    const server = createServer();
    const listening = once(server, 'listening').catch(() => undefined);
    server.listen(port, '127.0.0.1');
    if ((await listening) === undefined) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
