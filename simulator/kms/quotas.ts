import type { ServiceError } from '../service-error.ts';
import type { SimulatedCall } from '../service.ts';
import { kmsError } from './errors.ts';

/**
 * Requests a second in each account and Region, by default (developer guide, "Request quotas"). Each operation has a quota
 * of its own; what is not named here has 5. Of cryptographic operations together 20,000, which nothing here reaches.
 */
const perSecond: Readonly<Record<string, number>> = {
  CreateGrant: 50,
  DescribeKey: 2_000,
  GetKeyPolicy: 1_000,
  GetKeyRotationStatus: 1_000,
  GetKeyLastUsage: 5,
  ListAliases: 500,
  ListGrants: 100,
  ListKeyPolicies: 100,
  ListKeys: 500,
  ListResourceTags: 2_000,
  RetireGrant: 30,
  RevokeGrant: 30,
  TagResource: 10,
};
const usual = 5;
const cryptographic = /^(?:Encrypt|Decrypt|ReEncrypt|GenerateDataKey(?:WithoutPlaintext)?|GenerateRandom)$/;

/** How many requests of each operation an account has sent in the second that runs. */
export class Quotas {
  /** Milliseconds that count as one second; undefined where nothing is counted. */
  readonly #second: () => number | undefined;
  readonly #now: () => Date;
  readonly #counts = new Map<string, { since: number; count: number }>();
  /** How many were refused, by operation. */
  readonly refused = new Map<string, number>();

  constructor(second: () => number | undefined, now: () => Date) {
    this.#second = second;
    this.#now = now;
  }

  /** Throws ThrottlingException where the request is one too many. */
  take({ accountId, region, action }: Pick<SimulatedCall, 'accountId' | 'region' | 'action'>): void {
    const second = this.#second();
    if (second === undefined || cryptographic.test(action)) return;
    const name = `${accountId}/${region}/${action}`;
    const now = this.#now().getTime();
    let running = this.#counts.get(name);
    if (running === undefined || now - running.since >= second || now < running.since)
      this.#counts.set(name, (running = { since: now, count: 0 }));
    running.count++;
    if (running.count <= (perSecond[action] ?? usual)) return;
    this.refused.set(action, (this.refused.get(action) ?? 0) + 1);
    throw throttled();
  }
}

/** In AWS's words (developer guide, "Throttling AWS KMS requests"). */
function throttled(): ServiceError {
  return kmsError(
    'ThrottlingException',
    'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
  );
}
