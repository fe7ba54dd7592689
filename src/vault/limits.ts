import { VaultError } from './vault-error.ts';

/** Waiting time before the key objects of a CloudKey are destroyed, days; AWS has the same for KMS keys. */
export const deletionDays = { min: 7, max: 30 } as const;

/** Most requests a second that a quota may allow, and most at once. */
export const highestQuota = 1_000_000;
/** Ten years. */
export const maxRotationDays = 3650;

/** A quota of XKS requests, as it is asked for. */
export interface QuotaInput {
  /** 1 to 1,000,000. */
  requestsPerSecond: number;
  /** How many may come at once, 1 to 1,000,000; as many as a second's if left out. */
  burst?: number | undefined;
}

export interface QuotaColumns {
  quota_rate: number | null;
  quota_burst: number | null;
}

/** Throws VaultError `invalid`. */
export function parseQuota(input: QuotaInput | null): QuotaColumns {
  if (input === null) return { quota_rate: null, quota_burst: null };
  const { requestsPerSecond, burst = requestsPerSecond } = input;
  for (const number of [requestsPerSecond, burst])
    if (!Number.isInteger(number) || number < 1 || number > highestQuota)
      throw new VaultError(
        'invalid',
        `a quota and its burst are whole numbers of requests from 1 to ${highestQuota}`,
      );
  return { quota_rate: requestsPerSecond, quota_burst: burst };
}

/** Days between rotations; null for never. Throws VaultError `invalid`. */
export function parseRotationDays(days: number | null): number | null {
  if (days !== null && (!Number.isInteger(days) || days < 1 || days > maxRotationDays))
    throw new VaultError(
      'invalid',
      `a rotation schedule is a whole number of days from 1 to ${maxRotationDays}`,
    );
  return days;
}
