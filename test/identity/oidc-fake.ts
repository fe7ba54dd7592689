import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Secret } from '../../src/secret.ts';
import type { Checks, OidcClients, OidcIdentity } from '../../src/identity/oidc/clients.ts';
import type { OidcProvider } from '../../src/identity/oidc/provider-record.ts';
import type { TestCa } from '../../testing/certificates.ts';
import { listenTls, type TlsServer } from './oidc-stage.ts';

type Json = Record<string, unknown>;

/** What the fake does otherwise than a provider should. */
export interface Lies {
  metadata?: Json;
  /** Instead of the answer of a path. */
  answer?: Partial<Record<string, (outgoing: ServerResponse) => void>>;
  header?: Json;
  claims?: Json;
  /** Signs with a key that the provider does not show. */
  strangeKey?: boolean;
  /** Changes the ID token once it is signed. */
  alter?: (token: string) => string;
  tokens?: Json;
  userinfo?: Json;
}

const checks: Checks = { state: 'the-state', nonce: 'the-nonce', codeVerifier: 'v'.repeat(43) };
const redirectUri = 'https://keys.example.com/api/v1/oidc/callback';

/** A provider that can be made to answer what no real one does. */
export class FakeProvider {
  readonly server: TlsServer;
  lies: Lies = {};
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  readonly #key: { publicKey: KeyObject; privateKey: KeyObject };
  readonly #strange: { privateKey: KeyObject };
  readonly #ca: string;

  private constructor(server: TlsServer, ca: string) {
    this.server = server;
    this.#ca = ca;
    this.#key = generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.#strange = generateKeyPairSync('rsa', { modulusLength: 2048 });
    server.handler = (incoming, outgoing) => this.#answer(incoming, outgoing);
  }

  static async create(ca: TestCa, caText: string): Promise<FakeProvider> {
    return new FakeProvider(await listenTls(ca), caText);
  }

  record(change: Partial<OidcProvider> = {}): OidcProvider {
    return {
      vault_id: 'vault',
      issuer: this.server.origin,
      client_id: 'holdfast',
      client_secret_sealed: null,
      client_secret_token: null,
      scopes: 'openid email',
      username_claim: 'email',
      ca_certificates: this.#ca,
      row_version: 1,
      created_at: '',
      updated_at: '',
      ...change,
    };
  }

  /** A whole exchange, as if the browser had just come back. */
  async exchange(clients: OidcClients, change: Partial<OidcProvider> = {}): Promise<OidcIdentity> {
    const callback = new URL(redirectUri);
    callback.searchParams.set('state', checks.state);
    callback.searchParams.set('code', 'the-code');
    return clients.exchange(this.record(change), new Secret('secret'), callback, checks);
  }

  async authorizationUrl(clients: OidcClients): Promise<URL> {
    return clients.authorizationUrl(this.record(), redirectUri, checks);
  }

  #answer(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const path = incoming.url ?? '';
    this.asked.push(path);
    const lie = this.lies.answer?.[path];
    if (lie !== undefined) return lie(outgoing);
    const body = this.#bodies()[path];
    outgoing.writeHead(body === undefined ? 404 : 200, { 'Content-Type': 'application/json' });
    outgoing.end(JSON.stringify(body ?? {}));
  }

  #bodies(): Record<string, Json> {
    const { origin } = this.server;
    return {
      '/.well-known/openid-configuration': {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/jwks`,
        userinfo_endpoint: `${origin}/userinfo`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        ...this.lies.metadata,
      },
      '/jwks': {
        keys: [{ ...this.#key.publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }],
      },
      '/token': {
        access_token: 'access',
        token_type: 'Bearer',
        expires_in: 60,
        id_token: this.#idToken(),
        ...this.lies.tokens,
      },
      '/userinfo': { sub: 'ada', email: 'ada@example.com', email_verified: true, ...this.lies.userinfo },
    };
  }

  #idToken(): string {
    const now = Math.floor(Date.now() / 1000);
    const header = { alg: 'RS256', kid: 'one', ...this.lies.header };
    const claims = {
      iss: this.server.origin,
      aud: 'holdfast',
      sub: 'ada',
      nonce: checks.nonce,
      iat: now,
      exp: now + 60,
      ...this.lies.claims,
    };
    const input = [header, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const { privateKey } = this.lies.strangeKey === true ? this.#strange : this.#key;
    const token = `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
    return this.lies.alter?.(token) ?? token;
  }
}
