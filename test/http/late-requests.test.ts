import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import test, { type ExecutionContext } from 'ava';
import { monotonicNow } from '../../src/clock.ts';
import { inShortTurn } from '../../src/turn.ts';
import type { LogLine } from '../../testing/served-node.ts';
import type { XksResponse } from '../../testing/xks-client.ts';
import { assertError, useFileNode } from '../xks/file-node.ts';

/*
 * What a request waits for others that came before it, in the process that serves both, is of its own time. The node is in this process, so
 * that a turn which takes too long can be planted.
 */

const answerWithin = 150;
const file = useFileNode({ xks: { answer_within_ms: answerWithin } });

function busy(milliseconds: number): void {
  const until = monotonicNow() + milliseconds;
  while (monotonicNow() < until);
}

/** Whatever is put off from now on comes after a turn that is longer than a request may take. */
function plantLongTurn(): void {
  // So long that nothing more is begun in this one.
  inShortTurn(() => busy(6));
  inShortTurn(() => busy(answerWithin + 1));
}

/** An Encrypt, with `plant` done once its head has been read. */
async function encryptAfter(plant: () => void): Promise<XksResponse> {
  const { client, key } = file();
  const channel = 'http.server.request.start';
  const planted = () => {
    unsubscribe(channel, planted);
    plant();
  };
  subscribe(channel, planted);
  return client.encrypt(key, Buffer.from('data'));
}

/** Asserts that it is answered as too late, and that its line tells of all the time that it has waited. Gives the line. */
async function refusedAfter(t: ExecutionContext, plant: () => void): Promise<LogLine> {
  const { node } = file();
  const before = new Set(node.log);
  assertError(
    ...([t, await encryptAfter(plant), 429, 'ThrottlingException'] as const),
    'More requests came than could be answered in time.',
  );
  const line = await node.waitForLog((one) => one['status'] === 429 && !before.has(one));
  t.like(line, { operation: 'Encrypt', errorName: 'ThrottlingException', tokenTime: undefined });
  t.true(Number(line['duration']) >= answerWithin, String(line['duration']));
  return line;
}

/** The same, with `plant` done once it has been begun, and before what it leaves to be done in microtasks. */
async function refusedInside(t: ExecutionContext, plant: () => void): Promise<LogLine> {
  const inside = async () => refusedAfter(t, () => process.nextTick(plant));
  let line = await inside();
  // Its own turn may have been long already, so that it is begun in a later one: not three times in a row.
  for (let left = 2; left > 0 && line['keySet'] === undefined; left--) line = await inside();
  return line;
}

test.serial('a request whose turn comes too late is refused before anything is done for it', async (t) => {
  const line = await refusedAfter(t, plantLongTurn);
  t.is(line['keySet'], undefined);
});

test.serial('so is one that is authenticated and then has to wait too long', async (t) => {
  const { client, key } = file();
  // Until all that it needs is at hand, so that it has nothing else to wait for.
  while ((await client.encrypt(key, Buffer.from('data'))).status !== 200);
  const line = await refusedInside(t, plantLongTurn);
  t.is(line['keySet'], 'first');
});

test.serial(
  'what a process stands still before it looks for the body is no slowness of the client',
  async (t) => {
    // Longer than a body may take without the clock being started anew for it.
    const line = await refusedInside(t, () => busy(answerWithin + 1));
    t.is(line['keySet'], 'first');
  },
);
