import { addressOf } from '../api/client.ts';
import { operations } from '../api/operations.ts';

/*
 * Sign-in at the OpenID Connect provider (authorization code with PKCE, done by the node). The verifier stays in this tab;
 * what comes back in the address is of no use without it.
 */

const place = 'holdfast.single-sign-on';
const asked = 'holdfast.single-sign-on-asked';

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

/** Signs on in a tab of its own, for a page that is not to be left. */
export function signOnInNewTab(vaultId: string | null): void {
  // It has a copy of what is kept for this one, and goes on to the provider by it: a link to it, which anybody may send, does not.
  sessionStorage.setItem(asked, '');
  window.open(vaultId === null ? '/console/' : `/sign-in/${vaultId}`);
  sessionStorage.removeItem(asked);
}

/** This tab was opened by {@link signOnInNewTab}. */
let isAsked = sessionStorage.getItem(asked) !== null;
sessionStorage.removeItem(asked);

/** Whether the provider was asked for in the tab that opened this one; once. */
export function takeAsked(): boolean {
  const was = isAsked;
  isAsked = false;
  return was;
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
