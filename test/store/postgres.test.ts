import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { ownAuthority, record, type Act } from '../../src/evidence/trail.ts';
import { PostgresHolderLine } from '../../src/store/postgres/holder-line.ts';
import { DatabaseLock } from '../../src/store/postgres/node-lock.ts';
import { PostgresStore, type PostgresOptions } from '../../src/store/postgres/postgres.ts';
import type { PostgresSettings } from '../../src/store/postgres/settings.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { TestCa } from '../../testing/certificates.ts';
import { freePort } from '../../testing/free-port.ts';
import { startPgBouncer } from '../../testing/pgbouncer.ts';
import { freshDatabase, sharedCluster } from '../../testing/postgres.ts';

/* What only a database on the other side of a connection can do. The server is this file's own: one test after another. */

async function open(
  t: ExecutionContext,
  settings: PostgresSettings,
  options: PostgresOptions = {},
): Promise<PostgresStore> {
  const store = await PostgresStore.open(settings, options);
  t.teardown(async () => store.close());
  return store;
}

async function refused(settings: PostgresSettings): Promise<StoreError> {
  try {
    await (await PostgresStore.open(settings)).close();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('it was opened');
}

function act(): Act {
  return {
    actor: { kind: 'system', id: '', name: 'test' },
    address: '',
    requestId: randomUUID(),
    at: new Date(),
    now: () => new Date(),
    authority: ownAuthority,
  };
}

/** An act with an audit event, as those of Holdfast are. */
async function doAct(store: PostgresStore, one = act()): Promise<string> {
  return store.change(one, async (trx) => {
    await record(trx, one, { action: 'test.act', vaultId: '', target: { kind: 'test', id: '', name: '' } });
    return 'done';
  });
}

async function eventsOf(store: PostgresStore, { requestId }: Act): Promise<number> {
  const rows = await store.db
    .selectFrom('audit_events')
    .select('sequence')
    .where('request_id', '=', requestId)
    .execute();
  return rows.length;
}

/** Begins an act whose COMMIT waits for a standby that is not there, and gives the process that waits. */
async function waitsForStandby(
  t: ExecutionContext,
  settings: PostgresSettings,
  durability: PostgresSettings['durability'],
): Promise<{ store: PostgresStore; one: Act; done: Promise<string>; pid: number }> {
  const cluster = await sharedCluster();
  const store = await open(t, { ...settings, durability });
  t.teardown(async () => cluster.set('synchronous_standby_names', ''));
  await cluster.set('synchronous_standby_names', 'nobody');
  const one = act();
  const done = doAct(store, one);
  done.catch(() => undefined);
  for (;;) {
    const [row] = await cluster.asSuperuser<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
    );
    if (row !== undefined) return { store, one, done, pid: row.pid };
    await delay(10);
  }
}

test.serial('a COMMIT that nobody lets wait for the standby any longer is not acknowledged', async (t) => {
  const cluster = await sharedCluster();
  const { done, pid, store, one } = await waitsForStandby(t, await freshDatabase(), 'synchronous');
  await cluster.asSuperuser(`SELECT pg_cancel_backend(${pid})`);
  const error = await t.throwsAsync(done, { instanceOf: StoreError });
  t.is(error?.fault, 'not-certain');
  t.is(error?.status, 503);
  t.regex(
    error?.message ?? '',
    /not yet certain on its standby \(canceling wait for synchronous replication/,
  );
  t.is(await eventsOf(store, one), 1, 'it is done on this server');
});

test.serial(
  'a COMMIT during which the standby was given up is not acknowledged, though PostgreSQL says nothing',
  async (t) => {
    const cluster = await sharedCluster();
    const { done } = await waitsForStandby(t, await freshDatabase(), 'synchronous');
    await cluster.set('synchronous_standby_names', '');
    const error = await t.throwsAsync(done, { instanceOf: StoreError });
    t.is(error?.fault, 'not-certain');
    t.regex(error?.message ?? '', /what the server waits for at a COMMIT was changed meanwhile/);
  },
);

test.serial(
  'where one server is all that is claimed, that it stops waiting is no reason to refuse',
  async (t) => {
    const cluster = await sharedCluster();
    const { done } = await waitsForStandby(t, await freshDatabase(), 'single');
    await cluster.set('synchronous_standby_names', '');
    t.is(await done, 'done');
  },
);

test.serial(
  'an act whose connection was cut during its COMMIT is looked for, found, and done once',
  async (t) => {
    const cluster = await sharedCluster();
    const { done, pid, store, one } = await waitsForStandby(t, await freshDatabase(), 'single');
    await cluster.asSuperuser(`SELECT pg_terminate_backend(${pid})`);
    t.is(await done, 'done');
    t.is(await eventsOf(store, one), 1);
  },
);

test.serial('one that was found after a cut counts only once the standby has it', async (t) => {
  const cluster = await sharedCluster();
  const { done, pid } = await waitsForStandby(t, await freshDatabase(), 'synchronous');
  await cluster.asSuperuser(`SELECT pg_terminate_backend(${pid})`);
  for (;;) {
    const [row] = await cluster.asSuperuser<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid <> ${pid}`,
    );
    if (row === undefined) await delay(10);
    else {
      await cluster.asSuperuser(`SELECT pg_cancel_backend(${row.pid})`);
      break;
    }
  }
  const error = await t.throwsAsync(done, { instanceOf: StoreError });
  t.is(error?.fault, 'not-certain');
});

test.serial(
  'an act that finds done what is not certain on the standby yet is not acknowledged either',
  async (t) => {
    const cluster = await sharedCluster();
    const { store, pid, done } = await waitsForStandby(t, await freshDatabase(), 'synchronous');
    await cluster.asSuperuser(`SELECT pg_cancel_backend(${pid})`);
    await t.throwsAsync(done, { instanceOf: StoreError });
    const again = store.write(act(), async () => 'it was done');
    const ended = again.then(
      () => true,
      () => true,
    );
    for (let isOver = false; !isOver;) {
      await cluster.asSuperuser(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
      );
      isOver = await Promise.race([ended, delay(10, false)]);
    }
    const error = await t.throwsAsync(again, { instanceOf: StoreError });
    t.is(error?.fault, 'not-certain');
  },
);

test.serial('what wrote no audit event and was cut during its COMMIT is told to be in doubt', async (t) => {
  const cluster = await sharedCluster();
  const settings = await freshDatabase();
  const store = await open(t, settings);
  t.teardown(async () => cluster.set('synchronous_standby_names', ''));
  await cluster.set('synchronous_standby_names', 'nobody');
  const write = store.bookkeep('by hand', async (trx) =>
    trx.insertInto('leases').values({ name: 'a', holder: 'a', until: '' }).execute(),
  );
  write.catch(() => undefined);
  for (;;) {
    const rows = await cluster.asSuperuser(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
    );
    if (rows.length > 0) break;
    await delay(10);
  }
  const error = await t.throwsAsync(write, { instanceOf: StoreError });
  t.is(error?.fault, 'in-doubt');
});

/** Stands between a store and its server, and can go silent, or cut what comes with a word in it. */
class Between {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  silent = false;
  /** The connection is cut where this passes, and it goes no further. */
  cutsAt: string | undefined;
  /** How often it was. */
  cut = 0;
  /** Done, once, before what has the word in it goes on. */
  before: { word: string; run: () => Promise<void> } | undefined;
  /** How many came. */
  came = 0;
  port = 0;

  constructor(target: string) {
    // The end of a connection is something that comes, too.
    this.#server = createServer({ allowHalfOpen: true }, (near) => {
      this.came++;
      const far = connect({ path: target, allowHalfOpen: true });
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => undefined);
        from.on('close', () => to.destroy());
        from.on('end', () => {
          if (!this.silent) to.end();
        });
        from.on('data', (bytes) => {
          if (this.cutsAt !== undefined && bytes.includes(this.cutsAt)) {
            this.cutsAt = undefined;
            this.cut++;
            near.destroy();
          } else if (this.before !== undefined && bytes.includes(this.before.word)) {
            const { run } = this.before;
            this.before = undefined;
            void run().then(() => to.write(bytes));
          } else if (!this.silent) to.write(bytes);
        });
      }
    });
  }

  /** All that there are. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  static async open(t: ExecutionContext, target: string): Promise<Between> {
    const between = new Between(target);
    between.#server.listen(0, '127.0.0.1');
    await once(between.#server, 'listening');
    between.port = (between.#server.address() as { port: number }).port;
    t.teardown(() => {
      between.cutAll();
      between.#server.close();
    });
    return between;
  }
}

async function openBetween(
  t: ExecutionContext,
  options: PostgresOptions = {},
): Promise<{ between: Between; store: PostgresStore }> {
  const { between, settings } = await behindBetween(t);
  return { between, store: await open(t, settings, options) };
}

async function behindBetween(t: ExecutionContext): Promise<{ between: Between; settings: PostgresSettings }> {
  const cluster = await sharedCluster();
  const settings = await freshDatabase('tls');
  // Through a socket's own directory, so that what passes can be read.
  const directory = path.join(cluster.directory, randomUUID());
  const between = await Between.open(t, path.join(cluster.directory, `.s.PGSQL.${cluster.port}`));
  const listener = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: between.port, host: '127.0.0.1', allowHalfOpen: true });
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
  });
  await mkdir(directory);
  listener.listen(path.join(directory, '.s.PGSQL.5432'));
  await once(listener, 'listening');
  t.teardown(() => void listener.close());
  return { between, settings: { ...settings, host: directory, port: 5432 } };
}

test.serial('an act whose COMMIT never arrived is run again, and done once', async (t) => {
  const { between, store } = await openBetween(t);
  const one = act();
  between.cutsAt = 'commit';
  t.is(await doAct(store, one), 'done');
  t.is(between.cut, 1);
  t.is(await eventsOf(store, one), 1);
});

test.serial(
  'an act that was found after a cut, and is lost with its server before its standby has it, is done again',
  async (t) => {
    const { between, settings } = await behindBetween(t);
    const store = await open(t, { ...settings, durability: 'synchronous' });
    const one = act();
    let isForgotten = false;
    between.cutsAt = 'COMMIT';
    between.before = {
      word: 'pg_logical_emit_message',
      // As the server that took over has it.
      run: async () => {
        const cluster = await sharedCluster();
        const forget = `SET session_replication_role = replica; DELETE FROM audit_events WHERE request_id = '${one.requestId}'`;
        await cluster.asSuperuser(forget, settings.database);
        isForgotten = true;
      },
    };
    t.is(await doAct(store, one), 'done');
    t.true(isForgotten);
    t.is(await eventsOf(store, one), 1);
  },
);

test.serial('a server that goes silent spoils no connection for later', async (t) => {
  const { between, store } = await openBetween(t, { timeouts: { answer: 1_500, connect: 1_500 } });
  await store.revision();
  between.silent = true;
  const asks = await Promise.allSettled(
    Array.from({ length: 6 }, async () => store.db.selectFrom('leases').selectAll().execute()),
  );
  for (const ask of asks) {
    t.is(ask.status, 'rejected');
    if (ask.status === 'rejected') t.is((ask.reason as StoreError).fault, 'unreachable');
  }
  between.silent = false;
  for (let i = 0; i < 6; i++) t.deepEqual(await store.db.selectFrom('leases').selectAll().execute(), []);
});

test.serial('a server that restarts under it is found again without a new store', async (t) => {
  const cluster = await sharedCluster();
  // On a busy machine a server that crashed takes longer to recover than people are kept waiting.
  const store = await open(t, await freshDatabase(), { patience: 60_000 });
  await doAct(store);
  await cluster.stop('crash');
  const down = await t.throwsAsync(store.revision(), { instanceOf: StoreError });
  t.is(down?.fault, 'unreachable');
  const one = act();
  const waiting = doAct(store, one);
  await cluster.start();
  t.is(await waiting, 'done', 'what came meanwhile was tried again');
  t.is(await eventsOf(store, one), 1);
  t.true((await store.revision()) > 0);
});

test.serial('who holds the lock of the store for too long is told of', async (t) => {
  const settings = await freshDatabase();
  const store = await open(t, settings);
  const other = await open(t, settings, { timeouts: { lock: 100 } });
  const [begun, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holding = store.bookkeep('by hand', async () => {
    begun.resolve();
    await held.promise;
  });
  await begun.promise;
  const [tried] = await Promise.allSettled([other.bookkeep('by hand', async () => undefined)]);
  held.resolve();
  const error = (tried as PromiseRejectedResult).reason as StoreError;
  await holding;
  t.is(error?.fault, 'locked');
  await other.bookkeep('by hand', async () => undefined);
});

test.serial(
  'a database is that of nodes, or of one command alone, which tells who has it, and again after a connection was lost',
  async (t) => {
    const cluster = await sharedCluster();
    const settings = await freshDatabase();
    const lock = await DatabaseLock.take(settings, 'serve');
    t.teardown(async () => lock.release());
    await (await DatabaseLock.take(settings, 'serve')).release();
    const error = await t.throwsAsync(DatabaseLock.take(settings, 'init'), { instanceOf: StoreError });
    t.is(error?.fault, 'locked');
    t.regex(
      error?.message ?? '',
      new RegExp(`in use already: holdfast serve, process ${process.pid} on .+, has it since`),
    );
    const held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1";
    const [before] = await cluster.asSuperuser<{ pid: number }>(held);
    await cluster.asSuperuser(`SELECT pg_terminate_backend(${before?.pid})`);
    for (;;) {
      const [after] = await cluster.asSuperuser<{ pid: number }>(held);
      if (after !== undefined && after.pid !== before?.pid) break;
      await delay(20);
    }
    await lock.release();
    const alone = await DatabaseLock.take(settings, 'store move');
    await t.throwsAsync(DatabaseLock.take(settings, 'serve'), {
      message: /in use already: holdfast store move/,
    });
    await alone.release();
  },
);

test.serial('a node that was cut off while its database was moved is told so', async (t) => {
  const cluster = await sharedCluster();
  const settings = await freshDatabase();
  const moved: StoreError[] = [];
  const lock = await DatabaseLock.take(settings, 'serve', { onMoved: (error) => moved.push(error) });
  t.teardown(async () => lock.release());
  const ofDatabase = async (statement: string) => cluster.asSuperuser(statement, settings.database);
  await ofDatabase("INSERT INTO store_moves VALUES ('move', '/elsewhere', '2031', NULL)");
  await ofDatabase(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'holdfast serve%' AND datname = current_database()",
  );
  while (moved.length === 0) await delay(20);
  t.is(moved[0]?.fault, 'moved');
  t.regex(moved[0]?.message ?? '', /to \/elsewhere was begun at 2031/);
  // While the move goes on, which has the lock; and after it, where the store was looked at before it was locked.
  const atStart = { message: /to \/elsewhere was begun/ };
  const mover = await DatabaseLock.take(settings, 'store move');
  await t.throwsAsync(DatabaseLock.take(settings, 'serve'), atStart);
  await mover.release();
  await t.throwsAsync(DatabaseLock.take(settings, 'serve'), atStart);
  // What has no store, or does not answer, was not moved.
  await ofDatabase('DROP TABLE store_moves');
  await (await DatabaseLock.take(settings, 'serve')).release();
});

test.serial('the lock of a database is let go of, though its server has gone silent', async (t) => {
  const { between, settings } = await behindBetween(t);
  const held = await DatabaseLock.take(settings, 'serve');
  between.silent = true;
  await held.release();
  between.silent = false;
  const { between: another, settings: other } = await behindBetween(t);
  const lost = await DatabaseLock.take(other, 'serve');
  another.silent = true;
  another.cutAll();
  // Until it is being taken anew.
  while (another.came === 1) await delay(10);
  await lost.release();
  t.pass();
});

test.serial('who only reads writes nothing', async (t) => {
  const settings = await freshDatabase();
  const reader = (await PostgresStore.openToRead(settings)) as PostgresStore;
  t.teardown(async () => reader.close());
  t.is(await reader.revision(), 1);
  const error = await t.throwsAsync(reader.db.updateTable('revision').set({ revision: 99 }).execute(), {
    instanceOf: StoreError,
  });
  t.is(error?.fault, 'read-only');
});

test.serial(
  'a database without a store, and one of another version, is refused with the way out',
  async (t) => {
    const cluster = await sharedCluster();
    const empty = await cluster.database();
    t.like(await refused(empty), { fault: 'missing', remediation: 'run: holdfast init' });
    const settings = await freshDatabase();
    const inList = async (statement: string) => cluster.asSuperuser(statement, settings.database);
    // What a newer one has only added is no matter.
    await inList("INSERT INTO kysely_migration VALUES ('9999-later', '')");
    await (await PostgresStore.open(settings)).close();
    await (await PostgresStore.init(settings)).close();
    await inList("UPDATE kysely_migration SET name = '9999-later-contracts' WHERE name = '9999-later'");
    t.is((await refused(settings)).fault, 'newer');
    await inList("DELETE FROM kysely_migration WHERE name LIKE '9999%' OR name LIKE '0056%'");
    t.like(await refused(settings), { fault: 'older', remediation: 'run: holdfast init' });
    t.true(await PostgresStore.isUpgradedBeside(settings), 'nodes of the version before go on');
    await inList("DELETE FROM kysely_migration WHERE name LIKE '0001%'");
    t.false(await PostgresStore.isUpgradedBeside(settings));
    // Of another line of versions: some of it is not known, and some is missing.
    await inList("INSERT INTO kysely_migration VALUES ('9999-later', '')");
    await t.throwsAsync(PostgresStore.init(settings), { message: /made by a newer version/ });
  },
);

test.serial('what keeps a node from its database is named, with the way out', async (t) => {
  const cluster = await sharedCluster();
  const settings = await freshDatabase('tls');
  await (await open(t, settings)).revision();
  const wrong = path.join(cluster.directory, 'wrong-password');
  await writeFile(wrong, 'wrong');
  const otherCa = (await TestCa.create(cluster.directory, 'other')).certificate;
  const cases: [Partial<PostgresSettings>, StoreError['fault'], RegExp, RegExp][] = [
    [{ passwordFile: wrong }, 'not-permitted', /refuses the password.*28P01/, /password_file/],
    [{ database: 'none' }, 'missing', /no database of this name.*3D000/, /CREATE DATABASE/],
    [{ caFile: otherCa }, 'not-permitted', /certificate of the database server is of a CA/, /store\.ca/],
    [{ caFile: undefined }, 'not-permitted', /certificate of the database server is of a CA/, /store\.ca/],
    [{ serverName: 'db.example.com' }, 'not-permitted', /is of another name/, /server_name/],
    [{ port: await freePort() }, 'unreachable', /nobody listens.*ECONNREFUSED/, /store\.address/],
    [{ host: cluster.directory, port: 1 }, 'unreachable', /no socket.*ENOENT/, /store\.address/],
    [{ user: 'nobody' }, 'not-permitted', /28P01|28000/, /store\./],
  ];
  for (const [facts, fault, problem, remediation] of cases) {
    const error = await refused({ ...settings, ...facts });
    t.is(error.fault, fault, JSON.stringify(facts));
    t.regex(error.message, problem);
    t.regex(error.remediation, remediation);
    t.notRegex(`${error.message} ${error.remediation}`, /not a secret|wrong$/);
  }
  await rm(wrong);
});

for (const [mode, ignoring] of [
  ['transaction', ['options', 'extra_float_digits']],
  ['session', ['options', 'extra_float_digits']],
  ['transaction', []],
] as const)
  test.serial(
    `PgBouncer in ${mode} mode${ignoring.length === 0 ? ', as it is,' : ''} is told for what it is, and nothing is taken by it`,
    async (t) => {
      const direct = await freshDatabase();
      await (await open(t, direct)).revision();
      const pooler = await startPgBouncer(direct, { mode, ignoring: [...ignoring] });
      t.teardown(pooler.stop);
      const settings = { ...direct, host: pooler.host };
      const reasons = [
        await refused(settings),
        await t.throwsAsync<StoreError>(DatabaseLock.take(settings, 'init')),
        await t.throwsAsync<StoreError>(
          PostgresHolderLine.open(settings, {
            ...{ timeout: 5_000, onHint: () => undefined, onGone: () => undefined },
          }),
        ),
      ];
      for (const reason of reasons) {
        t.is(reason?.fault, 'not-permitted');
        t.regex(reason?.message ?? '', /leads through a connection pooler, such as PgBouncer/);
        t.regex(
          reason?.remediation ?? '',
          /store\.address and port lead to the server itself.*docs\/fleet\.md/,
        );
      }
      const lock = await DatabaseLock.take(direct, 'init');
      await lock.release();
    },
  );

test.serial('a role with as many connections as it may have is told so', async (t) => {
  const cluster = await sharedCluster();
  const settings = await freshDatabase();
  await open(t, settings, { size: 1 });
  await cluster.asSuperuser('ALTER ROLE holdfast CONNECTION LIMIT 1');
  t.teardown(async () => cluster.asSuperuser('ALTER ROLE holdfast CONNECTION LIMIT -1'));
  const error = await refused(settings);
  t.is(error.fault, 'unreachable');
  t.regex(error.message, /no connection left.*53300/);
});

test.serial('a client certificate lets a role in without a password', async (t) => {
  const cluster = await sharedCluster();
  const settings = await freshDatabase('tls');
  await cluster.asSuperuser('GRANT holdfast TO certified');
  await cluster.asSuperuser("ALTER ROLE certified SET ROLE TO 'holdfast'");
  const { certificate, key } = await cluster.ca.issue('certified', { client: true });
  const certified = { ...settings, user: 'certified', passwordFile: undefined };
  const store = await open(t, { ...certified, certificateFile: certificate, keyFile: key });
  t.is(await store.revision(), 1);
  t.regex((await refused(certified)).message, /28000/);
});

test.serial('what is claimed of the server and is not so is told, and when it is so again', async (t) => {
  const cluster = await sharedCluster();
  const settings = await freshDatabase();
  const told: (readonly string[])[] = [];
  const store = await open(
    t,
    { ...settings, durability: 'synchronous' },
    { onDurability: (problems) => told.push(problems) },
  );
  t.is(told.length, 1);
  t.regex(told[0]?.join() ?? '', /synchronous_standby_names is empty/);
  t.deepEqual(store.durabilityProblems, told[0]);
  t.teardown(async () => cluster.set('synchronous_standby_names', ''));
  await cluster.set('synchronous_standby_names', 'nobody');
  await cluster.asSuperuser(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast'",
  );
  for (;;)
    try {
      await store.revision();
      break;
    } catch (error) {
      t.is((error as StoreError).fault, 'unreachable');
    }
  t.deepEqual(told[1], []);
});

test.serial(
  'a standby is refused, and one that became one while it was open cannot be written',
  async (t) => {
    const cluster = await sharedCluster();
    const settings = await freshDatabase();
    await cluster.stop();
    const signal = path.join(cluster.directory, 'data', 'standby.signal');
    await writeFile(signal, '');
    await cluster.start();
    t.teardown(async () => {
      await cluster.stop();
      await rm(signal);
      await cluster.start();
    });
    const error = await refused(settings);
    t.is(error.fault, 'read-only');
    t.regex(error.message, /is a standby/);
    t.regex(error.remediation, /must lead to the primary/);
  },
);
