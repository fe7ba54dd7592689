import { createHash, randomUUID } from 'node:crypto';
import Router from '@koa/router';
import Koa, { type Context } from 'koa';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { z } from 'zod';
import { checkAccess } from '../admin/access.ts';
import { Problem, toProblem, type FieldProblem } from '../admin/problem.ts';
import type { Answer, Call, Route } from '../admin/route.ts';
import { routeAddress, signInPath } from '../admin/addresses.ts';
import type { AdminServices } from '../admin/services.ts';
import type { Act } from '../audit/trail.ts';
import { recordAlone } from '../audit/trail.ts';
import type { Caller } from '../identity/caller.ts';
import { CsrfError, resolveCaller } from '../identity/callers.ts';
import { ClientGoneError, discardBody, readBody } from './body.ts';
import { strictTransportSecurity } from './malformed.ts';

export interface AdminAppOptions {
  services: AdminServices;
  routes: readonly Route[];
  limits: { signInsPerMinute: number; requestsPerMinute: number };
  /** True once SIGTERM has come. */
  draining: () => boolean;
}

/** Cookie of a browser's session; the prefix has browsers keep it to this host, over TLS, for all paths (RFC 6265bis). */
export const sessionCookie = '__Host-holdfast-session';

/** Bytes. The longest list of ARNs fits. */
const longestBody = 64 * 1024;
const safeMethods = new Set(['GET', 'HEAD']);

/** What is known of a request so far, for its log line. */
interface Facts {
  requestId: string;
  began: number;
  route?: Route;
  caller?: Caller | undefined;
}

/**
 * The management API as a Koa application. What a route asks for is data (`src/admin/`); what every request goes through
 * is here: limits, who it is, what they may, preconditions, the body, the act, the answer.
 */
export function createAdminApp(options: AdminAppOptions): Koa {
  const { services, limits } = options;
  const app = new Koa();
  app.silent = true;
  const router = new Router({ strict: true, sensitive: true });
  const requests = new RateLimiterMemory({ points: limits.requestsPerMinute, duration: 60 });
  const signIns = new RateLimiterMemory({ points: limits.signInsPerMinute, duration: 60 });

  router.get(['/', '/ping'], (ctx) => plain(ctx, 200, 'pong'));
  router.get('/ready', (ctx) => {
    const ready = !options.draining() && services.tokens.all.some((pool) => pool.usable);
    plain(ctx, ready ? 200 : 503, ready ? 'ready' : 'not ready');
  });
  router.get(`${signInPath}/:vaultId`, (ctx) =>
    plain(ctx, 200, `Sign in from a terminal:\n\n  holdfast login --vault ${services.publicUrl}${ctx.path}`),
  );
  for (const route of options.routes) {
    const address = routeAddress(route.path).replaceAll(/\{(\w+)\}/g, ':$1');
    router.register(address, [route.method], async (ctx: Context) => {
      const facts = factsOf(ctx);
      facts.route = route;
      await answer(ctx, route, facts);
    });
  }

  app.use(async (ctx) => {
    const facts: Facts = { requestId: randomUUID(), began: performance.now() };
    ctx.state['facts'] = facts;
    setHeaders(ctx, facts.requestId);
    let problem: Problem | undefined;
    try {
      if (options.draining() && ctx.req.httpVersionMajor === 1) ctx.set('Connection', 'close');
      await run(ctx);
    } catch (error) {
      if (error instanceof ClientGoneError) {
        ctx.respond = false;
        ctx.res.destroy();
        return;
      }
      problem =
        error instanceof CsrfError ? new Problem('csrf-token-required', error.message) : toProblem(error);
      await refuse(ctx, problem, facts);
    }
    logLine(ctx, facts, problem);
  });
  return app;

  async function run(ctx: Context): Promise<void> {
    // Koa's own parser throws at some targets that are no paths, and the router decodes what it matches.
    if (!isPlainPath(ctx.req.url ?? '')) throw unknownAddress();
    const { path, method } = ctx;
    const matched = router.match(path, method);
    if (!matched.route) {
      const allowed = new Set(matched.path.flatMap((layer) => layer.methods));
      if (allowed.size === 0) throw unknownAddress();
      ctx.set('Allow', [...allowed].join(', '));
      throw new Problem('method-not-allowed', 'this address is there, but not with this method');
    }
    await router.routes()(ctx as never, () => Promise.resolve());
  }

  async function answer(ctx: Context, route: Route, facts: Facts): Promise<void> {
    const address = ctx.req.socket.remoteAddress ?? '';
    const isSignIn = route.access.kind === 'public' && route.method !== 'GET';
    if (isSignIn) await spend(signIns, address);
    const caller = await identify(ctx, address);
    facts.caller = caller;
    await spend(requests, caller?.credentialId ?? address);
    const act = actOf(ctx, facts, address);
    const params = parse(route.params, ctx['params'] as unknown, 'path');
    try {
      checkAccess(route, caller, (ctx['params'] as Record<string, string>)['vaultId']);
    } catch (error) {
      await recordRefusal(route, caller, act, error);
      throw error;
    }
    const expected = route.changes === true ? readIfMatch(ctx) : undefined;
    const query = parse(route.query ?? z.strictObject({}), readQuery(ctx), 'query');
    const { value: body, bytes } = await readJson(ctx, route);
    const call: Call<unknown, unknown, unknown> = {
      services,
      caller,
      act,
      params,
      query,
      body,
      expected,
      client: {
        address,
        userAgent: ctx.get('User-Agent').slice(0, 300),
        cookie: (name) => ctx.cookies.get(name),
      },
    };
    if (route.creates === undefined) return respond(ctx, route, await route.handle(call));
    const key = readIdempotencyKey(ctx);
    if (key === undefined) return respond(ctx, route, await route.handle(call));
    const requestHash = createHash('sha256').update(`${ctx.method} ${ctx.url}\n`).update(bytes).digest();
    const made = await services.store.db
      .selectFrom('idempotency_keys')
      .select(['request_hash', 'target_id'])
      .where('actor_id', '=', act.actor.id)
      .where('key', '=', key)
      .executeTakeFirst();
    if (made === undefined)
      return respond(
        ctx,
        route,
        await route.handle({ ...call, act: { ...act, idempotency: { key, requestHash } } }),
      );
    if (!requestHash.equals(made.request_hash))
      throw new Problem(
        'idempotency-key-reused',
        'this Idempotency-Key was sent with another request within the last day',
        { wayOut: 'send a new key with a new request' },
      );
    ctx.set('Idempotency-Replayed', 'true');
    respond(ctx, route, await route.creates.again(call, made.target_id));
  }

  async function identify(ctx: Context, address: string): Promise<Caller | undefined> {
    const authorization = ctx.get('Authorization');
    const bearer = /^Bearer ([\w.~+/=-]{1,256})$/i.exec(authorization)?.[1];
    if (authorization !== '' && bearer === undefined)
      throw new Problem('unauthenticated', 'the Authorization header is not of the form: Bearer <token>');
    const cookie = ctx.cookies.get(sessionCookie);
    const csrfToken = ctx.get('X-CSRF-Token');
    const caller = await resolveCaller(services, services.sessions, {
      ...(bearer === undefined ? {} : { bearer }),
      ...(cookie === undefined ? {} : { cookie }),
      ...(csrfToken === '' ? {} : { csrfToken }),
      method: ctx.method,
      address,
    });
    if (caller === undefined && bearer !== undefined)
      throw new Problem('unauthenticated', 'the session or API key is not known, or has ended', {
        wayOut: 'sign in again: holdfast login',
      });
    if (caller?.byCookie === true && !safeMethods.has(ctx.method)) checkOrigin(ctx);
    return caller;
  }

  /** A browser tells where a request was begun; another site's is refused whatever it carries. */
  function checkOrigin(ctx: Context): void {
    const site = ctx.get('Sec-Fetch-Site');
    const origin = ctx.get('Origin');
    if ((site !== '' && site !== 'same-origin') || (origin !== '' && origin !== services.publicUrl))
      throw new Problem('csrf-token-required', 'the request was begun by another site');
  }

  async function recordRefusal(
    route: Route,
    caller: Caller | undefined,
    act: Act,
    error: unknown,
  ): Promise<void> {
    if (caller === undefined || !(error instanceof Problem) || error.kind !== 'forbidden') return;
    await recordAlone(services.store, act, {
      action: 'request.refuse',
      outcome: 'refused',
      vaultId: caller.vaultId,
      target: { kind: 'operation', id: '', name: route.operation },
    });
  }

  async function spend(limiter: RateLimiterMemory, key: string): Promise<void> {
    try {
      await limiter.consume(key);
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      const retryAfter = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
      throw new Problem('too-many-requests', 'more requests than are allowed in a minute', {
        retryAfter,
        wayOut: `wait ${retryAfter} s, then repeat`,
      });
    }
  }

  function logLine(ctx: Context, { requestId, began, route, caller }: Facts, problem?: Problem): void {
    const line = {
      requestId,
      operation: route?.operation,
      status: ctx.status,
      problem: problem?.kind,
      user: caller?.username,
      vault: caller === undefined || caller.vaultId === '' ? undefined : caller.vaultId,
      remote: ctx.req.socket?.remoteAddress,
      duration: Math.round((performance.now() - began) * 1000) / 1000,
    };
    if (problem === undefined) services.log.info(line, 'management request');
    else if (problem.status >= 500) {
      const { cause } = problem;
      const detail = cause instanceof Error ? { err: { type: cause.name, stack: cause.stack } } : {};
      services.log.error({ ...line, ...detail }, problem.message);
    } else services.log.warn(line, problem.message);
  }
}

function factsOf(ctx: Context): Facts {
  return ctx.state['facts'] as Facts;
}

function actOf(ctx: Context, { requestId, caller }: Facts, address: string): Act {
  return {
    actor:
      caller === undefined
        ? { kind: 'nobody', id: '', name: '' }
        : {
            kind: caller.kind,
            id: caller.kind === 'user' ? caller.userId : caller.credentialId,
            name: caller.username,
          },
    address,
    requestId,
    at: new Date(),
  };
}

function setHeaders(ctx: Context, requestId: string): void {
  ctx.set({
    'Strict-Transport-Security': strictTransportSecurity,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'X-Request-Id': requestId,
  });
}

/** Only what every router, proxy and log reads the same way. */
function isPlainPath(target: string): boolean {
  const path = target.split('?', 1)[0] ?? '';
  return /^\/[A-Za-z0-9._~/-]*$/.test(path) && !/\/(\/|\.{1,2}(\/|$))/.test(path);
}

function unknownAddress(): Problem {
  return new Problem('not-found', 'there is nothing at this address', {
    wayOut: 'see /api/v1/openapi.json for what there is',
  });
}

function readQuery(ctx: Context): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const parameters = new URLSearchParams(ctx.querystring);
  for (const [name, value] of parameters) {
    if (Object.hasOwn(found, name))
      throw new Problem('invalid', 'a query parameter is given twice', {
        fields: [{ where: 'query', detail: 'give each parameter once' }],
      });
    found[name] = value;
  }
  return found;
}

/** An absent If-Match is 428 (RFC 6585), any other tag than the record's 412; `*` is for who means it whatever it is. */
function readIfMatch(ctx: Context): number | undefined {
  const header = ctx.get('If-Match').trim();
  if (header === '')
    throw new Problem(
      'precondition-required',
      'a change needs If-Match with the ETag of what you have seen',
      {
        wayOut: 'GET it, then send its ETag as If-Match',
      },
    );
  if (header === '*') return undefined;
  const tag = /^"(\d{1,15})"$/.exec(header)?.[1];
  if (tag === undefined)
    throw new Problem('precondition-failed', 'the If-Match is no ETag of this record', {
      wayOut: 'GET it, then send its ETag as If-Match',
    });
  return Number(tag);
}

function readIdempotencyKey(ctx: Context): string | undefined {
  const key = ctx.get('Idempotency-Key');
  if (key === '') return undefined;
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new Problem('bad-request', 'an Idempotency-Key has 1 to 255 visible ASCII characters');
  return key;
}

async function readJson(ctx: Context, route: Route): Promise<{ value: unknown; bytes: Buffer }> {
  const bytes = await readBody(
    ctx.req,
    longestBody,
    () => new Problem('too-large', `the body is longer than ${longestBody} bytes`),
  );
  if (route.body === undefined) {
    if (bytes.length > 0) throw new Problem('bad-request', 'this request takes no body');
    return { value: undefined, bytes };
  }
  if (
    bytes.length > 0 &&
    !/^application\/json[ \t]*(;[ \t]*charset=utf-8[ \t]*)?$/i.test(ctx.get('Content-Type').trim())
  )
    throw new Problem('unsupported-media-type', 'the Content-Type must be application/json');
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new Problem('bad-request', 'the body is not JSON in UTF-8');
  }
  return { value: parse(route.body, value, 'body'), bytes };
}

/** Checks a part of the request. What is wrong is named by its place, never by its value. */
function parse<T>(schema: z.ZodType<T> | undefined, value: unknown, part: 'path' | 'query' | 'body'): T {
  if (schema === undefined) return undefined as T;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const fields = result.error.issues.slice(0, 20).flatMap((issue): FieldProblem[] => {
    const where = part === 'body' ? `/${issue.path.map(String).join('/')}` : issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys')
      return [{ where: where === '' ? part : where, detail: 'has a field that is not known here' }];
    return [{ where: where === '' ? part : where, detail: issue.message }];
  });
  // An id that is none is an address that leads nowhere.
  if (part === 'path') throw new Problem('not-found', 'there is no such thing');
  throw new Problem('invalid', `the ${part} has values that are not allowed`, { fields });
}

function respond(ctx: Context, route: Route, answer: Answer): void {
  for (const [name, cookie] of Object.entries(answer.cookies ?? {}))
    ctx.append('Set-Cookie', cookieText(name, cookie));
  if (answer.rowVersion !== undefined) ctx.set('ETag', `"${answer.rowVersion}"`);
  if (answer.location !== undefined) ctx.set('Location', routeAddress(answer.location));
  if (answer.redirect !== undefined) {
    ctx.status = 303;
    ctx.set('Location', answer.redirect);
    ctx.body = '';
    return;
  }
  if (answer.body === undefined) {
    ctx.status = answer.status ?? 204;
    ctx.body = null;
    return;
  }
  ctx.status = answer.status ?? (route.creates === undefined ? 200 : 201);
  ctx.set('Content-Type', 'application/json');
  ctx.body = JSON.stringify(answer.body);
}

function cookieText(name: string, cookie: { value: string; lax?: boolean; seconds?: number } | null): string {
  const common = 'Path=/; Secure; HttpOnly';
  if (cookie === null) return `${name}=; ${common}; SameSite=Strict; Max-Age=0`;
  const life = cookie.seconds === undefined ? '' : `; Max-Age=${cookie.seconds}`;
  return `${name}=${cookie.value}; ${common}; SameSite=${cookie.lax === true ? 'Lax' : 'Strict'}${life}`;
}

async function refuse(ctx: Context, problem: Problem, { requestId }: Facts): Promise<void> {
  if (!(await discardBody(ctx.req)) && ctx.req.httpVersionMajor === 1) ctx.set('Connection', 'close');
  ctx.status = problem.status;
  if (problem.status === 401) ctx.set('WWW-Authenticate', 'Bearer realm="holdfast"');
  if (problem.retryAfter !== undefined) ctx.set('Retry-After', String(problem.retryAfter));
  ctx.set('Content-Type', 'application/problem+json');
  ctx.body = JSON.stringify(problem.toBody(requestId));
}

function plain(ctx: Context, status: number, text: string): void {
  ctx.status = status;
  ctx.set('Content-Type', 'text/plain; charset=utf-8');
  ctx.body = `${text}\n`;
}
