import type { AwsFault } from './aws-faults.ts';

interface Trouble {
  fault: AwsFault;
  code: string;
  operation: string;
  /** The permission that is missing, where AWS told it. */
  action: string | undefined;
  /** Which policy is in the way. */
  why: string | undefined;
}

const words: Readonly<Record<AwsFault, string>> = {
  denied: 'AWS denied the request',
  credentials: 'AWS rejected the credential',
  throttled: 'AWS is throttling requests',
  unreachable: 'AWS cannot be reached',
  'not-found': 'AWS cannot find it',
  settling: 'AWS does not show it yet',
  proxy: 'AWS KMS called the proxy without success',
  conflict: 'AWS cannot do this in the current state',
  limit: 'a quota of the AWS account has been reached',
  invalid: 'AWS rejected a value',
  'aws-trouble': 'AWS failed',
};

/** IAM User Guide, "Changes that I make are not always immediately visible". */
const newKey =
  'if it was created a moment ago, repeat: a new access key takes seconds, sometimes minutes, to become known throughout AWS';
const newlyAllowed =
  'if it was allowed a moment ago, repeat: the change takes seconds, sometimes minutes, to take effect throughout AWS';

const remediations: Readonly<Record<AwsFault, string>> = {
  denied: `allow it for the principal of the CSP account (holdfast csp-account policy prints the least-privilege policy), then repeat; ${newlyAllowed}`,
  credentials: `give the CSP account a credential that is active in IAM (holdfast csp-account edit); ${newKey}`,
  throttled: 'repeat in a minute',
  unreachable:
    'check that the node can reach the endpoint: DNS, firewall, [aws] proxy and ca in the configuration; then repeat',
  settling: 'nothing: Holdfast asks again every few seconds',
  proxy: 'run holdfast doctor and check the log of the node',
  'not-found': 'check what exists in AWS, in this account and Region',
  conflict: 'check the state in AWS, then try again',
  limit: 'delete what is not used, or request a higher quota from AWS (Service Quotas)',
  invalid: 'correct the value, then try again',
  'aws-trouble': 'repeat; if it persists, see the AWS Health Dashboard',
};

/** Where the code says more than the fault. */
const byCode: Readonly<Record<string, { words?: string; remediation: string }>> = {
  SignatureDoesNotMatch: {
    remediation:
      'enter the secret access key again, complete and without blanks; and check that the clock of the node is right',
  },
  InvalidSignature: {
    remediation:
      'enter the secret access key again, complete and without blanks; and check that the clock of the node is right',
  },
  RequestTimeTooSkewed: {
    remediation: 'set the clock of the node (NTP): AWS tolerates a difference of 5 minutes',
  },
  RequestExpired: { remediation: 'set the clock of the node (NTP): AWS tolerates a difference of 5 minutes' },
  RequestInTheFuture: {
    remediation: 'set the clock of the node (NTP): AWS tolerates a difference of 5 minutes',
  },
  InvalidClientTokenId: {
    remediation: `check in IAM that the access key exists and is active, and that the CSP account has the right partition; ${newKey}`,
  },
  UnrecognizedClient: {
    remediation: `check in IAM that the access key exists and is active, that the CSP account has the right partition, and that the Region is enabled in the AWS account; ${newKey}`,
  },
  OptInRequired: { remediation: 'enable the Region in the AWS account' },
  RegionDisabled: {
    remediation: 'activate AWS STS for the Region in the AWS account (IAM, account settings)',
  },
  CredentialsProviderError: {
    words: 'the node has no credentials of its own that work',
    remediation:
      'give the node an instance role, a container role or credentials in its environment; or give the CSP account an access key',
  },
  ENOTFOUND: {
    remediation:
      'the name of the endpoint has no address: check DNS, the Region, and [aws.endpoints] in the configuration',
  },
  EAI_AGAIN: { remediation: 'DNS does not answer: check the resolver of the node, then try again' },
  SELF_SIGNED_CERT_IN_CHAIN: certificateProblem(),
  DEPTH_ZERO_SELF_SIGNED_CERT: certificateProblem(),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificateProblem(),
  UNABLE_TO_GET_ISSUER_CERT: certificateProblem(),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificateProblem(),
  CERT_HAS_EXPIRED: {
    words: 'the certificate of the endpoint has expired',
    remediation: 'renew it; and check that the clock of the node is right',
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    words: 'the certificate of the endpoint is for another name',
    remediation: 'in [aws.endpoints] of the configuration, use the name that the certificate is for',
  },
};

/** The two texts of an AwsError. */
export function explain({ fault, code, operation, action, why }: Trouble): {
  message: string;
  remediation: string;
} {
  const special = byCode[code] ?? byCode[code.replace(/Exception$/, '')];
  const what = action === undefined ? operation : `${operation}, which needs ${action}`;
  return {
    message: `${special?.words ?? words[fault]}: ${what} (${code}${why === undefined ? '' : `, ${why}`})`,
    remediation:
      action === undefined || special !== undefined
        ? (special?.remediation ?? remediations[fault])
        : allow(action, why),
  };
}

function allow(action: string, why: string | undefined): string {
  const where =
    why?.startsWith('denied by') === true ? `; a policy must permit it: it is ${why}` : `; ${newlyAllowed}`;
  return `allow ${action} for the principal of the CSP account (holdfast csp-account policy prints the least-privilege policy)${where}`;
}

function certificateProblem(): { words: string; remediation: string } {
  return {
    words: 'the certificate of the endpoint does not chain to a trusted CA',
    remediation:
      'name the CA in [aws] ca of the configuration if the endpoint is one of yours or a proxy terminates TLS; otherwise somebody is intercepting the connection',
  };
}
