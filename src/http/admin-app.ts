import { createHash, randomUUID } from 'node:crypto';
import Router from '@koa/router';
import Koa, { type Context } from 'koa';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { z } from 'zod';
import { checkAccess } from '../admin/access.ts';
import { authorityOf, namedIn } from '../admin/authority.ts';
import { Problem, toProblem, uncertainKinds, type ProblemKind } from '../admin/problem.ts';
import { reasonIn } from '../admin/reason.ts';
import { RefusedRequests } from '../admin/refused-requests.ts';
import type { Call, Route } from '../admin/route.ts';
import { referencePath, routeAddress } from '../admin/addresses.ts';
import { referencePage, referencePolicy } from '../admin/reference/page.ts';
import { servedOpenApi } from '../admin/routes.ts';
import type { AdminServices } from '../admin/services.ts';
import { monotonicNow } from '../clock.ts';
import { ownAuthority, type Act } from '../evidence/trail.ts';
import { InForce } from '../fleet/in-force.ts';
import type { Caller } from '../identity/caller.ts';
import { apiKeyIdOf, sessionCookie } from '../identity/bearer.ts';
import { resolveCaller } from '../identity/callers.ts';
import { laneOf } from '../fair-queue.ts';
import { CsrfError } from '../identity/identity-error.ts';
import type { Changed } from '../store/act-transaction.ts';
import type { Authority } from '../store/store.ts';
import { arrivalOf } from './arrival.ts';
import { assertInForce, countedInForce } from './in-force-answer.ts';
import { html, refuse, respond, setHeaders } from './admin-answer.ts';
import {
  isPlainPath,
  parse,
  readIdempotencyKey,
  readIfMatch,
  readJson,
  readQuery,
  unknownAddress,
} from './admin-request.ts';
import { ClientGoneError } from './body.ts';
import { CallerWithoutStore, type Resolved } from './caller-without-store.ts';
import { consoleAnswer } from './console.ts';
import { BuiltConsole } from './console-files.ts';
import type { RefusalForm } from './malformed.ts';
import { answeredPing, registerProbes } from './probes.ts';

export interface AdminAppOptions {
  services: AdminServices;
  routes: readonly Route[];
  limits: { signInsPerMinute: number; requestsPerMinute: number };
  /** True once SIGTERM has come. */
  draining: () => boolean;
  console?: BuiltConsole;
}

/** What is not HTTP gets a problem too. */
export const adminRefusal: RefusalForm = (status, words) => ({
  contentType: 'application/problem+json',
  body: JSON.stringify(new Problem(refusals[status] ?? 'bad-request', words).toBody(randomUUID())),
});

const refusals: Record<number, ProblemKind> = {
  408: 'request-timeout',
  417: 'expectation-failed',
  431: 'head-too-large',
  501: 'not-implemented',
};

const safeMethods = new Set(['GET', 'HEAD']);

/** What is known of a request so far, for its log line. */
interface Facts {
  requestId: string;
  /** The connection's other end. */
  address: string;
  /** When its head was read, by {@link monotonicNow}. */
  came: number;
  route?: Route;
  caller?: Caller | undefined;
  /** Who the caller is the store could not say, but had said before. */
  withoutStore?: boolean;
  params?: Record<string, string>;
  /** Filled in with the tables that the act has changed. */
  changed: Changed;
}

/**
 * The management API as a Koa application. What a route asks for is data (`src/admin/`); what every request goes through
 * is here: limits, who it is, what they may, preconditions, the body, the act, the answer.
 */
// oxlint-disable-next-line max-lines-per-function -- what a request passes through, in its order
export function createAdminApp(options: AdminAppOptions): Koa {
  const { services, limits, console: built = new BuiltConsole() } = options;
  const app = new Koa();
  app.silent = true;
  const router = new Router({ strict: true, sensitive: true });
  const requests = new RateLimiterMemory({ points: limits.requestsPerMinute, duration: 60 });
  const refusedRequests = new RefusedRequests(services);
  const inForce = countedInForce(InForce.of(services.store), (waited, confirmed) =>
    services.gathered?.metrics.management.waited(waited, confirmed),
  );
  const signIns = new RateLimiterMemory({ points: limits.signInsPerMinute, duration: 60 });
  const withoutStore = new CallerWithoutStore(services.now);

  registerProbes(router, {
    leaving: options.draining,
    usable: () => services.tokens.all.some((pool) => pool.usable),
  });
  let reference: Promise<string> | undefined;
  router.get(routeAddress(referencePath), async (ctx) => {
    await spend(requests, laneOf(factsOf(ctx).address));
    reference ??= servedOpenApi.document(services).then(referencePage);
    html(ctx, await reference, referencePolicy);
  });
  for (const route of options.routes) {
    const address = routeAddress(route.path).replaceAll(/\{(\w+)\}/g, ':$1');
    router.register(address, [route.method], async (ctx: Context) => {
      const facts = factsOf(ctx);
      facts.route = route;
      await answer(ctx, route, facts);
    });
  }

  app.use(async (ctx) => {
    const facts: Facts = {
      requestId: randomUUID(),
      address: ctx.req.socket.remoteAddress ?? '',
      came: arrivalOf(ctx.req).came,
      changed: new Set(),
    };
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
      problem = toProblem(error, facts.changed.size > 0);
      if (error instanceof CsrfError) facts.caller = error.caller;
      await recordRefusal(facts, problem);
      await refuse(ctx, problem, facts.requestId);
    } finally {
      if (facts.route !== undefined) withoutStore.saw(facts.route, facts.changed, problem);
    }
    count(ctx, facts, problem);
    // Load balancers ask every few seconds.
    if (facts.route !== undefined || problem !== undefined) logLine(ctx, facts, problem);
  });
  return app;

  function count(ctx: Context, { came, route }: Facts, problem: Problem | undefined): void {
    const management = services.gathered?.metrics.management;
    const took = monotonicNow() - came;
    management?.add(route?.operation, ctx.status, took, route?.signIn === true);
    const outcome = problem === undefined ? undefined : uncertainKinds[problem.kind];
    if (management !== undefined && outcome !== undefined) management.uncertain[outcome]++;
  }

  async function run(ctx: Context): Promise<void> {
    // Koa's own parser throws at some targets that are no paths, and the router decodes what it matches.
    if (answeredPing(ctx)) return;
    const lane = laneOf(factsOf(ctx).address);
    if (!isPlainPath(ctx.req.url ?? '')) {
      await spend(requests, lane);
      throw unknownAddress();
    }
    const serve = consoleAnswer(ctx, built, services.publicUrl);
    if (serve !== undefined) {
      await spend(requests, lane);
      return serve();
    }
    const { path, method } = ctx;
    const matched = router.match(path, method);
    // A fixed path is not the `{id}` beside it, whatever the method.
    const fewest = Math.min(...matched.path.map(({ paramNames }) => paramNames.length));
    const here = matched.path.filter(({ paramNames }) => paramNames.length === fewest);
    const allowed = new Set(here.flatMap((layer) => layer.methods));
    if (!matched.route || !allowed.has(method)) {
      await spend(requests, lane);
      if (allowed.size === 0) throw unknownAddress();
      ctx.set('Allow', [...allowed].join(', '));
      throw new Problem('method-not-allowed', 'this address does not support this method');
    }
    await router.routes()(ctx as never, () => Promise.resolve());
  }

  // oxlint-disable-next-line max-lines-per-function -- what a request passes through, in its order
  async function answer(ctx: Context, route: Route, facts: Facts): Promise<void> {
    const { address } = facts;
    facts.params = { ...(ctx['params'] as Record<string, string>) };
    const isPublic = route.access.kind === 'public';
    if (route.signIn === true) await spend(signIns, laneOf(address));
    const who = async () => {
      const resolved = isPublic ? nobody : await identify(ctx, route, address);
      return Object.assign(facts, resolved).caller;
    };
    let caller = await who();
    await spend(requests, caller?.credentialId ?? laneOf(address));
    const params = parse(route.params, ctx['params'] as unknown, 'path');
    const { vaultId } = ctx['params'] as { vaultId?: string };
    checkAccess(route, caller, vaultId);
    const expected = route.changes === true ? readIfMatch(ctx) : undefined;
    const query = parse(route.query ?? z.strictObject({}), readQuery(ctx), 'query');
    const { value: body, bytes } = await readJson(ctx, route);
    const named = namedIn(ctx['params'] as Record<string, string>, body);
    facts.params = named;
    if (bytes.length > 0) {
      // A body may take its time, and meanwhile the caller may have lost what they had.
      caller = await who();
      checkAccess(route, caller, vaultId);
    }
    const { changed } = facts;
    const reason = reasonIn(route, body);
    const act: Act = {
      ...actOf(facts, services.now, authorityOf(services, route, caller, named)),
      seen: expected,
      ...(reason === undefined ? {} : { reason }),
      changed,
      despiteLoss: route.despiteLoss === true || route.access.kind !== 'permission',
    };
    const call: Call<unknown, unknown, unknown> = {
      services,
      caller,
      act,
      params,
      query,
      body,
      expected,
      withoutStore: facts.withoutStore === true,
      client: {
        address,
        userAgent: ctx.get('User-Agent').slice(0, 300),
        accept: ctx.get('Accept'),
        cookie: (name) => ctx.cookies.get(name),
      },
    };
    if (route.creates === undefined) {
      const answered = await route.handle(call);
      await assertInForce(ctx, inForce, route, changed, answered);
      return respond(ctx, route, answered);
    }
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
        'this Idempotency-Key was used for a different request within the last day',
        { remediation: 'send a new key with each new request' },
      );
    // It may have been told that it is not certain yet: it is answered as done only where it is.
    await services.store.write(act, async () => undefined);
    ctx.set('Idempotency-Replayed', 'true');
    respond(ctx, route, await route.creates.again(call, made.target_id));
  }

  async function identify(ctx: Context, route: Route, address: string): Promise<Resolved> {
    const authorization = ctx.get('Authorization');
    const bearer = /^Bearer ([\w.~+/=-]{1,256})$/i.exec(authorization)?.[1];
    if (authorization !== '' && bearer === undefined)
      throw new Problem('unauthenticated', 'the Authorization header is not of the form: Bearer <token>');
    const cookie = ctx.cookies.get(sessionCookie);
    const csrfToken = ctx.get('X-CSRF-Token');
    const mayDoWithout =
      route.withoutStore === true && bearer !== undefined && apiKeyIdOf(bearer) !== undefined;
    const ask = async () =>
      resolveCaller(services, services.sessions, {
        ...(bearer === undefined ? {} : { bearer }),
        ...(cookie === undefined ? {} : { cookie }),
        ...(csrfToken === '' ? {} : { csrfToken }),
        method: ctx.method,
        address,
        hurried: mayDoWithout,
      });
    const resolved = mayDoWithout
      ? await withoutStore.resolve(route, bearer, ask)
      : { caller: await ask(), withoutStore: false };
    const { caller } = resolved;
    if (caller === undefined && bearer !== undefined) {
      await spend(requests, laneOf(address));
      throw new Problem('unauthenticated', 'the session or API key is unknown or has expired', {
        remediation: 'sign in again: holdfast login',
      });
    }
    if (caller?.byCookie === true && !safeMethods.has(ctx.method)) {
      factsOf(ctx).caller = caller;
      checkOrigin(ctx);
    }
    return resolved;
  }

  /** A browser tells where a request was begun; another site's is refused whatever it carries. */
  function checkOrigin(ctx: Context): void {
    const site = ctx.get('Sec-Fetch-Site');
    const origin = ctx.get('Origin');
    if ((site !== '' && site !== 'same-origin') || (origin !== '' && origin !== services.publicUrl))
      throw new Problem('csrf-token-required', 'the request was initiated by another site', {
        remediation: `open the console at ${services.publicUrl}`,
      });
  }

  async function recordRefusal(facts: Facts, problem: Problem): Promise<void> {
    const { route, caller, params = {} } = facts;
    if (caller === undefined || route === undefined) return;
    const act = { ...actOf(facts, services.now, ownAuthority), despiteLoss: true };
    await refusedRequests.record({ caller, route, params, act }, problem);
  }

  async function spend(limiter: RateLimiterMemory, key: string): Promise<void> {
    try {
      await limiter.consume(key);
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      const retryAfter = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
      throw new Problem('too-many-requests', 'more requests than allowed per minute', {
        retryAfter,
        remediation: `wait ${retryAfter} s, then try again`,
      });
    }
  }

  function logLine(
    ctx: Context,
    { requestId, address, came, route, caller, withoutStore: fromMemory }: Facts,
    problem?: Problem,
  ): void {
    const line = {
      requestId,
      operation: route?.operation,
      status: ctx.status,
      problem: problem?.kind,
      user: caller?.username,
      vault: caller === undefined || caller.vaultId === '' ? undefined : caller.vaultId,
      remote: address,
      withoutStore: fromMemory === true ? true : undefined,
      duration: Math.round((monotonicNow() - came) * 1000) / 1000,
    };
    if (problem === undefined) services.log.info(line, 'management request');
    else if (problem.status >= 500) {
      const { cause } = problem;
      const detail = cause instanceof Error ? { err: { type: cause.name, stack: cause.stack } } : {};
      services.log.error({ ...line, remediation: problem.remediation, ...detail }, problem.message);
    } else services.log.warn(line, problem.message);
  }
}

const nobody: Resolved = { caller: undefined, withoutStore: false };

function factsOf(ctx: Context): Facts {
  return ctx.state['facts'] as Facts;
}

function actOf({ requestId, caller, address }: Facts, now: () => Date, authority: Authority): Act {
  return {
    actor:
      caller === undefined
        ? { kind: 'nobody', id: '', name: '' }
        : {
            kind: caller.kind,
            id: caller.kind === 'user' ? caller.userId : caller.credentialId,
            name: caller.username,
            vaultId: caller.vaultId,
          },
    address,
    requestId,
    at: now(),
    now,
    authority,
  };
}
