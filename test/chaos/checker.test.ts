import { stripTypeScriptTypes } from 'node:module';
import test from 'ava';
import { edited, editedFile } from '../../testing/code-copy.ts';
import fc from '../../testing/properties.ts';
import { bugNames, bugs, late, type Bug } from '../../chaos/bugs.ts';
import { failedOfEnabled, finishedLate, judge, type Violation } from '../../chaos/checker.ts';
import type { ActEntry, ElsewhereEntry, Entry, RequestEntry } from '../../chaos/history.ts';
import { blockSize } from '../../src/keys/encryption-limits.ts';
import { isPossible } from './all-orders.ts';
import { playFleet } from './planted-fleet.ts';

/* The checker of `make chaos` is trusted because it fails where it must, and only there. */

const act = fc.record({
  act: fc.constantFrom('disable', 'enable', 'touch'),
  result: fc.constantFrom('acknowledged', 'acknowledged', 'in doubt', 'refused'),
});

/** Acts one after another, and a request somewhere among them: no two things happen at the same time. */
const drawn = fc
  .record({
    acts: fc.array(act, { maxLength: 5 }),
    places: fc.tuple(fc.nat(), fc.nat()),
    result: fc.constantFrom('success', 'InvalidStateException'),
  })
  .map(({ acts, places, result }) => {
    const marks = acts.flatMap((_, index) => [`${index} invoked`, `${index} ended`]);
    marks.splice(places[0] % (marks.length + 1), 0, 'began');
    const began = marks.indexOf('began');
    marks.splice(began + 1 + (places[1] % (marks.length - began)), 0, 'ended');
    const sent = acts.map((one, index): ActEntry => ({
      type: 'act',
      key: 'key',
      node: 0,
      invoked: marks.indexOf(`${index} invoked`),
      ended: marks.indexOf(`${index} ended`),
      ...one,
    }));
    return { acts: sent, request: request({ result, began, ended: marks.indexOf('ended') }) };
  });

function request(fields: Partial<RequestEntry>): RequestEntry {
  const status = fields.result === 'success' ? 200 : 400;
  return {
    type: 'request',
    kind: 'decrypt',
    key: 'key',
    began: 0,
    ended: 1,
    result: 'success',
    status,
    ...fields,
  };
}

const rules = (entries: readonly Entry[]): Violation['rule'][] => judge(entries).map(({ rule }) => rule);

test('an answer is wrong where no order of the acts explains it, and nowhere else', (t) => {
  let wrong = 0;
  fc.assert(
    fc.property(drawn, ({ acts, request: asked }) => {
      const isWrong = judge([...acts, asked]).length > 0;
      wrong += isWrong ? 1 : 0;
      t.is(
        isWrong,
        !isPossible(
          acts.filter(({ result }) => result !== 'refused'),
          asked,
        ),
      );
    }),
    { numRuns: 4_000 },
  );
  t.true(wrong > 100, `${wrong} of them were wrong`);
});

test('a fleet under leases, with its stops, joins and fail-overs, has a history in which nothing is wrong', (t) => {
  for (let seed = 0; seed < 40; seed++) {
    const history = playFleet(seed, undefined);
    t.deepEqual(judge(history), [], `seed ${seed}`);
    t.deepEqual(finishedLate(history), [], `seed ${seed}`);
  }
});

const finds: Record<Bug, Violation['rule'] | typeof late> = {
  'a cache without a lease': 'success after an acknowledged disable',
  'acknowledged before the last worker has confirmed': 'success after an acknowledged disable',
  'a retry with the same IV': 'one IV twice',
  'a commit is acknowledged though its standby has not got it': 'success after an acknowledged disable',
  'the lease is looked at only as a request begins': late,
  'the row and the first snapshot of a worker that joins are one transaction':
    'success after an acknowledged disable',
};

for (const bug of bugNames)
  test(`the checker finds the bug: ${bug}`, (t) => {
    for (let seed = 0; seed < 2_000; seed++) {
      const history = playFleet(seed, bug);
      const found =
        finds[bug] === late ? finishedLate(history) : rules(history).filter((rule) => rule === finds[bug]);
      if (found.length > 0) return t.pass(`seed ${seed}`);
    }
    t.fail('not in 2,000 histories');
  });

test('a wrong plaintext, an error that AWS does not repeat, a lost key and a count that is short are each found', (t) => {
  t.deepEqual(rules([request({ right: false })]), ['wrong plaintext']);
  for (const result of [
    'InvalidCiphertextException',
    'KeyNotFoundException',
    'AuthenticationFailedException',
  ])
    t.deepEqual(rules([request({ result })]), ['an error that AWS does not repeat']);
  for (const result of [
    'no answer',
    'ThrottlingException',
    'InternalException',
    'DependencyTimeoutException',
  ]) {
    t.deepEqual(rules([request({ result })]), []);
    t.deepEqual(rules([request({ result, final: true })]), ['an acknowledged key is lost']);
  }
  const encrypt = (iv: string, version = 1) => request({ kind: 'encrypt', version, iv });
  const count = (leased: number): Entry => ({ type: 'count', key: 'key', version: 1, leased });
  t.deepEqual(rules([encrypt('a'), encrypt('b'), encrypt('a', 2), count(2)]), []);
  t.deepEqual(rules([encrypt('a'), encrypt('b'), count(1)]), ['encryptions under-counted']);
  t.deepEqual(rules([encrypt('a'), encrypt('a'), count(2)]), ['one IV twice']);
  const by = (life: number, iv: string): Entry => ({ ...encrypt(iv), life });
  t.deepEqual(rules([by(1, 'a'), by(1, 'b'), by(2, 'c'), count(2 * blockSize)]), []);
  t.deepEqual(
    rules([by(1, 'a'), by(2, 'b'), count(blockSize)]),
    ['encryptions under-counted'],
    'each worker has a block of its own',
  );
});

test('a refusal of what was enabled again is found, and none while the disable before it may be under way', (t) => {
  const made: ActEntry = {
    ...{ type: 'act', act: 'create', key: 'key', node: 0, invoked: 0, ended: 1, result: 'acknowledged' },
  };
  const refused = request({ result: 'InvalidStateException', began: 20, ended: 21 });
  t.deepEqual(rules([made, refused]), ['refusal after an acknowledged enable']);
  const doubtful: ActEntry = { ...made, act: 'disable', invoked: 2, ended: 3, result: 'in doubt' };
  const enabled: ActEntry = { ...made, act: 'enable', invoked: 4, ended: 5 };
  t.deepEqual(rules([made, doubtful, enabled, refused]), []);
  const touched: ActEntry = { ...made, act: 'touch', invoked: 3.2, ended: 3.5 };
  t.deepEqual(rules([made, doubtful, touched, enabled, refused]), ['refusal after an acknowledged enable']);
});

test('a request counts as failed only where its key was enabled for as long as it took', (t) => {
  const done = (act: 'disable' | 'enable', invoked: number, ended: number): ActEntry => ({
    ...{ type: 'act', act, key: 'key', node: 0, invoked, ended, result: 'acknowledged' },
  });
  const acts = [done('disable', 10, 20), done('enable', 30, 40), done('disable', 50, 60)];
  const isFailed = (began: number, ended: number, result = 'InternalException') =>
    failedOfEnabled([...acts, request({ began, ended, result })]).length === 1;
  t.true(isFailed(1, 9));
  t.true(isFailed(41, 49));
  for (const [began, ended] of [
    [1, 11],
    [21, 29],
    [35, 45],
    [45, 55],
  ] as const)
    t.false(isFailed(began, ended), `${began} to ${ended}`);
  t.false(isFailed(41, 49, 'success'));
});

test('an acknowledged act that is not on record is found, and one that is so twice', (t) => {
  const disable = (fields: Partial<ActEntry>): ActEntry => ({
    ...{ type: 'act', act: 'disable', key: 'key', node: 0, invoked: 4, ended: 5, result: 'acknowledged' },
    request: 'one',
    ...fields,
  });
  const event = (name: string): Entry => ({
    ...{ type: 'event', action: 'cloud-key.disable', key: 'key', request: name },
  });
  t.deepEqual(rules([disable({})]), [], 'nobody has looked at the trail');
  t.deepEqual(rules([disable({}), event('one')]), []);
  t.deepEqual(rules([disable({}), event('other')]), ['an acknowledged act is not on record']);
  t.deepEqual(rules([disable({}), event('one'), event('one')]), ['one act is on record twice']);
  // One in doubt may have done it, unless it was over before.
  const doubtful = disable({ invoked: 1, ended: 2, result: 'in doubt', request: 'other' });
  t.deepEqual(rules([doubtful, disable({}), event('other')]), []);
  const touched = disable({ act: 'touch', invoked: 2, ended: 3, request: 'touched' });
  t.deepEqual(rules([doubtful, touched, disable({}), event('other')]), [
    'an acknowledged act is not on record',
  ]);
});

test('what the database lost may have disabled a key until somebody has decided, and has not enabled one', (t) => {
  const enable: ActEntry = {
    ...{ type: 'act', act: 'enable', key: 'key', node: 0, invoked: 12, ended: 13, result: 'acknowledged' },
  };
  const loss: Entry = { type: 'loss', since: 10, ended: 20, ofAcknowledged: true };
  const touch: ActEntry = { ...enable, act: 'touch', invoked: 14, ended: 15 };
  const refused = (began: number) => request({ result: 'InvalidStateException', began, ended: began + 1 });
  t.deepEqual(rules([enable, refused(16)]), ['refusal after an acknowledged enable']);
  t.deepEqual(rules([enable, touch, loss, refused(16), refused(30)]), []);
  const again: ActEntry = { ...enable, invoked: 21, ended: 22 };
  t.deepEqual(rules([enable, loss, again, refused(30)]), ['refusal after an acknowledged enable']);
  const disable: ActEntry = { ...enable, act: 'disable', invoked: 5, ended: 6 };
  t.deepEqual(rules([disable, loss, request({ began: 16, ended: 17 })]), [
    'success after an acknowledged disable',
  ]);
});

test('a node whose supervisor stands still may be waited for, until its workers must have given their leases up', (t) => {
  const lease = 15_000;
  const still: Entry = { type: 'still', node: 'one', began: 1_000, ended: 43_000, lease };
  const disable = (invoked: number, waitedFor?: string[]): ActEntry => ({
    ...{ type: 'act', act: 'disable', key: 'key', node: 0, invoked, ended: invoked + 50 },
    result: 'acknowledged',
    ...(waitedFor === undefined ? {} : { ended: invoked + 6_000, later: { at: invoked + 5_100, waitedFor } }),
  });
  const trouble: Entry = { type: 'trouble', began: 900, ended: 43_100 };
  const fault = (at: number): Entry => ({ type: 'fault', at, fault: 'some', what: '' });
  const found = (...acts: ActEntry[]) => rules([still, ...acts, trouble, fault(950)]);
  const first = disable(1_500, ['one']);
  t.deepEqual(found(first, disable(20_000, ['one']), disable(30_000)), []);
  t.deepEqual(found(first, disable(30_000, ['one'])), ['a node whose supervisor stands still is waited for']);
  t.deepEqual(found(first, disable(30_000, ['other'])), []);
  t.deepEqual(found(disable(500, ['one']), disable(22_000, ['one'])), [
    'a node whose supervisor stands still is waited for',
  ]);
  t.deepEqual(found(first, disable(22_000, ['one'])), []);
  t.deepEqual(found(first, disable(38_000, ['one'])), [], 'it goes on before that is answered');
  t.deepEqual(found(disable(10_000), disable(30_000, ['one'])), [], 'nothing was changed before');
  const two = [still, first, disable(30_000, ['one']), trouble, fault(950), fault(2_000)];
  t.deepEqual(rules(two), [], 'something else was wrong too');
});

test('a node that is led to another store may refuse what that does not have, tells nothing as lost, and takes up its history again', (t) => {
  const elsewhere = (fields: Partial<ElsewhereEntry>): Entry => ({
    ...{ type: 'elsewhere', began: 10, ended: 20, isTakenUp: true, losses: 0 },
    ...fields,
  });
  for (const result of ['AuthenticationFailedException', 'InvalidUriPathException', 'KeyNotFoundException']) {
    const refused = request({ result, began: 19, ended: 21 });
    t.deepEqual(rules([elsewhere({}), refused]), []);
    t.deepEqual(rules([elsewhere({}), { ...refused, final: true }]), ['an acknowledged key is lost']);
    for (const [began, ended] of [
      [5, 9],
      [21, 25],
    ] as const)
      t.deepEqual(rules([elsewhere({}), { ...refused, began, ended }]), [
        'an error that AWS does not repeat',
      ]);
  }
  const wrong = request({ result: 'InvalidCiphertextException', began: 19, ended: 21 });
  t.deepEqual(rules([elsewhere({}), wrong]), ['an error that AWS does not repeat']);
  t.deepEqual(rules([elsewhere({ isTakenUp: false })]), ['the history of a store is not taken up again']);
  t.deepEqual(rules([elsewhere({ losses: 1 })]), ['a loss is told where nothing was lost']);
});

test('each of the six bugs can be planted in our own code, as CHAOS_PLANT=all make chaos does', async (t) => {
  for (const bug of bugNames) {
    const { edits } = bugs[bug];
    for (const name of new Set(edits.map(({ file }) => file))) {
      const text = await editedFile(name, edits);
      t.notThrows(() => stripTypeScriptTypes(text), `${bug}: ${name}`);
    }
  }
  const gone = { file: 'a file', from: 'a piece', to: '' };
  t.throws(() => edited('', gone), { message: 'a file has 0 times: a piece' });
  t.throws(() => edited('a piece, a piece', gone), { message: 'a file has 2 times: a piece' });
});
