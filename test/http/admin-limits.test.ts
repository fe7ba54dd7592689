import { once } from 'node:events';
import { createServer, request, type ClientRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { pino } from 'pino';
import { sessionRoutes } from '../../src/admin/people/sessions.ts';
import type { AdminServices } from '../../src/admin/services.ts';
import { userRoutes } from '../../src/admin/people/users.ts';
import { monotonicNow } from '../../src/clock.ts';
import { createAdminApp } from '../../src/http/admin-app.ts';
import { noteArrival } from '../../src/http/arrival.ts';
import { limits, openPeople, type People } from '../identity/people.ts';

/* What the management API does before any handler: the application alone, over plain HTTP, as if from any address. */

interface Front {
  people: People;
  dispose: () => Promise<void>;
  /** Of each connection from now on. */
  from: (address: string) => void;
  /** How long each request from now on has waited for its turn, milliseconds. */
  hasWaited: (milliseconds: number) => void;
  /** What was logged. */
  lines: { operation?: string; duration?: number }[];
  send: (method: string, path: string, options?: { token?: string; length?: number }) => ClientRequest;
}
const test = anyTest as TestFn<Front>;

test.beforeEach(async (t) => {
  const people = await openPeople();
  const lines: Front['lines'] = [];
  const services = {
    ...people.site,
    log: pino({}, { write: (line: string) => lines.push(JSON.parse(line) as Front['lines'][number]) }),
    version: '1',
    publicUrl: 'https://localhost',
    tokenFacts: [],
    sessions: limits,
    verifyToken: async () => Promise.reject(new Error('not here')),
  } as unknown as AdminServices;
  const app = createAdminApp({
    services,
    routes: [...sessionRoutes, ...userRoutes],
    limits: { signInsPerMinute: 3, requestsPerMinute: 40 },
    draining: () => false,
  }).callback();
  let waited = 0;
  const server: Server = createServer((incoming, outgoing) => {
    const begun = monotonicNow();
    noteArrival(incoming, { came: begun - waited, begun });
    void app(incoming, outgoing);
  });
  let address = '192.0.2.7';
  server.on('connection', (socket) => Object.defineProperty(socket, 'remoteAddress', { value: address }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.context = {
    people,
    dispose: async () => {
      server.closeAllConnections();
      server.close();
      await people.dispose();
    },
    from: (next) => (address = next),
    hasWaited: (milliseconds) => (waited = milliseconds),
    lines,
    send: (method, path, { token, length } = {}) =>
      request({
        port: (server.address() as AddressInfo).port,
        method,
        path: `/api/v1${path}`,
        agent: false,
        headers: {
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
          ...(length === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': length }),
          // So that it is told when its head has been taken.
          ...(length === undefined ? {} : { Expect: '100-continue' }),
        },
      }),
  };
});

test.afterEach.always(async (t) => t.context.dispose());

async function answerOf(sent: ClientRequest): Promise<{ status: number | undefined; body: unknown }> {
  const [incoming] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: incoming.statusCode, body: await json(incoming) };
}

test('requests without a session are counted by address, and addresses of one IPv6 network together', async (t) => {
  const { from, send } = t.context;
  const ask = async (address: string) => {
    from(address);
    const sent = send('GET', '/nothing');
    sent.end();
    return (await answerOf(sent)).status;
  };
  for (let host = 1; host <= 40; host++) t.is(await ask(`2001:db8:0:1::${host.toString(16)}`), 404);
  t.is(await ask('2001:db8:0:1:ffff:ffff:ffff:ffff'), 429, 'a host has as many addresses as it likes');
  t.is(await ask('2001:db8:0:2::1'), 404, 'the next network is another');
  for (let count = 0; count < 40; count++) t.is(await ask('198.51.100.7'), 404);
  t.is(await ask('::ffff:198.51.100.7'), 429, 'the same host, as a socket for both families has it');
  t.is(await ask('198.51.100.8'), 404);
});

test('sign-ins are counted by address in the same way', async (t) => {
  const { from, send } = t.context;
  const body = JSON.stringify({ username: 'nobody', password: 'not the password' });
  const signIn = async (address: string) => {
    from(address);
    const sent = send('POST', '/sessions', { length: body.length });
    sent.end(body);
    return (await answerOf(sent)).status;
  };
  const first = await Promise.all([1, 2, 3].map(async (host) => signIn(`2001:db8:0:1::${host}`)));
  t.deepEqual(first, [401, 401, 401]);
  t.is(await signIn('2001:db8:0:1::4'), 429);
  t.is(await signIn('2001:db8:0:2::1'), 401);
});

test('how long a request has waited for its turn is in the time that it took', async (t) => {
  const { hasWaited, send, lines } = t.context;
  hasWaited(60_000);
  const sent = send('GET', '/session');
  sent.end();
  t.is((await answerOf(sent)).status, 401);
  t.true((lines.find(({ operation }) => operation === 'getSession')?.duration ?? 0) >= 60_000);
});

/** Sends a whole request but for the end of its body; has `meanwhile` done, and then the end sent. */
async function heldBack(
  { send }: Front,
  path: string,
  token: string,
  body: string,
  meanwhile: () => Promise<void>,
): ReturnType<typeof answerOf> {
  const sent = send('POST', path, { token, length: body.length });
  sent.flushHeaders();
  await once(sent, 'continue');
  sent.write(body.slice(0, -1));
  // A whole request beside it: what its head brings about is done by then.
  const other = send('GET', '/session', { token });
  other.end();
  await answerOf(other);
  await meanwhile();
  sent.end(body.slice(-1));
  return answerOf(sent);
}

async function usersNamed(t: ExecutionContext<Front>, username: string): Promise<number> {
  const { store } = t.context.people;
  return (await store.db.selectFrom('users').select('id').where('username', '=', username).execute()).length;
}

for (const [what, change, status] of [
  ['lost their role', { role: 'auditor' }, 403],
  ['been disabled', { state: 'DISABLED' }, 401],
] as const)
  test(`a body that is held back does not outlive its sender: who has ${what} meanwhile does nothing`, async (t) => {
    const { people } = t.context;
    const admin = await people.user('vault-admin');
    const token = (await people.session(admin)).token.reveal();
    const body = (username: string) =>
      JSON.stringify({ username, email: 'new@example.com', role: 'vault-admin', displayName: 'N' });
    const path = `/vaults/${people.vaultId}/users`;
    const nothing = async () => Promise.resolve();
    t.is((await heldBack(t.context, path, token, body('welcome'), nothing)).status, 201);
    t.is(await usersNamed(t, 'welcome'), 1);
    const answer = await heldBack(t.context, path, token, body('unwanted'), async () => {
      await people.store.db.updateTable('users').set(change).where('id', '=', admin.id).execute();
    });
    t.is(answer.status, status);
    t.is(await usersNamed(t, 'unwanted'), 0);
  });
