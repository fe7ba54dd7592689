import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import anyTest, { type TestFn } from 'ava';
import { at, behind, one } from '../../src/cli/client/address.ts';
import { ApiClient } from '../../src/cli/client/api-client.ts';
import { ApiProblem } from '../../src/cli/client/api-problem.ts';
import { LostConnectionError, Transport } from '../../src/cli/client/api-transport.ts';
import { CliError } from '../../src/cli/output/cli-error.ts';
import { problemKinds } from '../../src/admin/problem.ts';
import { version } from '../../src/cli/client/version.ts';
import { Secret } from '../../src/secret.ts';
import { halfAnAnswer, json, lost, problem, ScriptedApi, silence } from './scripted-api.ts';

const test = anyTest as TestFn<{ api: ScriptedApi; client: ApiClient; transport: Transport }>;

const groups = at('/vaults/{vaultId}/admin-groups', { vaultId: 'v' });
const keys = at('/vaults/{vaultId}/cloud-keys', { vaultId: 'v' });

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
  const items = await client.list(groups, { sort: '-name', name: undefined });
  t.deepEqual(
    items.map(({ id }) => id),
    ['1', '2', '3'],
  );
  t.deepEqual(
    api.asked.map(({ url, headers }) => [url, headers.authorization]),
    [
      ['/api/v1/vaults/v/admin-groups?sort=-name&limit=200', 'Bearer hfs_session'],
      ['/api/v1/vaults/v/admin-groups?sort=-name&limit=200&cursor=a%2B%2F%3D', 'Bearer hfs_session'],
    ],
  );
});

test('a limit asks for no more than so many, and stops', async (t) => {
  const { api, client } = t.context;
  api.replies = [json({ items: [{ id: 1 }, { id: 2 }, { id: 3 }], next: 'more' })];
  t.is((await client.list(groups, undefined, 3)).length, 3);
  t.is(api.asked[0]?.url, '/api/v1/vaults/v/admin-groups?limit=3');
  t.is(api.asked.length, 1);
});

for (const [name, reply] of [
  ['before its answer', lost],
  ['in the midst of its answer', halfAnAnswer],
] as const)
  test(`a create whose connection is lost ${name} is sent again with the same Idempotency-Key`, async (t) => {
    const { api, client } = t.context;
    api.replies = [reply, json({ id: 'made-once' }, 201)];
    t.like(await client.create(groups, { name: 'x' }), { id: 'made-once' });
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
  api.replies = [json({ id: 'it' }, 201), json({ id: 'it' }, 201)];
  await client.create(groups, { name: 'x' });
  await client.create(groups, { name: 'x' });
  t.not(api.asked[0]?.headers['idempotency-key'], api.asked[1]?.headers['idempotency-key']);
});

test('a repeated create that meets the first one under way waits for it', async (t) => {
  const { api, client } = t.context;
  api.replies = [lost, problem('conflict', 409), json({ id: '1' }, 201)];
  t.like(await client.create(groups, { name: 'x' }), { id: '1' });
  t.is(new Set(api.asked.map(({ headers }) => headers['idempotency-key'])).size, 1);
});

test('a conflict of the first attempt is no reason to try again', async (t) => {
  const { api, client } = t.context;
  api.replies = [problem('conflict', 409, { detail: 'another has this name' })];
  await t.throwsAsync(client.create(groups, { name: 'x' }), { message: 'another has this name' });
  t.is(api.asked.length, 1);
});

test('a create gives up after three lost connections, and says that it may have been done', async (t) => {
  const { api, client } = t.context;
  api.replies = [lost, lost, lost];
  const error = await t.throwsAsync(client.create(groups, { name: 'x' }), {
    instanceOf: LostConnectionError,
  });
  t.regex(error.message, /may have been done all the same/);
  t.is(error.exitCode, 69);
  t.is(api.asked.length, 3);
});

test('a change is sent with the ETag of what was read, and once only', async (t) => {
  const { api, client } = t.context;
  api.replies = [json({ id: '1' }, 200, { ETag: '"7"' }), json({ id: '1' }, 200, { ETag: '"8"' })];
  await client.edit(one(groups, '1'), { name: 'y' });
  t.deepEqual(
    api.asked.map(({ method, headers }) => [method, headers['if-match'], headers['content-type']]),
    [
      ['GET', undefined, undefined],
      ['PATCH', '"7"', 'application/json'],
    ],
  );
  api.replies = [json({ id: '1' }, 200, { ETag: '"8"' }), lost];
  await t.throwsAsync(client.act(one(keys, '1'), '/rotate'), {
    instanceOf: LostConnectionError,
  });
  t.is(api.asked.length, 4);
  t.is(api.asked[3]?.url, '/api/v1/vaults/v/cloud-keys/1/rotate');
});

test('what is set is sent with the ETag of what was there, and with * where there was nothing', async (t) => {
  const { api, client } = t.context;
  api.replies = [
    problem('not-found', 404),
    json({ id: 'it' }),
    json({ id: 'it' }, 200, { ETag: '"1"' }),
    json({ id: 'it' }),
  ];
  await client.put(at('/mail'), { host: 'h', port: 25, security: 'none', from: 'a@b.c' });
  await client.put(at('/mail'), { host: 'h', port: 25, security: 'none', from: 'a@b.c' });
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
    // What was asked for is not done, is done, or may be done: a kill switch in a script must know.
    ['store-unavailable', 503, 69],
    ['store-full', 507, 69],
    ['store-went-back', 503, 73],
    ['not-in-force', 503, 3],
    ['store-not-certain', 503, 3],
    ['store-in-doubt', 503, 4],
    ['not-implemented', 501, 64],
  ];
  const told = new Set(cases.map(([kind]) => kind));
  t.deepEqual(
    Object.entries(problemKinds).filter(([kind, [status]]) => status >= 500 && !told.has(kind)),
    [],
    'a kind without an exit code of its own would be told as a bug',
  );
  for (const [kind, status, exitCode] of cases) {
    const fields = [{ where: '/name', detail: 'is taken' }];
    api.replies = [problem(kind, status, { detail: `about ${kind}`, remediation: 'do so', fields })];
    const error = await t.throwsAsync(client.create(groups, { name: 'x' }), {
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
  const error = await t.throwsAsync(client.get(at('/user')), { instanceOf: ApiProblem, message: 'detail' });
  t.is(error.remediation, 'wait 30 s, then try again');
});

test('a record that somebody else changed meanwhile says so, with the way out', async (t) => {
  const { api, client } = t.context;
  api.replies = [
    json({ id: 'it' }, 200, { ETag: '"7"' }),
    problem('precondition-failed', 412, { detail: 'it has been changed meanwhile' }),
  ];
  const error = await t.throwsAsync(client.edit(one(groups, '1'), {}), { instanceOf: ApiProblem });
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
    const error = await t.throwsAsync(client.get(at('/user')), { instanceOf: CliError, message });
    t.is(error.exitCode, 69);
  }
  t.is(api.asked.length, 4, 'no redirect is followed');
});

test('an answer of 204, of nothing, of another kind or with a byte order mark is told, and nothing is made of it', async (t) => {
  const { api, client } = t.context;
  const raw = (text: string, status: number) => (response: ServerResponse) =>
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(text);
  for (const [text, what] of [
    ['{}', /that is no record/],
    ['null', /that is no record/],
    ['[]', /that is no record/],
    ['7', /that is no record/],
    ['', /that is not JSON/],
    ['\uFEFF{"id":"it"}', /that is not JSON/],
  ] as const)
    for (const [name, ask] of Object.entries({
      get: async () => client.get(at('/user')),
      create: async () => client.create(groups, { name: 'it' }),
      act: async () => client.act(one(keys, 'k'), '/disable'),
      list: async () => client.list(groups),
    })) {
      api.replies = [raw(text, text === '' ? 204 : 200)];
      const told = { instanceOf: CliError, message: what };
      const { exitCode } = await t.throwsAsync<CliError>(ask(), told, `${name}: ${text}`);
      t.is(exitCode, 69);
    }
  for (const page of [{ id: 'it' }, { items: 7 }, { items: [null], next: null }, { items: [], next: 7 }]) {
    api.replies = [json(page)];
    await t.throwsAsync(client.list(groups), { instanceOf: CliError, message: /that is no list/ });
  }
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
  await t.throwsAsync(client.get(at('/user')), { instanceOf: CliError, message: /larger than any/ });
});

test('a server that does not answer is given up in words, and nothing is sent again', async (t) => {
  const { api, transport } = t.context;
  const client = new ApiClient(transport, undefined, 3000);
  // The connection is there already: it is the answer that is waited for.
  api.replies = [json({ id: 'it' }), silence, silence];
  await client.get(at('/user'));
  const error = await t.throwsAsync(client.create(groups, { name: 'x' }), { instanceOf: CliError });
  t.regex(
    error.message,
    /^localhost:\d+ did not answer within 3 s; what was asked may be done all the same$/,
  );
  t.is(error.exitCode, 69);
  t.is(api.asked.length, 2);
  t.is(api.asked[1]?.headers.authorization, undefined);
});

test('an address fills in what its path names, and nothing that is typed gets out of its place', (t) => {
  const user = at('/vaults/{vaultId}/users/{userId}', { vaultId: 'v', userId: '../x?y#z' });
  t.is(user.path, '/vaults/v/users/..%2Fx%3Fy%23z');
  t.is(one(groups, 'a/b').path, '/vaults/v/admin-groups/a%2Fb');
  t.is(behind(one(keys, '1'), '/kms-keys').path, '/vaults/v/cloud-keys/1/kms-keys');
});

test('what the API does not have does not compile', (t) => {
  const { client } = t.context;
  const planted = [
    // @ts-expect-error -- a path that is not there
    () => at('/vaults/{vaultId}/people', { vaultId: 'v' }),
    // @ts-expect-error -- a parameter that is missing
    () => at('/vaults/{vaultId}/users/{userId}', { vaultId: 'v' }),
    // @ts-expect-error -- a method that the path does not have
    async () => client.create(at('/nodes'), {}),
    // @ts-expect-error -- a query parameter that the list does not take
    async () => client.list(groups, { colour: 'red' }),
    // @ts-expect-error -- a field that the body does not have
    async () => client.create(groups, { name: 'x', colour: 'red' }),
    // @ts-expect-error -- a field that is missing
    async () => client.create(groups, { description: 'x' }),
    // @ts-expect-error -- an act that there is not
    async () => client.act(one(groups, '1'), '/rotate'),
    // @ts-expect-error -- a field that the answer does not have
    async () => (await client.get(one(groups, '1'))).colour,
    // @ts-expect-error -- a plain string for an address
    async () => client.get('/user'),
  ];
  t.is(planted.length, 9);
});

for (const [what, kind, status, detail] of [
  ['address', 'not-found', 404, 'there is nothing at this address'],
  ['method', 'method-not-allowed', 405, 'this address does not support this method'],
] as const)
  test(`a node that does not have the ${what} of a command is told as one of another release`, async (t) => {
    const { api, client, transport } = t.context;
    api.replies = [problem(kind, status, { detail, remediation: 'see /api/v1/openapi.json' })];
    const error = await t.throwsAsync(client.get(groups), { instanceOf: ApiProblem });
    t.is(error?.kind, kind);
    t.is(
      error?.message,
      `${transport.host} does not know what this command asks for: it is of another release than this command (${version})`,
    );
    t.regex(error?.remediation ?? '', /holdfast node list/);
  });

test('what a record of a node of 0.4 says under the name of then is read, and a text that has that word is left', async (t) => {
  const { api, client } = t.context;
  const text = 'of {"wayOut":"x"}';
  api.replies = [
    json({ items: [{ description: text, problem: { wayOut: 'put it right' } }], next: null }),
    problem('conflict', 409, { wayOut: 'repeat it' }),
  ];
  const [record] = (await client.list(groups)) as unknown[];
  t.deepEqual(record, { description: text, problem: { remediation: 'put it right' } });
  const error = await t.throwsAsync(client.get(groups), { instanceOf: ApiProblem });
  t.is(error?.remediation, 'repeat it');
});

test('on which nodes something is in force is told where nodes serve from memory', async (t) => {
  const { api, client } = t.context;
  const told: string[] = [];
  client.onInForce = (words) => told.push(words);
  const header = (value: string) => json({ id: 'it' }, 201, { 'Holdfast-In-Force': value });
  api.replies = [
    header('nodes=0, confirmed=0, ended=0, milliseconds=0'),
    header('nodes=3, confirmed=2, ended=1, milliseconds=15150'),
    json({ id: 'it' }),
  ];
  for (let count = 0; count < 3; count++) await client.create(groups, { name: 'x' });
  t.deepEqual(told, [
    'in force on 2 of 3 nodes after 15.15 s; 1 did not answer, and serves nothing from memory',
  ]);
});
