import { AwsError, callAws } from './aws-error.ts';
import type { AwsFault } from './aws-faults.ts';
import { xksRefusal } from './xks-refusals.ts';

interface Refusal {
  /** Where it is another than the code's. */
  fault?: AwsFault;
  words: string;
  remediation: string;
}

/** AWS KMS API Reference, errors of the operations on keys, aliases, policies and tags. */
const refusals: Readonly<Record<string, Refusal>> = {
  XksKeyAlreadyInUseException: {
    words: 'another KMS key of the key store already refers to the CloudKey',
    remediation:
      'link that KMS key (holdfast kms-key edit with --key-arn); or delete it in AWS, wait until AWS has deleted it, then holdfast kms-key retry',
  },
  XksKeyInvalidConfigurationException: {
    words: 'AWS KMS asked for the external key and rejected the metadata that it received',
    remediation:
      'the CloudKey must be AVAILABLE, its key set not frozen, and its usage encrypt-decrypt; then holdfast kms-key retry',
  },
  XksKeyNotFoundException: {
    words: 'AWS KMS asked for the external key, but the proxy that the key store leads to does not know it',
    remediation:
      'check that the key store has the endpoint, path and credential of this key set (holdfast external-key-store show); then holdfast kms-key retry',
  },
  CustomKeyStoreInvalidStateException: {
    words: 'the key store is in a state in which AWS KMS creates no keys',
    remediation:
      'holdfast external-key-store refresh shows the state; what waits for it continues automatically',
  },
  CustomKeyStoreNotFoundException: {
    words: 'there is no such key store in this AWS account and Region',
    remediation: 'check in AWS whether it was deleted; holdfast external-key-store refresh shows its state',
  },
  AlreadyExistsException: {
    words: 'another KMS key in this AWS account and Region has this alias',
    remediation:
      'choose another alias (holdfast kms-key edit --alias), or move it here (holdfast kms-key retry --take-alias)',
  },
  InvalidAliasNameException: {
    words: 'AWS rejected the alias',
    remediation:
      'use alias/ followed by 1 to 250 of A-Z, a-z, 0-9, "/", "_" and "-", not beginning with alias/aws/',
  },
  MalformedPolicyDocumentException: {
    words: 'AWS rejected the key policy',
    remediation:
      'check that each user and role in it exists in IAM, and that the principal of the CSP account may change the policy afterwards: AWS refuses one that locks its author out',
  },
  TagException: {
    words: 'AWS rejected the tags',
    remediation: 'use at most 50 tags, none of them beginning with aws:',
  },
  LimitExceededException: {
    words: 'a quota of AWS KMS has been reached',
    remediation:
      'by default 100,000 KMS keys, 50 aliases per key and 50 tags are allowed; delete what is not used, or request a higher quota from AWS (Service Quotas)',
  },
  NotFoundException: {
    words: 'AWS has no such KMS key or alias in this account and Region',
    remediation: 'holdfast kms-key refresh shows what AWS has',
  },
  KMSInvalidStateException: {
    words: 'the KMS key, or its key store, is in a state in which AWS KMS does not allow this',
    remediation: 'holdfast kms-key refresh and holdfast external-key-store refresh show the state',
  },
  DisabledException: { words: 'the KMS key is disabled', remediation: 'holdfast kms-key enable' },
};

/** Calls KMS; AWS's refusals are AwsErrors that say what they mean for a KMS key of a CloudKey. */
export async function callKms<T>(operation: string, call: () => Promise<T>): Promise<T> {
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
    const refusal = refusalOf(error.code, (thrown as { message?: unknown }).message);
    if (refusal === undefined) throw error;
    const { requestId, action, certain } = error;
    throw new AwsError(refusal.fault ?? error.fault, error.code, operation, {
      message: `${refusal.words}: ${operation} (${error.code})`,
      remediation: refusal.remediation,
      ...{ requestId, action, certain },
    });
  }
}

/** By the message where that says more than the code. */
function refusalOf(code: string, message: unknown): Refusal | undefined {
  return xksRefusal(code, message) ?? (Object.hasOwn(refusals, code) ? refusals[code] : undefined);
}

/** Whether AWS said so, by its name for it. */
export function isAwsCode(error: unknown, ...codes: string[]): error is AwsError {
  return error instanceof AwsError && codes.includes(error.code);
}
