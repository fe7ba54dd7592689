import type { Selectable } from 'kysely';
import { idOfLost, maxLost, type LostChange } from './lost-changes.ts';
import { beforeEverything, toldChanges, toldOutright, type Moment } from './revision-log.ts';
import type { ServedChangeTable } from './schema.ts';
import { nameOfChange } from './taken.ts';

/*
 * What a node keeps of the store's history beside the store: its list of changes, with their marks and with what each took away. What
 * stands in it and not in the store is what a store that has gone back in time has lost.
 */

/** The store's own list is as long in revisions; of one revision it may have many rows. */
export const maxKept = 6_000;

export interface KeptHistory {
  /** All that was changed up to it is in the list. */
  at: Moment;
  /** In order. */
  changes: LostChange[];
  /** What the store has lost, as far as this node has told it so and knows of no decision. */
  lost: LostChange[];
}

export const nothingKept: KeptHistory = { at: beforeEverything, changes: [], lost: [] };

/** What a look at the store has come to. `unknown`: it has moved on further than its list tells, and nobody can compare. */
export type Followed =
  | { kind: 'same' | 'moved' | 'unknown'; kept: KeptHistory }
  | { kind: 'went-back'; kept: KeptHistory; lost: LostChange[] };

/** Where the store is, and its list from the revision of `kept.at` on; the whole list where it has gone back. */
export interface StoreSeen {
  now: Moment;
  since: readonly Selectable<ServedChangeTable>[];
  whole: () => Promise<readonly Selectable<ServedChangeTable>[]>;
}

/** Compares what is kept with the store, and gives what is to be kept from now on. */
export async function follow(kept: KeptHistory, { now, since, whole }: StoreSeen): Promise<Followed> {
  const told = toldOutright(kept.at, now) ?? toldChanges(since, kept.at, now);
  if (told === 'went-back') {
    const list = await whole();
    const still = stillLost(kept.lost, list);
    const lost = both(still, lastOfEach(lostOf(kept.changes, list, now)));
    return { kind: 'went-back', lost, kept: { ...keepingList(list, now), lost: still } };
  }
  if (told === 'everything' && (!goesOn(since, kept.at) || since.length > maxKept)) {
    const list = await whole();
    return { kind: 'unknown', kept: { ...keepingList(list, now), lost: kept.lost } };
  }
  const news = since.filter(({ revision }) => revision > kept.at.revision);
  if (news.length === 0) return { kind: 'same', kept: { ...kept, at: now } };
  const changes = [...kept.changes, ...news.map(toKept)].slice(-maxKept);
  return { kind: 'moved', kept: { ...kept, at: lastMoment(news, now), changes } };
}

/** The list begins with the revision that is known, so that nothing between is missing. */
function goesOn([first]: readonly Selectable<ServedChangeTable>[], at: Moment): boolean {
  return first?.revision === at.revision && first.mark === at.mark;
}

function keepingList(
  list: readonly Selectable<ServedChangeTable>[],
  now: Moment,
): Pick<KeptHistory, 'at' | 'changes'> {
  return { at: lastMoment(list, now), changes: list.map(toKept).slice(-maxKept) };
}

/** The list may have been read a moment later than where the store was. */
function lastMoment(list: readonly Selectable<ServedChangeTable>[], now: Moment): Moment {
  const last = list.at(-1);
  return last !== undefined && last.revision > now.revision
    ? { revision: last.revision, mark: last.mark, store: now.store }
    : now;
}

/** Those of revisions that the store does not have. What is older than its list nobody can compare. */
function lostOf(
  changes: readonly LostChange[],
  list: readonly Selectable<ServedChangeTable>[],
  now: Moment,
): LostChange[] {
  const there = new Set(list.map(({ revision, mark }) => `${revision} ${mark}`));
  const first = list[0]?.revision ?? now.revision + 1;
  return changes.filter(({ revision, mark }) => {
    if (revision > now.revision) return !there.has(`${revision} ${mark}`);
    // A revision without a mark is known by its number alone.
    return mark !== null && revision >= first && !there.has(`${revision} ${mark}`);
  });
}

/** A store that did not lose them may be in the place of the one that did, as after a fail-back: what stands in its list is not lost. */
function stillLost(
  lost: readonly LostChange[],
  list: readonly Selectable<ServedChangeTable>[],
): LostChange[] {
  const there = new Set(list.map(({ revision, mark }) => `${revision} ${mark}`));
  // Without a mark it may be another change of the same number.
  return lost.filter(({ revision, mark }) => mark === null || !there.has(`${revision} ${mark}`));
}

/** What became of each thing last. */
function lastOfEach(changes: readonly LostChange[]): LostChange[] {
  const last = new Map<string, LostChange>();
  for (const change of changes) {
    // The key set that it was changed with says more.
    if (change.kind === 'path-prefixes') continue;
    const name = nameOfChange(change);
    last.delete(name);
    last.set(name, change);
  }
  return [...last.values()];
}

/** A later loss does not displace an earlier one: what each took away was read from a store that did not know of the other. */
function both(before: readonly LostChange[], now: readonly LostChange[]): LostChange[] {
  return [...new Map([...before, ...now].map((one) => [idOfLost(one), one])).values()].slice(-maxLost);
}

function toKept({ revision, mark, kind, name, taken }: Selectable<ServedChangeTable>): LostChange {
  return { revision, mark, kind, name, taken };
}
