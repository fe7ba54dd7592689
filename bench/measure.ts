import type { SignedRequest } from '../testing/xks-client.ts';
import type { Server } from './processes.ts';
import { runLoad, type Load } from './wrk.ts';

/** How long a cell is measured, where nothing else is said. */
export const cellSeconds = Number(process.env['BENCH_SECONDS'] ?? 4);

export interface Measured {
  load: Load;
  /** Of all processes of the server, for each request. */
  cpuMicroseconds: number;
  /** MiB. */
  memory: number;
}

export async function measure(
  server: Server,
  requests: readonly SignedRequest[],
  connections: number,
  options: { seconds?: number; pause?: number } = {},
): Promise<Measured> {
  const before = server.cpuSeconds;
  const load = await runLoad({
    port: server.port,
    connections,
    requests,
    seconds: cellSeconds,
    ...options,
  });
  const used = server.cpuSeconds - before;
  return { load, cpuMicroseconds: (used * 1e6) / load.requests, memory: server.residentMiB };
}
