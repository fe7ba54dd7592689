import type Router from '@koa/router';
import type { Context } from 'koa';

/*
 * What load balancers and monitors ask to see whether a node is there: GET mostly, HEAD (NetScaler, Kemp), OPTIONS
 * (HAProxy's `option httpchk` as it comes, with HTTP/1.0 and no Host). The same on both ports, for everybody, and nothing is
 * told but that.
 */

export interface ProbeAnswers {
  /** Requests are to go elsewhere: the node ends, or is drained. */
  leaving: () => boolean;
  /** Some token can be used. */
  usable: () => boolean;
}

/**
 * `/` is what a target group asks that was left as it comes, KeyControl's among them: it hears of a drain as `/ready` does, and like
 * `/ping` nothing of tokens.
 */
export function registerProbes(router: Router, { leaving, usable }: ProbeAnswers): void {
  for (const [path, word, isWell] of [
    ['/', 'pong', () => !leaving()],
    ['/ping', 'pong', () => true],
    ['/ready', 'ready', () => !leaving() && usable()],
  ] as const) {
    router.get(path, (ctx) => (isWell() ? plain(ctx, 200, word) : plain(ctx, 503, 'not ready')));
    router.options(path, (ctx) => empty(ctx, isWell() ? 204 : 503));
  }
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
