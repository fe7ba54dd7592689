import { KeyStoreError } from '../aws/key-store-errors.ts';
import { isSettling } from '../aws/presence.ts';
import type { Stopped } from '../controller/controller.ts';
import type { Failure } from '../controller/resource.ts';
import { Waiting } from '../controller/resource.ts';
import { nextTry } from '../controller/retry.ts';
import { neverGiven } from './credential-rotation.ts';
import type { ExternalKeyStore, StoreChange } from './records.ts';
import type { StorePlan, StoreRecorded, StoreRow, StoreServed, StoreStep } from './row.ts';
import { problemOfStore, wantedInstead } from './wanted.ts';
import { VaultError } from '../../vault/vault-error.ts';

/* What the steps on an external key store come to, and what is recorded of it. */

const soon = 5_000;
/** While it may show as it was before what we changed. */
const settling = 30_000;
const steady = 5 * 60_000;

/** When it is looked at next: seconds later while something is under way, else minutes; null for not at all. */
export function nextLook(
  row: Pick<ExternalKeyStore, 'state' | 'wanted'> & { updated_at?: string },
  now: Date,
): string | null {
  const underWay = row.wanted !== null || row.state === 'CONNECTING' || row.state === 'DISCONNECTING';
  if (row.state === 'NOT_FOUND' && row.wanted === null) return null;
  // Not all of a restarted node's at once.
  const changedAt = row.updated_at === undefined ? null : new Date(row.updated_at);
  const pause = isSettling(changedAt, now) ? settling : steady;
  const next = underWay ? soon : pause * (0.9 + Math.random() * 0.2);
  return new Date(now.getTime() + next).toISOString();
}

export type Wanted = Pick<ExternalKeyStore, 'wanted' | 'wanted_details'>;
const nothing: Wanted = { wanted: null, wanted_details: null };

/** What was wanted is done, or AWS has taken it on: then what comes next is wanted. */
export function done(
  row: StoreRow,
  now: Date,
  change: StoreChange = {},
  next: Wanted = nothing,
): StoreRecorded & { change: StoreChange } {
  const all = { problem: null, ...change, ...next };
  const next_check_at = nextLook({ ...row, ...all } as StoreRow, now);
  return { change: { ...all, next_check_at }, again: next.wanted !== null };
}

/** What AWS shows is the outcome: nothing is sent. */
export function found(operation: string, plan: StorePlan): StoreStep {
  return { operation, changes: false, call: () => Promise.resolve(plan) };
}

/** What AWS may have, and does not show, is looked for every few seconds; why stays told. */
export function lookedForAgain(row: StoreRow, now: Date): Waiting {
  return new Waiting(problemOfStore(row), nextTry('settling', 5, now), 'kept');
}

/** What we refuse before AWS would. */
export class StoreRefusal extends VaultError {
  /** What is recorded of it besides. */
  readonly recorded: (row: StoreRow, now: Date) => StoreServed;

  constructor(
    { message, remediation }: { message: string; remediation: string },
    recorded: (row: StoreRow, now: Date) => StoreServed = over,
  ) {
    super('conflict', message, remediation);
    this.recorded = recorded;
  }
}

/** It is wanted no more, but what was wanted before; its state is looked at as ever. */
export function over(row: StoreRow, now: Date): StoreRecorded & { change: StoreChange } {
  const instead = wantedInstead(row);
  return { change: { ...instead, next_check_at: nextLook({ ...row, ...instead } as StoreRow, now) } };
}

/** AWS refuses it for certain, and would the next time. */
export function isOver(error: unknown): boolean {
  return (
    error instanceof KeyStoreError &&
    error.certain &&
    error.fault !== 'throttled' &&
    error.fault !== 'settling'
  );
}

/** What goes with a failure. */
export function failedAs({ error, during, now }: Failure): StorePlan | undefined {
  if (error instanceof StoreRefusal) return { served: (row) => error.recorded(row, now) };
  return during === 'call' && isOver(error) ? (row) => over(row, now) : undefined;
}

/**
 * The same where a credential went with the request: what AWS refused for certain it was not given. `kept` is what changes
 * besides of what stays wanted.
 */
export function failedWithCredential(
  failure: Failure,
  kept: (row: StoreRow) => StoreChange = () => ({}),
): StorePlan | undefined {
  const { error, during, now } = failure;
  if (during !== 'call' || !(error instanceof KeyStoreError) || !error.certain) return failedAs(failure);
  return {
    served: (row) => {
      const taken = neverGiven(row);
      const further = isOver(error) ? over(row, now).change : kept(row);
      return { ...taken, change: { ...taken.change, ...further } };
    },
  };
}

/** For whoever asked: what stays wanted is gone on with. */
export function toldTo({ error, during }: Stopped): unknown {
  if (!(error instanceof KeyStoreError) || during !== 'call' || isOver(error)) return error;
  const isMaking = error.operation === 'CreateCustomKeyStore';
  return isMaking && !error.certain && error.isInUse ? perhapsItsOwn(error) : error.goneOnWith();
}

/** The SDK's own repetition of a creation whose answer was lost. */
function perhapsItsOwn(error: KeyStoreError): KeyStoreError {
  return new KeyStoreError(error, {
    message: `an answer of AWS was lost, and when asked again it says that name or endpoint are in use, most likely by the key store that it has just made: ${error.operation} (${error.code})`,
    remediation:
      'nothing: Holdfast looks for it and continues automatically within minutes, or at once when it is repeated (see holdfast external-key-store show)',
  });
}
