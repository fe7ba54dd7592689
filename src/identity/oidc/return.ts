import { VaultError } from '../../vault/vault-error.ts';

/** A path of our own origin, with or without a query. Nothing in it can be read as another host. */
const ownPath = /^\/(?!\/)[A-Za-z0-9._~/-]*(\?[A-Za-z0-9._~=&%+-]*)?$/;
/** A program that listens on this very machine for the length of the sign-in (RFC 8252, 7.3): never a name. */
const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\]):([1-9]\d{0,4})\/[A-Za-z0-9._~/-]*$/;

const max = 500;

/**
 * Where a sign-in may send the browser in the end: back to us, or to a program on the browser's own machine. Anything
 * else would make of us a door to wherever somebody likes (open redirect). Throws VaultError `invalid`.
 */
export function parseReturnTo(text: string): string {
  const port = loopback.exec(text)?.[2];
  const isGood = text.length <= max && (port === undefined ? ownPath.test(text) : Number(port) <= 65_535);
  if (!isGood)
    throw new VaultError(
      'invalid',
      'returnTo is not an address that a sign-in may return to',
      'a path of this appliance, or http://127.0.0.1:<port>/… or http://[::1]:<port>/…',
    );
  return text;
}

/** The address with one more parameter. */
export function withParameter(
  returnTo: string,
  publicUrl: string,
  name: 'code' | 'error',
  value: string,
): string {
  const url = new URL(returnTo, publicUrl);
  url.searchParams.set(name, value);
  return url.href;
}
