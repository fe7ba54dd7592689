import test from 'ava';
import { isFinal, isSilent, nextLook, pace } from '../../web/api/looks.ts';
import { mayBeDone, ProblemError } from '../../web/api/problem.ts';

const problem = (kind: string, status: number) => new ProblemError({ kind, status, title: '', detail: '' });

test('what the node could not be asked is asked again soon', (t) => {
  for (const [kind, status] of [
    ['unreachable', 0],
    // By a proxy in between.
    ['unreachable', 404],
    ['internal', 500],
    ['store-unavailable', 503],
  ] as const) {
    const error = problem(kind, status);
    t.true(isSilent(error) && !isFinal(error), kind);
    t.is(nextLook(error, false), pace.list, kind);
    t.is(nextLook(error, pace.rare), pace.list, kind);
    t.is(nextLook(error, pace.pending), pace.pending, kind);
  }
});

test('what AWS or a token did not answer is asked no more often for it, and the node is not said to be silent', (t) => {
  for (const [kind, status] of [
    ['aws', 502],
    ['aws-busy', 503],
    ['token-unavailable', 503],
    ['too-many-requests', 429],
  ] as const) {
    const error = problem(kind, status);
    t.false(isSilent(error), kind);
    t.is(nextLook(error, false), false, kind);
    t.is(nextLook(error, pace.rare), pace.rare, kind);
  }
});

test('what will be answered the same is not asked again', (t) => {
  t.is(nextLook(problem('forbidden', 403), pace.list), false);
  t.is(nextLook(null, pace.list), pace.list);
});

test('what is done, or may be, is not told as if nothing were', (t) => {
  for (const kind of ['unreachable', 'not-in-force', 'store-not-certain', 'store-in-doubt'])
    t.true(mayBeDone(problem(kind, 503)), kind);
  t.false(mayBeDone(problem('store-unavailable', 503)));
});
