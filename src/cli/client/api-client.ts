import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type {
  ActOn,
  Address,
  AnswerOf,
  Behind,
  BodyOf,
  ItemOf,
  ListPath,
  Method,
  Path,
  PathWith,
  QueryOf,
} from './address.ts';
import { counted } from '../../counted.ts';
import type { Secret } from '../../secret.ts';
import { ApiProblem, readProblem, toJson } from './api-problem.ts';
import { LostConnectionError, type Received, type Transport } from './api-transport.ts';
import { CliError } from '../output/cli-error.ts';
import { version } from './version.ts';

/** A record as the API shows it, whichever. */
export type Item = Readonly<Record<string, unknown>>;

/** A page of a list. */
export interface Page<T> {
  items: T[];
  /** The cursor of the next one; null at the end. */
  next: string | null;
}

/** A record after something was done to it. */
export interface Changed<T> {
  after: T;
  /** Whether anything is otherwise now. */
  changed: boolean;
}

/** Query parameters; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Makes the argument one that must be there where the API asks for it, and none where it takes nothing. */
type Sent<T> = undefined extends T ? [nothing?: undefined] : Partial<T> extends T ? [body?: T] : [body: T];

/** What goes with a request, beside the body. */
interface More<P extends Path, M extends Method> {
  query?: QueryOf<P, M>;
  body?: BodyOf<P, M>;
  etag?: string;
  /** Sent again with the same key where the connection was lost. */
  idempotencyKey?: string;
}

interface Request {
  method: Method;
  /** Under /api/v1. */
  path: string;
  query?: Query | undefined;
  body?: unknown;
  etag?: string | undefined;
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
  /** Told on which nodes that serve from memory something is in force. */
  onInForce: (words: string) => void = () => undefined;
  readonly #transport: Transport;
  readonly #timeout: number;

  /** `timeout` for one exchange, milliseconds. */
  constructor(transport: Transport, bearer: Secret | undefined, timeout: number) {
    this.#transport = transport;
    this.bearer = bearer;
    this.#timeout = timeout;
  }

  async get<P extends PathWith<'GET'>>(
    { path }: Address<P>,
    query?: QueryOf<P, 'GET'>,
  ): Promise<AnswerOf<P, 'GET'>> {
    return (await this.#exchange({ method: 'GET', path, query })).body as AnswerOf<P, 'GET'>;
  }

  /** All pages, or the first `limit` items. */
  async list<P extends ListPath>(
    list: Address<P>,
    query?: QueryOf<P, 'GET'>,
    limit = Infinity,
  ): Promise<ItemOf<P>[]> {
    const items: ItemOf<P>[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.page(list, query, cursor, limit - items.length);
      items.push(...page.items);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined && items.length < limit);
    return items.slice(0, limit);
  }

  /** One page, for lists that are too long to be held: the first, or with `cursor` the one after that which gave it. */
  async page<P extends ListPath>(
    { path }: Address<P>,
    query: QueryOf<P, 'GET'> | undefined,
    cursor: string | undefined,
    max = Infinity,
  ): Promise<Page<ItemOf<P>>> {
    const asked = { ...query, limit: Math.min(largestPage, max), cursor };
    const { body } = await this.#exchange({ method: 'GET', path, query: asked });
    if (!isPage<ItemOf<P>>(body)) throw this.#stranger('that is no list of the management API');
    return body;
  }

  /** Makes something: a lost connection makes it once all the same. */
  async create<P extends PathWith<'POST'>>(
    address: Address<P>,
    ...[body]: Sent<BodyOf<P, 'POST'>>
  ): Promise<AnswerOf<P, 'POST'>> {
    return this.send('POST', address, { body: body as BodyOf<P, 'POST'>, idempotencyKey: randomUUID() });
  }

  /** Does something that is not about the version of a record. */
  async post<P extends PathWith<'POST'>>(
    address: Address<P>,
    ...[body]: Sent<BodyOf<P, 'POST'>>
  ): Promise<AnswerOf<P, 'POST'>> {
    return this.send('POST', address, { body: body as BodyOf<P, 'POST'> });
  }

  async send<M extends Method, P extends PathWith<M>>(
    method: M,
    { path }: Address<P>,
    { query, ...more }: More<P, M> = {},
  ): Promise<AnswerOf<P, M>> {
    return (await this.#exchange({ ...more, method, path, query })).body as AnswerOf<P, M>;
  }

  /** Changes fields of a record. `changed` is false where it had all of them already. */
  async edit<P extends PathWith<'GET'> & PathWith<'PATCH'>>(
    { path }: Address<P>,
    body: BodyOf<P, 'PATCH'>,
  ): Promise<Changed<AnswerOf<P, 'PATCH'>>> {
    return this.#change(path, { method: 'PATCH', path, body });
  }

  /** Does something to a record, such as `/disable`. `changed` is false where it was so already. */
  async act<P extends PathWith<'GET'>, A extends string>(
    { path }: Address<P>,
    action: A & ActOn<P>,
    ...[body]: Sent<BodyOf<Behind<P, A>, 'POST'>>
  ): Promise<Changed<AnswerOf<Behind<P, A>, 'POST'>>> {
    return this.#change(path, { method: 'POST', path: path + action, body });
  }

  /** As {@link ApiClient.act}, where something is made by it: a lost connection makes it once all the same. */
  async actOnce<P extends PathWith<'GET'>, A extends string>(
    { path }: Address<P>,
    action: A & ActOn<P>,
    ...[body]: Sent<BodyOf<Behind<P, A>, 'POST'>>
  ): Promise<AnswerOf<Behind<P, A>, 'POST'>> {
    const request = { method: 'POST', path: path + action, body, idempotencyKey: randomUUID() } as const;
    return (await this.#change<AnswerOf<Behind<P, A>, 'POST'>>(path, request)).after;
  }

  /** Takes a record away. */
  async remove<P extends PathWith<'GET'> & PathWith<'DELETE'>>(
    { path }: Address<P>,
    query?: QueryOf<P, 'DELETE'>,
    body?: BodyOf<P, 'DELETE'>,
  ): Promise<AnswerOf<P, 'DELETE'>> {
    return (await this.#change<AnswerOf<P, 'DELETE'>>(path, { method: 'DELETE', path, query, body })).after;
  }

  /** Sets what there is one of, whether it is there already or not. */
  async put<P extends PathWith<'GET'> & PathWith<'PUT'>>(
    { path }: Address<P>,
    body: BodyOf<P, 'PUT'>,
  ): Promise<AnswerOf<P, 'PUT'>> {
    let etag: string | undefined;
    try {
      ({ etag } = await this.#exchange({ method: 'GET', path }));
    } catch (error) {
      if (!isProblem(error, 'not-found')) throw error;
    }
    const answer = await this.#exchange({ method: 'PUT', path, body, etag: etag ?? '*' });
    return answer.body as AnswerOf<P, 'PUT'>;
  }

  /**
   * Changes a record that is there: reads it, then sends the change with its ETag, so that what somebody else changes
   * in between is not overwritten.
   */
  async #change<T>(record: string, request: Request): Promise<Changed<T>> {
    const { etag } = await this.#exchange({ method: 'GET', path: record });
    const answer = await this.#exchange({ ...request, etag: etag ?? '*' });
    return { after: answer.body as T, changed: etag === undefined || answer.etag !== etag };
  }

  async #exchange(request: Request): Promise<Answer> {
    const received = await this.#received(request);
    if (received.status >= 300 || received.status < 200) throw readProblem(received, this.#transport.host);
    const inForce = inForceWords(received.headers['holdfast-in-force']);
    if (inForce !== undefined) this.onInForce(inForce);
    const answersRecord = request.method === 'GET' || request.idempotencyKey !== undefined;
    if (received.status === 204 && !answersRecord) return { body: undefined, etag: received.headers.etag };
    const body = toJson(received.text);
    if (body === undefined) throw this.#stranger('that is not JSON');
    if (!isRecord(body)) throw this.#stranger('that is no record of the management API');
    return { body, etag: received.headers.etag };
  }

  /** What answers is not the management API: a middlebox, or a server of something else. */
  #stranger(what: string): CliError {
    return new CliError(
      'unreachable',
      `${this.#transport.host} answers something ${what}`,
      'the endpoint: is it that of the management API?',
    );
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
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) parameters.set(name, String(value));
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

/** Undefined where no node serves from memory: then it was in force at once. */
function inForceWords(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  const told = /^nodes=(\d+), confirmed=(\d+), ended=(\d+), milliseconds=(\d+)$/.exec(header);
  const [nodes = 0, confirmed = 0, ended = 0, milliseconds = 0] = (told ?? []).slice(1).map(Number);
  if (nodes === 0) return undefined;
  const others = ended === 0 ? '' : `; ${ended} did not answer, and serves nothing from memory`;
  return `in force on ${confirmed} of ${counted(nodes, 'node')} after ${(milliseconds / 1000).toFixed(2)} s${others}`;
}

/** Whether the API refused with this kind of problem. */
export function isProblem(error: unknown, ...kinds: string[]): error is ApiProblem {
  return error instanceof ApiProblem && kinds.includes(error.kind);
}

/** An object with something in it, as every answer of the API with a body is. */
function isRecord(body: unknown): boolean {
  return typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length > 0;
}

function isPage<T>(body: unknown): body is Page<T> {
  const { items, next } = body as Partial<Record<keyof Page<T>, unknown>>;
  return Array.isArray(items) && items.every(isRecord) && (next === null || typeof next === 'string');
}
