import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import Database from 'better-sqlite3';
import type { ListedKey } from '../../src/token/messages.ts';
import { versionLabel, versionObjectId } from '../../src/token/own-keys.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { Directory } from '../../src/serving/directory.ts';
import type { KeyContext } from '../../src/keys/followers.ts';
import { expireCredentials, expireKeys } from '../../src/schedules/expirations.ts';
import { reconcile } from '../../src/reconcile/reconcile.ts';
import { Schedules } from '../../src/schedules/schedules.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { TokenPools } from '../../src/vault/tokens.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { memoryToken } from '../../testing/memory-token.ts';
import { KeptLog } from './stage.ts';

/*
 * What is done in the background costs the event loop no more at a time, and each statement no more than it is for, however
 * much there is: counted in rows and statements, which no busy machine makes more.
 */

/** Rows of one write transaction, and rows that one statement returns. */
const maxWritten = 250;
const maxRead = 500;
/** Rows that were read, and statements, between two turns of the event loop. */
const maxRowsInTurn = 1_000;
const maxStatementsInTurn = 500;

/** Each row is proven besides. */
const boundsOfReconcile = { rows: 110, statements: 20, written: 20 };

const keys = 2_000;
const now = new Date('2031-05-05T12:00:00.000Z');
const past = '2031-05-01T00:00:00.000Z';
const future = '2031-06-01T00:00:00.000Z';

interface Context {
  store: SqliteStore;
  raw: Database.Database;
  vaultContext: KeyContext;
  objects: Map<string, ListedKey>;
  dispose: () => Promise<void>;
}

const test = anyTest as TestFn<Context>;

test.beforeEach(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-growth-'));
  const file = path.join(directory, 'holdfast.db');
  const store = await SqliteStore.init(file);
  const raw = new Database(file);
  raw.function('object_id', (id: unknown, version: unknown) => versionObjectId(String(id), Number(version)));
  fill(raw);
  const token = memoryToken(objectsOf(raw));
  const { objects } = token;
  const vaultContext = {
    ...{ store, tokens: new TokenPools([token]), now: () => now },
    ...{ instance: 'node/1', followers: [] },
  };
  t.context = {
    store,
    raw,
    vaultContext,
    objects,
    dispose: async () => {
      raw.close();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
test.afterEach.always(async (t) => t.context.dispose());

/** A vault with a key set for each fifty CloudKeys, each with an old version besides; credentials; events. */
function fill(raw: Database.Database): void {
  const numbers = (count: number) =>
    `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})`;
  const id = `printf('%08x-0000-4000-8000-000000000000', i * 1000003 % 4294967296)`;
  raw.exec(`
    INSERT INTO vaults (id, name, type, description, administrator_name, administrator_email, tokens, created_at, updated_at)
      VALUES ('v', 'v', 'cloud-key-management', '', '', '', '["token"]', '${past}', '${past}');
    ${numbers(keys / 50)} INSERT INTO key_sets (id, vault_id, name, description, token, path_prefix, rotation_days, created_at, updated_at)
      SELECT 's' || i, 'v', 's' || i, '', 'token', 'p' || i, 30, '${past}', '${past}' FROM n;
    ${numbers(keys)} INSERT INTO cloud_keys (id, key_set_id, name, description, external_key_id, state, region, administrators,
      users, can_encrypt, can_decrypt, current_version, rotation, rotated_at, next_rotation_at, expires_at, deletion_at, deleted_at, made_by, created_at, updated_at)
      SELECT ${id}, 's' || (i / 50), 'k' || i, '', 'e' || i,
        CASE i % 10 WHEN 7 THEN 'EXPIRED' WHEN 8 THEN 'DISABLED' WHEN 9 THEN 'PENDING_DELETION' ELSE 'AVAILABLE' END,
        '', '[]', '[]', 1, 1, 2, 'INHERIT', '${past}', CASE WHEN i % 10 = 0 THEN '2050-01-01T00:00:00.000Z' WHEN i % 10 IN (8, 9) THEN '${past}' ELSE '${future}' END,
        CASE WHEN i % 10 IN (1, 2, 7, 8) THEN '${past}' END, CASE WHEN i % 10 = 9 THEN '${past}' END, NULL, '', '${past}', '${past}' FROM n;
    INSERT INTO key_versions (cloud_key_id, version, object_id, state, origin, made_by, created_at, proof)
      SELECT id, 1, object_id(id, 1), 'DESTROYED', 'holdfast', '', '${past}', x'01' FROM cloud_keys;
    INSERT INTO key_versions (cloud_key_id, version, object_id, state, origin, made_by, created_at, proof)
      SELECT id, 2, object_id(id, 2), 'ACTIVE', 'holdfast', '', '${past}', x'01' FROM cloud_keys;
    ${numbers(1_000)} INSERT INTO xks_credentials (access_key_id, key_set_id, sealed_secret, expires_at, created_at)
      SELECT 'c' || i, 's' || (i % ${keys / 50}), x'02', CASE WHEN i % 2 = 0 THEN '${past}' END, '${past}' FROM n;
    INSERT INTO audit_events (at, vault_id, actor_kind, actor_id, actor_name, address, request_id, action, outcome, target_kind, target_id, target_name)
      SELECT '${past}', 'v', 'user', 'u', 'u', '', '', 'cloud-key.disable', 'done', 'cloud-key', id, name FROM cloud_keys;
  `);
}

/** Of each current version, in the order of their CKA_IDs. */
function objectsOf(raw: Database.Database): { id: Buffer; label: string }[] {
  return raw
    .prepare<[], { id: string; key_set_id: string; external_key_id: string }>(
      'SELECT id, key_set_id, external_key_id FROM cloud_keys',
    )
    .all()
    .map((row) => ({
      id: versionObjectId(row.id, 2),
      label: versionLabel(row.key_set_id, row.external_key_id, 2),
    }));
}

/** What `work` costs the store and the event loop at the most, at a time; of one part of it less than of all may be asked. */
async function measured(
  t: ExecutionContext<Context>,
  work: () => Promise<unknown>,
  bounds = { rows: maxRowsInTurn, statements: maxStatementsInTurn, written: maxWritten },
): Promise<void> {
  const { store, raw } = t.context;
  const statements = new Map<string, readonly unknown[]>();
  const turn = { rows: 0, statements: 0 };
  const max = { rows: 0, statements: 0 };
  const counting = { on: true };
  const turns = (async () => {
    while (counting.on) {
      await nextTurn();
      max.rows = Math.max(max.rows, turn.rows);
      max.statements = Math.max(max.statements, turn.statements);
      turn.rows = turn.statements = 0;
    }
  })();
  store.reads.reset();
  store.writes.reset();
  store.reads.onRead = ({ sql, parameters, rows }) => {
    statements.set(sql, parameters);
    turn.rows += rows;
    turn.statements++;
  };
  try {
    await work();
  } finally {
    store.reads.onRead = undefined;
    counting.on = false;
    await turns;
  }
  t.log(JSON.stringify({ max, read: store.reads.largest.rows, written: store.writes.largest.rows }));
  t.true(store.reads.largest.rows <= maxRead, JSON.stringify(store.reads.largest));
  t.true(store.writes.largest.rows <= bounds.written, JSON.stringify(store.writes.largest));
  t.true(max.rows <= bounds.rows, `${max.rows} rows in one turn`);
  t.true(max.statements <= bounds.statements, `${max.statements} statements in one turn`);
  const scans = [...statements].flatMap(([sql, parameters]) => scansOf(raw, sql, parameters));
  t.deepEqual(scans, [], 'no statement goes over a table that grows');
}

/** Steps of a statement's plan that go over the whole of a table that grows, and stop nowhere. */
function scansOf(raw: Database.Database, sql: string, parameters: readonly unknown[]): string[] {
  if (!/^\s*(select|update|delete)/i.test(sql)) return [];
  const plan = raw.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...(parameters as never[])) as {
    detail: string;
  }[];
  return (
    plan
      .filter(({ detail }) => /^SCAN (cloud_keys|key_versions|xks_credentials|audit_events)\b/.test(detail))
      // Of credentials that are being replaced there are few.
      .filter(({ detail }) => !detail.endsWith('USING INDEX xks_credentials_live'))
      .map(({ detail }) => `${detail}: ${sql}`)
  );
}

test.serial('reconcile goes through store and token side by side, a page at a time', async (t) => {
  const { vaultContext, objects, raw } = t.context;
  // One is missing, one is nobody's, and a destroyed version is there again.
  const [missing = '', again = ''] = [...objects.keys()].slice(40);
  objects.delete(missing);
  const destroyed = Buffer.from(again, 'hex');
  raw.prepare(`UPDATE key_versions SET state = 'DESTROYED' WHERE object_id = ?`).run(destroyed);
  const told = { settled: 0 };
  await measured(
    t,
    async () => {
      const act = systemAct(vaultContext, 'test');
      const onSettled = () => told.settled++;
      const { tokens } = await reconcile(vaultContext, act, { askedBy: 'test', onSettled });
      t.is(tokens[0]?.keyObjects, keys - 1);
      t.is(tokens[0]?.problem, null);
      t.deepEqual(
        tokens[0]?.findings.map(({ kind, outcome, objectId }) => [kind, outcome, objectId]),
        [
          ['missing', 'none', missing],
          ['interrupted', 'destroyed', again],
        ],
      );
    },
    boundsOfReconcile,
  );
  t.is(told.settled, 1);
});

test.serial('keys and credentials expire a few at a time, whatever expires at once', async (t) => {
  const { vaultContext } = t.context;
  const bounds = { rows: 40, statements: 40, written: 30 };
  await measured(t, async () => t.is(await expireKeys(vaultContext), (keys * 3) / 10), bounds);
  await measured(t, async () => t.is(await expireCredentials(vaultContext), 500), bounds);
});

test.serial('thousands that expire, are deleted or are to be brought back at once', async (t) => {
  const { vaultContext, store, objects } = t.context;
  const schedules = new Schedules({ context: vaultContext, log: new KeptLog().log });
  const directory = new Directory(store, vaultContext.tokens, () => now.getTime());
  await directory.refresh();
  await measured(t, async () => {
    const run = await schedules.runOnce();
    t.like(run, {
      keysExpired: (keys * 3) / 10,
      credentialsExpired: 500,
      keysDeleted: keys / 10,
      versionsDestroyed: keys / 10,
      failed: [],
    });
    // Some of each look.
    let capped = run.rotationsCapped;
    for (let look = 0; look < 10; look++) capped += (await schedules.runOnce()).rotationsCapped;
    t.is(capped, keys / 10);
  });
  t.is(objects.size, keys - keys / 10);
});
