import { setTimeout as delay } from 'node:timers/promises';
import { span, type Blow, type Nemesis } from './blow.ts';
import { nodeNemeses } from './nemeses.ts';
import type { PatroniDatabase } from './patroni.ts';
import type { PatroniMember } from './patroni-member.ts';

/** A lock in etcd that nobody renews runs out meanwhile, milliseconds. */
const longerThanTheLock = 30_000;

async function primaryOf({ fleet }: Blow<PatroniDatabase>): Promise<PatroniMember> {
  await fleet.database.untilWhole();
  const leader = await fleet.database.leader();
  if (leader === undefined) throw new Error('Patroni has no primary');
  return leader;
}

/** How long a way to etcd is not there: until something comes of it, or not. */
function cutOff(blow: Blow<PatroniDatabase>): number {
  return blow.random.pick([span({ ...blow, longest: 10_000 }), longerThanTheLock]);
}

/** On a database that Patroni runs. Each ends with a primary and its synchronous standby. */
export const patroniNemeses = {
  ...nodeNemeses,

  'the primary is killed': async (blow) => {
    const { random, fleet, tell } = blow;
    const member = await primaryOf(blow);
    // With a Patroni that lives on, it starts the server again. A server whose Patroni is dead goes on, and whoever follows it takes over.
    const killed = random.pick([
      { patroni: true, postgres: true },
      { patroni: false, postgres: true },
      { patroni: true, postgres: false },
    ]);
    const names = Object.entries(killed).filter(([, isKilled]) => isKilled);
    tell(`${member.name}: ${names.map(([name]) => name).join(' and ')}`);
    await member.kill(killed);
    if (killed.patroni) {
      await delay(random.pick([0, longerThanTheLock]));
      member.start();
    }
    await fleet.database.untilWhole();
  },

  'the primary changes places with its standby': async (blow) => {
    const { fleet, tell } = blow;
    const leader = await primaryOf(blow);
    const candidate = fleet.database.members.find((member) => member !== leader);
    const answer = await leader.ask('POST', '/switchover', {
      leader: leader.name,
      candidate: candidate?.name,
    });
    tell(`${leader.name} to ${candidate?.name}: ${answer?.status ?? 'no answer'}`);
    await fleet.database.untilWhole();
  },

  'the primary is cut off from etcd': async (blow) => {
    const member = await primaryOf(blow);
    const ms = cutOff(blow);
    const state = blow.random.pick(['cut', 'stalled'] as const);
    blow.tell(`${member.name}, ${state} for ${ms} ms`);
    await member.wire.turn(state);
    await delay(ms);
    await member.wire.turn('open');
    await blow.fleet.database.untilWhole();
  },

  'both are cut off from etcd': async (blow) => {
    const { database } = blow.fleet;
    const ms = cutOff(blow);
    blow.tell(`for ${ms} ms`);
    for (const { wire } of database.members) await wire.turn('cut');
    await delay(ms);
    for (const { wire } of database.members) await wire.turn('open');
    await database.untilWhole();
  },
} as const satisfies Record<string, Nemesis<PatroniDatabase>>;
