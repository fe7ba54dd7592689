import type { Context } from 'koa';
import test from 'ava';
import { configSchema, type Config } from '../../src/config/config.ts';
import { RequestLog, type RequestRecord } from '../../src/http/request-log.ts';
import { monotonicNow } from '../../src/clock.ts';
import type { ServedKeySet } from '../../src/serving/directory.ts';
import { XksError } from '../../src/xks/errors.ts';
import { InProcessNode } from '../../testing/in-process-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { requestMetadata } from '../../testing/xks-client.ts';
import { KeptLog } from '../vault/stage.ts';

const ctx = { status: 200, req: {} } as Context;

function open(settings: Partial<Config['log']>, drawn: () => boolean = () => false) {
  const kept = new KeptLog();
  const oneIn: number[] = [];
  const requests = new RequestLog({
    log: kept.log,
    settings: { level: 'info', requests: 'all', sample_one_in: 100, slow_request_ms: 60_000, ...settings },
    draw: (n) => {
      oneIn.push(n);
      return drawn();
    },
  });
  const lines = () =>
    kept.lines
      .splice(0)
      .map(({ message, facts }) => Object.assign(facts, { message }) as Record<string, unknown>);
  return { requests, lines, oneIn };
}

/** A request of a key set for a key, by somebody. */
function of(
  set: string,
  key: string,
  principal = 'role/a',
  more: Partial<RequestRecord> = {},
): RequestRecord {
  return {
    ...{
      came: monotonicNow(),
      operation: 'Encrypt',
      externalKeyId: key,
      accessKeyId: 'AKID',
      error: undefined,
    },
    keySet: { id: set, name: `set ${set}`, token: 'token' } as ServedKeySet,
    facts: { metadata: { awsPrincipalArn: principal } } as RequestRecord['facts'],
    ...more,
  };
}

const refused = { error: new XksError('KeyNotFoundException', 'not here') };

test('every request has its line unless something else is asked for', (t) => {
  const schema = configSchema.shape.log;
  t.deepEqual(schema.parse({}), { level: 'info', requests: 'all', sample_one_in: 100, slow_request_ms: 100 });
  const { requests, lines } = open({});
  for (let n = 0; n < 5; n++) requests.record(ctx, of('1', 'k'));
  requests.close();
  t.is(lines().length, 5);
});

test('of failures alone: what failed or was slow has its line, and the rest is counted for each key set', (t) => {
  const { requests, lines } = open({ requests: 'failures', slow_request_ms: 100 });
  for (let n = 0; n < 7; n++) requests.record(ctx, of('1', 'k'));
  requests.record(ctx, of('1', 'k', 'role/a', { operation: 'Decrypt' }));
  requests.record(ctx, of('2', 'k'));
  requests.record(ctx, of('', '', '', { operation: 'GetHealthStatus', keySet: undefined }));
  t.deepEqual(lines(), []);
  requests.record(ctx, of('1', 'k', 'role/a', refused));
  requests.record(ctx, of('1', 'slow', 'role/a', { came: monotonicNow() - 101 }));
  t.deepEqual(
    lines().map((line) => [line['message'], line['externalKeyId']]),
    [
      ['not here', 'k'],
      ['request', 'slow'],
    ],
  );
  const leftOut = () => lines().map(({ keySet, leftOut: counts }) => [keySet, counts]);
  requests.tellLeftOut();
  t.deepEqual(leftOut(), [
    ['set 1', { Encrypt: 7, Decrypt: 1 }],
    ['set 2', { Encrypt: 1 }],
    [undefined, { GetHealthStatus: 1 }],
  ]);
  requests.tellLeftOut();
  t.deepEqual(lines(), []);
  requests.record(ctx, of('1', 'k'));
  requests.close();
  t.is(leftOut().length, 1, 'the end tells what was left out since');
});

test('sampled: who used which key is in it once in a while, of the rest what is drawn, and the numbers add up', (t) => {
  let draws = 0;
  const { requests, lines, oneIn } = open(
    { requests: 'sampled', sample_one_in: 10 },
    () => ++draws % 10 === 0,
  );
  const [keys, each] = [['k1', 'k2', 'k3'], 40];
  for (let n = 0; n < each; n++)
    for (const key of keys)
      for (const principal of ['role/a', 'role/b']) requests.record(ctx, of('1', key, principal));
  const logged = lines();
  const first = logged.slice(0, 6);
  t.deepEqual(
    first.map(({ externalKeyId, principal }) => `${String(externalKeyId)} ${String(principal)}`).toSorted(),
    ['k1 role/a', 'k1 role/b', 'k2 role/a', 'k2 role/b', 'k3 role/a', 'k3 role/b'],
  );
  t.true(oneIn.every((n) => n === 10));
  const total = keys.length * 2 * each;
  t.is(logged.length, 6 + Math.floor((total - 6) / 10));
  requests.tellLeftOut();
  const [told] = lines() as unknown as { leftOut: { Encrypt: number } }[];
  t.is(logged.length + (told?.leftOut.Encrypt ?? 0), total);
  requests.record(ctx, of('1', 'k1'));
  t.is(lines().length, 1, 'the next while has its first again');
  requests.close();
});

test('however many keys and principals there are, what is kept of them is bounded', (t) => {
  const { requests, lines } = open({ requests: 'sampled' });
  for (let n = 0; n < 10_500; n++) requests.record(ctx, of('1', `k${n}`));
  t.is(lines().length, 10_000);
  requests.close();
  const [told] = lines() as unknown as { leftOut: { Encrypt: number } }[];
  t.is(told?.leftOut.Encrypt, 500);
});

test('a worker leaves out what its configuration says, and tells at its end how many', async (t) => {
  const fixture = await createSoftHsmToken();
  const log = { requests: 'failures', slow_request_ms: 600_000 };
  const node = await InProcessNode.start({ tokens: [{ fixture }], log });
  const end = async () => {
    await node.dispose();
    await fixture.dispose();
  };
  t.teardown(end);
  const { access, key } = await node.withVault(async (vault) => {
    await vault.makeKeySet('first', { prefix: 'first' });
    return { access: await vault.issueCredential('first'), key: await vault.makeKey('first', 'key') };
  });
  const client = node.client(access);
  t.teardown(() => client.close());
  for (let n = 0; n < 3; n++) t.is((await client.encrypt(key, Buffer.from('x'))).status, 200);
  t.is(
    (
      await client.post('keys/no-such-key/metadata', {
        requestMetadata: requestMetadata('DescribeKey'),
      })
    ).status,
    404,
  );
  await node.drained();
  const requests = node.log.filter(({ operation }) => operation !== undefined);
  t.deepEqual(
    requests.map(({ errorName }) => errorName),
    ['KeyNotFoundException'],
  );
  const told = node.log.filter(({ leftOut }) => leftOut !== undefined);
  t.deepEqual(
    told.map(({ keySet, leftOut }) => [keySet, leftOut]),
    [['first', { Encrypt: 3 }]],
  );
});
