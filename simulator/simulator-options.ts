import type { ClientCertificates } from './client-certificates.ts';

/** All optional: `Simulator.start({})` is an empty AWS on a free port. */
export interface SimulatorOptions {
  /** 0, the default: any free one. */
  readonly port?: number;
  /** 127.0.0.1 by default. */
  readonly address?: string;
  /**
   * PEM texts. By default the simulator makes a CA and a certificate for localhost, s3.localhost, its buckets and 127.0.0.1;
   * 'none' means plain HTTP.
   */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly ca: string } | 'none';
  /** More names under which clients reach the simulator: for its own certificate, and S3's `<bucket>.<name>`. */
  readonly hostNames?: readonly string[];
  /** CloudTrail's file; its directory must exist. */
  readonly trailFile?: string;
  /** PEM that the XKS proxy's certificate must chain to; asked for at each new connection where it is a function. */
  readonly xksCa?: string | (() => string | undefined);
  /** Where XKS hosts really are: `{'xks.example.test': '127.0.0.1:8443'}`; AWS itself calls port 443 of a public name. */
  readonly resolve?: Readonly<Record<string, string>>;
  /** What KMS shows a proxy that asks for a client certificate; nothing unless they are given. */
  readonly clientCertificates?: ClientCertificates;
  readonly time?: SimulatedTimes;
  /** Users, keys, buckets and objects are read from it and kept in it. It has secrets: mode 0600. */
  readonly stateFile?: string;
  readonly log?: (line: string) => void;
  /** The clock, for tests. */
  readonly now?: () => Date;
  /** For tests: the clock by which changes spread, where that is not `now`. */
  readonly spreadClock?: () => Date;
  /** For tests: what chance is, from 0 to 1, so that what was found is found again. */
  readonly random?: () => number;
}

/** Delays in milliseconds; what is not given is as in AWS. */
export interface SimulatedTimes {
  readonly connectMs?: number;
  readonly disconnectMs?: number;
  readonly healthEveryMs?: number;
  /** The same for aliases alone. `consistencyMs` by default. */
  readonly aliasDelayMs?: number;
  /**
   * How long some of AWS's hosts sign with the XKS credential that a connected key store had before (developer guide: changes
   * may take five minutes). 0 by default; until `KmsControls.spread` where `KmsControls.slowUpdates` says so.
   */
  readonly updateSpreadMs?: number;
  /** The length of one day of a waiting period. */
  readonly dayMs?: number;
  /** KMS's request quotas: as many requests in so many milliseconds as AWS allows in a second; none unless it is given. */
  readonly quotaSecondMs?: number;
  /** AWS waits 250 ms for an XKS proxy. */
  readonly xksTimeoutMs?: number;
  /** How long a change of a KMS key, alias, key store, IAM user, access key or policy may not show. 0 by default. */
  readonly consistencyMs?: number;
  /** How long a new access key is unknown to the services: IAM is eventually consistent. `consistencyMs` by default. */
  readonly accessKeyDelayMs?: number;
  /** How long IAM does not tell that an access key was used: in AWS up to four hours. 0 by default. */
  readonly lastUsedDelayMs?: number;
  /** How long S3 uses a bucket key before it asks KMS again: 5 minutes by default, since AWS does not say. */
  readonly bucketKeyMs?: number;
}
