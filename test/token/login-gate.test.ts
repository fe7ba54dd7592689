import { setImmediate as turn } from 'node:timers/promises';
import fc from '../../testing/properties.ts';
import test from 'ava';
import { HostParty, LoginGate } from '../../src/token/login-gate.ts';

/** A token with so many sessions, and workers that want so many hosts each: how many each has once nothing moves. */
async function share(
  sessions: number,
  parties: readonly HostParty[],
  wanted: number,
  order: readonly number[],
): Promise<number[]> {
  const gate = new LoginGate();
  const end = new AbortController();
  let free = sessions;
  const keep = async (party: HostParty): Promise<void> => {
    // Each keeper tries as often as others may have to wait for it, and once more.
    for (let tries = 0; tries < 4 && (await gate.enter(end.signal, 'wait', party)); tries++) {
      await turn();
      const isReady = free > 0;
      if (isReady) free--;
      gate.leave(isReady ? 'ready' : 'failed');
      if (isReady) return gate.gained(party);
      gate.lost(party, false);
      await turn();
    }
  };
  const keepers = parties.flatMap((party) => Array.from({ length: wanted }, () => party));
  const started = order.map((rank, at) => ({ rank, party: keepers[at] ?? new HostParty() }));
  // Workers are started one after another, before any of their hosts is up.
  for (const { party } of started) gate.join(party);
  for (const { party } of started.toSorted((a, b) => a.rank - b.rank)) void keep(party);
  for (let turns = 0; turns < 200; turns++) await turn();
  end.abort();
  await turn();
  return parties.map(({ hosts }) => hosts);
}

test('no worker gets a second host before each has its first, whoever comes first', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.integer(), { minLength: 9, maxLength: 9 }),
      async (sessions, wanted, order) => {
        const parties = [new HostParty(), new HostParty(), new HostParty(1)];
        const hosts = await share(sessions, parties, wanted, order.slice(0, 3 * wanted));
        const total = hosts.reduce((sum, one) => sum + one, 0);
        t.is(total, Math.min(sessions, 3 * wanted), 'no session stays unused');
        if (sessions >= 3)
          t.true(
            hosts.every((one) => one > 0),
            `${sessions}: ${hosts.join(' ')}`,
          );
        else
          t.true(
            hosts.every((one) => one <= 1),
            `${sessions}: ${hosts.join(' ')}`,
          );
        t.true(sessions > 2 || hosts[2] === 0 || (hosts[0] ?? 0) + (hosts[1] ?? 0) > 0);
      },
    ),
    { numRuns: 60 },
  );
});
