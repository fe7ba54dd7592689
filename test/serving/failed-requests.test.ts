import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { listFailedRequests } from '../../src/admin/requests/failed-request-list.ts';
import { FailedRequestRecorder, maxHeld, type FailedRequest } from '../../src/serving/failed-requests.ts';
import { addFailedRequests, type FailedRequests } from '../../src/keys/failed-request-rows.ts';
import { writeServed } from '../../src/serving/served-writes.ts';
import { xksWorkerMessage } from '../../src/node/worker-messages.ts';
import { parseMessage } from '../../src/message-check.ts';
import type { Store } from '../../src/store/store.ts';
import { newStore } from '../../testing/stores.ts';

const at = Date.parse('2031-05-05T12:00:30.000Z');

function request(more: Partial<FailedRequest> = {}): FailedRequest {
  return {
    ...{ vaultId: 'v', keySetId: 's', operation: 'Decrypt', error: 'InvalidStateException' },
    ...{ message: 'The external key is disabled.', reason: 'DISABLED', externalKeyId: 'x' },
    ...{ principal: 'arn:aws:iam::111122223333:role/payroll', viaService: 's3.eu-west-1.amazonaws.com' },
    ...{ kmsOperation: 'Decrypt', kmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/1' },
    ...{ kmsRequestId: 'request-1', address: '192.0.2.1' },
    ...more,
  };
}

function recorderTo(t: ExecutionContext, write: (requests: FailedRequests[]) => Promise<void>) {
  const clock = { now: at };
  const failures: unknown[] = [];
  const recorder = new FailedRequestRecorder({
    write,
    now: () => clock.now,
    onFailure: (error) => failures.push(error),
  });
  t.teardown(async () => recorder.close());
  return { recorder, clock, failures };
}

async function newlyOpened(t: ExecutionContext): Promise<Store> {
  const store = await newStore();
  t.teardown(async () => store.close());
  return store;
}

const into = (store: Store) => async (requests: FailedRequests[]) =>
  void (await writeServed(store, { kind: 'failed-requests', requests }, 'xks-worker/of-a-test'));

async function rowsOf(store: Store, vaultId = 'v') {
  const { items } = await listFailedRequests({ store }, vaultId, 'all', { limit: 200, sort: '-lastAt' });
  return items;
}

test('requests that are the same within a minute are one row with their number and the last of them', async (t) => {
  const store = await newlyOpened(t);
  const { recorder, clock } = recorderTo(t, into(store));
  const other = recorderTo(t, into(store));
  recorder.record(request());
  await recorder.write();
  clock.now += 2_000;
  recorder.record(request({ kmsRequestId: 'request-2', address: '192.0.2.2' }));
  other.recorder.record(request({ kmsRequestId: 'of another worker' }));
  const revision = await store.revision();
  await recorder.write();
  await other.recorder.write();
  t.is(await store.revision(), revision, 'no worker has to see it');
  const [row, ...more] = await rowsOf(store);
  t.like(row, { count: 3, kms_request_id: 'request-2', address: '192.0.2.2' });
  t.is(row?.first_at, '2031-05-05T12:00:30.000Z');
  t.is(row?.last_at, '2031-05-05T12:00:32.000Z');
  t.deepEqual(more, []);
  clock.now += 60_000;
  recorder.record(request());
  recorder.record(request({ principal: 'arn:aws:iam::111122223333:role/other' }));
  await recorder.write();
  t.deepEqual(
    (await rowsOf(store)).map(({ count }) => count),
    [1, 1, 3],
  );
});

test('of a flood that differs in each request 50 are told apart, none is lost, and no other vault has fewer', async (t) => {
  const store = await newlyOpened(t);
  const { recorder } = recorderTo(t, into(store));
  for (let n = 0; n < 3_000; n++) {
    recorder.record(request({ principal: `role/${n}` }));
    recorder.record(request({ vaultId: '', keySetId: '', externalKeyId: '', address: `192.0.2.${n}` }));
    // Written between, which makes no room for more of them in this minute.
    if (n % 1_000 === 0) await recorder.write();
  }
  recorder.record(request({ vaultId: 'quiet' }));
  await recorder.write();
  for (const vault of ['v', '']) {
    const rows = await rowsOf(store, vault);
    t.is(rows.length, 51);
    t.is(
      rows.reduce((sum, { count }) => sum + count, 0),
      3_000,
    );
    const rest = rows.find(({ count }) => count > 1);
    t.like(rest, { count: 2_950, error: 'InvalidStateException', principal: '', key_set_id: '' });
  }
  t.is((await rowsOf(store, 'quiet')).length, 1);
});

test('of a vault the newest rows are kept, and those of others are left alone', async (t) => {
  const store = await newlyOpened(t);
  const rows = (vault: string, minute: number) =>
    Array.from({ length: 5 }, (_, n) => ({
      ...rowFor(request({ vaultId: vault, principal: `role/${n}` })),
      first_at: `2031-05-05T12:0${minute}:00.000Z`,
      last_at: `2031-05-05T12:0${minute}:00.00${n}Z`,
    }));
  await addFailedRequests(store, rows('other', 0), 8);
  await addFailedRequests(store, rows('v', 1), 8);
  await addFailedRequests(store, rows('v', 2), 8);
  const kept = await rowsOf(store);
  t.deepEqual(kept.map(({ last_at }) => last_at.slice(15)).at(-1), '1:00.002Z');
  t.is(kept.length, 8);
  t.is((await rowsOf(store, 'other')).length, 5);
});

test('what no database takes, and what is too long, keeps nothing else from being written', async (t) => {
  const store = await newlyOpened(t);
  const { recorder, failures } = recorderTo(t, async (requests) => {
    const message = { kind: 'served-write', id: 'a', write: { kind: 'failed-requests', requests } };
    parseMessage(xksWorkerMessage, message);
    await into(store)(requests);
  });
  recorder.record(request({ principal: 'role/\u0000\ud800' }));
  // A terminal obeys one, and both have a reader see what was not sent.
  recorder.record(request({ principal: 'role/\u202ea\u009b' }));
  recorder.record(
    request({
      ...{ principal: '😀'.repeat(2_000), kmsRequestId: 'x'.repeat(1e6) },
      externalKeyId: 'y'.repeat(500),
    }),
  );
  await recorder.write();
  t.deepEqual(failures, []);
  const rows = await rowsOf(store);
  t.deepEqual(
    rows.map(({ principal }) => principal.length).toSorted((one, other) => one - other),
    [7, 8, 512],
  );
  t.true(rows.some(({ principal }) => principal === 'role/?a?'));
});

test('a write that fails loses nothing, and what is held meanwhile is bounded', async (t) => {
  const store = await newlyOpened(t);
  const state = { broken: true };
  const { recorder, clock, failures } = recorderTo(t, async (requests) => {
    if (state.broken) throw new Error('the disk is full');
    await into(store)(requests);
  });
  recorder.record(request());
  await recorder.write();
  clock.now += 1_000;
  recorder.record(request());
  await recorder.write();
  t.is(failures.length, 2);
  state.broken = false;
  await recorder.write();
  t.deepEqual(
    (await rowsOf(store)).map(({ count }) => count),
    [2],
  );
  state.broken = true;
  for (let n = 0; n < maxHeld + 100; n++) {
    recorder.record(request({ vaultId: `v${n}` }));
    if (n % 1_000 === 0) clock.now += 60_000;
  }
  state.broken = false;
  await recorder.write();
  const { count } = await store.db
    .selectFrom('failed_requests')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('vault_id', '<>', 'v')
    .executeTakeFirstOrThrow();
  t.is(Number(count), maxHeld);
});

test('somebody sees the requests to key sets of their admin groups, by every filter', async (t) => {
  const store = await newlyOpened(t);
  const group = randomUUID();
  await addFailedRequests(store, [
    rowFor(request({ keySetId: 'nowhere' })),
    rowFor(request({ error: 'KeyNotFoundException' })),
  ]);
  const asked = async (sight: 'all' | string[], filter: object = {}) =>
    (await listFailedRequests({ store }, 'v', sight, { limit: 10, sort: '-lastAt', ...filter })).items.length;
  t.is(await asked('all'), 2);
  t.is(await asked([group]), 0, 'what belongs to no key set that they see is not theirs');
  t.is(await asked([]), 0);
  t.is(await asked('all', { keySetId: 'nowhere' }), 1);
  t.is(await asked('all', { error: 'KeyNotFoundException' }), 1);
  t.is(await asked('all', { principal: request().principal }), 2);
  t.is(await asked('all', { principal: 'role' }), 0);
  t.is(await asked('all', { kmsRequestId: 'request-1' }), 2);
  const { items } = await listFailedRequests({ store }, 'v', 'all', { limit: 1, sort: '-lastAt' });
  t.is(await asked('all', { id: items[0]?.id }), 1);
  t.is(await asked([group], { id: items[0]?.id }), 0, 'nor by its id');
  t.is(await asked('all', { from: '2031-05-05T12:00:31Z' }), 0);
  t.is(await asked('all', { to: '2031-05-05T12:00:31Z' }), 2);
});

function rowFor(of: FailedRequest): FailedRequests {
  const time = new Date(at).toISOString();
  return {
    ...{ vault_id: of.vaultId, key_set_id: of.keySetId, external_key_id: of.externalKeyId },
    ...{ operation: of.operation, error: of.error, message: of.message, reason: of.reason },
    ...{ principal: of.principal, via_service: of.viaService, kms_operation: of.kmsOperation },
    ...{ kms_key_arn: of.kmsKeyArn, kms_request_id: of.kmsRequestId, address: of.address },
    ...{ first_at: time, last_at: time, count: 1 },
  };
}
