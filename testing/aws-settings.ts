import type { Logger } from '../src/log.ts';
import { AwsClients, type AwsSettings } from '../src/cloud/aws/clients.ts';

/** Settings under which nothing but the loopback is reached: a test never calls AWS. */
export function testAwsSettings(more: Partial<AwsSettings> = {}): AwsSettings {
  const nowhere = 'http://127.0.0.1:9';
  return {
    endpoints: { kms: nowhere, iam: nowhere, sts: nowhere },
    fips: false,
    maxAttempts: 2,
    requestTimeoutMs: 5_000,
    ambient: false,
    ambientVaults: [],
    kmsChangesPerSecond: 1_000,
    version: 'test',
    ...more,
  };
}

export const silentLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
} as unknown as Logger;

/** For tests of something else, whose services need it. */
export function unusedAws(): AwsClients {
  return new AwsClients(testAwsSettings(), silentLog);
}
