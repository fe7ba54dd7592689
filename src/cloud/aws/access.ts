import type { Secret } from '../../secret.ts';
import type { Partition } from './partitions.ts';

/** As whom, and where, AWS is called for a CSP account. */
export type AwsAccess = {
  /** The CSP account's id, a blank, and everything that its credential hangs on: what is remembered is so under it. */
  accountKey: string;
  partition: Partition;
  /** Where KMS and STS are called unless told otherwise. */
  region: string;
  /** Where STS is called where FIPS endpoints are wanted and the Region has none of STS. */
  defaultRegion?: string;
  /** FIPS endpoints. */
  fips: boolean;
} & (
  | { kind: 'access-key'; accessKeyId: string; secret: Secret }
  | {
      kind: 'role';
      roleArn: string;
      externalId: string;
      /** Shown in CloudTrail: 2 to 64 characters of A-Z a-z 0-9 _ + = , . @ - */
      sessionName?: string;
      /** Access key that assumes the role; the node's own credentials without. */
      base?: { accessKeyId: string; secret: Secret };
    }
  | { kind: 'ambient' }
);
