import type { Distribution } from './latency.ts';

/*
 * What the processes of a node count, as they tell each other. What grows is told as what came since it was told last: a
 * process that is replaced takes nothing of the sums with it.
 */

/** Of the requests of one key set and operation. */
export interface RequestFigures extends Distribution {
  /** Its id; '' of requests that were not authenticated. */
  keySet: string;
  /** Of the XKS API; '' of paths that are none of it. */
  operation: string;
  /** How many ended with each error of the XKS API; the others succeeded. */
  errors: Record<string, number>;
  /** Of those with ThrottlingException: by the quota of what, or by the node. */
  throttled: Record<string, number>;
}

/** Of what one token was asked by AWS's requests. */
export interface TokenFigures {
  token: string;
  /** In the token itself, and before it. */
  operations: Distribution;
  waits: Distribution;
  /** What it failed with. */
  faults: Record<string, number>;
}

/** A token's hosts and queue in one process, at this moment. */
export interface PoolFigures {
  token: string;
  /** Of each HSM that holds the token's keys: hosts that do not answer as they should. */
  members: { member: string; sick: number }[];
  hosts: HostFigures[];
  waiting: number;
  underWay: number;
  /** How long a single operation that came now would wait, milliseconds; null where no host is well. */
  wait: number | null;
}

export const hostStates = ['starting', 'ready', 'busy', 'sick', 'dead'] as const;

/** A token host that is there, as the process that it is of finds it. */
export interface HostFigures {
  pid: number;
  member: string;
  state: (typeof hostStates)[number];
  /** Its last health check: how long ago it was answered, and what it took in the host, milliseconds; null while there was none. */
  check: { ago: number; took: number; ok: boolean } | null;
}

/** Of a process's event loop and heap, since its start and now. */
export interface LoopFigures {
  /** Milliseconds in which it worked, and in which it waited for something to do. */
  active: number;
  idle: number;
  heapUsed: number;
}

/** Of the lease under which an XKS worker serves from memory, since its start and now. */
export interface LeaseFigures {
  /** Milliseconds: what it was asked for, and for how long it holds unless it is renewed. */
  length: number;
  remaining: number;
  renewals: number;
  failures: number;
  lost: number;
  /** Requests that asked the store, by why. */
  asks: { 'no-lease': number; refusal: number };
  /** Of what it serves by. */
  revision: number;
}

/** What an XKS worker tells when it is asked. */
export interface WorkerFigures {
  requests: RequestFigures[];
  tokens: TokenFigures[];
  pools: PoolFigures[];
  loop: LoopFigures;
  /** Of the lease under which it serves from memory; null where each request asks the store. */
  lease: LeaseFigures | null;
  /** How often it found that the store had gone back in time, since its start. */
  wentBack: number;
}

/** A process of the node as the kernel sees it. */
export interface ProcessFigures {
  process: 'supervisor' | 'xks-worker' | 'management' | 'token-host';
  /** Of the XKS worker, or of the one that the token host is of; '' otherwise. */
  worker: string;
  /** Of a token host. */
  token: string;
  /** Which of the token hosts of its worker. */
  host: string;
  /** Seconds of the processor. */
  cpu: number;
  /** Bytes. */
  resident: number;
  threads: number;
  openFiles: number;
}

/** How often something was started since the supervisor was: a worker by its kind and number, a token host by its token. */
export interface StartFigures {
  process: 'xks-worker' | 'management' | 'token-host';
  worker: string;
  token: string;
  starts: number;
}

/** What the supervisor tells of itself and of all others. */
export interface NodeFigures {
  workers: { worker: number; figures: WorkerFigures }[];
  processes: ProcessFigures[];
  starts: StartFigures[];
  /** What serving has written, since the supervisor's start, and what waits to be. */
  writes: { durations: Distribution; failed: number; waiting: number };
}
