import { setTimeout as delay } from 'node:timers/promises';
import type { Blow } from './blow.ts';
import type { Database } from './database.ts';
import type { ActEntry } from './history.ts';

/** How long nodes may take until all of them confirm what is done again: leases of the one store and of the other end meanwhile. Milliseconds. */
const patience = 90_000;

/**
 * For so many milliseconds the address of the database leads one node, or all of them, to another server with another store, as a name
 * does that was changed by mistake. Nothing of either store is lost by that, and nothing may be told to be.
 */
export async function anotherStore(
  { fleet, history, random, tell }: Blow<Database>,
  ms: number,
): Promise<void> {
  const { database, nodes } = fleet;
  const other = await database.other();
  const all = [...nodes.keys()];
  const led = random.pick([all, [random.pick(all)]]);
  const told = async () => (await database.lossesTold(other)) + (await database.lossesTold(database.primary));
  const before = await told();
  tell(`${led.map((index) => `node-${index + 1}`).join(', ')} for ${ms} ms`);
  const began = history.now();
  await fleet.turnWires(led, 'elsewhere');
  await delay(ms);
  await fleet.turnWires(led, 'open');
  const ended = history.now();
  const isTakenUp = await confirmedByAll(history, ended, nodes.length);
  history.add({ type: 'elsewhere', began, ended, isTakenUp, losses: (await told()) - before });
}

/** A node confirms a disable only once it keeps the history of that store again. */
async function confirmedByAll(history: Blow['history'], since: number, nodes: number): Promise<boolean> {
  const isConfirmed = (act: ActEntry) =>
    act.act === 'disable' &&
    act.result === 'acknowledged' &&
    act.invoked > since &&
    act.answer?.includes(`nodes=${nodes}, confirmed=${nodes},`) === true;
  for (let seen = history.entries.length; history.now() < since + patience; await delay(50)) {
    const news = history.entries.slice(seen);
    seen += news.length;
    if (news.some((entry) => entry.type === 'act' && isConfirmed(entry))) return true;
  }
  return false;
}
