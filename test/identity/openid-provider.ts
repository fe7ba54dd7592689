import Provider from 'oidc-provider';
import type { IncomingMessage, ServerResponse } from 'node:http';

// oidc-provider tells at each turn that a provider is as it is only for trying out: so it is here.
for (const level of ['info', 'warn'] as const) {
  const tell = console[level].bind(console);
  console[level] = (...words: unknown[]) => {
    if (!String(words[0]).includes('oidc-provider ')) tell(...words);
  };
}

export const clientSecret = 'the client secret of the tests';

/** What an account at the provider says of itself. */
export interface Account {
  sub: string;
  email?: string;
  email_verified?: boolean;
  preferred_username?: string;
}

/**
 * A real OpenID provider, for a relying party that is called back at `redirectUri`; whoever comes to sign in is `who`,
 * and is refused where that is nobody.
 */
export function openIdProvider(
  origin: string,
  redirectUri: string,
  who: () => Account | undefined,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const accounts = new Map<string, Account>();
  const provider = new Provider(origin, {
    clients: [
      {
        client_id: 'holdfast',
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
      {
        client_id: 'public',
        token_endpoint_auth_method: 'none',
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    findAccount: (_, id) => {
      const account = accounts.get(id);
      return account === undefined ? undefined : { accountId: id, claims: () => ({ ...account }) };
    },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username'] },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ['test'] },
    pkce: { required: () => true },
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client?.clientId ?? '',
        accountId: ctx.oidc.session?.accountId ?? '',
      });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  const callback = provider.callback();
  return (incoming, outgoing) => {
    if (incoming.url?.startsWith('/interaction/') !== true) return void callback(incoming, outgoing);
    const account = who();
    if (account !== undefined) accounts.set(account.sub, account);
    void provider.interactionFinished(
      incoming,
      outgoing,
      account === undefined
        ? { error: 'access_denied', error_description: 'not you' }
        : { login: { accountId: account.sub } },
    );
  };
}
