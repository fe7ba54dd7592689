import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pino } from 'pino';
import { makeOidcRoutes } from '../../src/admin/people/oidc.ts';
import type { AdminServices } from '../../src/admin/services.ts';
import { sessionRoutes } from '../../src/admin/people/sessions.ts';
import { checkDocumented } from '../admin/documented-answers.ts';
import { createAdminApp } from '../../src/http/admin-app.ts';
import { OidcClients } from '../../src/identity/oidc/clients.ts';
import { putProvider, type ProviderInput } from '../../src/identity/oidc/providers.ts';
import { openSession, type UserRow } from '../../src/identity/sessions.ts';
import { insertUser, newUser } from '../../src/identity/users.ts';
import { Secret } from '../../src/secret.ts';
import { TestCa } from '../../testing/certificates.ts';
import { unusedAws } from '../../testing/aws-settings.ts';
import { memoryDirectory } from '../../testing/test-node.ts';
import { openVault, type TestVault } from '../../testing/vault.ts';
import { byHand } from '../../testing/by-hand.ts';
import { clientSecret, openIdProvider, type Account } from './openid-provider.ts';

export { clientSecret } from './openid-provider.ts';

/** A server with TLS on a port of its own. */
export interface TlsServer {
  origin: string;
  server: Server;
  handler: (incoming: IncomingMessage, outgoing: ServerResponse) => void;
  close: () => Promise<void>;
}

/** The management app with a real token behind it, an OpenID provider, and browsers that trust their CA. */
export class Stage {
  readonly open: TestVault;
  readonly ca: TestCa;
  readonly caText: string;
  readonly app: TlsServer;
  readonly provider: TlsServer;
  readonly clients = new OidcClients();
  readonly services: AdminServices;
  readonly logged: string[];
  /** Who signs in at the provider next; undefined refuses. */
  account: Account | undefined;
  readonly #directory: string;

  private constructor(
    open: TestVault,
    directory: string,
    ca: { ca: TestCa; text: string },
    [app, provider]: readonly [TlsServer, TlsServer],
  ) {
    this.open = open;
    this.#directory = directory;
    this.ca = ca.ca;
    this.caText = ca.text;
    this.app = app;
    this.provider = provider;
    this.logged = [];
    this.services = {
      ...open.vaultContext,
      aws: unusedAws(),
      log: pino({ base: {} }, { write: (line: string) => void this.logged.push(line) }),
      version: '1',
      publicUrl: app.origin,
      tokenFacts: [],
      pruning: { keepAtLeastDays: 90, wake: () => undefined },
      sessions: { idleMinutes: 15, maxMinutes: 600 },
      verifyToken: async () => Promise.reject(new Error('not here')),
    };
    const koa = createAdminApp({
      services: this.services,
      routes: [...makeOidcRoutes(this.clients), ...sessionRoutes],
      limits: { signInsPerMinute: 10_000, requestsPerMinute: 10_000 },
      draining: () => false,
    }).callback();
    app.handler = (incoming, outgoing) => void koa(incoming, outgoing);
    provider.handler = openIdProvider(
      provider.origin,
      `${app.origin}/api/v1/oidc/callback`,
      () => this.account,
    );
  }

  static async create(): Promise<Stage> {
    const [open, directory] = await Promise.all([
      openVault(),
      mkdtemp(path.join(memoryDirectory(), 'holdfast-oidc-')),
    ]);
    const ca = await TestCa.create(directory);
    const text = await readFile(ca.certificate, 'utf8');
    const servers = [await listenTls(ca), await listenTls(ca)] as const;
    return new Stage(open, directory, { ca, text }, servers);
  }

  async dispose(): Promise<void> {
    await Promise.all([this.app.close(), this.provider.close()]);
    await this.open.dispose();
    await rm(this.#directory, { recursive: true, force: true });
  }

  get vaultId(): string {
    return this.open.vault.id;
  }

  /** A client of the provider as an administrator would set it up. */
  input(change: Partial<ProviderInput> = {}): ProviderInput {
    return {
      issuer: this.provider.origin,
      clientId: 'holdfast',
      clientSecret: new Secret(clientSecret),
      scopes: ['openid', 'email', 'profile'],
      usernameClaim: 'email',
      caCertificates: this.caText,
      ...change,
    };
  }

  async setUp(change: Partial<ProviderInput> = {}, vaultId = this.vaultId): Promise<void> {
    await putProvider(this.open.vaultContext, this.clients, this.open.act(), { vaultId }, this.input(change));
  }

  async addUser(fields: Partial<UserRow> = {}, vaultId = this.vaultId): Promise<UserRow> {
    const username = fields.username ?? `user-${randomUUID().slice(0, 8)}`;
    return this.open.store.write(byHand, async (trx) =>
      insertUser(trx, this.open.act(), {
        ...newUser(this.open.vaultContext, vaultId, {
          username,
          email: fields.email ?? `${username}@example.com`,
          role: vaultId === '' ? 'appliance-auditor' : 'auditor',
          signIn: 'oidc',
        }),
        ...fields,
      }),
    );
  }

  async fresh(user: Pick<UserRow, 'id'>): Promise<UserRow> {
    return this.open.store.db
      .selectFrom('users')
      .selectAll()
      .where('id', '=', user.id)
      .executeTakeFirstOrThrow();
  }

  /** Audit events of one action, the newest first. */
  async events(action: string) {
    return this.open.store.db
      .selectFrom('audit_events')
      .selectAll()
      .where('action', '=', action)
      .orderBy('sequence', 'desc')
      .execute();
  }

  browser(): Browser {
    return new Browser(this.caText);
  }

  /** A program that has a session of this user, and sends it in its header. */
  async as(user: UserRow): Promise<(method: string, path: string, more?: ProgramRequest) => Promise<Page>> {
    const { vaultContext, act } = this.open;
    const input = { method: 'password' as const, cookie: false, address: '192.0.2.7', userAgent: 'test' };
    const { token } = await vaultContext.store.write(byHand, async (trx) =>
      openSession(trx, { context: vaultContext, limits: this.services.sessions }, act(), user, input),
    );
    const browser = this.browser();
    return async (method, path, { body, ifMatch } = {}) =>
      browser.visit(`${this.app.origin}/api/v1${path}`, {
        method,
        body,
        headers: {
          Authorization: `Bearer ${token.reveal()}`,
          ...(ifMatch === undefined ? {} : { 'If-Match': ifMatch }),
        },
      });
  }

  /** An account of its own for the user, as the provider knows them. */
  accountOf(user: Pick<UserRow, 'username' | 'email'>, change: Partial<Account> = {}): Account {
    return {
      sub: `subject-of-${user.username}`,
      email: user.email,
      email_verified: true,
      preferred_username: user.username,
      ...change,
    };
  }
}

export async function listenTls(ca: TestCa, host = 'localhost'): Promise<TlsServer> {
  const { certificate, key } = await ca.issue('localhost');
  const [cert, keyText] = await Promise.all([readFile(certificate), readFile(key)]);
  const server = createServer({ cert, key: keyText }, (incoming, outgoing) =>
    made.handler(incoming, outgoing),
  );
  server.listen(0, host);
  await once(server, 'listening');
  const made: TlsServer = {
    origin: `https://${host}:${(server.address() as AddressInfo).port}`,
    server,
    handler: (_, outgoing) => void outgoing.writeHead(503).end(),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return made;
}

export interface ProgramRequest {
  body?: unknown;
  ifMatch?: string;
}

export interface Page {
  status: number;
  location: string | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- parsed JSON of unknown shape
  body: any;
  setCookies: string[];
  etag: string | undefined;
}

/** A browser: keeps cookies by origin and goes where it is sent. */
export class Browser {
  readonly #ca: string;
  readonly #jar = new Map<string, Map<string, string>>();

  constructor(ca: string) {
    this.#ca = ca;
  }

  cookies(origin: string): Map<string, string> {
    const known = this.#jar.get(origin) ?? new Map<string, string>();
    this.#jar.set(origin, known);
    return known;
  }

  async visit(
    address: string,
    {
      method = 'GET',
      body,
      headers = {},
    }: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Page> {
    const url = new URL(address);
    const jar = this.cookies(url.origin);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const outgoing = request(url, {
      method,
      ca: this.#ca,
      agent: false,
      headers: {
        ...(text === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(jar.size === 0 ? {} : { Cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }),
        ...headers,
      },
    });
    outgoing.end(text);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const setCookies = incoming.headers['set-cookie'] ?? [];
    for (const cookie of setCookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '' || /max-age=0/i.test(cookie)) jar.delete(name);
      else jar.set(name, value);
    }
    const received = Buffer.concat(chunks).toString('utf8');
    const { statusCode: status = 0, headers: answered } = incoming;
    const { location, etag } = answered;
    const isJson = /json/.test(answered['content-type'] ?? '');
    const read = isJson ? (JSON.parse(received) as unknown) : received;
    const [, path] = /^\/api\/v1(\/.*)/.exec(url.pathname) ?? [];
    if (path !== undefined)
      checkDocumented(method, path, {
        ...{ status, headers: answered, etag, text: received },
        body: isJson ? read : undefined,
      });
    return { status, location, body: read, setCookies, etag };
  }

  /** Follows redirects until one leads to where `isEnd` says, or nowhere. */
  async travel(address: string, isEnd: (url: URL) => boolean): Promise<{ url: URL; page: Page | undefined }> {
    let url = new URL(address);
    for (let hops = 0; hops < 12; hops++) {
      if (isEnd(url)) return { url, page: undefined };
      const page = await this.visit(url.href);
      if (page.location === undefined) return { url, page };
      url = new URL(page.location, url);
    }
    throw new Error('sent from one place to another without end');
  }
}

/** One sign-in from the side of a program (RFC 8252). */
export class SignIn {
  readonly verifier = randomBytes(32).toString('base64url');
  readonly returnTo: string;
  readonly #stage: Stage;
  readonly #base: string;

  constructor(stage: Stage, { returnTo = 'http://127.0.0.1:7777/callback', vaultId = stage.vaultId } = {}) {
    this.#stage = stage;
    this.returnTo = returnTo;
    this.#base = `${stage.app.origin}/api/v1${vaultId === '' ? '' : `/vaults/${vaultId}`}`;
  }

  get startAddress(): string {
    const url = new URL(`${this.#base}/oidc/start`);
    url.searchParams.set('returnTo', this.returnTo);
    url.searchParams.set('challenge', createHash('sha256').update(this.verifier).digest('base64url'));
    return url.href;
  }

  /** Goes to the provider and back to the callback, without opening it. */
  async toCallback(browser: Browser): Promise<URL> {
    const { url, page } = await browser.travel(
      this.startAddress,
      ({ pathname }) => pathname === '/api/v1/oidc/callback',
    );
    if (page !== undefined)
      throw new Error(`stopped at ${url.href}: ${page.status} ${JSON.stringify(page.body)}`);
    return url;
  }

  /** Opens the callback too: the address that the program is called back at. */
  async toReturn(browser: Browser, callback?: URL): Promise<URL> {
    const page = await browser.visit((callback ?? (await this.toCallback(browser))).href);
    if (page.location === undefined) throw new Error(`${page.status} ${JSON.stringify(page.body)}`);
    return new URL(page.location);
  }

  async finish(
    code: string | null,
    more: { verifier?: string; cookie?: boolean } = {},
    browser = this.#stage.browser(),
  ): Promise<Page> {
    return browser.visit(`${this.#stage.app.origin}/api/v1/oidc/sessions`, {
      method: 'POST',
      body: { code, verifier: this.verifier, ...more },
    });
  }

  /** The whole of it. */
  async run(): Promise<Page> {
    const back = await this.toReturn(this.#stage.browser());
    return this.finish(back.searchParams.get('code'));
  }
}
