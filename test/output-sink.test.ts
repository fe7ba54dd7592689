import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { createServer, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { OutputSink, type Loss } from '../src/output-sink.ts';
import { makeFifo } from './support/fifo.ts';
import { waitUntil } from './support/steady-load.ts';

// Each sink has its last words when the process ends, and a process of ours has one.
process.setMaxListeners(100);

const told: string[] = [];
const tell = (loss: Loss) => {
  told.push(loss.code);
  return `lost ${JSON.stringify(loss)}\n`;
};

/** Everything that is in the pipe now. */
function drain(descriptor: number): string {
  const chunk = Buffer.alloc(65_536);
  const parts: string[] = [];
  try {
    for (;;) {
      const length = readSync(descriptor, chunk);
      if (length === 0) return parts.join('');
      parts.push(chunk.toString('latin1', 0, length));
    }
  } catch {
    return parts.join('');
  }
}

/** Reads until `count` lines are there or told as lost: which these are, in order, and what was told. */
async function account(t: ExecutionContext, descriptor: number, count: number): Promise<Loss[]> {
  const losses: Loss[] = [];
  let text = '';
  let at = 0;
  await waitUntil(() => {
    const whole = (text + drain(descriptor)).split('\n');
    text = whole.pop() ?? '';
    for (const line of whole)
      if (line.startsWith('lost ')) {
        const loss = JSON.parse(line.slice(5)) as Loss;
        losses.push(loss);
        at += loss.dropped;
      } else t.deepEqual([line], lines(1, at++));
    return at >= count;
  });
  t.is(at, count);
  return losses;
}

function lines(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, at) => `${from + at} ${'x'.repeat(1000)}`);
}

test('what a reader who stands still does not take is bounded, dropped in whole lines, counted and told', async (t) => {
  const fifo = makeFifo(t);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(fifo, 'w');
  t.teardown(() => [reader, writer].forEach((descriptor) => closeSync(descriptor)));
  const sink = new OutputSink(writer, { capacity: 100_000, tell });
  // As much as the pipe takes; then what waits, and what there is no room for.
  for (const line of lines(60)) sink.write(`${line}\n`);
  await delay(50);
  for (const line of lines(9_940, 60)) sink.write(`${line}\n`);
  await delay(150);
  const losses = await account(t, reader, 10_000);
  t.is(losses.at(-1)?.code, 'EAGAIN');
  const dropped = losses.reduce((sum, loss) => sum + loss.dropped, 0);
  t.true(dropped > 9_700, `${10_000 - dropped} lines were held`);
  sink.write(`${lines(1)[0]}\n`);
  t.deepEqual(await account(t, reader, 1), []);
});

test('a pipe without a reader takes everything again once it has one', async (t) => {
  const fifo = makeFifo(t);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(fifo, 'w');
  const sink = new OutputSink(writer, { capacity: 20_000, tell });
  closeSync(reader);
  for (const line of lines(100)) sink.write(`${line}\n`);
  await delay(150);
  const another = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  t.teardown(() => [another, writer].forEach((descriptor) => closeSync(descriptor)));
  const [loss] = await account(t, another, 100);
  t.is(loss?.code, 'EPIPE');
  t.true((loss?.milliseconds ?? 0) >= 100);
});

test('neither a full device nor a descriptor that is closed throws', async (t) => {
  const full = openSync('/dev/full', 'w');
  t.teardown(() => closeSync(full));
  for (const descriptor of [full, 4_000]) {
    const sink = new OutputSink(descriptor, { capacity: 10_000, tell });
    for (const line of lines(100)) t.notThrows(() => sink.write(`${line}\n`));
  }
  await delay(300);
  t.pass();
});

for (const [name, output] of [
  ['pipe', 'pipe'],
  ['socket', 'socket'],
] as const)
  test(`a process ends although its output, a ${name}, stands still, and what waited is there once`, async (t) => {
    const script = `
      import { OutputSink } from ${JSON.stringify(path.resolve(import.meta.dirname, '../src/output-sink.ts'))};
      const sink = new OutputSink(1, { tell: () => 'lost\\n' });
      for (let at = 0; at < 2000; at++) sink.write(at + ' ' + 'x'.repeat(1000) + '\\n');
      setTimeout(() => process.exit(7), 100);`;
    let end: number | Socket;
    let read: () => Promise<string>;
    if (output === 'pipe') {
      const fifo = makeFifo(t);
      const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
      t.teardown(() => closeSync(reader));
      end = openSync(fifo, 'w');
      read = async () => drain(reader);
    } else {
      const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      end = connect((server.address() as { port: number }).port, '127.0.0.1');
      const [theirs] = await accepted;
      t.teardown(() => server.close());
      read = async () => {
        let text = '';
        theirs.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
        theirs.resume();
        await once(theirs, 'end');
        theirs.destroy();
        return text;
      };
    }
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', end, 'inherit'],
    });
    const [code] = (await once(child, 'exit')) as [number];
    if (typeof end === 'number') closeSync(end);
    else end.destroy();
    t.is(code, 7);
    const got = (await read()).split('\n').slice(0, -1);
    t.true(got.length > 10);
    for (const [at, line] of got.entries()) t.true(line.startsWith(`${at} `), `${at}: ${line.slice(0, 20)}`);
  });
