import { failedOfEnabled, finishedLate, judge, type Violation } from './checker.ts';
import type { ActEntry, Entry, RequestEntry, TroubleEntry } from './history.ts';

export interface Verdict {
  violations: Violation[];
  /** For people. */
  lines: string[];
}

/** Judges a history, and tells how much of it there was. */
export function verdictOf(entries: readonly Entry[]): Verdict {
  const violations = judge(entries);
  const requests = entries.filter((entry) => entry.type === 'request');
  const acts = entries.filter((entry) => entry.type === 'act');
  const results = counted(requests.map(({ result }) => result));
  const late = finishedLate(entries);
  const slow = requests.filter(({ result, began, ended }) => result === 'success' && ended - began > 250);
  return {
    violations,
    lines: [
      `requests  ${requests.length}: ${told(results)}`,
      `          ${slow.length} successes took longer than the 250 ms that AWS waits`,
      ...(['disable', 'enable', 'create', 'touch'] as const).map((act) => actLine(acts, act)),
      ...histogram(
        acts,
        entries.filter((entry) => entry.type === 'trouble'),
      ),
      `late      ${late.length} successes that had begun before a disable came after its acknowledgement${
        late.length === 0 ? '' : `, by ${Math.round(Math.max(...late))} ms at the most`
      }`,
      ...failuresByTrouble(entries),
      `faults    ${told(counted(entries.filter((entry) => entry.type === 'fault').map(({ fault }) => fault)))}`,
      `wrong     ${violations.length === 0 ? 'nothing' : told(counted(violations.map(({ rule }) => rule)))}`,
    ],
  };
}

/** Of requests that one trouble overlapped, how many AWS had to repeat though their keys were enabled, by the faults of which it was made. */
function failuresByTrouble(entries: readonly Entry[]): string[] {
  const requests = entries.filter((entry) => entry.type === 'request');
  const failures = failedOfEnabled(entries);
  const faults = entries.filter((entry) => entry.type === 'fault');
  const counts = new Map<string, { failed: number; all: number }>();
  for (const trouble of entries.filter((entry) => entry.type === 'trouble')) {
    const names = faults.filter(({ at }) => trouble.began <= at && at <= trouble.ended);
    const name = [...new Set(names.map(({ fault }) => fault))].toSorted().join(' + ');
    const count = counts.get(name) ?? { failed: 0, all: 0 };
    const overlaps = ({ began, ended }: RequestEntry) => trouble.began <= ended && began <= trouble.ended;
    count.all += requests.filter(overlaps).length;
    count.failed += failures.filter(overlaps).length;
    counts.set(name, count);
  }
  return [...counts]
    .toSorted(([, one], [, other]) => other.failed - one.failed)
    .map(([name, { failed, all }]) => `failed    ${failed} of ${all}  ${name}`);
}

/**
 * How long disables took, from the request to its answer: those that no fault overlapped, and all of them. What was killed a moment
 * before is waited for all the same.
 */
function histogram(acts: readonly ActEntry[], troubles: readonly TroubleEntry[]): string[] {
  const disables = acts.filter(({ act, result }) => act === 'disable' && result === 'acknowledged');
  const undisturbed = disables.filter(
    ({ invoked, ended }) => !troubles.some((trouble) => invoked < trouble.ended && trouble.began < ended),
  );
  return (
    [
      ['without a fault', undisturbed],
      ['all', disables],
    ] as const
  ).flatMap(([name, these]) => {
    const took = times(these);
    const counts = bounds.map(
      (bound, index) =>
        `${took.filter((ms) => ms >= (bounds[index - 1] ?? 0) && ms < bound).length} < ${bound} ms`,
    );
    const later = these.filter((act) => act.later !== undefined).length;
    return [
      `disables  ${name}: ${took.length}; p50 ${at(took, 0.5)} ms, p90 ${at(took, 0.9)} ms, p99 ${at(took, 0.99)} ms, max ${at(took, 1)} ms`,
      `          ${counts.join(', ')}; ${later} were answered not-in-force before`,
    ];
  });
}

/** Of the histogram, milliseconds. */
const bounds = [25, 50, 100, 200, 500, 1_000, 5_000, 30_000, 120_000];

function times(acts: readonly ActEntry[]): number[] {
  return acts.map(({ invoked, ended }) => ended - invoked).toSorted((a, b) => a - b);
}

function at(sorted: readonly number[], share: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
}

function actLine(acts: readonly ActEntry[], act: ActEntry['act']): string {
  const these = acts.filter((one) => one.act === act);
  const took = times(these.filter(({ result }) => result === 'acknowledged'));
  const after =
    took.length === 0
      ? ''
      : `; acknowledged after ${at(took, 0.5)} ms (half), ${at(took, 0.99)} ms (99 of 100), ${at(took, 1)} ms (all)`;
  return `${act.padEnd(9)} ${these.length}: ${told(counted(these.map(({ result }) => result)))}${after}`;
}

function counted(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function told(counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return 'none';
  return [...counts]
    .toSorted(([, one], [, other]) => other - one)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ');
}
