import type { ActEntry, Entry, EventEntry } from './history.ts';

/** What the audit trail of a vault says that was done, against what was answered. */
export interface OffRecord {
  rule: 'an acknowledged act is not on record' | 'one act is on record twice';
  entries: Entry[];
}

/** Without events there was no look at the trail. */
export function judgeTrail(entries: readonly Entry[]): OffRecord[] {
  const events = entries.filter((entry) => entry.type === 'event');
  if (events.length === 0) return [];
  const acts = entries.filter((entry) => entry.type === 'act');
  const losses = entries.filter((entry) => entry.type === 'loss').filter((loss) => loss.ofAcknowledged);
  const kept = acts.filter(
    ({ invoked, ended }) => !losses.some((loss) => invoked < loss.ended && loss.since < ended),
  );
  return [...missing(kept, acts, events), ...twice(events)];
}

/** Only disables and creates: an enable after one in doubt may find nothing left to change, and then there is nothing to record. */
function missing(
  kept: readonly ActEntry[],
  acts: readonly ActEntry[],
  events: readonly EventEntry[],
): OffRecord[] {
  const recorded = new Set(events.map(nameOf));
  return kept.flatMap((act): OffRecord[] => {
    if (act.act === 'enable' || act.act === 'touch' || act.result !== 'acknowledged') return [];
    const { key, request = '' } = act;
    const isThere = recorded.has(nameOf({ key, request, action: `cloud-key.${act.act}` }));
    return isThere || mayHaveBeenDone(acts, act)
      ? []
      : [{ rule: 'an acknowledged act is not on record', entries: [act] }];
  });
}

/** Whether another of the same key, which was in doubt and may have been under way still, may have done it. */
function mayHaveBeenDone(acts: readonly ActEntry[], { act, key, invoked }: ActEntry): boolean {
  const before = acts.filter((one) => one.key === key && one.ended <= invoked);
  const settled = Math.max(
    0,
    ...before.filter((one) => one.act === 'touch' && one.result === 'acknowledged').map((one) => one.ended),
  );
  return before.some((one) => one.act === act && one.result === 'in doubt' && one.invoked > settled);
}

function twice(events: readonly EventEntry[]): OffRecord[] {
  const seen = new Map<string, EventEntry>();
  return events.flatMap((event): OffRecord[] => {
    const name = nameOf(event);
    const before = seen.get(name);
    seen.set(name, event);
    return before === undefined ? [] : [{ rule: 'one act is on record twice', entries: [before, event] }];
  });
}

const nameOf = ({ key, request, action }: Omit<EventEntry, 'type'>): string => `${request} ${action} ${key}`;
