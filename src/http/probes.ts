import type Router from '@koa/router';
import type { Context } from 'koa';

/*
 * What load balancers and monitors ask to see whether a node is there: GET mostly, HEAD (NetScaler, Kemp), OPTIONS
 * (HAProxy's `option httpchk` as it comes, with HTTP/1.0 and no Host). The same on both ports, for everybody, and nothing is
 * told but that.
 */

/** `ready` says whether requests should be sent here. */
export function registerProbes(router: Router, ready: () => boolean): void {
  router.get(['/', '/ping'], (ctx) => plain(ctx, 200, 'pong'));
  router.options(['/', '/ping'], (ctx) => empty(ctx, 204));
  router.get('/ready', (ctx) => (ready() ? plain(ctx, 200, 'ready') : plain(ctx, 503, 'not ready')));
  router.options('/ready', (ctx) => empty(ctx, ready() ? 204 : 503));
}

/** `OPTIONS *`, which asks whether anybody is there and has no path (RFC 9110, 9.3.7): true when it was answered. */
export function answeredPing(ctx: Context): boolean {
  if (ctx.method !== 'OPTIONS' || ctx.req.url !== '*') return false;
  empty(ctx, 204);
  return true;
}

function plain(ctx: Context, status: number, text: string): void {
  ctx.status = status;
  ctx.set('Content-Type', 'text/plain; charset=utf-8');
  ctx.body = `${text}\n`;
}

function empty(ctx: Context, status: number): void {
  ctx.status = status;
  ctx.body = null;
  // Without a body Koa says 204 of its own accord.
  ctx.status = status;
}
