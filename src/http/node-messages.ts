import type { LoadedConfig, LoadedToken } from '../config/load.ts';
import type { TokenInfo } from '../token/cryptoki.ts';

/* What the supervisor and its workers tell each other over Node's IPC channel. A token host's socket travels as a handle. */

/** What a worker gets of the configuration: nothing of PINs and nothing that a vendor's module reads. */
export interface WorkerConfig extends Pick<LoadedConfig, 'xks' | 'log' | 'node' | 'storePath'> {
  tokens: WorkerToken[];
  version: string;
  reusePort: boolean;
}

export interface WorkerToken extends Pick<
  LoadedToken,
  'name' | 'sick_after_ms' | 'kill_after_ms' | 'moduleProfile'
> {
  /** How many hosts of the token this worker has. */
  hosts: number;
}

export type ToWorker =
  | { kind: 'start'; config: WorkerConfig }
  | { kind: 'host'; token: string; id: number; pid: number; info: TokenInfo }
  | { kind: 'host-gone'; token: string; id: number; pid: number }
  | { kind: 'reload' }
  | { kind: 'drain' }
  | { kind: 'ping' };

export type ToSupervisor =
  { kind: 'listening'; port: number } | { kind: 'kill-host'; id: number } | { kind: 'pong' };
