import os from 'node:os';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import test, { type ExecutionContext } from 'ava';
import {
  SnapshotHolder,
  type Snapshot,
  type SnapshotHolderOptions,
} from '../../src/serving/snapshot-holder.ts';
import { WorkerHistory } from '../../src/serving/worker-history.ts';
import type { HolderLine } from '../../src/store/holder-line.ts';

/* How a worker comes to its lease, with a database of which only the answers matter. */

const at = { revision: 1, mark: null, store: null };

/** `line` is what this database does otherwise than all well. */
function holderOf(
  t: ExecutionContext,
  line: Partial<HolderLine>,
  { length = 300, ...options }: Partial<SnapshotHolderOptions> = {},
) {
  const joined: string[] = [];
  const warmed = Promise.withResolvers<void>();
  const snapshot: Snapshot = {
    at,
    refresh: async () => undefined,
    wentBack: () => undefined,
    onWentBack: () => undefined,
    keepWarm: async () => warmed.resolve(),
  };
  const well: HolderLine = {
    join: async () => undefined,
    renew: async () => ({ at, older: false }),
    confirm: async () => undefined,
    leave: async () => undefined,
    close: async () => undefined,
  };
  const holder = new SnapshotHolder({
    open: async () => ({
      ...well,
      ...line,
      join: async (who) => {
        joined.push(who.id);
        await line.join?.(who);
      },
    }),
    snapshot,
    who: { nodeId: 'n', hostname: 'h' },
    instance: 'n/1',
    length,
    log: pino({ level: 'silent' }),
    ...options,
  });
  t.teardown(async () => holder.stop());
  return { holder, joined, warmed: warmed.promise };
}

async function until(condition: () => boolean): Promise<void> {
  for (let left = 5000; !condition(); left--) {
    if (left === 0) throw new Error('it does not come about');
    await delay(2);
  }
}

const untilFresh = async (holder: SnapshotHolder) => until(() => holder.isFresh);

test('a worker that cannot join tries it with the same row each time', async (t) => {
  let left = 3;
  const { holder, joined } = holderOf(t, {
    join: async () => {
      // As where the synchronous standby is missing: the server goes on with it, and never answers.
      if (left-- > 0) throw new Error('no answer in time');
    },
  });
  holder.start();
  await untilFresh(holder);
  t.is(joined.length, 4);
  t.is(new Set(joined).size, 1);
});

test('what is served is looked up though a request has asked the store before the first renewal', async (t) => {
  const { holder, warmed } = holderOf(t, {});
  holder.loaded();
  holder.start();
  await warmed;
  t.pass();
});

test.serial('a machine whose uptime is a container’s own has a lease as any other', async (t) => {
  // As LXCFS has /proc/uptime: since the container started.
  const real = os.uptime;
  const started = real();
  os.uptime = () => real() - started;
  syncBuiltinESMExports();
  t.teardown(() => {
    os.uptime = real;
    syncBuiltinESMExports();
  });
  const { holder } = holderOf(t, {});
  holder.start();
  await untilFresh(holder);
  t.pass();
});

test('a worker whose supervisor stands still gives its lease up, and has one again once that answers', async (t) => {
  const left: string[] = [];
  let confirmed = -1;
  const asks: number[] = [];
  const history: WorkerHistory = new WorkerHistory(
    { at: { ...at, revision: 0 }, lost: [] },
    (id) => asks.push(id),
    () => holder.keptMore(),
  );
  const { holder, joined } = holderOf(
    t,
    {
      confirm: async (_, epoch) => {
        confirmed = epoch;
      },
      leave: async (id) => void left.push(id),
    },
    { length: 900, history },
  );
  holder.loaded();
  holder.start();
  await untilFresh(holder);
  t.deepEqual(left, [], 'it owes no answer');
  const started = holder.begin();
  history.moved();
  await until(() => left.length === 1);
  t.deepEqual(left, joined, 'nobody waits for it');
  t.false(holder.isFresh);
  t.true(started !== undefined && !holder.mayAnswer(started));
  t.is(confirmed, 0);
  await until(() => asks.length > 1);
  history.receive({ asked: asks.at(-1) ?? 0, at, lost: [] });
  await untilFresh(holder);
  await until(() => confirmed === 1);
  t.is(joined.length, 2);
});
