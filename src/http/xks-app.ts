import Router from '@koa/router';
import Koa, { type Context } from 'koa';
import type { Logger } from '../log.ts';
import {
  parseAuthorization,
  SignatureError,
  verifySignature,
  type ReceivedRequest,
} from '../sigv4/verify.ts';
import { monotonicNow, wallClock } from '../clock.ts';
import type { LiveCredential, ServedKeySet } from '../serving/directory.ts';
import { Visit } from '../serving/visit.ts';
import { decrypt } from '../xks/decrypt.ts';
import { encrypt } from '../xks/encrypt.ts';
import { isByRecords, toXksError, XksError } from '../xks/errors.ts';
import { getHealthStatus } from '../xks/get-health-status.ts';
import { getKeyMetadata } from '../xks/get-key-metadata.ts';
import type { CallFacts, XksCall, XksServices } from '../xks/operation.ts';
import { shortTurn } from '../turn.ts';
import { arrivalOf } from './arrival.ts';
import { ClientGoneError, discardBody, isEncoded, passOverBody, readBody } from './body.ts';
import { echo, EchoBudget } from './echo.ts';
import { strictTransportSecurity, type RefusalForm } from './malformed.ts';
import { answeredPing, registerProbes } from './probes.ts';
import { round, type RequestLog } from './request-log.ts';
import { readRoute, splitUrl, type Route } from '../xks/uri.ts';

export interface XksAppOptions {
  services: XksServices;
  log: Logger;
  requests: RequestLog;
  /** When a request is answered at the latest, milliseconds after it came. */
  answerWithin: number;
  /** True once SIGTERM has come, and while the node is drained. */
  draining: () => boolean;
}

/**
 * A body that is waited for longer than this is late by the client's doing or the network's: the clock starts at its end
 * instead of its head, or slow clients would be told that the token is slow. What the request has waited for others before that is ours.
 */
const promptBody = 100;

/** A body that came with its head needs no second look at the store, milliseconds. */
const quickBody = 2;

/** What is not HTTP gets the spec's JSON too. */
export const xksRefusal: RefusalForm = (status, words) => ({
  contentType: 'application/json',
  body: new XksError(status === 501 ? 'UnsupportedOperationException' : 'ValidationException', words).body,
});

/** The XKS proxy as a Koa application: the life of a request, step by step. */
export function createXksApp(options: XksAppOptions): Koa {
  const app = new Koa();
  // Nothing that goes wrong is printed by Koa: it all goes through our log.
  app.silent = true;
  const echoes = new EchoBudget(monotonicNow);

  const router = new Router({ strict: true, sensitive: true });
  registerProbes(router, {
    leaving: options.draining,
    usable: () => options.services.tokens.all.some((pool) => pool.usable),
  });

  app.use(async (ctx, next) => {
    ctx.set('Strict-Transport-Security', strictTransportSecurity);
    ctx.set('Cache-Control', 'no-store');
    if (options.draining() && ctx.req.httpVersionMajor === 1) ctx.set('Connection', 'close');
    await next();
  });
  app.use(async (ctx, next) => {
    if (answeredPing(ctx)) return;
    const { path, query } = splitUrl(ctx.req.url ?? '/');
    const route = readRoute(path);
    if (route !== undefined) return answer(ctx, options, { route, path, query, answeredEcho });
    // Koa's own parser throws at some targets that are no paths.
    return path.startsWith('/') ? next() : unknownPath(ctx);
  });
  app.use(router.routes());
  app.use(unknownPath);
  return app;

  /**
   * For `holdfast doctor`, at each path that is not there: true where the caller has proven a credential and has been told
   * what arrived. Throws what {@link echo} throws.
   */
  async function answeredEcho(ctx: Context, path: string, query: string): Promise<boolean> {
    const { services, log } = options;
    const { directory, version } = services;
    const request: ReceivedRequest = { method: ctx.method, path, query, rawHeaders: headersOf(ctx) };
    const made = await echo(ctx, request, { directory, version, echoes, now: monotonicNow });
    if (made === undefined) return false;
    respond(ctx, 200, JSON.stringify(made.echo));
    const { keySet, accessKeyId } = made.credential;
    log.info({ keySet: keySet.name, accessKeyId, remote: made.echo.remote }, 'echo for holdfast doctor');
    return true;
  }

  async function unknownPath(ctx: Context): Promise<void> {
    try {
      const { path, query } = splitUrl(ctx.req.url ?? '/');
      if (await answeredEcho(ctx, path, query)) return;
      await refuseWith(
        ctx,
        new XksError('InvalidUriPathException', 'The URI path is not one of this XKS proxy.'),
      );
    } catch (cause) {
      if (cause instanceof ClientGoneError) hangUp(ctx);
      else await refuseWith(ctx, toXksError(cause));
    }
  }

  async function refuseWith(ctx: Context, error: XksError): Promise<void> {
    const { came } = arrivalOf(ctx.req);
    if (await respondError(ctx, error))
      options.requests.record(ctx, { ...nobody, came, operation: undefined, externalKeyId: '', error });
    else hangUp(ctx);
  }
}

/** What a log line says of a request that was not authenticated. */
const nobody = { keySet: undefined, accessKeyId: undefined, facts: {} };

interface Asked {
  route: Route;
  path: string;
  query: string;
  answeredEcho: (ctx: Context, path: string, query: string) => Promise<boolean>;
}

/** One XKS request: head, body, signature, operation, answer, log line. */
// oxlint-disable-next-line complexity -- what a request passes through, in its order
async function answer(
  ctx: Context,
  options: XksAppOptions,
  { route, path, query, answeredEcho }: Asked,
): Promise<void> {
  const { came, begun } = arrivalOf(ctx.req);
  let deadline = came + options.answerWithin;
  const facts: CallFacts = {};
  let keySet: ServedKeySet | undefined;
  let accessKeyId: string | undefined;
  let error: XksError | undefined;
  const { directory, holder } = options.services;
  const visit = new Visit(directory, holder);
  try {
    refuseIfLate(begun, deadline);
    if (ctx.method !== 'POST') throw wrongMethod(ctx);
    const request: ReceivedRequest = { method: ctx.method, path, query, rawHeaders: headersOf(ctx) };
    await visit.begin(deadline);
    if (!(await visit.find(async () => directory.hasPrefix(route.prefix, visit.deadline)))) {
      if (await answeredEcho(ctx, path, query)) return;
      throw new XksError('InvalidUriPathException', 'There is no key store at this URI path.');
    }
    const authorization = parseAuthorization(request, wallClock());
    // Before the body too: nothing is kept in memory for a caller who names no credential of this key set, who is
    // answered when and as all others are, so that nobody learns which access key ids there are.
    const find = async () => findCredential(directory, authorization, route, visit.deadline);
    if ((await visit.find(find)) === undefined) {
      await passOverBody(ctx.req);
      throw authenticationFailed();
    }
    const wanted = monotonicNow();
    const body = await readBody(ctx.req);
    const arrived = monotonicNow();
    if (arrived - wanted >= promptBody) deadline = arrived + options.answerWithin;

    await visit.arrive(arrived - begun > quickBody, deadline);
    const work = async (): Promise<object> => {
      const credential = await find();
      if (credential === undefined) throw authenticationFailed();
      const secret = await directory.secret(credential, visit.deadline);
      verifySignature(request, body, authorization, secret);
      ({ keySet, accessKeyId } = credential);
      const address = ctx.req.socket?.remoteAddress ?? '';
      options.services.uses.record('credential', accessKeyId, address);
      checkForm(ctx);
      const call = { keySet, address, body, deadline: visit.deadline, facts };
      // The first requests of a process may take long, each up to here.
      refuseIfLate(await shortTurn(), deadline);
      return run(options.services, route, call);
    };
    const result = await visit.run(work, { isRefusal, isRestricted: () => facts.restricted === true });
    respond(ctx, 200, JSON.stringify(result));
  } catch (cause) {
    error = cause instanceof SignatureError ? authenticationFailed(cause) : toXksError(cause);
    if (cause instanceof ClientGoneError || !(await respondError(ctx, error)))
      return clientGone(ctx, options.log, route);
  } finally {
    visit.end();
  }
  const { operation, externalKeyId } = route;
  options.requests.record(ctx, { came, operation, externalKeyId, keySet, accessKeyId, error, facts });
}

/** A credential opens its own key set only; without a prefix the access key id alone names the key set. */
async function findCredential(
  directory: XksServices['directory'],
  { accessKeyId }: { accessKeyId: string },
  { prefix }: Route,
  deadline: number,
): Promise<LiveCredential | undefined> {
  const credential = await directory.credential(accessKeyId, deadline);
  return credential?.keySet.pathPrefix === prefix ? credential : undefined;
}

/** False when the client is gone: then there is nobody to answer. */
async function respondError(ctx: Context, error: XksError): Promise<boolean> {
  try {
    if (!(await discardBody(ctx.req)) && ctx.req.httpVersionMajor === 1) ctx.set('Connection', 'close');
  } catch (gone) {
    if (!(gone instanceof ClientGoneError)) throw gone;
    return false;
  }
  respond(ctx, error.status, error.body);
  return true;
}

function hangUp(ctx: Context): void {
  ctx.respond = false;
  ctx.res.destroy();
}

function clientGone(ctx: Context, log: Logger, { operation }: Route): void {
  hangUp(ctx);
  log.info(
    { operation, duration: round(monotonicNow() - arrivalOf(ctx.req).came) },
    'the client closed the connection before its request was whole',
  );
}

async function run(services: XksServices, route: Route, call: XksCall): Promise<object> {
  switch (route.operation) {
    case 'GetHealthStatus':
      return getHealthStatus(services, call);
    case 'GetKeyMetadata':
      return getKeyMetadata(services, call, route.externalKeyId);
    case 'Encrypt':
      return encrypt(services, call, route.externalKeyId);
    case 'Decrypt':
      return decrypt(services, call, route.externalKeyId);
  }
}

/**
 * Where so much came at once that its turn is too late, AWS KMS has given up: the token is not asked, and the caller is to slow down, as where
 * too much waits for the token.
 */
function refuseIfLate(now: number, deadline: number): void {
  if (now >= deadline)
    throw new XksError('ThrottlingException', 'More requests came than could be answered in time.');
}

function wrongMethod(ctx: Context): XksError {
  ctx.set('Allow', 'POST');
  return new XksError('UnsupportedOperationException', 'The XKS proxy API takes POST requests only.', {
    status: 405,
  });
}

function authenticationFailed(cause?: unknown): XksError {
  return new XksError('AuthenticationFailedException', 'The request could not be authenticated.', { cause });
}

function isRefusal(cause: unknown): boolean {
  return cause instanceof SignatureError || isByRecords(cause);
}

function checkForm(ctx: Context): void {
  if (!isJson(ctx.get('Content-Type')))
    throw new XksError('ValidationException', 'The Content-Type must be application/json.');
  if (isEncoded(ctx.get('Content-Encoding')))
    throw new XksError('ValidationException', 'The body must not be compressed (Content-Encoding).');
}

function isJson(contentType: string): boolean {
  return /^application\/json[ \t]*(;|$)/i.test(contentType.trim());
}

/** Over HTTP/2 the authority is a pseudo-header; SigV4 signs it as `host` (XKS spec, Appendix A, Task 1). */
function headersOf(ctx: Context): readonly string[] {
  const { rawHeaders } = ctx.req;
  if (ctx.req.httpVersionMajor < 2) return rawHeaders;
  const authority = rawHeaders.indexOf(':authority');
  if (authority < 0) return rawHeaders;
  // A Host beside it says the same, or the request was refused.
  const others = rawHeaders.filter((_, index) => rawHeaders[index - (index % 2)] !== 'host');
  return ['host', rawHeaders[authority + 1] ?? '', ...others];
}

/** By Node itself: Koa would look at the body for what it is, and set what is set here. */
function respond(ctx: Context, status: number, body: string): void {
  ctx.respond = false;
  ctx.res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  ctx.res.end(body);
}
