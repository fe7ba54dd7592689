import { readFileSync } from 'node:fs';
import type { AwsSettings } from '../cloud/aws/clients.ts';
import type { AwsConfig } from '../config/config.ts';

/** The `[aws]` table as the management process gets it: the CAs read, nothing of files left. */
export function awsSettings(config: AwsConfig, version: string): AwsSettings {
  const { endpoints, ca, proxy, no_proxy: noProxy } = config;
  return {
    endpoints: {
      ...(endpoints.kms === undefined ? {} : { kms: endpoints.kms }),
      ...(endpoints.iam === undefined ? {} : { iam: endpoints.iam }),
      ...(endpoints.sts === undefined ? {} : { sts: endpoints.sts }),
    },
    ...(ca === undefined ? {} : { caCertificates: readFileSync(ca, 'utf8') }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(noProxy === undefined ? {} : { noProxy }),
    fips: config.fips,
    maxAttempts: config.max_attempts,
    requestTimeoutMs: config.request_timeout_ms,
    ambient: config.ambient,
    ambientVaults: config.ambient_vaults,
    version,
  };
}
