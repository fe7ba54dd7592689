import test from 'ava';
import { History } from '../../chaos/recorder.ts';
import { playShort, shortFaults } from '../../chaos/short.ts';
import { verdictOf } from '../../chaos/verdict.ts';

/* `make chaos` in short: real nodes, a real database and real faults, with the checker that test/chaos/checker.test.ts plants bugs for. */

test('two nodes whose worker, power, way to the database and database fail, one after the other, answer nothing wrong', async (t) => {
  const history = new History();
  await playShort(11, history);
  const { violations, lines } = verdictOf(history.entries);
  t.deepEqual(violations, [], lines.join('\n'));
  const faults = history.entries.filter((entry) => entry.type === 'fault').map(({ fault }) => fault);
  t.deepEqual(faults.toSorted(), Object.keys(shortFaults).toSorted());
});
