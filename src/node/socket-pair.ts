import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** How long the two ends may take to find each other, milliseconds. */
const timeout = 2_000;

/**
 * Two sockets that talk to each other, to be handed to two processes. Node has no socketpair(2): one end listens for the
 * other at a name that no file has (an abstract Unix address), and takes only the end that shows what it alone was given,
 * since any process of the machine could connect.
 */
export async function socketPair(): Promise<[Socket, Socket]> {
  const address = `\0holdfast-${randomBytes(16).toString('hex')}`;
  const proof = randomBytes(32);
  const server = createServer({ pauseOnConnect: true });
  const late = AbortSignal.timeout(timeout);
  const found = Promise.withResolvers<Socket>();
  late.addEventListener('abort', () => found.reject(new Error('a socket pair could not be made in time')));
  server.on('connection', (socket) => void admit(socket, proof).then(found.resolve, () => socket.destroy()));
  server.listen(address);
  try {
    await once(server, 'listening', { signal: late });
    const one = connect(address);
    one.on('error', found.reject);
    one.write(proof);
    const other = await found.promise.catch((error: unknown) => {
      one.destroy();
      throw error;
    });
    one.removeListener('error', found.reject);
    return [one, other];
  } finally {
    server.close();
  }
}

/** Resolves with the socket once `proof` has come on it, and reads nothing beyond. */
async function admit(socket: Socket, proof: Buffer): Promise<Socket> {
  for (;;) {
    const came = socket.read(proof.length) as Buffer | null;
    if (came !== null) {
      if (came.length !== proof.length || !timingSafeEqual(came, proof)) throw new Error('a stranger');
      socket.removeAllListeners('readable');
      return socket;
    }
    await once(socket, 'readable');
  }
}
