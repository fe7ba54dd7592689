import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { HandedSockets } from '../../src/node/handed-sockets.ts';
import { socketPair } from '../../src/node/socket-pair.ts';

test('sockets on their way to a process that ends before it takes them are closed', async (t) => {
  // Nobody listens for messages: it takes none.
  const child = spawn(process.execPath, ['-e', "process.stdout.write('up'); for (;;);"], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout ?? child, 'data');
  const channel = new HandedSockets(child);
  const pairs = await Promise.all([socketPair(), socketPair(), socketPair()]);
  const closed = pairs.map(async ([mine]) => once(mine.resume(), 'close'));
  for (const [, theirs] of pairs) channel.tell({ kind: 'lend', token: 'a' }, theirs);
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  channel.ended();
  await Promise.all(closed);

  const [mine, late] = await socketPair();
  const closedToo = once(mine.resume(), 'close');
  channel.tell({ kind: 'lend', token: 'a' }, late);
  await closedToo;
  t.pass();
});
