import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import Database from 'better-sqlite3';
import { eventLine, showEvent } from '../../src/evidence/event.ts';
import { recordAlone } from '../../src/evidence/trail.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import type { Acting, ActTransaction, Store } from '../../src/store/store.ts';
import { AuditPruner } from '../../src/schedules/audit-pruner.ts';
import {
  createPruning,
  getPruning,
  prunedBefore,
  type AuditPruning,
  type PruningInput,
} from '../../src/schedules/audit-prunings.ts';
import { holdDeletions } from '../../src/schedules/deletion-hold.ts';
import { countStatus } from '../../src/admin/status/counts.ts';
import { actionsThatStay, whyNotOrdered } from '../../src/keys/destruction-orders.ts';
import type { VaultContext } from '../../src/vault/context.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { TokenPools } from '../../src/vault/tokens.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { KeptLog } from '../vault/stage.ts';

interface Context {
  store: SqliteStore;
  raw: Database.Database;
  vaultContext: VaultContext;
  log: KeptLog;
  dispose: () => Promise<void>;
}
const test = anyTest as TestFn<Context>;

const now = new Date('2031-05-05T12:00:00.000Z');
const before = '2031-01-01T00:00:00.000Z';
/** Rows of one transaction, and the processor time that it may take on a machine of the year 2020, milliseconds. */
const maxRows = 250;
const maxCpu = 20;

test.beforeEach(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-pruner-'));
  const file = path.join(directory, 'holdfast.db');
  const store = await SqliteStore.init(file);
  const raw = new Database(file);
  const vaultContext = { store, tokens: new TokenPools([]), now: () => now, instance: 'node/1' };
  const dispose = async () => {
    raw.close();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  };
  t.context = { store, raw, vaultContext, log: new KeptLog(), dispose };
});
test.afterEach.always(async (t) => t.context.dispose());

/** So many events of a trail, one a minute from a day on; two of them at the same moment. */
function fill(
  raw: Database.Database,
  vault: string,
  count: number,
  day: string,
  action = 'key-set.freeze',
): void {
  raw
    .prepare(
      `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO audit_events (at, vault_id, actor_kind, actor_id, actor_name, address, request_id, action, outcome,
        target_kind, target_id, target_name, before, after)
      SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ?, (i / 2 * 2) || ' seconds'), ?, 'user', 'u' || (i % 7), 'name ' || (i % 7), '192.0.2.1',
        'r' || i, ?, 'done', 'key-set', 't' || (i % 999), 'target ' || (i % 999), NULL, '{"z":1,"a":"' || i || '"}' FROM n`,
    )
    .run(count - 1, day, vault, action);
}

/** What an archive of the range comes to. */
async function archived({ store }: Context, vaultId: string, upTo = before): Promise<PruningInput> {
  const rows = await store.db
    .selectFrom('audit_events')
    .selectAll()
    .where('vault_id', '=', vaultId)
    .where('at', '<', upTo)
    .orderBy('at')
    .orderBy('sequence')
    .execute();
  const hash = createHash('sha256');
  for (const row of rows) hash.update(eventLine(showEvent(row)));
  return { from: null, before: upTo, count: rows.length, sha256: hash.digest('hex') };
}

async function ask(
  { vaultContext }: Pick<Context, 'vaultContext'>,
  vaultId: string,
  input: PruningInput,
): Promise<AuditPruning> {
  return createPruning(vaultContext, systemAct(vaultContext, 'ada'), vaultId, input, 90);
}

async function run({ vaultContext, log }: Context): Promise<void> {
  await new AuditPruner({ context: vaultContext, log: log.log }).runOnce();
}

function count(raw: Database.Database, where: string): unknown {
  return raw.prepare(`SELECT count(*) FROM audit_events WHERE ${where}`).pluck().get();
}

test('exactly the events of the archive go, of no other trail, and what went stays told', async (t) => {
  const { raw, vaultContext } = t.context;
  fill(raw, 'other', 1, '2030-06-01');
  fill(raw, 'v', 450, '2030-06-01');
  fill(raw, 'v', 1, '2030-06-02', 'cloud-key.create');
  fill(raw, 'other', 300, '2030-06-01');
  fill(raw, '', 300, '2030-06-01');
  fill(raw, 'v', 3, '2031-01-01');
  const input = await archived(t.context, 'v');
  t.is(input.count, 451);
  const { id } = await ask(t.context, 'v', input);
  await run(t.context);
  const pruning = await getPruning(vaultContext, 'v', id);
  t.like(pruning, {
    ...{ state: 'DONE', count: 451, deleted: 450, kept: 1, sha256: input.sha256, actor_name: 'ada' },
    ...{
      first_sequence: 2,
      first_at: '2030-06-01T00:00:00.000Z',
      last_sequence: 452,
      ended_at: now.toISOString(),
    },
  });
  t.is(count(raw, `vault_id = 'v' AND at < '${before}'`), 1);
  // Of the appliance's first event to its last there are more numbers than events.
  t.is((await countStatus(vaultContext, 'appliance')).auditEvents, 607);
  t.is(count(raw, '1'), 607);
  t.is(count(raw, `vault_id = 'v' AND at >= '${before}' AND action = 'key-set.freeze'`), 3);
  t.is(count(raw, `vault_id = 'other'`), 301);
  t.is(count(raw, `vault_id = ''`), 300);
  t.is(await prunedBefore(vaultContext, 'v'), before);
  t.is(await prunedBefore(vaultContext, 'other'), null);
  const acts = raw
    .prepare(`SELECT action, actor_name, after FROM audit_events WHERE target_id = ? ORDER BY sequence`)
    .all(id) as { action: string; actor_name: string; after: string }[];
  t.deepEqual(
    acts.map(({ action, actor_name }) => [action, actor_name]),
    [
      ['audit-pruning.create', 'ada'],
      ['audit-pruning.end', 'audit pruning'],
    ],
  );
  t.like(JSON.parse(acts[1]?.after ?? ''), {
    count: 451,
    deleted: 450,
    kept: 1,
    first: 2,
    last: 452,
    askedBy: 'ada',
  });
  t.throws(() => raw.exec('DELETE FROM audit_prunings'), { message: /what was pruned stays told/ });
});

for (const [what, change] of Object.entries<(raw: Database.Database) => void>({
  'an event that came into the range later': (raw) => fill(raw, 'v', 1, '2030-07-01'),
  'an event of the archive that is not there': (raw) => {
    raw.exec(`DROP TRIGGER audit_events_no_delete; DELETE FROM audit_events WHERE sequence = 7`);
  },
  'an event that is not as it was': (raw) => {
    raw.exec(
      `DROP TRIGGER audit_events_no_update; UPDATE audit_events SET actor_name = 'eve' WHERE sequence = 7`,
    );
  },
}))
  test(`${what}: nothing is pruned, and the refusal is on record`, async (t) => {
    const { raw, store, vaultContext } = t.context;
    fill(raw, 'v', 250, '2030-06-01');
    const input = await archived(t.context, 'v');
    const triggers = raw
      .prepare<[], { name: string; sql: string }>(
        `SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`,
      )
      .all();
    change(raw);
    // What was dropped to make the change is there again, or the store would take nothing at all.
    for (const { name, sql } of triggers)
      if (raw.prepare(`SELECT 1 FROM sqlite_schema WHERE name = ?`).get(name) === undefined) raw.exec(sql);
    const there = count(raw, '1');
    const { id } = await ask(t.context, 'v', input);
    await run(t.context);
    const pruning = await getPruning(vaultContext, 'v', id);
    t.like(pruning, { state: 'REFUSED', deleted: 0 });
    t.regex(pruning.problem ?? '', /archive/);
    t.is(count(raw, `target_kind <> 'audit-pruning'`), there);
    t.is(count(raw, `action = 'audit-pruning.refuse' AND outcome = 'refused'`), 1);
    t.is(await prunedBefore({ store }, 'v'), null);
  });

test('an event that comes into the range once it is asked for is not deleted', async (t) => {
  const { raw, vaultContext } = t.context;
  fill(raw, 'v', 250, '2030-06-01');
  const { id } = await ask(t.context, 'v', await archived(t.context, 'v'));
  fill(raw, 'v', 1, '2030-06-01', 'key-set.thaw');
  await run(t.context);
  t.like(await getPruning(vaultContext, 'v', id), { state: 'DONE', deleted: 250 });
  t.is(count(raw, `action = 'key-set.thaw'`), 1);
});

test('events that are too young are not pruned, nor any while the clock is not trusted', async (t) => {
  const { raw, vaultContext } = t.context;
  fill(raw, 'v', 10, '2030-06-01');
  const input = await archived(t.context, 'v');
  const young = await t.throwsAsync(ask(t.context, 'v', { ...input, before: '2031-02-05T00:00:00.000Z' }), {
    instanceOf: VaultError,
    message: /kept for 90 days at least: none from 2031-02-04T12:00:00\.000Z on/,
  });
  t.is(young.problem, 'invalid');
  await holdDeletions(vaultContext, 'test');
  const held = await t.throwsAsync(ask(t.context, 'v', input), {
    instanceOf: VaultError,
    message: /jumped ahead/,
  });
  t.is(held.problem, 'conflict');
  await vaultContext.store.db.deleteFrom('leases').execute();
  const { id } = await ask(t.context, 'v', input);
  const second = await t.throwsAsync(ask(t.context, 'v', input), {
    instanceOf: VaultError,
    message: new RegExp(id),
  });
  t.is(second.problem, 'conflict');
  // It leapt after it was asked for.
  await holdDeletions(vaultContext, 'test');
  await run(t.context);
  t.like(await getPruning(vaultContext, 'v', id), { state: 'DELETING', deleted: 0 });
  t.is(count(raw, `action = 'key-set.freeze'`), 10);
});

test('what has a say against it is heard before anything goes', async (t) => {
  const { raw, vaultContext, log } = t.context;
  fill(raw, 'v', 10, '2030-06-01');
  const { id } = await ask(t.context, 'v', await archived(t.context, 'v'));
  const pruner = new AuditPruner({
    context: vaultContext,
    log: log.log,
    guards: [async () => 'there is no checkpoint of them'],
  });
  await pruner.runOnce();
  t.like(await getPruning(vaultContext, 'v', id), {
    state: 'REFUSED',
    problem: 'there is no checkpoint of them',
  });
  t.is(count(raw, `action = 'key-set.freeze'`), 10);
});

/** A store that ends, as if killed, at the nth write: before it, or once it is done. */
function dying(store: Store, dieAt: { n: number }): Store {
  const write: Store['write'] = async (act: Acting, work) => {
    const dies = --dieAt.n;
    if (dies === 0) throw new Error('killed before the commit');
    const done = await store.write(act, async (trx: ActTransaction) => {
      const made = await work(trx);
      if (dies === -1) throw new Error('killed within');
      return made;
    });
    if (dies === -2) throw new Error('killed after the commit');
    return done;
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'write') return write;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

test('killed before, within or after each write it goes on, and comes to the same end', async (t) => {
  const { raw, vaultContext, log, store } = t.context;
  fill(raw, 'v', 350, '2030-06-01');
  fill(raw, 'v', 2, '2030-06-02', 'cloud-key.rotate');
  const { id } = await ask(t.context, 'v', await archived(t.context, 'v'));
  let kills = 0;
  for (let n = 1; n < 10; n++) {
    // The nth write of a process of its own: each is a little further than the last.
    const killed = { ...vaultContext, store: dying(store, { n: (n % 3) + 1 }), instance: `node/${n}` };
    await new AuditPruner({ context: killed, log: log.log }).runOnce();
    for (const { facts } of log.lines.splice(0).filter(({ level }) => level === 'error')) {
      t.regex(String(facts['problem']), /^killed/);
      kills++;
    }
    const { state, deleted, kept } = await getPruning(vaultContext, 'v', id);
    t.is(count(raw, `vault_id = 'v' AND at < '${before}'`), 352 - deleted);
    if (state === 'DONE') t.is(deleted + kept, 352);
  }
  t.true(kills > 3);
  await new AuditPruner({ context: { ...vaultContext, instance: 'node/last' }, log: log.log }).runOnce();
  t.like(await getPruning(vaultContext, 'v', id), { state: 'DONE', deleted: 350, kept: 2 });
  t.is(count(raw, `action = 'audit-pruning.end'`), 1);
});

test('the database itself lets go of no event beyond what a pruning is about', async (t) => {
  const { raw } = t.context;
  fill(raw, 'v', 10, '2030-06-01');
  fill(raw, 'v', 1, '2031-03-01', 'young.act');
  fill(raw, 'other', 1, '2030-06-01', 'other.act');
  for (const action of actionsThatStay) fill(raw, 'v', 1, '2030-06-01', action);
  const refused = { message: /audit events are deleted by a pruning alone/ };
  t.throws(() => raw.exec('DELETE FROM audit_events WHERE sequence = 1'), refused);
  const { id } = await ask(t.context, 'v', await archived(t.context, 'v'));
  t.throws(() => raw.exec('DELETE FROM audit_events WHERE sequence = 1'), refused, 'not verified');
  raw.exec(`UPDATE audit_prunings SET state = 'DELETING'`);
  fill(raw, 'v', 1, '2030-06-01', 'late.act');
  for (const action of [...actionsThatStay, 'young.act', 'other.act', 'late.act'])
    t.throws(() => raw.exec(`DELETE FROM audit_events WHERE action = '${action}'`), refused, action);
  raw.exec('DELETE FROM audit_events WHERE sequence = 1');
  const held = { message: /never changed/ };
  for (const change of [
    `before_at = '2032'`,
    'head = 1000',
    `vault_id = 'other'`,
    `sha256 = ''`,
    `actor_name = 'eve'`,
    `state = 'VERIFYING'`,
    `ended_at = '2032'`,
  ])
    t.throws(() => raw.exec(`UPDATE audit_prunings SET ${change} WHERE id = '${id}'`), held, change);
  t.throws(() => raw.exec(`INSERT OR REPLACE INTO audit_prunings SELECT * FROM audit_prunings`), {
    message: /begins as VERIFYING/,
  });
});

test('a version that was in use is not destroyed because its making was pruned', async (t) => {
  const { raw, store } = t.context;
  const [set, key] = [randomUUID(), randomUUID()];
  raw.exec(`
    INSERT INTO vaults (id, name, type, description, administrator_name, administrator_email, tokens, created_at, updated_at)
      VALUES ('v', 'v', 'cloud-key-management', '', '', '', '[]', '', '');
    INSERT INTO key_sets (id, vault_id, name, description, token, path_prefix, created_at, updated_at)
      VALUES ('${set}', 'v', 's', '', 'token', '', '', '');
    INSERT INTO cloud_keys (id, key_set_id, name, description, external_key_id, state, region, administrators, users,
      can_encrypt, can_decrypt, current_version, rotation, rotated_at, made_by, created_at, updated_at)
      VALUES ('${key}', '${set}', 'k', '', 'e', 'AVAILABLE', '', '[]', '[]', 1, 1, 1, 'NEVER', '', '', '', '')`);
  const target = { kind: 'cloud-key', id: key, name: 'k' };
  const act = { ...systemAct(t.context.vaultContext, 'ada'), now: () => new Date('2030-06-01') };
  await recordAlone(store, act, { action: 'cloud-key.create', vaultId: 'v', target });
  const inUse = async () => whyNotOrdered(store.db, { cloudKeyId: key, version: 1 }, now);
  t.regex((await inUse()) ?? '', /was in use/);
  await ask(t.context, 'v', await archived(t.context, 'v'));
  await run(t.context);
  t.regex((await inUse()) ?? '', /was in use/);
});

test('tens of thousands of events go in small transactions', async (t) => {
  const { raw, store, vaultContext } = t.context;
  // Measured with 100,000 too (docs/operations.md).
  const events = 15_000;
  fill(raw, 'v', events, '2030-06-01');
  fill(raw, 'other', 1_000, '2030-06-01');
  const input = await archived(t.context, 'v');
  const { id } = await ask(t.context, 'v', input);
  store.writes.reset();
  store.reads.reset();
  const began = performance.now();
  await run(t.context);
  t.log(`${Math.round(performance.now() - began)} ms`, JSON.stringify(store.writes));
  t.like(await getPruning(vaultContext, 'v', id), { state: 'DONE', deleted: events });
  t.is(count(raw, `vault_id = 'other'`), 1_000);
  assertSmall(t, store);
});

function assertSmall(t: ExecutionContext, { writes, reads }: SqliteStore): void {
  t.true(writes.largest.rows <= maxRows, JSON.stringify(writes.largest));
  t.true(writes.max.cpu < maxCpu, JSON.stringify(writes.max));
  t.true(reads.largest.rows <= maxRows, JSON.stringify(reads.largest));
}
