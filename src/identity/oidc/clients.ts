import { createHash } from 'node:crypto';
import {
  authorizationCodeGrant,
  AuthorizationResponseError,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
  type ClientAuth,
  type ServerMetadata,
} from 'openid-client';
import type { Secret } from '../../secret.ts';
import { isLoopbackName } from './addresses.ts';
import { OidcError } from './error.ts';
import { boundedFetch } from './fetch.ts';
import type { OidcProvider } from './provider-record.ts';

/** How long one request to a provider may take, seconds. */
const defaultTimeout = 8;
/** Metadata is asked for again after so long, milliseconds; after a failure sooner. */
const freshFor = 5 * 60_000;
const failedFor = 2_000;
/** There are as many providers as vaults. */
const maxKnown = 200;

/** What binds a provider's answer to the sign-in that it is for. */
export interface Checks {
  state: string;
  nonce: string;
  codeVerifier: string;
}

/** Who signed in, by the provider's word. */
export interface OidcIdentity {
  subject: string;
  /** Only where the provider says that it has verified it. */
  verifiedEmail: string | undefined;
  preferredUsername: string | undefined;
}

type Where = Pick<OidcProvider, 'issuer' | 'ca_certificates'>;

/** Talks to the providers, and remembers for a while what they tell everyone of themselves. */
export class OidcClients {
  readonly #timeout: number;
  readonly #known = new Map<string, { until: number; metadata: Promise<ServerMetadata> }>();

  constructor({ timeout = defaultTimeout } = {}) {
    this.#timeout = timeout;
  }

  /** What the provider says of itself, asked for `anew` or not. Throws OidcError. */
  async metadataOf(provider: Where, anew = false): Promise<ServerMetadata> {
    const name = createHash('sha256')
      .update(JSON.stringify([provider.issuer, provider.ca_certificates]))
      .digest('hex');
    const known = this.#known.get(name);
    if (!anew && known !== undefined && performance.now() < known.until) return known.metadata;
    const metadata = discover(provider, this.#timeout);
    const entry = { until: performance.now() + freshFor, metadata };
    this.#known.delete(name);
    this.#known.set(name, entry);
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxKnown && oldest !== undefined) this.#known.delete(oldest);
    metadata.catch(() => {
      // Everybody who tries meanwhile is told the same, instead of asking again.
      entry.until = performance.now() + failedFor;
    });
    return metadata;
  }

  /** Where the browser goes to sign in. Throws OidcError. */
  async authorizationUrl(provider: OidcProvider, redirectUri: string, checks: Checks): Promise<URL> {
    const config = await this.#configurationOf(provider, undefined);
    return buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: provider.scopes,
      state: checks.state,
      nonce: checks.nonce,
      code_challenge: await calculatePKCECodeChallenge(checks.codeVerifier),
      code_challenge_method: 'S256',
    });
  }

  /**
   * Takes the provider's answer: checks state and issuer (RFC 9207), exchanges the code, checks the ID token with its
   * signature. Throws OidcError.
   */
  async exchange(
    provider: OidcProvider,
    secret: Secret | undefined,
    callback: URL,
    checks: Checks,
  ): Promise<OidcIdentity> {
    const config = await this.#configurationOf(provider, secret);
    try {
      const tokens = await authorizationCodeGrant(config, callback, {
        expectedState: checks.state,
        expectedNonce: checks.nonce,
        pkceCodeVerifier: checks.codeVerifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new OidcError('answer-refused');
      const found = identityOf(claims.sub, claims);
      const wanted = provider.username_claim === 'email' ? found.verifiedEmail : found.preferredUsername;
      if (wanted !== undefined || config.serverMetadata().userinfo_endpoint === undefined) return found;
      // Many providers tell these there only (OpenID Connect Core, 5.4).
      return identityOf(claims.sub, await fetchUserInfo(config, tokens.access_token, claims.sub));
    } catch (error) {
      throw troubleOf(error);
    }
  }

  async #configurationOf(provider: OidcProvider, secret: Secret | undefined): Promise<Configuration> {
    const metadata = await this.metadataOf(provider);
    const config = new Configuration(metadata, provider.client_id, undefined, authOf(secret));
    config[customFetch] = fetchOf(provider);
    config.timeout = this.#timeout;
    // TLS vouches for the ID token already; its signature does so whoever ends TLS on the way.
    enableNonRepudiationChecks(config);
    return config;
  }
}

async function discover(provider: Where, timeout: number): Promise<ServerMetadata> {
  let metadata: ServerMetadata;
  try {
    const config = await discovery(new URL(provider.issuer), 'holdfast', undefined, None(), {
      [customFetch]: fetchOf(provider),
      timeout: timeout,
    });
    metadata = config.serverMetadata();
  } catch (error) {
    const found = rootOf(error);
    throw found instanceof OidcError
      ? found
      : new OidcError(isTimeout(found) ? 'unreachable' : 'no-provider', error);
  }
  // OpenID Connect Discovery, 4.3: exactly the same. So no issuer that stands for many tenants, whose users are not known
  // by what they say they are called.
  if (metadata.issuer !== provider.issuer) throw new OidcError('no-provider');
  const { authorization_endpoint, token_endpoint, jwks_uri, userinfo_endpoint } = metadata;
  const needed = [authorization_endpoint, token_endpoint, jwks_uri, userinfo_endpoint ?? jwks_uri];
  if (!needed.every((url) => url !== undefined && URL.canParse(url) && new URL(url).protocol === 'https:'))
    throw new OidcError('no-provider');
  return metadata;
}

function fetchOf({ issuer, ca_certificates }: Where) {
  return boundedFetch({
    ca: ca_certificates === '' ? undefined : ca_certificates,
    onLoopback: isLoopbackName(new URL(issuer).hostname),
  });
}

/** By the header, which every provider must take (RFC 6749, 2.3.1), unless this one says otherwise. */
function authOf(secret: Secret | undefined): ClientAuth {
  if (secret === undefined) return None();
  const basic = ClientSecretBasic(secret.reveal());
  const post = ClientSecretPost(secret.reveal());
  return (server, ...others) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    return (methods.includes('client_secret_basic') ? basic : post)(server, ...others);
  };
}

function identityOf(subject: string, claims: Readonly<Record<string, unknown>>): OidcIdentity {
  // OpenID Connect Core, 2: 255 ASCII characters at most.
  if (!/^[\x20-\x7e]{1,255}$/.test(subject)) throw new OidcError('answer-refused');
  const { email, email_verified, preferred_username } = claims;
  return {
    subject,
    // A boolean (OpenID Connect Core, 5.1); Amazon Cognito's userInfo endpoint answers it as text.
    verifiedEmail:
      typeof email === 'string' && (email_verified === true || email_verified === 'true') ? email : undefined,
    preferredUsername: typeof preferred_username === 'string' ? preferred_username : undefined,
  };
}

function troubleOf(error: unknown): OidcError {
  const found = rootOf(error);
  if (found instanceof OidcError) return found;
  if (error instanceof AuthorizationResponseError) return new OidcError('provider-refused', error);
  if (error instanceof WWWAuthenticateChallengeError) return new OidcError('client-refused', error);
  if (error instanceof ResponseBodyError)
    return new OidcError(error.error === 'invalid_grant' ? 'answer-refused' : 'client-refused', error);
  return new OidcError(isTimeout(found) ? 'unreachable' : 'answer-refused', error);
}

/** The client wraps what our fetch throws. */
function rootOf(error: unknown): unknown {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof OidcError || isTimeout(at)) return at;
  return error;
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
}
