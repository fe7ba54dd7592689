import { setTimeout as delay } from 'node:timers/promises';
import type { SignedRequest, XksClient } from '../testing/xks-client.ts';
import { cellSeconds } from './measure.ts';

/* Requests that come at a rate, whether those before are answered or not, as from AWS KMS, which has many callers. */

/** AWS KMS has given up. */
export const late = 240;

export interface Stream {
  name: string;
  rate: number;
  requests: readonly SignedRequest[];
}

export interface Sent {
  took: number;
  status: number;
}

/** Sends each stream at its rate for {@link cellSeconds}; waits for all answers. */
export async function sendAll(client: XksClient, streams: readonly Stream[]): Promise<Sent[][]> {
  return Promise.all(
    streams.map(async ({ rate, requests }) => {
      const began = performance.now();
      const sent: Promise<Sent>[] = [];
      for (let made = 0; made < rate * cellSeconds; made++) {
        const due = began + (made * 1000) / rate;
        if (due > performance.now()) await delay(due - performance.now());
        const request = requests[made % requests.length];
        if (request !== undefined)
          sent.push(
            client.send(request).then(
              ({ took, status }) => ({ took, status }),
              () => ({ took: performance.now() - due, status: 0 }),
            ),
          );
      }
      return Promise.all(sent);
    }),
  );
}

export function count(sent: readonly Sent[], status: number): number {
  return sent.filter((one) => one.status === status).length;
}

export function good(sent: readonly Sent[]): number[] {
  return sent.filter(({ status }) => status === 200).map(({ took }) => took);
}

export function quantile(values: readonly number[], p: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]?.toFixed(1) ?? '-';
}
