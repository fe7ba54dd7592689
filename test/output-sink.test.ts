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

/** Reads until the text ends in `last`. */
async function readUntil(t: ExecutionContext, descriptor: number, last: string): Promise<string[]> {
  let text = '';
  await waitUntil(() => (text += drain(descriptor)).endsWith(last));
  t.true(text.endsWith('\n'));
  return text.slice(0, -1).split('\n');
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
  const before = lines(10_000);
  // As much as the pipe takes; then what waits, and what there is no room for.
  for (const line of before.slice(0, 100)) sink.write(`${line}\n`);
  await delay(50);
  for (const line of before.slice(100)) sink.write(`${line}\n`);
  await delay(150);
  const got = await readUntil(t, reader, '}\n');
  const words = got.pop() ?? '';
  t.deepEqual(got, before.slice(0, got.length), 'what was taken is whole, and in its order');
  t.true(got.length < 300, `${got.length} lines were held`);
  const loss = JSON.parse(words.replace('lost ', '')) as Loss;
  t.is(loss.dropped, before.length - got.length);
  t.is(loss.code, 'EAGAIN');
  t.true(loss.milliseconds >= 100);
  const after = lines(5, 10_000);
  for (const line of after) sink.write(`${line}\n`);
  t.deepEqual(await readUntil(t, reader, `${after.at(-1)}\n`), after);
});

test('a pipe without a reader takes everything again once it has one', async (t) => {
  const fifo = makeFifo(t);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(fifo, 'w');
  const sink = new OutputSink(writer, { capacity: 20_000, tell });
  closeSync(reader);
  const before = lines(100);
  for (const line of before) sink.write(`${line}\n`);
  await delay(150);
  const another = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  t.teardown(() => [another, writer].forEach((descriptor) => closeSync(descriptor)));
  const got = await readUntil(t, another, '}\n');
  const loss = JSON.parse((got.pop() ?? '').replace('lost ', '')) as Loss;
  t.is(loss.code, 'EPIPE');
  t.is(got.length + loss.dropped, before.length);
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
