import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { checkDocumented } from '../admin/documented-answers.ts';
import type { AdminAnswer } from './admin-answer.ts';
import type { AdminAccess } from '../../testing/test-node.ts';

export interface AdminRequest {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, in place of `body`. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
  ifMatch?: string;
  idempotencyKey?: string;
}

export interface SignIn {
  username: string;
  password: string;
  /** A vault's user; without it one of the appliance. */
  vaultId?: string;
}

/** Milliseconds without a request after which a connection is not trusted to be still open. */
const restedAfter = 2000;

/** Calls the management API over TLS with the CA checked, as a program does. Rejects where an answer is none that OpenAPI describes. */
export class AdminClient {
  readonly access: AdminAccess;
  readonly #agent: Agent;
  #lastSent = -Infinity;
  /** Session token or API key; none sends no Authorization. */
  token: string | undefined;

  constructor(access: AdminAccess, token?: string) {
    this.access = access;
    this.token = token;
    this.#agent = new Agent({ ca: readFileSync(access.ca), keepAlive: true });
  }

  /** The same node with other credentials. */
  as(token: string | undefined): AdminClient {
    return new AdminClient(this.access, token);
  }

  /** `path` under /api/v1, or from the root with `//` before it. */
  async request(method: string, path: string, options: AdminRequest = {}): Promise<AdminAnswer> {
    const bytes =
      options.raw ?? (options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body)));
    const headers = {
      ...(bytes === undefined
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(bytes)) }),
      ...(this.token === undefined ? {} : { Authorization: `Bearer ${this.token}` }),
      ...(options.ifMatch === undefined ? {} : { 'If-Match': options.ifMatch }),
      ...(options.idempotencyKey === undefined ? {} : { 'Idempotency-Key': options.idempotencyKey }),
      ...options.headers,
    };
    // A node closes what was idle for some seconds, perhaps just as it is used again: no act is sent over such a connection.
    const rested = performance.now() - this.#lastSent > restedAfter;
    this.#lastSent = performance.now();
    return new Promise((resolve, reject) => {
      const request = httpsRequest(
        {
          ...(rested && method !== 'GET'
            ? { agent: false, ca: this.#agent.options.ca }
            : { agent: this.#agent }),
          host: 'localhost',
          port: this.access.port,
          method,
          path: path.startsWith('//') ? path.slice(1) : `/api/v1${path}`,
          headers,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const isJson = (response.headers['content-type'] ?? '').includes('json');
            const answer = {
              status: response.statusCode ?? 0,
              headers: response.headers,
              etag: response.headers.etag,
              body: isJson ? (JSON.parse(text) as unknown) : undefined,
              text,
            };
            try {
              checkDocumented(method, path, answer);
              resolve(answer);
            } catch (error) {
              reject(error);
            }
          });
        },
      );
      // The node may close an idle connection at the very moment at which it is used again (nodejs.org, reusedSocket).
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (request.reusedSocket && error.code === 'ECONNRESET' && method === 'GET')
          resolve(this.request(method, path, options));
        else reject(error);
      });
      request.end(bytes);
    });
  }

  async get(path: string, options?: AdminRequest): Promise<AdminAnswer> {
    return this.request('GET', path, options);
  }

  async post(path: string, body?: unknown, options: AdminRequest = {}): Promise<AdminAnswer> {
    return this.request('POST', path, { ...options, body });
  }

  /** Reads the record at `path` first and sends its ETag along: what a person who has just looked at it does. */
  async change(method: string, path: string, body?: unknown, record = path): Promise<AdminAnswer> {
    const { etag } = await this.get(record);
    return this.request(method, path, { body, ...(etag === undefined ? {} : { ifMatch: etag }) });
  }

  /** A client with a session of its own; its state may be other than ACTIVE. Throws when the sign-in is refused. */
  async signIn({ username, password, vaultId }: SignIn): Promise<AdminClient> {
    const path = vaultId === undefined ? '/sessions' : `/vaults/${vaultId}/sessions`;
    const { status, body, text } = await this.as(undefined).post(path, { username, password });
    if (status !== 201) throw new Error(`sign-in of ${username}: ${status} ${text}`);
    return this.as((body as { token: string }).token);
  }

  /** Signs in with a first password and changes it. */
  async firstSignIn(signIn: SignIn, newPassword: string): Promise<AdminClient> {
    const client = await this.signIn(signIn);
    const { status, body, text } = await client.post('/session/password', {
      currentPassword: signIn.password,
      newPassword,
    });
    if (status !== 200) throw new Error(`password of ${signIn.username}: ${status} ${text}`);
    return this.as((body as { token?: string }).token ?? client.token);
  }

  close(): void {
    this.#agent.destroy();
  }
}
