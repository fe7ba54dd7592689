import { setTimeout as delay } from 'node:timers/promises';
import { monotonicNow } from '../clock.ts';

/**
 * Operations of KMS that change something have 5 requests a second in an account and Region, each operation of its own
 * (Developer Guide, "Request quotas"; some have more). A part is left to the customer's own requests.
 */
const perSecond = 4;
/** So long nothing more is sent of an operation that AWS has throttled, milliseconds. */
const afterThrottling = 1_000;

/**
 * Requests of one account, at the pace that AWS takes them: what is more waits for its turn here, instead of being
 * throttled there and tried again later. In order of their coming.
 */
export class Pace {
  readonly #interval: number;
  readonly #burst: number;
  /** When the next of each operation and Region is due, had there been no burst. */
  readonly #next = new Map<string, number>();

  constructor(rate = perSecond) {
    this.#interval = 1000 / rate;
    this.#burst = this.#interval * (rate - 1);
  }

  /** Ends when the request may be sent. */
  async turn(operation: string, region: string): Promise<void> {
    const name = `${region} ${operation}`;
    const now = monotonicNow();
    const at = Math.max(this.#next.get(name) ?? 0, now - this.#burst);
    this.#next.set(name, at + this.#interval);
    if (at > now) await delay(at - now);
  }

  /** AWS takes no more of it for the moment: somebody else uses the quota too. */
  throttled(operation: string, region: string): void {
    const name = `${region} ${operation}`;
    const earliest = monotonicNow() + afterThrottling;
    this.#next.set(name, Math.max(this.#next.get(name) ?? 0, earliest));
  }
}
