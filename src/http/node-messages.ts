import type { TokenInfo } from '../token/cryptoki.ts';
import type { LoadedConfig } from '../config/load.ts';

/* What the supervisor and its workers tell each other over Node's IPC channel. A token host's socket travels as a handle. */

export type ToWorker =
  | {
      kind: 'start';
      config: LoadedConfig;
      hosts: Record<string, number>;
      version: string;
      reusePort: boolean;
    }
  | { kind: 'host'; token: string; id: number; pid: number; info: TokenInfo }
  | { kind: 'host-gone'; token: string; id: number }
  | { kind: 'reload' }
  | { kind: 'drain' };

export type ToSupervisor =
  { kind: 'listening'; port: number } | { kind: 'kill-host'; id: number } | { kind: 'drained' };
