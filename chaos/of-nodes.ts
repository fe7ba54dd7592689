import { patience } from '../src/fleet/in-force.ts';
import type { ActEntry, ElsewhereEntry, Entry, RequestEntry, StillEntry } from './history.ts';

/** What nodes have to do when their supervisor stands still, and when they are led to another store. */
export interface OfNodes {
  rule:
    | 'a node whose supervisor stands still is waited for'
    | 'the history of a store is not taken up again'
    | 'a loss is told where nothing was lost';
  entries: Entry[];
}

/** What a store that has neither the key nor the key set nor its credential lets a node answer. */
const ofAnotherStore = new Set([
  'AuthenticationFailedException',
  'InvalidUriPathException',
  'KeyNotFoundException',
]);

/** Whether the request was refused for what another store does not have, while its node may have been led there. */
export function isElsewhere(request: RequestEntry, entries: readonly Entry[]): boolean {
  return (
    ofAnotherStore.has(request.result) &&
    request.final !== true &&
    entries.some(
      (entry) => entry.type === 'elsewhere' && entry.began < request.ended && request.began < entry.ended,
    )
  );
}

export function judgeNodes(entries: readonly Entry[]): OfNodes[] {
  return [
    ...entries.filter((entry) => entry.type === 'still').flatMap((still) => judgeStill(still, entries)),
    ...entries.filter((entry) => entry.type === 'elsewhere').flatMap(judgeElsewhere),
  ];
}

/**
 * In leases. A worker owes its supervisor's word from the first change on that it cannot confirm without. It hears of the change, or
 * finds it when it renews, a third of a lease later; waits for the word for the length of a lease, and has until its next renewal then to
 * give its own lease up, and its row (docs/revocation.md). Clocks may drift by 1 %.
 */
const longestOwed = (1 + 2 / 3) * 1.02;

function judgeStill(still: StillEntry, entries: readonly Entry[]): OfNodes[] {
  // Where something else was wrong too, it may have been that.
  if (!isAlone(still, entries)) return [];
  const disables = entries
    .filter((entry) => entry.type === 'act')
    .filter(({ act, result }) => act === 'disable' && result === 'acknowledged');
  const waiting = disables.filter((act) => isWaitedFor(act, still));
  const owed = disables.filter((act) => act.invoked > still.began || waiting.includes(act));
  const until = Math.min(...owed.map(doneAt)) + still.lease * longestOwed;
  return waiting
    .filter(({ later }) => later !== undefined && later.at > until)
    .map((act) => ({ rule: 'a node whose supervisor stands still is waited for', entries: [still, act] }));
}

/** Whether it was answered that this node is waited for, while its supervisor stood still. */
function isWaitedFor({ later }: ActEntry, { node, began, ended }: StillEntry): boolean {
  return later !== undefined && later.at > began && later.at < ended && later.waitedFor.includes(node);
}

/** A moment at which it had certainly been done: nobody is told that it is not in force who has not waited for that. */
function doneAt({ ended, later }: ActEntry): number {
  return later === undefined ? ended : later.at - patience;
}

/** Whether no other fault was made while it lasted. */
function isAlone({ began, ended }: StillEntry, entries: readonly Entry[]): boolean {
  const trouble = entries
    .filter((entry) => entry.type === 'trouble')
    .find((one) => one.began <= began && ended <= one.ended);
  if (trouble === undefined) return false;
  const faults = entries
    .filter((entry) => entry.type === 'fault')
    .filter(({ at }) => trouble.began <= at && at <= trouble.ended);
  return faults.length === 1;
}

function judgeElsewhere(entry: ElsewhereEntry): OfNodes[] {
  return [
    ...(entry.isTakenUp
      ? []
      : [{ rule: 'the history of a store is not taken up again' as const, entries: [entry] }]),
    ...(entry.losses === 0
      ? []
      : [{ rule: 'a loss is told where nothing was lost' as const, entries: [entry] }]),
  ];
}
