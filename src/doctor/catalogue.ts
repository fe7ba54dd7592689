/** Codes that AWS KMS gives for a key store that cannot be connected (KMS API, CustomKeyStoresListEntry). */
export const connectionErrorCodes = [
  'INVALID_CREDENTIALS',
  'NETWORK_ERRORS',
  'XKS_PROXY_ACCESS_DENIED',
  'XKS_PROXY_INVALID_CONFIGURATION',
  'XKS_PROXY_INVALID_RESPONSE',
  'XKS_PROXY_INVALID_TLS_CONFIGURATION',
  'XKS_PROXY_NOT_REACHABLE',
  'XKS_PROXY_TIMED_OUT',
  'XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION',
  'XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND',
] as const;
export type ConnectionErrorCode = (typeof connectionErrorCodes)[number];

/** Findings are reported under these headings, in this order. */
export const groups = {
  name: 'Name',
  connection: 'Connection',
  certificate: 'Certificate',
  tls: 'TLS and HTTP',
  path: 'Paths',
  middlebox: 'What stands in between',
  credential: 'Credential and clock',
  health: 'Tokens, as AWS sees them',
  key: 'Keys',
  time: 'Time',
  node: 'This node',
} as const;
export type Group = keyof typeof groups;

interface Check {
  /** What is looked at. */
  title: string;
  /** Why it matters to AWS, or to whoever answers for the node. */
  why: string;
  /** What AWS says where it fails. */
  code?: ConnectionErrorCode;
}

const tls = 'XKS_PROXY_INVALID_TLS_CONFIGURATION';

/** Every check there is. Ids are stable: programs go by them. Their first word is the group. */
export const catalogue = {
  'name.qualified': {
    title: 'fully qualified name',
    why: 'AWS KMS takes a DNS name with its domain, never an address, and looks it up in public DNS.',
    code: 'XKS_PROXY_NOT_REACHABLE',
  },
  'name.resolves': {
    title: 'known to DNS',
    why: 'AWS KMS reaches the proxy by name only.',
    code: 'XKS_PROXY_NOT_REACHABLE',
  },
  'name.ipv4': {
    title: 'IPv4 address',
    why: 'AWS KMS connects over IPv4 only.',
    code: 'XKS_PROXY_NOT_REACHABLE',
  },
  'name.public': {
    title: 'public address',
    why: 'With PUBLIC_ENDPOINT connectivity AWS KMS comes over the internet; addresses of private networks lead it nowhere.',
    code: 'XKS_PROXY_NOT_REACHABLE',
  },
  'name.vpc-domain': {
    title: 'private DNS name',
    why: 'The private DNS name of a VPC endpoint service must be a subdomain of a public domain whose ownership AWS has verified by a TXT record.',
    code: 'XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION',
  },
  'name.vpc-service': {
    title: 'VPC endpoint service',
    why: 'It must be for interface endpoints over IPv4, with a network load balancer in two availability zones, without acceptance, and allow the principal cks.kms.REGION.amazonaws.com.',
    code: 'XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION',
  },
  'connection.port': {
    title: 'port 443',
    why: 'AWS KMS calls port 443 and no other; an endpoint in KMS has no port.',
    code: 'XKS_PROXY_NOT_REACHABLE',
  },
  'connection.tcp': {
    title: 'TCP connection to each address',
    why: 'AWS KMS tries any of the addresses; one that does not answer fails part of the requests.',
    code: 'XKS_PROXY_NOT_REACHABLE',
  },
  'connection.tls': {
    title: 'TLS handshake',
    why: 'Setting up a connection counts into the 250 ms that AWS KMS waits.',
    code: tls,
  },
  'certificate.chain': {
    title: 'chain complete and in order',
    why: 'AWS KMS does not fetch what is missing between the certificate and its CA: the server has to send it.',
    code: tls,
  },
  'certificate.issuer': {
    title: 'CA that AWS trusts',
    why: 'AWS KMS trusts the CAs of a list of its own, and no private ones.',
    code: tls,
  },
  'certificate.name': {
    title: 'name in the certificate',
    why: 'AWS KMS compares it with the endpoint; its guide wants the subject common name to match too.',
    code: tls,
  },
  'certificate.wildcard': {
    title: 'no wildcard',
    why: 'AWS’s metric XksProxyCertificateDaysToExpire has no values where the common name has a wildcard: nobody is warned.',
  },
  'certificate.validity': {
    title: 'days left',
    why: 'AWS KMS stops at once when the certificate of the server, or one between it and the CA, has expired.',
    code: tls,
  },
  'certificate.key': {
    title: 'key and signature',
    why: 'TLS libraries refuse short keys, SHA-1 signatures, and certificates that are not for servers.',
    code: tls,
  },
  'tls.suites': {
    title: 'version and suite',
    why: 'AWS KMS speaks TLS 1.2 or 1.3 with one of four suites (XKS spec, API content type).',
    code: tls,
  },
  'tls.others': {
    title: 'nothing weaker',
    why: 'Old versions and other suites are of no use to AWS and of use to attackers.',
  },
  'tls.mutual': {
    title: 'client certificate',
    why: 'Where the proxy wants one, a client without it must be refused; AWS has deprecated its own in March 2026.',
    code: tls,
  },
  'tls.http': {
    title: 'HTTP versions',
    why: 'HTTP/1.1 must work; HTTP/2 may (XKS spec, API content type).',
    code: 'XKS_PROXY_INVALID_RESPONSE',
  },
  'path.balancer': {
    title: 'health check of load balancers',
    why: 'A load balancer that is refused a plain GET takes the node out, and AWS finds nobody.',
  },
  'path.method': {
    title: 'GET at an API is refused',
    why: 'A GET at the URI of an API gets 405 (XKS spec, API operations); another answer comes from something else than the proxy.',
    code: 'XKS_PROXY_INVALID_RESPONSE',
  },
  'path.prefix': {
    title: 'URI path prefix',
    why: 'AWS KMS puts it before every API; it must be the one of the key set, to the letter.',
    code: 'XKS_PROXY_INVALID_CONFIGURATION',
  },
  'path.unknown': {
    title: 'an unknown prefix is refused',
    why: 'The prefix separates tenants: one that nobody has is answered 404 InvalidUriPathException and nothing else.',
    code: 'XKS_PROXY_INVALID_RESPONSE',
  },
  'path.hsts': {
    title: 'HSTS on every answer',
    why: 'Holdfast sends it always: where it is missing something in between changes answers.',
  },
  'middlebox.path': {
    title: 'path arrives as sent',
    why: 'The path is part of the signature and compared to the letter: one that is rewritten is 401 or 404.',
    code: 'XKS_PROXY_INVALID_CONFIGURATION',
  },
  'middlebox.headers': {
    title: 'headers arrive as sent',
    why: 'Host and X-Amz-Date are signed, Authorization carries the signature, Content-Type is looked at: a proxy that changes them refuses AWS in our name.',
    code: 'INVALID_CREDENTIALS',
  },
  'middlebox.tls': {
    title: 'one TLS connection from end to end',
    why: 'What ends TLS in between sees each request and decides on certificate, versions and suites.',
  },
  'credential.accepted': {
    title: 'credential is accepted',
    why: 'AWS KMS signs each request with it.',
    code: 'INVALID_CREDENTIALS',
  },
  'credential.signature': {
    title: 'wrong signatures are refused',
    why: 'Without a valid signature nobody may use a key; the answer is 401 AuthenticationFailedException.',
  },
  'credential.clock': {
    title: 'clocks agree',
    why: 'A request signed more than five minutes from the node’s time is refused; AWS’s clock is right.',
    code: 'INVALID_CREDENTIALS',
  },
  'credential.window': {
    title: 'five minutes, not more',
    why: 'Requests older than five minutes are replays (XKS spec, Appendix A, Task 4); those within must be served.',
  },
  'health.answer': {
    title: 'GetHealthStatus',
    why: 'AWS KMS asks when a key store is created or connected, and every few minutes after.',
    code: 'XKS_PROXY_INVALID_RESPONSE',
  },
  'health.tokens': {
    title: 'health of each token',
    why: 'AWS KMS does not connect if every token is UNAVAILABLE.',
    code: 'XKS_PROXY_NOT_REACHABLE',
  },
  'key.metadata': {
    title: 'GetKeyMetadata',
    why: 'CreateKey in KMS wants AES_256, both usages, and ENABLED.',
  },
  'key.encrypt': { title: 'Encrypt', why: 'Each data key that AWS hands out is one.' },
  'key.integrity': {
    title: 'integrity value of the ciphertext',
    why: 'AWS KMS computes it again and throws a ciphertext away whose value is not right (XKS spec, Appendix C).',
  },
  'key.decrypt': { title: 'Decrypt gives the plaintext back', why: 'All data depends on it.' },
  'key.tampered': {
    title: 'altered ciphertext is refused',
    why: 'It must be InvalidCiphertextException: any other error makes AWS KMS try again, or tell its caller the wrong thing.',
  },
  'key.sizes': {
    title: '4300 bytes with 8192 bytes of AAD',
    why: 'A proxy must take a plaintext of 4300 bytes and an AAD of 8192 (XKS spec, Encrypt).',
  },
  'key.unknown': {
    title: 'unknown key is refused',
    why: 'It must be KeyNotFoundException, for whatever key set.',
  },
  'time.requests': {
    title: 'time of a request',
    why: 'AWS KMS gives up after 250 ms and tries once more. Its own network counts: AWS recommends a ping of 35 ms at the most.',
    code: 'XKS_PROXY_TIMED_OUT',
  },
  'time.connection': {
    title: 'time of a request on a new connection',
    why: 'TCP and TLS count into the 250 ms: three round trips instead of one.',
    code: 'XKS_PROXY_TIMED_OUT',
  },
  'time.load': {
    title: 'time under load',
    why: 'AWS KMS sends up to 1,800 requests per second to a key store by default.',
    code: 'XKS_PROXY_TIMED_OUT',
  },
  'node.configuration': {
    title: 'configuration',
    why: 'Whether the node starts the next time depends on it.',
  },
  'node.port': {
    title: 'port of the XKS listener',
    why: 'AWS KMS calls 443; on another port something must stand in front.',
  },
  'node.modes': {
    title: 'permissions and owners of files',
    why: 'Who reads the PIN, the TLS key or the store can be the node; who writes the configuration, too.',
  },
  'node.disk': {
    title: 'disk space and inodes',
    why: 'A full disk stops every change, also the counts without which nothing is encrypted.',
  },
  'node.store': { title: 'store is whole', why: 'A store that is damaged is found before it is needed.' },
  'node.core-dumps': {
    title: 'no core dumps',
    why: 'Secrets and plaintexts are in the memory of the processes; a core dump would write them to disk.',
  },
  'node.certificate': {
    title: 'certificate file is what is served',
    why: 'A renewal that was not taken up is noticed when the old certificate ends.',
  },
  'node.time-sync': {
    title: 'clock is synchronised',
    why: 'Signatures are good for five minutes to either side of the node’s clock.',
  },
  'node.backup': {
    title: 'age of the newest backup',
    why: 'Which external key id belongs to which key object is in the store alone: without it AWS’s data keys cannot be opened again.',
  },
  'node.tokens': {
    title: 'tokens verified',
    why: 'A fresh login, self-test and timing, past the hosts that serve.',
  },
} as const satisfies Record<string, Check>;

export type CheckId = keyof typeof catalogue;
