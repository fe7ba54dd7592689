import { finishedLate, judge, type Violation } from './checker.ts';
import type { ActEntry, Entry } from './history.ts';

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
      `late      ${late.length} successes that had begun before a disable came after its acknowledgement${
        late.length === 0 ? '' : `, by ${Math.round(Math.max(...late))} ms at the most`
      }`,
      `faults    ${told(counted(entries.filter((entry) => entry.type === 'fault').map(({ fault }) => fault)))}`,
      `wrong     ${violations.length === 0 ? 'nothing' : told(counted(violations.map(({ rule }) => rule)))}`,
    ],
  };
}

function actLine(acts: readonly ActEntry[], act: ActEntry['act']): string {
  const these = acts.filter((one) => one.act === act);
  const took = these
    .filter(({ result }) => result === 'acknowledged')
    .map(({ invoked, ended }) => ended - invoked)
    .toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round(took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0);
  const times =
    took.length === 0
      ? ''
      : `; acknowledged after ${at(0.5)} ms (half), ${at(0.99)} ms (99 of 100), ${at(1)} ms (all)`;
  return `${act.padEnd(9)} ${these.length}: ${told(counted(these.map(({ result }) => result)))}${times}`;
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
