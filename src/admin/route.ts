import type { z } from 'zod';
import type { Act } from '../evidence/trail.ts';
import type { Caller } from '../identity/caller.ts';
import type { Permission } from '../identity/permissions.ts';
import type { SeenVersion } from '../store/act-transaction.ts';
import type { Page } from '../vault/page.ts';
import type { ProblemKind } from './problem.ts';
import { withReason } from './reason.ts';
import type { AdminServices } from './services.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * Who may use a route: anyone; anyone who has signed in, with sessions of the given states (`own`: their own things);
 * or who has the permission, in the appliance or in the vault of the path.
 */
export type Access =
  | { kind: 'public' }
  | { kind: 'own'; states?: readonly Caller['state'][]; sessionsOnly?: boolean }
  | { kind: 'permission'; appliance?: Permission; vault?: Permission };

/** One request to a route, with everything about it parsed. */
export interface Call<P, Q, B> {
  services: AdminServices;
  /** Undefined on public routes only. */
  caller: Caller | undefined;
  act: Act;
  params: P;
  query: Q;
  body: B;
  /** Row version of If-Match; undefined for `*` and where the route asks for none. */
  expected: SeenVersion | undefined;
  /** What the sign-in needs to know of the request. */
  client: Client;
  /** The store cannot be asked now: nothing is told that comes from it. Only where the route says `withoutStore`. */
  withoutStore?: boolean;
}

export interface Client {
  address: string;
  userAgent: string;
  /** The media types that it takes, as it has written them. */
  accept: string;
  /** Named cookies of ours. */
  cookie: (name: string) => string | undefined;
}

/** What is answered beside the body. */
interface AnswerHead {
  /** 200 unless given; 201 on routes that create, 204 without a body. */
  status?: number;
  /** Goes into the ETag. */
  rowVersion?: number;
  /** Path of what was made, under /api/v1. */
  location?: string;
  /** Cookies of the host alone: Secure, HttpOnly, SameSite=Strict unless told otherwise, Path=/. Null deletes one. */
  cookies?: Record<string, { value: string; lax?: boolean; seconds?: number } | null>;
  /** Sends a browser on (303). */
  redirect?: string;
  /** In place of a body of JSON, on routes that answer text. */
  text?: { contentType: string; text: string };
}

/** What a handler answers, with the body that the schema of the answer describes; without a schema there is no body. */
export type Answer<A = undefined> = AnswerHead & (undefined extends A ? { body?: undefined } : { body: A });

/** An answer of any route. */
export type AnyAnswer = AnswerHead & { body?: unknown };

type KeysOf<U> = U extends unknown ? keyof U : never;
type FieldOf<U, K extends PropertyKey> = U extends unknown ? (K extends keyof U ? U[K] : never) : never;

/**
 * `Given` where it has no field that `Wanted` lacks, at any depth. A function's result may have more fields than its type
 * asks for, and the compiler says nothing: here each of those becomes a field that nothing fits.
 */
type Exactly<Given, Wanted> = unknown extends Wanted
  ? unknown
  : Given extends readonly (infer G)[]
    ? readonly Exactly<G, Wanted extends readonly (infer W)[] ? W : never>[]
    : Given extends object
      ? { [K in keyof Given]: K extends KeysOf<Wanted> ? Exactly<Given[K], FieldOf<Wanted, K>> : never }
      : unknown;

interface RouteData<P, Q, B> {
  /** Name of the operation in OpenAPI, such as `createCloudKey`. */
  operation: string;
  method: Method;
  /** Under /api/v1, with `{parameters}`. */
  path: string;
  /** Heading in the reference. */
  tag: string;
  /** One line, as an act: "Make a CloudKey". */
  summary: string;
  /** More, in Markdown. */
  description?: string;
  access: Access;
  /** Schemas are strict objects: what they do not name is refused. */
  params?: z.ZodType<P>;
  query?: z.ZodType<Q>;
  body?: z.ZodType<B>;
  /** Status of a good answer, for the reference; where none is told 201 with `creates`, 204 without `answer`, else 200. */
  status?: number;
  /** Problems that it may answer beside those that its data show, for the reference. */
  problems?: readonly ProblemKind[];
  /** Media types of an answer that is text and no JSON. */
  answersText?: readonly string[];
  /** Begins or completes a sign-in: an address may try so many in a minute. */
  signIn?: boolean;
  /** Answers a record with its ETag, where neither `changes` nor its path says so. */
  showsRecord?: boolean;
  /** Changes a record that has an ETag: If-Match is required. */
  changes?: boolean;
  /**
   * May take from AWS what it could use before: success is answered only once every node goes by it. An answer that waits may
   * become an error, so it is none with a secret that is shown once.
   */
  takesAway?: boolean;
  /**
   * Takes a `reason` in its body, which each event of the act keeps in the audit trail. Told only where it is otherwise than
   * {@link takesReason} has it; the field itself is no part of `body` here.
   */
  takesReason?: boolean;
  /**
   * Is done though the store has gone back in time and nobody has decided on what it has lost: it takes away, or decides. So is whatever needs
   * no permission, such as a sign-in; all else is refused meanwhile.
   */
  despiteLoss?: boolean;
  /**
   * Is answered while the store cannot be asked too, to an API key that it has confirmed a short while ago: what only looks, at what is
   * in memory.
   */
  withoutStore?: boolean;
}

/** A route as the table of routes holds it. */
export interface Route extends RouteData<unknown, unknown, unknown> {
  /** Schema of the body of a good answer; none for 204. */
  answer?: z.ZodType;
  /** Makes a record: takes an Idempotency-Key. `again` answers a repetition with what was made, without its secrets. */
  creates?: { again: (call: Call<unknown, unknown, unknown>, id: string) => Promise<AnyAnswer> };
  handle: (call: Call<unknown, unknown, unknown>) => Promise<AnyAnswer>;
}

/** A route as it is written: its handlers answer what its schema describes, no field more and none less. */
interface TypedRoute<P, Q, B, A, Handled, Repeated> extends RouteData<P, Q, B> {
  answer?: z.ZodType<A>;
  creates?: {
    again: (call: Call<P, Q, B>, id: string) => Promise<Repeated & Exactly<Repeated, Answer<NoInfer<A>>>>;
  };
  handle: (call: Call<P, Q, B>) => Promise<Handled & Exactly<Handled, Answer<NoInfer<A>>>>;
}

/**
 * Whatever takes away takes a reason, and whatever deletes what is not the caller's own. A change of fields says by them what it
 * does. What gives back says itself that it takes one.
 */
function takesReason({ access, method, takesAway, takesReason: told }: Route): boolean {
  if (told !== undefined) return told;
  return access.kind === 'permission' && (method === 'DELETE' || (takesAway === true && method !== 'PATCH'));
}

/** Holds the handlers to the schemas, then forgets their types; adds the reason where the route takes one. */
export function route<
  P = undefined,
  Q = undefined,
  B = undefined,
  A = undefined,
  Handled extends Answer<NoInfer<A>> = Answer<NoInfer<A>>,
  Repeated extends Answer<NoInfer<A>> = Answer<NoInfer<A>>,
>(definition: TypedRoute<P, Q, B, A, Handled, Repeated>): Route {
  const plain = definition as unknown as Route;
  return takesReason(plain) ? { ...plain, takesReason: true, body: withReason(plain.body) } : plain;
}

/** The caller of a route that is not public. */
export function callerOf({ caller }: { caller: Caller | undefined }): Caller {
  if (caller === undefined) throw new Error('a public route asked for its caller');
  return caller;
}

/** A page with its items as the API shows them. */
export function shownPage<T, S>(
  { items, next }: Page<T>,
  show: (item: T) => S,
): { body: { items: S[]; next: string | null } } {
  return { body: { items: items.map(show), next } };
}
