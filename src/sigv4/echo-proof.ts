import { createHmac, timingSafeEqual } from 'node:crypto';
import { assertFresh, parseRequestTime } from './request-time.ts';

/*
 * Who asks for an echo (http/echo.ts). An echo shows what of a request was changed on its way, so the proof of who asks
 * cannot be a signature over the request: it stands in the body and covers nothing that a proxy in between would touch.
 */

/** What an echo request's body says. */
export interface EchoClaim {
  accessKeyId: string;
  /** 22 or more characters of Base64url, new each time. */
  nonce: string;
  /** As x-amz-date: `20260131T235959Z`. */
  time: string;
}

/** HMAC-SHA-256 over the claim with the secret of the XKS credential, in hexadecimal. */
export function proveEcho({ accessKeyId, nonce, time }: EchoClaim, secret: string): string {
  // SigV4 begins with another key ("AWS4" and the secret): neither can be taken for the other.
  return createHmac('sha256', secret)
    .update(['holdfast-echo-v1', accessKeyId, time, nonce].join('\n'))
    .digest('hex');
}

/** Whether the holder of `secret` made the proof. Compares in constant time, whatever the proof's length. */
export function isEchoProof(claim: EchoClaim, proof: string, secret: string): boolean {
  const [a, b] = [Buffer.from(proveEcho(claim, secret)), Buffer.from(proof)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Five minutes to either side, as for signatures. False too for what is no time. */
export function isFreshEcho({ time }: EchoClaim, now: Date): boolean {
  try {
    assertFresh(parseRequestTime(time), now);
    return true;
  } catch {
    return false;
  }
}
