import { tokenFaults } from '../../token/faults.ts';
import { remediationOfFault } from '../../token/remediations.ts';

/*
 * What to do about a request that failed, by the error that AWS was told and by what is known besides. A fault of a token
 * has the words that its log line has.
 */

const throughTheMiddle =
  'something between AWS and the node changes the request, or it is not from AWS: holdfast doctor shows what arrives';

const ofReason: Readonly<Record<string, string>> = {
  'unknown-credential':
    'the access key id is not a live credential of the key set at this path: compare holdfast credential list with what AWS has, or give AWS another: holdfast credential rotate',
  'signature-mismatch':
    'the secret in AWS is not the one of this credential: holdfast credential rotate. Or ' + throughTheMiddle,
  'clock-skew':
    'the clock of the node, or of who signed, is off by more than five minutes: compare it with holdfast node list',
  DISABLED: 'the CloudKey is disabled: holdfast cloud-key enable',
  FROZEN: 'the key set or its vault is frozen: holdfast key-set thaw, holdfast vault thaw',
  EXPIRED: 'the CloudKey has expired: holdfast cloud-key edit --expires',
  PENDING_DELETION: 'the CloudKey is pending deletion: holdfast cloud-key cancel-deletion',
  'encryption-limit': 'its version has encrypted as often as is safe: holdfast cloud-key rotate',
  'cloud-key': 'the quota of the CloudKey is spent: raise it, or look for who asks so often',
  'key-set':
    'the quota of the key set is spent: holdfast key-set edit --quota, or look for who asks so often',
  ...Object.fromEntries(tokenFaults.map((fault) => [fault, remediationOfFault(fault)])),
};

const ofError: Readonly<Record<string, string>> = {
  AuthenticationFailedException: throughTheMiddle,
  InvalidUriPathException:
    'no key set has this path prefix: compare that of the external key store in AWS with holdfast key-set list',
  KeyNotFoundException:
    'the KMS key names an external key id that the key set does not have: holdfast cloud-key list --key-set',
  InvalidKeyUsageException: 'the CloudKey was created for the other usage alone, which is permanent',
  InvalidCiphertextException:
    'this is not what the key made: look at what the caller sends, and whether a version was destroyed',
  ThrottlingException: 'more is asked than the node can answer: holdfast status, docs/sizing.md',
  ValidationException: 'it is not a request as AWS KMS makes them: ' + throughTheMiddle,
  UnsupportedOperationException:
    'it is longer than the token takes, or not a POST: limits of the profile, docs/profiles.md',
};

const inTheLog = 'look for the KMS request id in the log of the node';

/** One line for whoever looks after it. */
export function remedyOf(error: string, reason: string): string {
  return ofReason[reason] ?? ofError[error] ?? inTheLog;
}
