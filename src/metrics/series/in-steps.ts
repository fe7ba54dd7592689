import type { Addition, SeriesKind } from './series-kind.ts';
import { beginOf } from './steps.ts';

/** The sums of these cells in steps of so many seconds. */
export function inSteps<Of, Cell>(
  additions: readonly Addition<Of, Cell>[],
  step: number,
  { nameOf, empty, add }: Pick<SeriesKind<Of, Cell, never>, 'nameOf' | 'empty' | 'add'>,
): Addition<Of, Cell>[] {
  const found = new Map<string, Addition<Of, Cell>>();
  for (const { of, at, cell } of additions) {
    const begins = beginOf(at, step);
    const name = `${begins} ${nameOf(of)}`;
    const sum = found.get(name) ?? { of, at: begins, cell: empty() };
    found.set(name, sum);
    add(sum.cell, cell);
  }
  return [...found.values()];
}
