/** How the node reaches AWS, for every account: the configuration's `[aws]` table. */
export interface AwsSettings {
  /**
   * In place of AWS's own endpoints: VPC endpoints, the simulator. Only the configuration sets them; were they a CSP
   * account's, whoever may make one could have the node call any host.
   */
  endpoints: { kms?: string; iam?: string; sts?: string };
  /** PEM text of the CAs that the endpoints must chain to, in place of the system's. */
  caCertificates?: string;
  /** HTTP proxy, such as `http://proxy.example.com:3128`. */
  proxy?: string;
  /** Hosts that are reached without it, as in NO_PROXY. */
  noProxy?: string;
  /** FIPS endpoints for every account. */
  fips: boolean;
  /** How often a request is sent where AWS throttles or fails. */
  maxAttempts: number;
  /** How long AWS may take to answer one of them, milliseconds. */
  requestTimeoutMs: number;
  /** The node has credentials of its own (instance role, container role, environment), to have roles assumed with. */
  ambient: boolean;
  /** Names of vaults whose CSP accounts may use these credentials directly. */
  ambientVaults: readonly string[];
  /** Changes of one kind that KMS is asked for in an account and Region in a second; as AWS's quotas have it unless told. */
  kmsChangesPerSecond?: number;
  /** Holdfast's, for the user agent that CloudTrail shows. */
  version: string;
}
