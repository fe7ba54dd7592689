import { setTimeout as delay } from 'node:timers/promises';
import type { Fleet, FleetDatabase } from './fleet.ts';
import type { Management } from './management.ts';
import type { History } from './recorder.ts';

/** A node looks at the history of the store every ten seconds, milliseconds. */
const noticing = 15_000;

/**
 * As a person would, who is told: all that was taken away is taken away again. For as long as a node may take to notice. Resolves with how
 * many changes that was of.
 */
export async function decideOnLosses(
  fleet: Fleet<FleetDatabase>,
  management: Management,
  history: History,
  { since, ofAcknowledged }: { since: number; ofAcknowledged: boolean },
): Promise<number> {
  let found = 0;
  for (const until = history.now() + noticing; history.now() < until; await delay(500))
    for (const node of fleet.nodes.keys())
      try {
        const open = await management.openLosses(node);
        if (open > 0 && (await management.applyLosses(node))) found += open;
      } catch {
        // Another node is asked.
      }
  if (found > 0 || ofAcknowledged) history.add({ type: 'loss', since, ended: history.now(), ofAcknowledged });
  return found;
}
