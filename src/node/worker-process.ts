import type { Socket } from 'node:net';
import { standardError } from '../output-sink.ts';
import { letInNoFurtherAddon } from '../store/sqlite/only-addon.ts';
import type { TokenPool } from '../token/pool/token-pool.ts';
import type { Listener } from '../http/listener.ts';
import type { StartMessage, ToSupervisor, ToWorker } from './messages.ts';

/** What a worker does with the messages of its supervisor; `start` and `ping` are seen to here. */
export interface Worker {
  receive(message: ToWorker, handle: Socket | undefined): void;
}

/** What every worker takes alike. */
type CommonMessage = Extract<ToWorker, { kind: 'host-gone' | 'tls' | 'ticket-keys' | 'drain' }>;

export interface CommonParts {
  pools: ReadonlyMap<string, Pick<TokenPool, 'removeHost'>>;
  listener: Pick<Listener, 'useTls' | 'useTicketKeys'>;
  drain: () => Promise<void>;
}

export function receiveCommon(message: CommonMessage, { pools, listener, drain }: CommonParts): void {
  switch (message.kind) {
    case 'host-gone':
      pools.get(message.token)?.removeHost(message.id);
      break;
    case 'tls':
      listener.useTls(message.tls);
      break;
    case 'ticket-keys':
      listener.useTicketKeys(message.ticketKeys);
      break;
    case 'drain':
      void drain();
      break;
  }
}

export function tell(message: ToSupervisor): void {
  if (process.connected) process.send?.(message);
}

/**
 * The life of a process that faces the network: started by its supervisor's message, watched by its pings, ended by its
 * leaving.
 */
export function runWorker(name: string, start: (message: StartMessage) => Promise<Worker>): void {
  // Before anything is heard from anybody.
  letInNoFurtherAddon();
  let worker: Promise<Worker> | undefined;
  /** Token hosts that this worker was given and that have not gone. */
  const hostPids = new Set<number>();
  process.on('message', (message: ToWorker, handle: Socket | undefined) => {
    if (message.kind === 'ping') return tell({ kind: 'pong' });
    if (message.kind === 'start' || message.kind === 'start-management') {
      worker = start(message);
      worker.catch((error: unknown) => {
        standardError().write(`holdfast: the ${name} cannot start: ${(error as Error).message}\n`);
        process.exit(70);
      });
      return;
    }
    if (message.kind === 'host') hostPids.add(message.pid);
    if (message.kind === 'host-gone') hostPids.delete(message.pid);
    void worker?.then((running) => running.receive(message, handle));
  });
  // Without its supervisor a worker would serve with hosts that nobody replaces. A host ends when it reads that its
  // socket is closed; one that hangs in its module never reads.
  process.on('disconnect', () => {
    for (const pid of hostPids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    }
    process.exit(0);
  });
  // The supervisor decides when to end: a terminal's Ctrl-C and systemd's SIGTERM reach every process of the group.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('SIGHUP', () => undefined);
}
