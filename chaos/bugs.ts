import type { Edit } from '../testing/code-copy.ts';
import { finishedLate, judge, type Violation } from './checker.ts';
import type { Entry } from './history.ts';
import type { RevealingFault } from './revealing.ts';

/*
 * Six mistakes that are easily made, as edits of our own code: `CHAOS_PLANT=all make chaos` plants each in a copy of it and demands that
 * the checker finds it, by a fault that brings it out. test/chaos/planted-fleet.ts has the same six in a small model, for thousands of
 * histories in a second.
 */

export const bugNames = [
  'a cache without a lease',
  'acknowledged before the last worker has confirmed',
  'a retry with the same IV',
  'a commit is acknowledged though its standby has not got it',
  'the lease is looked at only as a request begins',
  'the row and the first snapshot of a worker that joins are one transaction',
] as const;

export type Bug = (typeof bugNames)[number];

/** What began before the disable is no violation: of that the verdict tells how late it was. */
export const late = 'finished late';

/**
 * A request that was under way when the disable was acknowledged has been answered before, or is on its way to the socket: with success so
 * much later, milliseconds, it is only where nobody has looked at its lease again.
 */
const tooLate = 400;

/** How often each rule was broken by what was answered; the last is none of the checker's rules. */
export function foundIn(entries: readonly Entry[]): Map<Violation['rule'] | typeof late, number> {
  const found = new Map<Violation['rule'] | typeof late, number>();
  const count = (rule: Violation['rule'] | typeof late) => found.set(rule, (found.get(rule) ?? 0) + 1);
  for (const { rule } of judge(entries)) count(rule);
  for (const ms of finishedLate(entries)) if (ms > tooLate) count(late);
  return found;
}

interface Planted {
  edits: readonly Edit[];
  /** What brings it out. */
  fault: RevealingFault;
  /** One of these the checker has to find. */
  finds: readonly (Violation['rule'] | typeof late)[];
}

export const bugs: Readonly<Record<Bug, Planted>> = {
  'a cache without a lease': {
    edits: [
      {
        file: 'src/lease/snapshot-lease.ts',
        from: 'return monotonic - from.monotonic < this.#span && boot - from.boot < this.#span;',
        to: 'return monotonic >= from.monotonic && boot >= from.boot && from !== never;',
      },
      {
        file: 'src/lease/snapshot-lease.ts',
        from: 'return from.monotonic + this.#span;',
        to: 'return from === never ? 0 : Infinity;',
      },
    ],
    fault: 'a node is cut off from the database',
    finds: ['success after an acknowledged disable'],
  },

  // The first that confirms speaks for all.
  'acknowledged before the last worker has confirmed': {
    edits: [
      {
        file: 'src/lease/revocation.ts',
        from: 'if (epoch === undefined || epoch >= this.#epoch) holder.confirmed = true;',
        to: `if (epoch === undefined || epoch >= this.#epoch)
        for (const other of this.#holders.values()) other.confirmed = holder.confirmed = true;`,
      },
    ],
    fault: 'a node is cut off from the database',
    finds: ['success after an acknowledged disable'],
  },

  /*
   * The worker gives each Encrypt an IV, and a retry the last one that it has given: by then that of another Encrypt. A host would notice
   * where it has just used the same one itself.
   */
  'a retry with the same IV': {
    edits: [
      {
        file: 'src/token/pool/token-pool.ts',
        from: `import type { Socket } from 'node:net';`,
        to: `import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
let lastIv = randomBytes(12);
const ivFor = (attempts: number): Buffer => (attempts > 0 ? lastIv : (lastIv = randomBytes(12)));`,
      },
      {
        file: 'src/token/pool/token-pool.ts',
        from: 'const frame = writeRequest({ id: entry.id, deadline: entry.deadline, request: entry.request });',
        to: `const given =
      entry.request.kind === 'encrypt'
        ? { ...entry.request, identity: Buffer.concat([entry.request.identity, ivFor(entry.attempts)]) }
        : entry.request;
    const frame = writeRequest({ id: entry.id, deadline: entry.deadline, request: given });`,
      },
      {
        file: 'src/token/host/operations.ts',
        from: `const key = this.#proven.use(request.key, request.identity, deadline);
        const { iv, ciphertext, tag, cdiv } = this.#encrypt(key, request);`,
        to: `const key = this.#proven.use(request.key, request.identity.subarray(0, -12), deadline);
        this.#gcm.given = Buffer.from(request.identity.subarray(-12));
        const { iv, ciphertext, tag, cdiv } = this.#encrypt(key, request);`,
      },
      {
        file: 'src/token/host/gcm.ts',
        from: `const iv = mode === 'caller' ? this.#draw(bytes) : Buffer.alloc(appended ? 0 : bytes);`,
        to: `const iv = mode === 'caller' ? (this.given ?? this.#draw(bytes)) : Buffer.alloc(appended ? 0 : bytes);
    this.given = undefined;`,
      },
      {
        file: 'src/token/host/gcm.ts',
        from: 'export class Gcm {',
        to: 'export class Gcm {\n  given: Buffer | undefined;',
      },
      {
        file: 'src/token/host/gcm.ts',
        from: `if (made.equals(this.#lastIv)) throw new TokenError('iv-refused', 'C_Encrypt');`,
        to: '',
      },
    ],
    fault: 'token hosts that hang are killed',
    finds: ['one IV twice'],
  },

  'a commit is acknowledged though its standby has not got it': {
    edits: [
      {
        file: 'src/store/postgres/client.ts',
        from: `if (warnings.length > 0) throw new CommitNotCertain(warnings.join('; '));`,
        to: '',
      },
    ],
    fault: 'the database fails over to its standby, which lacks commits that were cancelled',
    // Nodes go by what they remember of a lost disable: that the database does not have it shows in the audit trail.
    finds: ['an acknowledged act is not on record', 'success after an acknowledged disable'],
  },

  'the lease is looked at only as a request begins': {
    edits: [
      {
        file: 'src/serving/visit.ts',
        from: 'return this.#holder?.mayAnswer(started) ?? false;',
        to: 'return started !== undefined;',
      },
      {
        file: 'src/serving/visit.ts',
        from: 'Math.min(this.#deadline, this.#holder?.endOf(this.#started) ?? 0)',
        to: 'this.#deadline',
      },
    ],
    fault: 'token hosts hang for longer than a lease',
    finds: [late],
  },

  'the row and the first snapshot of a worker that joins are one transaction': {
    edits: [
      {
        file: 'src/serving/snapshot-holder.ts',
        from: 'await line.join({ ...who, id, length });',
        // What it reads is of a moment at which nobody sees its row.
        to: `await this.#options.snapshot.refresh(monotonicNow() + this.#interval);
    this.loaded();
    const { monotonic, boot } = this.#clocks();
    const first = this.#lease.begin({ monotonic, boot: boot - bootStep });
    await line.join({ ...who, id, length });
    this.#lease.renewed(first, first.known);`,
      },
    ],
    fault: 'an idle worker joins again while its row takes its time, and its way to the database too',
    finds: ['success after an acknowledged disable'],
  },
};
