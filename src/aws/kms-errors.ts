import { AwsError, callAws } from './aws-error.ts';

interface Refusal {
  words: string;
  wayOut: string;
}

/** AWS KMS API Reference, errors of the operations on keys, aliases, policies and tags. */
const refusals: Readonly<Record<string, Refusal>> = {
  XksKeyAlreadyInUseException: {
    words: 'another KMS key of the key store refers to the CloudKey already',
    wayOut:
      'link that KMS key (holdfast kms-key edit with --key-arn); or delete it in AWS, wait until AWS has, then holdfast kms-key retry',
  },
  XksKeyInvalidConfigurationException: {
    words: 'AWS KMS asked for the external key and does not take what it is told',
    wayOut:
      'the CloudKey must be AVAILABLE, its key set not frozen, and its usage encrypt-decrypt; then holdfast kms-key retry',
  },
  XksKeyNotFoundException: {
    words: 'AWS KMS asked for the external key, and the proxy that the key store leads to does not know it',
    wayOut:
      'see that the key store has the endpoint, path and credential of this key set (holdfast external-key-store show); then holdfast kms-key retry',
  },
  CustomKeyStoreInvalidStateException: {
    words: 'the key store is not connected',
    wayOut: 'connect it (holdfast external-key-store connect); what waits for it goes on by itself',
  },
  CustomKeyStoreNotFoundException: {
    words: 'there is no such key store in this AWS account and Region',
    wayOut: 'see in AWS whether somebody deleted it; holdfast external-key-store refresh shows its state',
  },
  AlreadyExistsException: {
    words: 'another KMS key of this AWS account and Region has this alias',
    wayOut:
      'take another alias (holdfast kms-key edit --alias), or have it moved here (holdfast kms-key retry --take-alias)',
  },
  InvalidAliasNameException: {
    words: 'AWS does not take the alias',
    wayOut: 'alias/ and 1 to 250 of A-Z, a-z, 0-9, "/", "_" and "-", not beginning with alias/aws/',
  },
  MalformedPolicyDocumentException: {
    words: 'AWS does not take the key policy',
    wayOut:
      'see that each user and role in it exists in IAM, and that the principal of the CSP account may change the policy afterwards: AWS refuses one that locks its author out',
  },
  TagException: {
    words: 'AWS does not take the tags',
    wayOut: 'at most 50, none of them beginning with aws:',
  },
  LimitExceededException: {
    words: 'a quota of AWS KMS is reached',
    wayOut:
      '100,000 KMS keys, 50 aliases of a key and 50 tags are allowed by default; delete what is not used, or ask AWS for more (Service Quotas)',
  },
  NotFoundException: {
    words: 'AWS has no such KMS key or alias in this account and Region',
    wayOut: 'holdfast kms-key refresh; where it was deleted, holdfast kms-key delete, then create',
  },
  KMSInvalidStateException: {
    words: 'the KMS key is in a state in which AWS does not do this',
    wayOut: 'holdfast kms-key refresh shows it; one that is pending deletion takes cancel-deletion first',
  },
  DisabledException: { words: 'the KMS key is disabled', wayOut: 'holdfast kms-key enable' },
};

/** Calls KMS; AWS's refusals are AwsErrors that say what they mean for a KMS key of a CloudKey. */
export async function callKms<T>(operation: string, call: () => Promise<T>): Promise<T> {
  try {
    return await callAws(operation, call);
  } catch (error) {
    if (!(error instanceof AwsError) || !Object.hasOwn(refusals, error.code)) throw error;
    const { words, wayOut } = refusals[error.code] as Refusal;
    const { requestId, action } = error;
    throw new AwsError(error.fault, error.code, operation, {
      message: `${words}: ${operation} (${error.code})`,
      wayOut,
      requestId,
      action,
    });
  }
}

/** Whether AWS said so, by its name for it. */
export function isAwsCode(error: unknown, ...codes: string[]): error is AwsError {
  return error instanceof AwsError && codes.includes(error.code);
}
