import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { CliError } from '../output/cli-error.ts';
import { note } from '../output/streams.ts';

/** How long someone may take to sign in at the provider, milliseconds. */
const timeout = 10 * 60_000;

/**
 * Signs in with a browser (RFC 8252, 7.3): the provider sends it back to a port of this machine that is open for this
 * one sign-in. Who overhears the code that comes with it cannot use it without the verifier, which never leaves here
 * but to the API (RFC 7636).
 */
export async function signInWithBrowser(
  address: URL,
  open: boolean,
): Promise<{ code: string; verifier: string }> {
  const verifier = randomBytes(32).toString('base64url');
  const arrival = Promise.withResolvers<string>();
  const server = createServer((incoming, outgoing) => {
    // Any program of this machine may ask anything here: what is no address, such as `//`, is not the callback.
    const url = URL.parse(incoming.url ?? '/', 'http://127.0.0.1');
    const callback = incoming.method === 'GET' && url?.pathname === '/callback' ? url : undefined;
    const code = callback?.searchParams.get('code') ?? '';
    const good = code !== '';
    outgoing.writeHead(callback !== undefined ? 200 : 404, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      Connection: 'close',
    });
    outgoing.end(
      good
        ? 'Signed in to Holdfast: back to the terminal. This window can be closed.\n'
        : 'The sign-in was refused: the terminal says more. This window can be closed.\n',
      () => {
        if (good) arrival.resolve(code);
        else if (callback !== undefined)
          arrival.reject(
            new CliError(
              'refused',
              `the sign-in with the provider did not succeed${reasonOf(callback)}`,
              'holdfast audit list, for who may, says why',
            ),
          );
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const start = new URL(address);
  start.searchParams.set('returnTo', `http://127.0.0.1:${port}/callback`);
  start.searchParams.set('challenge', createHash('sha256').update(verifier).digest('base64url'));
  note(`Sign in with a browser on this machine:\n  ${start.href}`);
  if (open) openBrowser(start.href);
  const timer = setTimeout(
    () =>
      arrival.reject(new CliError('refused', 'nobody signed in within ten minutes', 'repeat the command')),
    timeout,
  );
  try {
    return { code: await arrival.promise, verifier };
  } finally {
    clearTimeout(timer);
    server.close();
    server.closeAllConnections();
  }
}

/** The word that the API gives as `error`. */
function reasonOf(url: URL): string {
  const word = url.searchParams.get('error') ?? '';
  return /^[a-z-]{1,40}$/.test(word) ? `: ${word}` : '';
}

/** As far as there is one: the address has been printed. */
function openBrowser(address: string): void {
  const child = spawn(process.platform === 'darwin' ? 'open' : 'xdg-open', [address], {
    stdio: 'ignore',
    detached: true,
  });
  child.on('error', () => undefined);
  child.unref();
}
