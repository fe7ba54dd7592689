import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Secret } from '../../secret.ts';
import { ApiProblem, readProblem, toJson } from './api-problem.ts';
import { LostConnectionError, type Received, type Transport } from './api-transport.ts';
import { CliError } from '../output/cli-error.ts';
import { version } from './version.ts';

/** A record as the API shows it. */
export type Item = Record<string, unknown>;

/** Query parameters; undefined ones are left out. */
export type Query = Record<string, string | undefined>;

/** A page of a list. */
export interface Page {
  items: Item[];
  /** The cursor of the next one; null at the end. */
  next: string | null;
}

export interface Request {
  method: string;
  /** Under /api/v1. */
  path: string;
  query?: Query | undefined;
  body?: unknown;
  etag?: string | undefined;
  /** Sent again with the same key where the connection was lost. */
  idempotencyKey?: string;
}

interface Answer {
  body: unknown;
  etag: string | undefined;
}

const largestPage = 200;
/** Before a request is sent once more, milliseconds: how often, too. */
const pauses = [250, 1000];

/** The management API's own conventions over HTTPS: JSON, problems, ETags, Idempotency-Keys, pages. */
export class ApiClient {
  bearer: Secret | undefined;
  readonly #transport: Transport;
  readonly #timeout: number;

  /** `timeout` for one exchange, milliseconds. */
  constructor(transport: Transport, bearer: Secret | undefined, timeout: number) {
    this.#transport = transport;
    this.bearer = bearer;
    this.#timeout = timeout;
  }

  async get<T = Item>(path: string, query?: Query): Promise<T> {
    return (await this.#exchange({ method: 'GET', path, query })).body as T;
  }

  /** All pages, or the first `limit` items. */
  async list<T = Item>(path: string, query: Query = {}, limit = Infinity): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.page(path, query, cursor, limit - items.length);
      items.push(...(page.items as T[]));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined && items.length < limit);
    return items.slice(0, limit);
  }

  /** One page, for lists that are too long to be held: the first, or with `cursor` the one after that which gave it. */
  async page(path: string, query: Query, cursor: string | undefined, max = Infinity): Promise<Page> {
    return this.get(path, { ...query, limit: String(Math.min(largestPage, max)), cursor });
  }

  /** Makes something: a lost connection makes it once all the same. */
  async create<T = Item>(path: string, body?: unknown): Promise<T> {
    return this.send<T>({ method: 'POST', path, body, idempotencyKey: randomUUID() });
  }

  async send<T = Item>(request: Request): Promise<T> {
    return (await this.#exchange(request)).body as T;
  }

  /**
   * Changes a record that is there: reads it, then sends the change with its ETag, so that what somebody else changes
   * in between is not overwritten. `path` is the record's; `action` goes behind it (`/disable`).
   */
  async change<T = Item>(
    path: string,
    { method = 'PATCH', action = '', ...rest }: Partial<Request> & { action?: string },
  ): Promise<T> {
    return (await this.#change(path, { ...rest, method, action })).after as T;
  }

  /** The same, and tells whether anything is otherwise now: `changed` is false where all was so already. */
  async edit(
    path: string,
    body: object,
    { method = 'PATCH', action = '' }: { method?: 'PATCH' | 'POST'; action?: string } = {},
  ): Promise<{ after: Item; changed: boolean }> {
    const { after, changed } = await this.#change(path, { method, action, body });
    return { after: after as Item, changed };
  }

  async #change(
    path: string,
    { action, ...rest }: Omit<Request, 'path' | 'etag'> & { action: string },
  ): Promise<{ after: unknown; changed: boolean }> {
    const { etag } = await this.#exchange({ method: 'GET', path });
    const answer = await this.#exchange({ ...rest, path: `${path}${action}`, etag: etag ?? '*' });
    return { after: answer.body, changed: etag === undefined || answer.etag !== etag };
  }

  /** Sets what there is one of, whether it is there already or not. */
  async put<T = Item>(path: string, body: unknown): Promise<T> {
    let etag: string | undefined;
    try {
      ({ etag } = await this.#exchange({ method: 'GET', path }));
    } catch (error) {
      if (!isProblem(error, 'not-found')) throw error;
    }
    return this.send<T>({ method: 'PUT', path, body, etag: etag ?? '*' });
  }

  async #exchange(request: Request): Promise<Answer> {
    const received = await this.#received(request);
    if (received.status >= 300 || received.status < 200) throw readProblem(received, this.#transport.host);
    if (received.status === 204) return { body: undefined, etag: received.headers.etag };
    const body = toJson(received.text);
    if (body === undefined)
      throw new CliError(
        'unreachable',
        `${this.#transport.host} answers something that is not JSON`,
        'the endpoint: is it that of the management API?',
      );
    return { body, etag: received.headers.etag };
  }

  /** Sends; where nobody can be harmed by it, again after a lost connection. */
  async #received(request: Request): Promise<Received> {
    const repeatable = request.method === 'GET' || request.idempotencyKey !== undefined;
    const exchange = this.#exchangeOf(request);
    for (let attempt = 0; ; attempt++) {
      const wait = repeatable ? pauses[attempt] : undefined;
      try {
        const received = await this.#transport.send(exchange);
        // The first attempt may be under way still: its key answers with what it made once it is done.
        if (attempt === 0 || received.status !== 409 || wait === undefined) return received;
      } catch (error) {
        if (!(error instanceof LostConnectionError) || wait === undefined) throw error;
      }
      await pause(wait);
    }
  }

  #exchangeOf({ method, path, query = {}, body, etag, idempotencyKey }: Request) {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, value);
    const search = parameters.size === 0 ? '' : `?${parameters.toString()}`;
    return {
      method,
      path: `/api/v1${path}${search}`,
      headers: {
        Accept: 'application/json, application/problem+json',
        'User-Agent': `holdfast/${version}`,
        ...(this.bearer === undefined ? {} : { Authorization: `Bearer ${this.bearer.reveal()}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(etag === undefined ? {} : { 'If-Match': etag }),
        ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      timeout: this.#timeout,
    };
  }
}

/** Whether the API refused with this kind of problem. */
export function isProblem(error: unknown, ...kinds: string[]): error is ApiProblem {
  return error instanceof ApiProblem && kinds.includes(error.kind);
}
