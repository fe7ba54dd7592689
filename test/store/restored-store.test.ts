import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import type { BackupManifest } from '../../src/store/backup/format.ts';
import { adjustRestored, type Adjusted, type Adjustment } from '../../src/store/backup/restored-store.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { recordAlone } from '../../src/evidence/trail.ts';
import { countStatus } from '../../src/admin/status/counts.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { deletionsHeldUntil } from '../../src/schedules/deletion-hold.ts';
import { refuseAt, rotateAt } from '../../src/keys/encryption-limits.ts';
import { readTokensOnRecord } from '../../src/keys/own-key-proofs.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/* What a store that was built of a backup is made to forbid: rows alone, of both stores. */

const at = '2026-01-01T00:00:00.000Z';
const now = new Date('2026-02-01T00:00:00.000Z');
const inDays = (days: number) => new Date(now.getTime() + days * 86_400_000).toISOString();

type Row = Record<string, string | number | null>;
type Rows = Readonly<Record<string, readonly Row[]>>;

/** What stands in a column that a test does not speak of. */
const defaults: Readonly<Record<string, Row>> = {
  vaults: { id: 'emea', name: 'emea' },
  key_sets: { vault_id: 'emea', external_key_store: 0 },
  cloud_keys: { key_set_id: 'payments', can_encrypt: 1, can_decrypt: 1, current_version: 1 },
  kms_keys: { vault_id: 'emea', region: 'eu-central-1', origin: 'HOLDFAST', key_id: 'key', step: 'DONE' },
  external_key_stores: { vault_id: 'emea', key_set_id: 'payments' },
  csp_accounts: { vault_id: 'emea' },
  admin_groups: { vault_id: 'emea' },
};

function insert(database: Database.Database, table: string, row: Row): void {
  const columns = database
    .prepare<[string], { name: string; type: string }>(
      'SELECT name, type FROM pragma_table_info(?) WHERE "notnull" AND dflt_value IS NULL',
    )
    .all(table);
  const filled: Row = Object.fromEntries(
    columns.map(({ name, type }) => [
      name,
      type === 'INTEGER' ? 0 : name.endsWith('_at') ? at : `${name} of ${String(row['id'])}`,
    ]),
  );
  const whole = { ...filled, ...defaults[table], ...row };
  const names = Object.keys(whole);
  database
    .prepare(`INSERT INTO ${table} (${names.join()}) VALUES (${names.map((name) => `@${name}`).join()})`)
    .run(whole);
}

/** `times` rows as the one that has this id, each with a name of its own. */
function multiply(database: Database.Database, table: string, id: string, times: number): void {
  const columns = database
    .prepare<[string], string>('SELECT name FROM pragma_table_info(?)')
    .pluck()
    .all(table);
  const own = new Set(['id', 'name', 'external_key_id', 'path_prefix']);
  const values = columns.map((name) => (own.has(name) ? `${name} || ' ' || n` : name));
  database
    .prepare(
      `WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < @times)
        INSERT INTO ${table} (${columns.join()}) SELECT ${values.join()} FROM counted, ${table} WHERE id = @id`,
    )
    .run({ id, times });
}

async function storeOf(
  file: string,
  rows: Rows,
  more: (database: Database.Database) => void = () => undefined,
): Promise<void> {
  await (await SqliteStore.init(file)).close();
  const database = new Database(file);
  database.pragma('foreign_keys = OFF');
  insert(database, 'vaults', {});
  insert(database, 'key_sets', { id: 'payments' });
  insert(database, 'audit_events', { actor_kind: 'system', outcome: 'done' });
  for (const [table, all] of Object.entries(rows)) for (const row of all) insert(database, table, row);
  more(database);
  database.close();
}

interface Made {
  adjusted: Adjusted;
  file: string;
  /** Rows of the restored store. */
  rows: (sql: string) => Row[];
  withheld: string[];
}

function directoryFor(t: ExecutionContext): string {
  const directory = mkdtempSync(path.join(memoryDirectory(), 'holdfast-restored-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function adjustmentOf(replaced: string | undefined): Adjustment {
  return {
    manifest: { lastAuditEvent: 1, takenAt: at } as BackupManifest,
    replaced,
    asBackedUp: false,
    now,
    sealingKey: ownKeys.sealing.label,
    encryptionsPerSecond: 5_000,
    rotateAt,
    refuseAt,
  };
}

/** The store that `backup` makes in the place of one that has `replaced`, or of none. */
async function restored(
  t: ExecutionContext,
  backup: Rows,
  replaced: Rows | undefined,
  more: Partial<Adjustment> = {},
): Promise<Made> {
  const directory = directoryFor(t);
  const [file, before] = [path.join(directory, 'made.db'), path.join(directory, 'before.db')];
  await storeOf(file, backup);
  if (replaced !== undefined) await storeOf(before, replaced);
  const adjusted = adjustRestored(file, {
    ...adjustmentOf(replaced === undefined ? undefined : before),
    ...more,
  });
  const rows = (sql: string) => {
    const database = new Database(file, { readonly: true });
    try {
      return database.prepare<[], Row>(sql).all();
    } finally {
      database.close();
    }
  };
  const goesOn = replaced !== undefined && replaced['store_moves'] === undefined;
  if (goesOn && more.asBackedUp !== true) t.is(adjusted.since, 'known');
  const withheld = adjusted.withheld.map(({ kind, id }) => `${kind} ${id}`);
  return { adjusted, file, rows, withheld };
}

/** Each as it is, but for what `change` says of it. */
function changed<T extends Row>(rows: readonly T[], change: (row: T) => Row): Row[] {
  return rows.map((row) => Object.fromEntries([...Object.entries(row), ...Object.entries(change(row))]));
}

const waiting = (deletion_at: string) => ({ id: 'doomed', state: 'PENDING_DELETION', deletion_at });

test('a deletion that was put off since is not done earlier than was said last', async (t) => {
  for (const [inBackup, since] of [
    [7, 30],
    [30, 7],
  ] as const) {
    const kms = { id: 'kms', wanted: 'SCHEDULE_DELETION', cloud_wish: 'PENDING_DELETION' };
    const { rows, withheld } = await restored(
      t,
      { cloud_keys: [waiting(inDays(inBackup))], kms_keys: [{ ...kms, wanted_days: inBackup }] },
      { cloud_keys: [waiting(inDays(since))], kms_keys: [{ ...kms, wanted_days: since }] },
    );
    t.deepEqual(rows('SELECT state, deletion_at FROM cloud_keys'), [
      { state: 'PENDING_DELETION', deletion_at: inDays(30) },
    ]);
    t.deepEqual(rows('SELECT wanted, wanted_days FROM kms_keys'), [
      { wanted: 'SCHEDULE_DELETION', wanted_days: 30 },
    ]);
    t.deepEqual(withheld, []);
  }
});

test('a replaced store that was moved to elsewhere does not tell what was taken away since', async (t) => {
  const store_moves = [{ id: 'move', moved_to: 'a database', begun_at: at, ended_at: at }];
  const { adjusted, withheld } = await restored(t, {}, { store_moves });
  t.is(adjusted.since, 'unknown');
  t.deepEqual(withheld, ['key-set payments']);
});

test('nothing is destroyed for a day after any restore, and events are counted, not their numbers', async (t) => {
  for (const [replaced, asBackedUp] of [
    [{}, false],
    [{}, true],
    [undefined, false],
  ] as const) {
    const { file } = await restored(t, {}, replaced, { asBackedUp });
    const store = await SqliteStore.open(file);
    const held = await deletionsHeldUntil({ store, now: () => now });
    t.is(held?.toISOString(), inDays(1));
    // However far ahead the next event's number is.
    const act = systemAct({ now: () => now }, 'test');
    await recordAlone(store, act, { action: 'a.test', vaultId: '', target: { kind: '', id: '', name: '' } });
    t.is((await countStatus({ store }, 'appliance')).auditEvents, 2);
    await store.close();
  }
});

test('an HSM that came to a token since, and may be gone again, is on record as one that may have its keys', async (t) => {
  const { sealing, health } = ownKeys;
  const proof = (serial: string, made: number, of: string, { label } = sealing) => ({
    ...{ token: 'primary', serial, label, proof: of, made_at: inDays(made) },
  });
  const backup = { own_key_proofs: [proof('first', 0, 'same'), proof('first', 0, 'its own', health)] };
  const replaced = {
    own_key_proofs: [
      proof('first', 0, 'same'),
      proof('second', 1, 'same'),
      proof('second', 1, 'its own too', health),
      proof('third', 2, 'another'),
      { ...proof('fourth', 1, 'same'), token: 'of another name' },
    ],
  };
  for (const asBackedUp of [false, true]) {
    const { file } = await restored(t, backup, replaced, { asBackedUp });
    const store = await SqliteStore.open(file);
    const known = await readTokensOnRecord(store);
    t.deepEqual([...known.keys()], ['primary']);
    t.deepEqual(known.get('primary')?.serials, ['first', 'second'], 'and not one with another sealing key');
    await store.close();
  }
  // And where the token was replaced since, which leaves their serial numbers in that record alone.
  const left = {
    ...{ id: 'r', kind: 'token', token: 'primary', serials: '["first","second"]', replaced_at: inDays(2) },
    erased_at: null,
  };
  const after = { own_key_proofs: [proof('new', 2, 'of the new one')], replaced_tokens: [left] };
  const put = await restored(t, backup, after);
  const serials = 'SELECT DISTINCT serial FROM own_key_proofs ORDER BY serial';
  t.deepEqual(put.rows(serials), [{ serial: 'first' }, { serial: 'second' }]);
  const erased = { ...after, replaced_tokens: [{ ...left, erased_at: inDays(2) }] };
  t.deepEqual((await restored(t, backup, erased)).rows(serials), [{ serial: 'first' }]);

  const { rows } = await restored(t, backup, undefined);
  t.deepEqual(rows(serials), [{ serial: 'first' }], 'nobody knows');
});

test('a KMS key that was disabled since, or is to be deleted, is disabled in AWS again', async (t) => {
  const kmsKey = (id: string, change: Row = {}) => ({
    id,
    external_key_store_id: id,
    cloud_key_id: id,
    ...change,
  });
  const was = [
    kmsKey('disabled', { wanted: 'ENABLE', attempts: 3, problem: '{}' }),
    kmsKey('doomed'),
    kmsKey('by-hand', { origin: 'MANUAL' }),
    kmsKey('unmade', { key_id: '', step: 'KEY' }),
    kmsKey('gone', { step: 'GONE' }),
    kmsKey('leaving', { leaving: 'KEEP' }),
    kmsKey('enabled'),
  ];
  const { rows, withheld } = await restored(
    t,
    { kms_keys: was },
    {
      kms_keys: changed(was, ({ id }) => ({
        wanted: null,
        cloud_wish: { enabled: 'ENABLED', doomed: 'PENDING_DELETION' }[id] ?? 'DISABLED',
      })),
    },
  );
  t.deepEqual(
    withheld.toSorted(),
    ['by-hand', 'disabled', 'doomed', 'unmade'].map((id) => `kms-key ${id}`),
  );
  t.deepEqual(
    rows(
      'SELECT id, cloud_wish AS is_to_be, wanted, next_attempt_at AS at, attempts FROM kms_keys ORDER BY id',
    ).map((row) => Object.values(row).join(' ')),
    [
      'by-hand DISABLED   0',
      `disabled DISABLED DISABLE ${now.toISOString()} 0`,
      `doomed DISABLED DISABLE ${now.toISOString()} 0`,
      'enabled ENABLED   0',
      'gone ENABLED   0',
      'leaving ENABLED   0',
      'unmade DISABLED   0',
    ],
  );
});

test('a key store that nobody wants connected any more is not connected', async (t) => {
  const store = (id: string, change: Row) => ({ id, region: id, state: 'DISCONNECTED', ...change });
  const { rows, withheld } = await restored(
    t,
    {
      external_key_stores: [
        store('apart', { wanted: 'CONNECT', wanted_details: '{"sent":true}' }),
        store('made-apart', { wanted: 'CREATE', wanted_details: '{"connect":true,"tried":["A"]}' }),
        store('removed', { wanted: 'CONNECT' }),
        store('wanted', { wanted: 'CONNECT' }),
        store('connected', { wanted: 'CONNECT' }),
        store('updated', { wanted: 'UPDATE', wanted_details: '{"connect":true}' }),
      ],
    },
    {
      external_key_stores: [
        store('apart', { wanted: null }),
        store('made-apart', { wanted: null }),
        store('wanted', { wanted: 'CONNECT' }),
        store('connected', { state: 'CONNECTED' }),
        store('updated', { wanted: 'UPDATE', wanted_details: '{"connect":true}' }),
      ],
    },
  );
  t.deepEqual(rows('SELECT id, wanted, wanted_details AS how FROM external_key_stores ORDER BY id'), [
    { id: 'apart', wanted: null, how: null },
    { id: 'connected', wanted: 'CONNECT', how: null },
    { id: 'made-apart', wanted: 'CREATE', how: '{"tried":["A"]}' },
    { id: 'removed', wanted: null, how: null },
    { id: 'updated', wanted: 'UPDATE', how: '{"connect":true}' },
    { id: 'wanted', wanted: 'CONNECT', how: null },
  ]);
  t.deepEqual(
    withheld.toSorted(),
    ['apart', 'made-apart', 'removed'].map((id) => `external-key-store ${id}`),
  );
});

test('a key that was being made, and was disabled since, does not come back usable', async (t) => {
  const ids = ['disabled', 'doomed', 'made', 'making', 'undone'];
  const { rows, withheld } = await restored(
    t,
    { cloud_keys: ids.map((id) => ({ id, state: 'CREATING' })) },
    {
      cloud_keys: [
        { id: 'disabled', state: 'DISABLED' },
        waitingAs('doomed'),
        { id: 'made', state: 'AVAILABLE' },
        { id: 'making', state: 'CREATING' },
      ],
    },
  );
  t.deepEqual(
    rows('SELECT id, state FROM cloud_keys ORDER BY id').map(({ id, state }) => `${id} ${state}`),
    ['disabled DISABLED', 'doomed DISABLED', 'made CREATING', 'making CREATING', 'undone CREATING'],
  );
  t.deepEqual(withheld, ['cloud-key disabled', 'cloud-key doomed']);
});

function waitingAs(id: string): Row {
  return { ...waiting(inDays(7)), id };
}

test('an external key id that was given since is never given again', async (t) => {
  const key = (id: string) => ({ id, state: 'AVAILABLE', external_key_id: `external-${id}` });
  const { rows } = await restored(
    t,
    { cloud_keys: [key('kept'), key('removed')], spent_external_keys: [spent('long-gone')] },
    {
      cloud_keys: [key('kept'), key('made-since')],
      spent_external_keys: [spent('long-gone'), spent('removed'), spent('made-and-removed')],
    },
  );
  t.deepEqual(
    rows('SELECT external_key_id AS id FROM spent_external_keys ORDER BY 1').map(({ id }) => id),
    ['long-gone', 'made-and-removed', 'made-since'].map((id) => `external-${id}`),
  );
});

function spent(id: string): Row {
  return { external_key_id: `external-${id}`, cloud_key_id: id, spent_at: at };
}

test('whose group lost a key set or an account since does not see it again', async (t) => {
  const owned = (id: string, admin_group_id: string | null) => ({ id, admin_group_id });
  const groups = [{ id: 'old' }, { id: 'other', name: 'team' }];
  const { rows, withheld } = await restored(
    t,
    {
      admin_groups: groups,
      key_sets: [owned('moved', 'old'), owned('freed', 'old'), owned('kept', 'old'), owned('free', null)],
      csp_accounts: [owned('a-moved', 'old'), owned('a-to-new', 'old'), owned('a-kept', 'old')],
    },
    {
      admin_groups: [...groups, { id: 'new', name: 'team', vault_id: 'emea' }].filter(
        ({ id }) => id !== 'other',
      ),
      key_sets: [owned('moved', 'new'), owned('freed', null), owned('kept', 'old'), owned('free', 'old')],
      csp_accounts: [owned('a-moved', 'other'), owned('a-to-new', 'new'), owned('a-kept', 'old')],
    },
  );
  t.deepEqual(
    rows("SELECT id, admin_group_id AS of FROM key_sets WHERE id <> 'payments' ORDER BY id").map(
      (row) => row['of'],
    ),
    [null, null, 'old', null],
  );
  t.deepEqual(
    rows('SELECT id, admin_group_id AS of FROM csp_accounts ORDER BY id').map((row) => row['of']),
    ['old', 'other', 'new'],
  );
  t.deepEqual(rows("SELECT name, vault_id FROM admin_groups WHERE id = 'new'"), [
    { name: 'new', vault_id: 'emea' },
  ]);
  t.deepEqual(withheld.toSorted(), [
    'csp-account a-moved',
    'csp-account a-to-new',
    'key-set freed',
    'key-set moved',
  ]);
});

test('where nobody counted since, a version that was past its rotation is counted on to its limit', async (t) => {
  const version = (version: number, encryptions_leased: number) => ({
    cloud_key_id: 'key',
    version,
    state: 'ACTIVE',
    encryptions_leased,
    object_id: String(version),
  });
  const { rows } = await restored(
    t,
    { key_versions: [version(1, 0), version(2, rotateAt), version(3, rotateAt + 7), version(4, refuseAt)] },
    undefined,
    { now: new Date(Date.parse(at) + 1_000_000) },
  );
  const max = 1000 * 5_000;
  t.deepEqual(
    rows('SELECT encryptions_leased AS n FROM key_versions ORDER BY version').map(({ n }) => n),
    [max, rotateAt + max, rotateAt + 7 + max, refuseAt],
  );
  const long = await restored(t, { key_versions: [version(1, 0), version(2, rotateAt)] }, undefined, {
    now: new Date('2027-01-01T00:00:00.000Z'),
  });
  t.deepEqual(
    long.rows('SELECT encryptions_leased AS n FROM key_versions ORDER BY version').map(({ n }) => n),
    [rotateAt, refuseAt],
  );
});

test('more is withheld than a call takes arguments: all of it is told', async (t) => {
  const file = path.join(directoryFor(t), 'made.db');
  await storeOf(file, { cloud_keys: [waiting(inDays(7))] }, (database) =>
    multiply(database, 'cloud_keys', 'doomed', 40_000),
  );
  // Arguments are on the stack: this one has room for fewer than there are keys, as any has for fewer than 130,000.
  const thread = new Worker(path.join(import.meta.dirname, 'adjusting-thread.ts'), {
    workerData: { file, adjustment: adjustmentOf(undefined) },
    resourceLimits: { stackSizeMb: 0.4 },
  });
  const [adjusted] = (await once(thread, 'message')) as [Adjusted];
  t.is(adjusted.since, 'unknown');
  t.is(adjusted.withheld.filter(({ kind }) => kind === 'cloud-key').length, 40_001);
  t.is(new Set(adjusted.withheld.map(({ id }) => id)).size, 40_002, 'and the key set');
});
