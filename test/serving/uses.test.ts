import anyTest, { type TestFn } from 'ava';
import type { Store } from '../../src/store/store.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { writeServed } from '../../src/serving/served-writes.ts';
import { UseRecorder } from '../../src/serving/uses.ts';
import { openVault, type TestVault } from '../../testing/vault.ts';

const test = anyTest as TestFn<TestVault>;

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

const at = Date.parse('2031-05-05T12:00:00.000Z');

function recorderOf(store: Store): { recorder: UseRecorder; clock: { now: number }; failures: unknown[] } {
  const clock = { now: at };
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => failures.push(error);
  return {
    recorder: new UseRecorder({
      write: async (uses) => void (await writeServed(store, { kind: 'uses', uses }, 'xks-worker/of-a-test')),
      now: () => clock.now,
      onFailure,
    }),
    clock,
    failures,
  };
}

async function usesOf({ store }: TestVault, id: string) {
  return store.db
    .selectFrom('uses')
    .select(['kind', 'count', 'last_at', 'last_address'])
    .where('id', '=', id)
    .orderBy('kind')
    .execute();
}

test('what was gathered is added to what stands there, with the last time and address', async (t) => {
  const { store } = t.context;
  const { recorder, clock } = recorderOf(store);
  recorder.record('encrypt', 'key-1', '192.0.2.1');
  clock.now += 1500;
  recorder.record('encrypt', 'key-1', '192.0.2.2');
  recorder.record('decrypt', 'key-1', '192.0.2.3');
  const revision = await store.revision();
  await recorder.write();
  t.is(await store.revision(), revision, 'no worker has to see it');
  const decrypts = {
    kind: 'decrypt',
    count: 1,
    last_at: '2031-05-05T12:00:01.500Z',
    last_address: '192.0.2.3',
  } as const;
  const encrypts = { ...decrypts, kind: 'encrypt', count: 2, last_address: '192.0.2.2' } as const;
  t.deepEqual(await usesOf(t.context, 'key-1'), [decrypts, encrypts]);
  clock.now += 1;
  recorder.record('encrypt', 'key-1', '192.0.2.9');
  await recorder.close();
  const later = { last_at: '2031-05-05T12:00:01.501Z', last_address: '192.0.2.9' };
  t.deepEqual(await usesOf(t.context, 'key-1'), [decrypts, { ...encrypts, ...later, count: 3 }]);
});

test('what another worker has written later stays: counts add up, the later time wins', async (t) => {
  const { store } = t.context;
  const [slow, fast] = [recorderOf(store), recorderOf(store)];
  slow.recorder.record('credential', 'AKEY', '192.0.2.1');
  fast.clock.now += 2000;
  fast.recorder.record('credential', 'AKEY', '192.0.2.2');
  await fast.recorder.close();
  await slow.recorder.close();
  const [use] = await usesOf(t.context, 'AKEY');
  t.deepEqual(use, {
    kind: 'credential',
    count: 2,
    last_at: '2031-05-05T12:00:02.000Z',
    last_address: '192.0.2.2',
  });
});

test('a write that fails loses nothing: the numbers come with the next', async (t) => {
  const { store } = t.context;
  const state = { broken: true };
  const frail = Object.create(store, {
    bookkeep: {
      value: async (...asked: Parameters<Store['bookkeep']>) => {
        if (state.broken) throw new Error('the disk is full');
        return store.bookkeep(...asked);
      },
    },
  }) as Store;
  const { recorder, clock, failures } = recorderOf(frail);
  recorder.record('encrypt', 'key-2', '192.0.2.1');
  const writing = recorder.write();
  clock.now += 1000;
  recorder.record('encrypt', 'key-2', '192.0.2.2');
  await writing;
  t.is(failures.length, 1);
  await recorder.write();
  t.is(failures.length, 2);
  state.broken = false;
  await recorder.close();
  const [use] = await usesOf(t.context, 'key-2');
  t.deepEqual(use, {
    kind: 'encrypt',
    count: 2,
    last_at: '2031-05-05T12:00:01.000Z',
    last_address: '192.0.2.2',
  });
});

test('a write that fails half way keeps what is not written, and writes nothing twice', async (t) => {
  const { store } = t.context;
  let writes = 0;
  const frail = Object.create(store, {
    bookkeep: {
      value: async (...asked: Parameters<Store['bookkeep']>) => {
        if (++writes === 2) throw new Error('the disk is full');
        return store.bookkeep(...asked);
      },
    },
  }) as Store;
  const { recorder, failures } = recorderOf(frail);
  for (let i = 0; i < 500; i++) recorder.record('encrypt', `half-${i}`, '192.0.2.1');
  await recorder.write();
  t.is(failures.length, 1);
  await recorder.close();
  const rows = await store.db.selectFrom('uses').select('count').where('id', 'like', 'half-%').execute();
  t.is(rows.length, 500);
  t.true(rows.every(({ count }) => count === 1));
});

test('while another process holds the store for long nothing is lost, with thousands of keys too', async (t) => {
  const { store, storePath } = t.context;
  const other = await SqliteStore.open(storePath);
  const { recorder, failures } = recorderOf(store);
  for (let i = 0; i < 3000; i++) recorder.record('decrypt', `many-${i}`, '192.0.2.1');
  const holding = Promise.withResolvers<void>();
  const held = other.bookkeep('by hand', async (trx) => {
    await trx.updateTable('revision').set({ id: 1 }).execute();
    await holding.promise;
  });
  const writing = recorder.close();
  setTimeout(holding.resolve, 300);
  await Promise.all([held, writing]);
  await other.close();
  t.deepEqual(failures, []);
  const { many } = await store.db
    .selectFrom('uses')
    .select((eb) => eb.fn.countAll<number>().as('many'))
    .where('id', 'like', 'many-%')
    .executeTakeFirstOrThrow();
  t.is(many, 3000);
});
