import type { Context } from 'koa';
import { routeAddress } from '../admin/addresses.ts';
import type { Problem } from '../admin/problem.ts';
import type { AnyAnswer, Route } from '../admin/route.ts';
import { discardBody } from './body.ts';
import { strictTransportSecurity } from './malformed.ts';

/* How the management API answers. */

export function setHeaders(ctx: Context, requestId: string): void {
  ctx.set({
    'Strict-Transport-Security': strictTransportSecurity,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'X-Request-Id': requestId,
  });
}

export function respond(ctx: Context, route: Route, answer: AnyAnswer): void {
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
  if (answer.text !== undefined) {
    ctx.status = answer.status ?? 200;
    ctx.set('Content-Type', answer.text.contentType);
    ctx.body = answer.text.text;
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

export async function refuse(ctx: Context, problem: Problem, requestId: string): Promise<void> {
  if (!(await discardBody(ctx.req)) && ctx.req.httpVersionMajor === 1) ctx.set('Connection', 'close');
  ctx.status = problem.status;
  if (problem.status === 401) ctx.set('WWW-Authenticate', 'Bearer realm="holdfast"');
  if (problem.retryAfter !== undefined) ctx.set('Retry-After', String(problem.retryAfter));
  ctx.set('Content-Type', 'application/problem+json');
  ctx.body = JSON.stringify(problem.toBody(requestId));
}

export function plain(ctx: Context, status: number, text: string): void {
  ctx.status = status;
  ctx.set('Content-Type', 'text/plain; charset=utf-8');
  ctx.body = `${text}\n`;
}

/** A page for a browser, with the policy that it needs in place of that which allows nothing. */
export function html(ctx: Context, page: string, policy: string): void {
  ctx.status = 200;
  ctx.set('Content-Type', 'text/html; charset=utf-8');
  ctx.set('Content-Security-Policy', policy);
  ctx.body = page;
}
