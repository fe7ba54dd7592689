import { addressOf } from '../api/client.ts';
import { operations } from '../api/operations.ts';

/*
 * Sign-in at the OpenID Connect provider (authorization code with PKCE, done by the node). The verifier stays in this tab;
 * what comes back in the address is of no use without it.
 */

const place = 'holdfast.single-sign-on';

export const returnPath = '/console/signed-on';

interface Begun {
  verifier: string;
  /** Page to go on to. */
  to: string;
  /** Where it was begun; null for the appliance. */
  vaultId: string | null;
}

/** Leaves the page for the provider. */
export async function beginSingleSignOn(vaultId: string | null, to: string): Promise<void> {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const challenge = base64url(
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))),
  );
  sessionStorage.setItem(place, JSON.stringify({ verifier, to, vaultId } satisfies Begun));
  const query = { returnTo: returnPath, challenge };
  window.location.assign(
    vaultId === null
      ? addressOf(operations.startOidcSignIn.path, {}, query)
      : addressOf(operations.startOidcSignInToVault.path, { vaultId }, query),
  );
}

/** What was begun in this tab; it is good once. */
export function takeBegun(): Begun | undefined {
  const text = sessionStorage.getItem(place);
  sessionStorage.removeItem(place);
  try {
    const begun = JSON.parse(text ?? 'null') as Begun | null;
    if (begun === null || typeof begun.verifier !== 'string') return undefined;
    return { ...begun, to: begun.to.startsWith('/console/') ? begun.to : '/console/' };
  } catch {
    return undefined;
  }
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCodePoint(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
