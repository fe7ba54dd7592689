import { AwsError, callAws } from './aws-error.ts';
import { xksRefusal } from './xks-refusals.ts';

/** What AWS KMS's refusals of acts on external key stores mean for us. */
interface Refusal {
  words: string;
  remediation: string;
}

const repeat = 'then repeat';

/*
 * AWS KMS API Reference, errors of CreateCustomKeyStore, UpdateCustomKeyStore, ConnectCustomKeyStore and
 * DeleteCustomKeyStore; Developer Guide, "Troubleshooting external key stores". While a key store with a public endpoint
 * is made or changed AWS KMS tries GetHealthStatus at the proxy with the new values.
 */
const refusals: Readonly<Record<string, Refusal>> = {
  CustomKeyStoreNameInUseException: {
    words: 'another custom key store in this AWS account and Region has this name',
    remediation: 'choose another name; or, to use that key store, holdfast external-key-store link',
  },
  CustomKeyStoreNotFoundException: {
    words: 'there is no such custom key store in this AWS account and Region',
    remediation:
      'check in AWS whether it was deleted; holdfast external-key-store delete --forget removes the record',
  },
  CustomKeyStoreInvalidStateException: {
    words: 'the key store is in a connection state in which AWS KMS does not allow this',
    remediation: 'holdfast external-key-store refresh shows its state; disconnect or connect it first',
  },
  CustomKeyStoreHasCMKsException: {
    words: 'the key store still contains KMS keys',
    remediation:
      'schedule the deletion of its KMS keys and wait until AWS has deleted them, 7 to 30 days; or disconnect the key store and leave it',
  },
  LimitExceededException: {
    words: 'the AWS account has as many custom key stores in this Region as its quota allows, 10 by default',
    remediation: 'delete one that is not used, or request a higher quota from AWS (Service Quotas)',
  },
  XksProxyUriInUseException: {
    words: 'another external key store in this Region has this endpoint with this path',
    remediation: 'if it is in this account, holdfast external-key-store candidates shows it: link it',
  },
  XksProxyUriEndpointInUseException: {
    words:
      'the endpoint is used in this Region by a key store with the other connectivity, or by another one with a VPC endpoint service',
    remediation:
      'use another host name: a public endpoint and a VPC endpoint service never share one in a Region',
  },
  XksProxyVpcEndpointServiceInUseException: {
    words: 'another external key store in this Region uses this VPC endpoint service',
    remediation: 'create a separate VPC endpoint service for each external key store',
  },
  XksProxyVpcEndpointServiceNotFoundException: {
    words: 'AWS KMS cannot find the VPC endpoint service',
    remediation: `check its name, Region and owner, and that it allows the principal cks.kms.<region>.amazonaws.com; ${repeat}`,
  },
  XksProxyVpcEndpointServiceInvalidConfigurationException: {
    words: 'the VPC endpoint service does not meet the requirements of an external key store',
    remediation: `it needs a network load balancer in two Availability Zones, no acceptance, the principal cks.kms.<region>.amazonaws.com, and a verified private DNS name identical to the host name of the endpoint; ${repeat}`,
  },
  XksProxyUriUnreachableException: {
    words: 'AWS KMS cannot reach the proxy at this endpoint in time, or none of its tokens can be used',
    remediation: `run holdfast doctor from outside the network of the node: it checks public DNS with an IPv4 address, port 443, a response within 250 ms, and the health of the tokens; ${repeat}`,
  },
  XksProxyIncorrectAuthenticationCredentialException: {
    words: 'the proxy at this endpoint rejected the credential that AWS KMS signed with',
    remediation: `check that the endpoint leads to this node, that its clock is right, and that nothing in between rewrites Host or path (holdfast doctor); ${repeat}`,
  },
  XksProxyInvalidResponseException: {
    words: 'AWS KMS cannot interpret the response at this endpoint',
    remediation: `check that the endpoint leads to Holdfast and to nothing else (holdfast doctor); ${repeat}`,
  },
  XksProxyInvalidConfigurationException: {
    words: 'AWS KMS tried the proxy and found its configuration invalid',
    remediation: `run holdfast doctor; check certificate, path prefix, and whether the key set is an external key store; ${repeat}`,
  },
};

/** XksProxyInvalidConfigurationException says in its message only which of these it is. */
const invalidConfigurations: readonly [RegExp, Refusal][] = [
  [
    /\bTLS\b|certificate/i,
    {
      words: 'AWS KMS cannot establish a trusted TLS connection to the proxy',
      remediation: `run holdfast doctor: it checks days left, host name, chain, and whether the CA is on AWS’s list for external key stores; ${repeat}`,
    },
  ],
  [
    /\bpath\b/i,
    {
      words: 'the proxy does not know the URI path',
      remediation: `check that the key set is an external key store and that nothing in between changes the path (holdfast key-set show, holdfast doctor); ${repeat}`,
    },
  ],
];

/** An {@link AwsError} about a custom key store. */
export class KeyStoreError extends AwsError {
  constructor(error: AwsError, texts: { message: string; remediation: string }) {
    super(error.fault, error.code, error.operation, {
      ...texts,
      requestId: error.requestId,
      action: error.action,
      certain: error.certain,
    });
  }

  /** Another key store has the name, or the address. */
  get isInUse(): boolean {
    return this.code === 'CustomKeyStoreNameInUseException' || this.code === 'XksProxyUriInUseException';
  }

  /** The same as what passes by itself: AWS is asked again in seconds. */
  passing(): KeyStoreError {
    const { code, operation, message, remediation, requestId, action, certain } = this;
    const details = { message, remediation, requestId, action, certain };
    return new KeyStoreError(new AwsError('settling', code, operation, details), this);
  }

  /** The same for a person, where what was asked for stays asked for. */
  goneOnWith(): KeyStoreError {
    const what = this.certain
      ? 'Holdfast asks again automatically within minutes'
      : 'It is not yet known whether AWS did it all the same: Holdfast checks and continues automatically within minutes';
    return new KeyStoreError(this, {
      message: this.message,
      remediation: `${this.remediation}. ${what}, or at once when it is repeated (see holdfast external-key-store show)`,
    });
  }
}

/** Calls KMS for a key store; whatever AWS answers but success is a KeyStoreError. */
export async function callKeyStores<T>(operation: string, call: () => Promise<T>): Promise<T> {
  let thrown: unknown;
  try {
    return await callAws(operation, async () => {
      try {
        return await call();
      } catch (error) {
        thrown = error;
        throw error;
      }
    });
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw new KeyStoreError(error, textsOf(error, refusalOf(error.code, thrown)));
  }
}

function textsOf(error: AwsError, refusal: Refusal | undefined): { message: string; remediation: string } {
  if (refusal === undefined) return { message: error.message, remediation: error.remediation };
  return {
    message: `${refusal.words}: ${error.operation} (${error.code})`,
    remediation: refusal.remediation,
  };
}

function refusalOf(code: string, thrown: unknown): Refusal | undefined {
  if (code === 'XksProxyInvalidConfigurationException') {
    const { message } = thrown as { message?: unknown };
    const found = invalidConfigurations.find(([form]) => typeof message === 'string' && form.test(message));
    if (found !== undefined) return found[1];
  }
  const told = xksRefusal(code, (thrown as { message?: unknown }).message);
  if (told !== undefined) return told;
  return Object.hasOwn(refusals, code) ? refusals[code] : undefined;
}
