import type { KeyContext } from '../../src/keys/followers.ts';
import { awsFollower } from '../../src/cloud/kms-keys/cloud-key-follower.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import Database from 'better-sqlite3';
import { resolveCaller } from '../../src/identity/callers.ts';
import { hashOf } from '../../src/identity/bearer.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { versionObjectId } from '../../src/token/own-keys.ts';
import { awsAccountOf } from '../../src/cloud/accounts/context.ts';
import { Directory } from '../../src/serving/directory.ts';
import { listCloudKeys } from '../../src/keys/key-list.ts';
import { createKeySet, deleteKeySet, listKeySets, updateKeySet } from '../../src/keys/key-sets/key-sets.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { TokenPools } from '../../src/vault/tokens.ts';
import { unfinishedSteps } from '../../src/schedules/unfinished-steps.ts';
import { finishWork } from '../../src/vault/unfinished-work.ts';
import { deleteVault } from '../../src/tenancy/vault-deletion.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { memoryToken } from '../../testing/memory-token.ts';

/*
 * Acts on twenty thousand keys: what they promise is so when they are answered, no transaction of theirs holds up others,
 * and wherever a process is stopped the next one brings them to their end.
 */

const keys = 20_000;
/** KMS key records among them. */
const kmsKeyRecords = 2_000;
/** Rows of one transaction, with what workers hear of them; and its processor time, milliseconds, on a machine that is loaded. */
const maxRows = 300;
const maxCpu = 40;

const now = new Date('2031-05-05T12:00:00.000Z');
const past = '2031-05-01T00:00:00.000Z';

interface Context {
  store: SqliteStore;
  raw: Database.Database;
  vaultContext: KeyContext;
  told: { left: number };
  dispose: () => Promise<void>;
}

const test = anyTest as TestFn<Context>;

test.beforeEach(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-unfinished-'));
  const file = path.join(directory, 'holdfast.db');
  const store = await SqliteStore.init(file);
  const raw = new Database(file);
  raw.function('object_id', (id: unknown, version: unknown) => versionObjectId(String(id), Number(version)));
  const told = { left: 0 };
  t.context = {
    store,
    raw,
    told,
    vaultContext: {
      store,
      tokens: new TokenPools([memoryToken([])]),
      now: () => now,
      instance: 'node/1',
      followers: [awsFollower],
      onWorkLeft: () => told.left++,
    },
    dispose: async () => {
      raw.close();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
test.afterEach.always(async (t) => t.context.dispose());

const numbers = (count: number) =>
  `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})`;
const act = (vaultContext: KeyContext) => systemAct(vaultContext, 'test');

/** A vault with `keySets` key sets over which the keys are spread, each key with a version. */
function fill(
  raw: Database.Database,
  { count = keys, keySets = 1, state = 'DISABLED', version = 'ACTIVE' },
): void {
  raw.exec(`BEGIN;
    INSERT INTO vaults (id, name, type, description, administrator_name, administrator_email, tokens, created_at, updated_at)
      VALUES ('v', 'v', 'cloud-key-management', '', '', '', '["token"]', '${past}', '${past}');
    ${numbers(keySets)} INSERT INTO key_sets (id, vault_id, name, description, token, external_key_store, path_prefix, rotation_days, created_at, updated_at)
      SELECT 's' || i, 'v', 'set' || i, '', 'token', 1, 'p' || i, 30, '${past}', '${past}' FROM n;
    ${numbers(count)} INSERT INTO cloud_keys (id, key_set_id, name, description, external_key_id, state, region, administrators,
      users, can_encrypt, can_decrypt, current_version, rotation, rotated_at, next_rotation_at, deleted_at, made_by, created_at, updated_at)
      SELECT printf('%08x-0000-4000-8000-000000000000', i * 1000003 % 4294967296), 's' || (i % ${keySets}), 'k' || i, '', 'e' || i, '${state}',
        '', '[]', '[]', 1, 1, 1, 'INHERIT', '${past}', '${past}', CASE '${state}' WHEN 'DELETED' THEN '${past}' END, '', '${past}', '${past}' FROM n;
    INSERT INTO key_versions (cloud_key_id, version, object_id, state, origin, made_by, created_at)
      SELECT id, 1, object_id(id, 1), '${version}', 'holdfast', '', '${past}' FROM cloud_keys;
    INSERT INTO uses (kind, id, count, last_at, last_address) SELECT 'encrypt', id, 1, '${past}', '' FROM cloud_keys;
    COMMIT;`);
}

/** Brings to its end what is left, by many processes one after another, of which each is stopped after a few steps. */
async function finishStoppedOften({ vaultContext }: Context): Promise<number> {
  let finished = 0;
  for (let stopped = 0; stopped < 5; stopped++) {
    const left = { steps: stopped + 1 };
    finished += await finishWork(vaultContext, unfinishedSteps, async () => left.steps-- > 0);
  }
  return finished + (await finishWork(vaultContext, unfinishedSteps));
}

function areSmall(t: ExecutionContext<Context>): void {
  const { writes } = t.context.store;
  t.log(JSON.stringify({ count: writes.count, max: writes.max, largest: writes.largest }));
  t.true(writes.largest.rows <= maxRows, JSON.stringify(writes.largest));
  t.true(writes.max.cpu < maxCpu, JSON.stringify(writes.max));
}

const count = ({ raw }: Context, from: string) => raw.prepare(`SELECT count(*) FROM ${from}`).pluck().get();

test.serial(
  'a vault with 20,000 CloudKeys is gone when its deletion is answered, and its rows follow',
  async (t) => {
    const { vaultContext, store, raw, told } = t.context;
    fill(raw, { keySets: 400 });
    const bearer = `hfs_${'a'.repeat(43)}`;
    raw.exec(`BEGIN;
    ${numbers(400)} INSERT INTO xks_credentials (access_key_id, key_set_id, sealed_secret, created_at)
      SELECT 'c' || i, 's' || i, x'02', '${past}' FROM n;
    ${numbers(300)} INSERT INTO users (id, vault_id, username, username_key, display_name, email, role, state, sign_in, must_change_password, totp_state, created_at, updated_at)
      SELECT 'u' || i, 'v', 'u' || i, 'u' || i, '', '', 'vault-admin', 'ACTIVE', 'password', 0, 'NONE', '', '' FROM n;
    ${numbers(300)} INSERT INTO api_keys (id, user_id, name, hash, scope, expires_at, created_at)
      SELECT 'a' || i, 'u299', '', x'00', '[]', '2032-01-01', '' FROM n;
    INSERT INTO admin_groups (id, vault_id, name, description, created_at, updated_at) VALUES ('g', 'v', 'g', '', '', '');
    INSERT INTO csp_accounts (id, vault_id, admin_group_id, name, type, description, aws_account_id, default_region, created_at, updated_at)
      VALUES ('account', 'v', 'g', 'account', 'access-key', '', '', '', '', '');
    INSERT INTO csp_access_keys (csp_account_id, access_key_id, sealed_secret, sealed_token, state, origin, created_at)
      VALUES ('account', 'AKIA', x'00', 'token', 'CURRENT', 'operator', '');
    ${numbers(400)} INSERT INTO external_key_stores (id, vault_id, key_set_id, region, name, custom_key_store_id, origin, connectivity, uri_endpoint, state, created_at, updated_at)
      SELECT 'x' || i, 'v', 's' || i, 'eu-west-1', '', 'cks-' || i, 'HOLDFAST', 'PUBLIC_ENDPOINT', '', 'CONNECTED', '', '' FROM n;
    INSERT INTO kms_keys (id, vault_id, cloud_key_id, external_key_store_id, region, origin, key_arn, alias, description, tags, policy, step, cloud_status, created_at, updated_at)
      SELECT 'k' || id, 'v', id, 'x' || substr(key_set_id, 2), 'eu-west-1', 'HOLDFAST', 'arn:' || id, '', '', '{}', '', 'DONE', 'AVAILABLE', '', '' FROM cloud_keys LIMIT ${kmsKeyRecords};
    COMMIT;`);
    raw
      .prepare(
        `INSERT INTO sessions (hash, id, user_id, state, method, address, user_agent, created_at, last_seen_at, expires_at)
       VALUES (?, 'session', 'u299', 'ACTIVE', 'password', '', '', ?, ?, '2032-01-01')`,
      )
      .run(hashOf(bearer), now.toISOString(), now.toISOString());
    const limits = { idleMinutes: 60, maxMinutes: 60 };
    const signedIn = async () => resolveCaller(vaultContext, limits, { bearer, method: 'GET', address: '' });
    t.is((await signedIn())?.userId, 'u299');
    const directory = new Directory(store, vaultContext.tokens, () => now.getTime());
    await directory.refresh();
    t.truthy(await directory.credential('c399'));
    const account = await store.db.selectFrom('csp_accounts').selectAll().executeTakeFirstOrThrow();

    store.writes.reset();
    await deleteVault(vaultContext, act(vaultContext), 'v', 'v', undefined);
    t.is(told.left, 1, 'the schedule is woken');
    t.true(
      (count(t.context, `cloud_keys WHERE state <> 'DELETED'`) as number) > keys / 2,
      'rows are there still',
    );
    await directory.refresh();
    t.is(await directory.credential('c399'), undefined, 'nothing is served');
    t.is(await signedIn(), undefined, 'and nobody is signed in');
    await t.throwsAsync(awsAccountOf(vaultContext as never, account), { message: 'there is no such vault' });
    await t.throwsAsync(deleteVault(vaultContext, act(vaultContext), 'v', 'v', undefined), {
      message: 'there is no such vault',
    });

    t.is(await finishStoppedOften(t.context), 1);
    areSmall(t);
    for (const gone of [
      `cloud_keys WHERE state <> 'DELETED'`,
      `key_versions WHERE state <> 'DESTROYING'`,
      `xks_credentials WHERE withdrawn_at IS NULL`,
      'users',
      'api_keys',
      'sessions',
      'csp_access_keys',
      'kms_keys',
      'external_key_stores',
      `key_sets WHERE path_prefix <> '' OR external_key_store = 1`,
      'unfinished_work',
    ])
      t.is(count(t.context, gone), 0, gone);
    const told2 = raw
      .prepare<[], string>(
        `SELECT before FROM audit_events WHERE vault_id = 'v' AND action LIKE 'vault.delete%'`,
      )
      .pluck()
      .all()
      .map((before) => JSON.parse(before) as Record<string, unknown>);
    t.like(told2[0], {
      cloudKeys: keys,
      leftInAws: { counted: { externalKeyStores: 400, kmsKeys: 'more than 1000' } },
    });
    const named = (of: (one: Record<string, unknown>) => unknown) =>
      told2.flatMap((one) => (of(one) ?? []) as string[]);
    const ids = named(({ externalKeyIds }) => externalKeyIds);
    t.deepEqual([ids.length, new Set(ids).size], [keys, keys], 'each key is named in the trail, once');
    const arns = named(
      ({ kmsKeys, leftInAws }) => kmsKeys ?? (leftInAws as { kmsKeys?: string[] } | undefined)?.kmsKeys,
    );
    t.is(new Set(arns).size, kmsKeyRecords);
  },
);

test.serial(
  'a key set with 20,000 tombstones is gone at once, its name and path are free, and its rows follow',
  async (t) => {
    const { vaultContext, store, raw, told } = t.context;
    fill(raw, { state: 'DELETED', version: 'DESTROYED' });
    store.writes.reset();
    await deleteKeySet(vaultContext, act(vaultContext), { vaultId: 'v', sight: 'all', id: 's0' });
    t.is(told.left, 1);
    t.deepEqual((await listKeySets(vaultContext, 'v', 'all', {}, { limit: 5 })).items, []);
    t.deepEqual((await listCloudKeys(vaultContext, 'v', 'all', {}, { limit: 5 })).items, []);
    await t.throwsAsync(
      deleteKeySet(vaultContext, act(vaultContext), { vaultId: 'v', sight: 'all', id: 's0' }),
      {
        message: 'there is no such key set',
      },
    );
    const again = { name: 'set0', token: 'token', pathPrefix: 'p0', externalKeyStore: true };
    await t.notThrowsAsync(createKeySet(vaultContext, act(vaultContext), 'v', 'all', again));
    t.is(await finishStoppedOften(t.context), 1);
    areSmall(t);
    for (const table of ['cloud_keys', 'key_versions', 'uses', 'unfinished_work'])
      t.is(count(t.context, table), 0, table);
    t.is(count(t.context, 'key_sets'), 1);
    t.is(count(t.context, 'spent_external_keys'), keys);
  },
);

test.serial('a key object that is in the token still keeps the rows that lead to it', async (t) => {
  const { vaultContext, raw } = t.context;
  fill(raw, { count: 500, state: 'DELETED', version: 'DESTROYED' });
  await deleteKeySet(vaultContext, act(vaultContext), { vaultId: 'v', sight: 'all', id: 's0' });
  // As nothing of ours would.
  raw.exec(
    `UPDATE key_versions SET state = 'ACTIVE' WHERE cloud_key_id = (SELECT max(cloud_key_id) FROM key_versions)`,
  );
  await t.throwsAsync(finishWork(vaultContext, unfinishedSteps), {
    message: /key objects of its deleted CloudKeys/,
  });
  t.is(count(t.context, `key_versions WHERE state = 'ACTIVE'`), 1);
  t.is(count(t.context, 'unfinished_work'), 1);
});

test.serial(
  'a new schedule of 20,000 CloudKeys is planned in steps, and begins anew with another',
  async (t) => {
    const { vaultContext, store, raw, told } = t.context;
    fill(raw, { state: 'AVAILABLE' });
    store.writes.reset();
    await updateKeySet(
      vaultContext,
      act(vaultContext),
      { vaultId: 'v', sight: 'all', id: 's0' },
      { rotationDays: 90 },
    );
    t.is(told.left, 1);
    await finishWork(vaultContext, unfinishedSteps, stopAfter(20));
    await updateKeySet(
      vaultContext,
      act(vaultContext),
      { vaultId: 'v', sight: 'all', id: 's0' },
      { rotationDays: 60 },
    );
    t.is(await finishStoppedOften(t.context), 1);
    areSmall(t);
    t.is(count(t.context, `cloud_keys WHERE next_rotation_at = '2031-06-30T00:00:00.000Z'`), keys);
    t.is(count(t.context, 'unfinished_work'), 0);
  },
);

function stopAfter(steps: number): () => Promise<boolean> {
  const left = { steps };
  return async () => left.steps-- > 0;
}
