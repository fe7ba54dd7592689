import { counted } from '../../counted.ts';
import type { FindingOn } from './affected.ts';
import type { StatusFinding } from './findings.ts';

/** Of one XKS worker of this node. */
interface WorkerLease {
  worker: number;
  /** Milliseconds. */
  length: number;
  remaining: number;
}

/** A node that serves from memory no more answers AWS all the same, as long as the database answers it. `on` is the node. */
export function leaseFindings(leases: readonly WorkerLease[] | undefined, on: FindingOn): StatusFinding[] {
  if (leases === undefined) return [];
  const ended = leases.filter(({ remaining }) => remaining <= 0);
  if (ended.length === 0) return [];
  return [
    {
      trouble: 'LEASE_ENDED',
      where: 'node',
      on,
      message: `${ended.length} of ${counted(leases.length, 'XKS worker')} of this node hold no lease: each of their requests asks the database, and fails while that is away`,
      remediation: 'on the node: journalctl --unit holdfast | grep lease; docs/fleet.md',
    },
  ];
}

/** For the answer; nothing where each request asks the store by design. */
export function leasesOf(leases: readonly WorkerLease[] = []): {
  workerLeases?: { workers: number; held: number; seconds: number };
} {
  const [first] = leases;
  if (first === undefined) return {};
  const held = leases.filter(({ remaining }) => remaining > 0).length;
  return { workerLeases: { workers: leases.length, held, seconds: first.length / 1_000 } };
}
