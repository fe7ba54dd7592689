import { z } from 'zod';
import { fleetNow, stateOf } from '../../fleet/nodes.ts';
import { shownOf } from '../../fleet/shown-node.ts';
import { detailStep } from '../../metrics/series/steps.ts';
import type { AdminServices } from '../services.ts';

/** A node writes every 15 seconds; whose last step began longer ago than this has not, milliseconds. */
const toldFor = 90_000;

export const shownNodes = z
  .strictObject({
    included: z.int().describe('How many nodes that are up have told theirs, within a minute or two.'),
    missing: z
      .int()
      .describe(
        'How many nodes that are up have not: they run an older version, have no management process (`admin.enabled`), or cannot write to the database.',
      ),
    missingHosts: z.array(z.string()).optional().describe('Which those are, for users of the appliance.'),
  })
  .describe('Of which nodes it is.');

/** Of which nodes a series is, up to now. With `hosts` those that are missing are named. */
export async function nodesOf(
  services: Pick<AdminServices, 'gathered' | 'now' | 'store' | 'instance'>,
  step: number,
  hosts: boolean,
): Promise<z.infer<typeof shownNodes>> {
  const { gathered, store, now } = services;
  const rows = await store.db
    .selectFrom('nodes')
    .select(['id', 'hostname', 'last_seen_at', 'ended_at', 'drained_at', 'shown'])
    .orderBy('hostname')
    .execute();
  const last = (await gathered?.vitals.lastOf()) ?? new Map<string, number>();
  const at = await fleetNow(services);
  const up = rows.filter((row) => stateOf(row, at) !== 'DOWN');
  const missing = up.filter((row) => {
    // What this one has not written yet is told all the same.
    if (row.id === gathered?.nodeId) return false;
    if (now().getTime() - (last.get(row.id) ?? -Infinity) <= toldFor) return false;
    // One of before the hour was the fleet's writes the longer steps alone.
    const isOlder = !last.has(row.id) && shownOf(row)?.manages === true;
    return step === detailStep || !isOlder;
  });
  return {
    included: up.length - missing.length,
    missing: missing.length,
    ...(hosts ? { missingHosts: missing.map(({ hostname }) => hostname) } : {}),
  };
}
