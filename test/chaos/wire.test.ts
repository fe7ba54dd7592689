import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import test from 'ava';
import { Wire } from '../../chaos/wire.ts';

/* The connection between a node and its database that `make chaos` cuts and mends. */

test('what is sent over a stalled wire arrives once it is open again, a slow one keeps the order, a cut one ends what it has and takes nothing, and nobody stays connected to where it no longer leads', async (t) => {
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      heard.push(String(bytes));
      socket.write(`heard ${String(bytes)}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const other = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write('another'));
  });
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const wire = await Wire.open(
    () => (server.address() as AddressInfo).port,
    () => (other.address() as AddressInfo).port,
  );
  t.teardown(async () => {
    await wire.close();
    server.close();
    other.close();
  });
  const dial = async () => {
    const socket = connect(wire.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  const answer = async (socket: Socket) => String(((await once(socket, 'data')) as [Buffer])[0]);

  const first = await dial();
  first.write('one');
  t.is(await answer(first), 'heard one');

  wire.state = 'stalled';
  first.write('two');
  const second = await dial();
  second.write('three');
  // What passes is heard after what does not: there is no silence to wait for.
  const beside = connect((server.address() as AddressInfo).port, '127.0.0.1');
  beside.write('beside');
  t.is(await answer(beside), 'heard beside');
  t.deepEqual(heard, ['one', 'beside']);
  const late = Promise.all([answer(first), answer(second)]);
  wire.state = 'open';
  t.deepEqual(await late, ['heard two', 'heard three']);

  wire.state = 'slow';
  first.write('slow');
  // It has come as far as the wire by then, as a rule.
  beside.write('meanwhile');
  t.is(await answer(beside), 'heard meanwhile');
  wire.state = 'open';
  first.write('open');
  let said = '';
  while (!said.includes('slow') || !said.includes('open')) said += await answer(first);
  t.regex(said, /slow.*open/);
  const before = heard.length;

  wire.state = 'cut';
  await Promise.all([once(first, 'close'), once(second, 'close')]);
  const refused = await dial();
  await once(refused.resume(), 'close');
  t.is(heard.length, before);
  beside.destroy();

  wire.state = 'open';
  const third = await dial();
  third.write('four');
  t.is(await answer(third), 'heard four');
  wire.state = 'elsewhere';
  await once(third, 'close');
  const away = await dial();
  away.write('five');
  t.is(await answer(away), 'another');
  wire.state = 'open';
  await once(away, 'close');
  const back = await dial();
  back.write('six');
  t.is(await answer(back), 'heard six');
});
