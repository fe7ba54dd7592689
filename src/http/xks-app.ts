import Router from '@koa/router';
import Koa, { type Context } from 'koa';
import type { Logger } from '../log.ts';
import {
  parseAuthorization,
  SignatureError,
  verifySignature,
  type ReceivedRequest,
} from '../sigv4/verify.ts';
import { TokenError } from '../token/faults.ts';
import { monotonicNow } from '../token/frames.ts';
import type { KeySet } from '../vault/key-sets.ts';
import { decrypt } from '../xks/decrypt.ts';
import { encrypt } from '../xks/encrypt.ts';
import { toXksError, XksError } from '../xks/errors.ts';
import { getHealthStatus } from '../xks/get-health-status.ts';
import { getKeyMetadata } from '../xks/get-key-metadata.ts';
import type { CallFacts, XksCall, XksServices } from '../xks/operation.ts';
import { ClientGoneError, readBody } from './body.ts';

export interface XksAppOptions {
  services: XksServices;
  log: Logger;
  /** When a request is answered at the latest, milliseconds after it came. */
  answerWithin: number;
  /** True once SIGTERM has come. */
  draining: () => boolean;
}

type Operation = 'GetHealthStatus' | 'GetKeyMetadata' | 'Encrypt' | 'Decrypt';

interface Route {
  prefix: string;
  operation: Operation;
  externalKeyId: string;
}

/** `[/prefix]/kms/xks/v1/health` and `[/prefix]/kms/xks/v1/keys/<externalKeyId>/{metadata,encrypt,decrypt}`. */
const xksUri = /^(?:\/(.+?))?\/kms\/xks\/v1\/(?:(health)|keys\/([^/]+)\/(metadata|encrypt|decrypt))$/;
/** XKS spec, API operations: the total URI length MUST NOT exceed 256 characters. */
const longestPath = 256;

const operations: Record<string, Operation> = {
  health: 'GetHealthStatus',
  metadata: 'GetKeyMetadata',
  encrypt: 'Encrypt',
  decrypt: 'Decrypt',
};

/**
 * A body that takes longer than this to arrive is the client's doing or the network's: the clock starts at its end
 * instead of its head, or slow clients would be told that the token is slow.
 */
const promptBody = 100;

/** The XKS proxy as a Koa application: the life of a request, step by step. */
export function createXksApp(options: XksAppOptions): Koa {
  const app = new Koa();
  // Nothing that goes wrong is printed by Koa: it all goes through our log.
  app.silent = true;

  const router = new Router();
  router.get(['/', '/ping'], (ctx) => plain(ctx, 200, 'pong'));
  router.get('/ready', (ctx) => {
    const ready = !options.draining() && options.services.tokens.all.some((pool) => pool.usable);
    plain(ctx, ready ? 200 : 503, ready ? 'ready' : 'not ready');
  });

  app.use(async (ctx, next) => {
    ctx.set('Strict-Transport-Security', 'max-age=63072000; includeSubDomains');
    ctx.set('Cache-Control', 'no-store');
    if (options.draining() && ctx.req.httpVersionMajor === 1) ctx.set('Connection', 'close');
    await next();
  });
  app.use(async (ctx, next) => {
    const { path, query } = splitUrl(ctx.req.url ?? '/');
    const route = path.length > longestPath ? undefined : readRoute(path);
    if (route === undefined) return next();
    await answer(ctx, options, route, path, query);
  });
  app.use(router.routes());
  app.use((ctx) => {
    const began = monotonicNow();
    const error = new XksError('InvalidUriPathException', 'The URI path is not one of this XKS proxy.');
    respond(ctx, error.status, error.body);
    logRequest(options.log, ctx, { began, operation: undefined, error, facts: {} });
  });
  return app;
}

/** Reads the route out of the path as sent: nothing is decoded or normalised, since the signature covers it so. */
export function readRoute(path: string): Route | undefined {
  const match = xksUri.exec(path);
  if (match === null) return undefined;
  const [, prefix = '', health, externalKeyId = '', indicator = health ?? ''] = match;
  const operation = operations[indicator];
  return operation === undefined ? undefined : { prefix, operation, externalKeyId };
}

/** One XKS request: head, body, signature, operation, answer, log line. */
async function answer(
  ctx: Context,
  options: XksAppOptions,
  route: Route,
  path: string,
  query: string,
): Promise<void> {
  const began = monotonicNow();
  const facts: CallFacts = {};
  let keySet: KeySet | undefined;
  let error: XksError | undefined;
  try {
    if (ctx.method !== 'POST') throw wrongMethod(ctx);
    const request: ReceivedRequest = { method: ctx.method, path, query, rawHeaders: headersOf(ctx) };
    const { directory } = options.services;
    await directory.refresh();
    if (!(await directory.hasPrefix(route.prefix)))
      throw new XksError('InvalidUriPathException', 'There is no key store at this URI path.');
    const authorization = parseAuthorization(request, new Date());
    const body = await readBody(ctx.req);
    const arrived = monotonicNow();
    const deadline = (arrived - began < promptBody ? began : arrived) + options.answerWithin;

    // Again: the body may have taken its time, and what was acknowledged meanwhile counts.
    await directory.refresh();
    const credential = await directory.credential(authorization.accessKeyId);
    // A credential opens its own key set only; without a prefix the access key id alone names the key set.
    if (credential === undefined || credential.keySet.path_prefix !== route.prefix)
      throw authenticationFailed();
    const secret = await directory.secret(credential, deadline);
    await verifySignature(request, body, authorization, secret.reveal());
    ({ keySet } = credential);
    if (!isJson(ctx.get('Content-Type')))
      throw new XksError('ValidationException', 'The Content-Type must be application/json.');
    const result = await run(options.services, route, { keySet, body, deadline, facts });
    respond(ctx, 200, JSON.stringify(result));
  } catch (cause) {
    if (cause instanceof ClientGoneError) {
      ctx.respond = false;
      ctx.res.destroy();
      options.log.info({ operation: route.operation, duration: monotonicNow() - began }, cause.message);
      return;
    }
    error = cause instanceof SignatureError ? authenticationFailed(cause) : toXksError(cause);
    respond(ctx, error.status, error.body);
    // What is left of an unread body must not be taken for the next request.
    if (!ctx.req.complete && ctx.req.httpVersionMajor === 1) ctx.set('Connection', 'close');
  }
  logRequest(options.log, ctx, { began, operation: route.operation, route, keySet, error, facts });
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

function wrongMethod(ctx: Context): XksError {
  ctx.set('Allow', 'POST');
  return new XksError('UnsupportedOperationException', 'The XKS proxy API takes POST requests only.', {
    status: 405,
  });
}

function authenticationFailed(cause?: unknown): XksError {
  return new XksError('AuthenticationFailedException', 'The request could not be authenticated.', { cause });
}

function isJson(contentType: string): boolean {
  return /^application\/json[ \t]*(;|$)/i.test(contentType.trim());
}

function splitUrl(url: string): { path: string; query: string } {
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/** Over HTTP/2 the authority is a pseudo-header; SigV4 signs it as `host` (XKS spec, Appendix A, Task 1). */
function headersOf(ctx: Context): readonly string[] {
  const { rawHeaders } = ctx.req;
  if (ctx.req.httpVersionMajor < 2) return rawHeaders;
  const authority = rawHeaders.indexOf(':authority');
  return authority < 0 ? rawHeaders : ['host', rawHeaders[authority + 1] ?? '', ...rawHeaders];
}

function respond(ctx: Context, status: number, body: string): void {
  ctx.status = status;
  ctx.set('Content-Type', 'application/json');
  ctx.body = body;
}

function plain(ctx: Context, status: number, text: string): void {
  ctx.status = status;
  ctx.set('Content-Type', 'text/plain');
  ctx.body = `${text}\n`;
}

interface RequestRecord {
  began: number;
  operation: Operation | undefined;
  route?: Route;
  keySet?: KeySet | undefined;
  error: XksError | undefined;
  facts: CallFacts;
}

/** One line per request (XKS spec, Logging): who, what, which key, how it ended and where the time went. */
function logRequest(
  log: Logger,
  ctx: Context,
  { began, operation, route, keySet, error, facts }: RequestRecord,
): void {
  const duration = monotonicNow() - began;
  const { metadata, times } = facts;
  const cause = error?.cause;
  const line = {
    operation,
    status: ctx.status,
    errorName: error?.errorName,
    reason: cause instanceof SignatureError ? cause.reason : undefined,
    fault: cause instanceof TokenError ? cause.fault : undefined,
    call: cause instanceof TokenError ? cause.call : undefined,
    rv: cause instanceof TokenError ? cause.rv : undefined,
    keySet: keySet?.name,
    externalKeyId:
      route !== undefined && keySet !== undefined && route.externalKeyId !== ''
        ? short(route.externalKeyId)
        : undefined,
    keyVersion: facts.keyVersion,
    kmsRequestId: short(metadata?.kmsRequestId),
    kmsOperation: short(metadata?.kmsOperation),
    kmsKeyArn: short(metadata?.kmsKeyArn),
    principal: short(metadata?.awsPrincipalArn),
    viaService: short(metadata?.kmsViaService),
    sourceVpc: short(metadata?.awsSourceVpc),
    sourceVpce: short(metadata?.awsSourceVpce),
    remote: ctx.req.socket.remoteAddress,
    token: keySet?.token,
    tokenHost: times?.host,
    duration: round(duration),
    queueTime: times === undefined ? undefined : round(times.queue),
    tokenTime: times === undefined ? undefined : round(times.token),
  };
  if (error === undefined) log.info(line, 'request');
  else if (error.status >= 500) {
    const detail =
      cause instanceof Error && !(cause instanceof TokenError)
        ? { err: { type: cause.name, stack: cause.stack } }
        : {};
    log.error({ ...line, ...detail }, error.message);
  } else log.warn(line, error.message);
}

/** ARNs have up to 2048 characters; what is longer is no ARN and does not fill the log. */
function short(text: string | undefined): string | undefined {
  return text === undefined || text.length <= 2048 ? text : `${text.slice(0, 2048)}…`;
}

/** Milliseconds with microseconds. */
function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
