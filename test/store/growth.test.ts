import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import type { VaultContext } from '../../src/vault/context.ts';
import { clearAway } from '../../src/schedules/housekeeping.ts';
import { TokenPools } from '../../src/vault/tokens.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/* What is done in the background costs no more than what there is to do, and no transaction of it holds up others. */

interface Grown {
  vaultContext: VaultContext;
  store: SqliteStore;
  raw: Database.Database;
}

/** Rows of one transaction, and the processor time that it may take on a machine of the year 2020, milliseconds. */
const maxRows = 250;
const maxCpu = 20;

const now = new Date('2031-05-05T12:00:00.000Z');
const day = 86_400_000;
const ago = (days: number) => new Date(now.getTime() - days * day).toISOString();

async function grown(t: ExecutionContext): Promise<Grown> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-growth-'));
  const file = path.join(directory, 'holdfast.db');
  const store = await SqliteStore.init(file);
  const raw = new Database(file);
  raw.pragma('foreign_keys = OFF');
  t.teardown(async () => {
    raw.close();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  const vaultContext = { store, tokens: new TokenPools([]), now: () => now, instance: 'node/1' };
  return { vaultContext, store, raw };
}

function many(raw: Database.Database, sql: string): void {
  raw.exec(sql);
}

const numbers = (count: number) =>
  `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;

test.serial(
  'fifty reports in each of 400 vaults cost housekeeping next to nothing, and none of them is lost',
  async (t) => {
    const { vaultContext, store, raw } = await grown(t);
    many(
      raw,
      `${numbers(400 * 50)} INSERT INTO reconciliations (id, vault_id, began_at, ended_at, asked_by, report)
     SELECT 'r' || i, 'v' || (i % 400), printf('2031-01-01T00:00:%09.3fZ', i), '', 'start', '[]' FROM n`,
    );
    store.writes.reset();
    const before = process.threadCpuUsage();
    t.is(await clearAway(vaultContext), 0);
    const { user, system } = process.threadCpuUsage(before);
    t.log(`${Math.round((user + system) / 1000)} ms of processor time`);
    t.true(user + system < 1_000_000);
    t.true(store.writes.max.cpu < maxCpu, JSON.stringify(store.writes.max));
  },
);

test.serial(
  'a backlog of every kind is cleared in small transactions, and what still serves stays',
  async (t) => {
    const { vaultContext, store, raw } = await grown(t);
    const each = 3_000;
    many(
      raw,
      `INSERT INTO users (id, vault_id, username, username_key, display_name, email, role, state, sign_in,
       must_change_password, totp_state, created_at, updated_at)
     VALUES ('u', '', 'u', 'u', '', '', 'auditor', 'ACTIVE', 'password', 0, 'NONE', '', '');
     INSERT INTO external_key_stores (id, vault_id, key_set_id, region, name, origin, connectivity, uri_endpoint, state,
       access_key_id, pending_access_key_id, created_at, updated_at)
     VALUES ('e', 'v', 's', 'eu-west-1', 'e', 'LINKED', 'PUBLIC_ENDPOINT', '', 'CONNECTED', 'old7', 'old8', '', '')`,
    );
    for (const [age, name] of [
      [200, 'old'],
      [-1, 'new'],
    ] as const) {
      const at = ago(age);
      for (const sql of [
        `INSERT INTO sessions (hash, id, user_id, state, method, address, user_agent, created_at, last_seen_at, expires_at)
       SELECT CAST('${name}' || i AS BLOB), '${name}' || i, 'u', 'ACTIVE', 'password', '', '', '', '', '${at}' FROM n`,
        `INSERT INTO oidc_sign_ins (state_hash, vault_id, nonce, code_verifier, binding_hash, return_to, created_at, expires_at)
       SELECT CAST('${name}' || i AS BLOB), '', '', '', x'00', '', '', '${at}' FROM n`,
        `INSERT INTO idempotency_keys (actor_id, key, request_hash, target_id, created_at)
       SELECT 'u', '${name}' || i, x'00', '', '${at}' FROM n`,
        `INSERT INTO recovery_codes (user_id, hash, used_at) SELECT 'u', CAST('${name}' || i AS BLOB), '${at}' FROM n`,
        `INSERT INTO api_keys (id, user_id, name, hash, scope, expires_at, created_at)
       SELECT '${name}' || i, 'u', '', x'00', '[]', '${at}', '' FROM n`,
        `INSERT INTO api_keys (id, user_id, name, hash, scope, expires_at, revoked_at, created_at)
       SELECT 'revoked-${name}' || i, 'u', '', x'00', '[]', '${ago(-9)}', '${at}', '' FROM n`,
        `INSERT INTO leases (name, holder, until) SELECT '${name}' || i, 'gone/1', '${at}' FROM n`,
        `INSERT INTO nodes (id, hostname, version, started_at, last_seen_at)
       SELECT '${name}' || i, '', '', '', '${at}' FROM n`,
        `INSERT INTO xks_credentials (access_key_id, key_set_id, sealed_secret, created_at, withdrawn_at, withdrawn_why)
       SELECT '${name}' || i, 's', x'00', '', '${at}', 'RETIRED' FROM n`,
        `INSERT INTO uses (kind, id, count, last_at, last_address) SELECT 'credential', '${name}' || i, 1, '', '' FROM n`,
        `INSERT INTO audit_prunings (id, vault_id, state, from_at, before_at, head, count, sha256, reached_at, reached,
         deleted, kept, actor_kind, actor_id, actor_name, asked_at)
       SELECT '${name}' || i, 'p${name}' || i, 'VERIFYING', '', '', 0, 0, '', '', 0, 0, 0, 'user', '', '', '' FROM n`,
        `UPDATE audit_prunings SET state = 'REFUSED', ended_at = '${at}' WHERE ended_at IS NULL AND EXISTS (SELECT 1 FROM n)`,
      ])
        many(raw, `${numbers(name === 'old' ? each : 10)} ${sql}`);
    }
    many(
      raw,
      `${numbers(each + 50)} INSERT INTO reconciliations (id, vault_id, began_at, ended_at, asked_by, report)
     SELECT 'r' || i, '', printf('2031-01-01T00:00:%09.3fZ', i), '', 'start', '[]' FROM n`,
    );
    many(
      raw,
      `INSERT INTO xks_credentials (access_key_id, key_set_id, sealed_secret, created_at) VALUES ('live', 's', x'00', '${ago(200)}');
       DELETE FROM audit_prunings WHERE id = 'old1';
       INSERT INTO audit_prunings (id, vault_id, state, from_at, before_at, head, count, sha256, reached_at, reached,
         deleted, kept, actor_kind, actor_id, actor_name, asked_at)
       VALUES ('done', 'd', 'VERIFYING', '', '', 0, 0, '', '', 0, 0, 0, 'user', '', '', '');
       UPDATE audit_prunings SET state = 'DELETING' WHERE id = 'done';
       UPDATE audit_prunings SET state = 'DONE', ended_at = '${ago(200)}' WHERE id = 'done'`,
    );
    store.writes.reset();
    let cleared = 0;
    for (let look = 0, last = 1; last > 0 && look < 50; look++)
      cleared += last = await clearAway(vaultContext);
    // But for the two credentials that an external key store has, and one pruning that was done.
    t.is(cleared, 11 * each - 3);
    const count = (table: string) => raw.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
    for (const table of [
      'sessions',
      'oidc_sign_ins',
      'idempotency_keys',
      'recovery_codes',
      'leases',
      'nodes',
    ])
      t.is(count(table), 10, table);
    t.is(count('api_keys'), 20);
    t.is(count('xks_credentials'), 13);
    t.is(count('uses'), 12);
    t.is(count('audit_prunings'), 11);
    t.is(count('reconciliations'), 50);
    t.is(
      raw.prepare('SELECT min(began_at) FROM reconciliations').pluck().get(),
      '2031-01-01T00:00:03001.000Z',
    );
    t.log(JSON.stringify(store.writes));
    t.true(store.writes.largest.rows <= maxRows, JSON.stringify(store.writes.largest));
    t.true(store.writes.max.cpu < maxCpu, JSON.stringify(store.writes.max));
  },
);

test.serial('while the clock is not trusted nothing goes that cannot be made again', async (t) => {
  const { vaultContext, raw } = await grown(t);
  many(
    raw,
    `INSERT INTO leases (name, holder, until) VALUES ('no deletions', 'node/1', '${ago(-0.5)}'), ('other', 'x/1', '${ago(200)}')`,
  );
  await clearAway(vaultContext);
  t.is(raw.prepare('SELECT count(*) FROM leases').pluck().get(), 2);
});

test.serial('the log ahead of the store gives back what it grew to while somebody read', async (t) => {
  const { store, raw } = await grown(t);
  const log = () => statSync(`${raw.name}-wal`).size;
  const reader = new Database(raw.name, { readonly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM leases').get();
  const write = async (bytes: number) =>
    store.bookkeep('by hand', async (trx) => {
      await trx
        .insertInto('leases')
        .values({ name: randomUUID(), holder: 'x'.repeat(bytes), until: ago(0) })
        .execute();
    });
  for (let count = 0; count < 12; count++) await write(2 ** 21);
  t.true(log() > 20 * 2 ** 20);
  reader.close();
  // The one that writes the log back, and the one that begins it anew.
  for (let count = 0; count < 3; count++) await write(1);
  t.true(log() <= 16 * 2 ** 20, `${log()} bytes`);
});
