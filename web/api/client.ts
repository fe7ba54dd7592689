import type { AnswerOf, BodyOf, ParamsOf, QueryOf } from './operation-types.ts';
import { operations, type OperationName } from './operations.ts';
import { readInForce, type InForce } from './in-force.ts';
import { readProblem, unreachable } from './problem.ts';

/*
 * The management API, by the names of its operations. A browser has its session in a cookie that no script reads; what
 * changes something shows the session's CSRF token, which is in the memory of the page alone.
 */

type Part<Name extends string, T> = [T] extends [undefined]
  ? { [N in Name]?: undefined }
  : { [N in Name]: T };

/** A body of which all may be left out, as there is where a reason may be told, may be left out itself. */
type Sent<T> = 'reason' extends keyof T
  ? Partial<T> extends T
    ? { body?: T | undefined }
    : Part<'body', T>
  : Part<'body', T>;

/** What an operation is given. */
export type Input<O extends OperationName> = Part<'params', ParamsOf<O>> &
  Partial<Part<'query', QueryOf<O>>> &
  Sent<BodyOf<O>> & {
    /** ETag of what was seen, for what changes it. */
    ifMatch?: string;
    /** For what makes something: a repetition with the same key does not make it twice. */
    idempotencyKey?: string;
    signal?: AbortSignal;
  };

export interface Answered<T> {
  body: T;
  /** Of the record, to be sent back with a change of it. */
  etag: string | undefined;
  /** Of what takes something away: where it is in force already. */
  inForce?: InForce;
}

/** Milliseconds. Making a key may wait for a slow token. */
const timeout = 60_000;

let csrfToken: string | undefined;

export function setCsrfToken(token: string | undefined): void {
  csrfToken = token;
}

/** When the node last answered, and did not refuse, milliseconds of the epoch: whoever has a session is idle since then at the latest. */
let lastAnswer = Date.now();

export function lastAnswered(): number {
  return lastAnswer;
}

/** One exchange. Throws ProblemError. */
export async function call<O extends OperationName>(
  operation: O,
  input: Input<O>,
): Promise<Answered<AnswerOf<O>>> {
  const { method, path } = operations[operation];
  const { params, query, body, ifMatch, idempotencyKey, signal } = input as Loose;
  const headers = new Headers({ Accept: 'application/json' });
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  if (method !== 'GET' && csrfToken !== undefined) headers.set('X-CSRF-Token', csrfToken);
  if (ifMatch !== undefined) headers.set('If-Match', ifMatch);
  if (idempotencyKey !== undefined) headers.set('Idempotency-Key', idempotencyKey);
  const ends = AbortSignal.timeout(timeout);
  let response: Response;
  try {
    response = await fetch(addressOf(path, params, query), {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: 'same-origin',
      redirect: 'error',
      cache: 'no-store',
      signal: signal === undefined ? ends : AbortSignal.any([signal, ends]),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw unreachable(error, method !== 'GET');
  }
  if (!response.ok) throw await readProblem(response);
  lastAnswer = Date.now();
  const etag = response.headers.get('ETag') ?? undefined;
  const text = await response.text().catch((error: unknown) => {
    throw unreachable(error, method !== 'GET');
  });
  const inForce = readInForce(response.headers.get('Holdfast-In-Force'));
  return {
    body: (text === '' ? undefined : JSON.parse(text)) as AnswerOf<O>,
    etag,
    ...(inForce === undefined ? {} : { inForce }),
  };
}

/** An operation's input, whichever it is. */
interface Loose {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  ifMatch?: string;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/** Path and query under the origin. */
export function addressOf(
  path: string,
  params: Record<string, string> = {},
  query: Record<string, unknown> = {},
): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `/api/v1${filled}${search === '' ? '' : `?${search}`}`;
}
