import type { Logger } from '../log.ts';
import type { AwsClients } from '../cloud/aws/clients.ts';
import type { NewPinBy } from '../token/login-gate.ts';
import type { ShownTokenInfo } from '../token/token-info.ts';
import type { GatheredMetrics } from '../metrics/series/gathered-metrics.ts';
import type { KeyContext } from '../keys/followers.ts';

/** What the management API needs of the node. */
export interface AdminServices extends KeyContext {
  aws: AwsClients;
  log: Logger;
  version: string;
  /** Origin under which operators reach the API, such as `https://keys.example.com:9443`. */
  publicUrl: string;
  /** Which of several appliances this is, for people. */
  environment?: Environment;
  /** The tokens of the configuration, in its order; the first one's sealing key seals secrets of the appliance. */
  tokenFacts: readonly TokenFacts[];
  sessions: SessionLimits;
  pruning: Pruning;
  /** Starts one more host for the token: login, mechanism list, self-test, each timed. */
  verifyToken: (name: string) => Promise<TokenReport>;
  /** What the supervisor of this node knows, soon; undefined where it does not say. */
  nodeFacts?: () => Promise<NodeFacts | undefined>;
  /** What this node counts; undefined where nobody does. */
  gathered?: GatheredMetrics;
  /** The disk of the store. */
  disk?: () => DiskFacts;
  /** Why the store takes no write, where somebody has changed its schema. */
  whyUnwritable?: () => { message: string; remediation: string } | undefined;
  /** What the database server does not do that is claimed of it. */
  durabilityProblems?: () => readonly string[];
  /** Connections of this process to a database server; undefined with a file. */
  storeConnections?: () => Readonly<Record<'used' | 'idle' | 'waiting', number>> | undefined;
}

export interface Environment {
  label: string;
  color: 'red' | 'amber' | 'green' | 'blue' | 'grey';
}

/** What only the supervisor knows. */
export interface NodeFacts {
  tokens: {
    name: string;
    /** Token hosts that the workers of the node are to have together, and those that serve. */
    hosts: number;
    up: number;
    /** The token, or a member of the HSM group, has refused its PIN: nobody tries it again before a reload, or a restart. */
    pinRefused: boolean;
    /** What has the node take another PIN. */
    newPinBy: NewPinBy;
    /** Why a host did not start last. */
    problem: string | undefined;
    /** Keys of Holdfast's own in it that are not the ones that were made, in words. */
    ownKeys: string[];
    /** The HSMs that hold its keys: of an HSM group two or more, else one of the token's name. */
    members: MemberFacts[];
  }[];
  certificates: {
    listeners: ('xks' | 'management')[];
    subject: string;
    expiresAt: string;
    /** Why the files that are in place are not what is served. */
    refused?: string;
  }[];
  /** Request quotas near their end or past it, on this node. */
  quotas: {
    /** Since when refusals are counted, ISO 8601. */
    refusedSince: string;
    near: {
      /** `key-set:<id>` or `cloud-key:<id>`. */
      bucket: string;
      /** Used in the last whole minute: 1 is all. */
      share: number;
      refused: number;
    }[];
  };
}

/** Of one HSM. */
export interface MemberFacts {
  name: string;
  serial: string | undefined;
  /** Token hosts that all processes of the node are to have of it, and those that serve. */
  hosts: number;
  up: number;
  /** Since when one serves at the least, or none does, ISO 8601. */
  since: string;
  pinRefused: boolean;
  /** What kept the last host that did not start from it; undefined while none fails. */
  failure: { problem: string; remediation: string } | undefined;
  /** What the token told of itself to the host that opened it last; undefined while none has. */
  info: ShownTokenInfo | undefined;
  /** Its token hosts, of all processes of the node. */
  each: HostFacts[];
}

/** A token host that a process of the node is to have. */
export interface HostFacts {
  /** The XKS worker that it is of; null of the management process. */
  worker: number | null;
  /** Null while it starts. */
  pid: number | null;
  /** It finds in time what is asked of it. */
  prepared: boolean;
  /** When it passed its self-test, ISO 8601; null while it has not. */
  provenAt: string | null;
}

export interface DiskFacts {
  /** Bytes. */
  free: number;
  total: number;
  /** What is kept free for what takes power away, and how much of it there is to be. */
  reserve: number;
  wholeReserve: number;
}

/** Who makes the IV, as profiles have it. */
export const ivModes = ['caller', 'hsm-at-init', 'hsm-at-encrypt', 'hsm-in-place', 'hsm-appended'] as const;

export interface TokenFacts {
  name: string;
  profile: string;
  vendor: string;
  model: string;
  /** How its profile has IVs made, which each host proves before it serves. */
  iv: { mode: (typeof ivModes)[number]; bytes: number };
  /** Whether its profile says that all of each IV is drawn at random: else each HSM of it may count its own. */
  drawsIvs: boolean;
}

/** Of the audit trail. */
export interface Pruning {
  /** No younger event is pruned, days. */
  keepAtLeastDays: number;
  /** Tells the pruner that something was asked for. */
  wake: () => void;
}

export interface SessionLimits {
  /** Without a request for so long a session ends, minutes. */
  idleMinutes: number;
  /** However busy, it ends after so long, minutes. */
  maxMinutes: number;
}

/** What a fresh token host found out about its token. */
export interface TokenReport {
  ok: boolean;
  /** One line for each thing tried, in order; the first that failed is the last. */
  steps: {
    name: 'module' | 'token' | 'login' | 'mechanisms' | 'self-test' | 'key-making' | 'latency';
    ok: boolean;
    milliseconds: number;
    detail: string;
  }[];
  /** What to do, where it failed. */
  remediation?: string;
  info?: ShownTokenInfo;
  mechanisms?: string[];
}
