import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import test from 'ava';
import { socketPair } from '../../src/node/socket-pair.ts';

test('what is written at one end comes out at the other, and nothing of how they found each other', async (t) => {
  const [one, other] = await socketPair();
  t.teardown(() => one.destroy());
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.write('said');
    const [came] = (await once(to, 'data')) as [Buffer];
    t.is(came.toString(), 'said');
  }
  one.destroy();
  await once(other, 'close');
});

test('a stranger of the machine who connects first gets neither end', async (t) => {
  const before = listening();
  const made = socketPair();
  // It listens by now: every process of the machine can read the name.
  const name = listening().find((known) => !before.includes(known)) ?? '';
  t.regex(name, /^holdfast-/);
  const strangers = Array.from({ length: 3 }, (_, index): Socket => {
    const stranger = connect(`\0${name}`);
    stranger.on('error', () => undefined);
    // One says nothing at all.
    if (index > 0) stranger.write(Buffer.alloc(64 * index));
    return stranger;
  });
  const heard: Buffer[] = [];
  for (const stranger of strangers) stranger.on('data', (chunk: Buffer) => heard.push(chunk));
  const [one, other] = await made;
  one.write('secret');
  t.is(String((await once(other, 'data'))[0]), 'secret');
  other.write('answer');
  t.is(String((await once(one, 'data'))[0]), 'answer');
  t.deepEqual(heard, []);
  t.deepEqual(
    listening().filter((known) => known === name),
    [],
    'the name is gone',
  );
  for (const socket of [one, other, ...strangers]) socket.destroy();
});

/** Abstract names that somebody listens at. */
function listening(): string[] {
  return readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , flags, , , , name]) => flags === '00010000' && name?.startsWith('@holdfast-'))
    .map((fields) => (fields[7] ?? '').slice(1));
}
