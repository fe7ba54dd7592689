import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { CustomFetch, CustomFetchOptions } from 'openid-client';
import { checkLiteral, guardedLookup } from './addresses.ts';
import { OidcError } from './error.ts';

/** Bytes; the keys of the largest providers take a tenth of it. */
const maxAnswerLength = 256 * 1024;

export interface FetchLimits {
  /** CAs in PEM form that certificates must chain to; undefined for those of the system and NODE_EXTRA_CA_CERTS. */
  ca: string | undefined;
  /** Whether addresses on loopback may be called. */
  onLoopback: boolean;
}

/**
 * A fetch for the OpenID client that does less than the built-in one: https only, no redirects, bounded answers, CAs of
 * its own, and no address that is not meant for us. Rejects with OidcError.
 */
export function boundedFetch(limits: FetchLimits): CustomFetch {
  return async (address, options) => {
    const url = new URL(address);
    if (url.protocol !== 'https:') throw new OidcError('no-provider');
    checkLiteral(url.hostname, limits.onLoopback);
    try {
      return await send(url, options, limits);
    } catch (error) {
      throw troubleOf(error);
    }
  };
}

async function send(
  url: URL,
  { method, headers, body, signal }: CustomFetchOptions,
  { ca, onLoopback }: FetchLimits,
): Promise<Response> {
  const outgoing = request(url, {
    method,
    headers,
    ...(signal === undefined ? {} : { signal }),
    ...(ca === undefined ? {} : { ca }),
    agent: false,
    lookup: guardedLookup(onLoopback),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
  });
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    outgoing.end(toText(body));
  });
  // Later errors come out of reading.
  outgoing.on('error', () => undefined);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxAnswerLength) {
      outgoing.destroy();
      throw new OidcError('unreachable');
    }
    chunks.push(chunk);
  }
  const status = incoming.statusCode ?? 0;
  if (status < 200 || status > 599) throw new OidcError('no-provider');
  const told = new Headers();
  for (const [name, value] of Object.entries(incoming.headers))
    for (const one of [value ?? []].flat()) told.append(name, one);
  // The Fetch standard has no body with these.
  const bodiless = [204, 205, 304].includes(status);
  return new Response(bodiless ? null : Buffer.concat(chunks), { status, headers: told });
}

/** What the client sends is a form; nothing of it is a stream. */
function toText(body: CustomFetchOptions['body']): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new OidcError('no-provider');
}

/** OpenSSL's and Node's words for a certificate that does not do. */
const certificateCodes =
  /^(ERR_TLS_CERT|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|HOSTNAME_MISMATCH|ERR_SSL_)/;

function troubleOf(error: unknown): OidcError {
  if (error instanceof OidcError) return error;
  const { code } = error as { code?: unknown };
  return new OidcError(
    typeof code === 'string' && certificateCodes.test(code) ? 'untrusted' : 'unreachable',
    error,
  );
}
