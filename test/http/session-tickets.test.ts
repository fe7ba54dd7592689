import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { connect, type ConnectionOptions } from 'node:tls';
import anyTest, { type TestFn } from 'ava';
import { Listener } from '../../src/http/listener.ts';
import { TicketKeys, type TicketKey } from '../../src/http/session-tickets.ts';
import { loadTls } from '../../src/http/tls.ts';
import { xksRefusal } from '../../src/http/xks-app.ts';
import { createLog } from '../../src/log.ts';
import { testCas, type TestCas } from '../../testing/certificates.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/* Listeners as the workers of a node have them, each with a context of its own. */

interface Stage {
  directory: string;
  cas: TestCas;
  listeners: Listener[];
}
const test = anyTest as TestFn<Stage>;

test.before(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-tickets-'));
  t.context = { directory, cas: await testCas(directory), listeners: [] };
});
test.after.always(async ({ context: { listeners, directory } }) => {
  await Promise.all(listeners.map(async (listener) => listener.close(0)));
  await rm(directory, { recursive: true, force: true });
});

const newKey = () => randomBytes(48).toString('base64');

async function listen(
  { cas, listeners }: Stage,
  ticketKeys: readonly TicketKey[],
  clientSubjects?: string[],
): Promise<{ listener: Listener; port: number }> {
  const client =
    clientSubjects === undefined
      ? { client_subjects: [] }
      : { client_ca: cas.clientCa.certificate, client_subjects: clientSubjects };
  const listener = new Listener(
    {
      address: '127.0.0.1',
      port: 0,
      tls: loadTls({ ...cas.tls, ...client }),
      clientSubjects: client.client_subjects,
      ticketKeys,
      connections: 100,
      log: createLog('error'),
      refusalForm: xksRefusal,
    },
    (_request, response) => response.end('ok'),
  );
  listeners.push(listener);
  return { listener, port: (await listener.listen()).port };
}

/** One request over a connection of its own; resolves with whether a session was resumed, and the one to resume next. */
async function ask(
  { cas }: Stage,
  port: number,
  options: ConnectionOptions,
): Promise<{ resumed: boolean; session: Buffer }> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca: readFileSync(cas.ca.certificate),
    ...options,
  });
  let session: Buffer | undefined;
  socket.on('session', (next: Buffer) => (session = next));
  await once(socket, 'secureConnect');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  const resumed = socket.isSessionReused();
  session ??= socket.getSession();
  socket.destroy();
  if (session === undefined) throw new Error('no session');
  return { resumed, session };
}

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a session of one worker is resumed by another, with ${maxVersion}`, async (t) => {
    const keys = [newKey()];
    const [one, other, stranger] = await Promise.all([
      listen(t.context, keys),
      listen(t.context, keys),
      listen(t.context, [newKey()]),
    ]);
    const { resumed, session } = await ask(t.context, one.port, { maxVersion });
    t.false(resumed);
    t.true((await ask(t.context, other.port, { maxVersion, session })).resumed);
    // What is sealed with another key is answered with a full handshake, and harms nobody.
    t.false((await ask(t.context, stranger.port, { maxVersion, session })).resumed);
    t.true((await ask(t.context, one.port, { maxVersion, session })).resumed);
  });

  test(`a session of the day before is resumed, and of the day before that no more, with ${maxVersion}`, async (t) => {
    const days = [newKey(), newKey(), newKey()] as const;
    const { listener, port } = await listen(t.context, [days[0]]);
    const { session } = await ask(t.context, port, { maxVersion });
    listener.useTicketKeys([days[1], days[0]]);
    const next = await ask(t.context, port, { maxVersion, session });
    t.true(next.resumed);
    // What it was given then is of the new key.
    listener.useTicketKeys([days[2], days[1]]);
    t.true((await ask(t.context, port, { maxVersion, session: next.session })).resumed);
    t.false((await ask(t.context, port, { maxVersion, session })).resumed);
  });

  test(`another certificate changes nothing for sessions, with ${maxVersion}`, async (t) => {
    const keys = [newKey()];
    const { listener, port } = await listen(t.context, keys);
    const { session } = await ask(t.context, port, { maxVersion });
    listener.useTls(loadTls({ ...(await t.context.cas.ca.issue('localhost')), client_subjects: [] }));
    t.true((await ask(t.context, port, { maxVersion, session })).resumed);
  });

  test(`a session that was begun with other client names is not resumed, with ${maxVersion}`, async (t) => {
    const keys = [newKey()];
    const pair = await t.context.cas.clientCa.issue('first.example.com', {
      client: true,
      dnsNames: ['second.example.com'],
    });
    const options = { maxVersion, cert: readFileSync(pair.certificate), key: readFileSync(pair.key) };
    const one = await listen(t.context, keys, ['first.example.com']);
    const other = await listen(t.context, keys, ['second.example.com']);
    const { session } = await ask(t.context, one.port, options);
    t.true((await ask(t.context, one.port, { ...options, session })).resumed);
    t.false((await ask(t.context, other.port, { ...options, session })).resumed);
  });
}

test('ticket keys turn over: the one before still opens, and no two are alike', async (t) => {
  const seen: (readonly TicketKey[])[] = [];
  const twice = Promise.withResolvers<void>();
  const tickets = new TicketKeys((keys) => {
    seen.push(keys);
    if (seen.length === 2) twice.resolve();
  }, 5);
  const [first] = tickets.keys;
  await twice.promise;
  tickets.stop();
  t.is(seen[0]?.[1], first);
  t.is(seen[1]?.[1], seen[0]?.[0]);
  t.is(seen[1]?.length, 2);
  t.is(new Set([first, seen[0]?.[0], seen[1]?.[0]]).size, 3);
  t.true(seen.flat().every((key) => Buffer.from(key, 'base64').length === 48));
});
