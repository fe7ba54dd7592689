import test from 'ava';
import { Comparisons } from '../../src/node/comparisons.ts';

test('a token that comes up after all were compared is compared once, after what is under way', async (t) => {
  const runs: PromiseWithResolvers<void>[] = [];
  let batchSize = 0;
  const comparisons = new Comparisons(async () => {
    t.is(++batchSize, 1, 'one after another');
    const run = Promise.withResolvers<void>();
    runs.push(run);
    await run.promise;
    batchSize--;
  });
  await comparisons.opened('early');
  t.is(runs.length, 0, 'the first begins when the node says so');
  const first = comparisons.begin(() => undefined);
  const late = comparisons.opened('late');
  await comparisons.opened('early');
  t.is(runs.length, 1);
  runs[0]?.resolve();
  await first;
  for (let turns = 0; runs.length < 2 && turns < 100; turns++) await Promise.resolve();
  runs[1]?.resolve();
  await late;
  await comparisons.opened('late');
  t.is(runs.length, 2, 'hosts that come and go later begin none');
  t.is(comparisons.open, 2);
});
