import type { AwsFault } from './aws-faults.ts';

/** What a refusal of AWS KMS means where its message tells, not its code. */
export interface XksRefusal {
  fault: AwsFault;
  words: string;
  remediation: string;
}

/** AWS asked the proxy and did not get on with it: `proxy` is retried automatically, soon. */
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
      remediation:
        'connect it (holdfast external-key-store connect); what waits for it then continues automatically',
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
      'nothing for now: it is retried automatically; if it persists, holdfast doctor and holdfast token verify measure where the time goes',
    ),
  ],
  [
    /very high request rate/,
    proxy(
      'the proxy throttled the request of AWS KMS: the request rate was too high',
      'nothing for now: it is retried automatically; if it persists, see the quotas of the key set and the CloudKey',
    ),
  ],
  [
    /cannot communicate with the external key manager/,
    proxy(
      'the proxy told AWS KMS that it cannot use its token',
      'run holdfast token verify and check the log of the node; it is retried automatically',
    ),
  ],
  [
    /cannot communicate with the external key store proxy/,
    proxy(
      'AWS KMS cannot reach the proxy',
      'run holdfast doctor from outside the network of the node; it is retried automatically',
    ),
  ],
  [
    /cannot establish a TLS connection/,
    proxy(
      'AWS KMS cannot establish a trusted TLS connection to the proxy',
      'run holdfast doctor: it checks days left, host name, chain, and whether the CA is on AWS’s list for external key stores; it is retried automatically',
    ),
  ],
  [
    /could not authenticate AWS KMS/,
    proxy(
      'the proxy did not accept the XKS credential that AWS KMS signs with',
      'check holdfast credential list and the clock of the node; holdfast external-key-store rotate-credential gives AWS a new credential; it is retried automatically',
    ),
  ],
  [
    /denied access to the operation/,
    proxy(
      'something in front of the node denied AWS KMS the operation',
      'allow AWS KMS in whatever stands in front of the node (holdfast doctor); it is retried automatically',
    ),
  ],
  [
    /invalid URI path/,
    proxy(
      'the proxy does not know the URI path that AWS KMS uses',
      'if AWS has another path, run holdfast external-key-store edit --restore-path; and check that the key set is an external key store; it is retried automatically',
    ),
  ],
  [
    /cannot interpret the response/,
    proxy(
      'AWS KMS cannot interpret the response of the proxy',
      'check that nothing else answers at the endpoint (holdfast doctor), and check the log of the node; it is retried automatically',
    ),
  ],
  [
    /is not enabled in the external key manager/,
    {
      fault: 'conflict',
      words: 'the CloudKey was not enabled when AWS KMS asked for it',
      remediation: 'enable it and check that its key set is not frozen; then holdfast kms-key retry',
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
