/*
 * Why an external key store is FAILED: AWS's connection error codes in words, with what may be behind them on our side
 * and the way out. Sources: AWS KMS Developer Guide, "Connection error codes for external key stores"; AWS KMS API
 * Reference, CustomKeyStoresListEntry; XKS proxy API specification, errors and the TLS requirements.
 */

export interface ConnectionError {
  /** As AWS has it. */
  code: string;
  /** What AWS found. */
  meaning: string;
  /** What is behind it as a rule, in our terms. */
  cause: string;
  remediation: string;
  /** Where AWS documents it. */
  source: string;
}

type Explanation = Omit<ConnectionError, 'code' | 'source'>;

const guide =
  'https://docs.aws.amazon.com/kms/latest/developerguide/xks-troubleshooting.html#xks-connection-error-codes';

/** Ends each hint: a FAILED key store is disconnected by the same command before it is connected again. */
const connect = 'then holdfast external-key-store connect';

/** Every code that AWS KMS gives for external key stores. */
export const connectionErrors = {
  INTERNAL_ERROR: {
    meaning: 'AWS KMS itself failed.',
    cause: 'An error inside AWS; the proxy is not the cause.',
    remediation:
      'run holdfast external-key-store connect once more; if it persists, see the AWS Health Dashboard and ask AWS Support',
  },
  INVALID_CREDENTIALS: {
    meaning: 'The proxy did not accept the signature that AWS KMS made with its XKS credential.',
    cause:
      'The credential is withdrawn, expired, retired or that of another key set; the secret was entered wrongly; the clock of the node is more than five minutes off; or something between AWS and the node changes the Host header, the path or other signed headers.',
    remediation: `holdfast credential list shows whether it is live and was ever seen; holdfast doctor finds wrong clocks and rewritten headers; holdfast external-key-store rotate-credential gives AWS a new one; ${connect}`,
  },
  NETWORK_ERRORS: {
    meaning: 'Network errors prevent AWS KMS from connecting.',
    cause:
      'With a public endpoint, the path between AWS and the proxy: routing, firewall, DNS. With a VPC endpoint service, the load balancer, its targets or their security groups.',
    remediation: `run holdfast doctor from outside the network of the node; ${connect}`,
  },
  XKS_PROXY_ACCESS_DENIED: {
    meaning: 'The proxy answered that AWS KMS may not use it (403).',
    cause:
      'Holdfast itself never denies a health check, so something in front of it answered: a web application firewall, a reverse proxy, an IP access list.',
    remediation: `allow AWS KMS to reach the XKS paths in whatever stands in front of the node (holdfast doctor shows whether Holdfast itself answers); ${connect}`,
  },
  XKS_PROXY_INVALID_CONFIGURATION: {
    meaning: 'AWS KMS reached the proxy, but the proxy does not know the URI path that AWS KMS uses.',
    cause:
      'The XksProxyUriPath in AWS is not that of the key set; the key set is not, or no longer, an external key store; or a reverse proxy strips or adds part of the path.',
    remediation: `compare uriPath here with xksProxyUriPath of holdfast key-set show; holdfast external-key-store edit --restore-path sets it in AWS; holdfast key-set edit --external-key-store yes; ${connect}`,
  },
  XKS_PROXY_INVALID_RESPONSE: {
    meaning: 'AWS KMS cannot interpret the response that it received.',
    cause:
      'Something other than Holdfast answered: a load balancer’s page, another service under this name; something in between alters responses; or the node itself failed and answered 500 InternalException.',
    remediation: `holdfast doctor shows what answers at the endpoint and whether the response is intact; the node’s log has the cause of a 500; ${connect}`,
  },
  XKS_PROXY_INVALID_TLS_CONFIGURATION: {
    meaning: 'AWS KMS cannot establish a TLS connection that it trusts.',
    cause:
      'The certificate has expired, is for another host name, lacks its intermediate certificates, or is from a CA that is not on AWS’s list for external key stores; the listener asks for a client certificate that AWS does not send; or neither TLS 1.2 nor 1.3 is offered with a cipher suite that AWS uses.',
    remediation: `holdfast doctor checks chain, name, days left, issuer and suites; put the right certificate in place (xks.tls), which needs no restart; ${connect}`,
  },
  XKS_PROXY_NOT_REACHABLE: {
    meaning:
      'AWS KMS cannot reach the proxy at its endpoint, or the proxy reported that none of its HSMs can be used.',
    cause:
      'The name has no public IPv4 address; port 443 is closed or does not lead to the node; the node is down; every token is UNAVAILABLE; or the distance is so great that connecting uses up too much of the 250 ms (AWS asks for a round trip below 35 ms).',
    remediation: `run holdfast doctor from outside the network of the node for DNS, port, round trip and health, and holdfast token verify for the tokens; ${connect}`,
  },
  XKS_PROXY_TIMED_OUT: {
    meaning: 'AWS KMS reached the proxy, but the proxy did not respond within 250 ms.',
    cause:
      'A slow or overloaded token, a node with too few processors, or a long distance between node and HSM or between AWS and node.',
    remediation: `holdfast doctor measures round trip and response times; add token hosts or use a nearer HSM if the token is the cause; ${connect}`,
  },
  XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION: {
    meaning: 'The VPC endpoint service does not meet the requirements of an external key store.',
    cause:
      'It must be a service for interface endpoints with a network load balancer in at least two Availability Zones; allow the principal cks.kms.<region>.amazonaws.com; not require acceptance; and have a private DNS name that is verified, unique in the Region and identical to the host name of the endpoint here, with a certificate for it.',
    remediation: `correct in Amazon VPC what differs; run holdfast external-key-store edit if the endpoint here is not the private DNS name; ${connect}`,
  },
  XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND: {
    meaning: 'AWS KMS cannot find the VPC endpoint service.',
    cause:
      'Its name is wrong, it is in another Region or AWS account than specified, or it does not allow the principal cks.kms.<region>.amazonaws.com.',
    remediation: `compare name and owner with Amazon VPC (holdfast external-key-store edit changes them while disconnected), and allow the principal there; ${connect}`,
  },
} as const satisfies Record<string, Explanation>;

export type ConnectionErrorCode = keyof typeof connectionErrors;

/** A code in words. One that is not known, since AWS adds some, is shown as it is. */
export function explainConnectionError(code: string): ConnectionError {
  const known: Explanation | undefined = Object.hasOwn(connectionErrors, code)
    ? connectionErrors[code as ConnectionErrorCode]
    : undefined;
  return {
    code,
    source: guide,
    ...(known ?? {
      meaning: 'AWS KMS could not connect, for a reason that this version of Holdfast does not know.',
      cause: 'See AWS’s documentation of the code.',
      remediation: `look up the code in the AWS KMS API Reference, CustomKeyStoresListEntry; run holdfast doctor; ${connect}`,
    }),
  };
}
