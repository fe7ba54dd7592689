import type { Leased, LeaseAsk } from '../src/keys/encryption-leases.ts';
import { writeServed, type ServedStore } from '../src/serving/served-writes.ts';

/** Blocks of encryptions as the supervisor's thread takes them, straight from a store. */
export function leasesOf(store: ServedStore): (ask: LeaseAsk) => Promise<Leased> {
  return async (ask) => {
    const written = await writeServed(store, { kind: 'leases', asks: [ask] }, 'xks-worker/of-a-test');
    return written.kind === 'leases' ? (written.leased[0] ?? null) : null;
  };
}
