import type { Transaction } from 'kysely';
import type { Tables } from '../store/schema.ts';
import type { Reading } from '../vault/edits.ts';
import { shownOf, type ShownToken } from './shown-node.ts';

/**
 * Serial numbers of the HSMs that any node has shown for the token, whether it is up or not: each has shown the sealing key on
 * record there, since one that does not is not used.
 */
export async function hsmsShown(db: Reading, token: string): Promise<string[]> {
  const nodes = await db.selectFrom('nodes').select('shown').execute();
  return [...new Set(serialsShown(nodes, token))].toSorted();
}

/** What these nodes show of the token. */
export function serialsShown(nodes: readonly { shown: string | null }[], token: string): string[] {
  return nodes
    .flatMap((node) => shownOf(node)?.tokens ?? [])
    .filter(({ name }) => name === token)
    .flatMap(serialsOf);
}

/**
 * What nodes have shown of these HSMs, of all unless told, is of the token no more. A node that is up and has one shows it again with
 * its next sign.
 */
export async function forgetShown(
  trx: Transaction<Tables>,
  token: string,
  serials?: readonly string[],
): Promise<void> {
  const nodes = await trx.selectFrom('nodes').select(['id', 'shown']).execute();
  const isForgotten = (serial: string | null) =>
    serial !== null && (serials === undefined || serials.includes(serial));
  for (const { id, shown } of nodes) {
    const facts = shownOf({ shown });
    if (facts === undefined) continue;
    const tokens = facts.tokens.map((one) => (one.name === token ? withoutSerials(one, isForgotten) : one));
    const without = JSON.stringify({ ...facts, tokens });
    if (without !== JSON.stringify(facts))
      await trx.updateTable('nodes').set({ shown: without }).where('id', '=', id).execute();
  }
}

/** Of an HSM group the token's own serial number is that of a member. */
function serialsOf({ serial, members }: ShownToken): string[] {
  return [serial, ...(members ?? []).map((member) => member.serial)].filter((one) => one !== null);
}

function withoutSerials(
  { serial, members, ...token }: ShownToken,
  isForgotten: (serial: string | null) => boolean,
): ShownToken {
  const without = <T extends { serial: string | null }>(one: T): T =>
    isForgotten(one.serial) ? { ...one, serial: null } : one;
  return {
    ...without({ ...token, serial }),
    ...(members === undefined ? {} : { members: members.map(without) }),
  };
}
