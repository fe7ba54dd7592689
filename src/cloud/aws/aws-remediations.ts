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
  denied: 'AWS does not allow it',
  credentials: 'AWS does not take the credential',
  throttled: 'AWS takes no more requests for the moment',
  unreachable: 'AWS cannot be reached',
  'not-found': 'AWS does not find it',
  settling: 'AWS does not show it yet',
  proxy: 'AWS KMS asked the proxy in vain',
  conflict: 'AWS cannot do it as things are there',
  limit: 'a limit of the AWS account is reached',
  invalid: 'AWS does not take a value',
  'aws-trouble': 'AWS failed',
};

/** IAM User Guide, "Changes that I make are not always immediately visible". */
const newKey =
  'if it was made a moment ago, repeat: it takes AWS seconds, sometimes minutes, to know a new access key everywhere';
const newlyAllowed =
  'if it was allowed a moment ago, repeat: that takes effect everywhere in AWS after seconds, sometimes minutes';

const remediations: Readonly<Record<AwsFault, string>> = {
  denied: `allow it to the principal of the CSP account (holdfast csp-account policy prints the least policy), then repeat; ${newlyAllowed}`,
  credentials: `give the CSP account a credential that is active in IAM (holdfast csp-account edit); ${newKey}`,
  throttled: 'repeat in a minute',
  unreachable:
    'see that the node reaches the endpoint: DNS, firewall, [aws] proxy and ca in the configuration; then repeat',
  settling: 'nothing: Holdfast asks again every few seconds',
  proxy: 'holdfast doctor, and the log of the node',
  'not-found': 'see what is there in AWS, in this account and Region',
  conflict: 'look at the state in AWS, then repeat',
  limit: 'delete what is not used, or ask AWS for a higher quota (Service Quotas)',
  invalid: 'correct the value, then repeat',
  'aws-trouble': 'repeat; if it lasts, see the AWS Health Dashboard',
};

/** Where the code says more than the fault. */
const byCode: Readonly<Record<string, { words?: string; remediation: string }>> = {
  SignatureDoesNotMatch: {
    remediation:
      'enter the secret access key again, whole and without blanks; and see that the clock of the node is right',
  },
  InvalidSignature: {
    remediation:
      'enter the secret access key again, whole and without blanks; and see that the clock of the node is right',
  },
  RequestTimeTooSkewed: {
    remediation: 'set the clock of the node (NTP): AWS takes a difference of 5 minutes',
  },
  RequestExpired: { remediation: 'set the clock of the node (NTP): AWS takes a difference of 5 minutes' },
  RequestInTheFuture: { remediation: 'set the clock of the node (NTP): AWS takes a difference of 5 minutes' },
  InvalidClientTokenId: {
    remediation: `see in IAM that the access key is there and active, and that the CSP account has the right partition; ${newKey}`,
  },
  UnrecognizedClient: {
    remediation: `see in IAM that the access key is there and active, that the CSP account has the right partition, and that the Region is enabled in the AWS account; ${newKey}`,
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
      'the name of the endpoint has no address: see DNS, the Region, and [aws.endpoints] in the configuration',
  },
  EAI_AGAIN: { remediation: 'DNS does not answer: see the resolver of the node, then repeat' },
  SELF_SIGNED_CERT_IN_CHAIN: certificateProblem(),
  DEPTH_ZERO_SELF_SIGNED_CERT: certificateProblem(),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificateProblem(),
  UNABLE_TO_GET_ISSUER_CERT: certificateProblem(),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificateProblem(),
  CERT_HAS_EXPIRED: {
    words: 'the certificate of the endpoint has expired',
    remediation: 'renew it; and see that the clock of the node is right',
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    words: 'the certificate of the endpoint is for another name',
    remediation: 'use the name that the certificate is for in [aws.endpoints] of the configuration',
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
    why?.startsWith('denied by') === true ? `; a policy has to let it: it is ${why}` : `; ${newlyAllowed}`;
  return `allow ${action} to the principal of the CSP account (holdfast csp-account policy prints the least policy)${where}`;
}

function certificateProblem(): { words: string; remediation: string } {
  return {
    words: 'the certificate of the endpoint does not chain to a trusted CA',
    remediation:
      'name the CA in [aws] ca of the configuration where the endpoint is one of yours or a proxy ends TLS; else somebody stands in between',
  };
}
