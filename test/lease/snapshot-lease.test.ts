import test from 'ava';
import fc, { testSeed } from '../../testing/properties.ts';
import { SnapshotLease } from '../../src/lease/snapshot-lease.ts';
import { Revocation, SilentHolders } from '../../src/lease/revocation.ts';
import { bugs, drawRun, runModel, type Bug } from './lease-model.ts';

/*
 * Once a disable is acknowledged nothing is answered with success by what a process remembers, whatever happens in which order
 * and how fast. That the search would find it if it were not so is shown with each of the mistakes that are easily made.
 */

const property = (bug?: Bug) =>
  fc.property(fc.noBias(fc.nat()), (seed) => {
    const { steps, world } = drawRun(seed);
    return runModel(steps, world, bug).wrong.length === 0;
  });

test('no success is answered once a disable is acknowledged, whatever comes when', (t) => {
  t.notThrows(() => fc.assert(property(), { numRuns: 8_000, endOnFailure: true }));
});

for (const [bug, moved] of Object.entries(bugs) as [Bug, number][])
  test(`the search finds the mistake: ${bug}`, (t) => {
    const seed = testSeed + moved;
    t.true(fc.check(property(bug), { seed, numRuns: 200_000, endOnFailure: true }).failed);
  });

const at = (now: number, asleep = 0) => ({ monotonic: now - asleep, boot: now });

test('a lease lasts from before its renewal was sent, less the drift, and as long as both clocks say', (t) => {
  const lease = new SnapshotLease(15_000);
  t.false(lease.isFresh(at(0)));
  const renewal = lease.begin(at(1_000));
  t.is(lease.renewed(renewal, 7), 'behind');
  t.false(lease.isFresh(at(1_001)), 'the snapshot is older than what the renewal was told');
  lease.loaded(6);
  t.false(lease.isFresh(at(1_002)));
  lease.loaded(7);
  t.true(lease.isFresh(at(15_849)));
  t.false(lease.isFresh(at(15_850)));
  t.false(lease.isFresh(at(16_000, 10_000)), 'the machine was suspended for ten seconds meanwhile');
});

test('a database that is told to be older than the snapshot ends the lease, and nothing remembered counts', (t) => {
  const lease = new SnapshotLease(15_000);
  lease.renewed(lease.begin(at(0)), 7);
  lease.loaded(7);
  t.true(lease.isFresh(at(1)));
  t.is(lease.renewed(lease.begin(at(2)), 6), 'went-back');
  t.false(lease.isFresh(at(3)));
  t.is(lease.renewed(lease.begin(at(4)), 6), 'behind');
});

test('what began before the database went back in time is not answered, and held up as older than everything', (t) => {
  const lease = new SnapshotLease(15_000);
  const load = () => {
    lease.renewed(lease.begin(at(0)), 7);
    lease.loaded(7);
  };
  load();
  const before = lease.start();
  lease.forget();
  t.false(lease.isFresh(at(1)));
  // The number is used again, and the lease is that of another history.
  load();
  t.true(lease.isFresh(at(1)));
  t.false(lease.mayAnswer(before, at(1)));
  const after = lease.start();
  t.true(lease.mayAnswer(after, at(1)));
  t.is(lease.confirmable, -1);
  lease.end(before);
  lease.end(after);
  t.is(lease.confirmable, 7);
});

test('whoever takes something away is told who has confirmed, whose lease has ended, and whom it waits for until when', (t) => {
  const row = { term: 1, mark: null, length: 10_000 };
  const revocation = new Revocation(5, 1_000, [
    { id: 'a', epoch: 5, ...row },
    { id: 'b', epoch: 4, ...row },
    { id: 'c', epoch: 4, ...row, length: 20_000 },
    { id: 'd', epoch: 4, ...row },
  ]);
  t.deepEqual(revocation.standing(1_000).waiting, [
    { id: 'b', until: 11_100 },
    { id: 'c', until: 21_200 },
    { id: 'd', until: 11_100 },
  ]);
  // The row of d is gone, and b has confirmed more.
  revocation.saw([
    { id: 'b', epoch: 6 },
    { id: 'c', epoch: 4 },
  ]);
  t.deepEqual(revocation.standing(21_200), {
    confirmed: ['a', 'b', 'd'],
    ended: [],
    waiting: [{ id: 'c', until: 21_200 }],
  });
  t.deepEqual(revocation.standing(21_201), { confirmed: ['a', 'b', 'd'], ended: ['c'], waiting: [] });
});

test('a holder is silent by term and mark: a renewal that the database has lost and that is made anew is another', (t) => {
  const silent = new SilentHolders();
  const row = { id: 'a', epoch: 1, length: 1_000 };
  silent.saw([{ ...row, term: 2, mark: 'lost' }], 0);
  // The database was back in term 1 meanwhile, where nobody looked.
  silent.saw([{ ...row, term: 2, mark: 'anew' }], 900);
  t.deepEqual(silent.silent(1_800), []);
  t.deepEqual(silent.silent(1_911), [{ id: 'a', term: 2, mark: 'anew' }]);
});
