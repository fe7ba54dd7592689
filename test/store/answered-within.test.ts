import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { monotonicNow } from '../../src/clock.ts';
import { answeredWithin } from '../../src/store/answered-within.ts';
import { StoreError } from '../../src/store/store-error.ts';

test('a store that is silent for too long is not waited for; that the process stood still itself is no silence of it', async (t) => {
  const never = new Promise<never>(() => undefined);
  await t.throwsAsync(answeredWithin(1, never), { instanceOf: StoreError, message: /within 0\.001 s$/ });
  const answered = answeredWithin(
    250,
    delay(300).then(() => 'there'),
  );
  const until = monotonicNow() + 1_000;
  while (monotonicNow() < until);
  t.is(await answered, 'there');
});
