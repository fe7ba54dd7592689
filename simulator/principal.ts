import type { PolicyDocument } from './policy-document.ts';

/** Who signed a call. */
export interface Principal {
  readonly kind: 'root' | 'user' | 'assumed-role';
  readonly accountId: string;
  /** As GetCallerIdentity shows it; for a role's session the `assumed-role` ARN. */
  readonly arn: string;
  /** The ARN that policies know (aws:PrincipalArn): for a role's session the role's. */
  readonly policyArn: string;
  /** `AIDA…`, `AROA…:session`, or the account id for its root. */
  readonly id: string;
  /** User or role name; '' for root. */
  readonly name: string;
  readonly accessKeyId: string;
  /** Of a session made by AssumeRole. */
  readonly session?: {
    readonly name: string;
    readonly roleId: string;
    readonly issuedAt: Date;
    readonly expiresAt: Date;
  };
  /** The principal's identity policies as they are now. Root needs none. */
  readonly policies: readonly PolicyDocument[];
  /** Given with AssumeRole: what is allowed is what these allow as well. */
  readonly sessionPolicies: readonly PolicyDocument[];
}

/** `cn-north-1` is of aws-cn, `us-gov-west-1` of aws-us-gov, `eusc-de-east-1` of aws-eusc. */
export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  if (region.startsWith('eusc-')) return 'aws-eusc';
  return 'aws';
}

/** The host name suffix of a Region's endpoints. */
export function dnsSuffixOf(region: string): string {
  if (region.startsWith('eusc-')) return 'amazonaws.eu';
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}
