import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import Database from 'better-sqlite3';
import fc from '../../testing/properties.ts';
import { sql, type Transaction } from 'kysely';
import type { Tables } from '../../src/store/schema.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { Directory } from '../../src/serving/directory.ts';
import { TokenPools } from '../../src/vault/tokens.ts';
import { byHand } from '../../testing/by-hand.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { insertVault } from '../../testing/vault.ts';

/*
 * What a worker remembers is what the store says, whatever was changed, by whom, and whatever was being looked up then. The
 * model is a worker that remembers nothing: a Directory that was just made.
 */

interface Context {
  file: string;
  /** Two processes' views of one store. */
  stores: [SqliteStore, SqliteStore];
  dispose: () => Promise<void>;
}

const test = anyTest as TestFn<Context>;
const tokens = new TokenPools([]);
const now = '2031-05-05T12:00:00.000Z';

const vaultIds: string[] = [];
const keySets = ['s0', 's1', 's2'];
const keys = ['k0', 'k1', 'k2', 'k3', 'k4'];
const credentials = ['c0', 'c1', 'c2'];
const prefixes = ['', 'p0', 'p1', 'p2'];

test.before(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-changes-'));
  const file = path.join(directory, 'holdfast.db');
  const stores: [SqliteStore, SqliteStore] = [await SqliteStore.init(file), await SqliteStore.open(file)];
  for (const name of ['one', 'two']) vaultIds.push((await insertVault(stores[0], name)).id);
  t.context = {
    file,
    stores,
    dispose: async () => {
      for (const store of stores) await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
test.after.always(async (t) => t.context.dispose());

type Trx = Transaction<Tables>;
interface Op {
  what: string;
  run: (trx: Trx) => Promise<unknown>;
}

const pick = <T>(values: readonly T[]) => fc.constantFrom(...values);
const op = (what: string, run: Op['run']): Op => ({ what, run });

function keySetRow(id: string, external_key_store: number, path_prefix: string) {
  const [vault_id = ''] = vaultIds;
  const times = { created_at: now, updated_at: now };
  return {
    id,
    vault_id,
    name: id,
    description: '',
    token: 'token',
    external_key_store,
    path_prefix,
    ...times,
  };
}

function keyRow(external_key_id: string, key_set_id: string) {
  const times = { created_at: now, updated_at: now, rotated_at: now };
  const usage = { can_encrypt: 1, can_decrypt: 1, current_version: 1, rotation: 'INHERIT' as const };
  return {
    id: `id-${external_key_id}`,
    key_set_id,
    name: external_key_id,
    description: '',
    external_key_id,
    state: 'AVAILABLE' as const,
    region: '',
    administrators: '[]',
    users: '[]',
    made_by: '',
    ...usage,
    ...times,
  };
}

function versionRow(key: string, version: number) {
  const cloud_key_id = `id-${key}`;
  const object_id = Buffer.from(`${key}:${version}`);
  return {
    cloud_key_id,
    version,
    object_id,
    state: 'ACTIVE' as const,
    origin: 'holdfast' as const,
    made_by: '',
    created_at: now,
  };
}

const anyOp: fc.Arbitrary<Op> = fc.oneof(
  fc.tuple(pick(keySets), pick([0, 1]), pick(prefixes)).map(([id, served, prefix]) =>
    op(`key set ${id} is there: ${served} ${prefix}`, async (trx) =>
      trx
        .insertInto('key_sets')
        .values(keySetRow(id, served, prefix))
        .onConflict((c) => c.doNothing())
        .execute(),
    ),
  ),
  fc.tuple(pick(keySets), pick([0, 1, null])).map(([id, n]) =>
    op(`key set ${id} served or frozen: ${n}`, async (trx) =>
      trx
        .updateTable('key_sets')
        .set(n === null ? { frozen_at: now } : { external_key_store: n, frozen_at: null })
        .where('id', '=', id)
        .execute(),
    ),
  ),
  pick(keySets).map((id) =>
    op(`key set ${id} has a prefix of its own`, async (trx) =>
      trx
        .updateTable('key_sets')
        .set({ path_prefix: `p${id.slice(1)}` })
        .where('id', '=', id)
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom('key_sets as other')
                .select('id')
                .where('path_prefix', '=', `p${id.slice(1)}`),
            ),
          ),
        )
        .execute(),
    ),
  ),
  fc.tuple(pick(keySets), fc.nat(1), fc.nat(9)).map(([id, n, rate]) =>
    op(`key set ${id} is vault ${n}'s`, async (trx) =>
      trx
        .updateTable('key_sets')
        .set({ vault_id: vaultIds[n] ?? '', quota_rate: rate + 1 })
        .where('id', '=', id)
        .execute(),
    ),
  ),
  fc.tuple(fc.nat(1), fc.nat(9)).map(([n, token]) =>
    op(`vault ${n} may use token ${token}`, async (trx) =>
      trx
        .updateTable('vaults')
        .set({ tokens: JSON.stringify(['token', `t${token}`]) })
        .where('id', '=', vaultIds[n] ?? '')
        .execute(),
    ),
  ),
  fc.tuple(fc.nat(1), fc.option(fc.constant(now)), fc.option(fc.constant(now))).map(([n, own, held]) =>
    op(`vault ${n} is frozen: ${own} ${held}`, async (trx) =>
      trx
        .updateTable('vaults')
        .set({ frozen_at: own, appliance_frozen_at: held })
        .where('id', '=', vaultIds[n] ?? '')
        .execute(),
    ),
  ),
  fc.tuple(pick(keys), pick(keySets)).map(([key, set]) =>
    op(`key ${key} is made in ${set}`, async (trx) => {
      const there = await trx.selectFrom('key_sets').select('id').where('id', '=', set).executeTakeFirst();
      if (there === undefined) return;
      await trx
        .insertInto('cloud_keys')
        .values(keyRow(key, set))
        .onConflict((c) => c.doNothing())
        .execute();
      await trx
        .insertInto('key_versions')
        .values(versionRow(key, 1))
        .onConflict((c) => c.doNothing())
        .execute();
    }),
  ),
  fc
    .tuple(
      pick(keys),
      pick(['AVAILABLE', 'AVAILABLE', 'DISABLED', 'CREATING', 'DELETED', 'PENDING_DELETION'] as const),
    )
    .map(([key, state]) =>
      op(`key ${key} is ${state}`, async (trx) =>
        trx.updateTable('cloud_keys').set({ state }).where('external_key_id', '=', key).execute(),
      ),
    ),
  fc
    .tuple(pick(keys), pick([null, now, '2032-01-01T00:00:00.000Z']))
    .map(([key, expires_at]) =>
      op(`key ${key} expires ${expires_at}`, async (trx) =>
        trx
          .updateTable('cloud_keys')
          .set({ expires_at })
          .where('external_key_id', '=', key)
          .returning('name')
          .execute(),
      ),
    ),
  pick(keys).map((key) =>
    op(`key ${key} has another description and more encryptions`, async (trx) => {
      await trx
        .updateTable('cloud_keys')
        .set({ description: randomUUID() })
        .where('external_key_id', '=', key)
        .execute();
      await trx
        .updateTable('key_versions')
        .set((eb) => ({ encryptions_leased: eb('encryptions_leased', '+', 1) }))
        .where('cloud_key_id', '=', `id-${key}`)
        .execute();
    }),
  ),
  pick(keys).map((key) =>
    op(`key ${key} is gone`, async (trx) => {
      await trx.deleteFrom('key_versions').where('cloud_key_id', '=', `id-${key}`).execute();
      await trx.deleteFrom('cloud_keys').where('id', '=', `id-${key}`).execute();
    }),
  ),
  pick(keys).map((key) =>
    op(`key ${key} has a second version`, async (trx) => {
      const there = await trx
        .selectFrom('cloud_keys')
        .select('id')
        .where('external_key_id', '=', key)
        .execute();
      if (there.length > 0)
        await trx
          .insertInto('key_versions')
          .values(versionRow(key, 2))
          .onConflict((c) => c.doNothing())
          .execute();
    }),
  ),
  fc
    .tuple(
      pick(keys),
      pick([
        { state: 'ACTIVE' },
        { state: 'DESTROYING' },
        { unfit_since: now },
        { unfit_since: null },
      ] as const),
    )
    .map(([key, values]) =>
      op(`versions of ${key} are ${JSON.stringify(values)}`, async (trx) =>
        trx.updateTable('key_versions').set(values).where('cloud_key_id', '=', `id-${key}`).execute(),
      ),
    ),
  fc.tuple(pick(credentials), pick(keySets)).map(([id, set]) =>
    op(`credential ${id} of ${set}`, async (trx) => {
      const there = await trx.selectFrom('key_sets').select('id').where('id', '=', set).executeTakeFirst();
      if (there === undefined) return;
      const row = { access_key_id: id, key_set_id: set, sealed_secret: Buffer.from(id), created_at: now };
      await trx
        .insertInto('xks_credentials')
        .values(row)
        .onConflict((c) => c.column('access_key_id').doUpdateSet({ key_set_id: set, withdrawn_at: null }))
        .execute();
    }),
  ),
  fc
    .tuple(pick(credentials), pick([null, now]))
    .map(([id, withdrawn_at]) =>
      op(`credential ${id} withdrawn ${withdrawn_at}`, async (trx) =>
        trx.updateTable('xks_credentials').set({ withdrawn_at }).where('access_key_id', '=', id).execute(),
      ),
    ),
  pick(credentials).map((id) =>
    op(`credential ${id} by SQL of our own`, async (trx) =>
      sql`UPDATE ${sql.table('xks_credentials')} SET expires_at = ${now} WHERE access_key_id = ${id}`.execute(
        trx,
      ),
    ),
  ),
);

/** Everything is there, served and usable. */
async function seed(trx: Trx): Promise<void> {
  for (const table of ['xks_credentials', 'key_versions', 'cloud_keys', 'key_sets'] as const)
    await trx.deleteFrom(table).execute();
  for (const [n, id] of keySets.entries())
    await trx
      .insertInto('key_sets')
      .values(keySetRow(id, 1, `p${n}`))
      .execute();
  for (const [n, key] of keys.entries()) {
    await trx
      .insertInto('cloud_keys')
      .values(keyRow(key, keySets[n % 2] ?? ''))
      .execute();
    await trx.insertInto('key_versions').values(versionRow(key, 1)).execute();
  }
  for (const [n, id] of credentials.entries())
    await trx
      .insertInto('xks_credentials')
      .values({
        access_key_id: id,
        key_set_id: keySets[n] ?? '',
        sealed_secret: Buffer.from(id),
        created_at: now,
      })
      .execute();
}

type Step =
  | { kind: 'change' | 'write' | 'bookkeep' | 'fails'; by: 0 | 1; op: Op; during: string[] }
  | { kind: 'past us'; key: string }
  | { kind: 'look' };

const during = fc.array(pick([...keys, ...credentials, ...keySets]), { maxLength: 3 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: pick(['change', 'change', 'write', 'bookkeep', 'fails'] as const),
      by: pick([0, 1] as const),
      op: anyOp,
      during,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('past us' as const), key: pick(keys) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'look' as const }) },
);

/** Everything that can be asked. */
async function everything(directory: Directory): Promise<Record<string, unknown>> {
  await directory.refresh();
  const answers: Record<string, unknown> = {};
  for (const prefix of [...prefixes, 'p9']) answers[`/${prefix}`] = await directory.hasPrefix(prefix);
  for (const id of [...credentials, 'c9']) answers[id] = withoutRevision(await directory.credential(id));
  for (const id of keySets)
    for (const key of [...keys, 'k9'])
      answers[`${id} ${key}`] = withoutRevision(await directory.cloudKey({ id }, key));
  return answers;
}

/** A quota says at which revision it was read. */
function withoutRevision(answer: unknown): unknown {
  if (answer === undefined) return undefined;
  return JSON.parse(JSON.stringify(answer, (name, value: unknown) => plain(name, value))) as unknown;
}

function plain(name: string, value: unknown): unknown {
  if (name === 'revision') return undefined;
  return value instanceof Map ? [...(value as Map<unknown, unknown>)] : value === Infinity ? 'never' : value;
}

async function take(stores: Context['stores'], step: Step, file: string): Promise<void> {
  if (step.kind === 'look') return;
  if (step.kind === 'past us') {
    // Somebody's own program, which notes nothing.
    const raw = new Database(file);
    raw
      .prepare(`UPDATE cloud_keys SET can_encrypt = 1 - can_encrypt WHERE external_key_id = ?`)
      .run(step.key);
    raw.exec('UPDATE revision SET revision = revision + 1');
    raw.close();
    return;
  }
  const store = stores[step.by];
  const { run } = step.op;
  if (step.kind === 'bookkeep') await store.bookkeep('by hand', async (trx) => run(trx));
  else if (step.kind === 'fails')
    await store
      .change(byHand, async (trx) => {
        await run(trx);
        throw new RangeError('it fails');
      })
      .catch((error: unknown) => {
        if (!(error instanceof RangeError)) throw error;
      });
  else await store[step.kind](byHand, async (trx) => run(trx));
}

test.serial('what a worker remembers is what the store says, whatever has been changed', async (t) => {
  const { stores, file } = t.context;
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 40 }), async (steps) => {
      const [store] = stores;
      await store.change(byHand, async (trx) => seed(trx));
      const roomy = new Directory(store, tokens, () => Date.parse(now) - 1);
      const narrow = new Directory(store, tokens, () => Date.parse(now) - 1, {
        maxRemembered: 2,
        maxMissing: 1,
      });
      for (const step of steps) {
        // Looked up while it is changed: what was read before must not be found after.
        const names = 'during' in step ? step.during : [];
        const lookUps = names.flatMap((name) =>
          [roomy, narrow].map(async (directory) =>
            name.startsWith('c')
              ? directory.credential(name)
              : directory.cloudKey({ id: 's0' }, name.replace('s', 'k')),
          ),
        );
        await take(stores, step, file);
        const model = await everything(new Directory(store, tokens, () => Date.parse(now) - 1));
        for (const directory of [roomy, narrow]) {
          const what = JSON.stringify(step);
          t.deepEqual(await everything(directory), model, what);
        }
        await Promise.all(lookUps);
        t.deepEqual(await everything(roomy), model, 'after what was under way');
      }
    }),
    { numRuns: 25 },
  );
});

test.serial('an act makes a worker forget what it changes, and nothing else', async (t) => {
  const [store, other] = t.context.stores;
  await store.change(byHand, async (trx) => {
    for (const id of ['far-1', 'far-2']) {
      await trx
        .insertInto('key_sets')
        .values(keySetRow(id, 1, id))
        .execute();
      await trx
        .insertInto('cloud_keys')
        .values(keyRow(`${id}-key`, id))
        .execute();
    }
  });
  const directory = new Directory(store, tokens);
  const seen = async () => {
    await directory.refresh();
    return Promise.all(['far-1', 'far-2'].map(async (id) => directory.cloudKey({ id }, `${id}-key`)));
  };
  const before = await seen();
  const disable = async (by: SqliteStore) =>
    by.change(byHand, async (trx) =>
      trx
        .updateTable('cloud_keys')
        .set((eb) => ({ state: 'DISABLED', current_version: eb('current_version', '+', 1) }))
        .where('external_key_id', '=', 'far-1-key')
        .execute(),
    );
  await disable(other);
  let after = await seen();
  t.is(after[0]?.state, 'DISABLED');
  t.is(after[1], before[1], 'the very same');
  // So many that they are not told one by one.
  await store.change(byHand, async (trx) => {
    for (let n = 0; n < 201; n++)
      await trx
        .insertInto('cloud_keys')
        .values(keyRow(`many-${n}`, 'far-1'))
        .execute();
  });
  after = await seen();
  t.not(after[1], before[1]);
  // So long ago that it is not known any more.
  const revision = store.revision();
  await store.bookkeep('by hand', async (trx) =>
    trx
      .updateTable('revision')
      .set({ revision: revision + 3000 })
      .execute(),
  );
  await disable(other);
  t.is((await seen())[0]?.currentVersion, 3);
  const noted = await store.db.selectFrom('served_changes').select('revision').execute();
  t.deepEqual(
    noted.map((row) => row.revision),
    [revision + 3001],
    'no more is kept than somebody may ask for',
  );
});

test('what was read ahead of the revision that is known is not remembered: the store may lose that revision', async (t) => {
  const { file, stores } = t.context;
  const [store, reader] = stores;
  await byHandKeys(store);
  const directory = new Directory(reader, tokens);
  await directory.refresh();
  const raw = new Database(file);
  t.teardown(() => raw.close());
  const row = raw.prepare('SELECT revision, mark, marked FROM revision').get() as Record<string, unknown>;
  await store.change(byHand, async (trx) =>
    trx.updateTable('cloud_keys').set({ state: 'AVAILABLE' }).where('id', '=', 'id-ahead').execute(),
  );
  const state = async () => (await directory.cloudKey({ id: 'ahead-set' }, 'ahead'))?.state;
  t.is(await state(), 'AVAILABLE', 'read, while the directory knows no more than the revision before');
  raw.prepare('UPDATE revision SET revision = @revision, mark = @mark, marked = @marked').run(row);
  raw.prepare("UPDATE cloud_keys SET state = 'DISABLED' WHERE id = 'id-ahead'").run();
  await directory.refresh();
  t.is(await state(), 'DISABLED');
});

async function byHandKeys(store: SqliteStore): Promise<void> {
  await store.change(byHand, async (trx) => {
    await trx
      .insertInto('key_sets')
      .values(keySetRow('ahead-set', 1, 'ahead'))
      .execute();
    await trx
      .insertInto('cloud_keys')
      .values({ ...keyRow('ahead', 'ahead-set'), state: 'DISABLED' })
      .execute();
  });
}
