import { performance } from 'node:perf_hooks';
import test from 'ava';
import { Pace } from '../../src/cloud/aws/pace.ts';

/** Milliseconds until the next `count` requests have been sent, each of them taken. */
async function timeOf(pace: Pace, count: number, operation = 'CreateKey'): Promise<number> {
  const begun = performance.now();
  for (let sent = 0; sent < count; sent++) {
    await pace.turn(operation, 'eu-central-1');
    pace.taken(operation, 'eu-central-1');
  }
  return performance.now() - begun;
}

test('changes are sent at the pace of AWS, each operation and Region for itself; reads at once', async (t) => {
  const pace = new Pace({ changes: 100 });
  t.true((await timeOf(pace, 12)) >= 90);
  const begun = performance.now();
  await Promise.all([pace.turn('CreateAlias', 'eu-central-1'), pace.turn('CreateKey', 'us-east-1')]);
  for (let sent = 0; sent < 1_000; sent++) await pace.turn('DescribeKey', 'eu-central-1');
  // A thousand at the pace of changes would be ten seconds.
  t.true(performance.now() - begun < 5_000);
});

test('what AWS throttles is sent more slowly, and as before once AWS takes it', async (t) => {
  const pace = new Pace({ changes: 100, random: () => 0 });
  const sentAt = await pace.turn('CreateKey', 'eu-central-1');
  const before = performance.now();
  // Five that were under way together: AWS has said one thing.
  for (let times = 0; times < 5; times++) pace.throttled('CreateKey', 'eu-central-1', sentAt);
  const next = await pace.turn('CreateKey', 'eu-central-1');
  t.true(performance.now() - before >= 490, 'half a second at the least');
  // Were it 32 times as slow, these alone would take more than three seconds.
  t.true((await timeOf(pace, 10)) < 3_000);
  t.true(next > sentAt);
});

test('however often AWS throttles, it is asked again within ten seconds; others are not held up', async (t) => {
  const pace = new Pace({ changes: 1_000, random: () => 1 });
  const { signal, abort } = abortable();
  const closing = new Pace({ changes: 1_000, closing: signal, random: () => 1 });
  for (const one of [pace, closing])
    for (let times = 0; times < 40; times++) one.throttled('CreateKey', 'eu-central-1', Infinity);
  // Another operation, and another Region, have their own.
  await pace.turn('DisableKey', 'eu-central-1');
  await pace.turn('CreateKey', 'us-east-1');
  t.true(pace.pauseOf('CreateKey', 'eu-central-1') <= 10_000);
  // Whoever waits when the node closes is told, and nothing is sent.
  const waiting = closing.turn('CreateKey', 'eu-central-1');
  abort();
  await t.throwsAsync(waiting, { message: /the node is closing/ });
});

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

test('one request that AWS throttled among many that it took costs a pause, and not the pace', async (t) => {
  const pace = new Pace({ changes: 100, random: () => 0 });
  await timeOf(pace, 20);
  const sentAt = await pace.turn('CreateKey', 'eu-central-1');
  pace.throttled('CreateKey', 'eu-central-1', sentAt);
  t.true(pace.pauseOf('CreateKey', 'eu-central-1') > 400);
  // Within so few again, and others use the quota: at a hundredth of the pace three take more than a second.
  for (let times = 0; times < 7; times++)
    pace.throttled('CreateKey', 'eu-central-1', await pace.turn('CreateKey', 'eu-central-1'));
  const begun = performance.now();
  for (let sent = 0; sent < 3; sent++) await pace.turn('CreateKey', 'eu-central-1');
  t.true(performance.now() - begun > 1_000);
});

test('many that wait for their turn are a queue, and reads are none', async (t) => {
  const pace = new Pace({ changes: 20, lull: 0 });
  t.false(pace.isBusy('CreateKey', 'eu-central-1'));
  const turns = Array.from({ length: 30 }, async () => pace.turn('CreateKey', 'eu-central-1'));
  t.true(pace.isBusy('CreateKey', 'eu-central-1'));
  t.false(pace.isBusy('DescribeKey', 'eu-central-1'));
  await Promise.all(turns);
  t.false(pace.isBusy('CreateKey', 'eu-central-1'));
});

test('a queue of a moment ago is one still, and each operation has its own', async (t) => {
  const pace = new Pace({ changes: 100, lull: 3_600_000 });
  await pace.turn('CreateKey', 'eu-central-1');
  t.false(pace.isBusy('CreateKey', 'eu-central-1'));
  await Promise.all(Array.from({ length: 102 }, async () => pace.turn('CreateKey', 'eu-central-1')));
  t.true(pace.isBusy('CreateKey', 'eu-central-1'));
  t.false(pace.isBusy('CreateAlias', 'eu-central-1'));
});
