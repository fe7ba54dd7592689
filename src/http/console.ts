import { readFile } from 'node:fs/promises';
import type { Context } from 'koa';
import { referencePath, routeAddress, signInPath } from '../admin/addresses.ts';
import { plain } from './admin-answer.ts';
import { unknownAddress } from './admin-request.ts';
import { suffixes, type BuiltConsole, type ConsoleFile, type ConsoleFiles } from './console-files.ts';

/** Where the console is; whatever is not a file of it beneath this is one of its pages, which are all the same file. */
const consolePath = '/console';
const assetPath = `${consolePath}/assets/`;

/**
 * What a browser may do for the console: load what is of this origin, talk to this origin, and nothing else. Nothing of it
 * is inline, nothing is evaluated, and no text becomes markup or script (Trusted Types, none of which may be made).
 */
export const consolePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // Cloudscape's fonts are in its style sheet.
  "font-src 'self' data:",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const pageHeaders = {
  'Content-Security-Policy': consolePolicy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  // For browsers that do not know frame-ancestors.
  'X-Frame-Options': 'DENY',
};

/** Answers a request; it was found out before what with. */
export type Serve = () => Promise<void>;

/** How to answer what a browser asks for to show the console; undefined where the request is for something else. */
export function consoleAnswer(ctx: Context, built: BuiltConsole, publicUrl: string): Serve | undefined {
  const { path, method } = ctx;
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  // Whoever asks without wanting a page is a load balancer that wants to know whether somebody is there.
  if (path === '/') return wantsPage(ctx) ? async () => sendOn(ctx) : undefined;
  const vaultId = path.startsWith(`${signInPath}/`) ? path.slice(signInPath.length + 1) : undefined;
  if (vaultId !== undefined)
    return /^[\w-]+$/.test(vaultId) ? async () => signIn(ctx, await built.files(), publicUrl) : undefined;
  if (path !== consolePath && !path.startsWith(`${consolePath}/`)) return undefined;
  return async () => {
    const name = path.startsWith(assetPath) ? path.slice(assetPath.length) : undefined;
    const found = await (name === undefined ? built.files() : built.filesWith(name));
    if (typeof found === 'string') plain(ctx, 404, notThere(found, publicUrl));
    else if (name !== undefined) await asset(ctx, found.assets.get(name));
    else await page(ctx, found.page);
  };
}

async function sendOn(ctx: Context): Promise<void> {
  ctx.vary('Accept');
  ctx.status = 303;
  ctx.set('Location', `${consolePath}/`);
  ctx.body = '';
}

/** The address of a vault: a page for a browser, and for whoever reads it otherwise the command. */
async function signIn(ctx: Context, found: ConsoleFiles | string, publicUrl: string): Promise<void> {
  ctx.vary('Accept');
  if (typeof found !== 'string' && wantsPage(ctx)) return page(ctx, found.page);
  const words = `Sign in from a terminal:\n\n  holdfast login --vault ${publicUrl}${ctx.path}`;
  plain(
    ctx,
    200,
    typeof found === 'string' && wantsPage(ctx) ? `${words}\n\n${notThere(found, publicUrl)}` : words,
  );
}

function notThere(why: string, publicUrl: string): string {
  return (
    `The console is not on this node: ${why}. Whoever looks after the node builds it: make set-up\n\n` +
    `All that it does the command line and the management API do too: ${publicUrl}${routeAddress(referencePath)}`
  );
}

/** What a person sees must not be kept: what was shown once is not shown again by going back. */
async function page(ctx: Context, file: ConsoleFile): Promise<void> {
  await send(ctx, file);
  ctx.set(pageHeaders);
}

async function asset(ctx: Context, file: ConsoleFile | undefined): Promise<void> {
  if (file === undefined) throw unknownAddress();
  await send(ctx, file);
  ctx.set({
    'Cache-Control': 'public, max-age=31536000, immutable',
    'Cross-Origin-Resource-Policy': 'same-origin',
  });
}

async function send(ctx: Context, file: ConsoleFile): Promise<void> {
  const encoding = file.encodings.find((one) => ctx.acceptsEncodings(one) === one);
  const body = await readFile(encoding === undefined ? file.path : file.path + suffixes[encoding]).catch(
    (error: NodeJS.ErrnoException) => {
      // Of a build that is no more.
      throw error.code === 'ENOENT' ? unknownAddress() : error;
    },
  );
  ctx.vary('Accept-Encoding');
  ctx.status = 200;
  ctx.set('Content-Type', file.type);
  if (encoding !== undefined) ctx.set('Content-Encoding', encoding);
  ctx.body = body;
}

/** A browser that is sent to an address says that it wants a page; `*` and `/` of programs does not. */
function wantsPage(ctx: Context): boolean {
  return /(^|[,\s])text\/html([;,\s]|$)/i.test(ctx.get('Accept'));
}
