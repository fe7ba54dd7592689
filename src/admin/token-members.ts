import { z } from 'zod';
import type { RecordedToken } from '../token/own-key-proofs.ts';
import type { TokenClient } from '../vault/tokens.ts';
import { time } from './keys/key-forms.ts';
import type { MemberFacts, NodeFacts } from './services.ts';

export const health = z.enum(['ACTIVE', 'DEGRADED', 'UNAVAILABLE']);
type Health = z.infer<typeof health>;

/** One of the HSMs that hold a token's keys, as this node finds it. */
export const shownMember = z.strictObject({
  name: z.string(),
  health: health.describe('UNAVAILABLE: no token host of this node serves it.'),
  serial: z
    .string()
    .nullable()
    .describe('Serial number of the HSM; null if it has not answered since this node was started.'),
  onRecord: z
    .boolean()
    .describe('Whether the store has the proof that the HSM of this serial number holds the token’s keys.'),
  since: time
    .nullable()
    .describe(
      'Since when it has been up, or, if UNAVAILABLE, down on this node; null if the node’s supervisor does not report it.',
    ),
  pinRefused: z.boolean().describe('It refused its PIN, which is not tried again.'),
  failure: z
    .strictObject({ problem: z.string(), remediation: z.string() })
    .nullable()
    .describe('Why the last of its token hosts that failed to start did so; null if none is failing.'),
});

/** By the token's pool in this process, by what the supervisor knows, and by the serial numbers that the store has on record. */
export function showMembers(
  pool: TokenClient,
  facts: NodeFacts | undefined,
  recorded: Pick<RecordedToken, 'serials'> | undefined,
): z.infer<typeof shownMember>[] {
  const known = facts?.tokens.find(({ name }) => name === pool.name)?.members ?? [];
  return pool.members.map((name) => {
    const of: MemberFacts | undefined = known.find((member) => member.name === name);
    const serial = pool.serialOf(name) ?? of?.serial ?? null;
    return {
      name,
      health: healthOnNode(pool.healthOf(name), of),
      serial,
      onRecord: serial !== null && (recorded?.serials.includes(serial) ?? false),
      since: of?.since ?? null,
      pinRefused: of?.pinRefused ?? false,
      failure: of?.failure ?? null,
    };
  });
}

/** `own` is what this process finds, `of` counts the hosts of all processes, where the supervisor has told. */
export function healthOnNode(own: Health, of: Pick<MemberFacts, 'hosts' | 'up'> | undefined): Health {
  if (of === undefined) return own;
  if (of.up === 0) return 'UNAVAILABLE';
  return own === 'ACTIVE' && of.up >= of.hosts ? 'ACTIVE' : 'DEGRADED';
}
