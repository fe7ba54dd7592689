import test from 'ava';
import { ServedWriteAsks } from '../../src/node/served-write-asks.ts';
import type { ToSupervisor } from '../../src/node/messages.ts';

/* What an XKS worker has written: a block of encryptions is the worker's own, whoever was there before it (promise 5). */

type Ask = Extract<ToSupervisor, { kind: 'served-write' }>;

function worker(): { asks: ServedWriteAsks; next: () => Promise<Ask> } {
  const told: Ask[] = [];
  let heard = Promise.withResolvers<void>();
  const asks = new ServedWriteAsks((message) => {
    if (message.kind === 'served-write') told.push(message);
    heard.resolve();
  });
  const next = async (): Promise<Ask> => {
    const ask = told.shift();
    if (ask !== undefined) return ask;
    heard = Promise.withResolvers();
    await heard.promise;
    return next();
  };
  return { asks, next };
}

test('an answer to a worker that has died is no lease for the one that took its place', async (t) => {
  const dead = worker();
  void dead.asks.lease({ cloudKeyId: 'full', version: 1 });
  const old = await dead.next();

  const { asks, next } = worker();
  const leasing = asks.lease({ cloudKeyId: 'other', version: 1 });
  const { id } = await next();
  asks.receive({ kind: 'served-written', id: old.id, written: { kind: 'leases', leased: [65_536] } });
  asks.receive({ kind: 'served-written', id, written: { kind: 'leases', leased: [null] } });
  t.is(await leasing, null);
});

test('asks of one turn go together, and each gets its own answer', async (t) => {
  const { asks, next } = worker();
  const leasing = [1, 2, 3].map(async (version) => asks.lease({ cloudKeyId: 'key', version }));
  const { id, write } = await next();
  t.deepEqual(write, {
    kind: 'leases',
    asks: [1, 2, 3].map((version) => ({ cloudKeyId: 'key', version })),
  });
  asks.receive({ kind: 'served-written', id, written: { kind: 'leases', leased: [10, null, 30] } });
  t.deepEqual(await Promise.all(leasing), [10, null, 30]);
});

test('what could not be written fails for all who asked, and the next ask is a new one', async (t) => {
  const { asks, next } = worker();
  const leasing = asks.lease({ cloudKeyId: 'key', version: 1 });
  const first = await next();
  asks.receive({ kind: 'served-written', id: first.id, problem: 'the store is locked' });
  await t.throwsAsync(leasing, { message: 'the store is locked' });
  const uses = asks.uses([]);
  const second = await next();
  t.not(second.id, first.id);
  asks.receive({ kind: 'served-written', id: second.id, written: { kind: 'uses' } });
  await t.notThrowsAsync(uses);
});
