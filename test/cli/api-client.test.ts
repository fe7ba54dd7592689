import { readFile } from 'node:fs/promises';
import anyTest, { type TestFn } from 'ava';
import { ApiClient } from '../../src/cli/client/api-client.ts';
import { ApiProblem } from '../../src/cli/client/api-problem.ts';
import { LostConnectionError, Transport } from '../../src/cli/client/api-transport.ts';
import { CliError } from '../../src/cli/output/cli-error.ts';
import { Secret } from '../../src/secret.ts';
import { halfAnAnswer, json, lost, problem, ScriptedApi, silence } from './scripted-api.ts';

const test = anyTest as TestFn<{ api: ScriptedApi; client: ApiClient; transport: Transport }>;

test.beforeEach(async (t) => {
  const api = await ScriptedApi.start();
  const transport = new Transport(new URL(api.endpoint), await readFile(api.ca, 'utf8'));
  t.context = { api, transport, client: new ApiClient(transport, new Secret('hfs_session'), 60_000) };
});
test.afterEach.always(async (t) => {
  t.context.transport.close();
  await t.context.api.stop();
});

test('a list is read to its end, page by page, with the bearer on each request', async (t) => {
  const { api, client } = t.context;
  api.replies = [
    json({ items: [{ id: '1' }, { id: '2' }], next: 'a+/=' }),
    json({ items: [{ id: '3' }], next: null }),
  ];
  const items = await client.list('/things', { state: 'ON', name: undefined });
  t.deepEqual(
    items.map(({ id }) => id),
    ['1', '2', '3'],
  );
  t.deepEqual(
    api.asked.map(({ url, headers }) => [url, headers.authorization]),
    [
      ['/api/v1/things?state=ON&limit=200', 'Bearer hfs_session'],
      ['/api/v1/things?state=ON&limit=200&cursor=a%2B%2F%3D', 'Bearer hfs_session'],
    ],
  );
});

test('a limit asks for no more than so many, and stops', async (t) => {
  const { api, client } = t.context;
  api.replies = [json({ items: [{}, {}, {}], next: 'more' })];
  t.is((await client.list('/things', {}, 3)).length, 3);
  t.is(api.asked[0]?.url, '/api/v1/things?limit=3');
  t.is(api.asked.length, 1);
});

for (const [name, reply] of [
  ['before its answer', lost],
  ['in the midst of its answer', halfAnAnswer],
] as const)
  test(`a create whose connection is lost ${name} is sent again with the same Idempotency-Key`, async (t) => {
    const { api, client } = t.context;
    api.replies = [reply, json({ id: 'made-once' }, 201)];
    t.deepEqual(await client.create('/things', { name: 'x' }), { id: 'made-once' });
    const keys = api.asked.map(({ headers }) => headers['idempotency-key']);
    t.is(keys.length, 2);
    t.regex(String(keys[0]), /^[0-9a-f-]{36}$/);
    t.is(keys[0], keys[1]);
    t.deepEqual(
      api.asked.map(({ body }) => body),
      ['{"name":"x"}', '{"name":"x"}'],
    );
  });

test('two creates have two Idempotency-Keys', async (t) => {
  const { api, client } = t.context;
  api.replies = [json({}, 201), json({}, 201)];
  await client.create('/things', {});
  await client.create('/things', {});
  t.not(api.asked[0]?.headers['idempotency-key'], api.asked[1]?.headers['idempotency-key']);
});

test('a repeated create that meets the first one under way waits for it', async (t) => {
  const { api, client } = t.context;
  api.replies = [lost, problem('conflict', 409), json({ id: '1' }, 201)];
  t.deepEqual(await client.create('/things', {}), { id: '1' });
  t.is(new Set(api.asked.map(({ headers }) => headers['idempotency-key'])).size, 1);
});

test('a conflict of the first attempt is no reason to try again', async (t) => {
  const { api, client } = t.context;
  api.replies = [problem('conflict', 409, { detail: 'another has this name' })];
  await t.throwsAsync(client.create('/things', {}), { message: 'another has this name' });
  t.is(api.asked.length, 1);
});

test('a create gives up after three lost connections, and says that it may have been done', async (t) => {
  const { api, client } = t.context;
  api.replies = [lost, lost, lost];
  const error = await t.throwsAsync(client.create('/things', {}), { instanceOf: LostConnectionError });
  t.regex(error.message, /may have been done all the same/);
  t.is(error.exitCode, 69);
  t.is(api.asked.length, 3);
});

test('a change is sent with the ETag of what was read, and once only', async (t) => {
  const { api, client } = t.context;
  api.replies = [json({ id: '1' }, 200, { ETag: '"7"' }), json({ id: '1' }, 200, { ETag: '"8"' })];
  await client.change('/things/1', { body: { name: 'y' } });
  t.deepEqual(
    api.asked.map(({ method, headers }) => [method, headers['if-match'], headers['content-type']]),
    [
      ['GET', undefined, undefined],
      ['PATCH', '"7"', 'application/json'],
    ],
  );
  api.replies = [json({ id: '1' }, 200, { ETag: '"8"' }), lost];
  await t.throwsAsync(client.change('/things/1', { method: 'POST', action: '/rotate' }), {
    instanceOf: LostConnectionError,
  });
  t.is(api.asked.length, 4);
  t.is(api.asked[3]?.url, '/api/v1/things/1/rotate');
});

test('what is set is sent with the ETag of what was there, and with * where there was nothing', async (t) => {
  const { api, client } = t.context;
  api.replies = [problem('not-found', 404), json({}), json({}, 200, { ETag: '"1"' }), json({})];
  await client.put('/mail', {});
  await client.put('/mail', {});
  t.deepEqual(
    api.asked.map(({ method, headers }) => [method, headers['if-match']]),
    [
      ['GET', undefined],
      ['PUT', '*'],
      ['GET', undefined],
      ['PUT', '"1"'],
    ],
  );
});

test('a problem is repeated in its own words, with its fields and a code that means something', async (t) => {
  const { api, client } = t.context;
  const cases: [kind: string, status: number, exitCode: number][] = [
    ['bad-request', 400, 64],
    ['invalid', 422, 64],
    ['unauthenticated', 401, 77],
    ['sign-in-refused', 401, 77],
    ['second-factor-required', 403, 77],
    ['password-change-required', 403, 77],
    ['forbidden', 403, 77],
    ['not-found', 404, 66],
    ['conflict', 409, 73],
    ['precondition-failed', 412, 73],
    ['idempotency-key-reused', 422, 64],
    ['too-many-requests', 429, 75],
    ['internal', 500, 70],
    ['token-unavailable', 503, 69],
    ['aws', 502, 69],
    ['aws-busy', 503, 75],
  ];
  for (const [kind, status, exitCode] of cases) {
    const fields = [{ where: '/name', detail: 'is taken' }];
    api.replies = [problem(kind, status, { detail: `about ${kind}`, remediation: 'do so', fields })];
    const error = await t.throwsAsync(client.send({ method: 'POST', path: '/x' }), {
      instanceOf: ApiProblem,
    });
    t.is(error.message, status >= 500 ? `about ${kind} (request 7)` : `about ${kind}`);
    t.deepEqual(
      [error.kind, error.exitCode, error.remediation, error.fields],
      [kind, exitCode, 'do so', fields],
    );
  }
});

test('too many requests: the time to wait is said', async (t) => {
  const { api, client } = t.context;
  api.replies = [problem('too-many-requests', 429, {}, { 'Retry-After': '30' })];
  const error = await t.throwsAsync(client.get('/x'), { instanceOf: ApiProblem, message: 'detail' });
  t.is(error.remediation, 'wait 30 s, then repeat');
});

test('a record that somebody else changed meanwhile says so, with the way out', async (t) => {
  const { api, client } = t.context;
  api.replies = [
    json({}, 200, { ETag: '"7"' }),
    problem('precondition-failed', 412, { detail: 'it has been changed meanwhile' }),
  ];
  const error = await t.throwsAsync(client.change('/x', { body: {} }), { instanceOf: ApiProblem });
  t.is(error.message, 'it has been changed meanwhile');
  t.is(error.remediation, 'look at it again, then repeat the command');
});

test('what answers as no management API does is told as that', async (t) => {
  const { api, client } = t.context;
  for (const [reply, message] of [
    [json({ type: 'x' }, 502), /answers 502 as no management API/],
    [json({}, 301, { Location: 'https://elsewhere.example/' }), /answers 301 as no management API/],
    [problem('x', 400, { type: 7 }), /answers 400 as no management API/],
    [
      (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>'),
      /something that is not JSON/,
    ],
  ] as const satisfies [Parameters<typeof api.replies.push>[0], RegExp][]) {
    api.replies = [reply];
    const error = await t.throwsAsync(client.get('/x'), { instanceOf: CliError, message });
    t.is(error.exitCode, 69);
  }
  t.is(api.asked.length, 4, 'no redirect is followed');
});

test('an answer without end is cut off', async (t) => {
  const { api, client } = t.context;
  api.replies = [
    (response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const part = Buffer.alloc(2 ** 20, ' ');
      const more = () => {
        while (!response.destroyed && response.write(part));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    },
  ];
  await t.throwsAsync(client.get('/x'), { instanceOf: CliError, message: /larger than any/ });
});

test('a server that does not answer is given up in words, and nothing is sent again', async (t) => {
  const { api, transport } = t.context;
  const client = new ApiClient(transport, undefined, 3000);
  // The connection is there already: it is the answer that is waited for.
  api.replies = [json({}), silence, silence];
  await client.get('/x');
  const error = await t.throwsAsync(client.create('/x', {}), { instanceOf: CliError });
  t.regex(
    error.message,
    /^localhost:\d+ did not answer within 3 s; what was asked may be done all the same$/,
  );
  t.is(error.exitCode, 69);
  t.is(api.asked.length, 2);
  t.is(api.asked[1]?.headers.authorization, undefined);
});
