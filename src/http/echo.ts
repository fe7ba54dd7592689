import { hash, randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Context } from 'koa';
import { z } from 'zod';
import { wallClock } from '../clock.ts';
import { nameTrouble } from '../json-names.ts';
import { Secret } from '../secret.ts';
import { isEchoProof, isFreshEcho } from '../sigv4/echo-proof.ts';
import {
  parseAuthorization,
  SignatureError,
  verifySignature,
  type ReceivedRequest,
  type SignatureFault,
} from '../sigv4/verify.ts';
import { readBy } from '../serving/by-deadline.ts';
import type { Directory, LiveCredential } from '../serving/directory.ts';
import { XksError } from '../xks/errors.ts';
import { readBody } from './body.ts';

/*
 * `POST …/holdfast/v1/echo`, for `holdfast doctor`: answers what arrived of a request, so that the doctor can tell what a
 * proxy in between changes, adds or takes away. Only the holder of an XKS credential gets an answer, proven in the body
 * (sigv4/echo-proof.ts); to everybody else the path is one that is not there. It reaches no key and changes nothing.
 * A proxy may have made any other path of it: so each that is not there is the echo to whoever proves a credential.
 */

const maxBodyLength = 2048;
/** Milliseconds for the token to open the secret, where it is not at hand. */
const timeout = 200;

const echoRequest = z.strictObject({
  accessKeyId: z.string().min(1).max(128),
  nonce: z.string().regex(/^[A-Za-z0-9_-]{22,86}$/),
  time: z.string().max(16),
  proof: z.string().regex(/^[0-9a-f]{64}$/),
});

/** What arrived of a request. */
export interface Echo {
  /** Of the node, ISO 8601 with milliseconds. */
  time: string;
  version: string;
  method: string;
  /** The request target as it arrived. */
  target: string;
  httpVersion: string;
  /** Names and values in the order in which they arrived; null for values that may be secrets. */
  headers: [name: string, value: string | null][];
  remote: string;
  tls: {
    version: string;
    suite: string;
    /** Of this TLS connection alone (RFC 9266), hashed: the client has the same where nobody ended TLS in between. */
    binding: string;
  };
  /** Whether the AWS signature on the request is right as it arrived, and if not why. */
  signature: { verified: boolean; reason: SignatureFault | null };
}

/**
 * Headers whose names say that the value may be a secret, also one that a proxy adds for us alone, such as X-Origin-Verify.
 */
const unshown = /auth|cookie|credential|key|passw|secret|signature|token|verif/;

export interface EchoOptions {
  directory: Directory;
  version: string;
  echoes: EchoBudget;
  now: () => number;
}

/**
 * The echo, and whose it is; undefined for those to whom there is no such path. Throws ThrottlingException for one who
 * asks too often, ClientGoneError, and what opening the secret throws.
 */
export async function echo(
  ctx: Context,
  request: ReceivedRequest,
  options: EchoOptions,
): Promise<{ credential: LiveCredential; echo: Echo } | undefined> {
  const { directory } = options;
  if (ctx.method !== 'POST') return undefined;
  const body = await readBody(ctx.req, maxBodyLength, () => new NotAnEcho()).catch((error: unknown) => {
    if (error instanceof NotAnEcho) return undefined;
    throw error;
  });
  const claim = body === undefined ? undefined : parse(body);
  if (body === undefined || claim === undefined) return undefined;
  const deadline = options.now() + timeout;
  await readBy(directory.refresh(deadline), deadline);
  const credential = await directory.credential(claim.accessKeyId, deadline);
  // An unknown access key id takes as long as a known one.
  const secret =
    credential === undefined
      ? new Secret(randomBytes(32).toString('base64'))
      : await directory.secret(credential, deadline);
  const proven = isEchoProof(claim, claim.proof, secret.reveal()) && isFreshEcho(claim, wallClock());
  if (credential === undefined || !proven) return undefined;
  if (!options.echoes.take(claim.accessKeyId))
    throw new XksError('ThrottlingException', 'This credential has asked for too many echoes.');
  return {
    credential,
    echo: {
      time: wallClock().toISOString(),
      version: options.version,
      method: ctx.method,
      target: ctx.req.url ?? '',
      httpVersion: ctx.req.httpVersion,
      headers: shownHeaders(ctx.req.rawHeaders),
      remote: ctx.req.socket?.remoteAddress ?? '',
      tls: tlsFacts(ctx),
      signature: judge(request, body, secret),
    },
  };
}

/** So many echoes of one credential at once, and so many a second: a run of the doctor needs two. */
const burst = 30;
const eachSecond = 1;

/** How often each credential may ask. Asked only for credentials that have proven themselves, so there are few. */
export class EchoBudget {
  readonly #now: () => number;
  readonly #left = new Map<string, { echoes: number; at: number }>();

  /** `now` in milliseconds, of a clock that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  take(accessKeyId: string): boolean {
    const now = this.#now();
    const { echoes, at } = this.#left.get(accessKeyId) ?? { echoes: burst, at: now };
    const left = Math.min(burst, echoes + ((now - at) / 1000) * eachSecond);
    if (this.#left.size > 1000) this.#left.clear();
    this.#left.set(accessKeyId, { echoes: left < 1 ? left : left - 1, at: now });
    return left >= 1;
  }
}

class NotAnEcho extends Error {}

function parse(body: Buffer): z.output<typeof echoRequest> | undefined {
  try {
    const text = body.toString('utf8');
    const data: unknown = JSON.parse(text);
    return nameTrouble(text, data) === undefined ? echoRequest.parse(data) : undefined;
  } catch {
    return undefined;
  }
}

function shownHeaders(raw: readonly string[]): Echo['headers'] {
  const headers: Echo['headers'] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    headers.push([name, unshown.test(name.toLowerCase()) ? null : (raw[at + 1] ?? '')]);
  }
  return headers;
}

function judge(request: ReceivedRequest, body: Buffer, secret: Secret): Echo['signature'] {
  try {
    verifySignature(request, body, parseAuthorization(request, wallClock()), secret);
    return { verified: true, reason: null };
  } catch (error) {
    if (error instanceof SignatureError) return { verified: false, reason: error.reason };
    throw error;
  }
}

/** As both ends of one TLS connection compute it, and nobody else. */
export function tlsBinding(socket: TLSSocket): string {
  const exported = socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  return hash('sha256', exported, 'base64url');
}

function tlsFacts(ctx: Context): Echo['tls'] {
  const socket = ctx.req.socket as TLSSocket;
  return {
    version: socket.getProtocol() ?? '',
    suite: socket.getCipher().standardName,
    binding: tlsBinding(socket),
  };
}
