import type { AwsFault } from './aws-faults.ts';

/** What a refusal of AWS KMS means where its message tells, not its code. */
export interface XksRefusal {
  fault: AwsFault;
  words: string;
  remediation: string;
}

/** AWS asked the proxy and did not get on with it: `proxy` is tried again by itself, soon. */
const proxy = (words: string, remediation: string): XksRefusal => ({ fault: 'proxy', words, remediation });

/*
 * XKS proxy API specification, "Error codes", KMS Considerations: AWS KMS could not add exceptions for external key stores,
 * so one of a few codes stands for many causes and the message says which. The forms are parts of its texts that no other has.
 */
const byMessage: readonly [RegExp, XksRefusal][] = [
  [
    /not connected to its external key store proxy/,
    {
      fault: 'conflict',
      words: 'the key store is not connected',
      remediation: 'connect it (holdfast external-key-store connect); what waits for it goes on by itself',
    },
  ],
  [
    /is pending deletion/,
    {
      fault: 'conflict',
      words: 'the KMS key is pending deletion',
      remediation: 'cancel its deletion first (holdfast kms-key cancel-deletion)',
    },
  ],
  [
    /did not respond in time|did not respond to the request in the time allotted/,
    proxy(
      'the proxy did not answer AWS KMS within 250 ms',
      'nothing for the moment: it is tried again by itself; if it lasts, holdfast doctor and holdfast token verify measure where the time goes',
    ),
  ],
  [
    /very high request rate/,
    proxy(
      'the proxy refused the request of AWS KMS because there were too many',
      'nothing for the moment: it is tried again by itself; if it lasts, see the quotas of key set and CloudKey',
    ),
  ],
  [
    /cannot communicate with the external key manager/,
    proxy(
      'the proxy told AWS KMS that it cannot work with its token',
      'see holdfast token verify and the log of the node; it is tried again by itself',
    ),
  ],
  [
    /cannot communicate with the external key store proxy/,
    proxy(
      'AWS KMS cannot reach the proxy',
      'holdfast doctor, from outside the network of the node; it is tried again by itself',
    ),
  ],
  [
    /cannot establish a TLS connection/,
    proxy(
      'AWS KMS cannot make a TLS connection to the proxy that it trusts',
      'holdfast doctor: days left, host name, chain, and whether the CA is on AWS’s list for external key stores; it is tried again by itself',
    ),
  ],
  [
    /could not authenticate AWS KMS/,
    proxy(
      'the proxy did not accept the XKS credential that AWS KMS signs with',
      'see holdfast credential list and the clock of the node; holdfast external-key-store rotate-credential gives AWS a new one; it is tried again by itself',
    ),
  ],
  [
    /denied access to the operation/,
    proxy(
      'something before the node denied AWS KMS the operation',
      'let AWS KMS through in whatever stands before the node (holdfast doctor); it is tried again by itself',
    ),
  ],
  [
    /invalid URI path/,
    proxy(
      'the proxy does not know the URI path that AWS KMS has',
      'holdfast external-key-store edit --restore-path where AWS has another; and see that the key set is an external key store; it is tried again by itself',
    ),
  ],
  [
    /cannot interpret the response/,
    proxy(
      'AWS KMS cannot read what the proxy answered',
      'see that nothing else answers under the endpoint (holdfast doctor), and the log of the node; it is tried again by itself',
    ),
  ],
  [
    /is not enabled in the external key manager/,
    {
      fault: 'conflict',
      words: 'while AWS KMS asked for it the CloudKey was not enabled',
      remediation: 'enable it and see that its key set is not frozen; then holdfast kms-key retry',
    },
  ],
];

/** The codes that have many causes. */
const ambiguous = new Set([
  'KMSInvalidStateException',
  'CustomKeyStoreInvalidStateException',
  'XksKeyInvalidConfigurationException',
  'XksProxyUriUnreachableException',
  'XksProxyInvalidResponseException',
]);

/** Undefined where the code says it all, or the message is not known. Nothing of the message is passed on. */
export function xksRefusal(code: string, message: unknown): XksRefusal | undefined {
  if (!ambiguous.has(code) || typeof message !== 'string') return undefined;
  return byMessage.find(([form]) => form.test(message))?.[1];
}
