import { z } from 'zod';
import { deletionDays } from '../../keys/cloud-keys.ts';
import { highestQuota, maxRotationDays } from '../../vault/limits.ts';

/* Forms that CSP accounts, key sets, credentials and CloudKeys share. */

export const vaultId = z.uuid().describe('The vault.');
export const time = z.iso.datetime().describe('UTC, ISO 8601 with milliseconds.');
export const description = z.string().max(300).describe('Free text.');
/** As names are kept (NFC). */
export const namePrefix = z
  .string()
  .max(250)
  .normalize('NFC')
  .optional()
  .describe('Only those whose name starts with this.');

/** A moment to come; null for never. */
export const expiry = z.iso
  .datetime({ offset: true })
  .nullable()
  .describe('When it expires, in the future; null for never.');

export const region = z
  .string()
  .max(30)
  .describe('AWS Region such as `eu-central-1`; empty if none was given.');

export const quota = z
  .strictObject({
    requestsPerSecond: z.int().min(1).max(highestQuota).describe('XKS requests per second, on average.'),
    burst: z
      .int()
      .min(1)
      .max(highestQuota)
      .optional()
      .describe('Largest burst; equal to requestsPerSecond if omitted.'),
  })
  .nullable()
  .describe('Request quota; requests beyond it get ThrottlingException. Null for no quota.');

export const shownQuota = z
  .strictObject({ requestsPerSecond: z.int(), burst: z.int() })
  .nullable()
  .describe('XKS requests per second, and the largest burst; null for no quota.');

/** Shown once, with the secret of the credential in it. */
export const shownConsoleFile = z
  .strictObject({
    XksProxyUriPath: z.string(),
    XksProxyAuthenticationCredential: z.strictObject({
      AccessKeyId: z.string(),
      RawSecretAccessKey: z.string(),
    }),
  })
  .optional()
  .describe('The proxy configuration file for the AWS KMS console; shown only once.');

export const rotationDays = z.int().min(1).max(maxRotationDays);

export const waitingDays = z
  .int()
  .min(deletionDays.min)
  .max(deletionDays.max)
  .describe('Waiting period in days, after which the key objects are destroyed.');

export function showQuota(row: { quota_rate: number | null; quota_burst: number | null }) {
  return row.quota_rate === null
    ? null
    : { requestsPerSecond: row.quota_rate, burst: row.quota_burst ?? row.quota_rate };
}

/** What an expiry in a body means for a vault function: undefined stays undefined. */
export function toDate(text: string | null | undefined): Date | null | undefined {
  return typeof text === 'string' ? new Date(text) : text;
}
