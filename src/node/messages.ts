import type { NodeFacts, TokenReport } from '../admin/services.ts';
import type { AwsSettings } from '../cloud/aws/clients.ts';
import type { LoadedAdmin, LoadedConfig, LoadedToken } from '../config/load.ts';
import type { NodeFigures, WorkerFigures } from '../metrics/figures.ts';
import type { TokenInfo } from '../token/token-info.ts';
import type { OwnKeyProofs } from '../token/own-key-proofs.ts';
import type { ServedTls, TlsMessage } from './tls/node-tls.ts';
import type { ToldHistory } from '../serving/known-history.ts';
import type { QuotaAsk, QuotaGrant } from '../serving/quota.ts';
import type { ServedWrite, ServedWritten } from '../serving/served-writes.ts';
import type { MemberHosts } from '../token/pool/pool-hosts.ts';
import type { OtherToken } from '../xks/fleet-tokens.ts';

/* What the supervisor and its workers tell each other over Node's IPC channel. A token host's socket travels as a handle. */

/** What a worker gets of the configuration: nothing of PINs and nothing that a vendor's module reads. */
export interface WorkerConfig extends Pick<LoadedConfig, 'xks' | 'log' | 'store'>, ServedTls {
  nodeId: string;
  /** What this process of the worker is called, and no other ever is. */
  instance: string;
  tokens: WorkerToken[];
  version: string;
  reusePort: boolean;
  /** As it was told last. */
  fleet: Omit<FleetMessage, 'kind'>;
  /** What the node knew of the store's history last. */
  history: Omit<ToldHistory, 'asked'>;
}

export interface WorkerToken extends Pick<
  LoadedToken,
  'name' | 'profile' | 'sick_after_ms' | 'kill_after_ms' | 'moduleProfile'
> {
  /** The HSMs that hold its keys, and how many hosts of each this worker has. */
  members: readonly MemberHosts[];
}

/** What the management process gets of it: it has no PIN either. */
export interface ManagementConfig extends Pick<LoadedConfig, 'audit' | 'log' | 'store'>, ServedTls {
  nodeId: string;
  admin: LoadedAdmin;
  aws: AwsSettings;
  tokens: WorkerToken[];
  version: string;
}

export type StartMessage =
  { kind: 'start'; config: WorkerConfig } | { kind: 'start-management'; config: ManagementConfig };

/** Keys of our own in one token that were made anew. */
export interface OwnKeysMade {
  token: string;
  /** Of the token. */
  serial: string;
  proofs: OwnKeyProofs;
}

/** What the others of the fleet say. */
export interface FleetMessage {
  kind: 'fleet';
  /** How many nodes are live. */
  live: number;
  /** Tokens of the other ones. */
  tokens: OtherToken[];
  /** This node is to get no new work. */
  drained: boolean;
}

/** What the node knows of the store's history. */
export type HistoryMessage = { kind: 'history' } & ToldHistory;

export type ToWorker =
  | StartMessage
  /** Answers `verify-token`. */
  | { kind: 'token-report'; id: number; report: TokenReport }
  /** Answers `node-facts`. */
  | { kind: 'node-facts'; id: number; facts: NodeFacts }
  /** Answers `node-figures`. */
  | { kind: 'node-figures'; id: number; figures: NodeFigures }
  /** An XKS worker is to tell what it has counted. */
  | { kind: 'figures' }
  /** `operationTime` is what an encryption with its decryption took the host, milliseconds. */
  | {
      kind: 'host';
      token: string;
      /** Which of the HSMs that hold the token's keys it is of. */
      member: string;
      id: number;
      pid: number;
      info: TokenInfo;
      ownProofs: OwnKeyProofs;
      operationTime: number;
    }
  /** A host of the token has made keys of our own anew: their proofs, in place of those that are kept. */
  | ({ kind: 'own-keys-made' } & OwnKeysMade)
  | { kind: 'host-gone'; token: string; id: number; pid: number }
  /** Another worker, at the other end of the handle, may use this one's hosts of the token. */
  | { kind: 'lend'; token: string }
  /** What none of its own hosts can do, those of the worker `pid` do, at the other end of the handle. */
  | { kind: 'borrow'; token: string; id: number; pid: number; hosts: number; prepared: boolean }
  | { kind: 'borrowed-hosts'; token: string; id: number; hosts: number; prepared: boolean }
  | { kind: 'borrowed-gone'; token: string; id: number }
  /**
   * The token's members of which some worker has fewer hosts than it is to have, and of these such as no worker has a host of that
   * finds in time what is asked of it.
   */
  | { kind: 'others-lack-hosts'; token: string; lacking: string[]; gone: string[] }
  /** Answers `quota`. */
  | { kind: 'quota'; grants: QuotaGrant[] }
  /** Answers `served-write`; without `written` nothing was, and `problem` says why; `refused` where nothing ever will be. */
  | { kind: 'served-written'; id: string; written?: ServedWritten; problem?: string; refused?: boolean }
  | TlsMessage
  | FleetMessage
  | HistoryMessage
  | { kind: 'drain' }
  | { kind: 'ping' };

export type ToSupervisor =
  | { kind: 'listening'; port: number }
  | { kind: 'kill-host'; id: number }
  /** The host finds in time what is asked of it; `keys` is how many it has learned. */
  | { kind: 'host-prepared'; id: number; keys: number }
  /** What a worker was lent is gone, and nobody has told it so. */
  | { kind: 'borrowed-lost'; id: number }
  /** The management process asks for a fresh host to try one of the token's HSMs with. */
  | { kind: 'verify-token'; id: number; token: string; member: string }
  /** The management process asks what the supervisor knows of the node. */
  | { kind: 'node-facts'; id: number }
  /** It asks what was counted on the node since it asked last. */
  | { kind: 'node-figures'; id: number }
  /** An XKS worker answers `figures`. */
  | { kind: 'figures'; figures: WorkerFigures }
  /** An XKS worker asks for requests of the buckets that every worker draws from. */
  | { kind: 'quota'; asks: QuotaAsk[] }
  /** An XKS worker has something written: it only reads the store. `id` is of this ask alone, of all workers. */
  | { kind: 'served-write'; id: string; write: ServedWrite }
  /** An XKS worker has found that the store was changed, or that it has gone back in time; it waits for `history`. */
  | { kind: 'store-moved'; id: number }
  | { kind: 'pong' };
