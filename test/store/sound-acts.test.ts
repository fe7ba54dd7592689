import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { sql } from 'kysely';
import { record, recordEach, rememberCreation, type Act } from '../../src/evidence/trail.ts';
import { leaveUnrecorded, SeenVersion, UnsoundActError } from '../../src/store/act-transaction.ts';
import type { ActTransaction } from '../../src/store/store.ts';
import { reasons, type Unrecorded } from '../../src/store/unrecorded.ts';
import { bumpRecord } from '../../src/vault/edit-record.ts';
import { checkRowVersion } from '../../src/vault/context.ts';
import { newKeySet, openVault, type TestVault } from '../../testing/vault.ts';

/* What the store does not commit, whoever writes it: an act without a record, one that ignores the row version or its key. */

const test = anyTest as TestFn<TestVault>;

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

const entry = { action: 'vault.try', vaultId: '', target: { kind: 'vault', id: 'v', name: 'v' } };

const node = (id: string) => ({
  ...{ id, hostname: 'host', version: '1' },
  ...{ started_at: '2026-01-01T00:00:00.000Z', last_seen_at: '2026-01-01T00:00:00.000Z' },
});

async function nodes({ store }: TestVault): Promise<string[]> {
  const rows = await store.db.selectFrom('nodes').select('id').orderBy('id').execute();
  return rows.map(({ id }) => id);
}

const ways: Readonly<Record<string, (trx: ActTransaction) => Promise<unknown>>> = {
  INSERT: async (trx) => trx.insertInto('nodes').values(node('new')).execute(),
  'INSERT … RETURNING': async (trx) => trx.insertInto('nodes').values(node('new')).returningAll().execute(),
  UPDATE: async (trx) => trx.updateTable('nodes').set({ version: '2' }).where('id', '=', 'old').execute(),
  'UPDATE … RETURNING': async (trx) =>
    trx.updateTable('nodes').set({ version: '2' }).where('id', '=', 'old').returning('id').executeTakeFirst(),
  DELETE: async (trx) => trx.deleteFrom('nodes').where('id', '=', 'old').execute(),
  UPSERT: async (trx) =>
    trx
      .insertInto('nodes')
      .values(node('old'))
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ version: '2' }))
      .execute(),
  SQL: async (trx) => sql`UPDATE ${sql.table('nodes')} SET version = '2' WHERE id = 'old'`.execute(trx),
  'what serving reads': async (trx) =>
    trx.updateTable('vaults').set({ frozen_at: '2026-01-01T00:00:00.000Z' }).execute(),
};

for (const [how, change] of Object.entries(ways))
  test.serial(`an act that changes something without a record is not committed: ${how}`, async (t) => {
    const { store, act } = t.context;
    await store.bookkeep('by hand', async (trx) => {
      await trx.deleteFrom('nodes').execute();
      await trx.insertInto('nodes').values(node('old')).execute();
    });
    const rows = async () => [
      await store.db.selectFrom('nodes').selectAll().execute(),
      await store.db.selectFrom('vaults').selectAll().execute(),
    ];
    const before = await rows();
    for (const transact of [store.write.bind(store), store.change.bind(store)]) {
      const error = await t.throwsAsync(transact(act(), change), { instanceOf: UnsoundActError });
      t.regex(
        error.message,
        /^a transaction changed (nodes|vaults) and put nothing on record: nothing was done$/,
      );
      t.deepEqual(await rows(), before);
    }
    await store.write(act(), async (trx) => {
      await change(trx);
      await record(trx, act(), entry);
    });
    t.notDeepEqual(await rows(), before, 'with a record it is done');
    await store.bookkeep('by hand', async (trx) =>
      trx.updateTable('vaults').set({ frozen_at: null }).execute(),
    );
  });

test.serial(
  'an act that changes nothing needs no record, and one on many things has an event of each',
  async (t) => {
    const { store, act } = t.context;
    await store.write(act(), async (trx) => {
      await trx.deleteFrom('nodes').where('id', '=', 'never').execute();
      await trx.updateTable('nodes').set({ version: '3' }).where('id', '=', 'never').execute();
      return trx.selectFrom('nodes').selectAll().execute();
    });
    await store.write(act(), async (trx) => {
      await trx.insertInto('nodes').values(node('many')).execute();
      await recordEach(trx, act(), [entry, entry]);
    });
    t.true((await nodes(t.context)).includes('many'));
  },
);

test.serial('what is nobody’s act touches the tables of its reason alone', async (t) => {
  const { store, act } = t.context;
  const drop = async (trx: Pick<ActTransaction, 'deleteFrom'>) => trx.deleteFrom('vaults').execute();
  await t.throwsAsync(store.bookkeep('lease', drop), {
    instanceOf: UnsoundActError,
    message: 'a transaction changed vaults and put nothing on record: nothing was done',
  });
  await t.throwsAsync(
    store.write(act(), async (trx) => {
      leaveUnrecorded(trx, 'node');
      await trx.insertInto('nodes').values(node('left')).execute();
      await drop(trx);
    }),
    { instanceOf: UnsoundActError, message: /^a transaction changed vaults and / },
  );
  t.false((await nodes(t.context)).includes('left'));
  await store.write(act(), async (trx) => {
    leaveUnrecorded(trx, 'node');
    await trx.insertInto('nodes').values(node('left')).execute();
  });
  t.true((await nodes(t.context)).includes('left'));
});

test.serial('an act that never compares the row version its caller has seen is not committed', async (t) => {
  const { store, act } = t.context;
  const run = async (
    compare: (seen: SeenVersion) => void,
    before: (seen: SeenVersion) => void = () => undefined,
  ) => {
    const seen = new SeenVersion(3);
    const acting: Act = { ...act(), seen };
    before(seen);
    return store.write(acting, async (trx) => {
      compare(seen);
      await trx.insertInto('nodes').values(node('seen')).execute();
      await record(trx, acting, entry);
    });
  };
  await t.throwsAsync(
    run(() => undefined),
    {
      instanceOf: UnsoundActError,
      message: 'an act did not compare the row version that its caller has seen: nothing was done',
    },
  );
  await t.throwsAsync(
    run(
      () => undefined,
      // Before the transaction: somebody may come between.
      (seen) => checkRowVersion({ row_version: 3 }, seen),
    ),
    { instanceOf: UnsoundActError },
  );
  await t.throwsAsync(
    run((seen) => checkRowVersion({ row_version: 4 }, seen)),
    { message: 'it has been changed meanwhile; look at it again, then try again' },
  );
  t.false((await nodes(t.context)).includes('seen'));
  await run((seen) => checkRowVersion({ row_version: 3 }, seen));
  t.true((await nodes(t.context)).includes('seen'));
  // A change of that version and no other compares it too; and what one transaction has compared holds for the next.
  const keySet = await newKeySet(t.context);
  const seen = new SeenVersion(keySet.row_version);
  const acting: Act = { ...act(), seen };
  for (const id of ['seen-2', 'seen-3'])
    await store.change(acting, async (trx) => {
      if (id === 'seen-2') await bumpRecord(trx, 'key_sets', keySet, { description: id });
      else await trx.insertInto('nodes').values(node(id)).execute();
      await record(trx, acting, entry);
    });
  t.true((await nodes(t.context)).includes('seen-3'));
});

test.serial('an act remembers its Idempotency-Key with what it makes, or is not committed', async (t) => {
  const { store, act } = t.context;
  const made = act({ idempotencyKey: 'a key' });
  const make = async (id: string, creates: boolean, acting: Act = made) =>
    store.write(acting, async (trx) => {
      await trx.insertInto('nodes').values(node(id)).execute();
      await record(trx, acting, { ...entry, creates });
    });
  await t.throwsAsync(make('made', false), {
    instanceOf: UnsoundActError,
    message: 'an act did not remember its Idempotency-Key: nothing was done',
  });
  // What was remembered in a transaction that came to nothing is not.
  await t.throwsAsync(
    store.write(made, async (trx) => {
      await rememberCreation(trx, made, 'made');
      throw new Error('cut off');
    }),
    { message: 'cut off' },
  );
  await t.throwsAsync(make('made', false), { instanceOf: UnsoundActError });
  await make('made', true);
  await make('made-later', false, { ...made, at: new Date() });
  t.true((await nodes(t.context)).includes('made-later'), 'the act has remembered it before');
});

/** Where each exception is made: one more is to be seen here, by whoever reviews it. */
const places: Readonly<Record<Unrecorded, readonly string[]>> = {
  use: ['src/identity/callers.ts', 'src/keys/used.ts'],
  attempt: [
    'src/identity/confirmation.ts',
    'src/identity/lockout.ts',
    'src/identity/second-factor.ts',
    'src/identity/second-factor.ts',
  ],
  'sign-in under way': Array<string>(4).fill('src/identity/oidc/sign-in.ts'),
  'sealed anew': [
    'src/cloud/accounts/access-keys.ts',
    'src/identity/mail-settings.ts',
    'src/identity/oidc/providers.ts',
    'src/identity/second-factor.ts',
    'src/keys/credentials/credential-making.ts',
  ],
  'encryption count': ['src/keys/encryption-leases.ts'],
  'being made': [
    ...Array<string>(5).fill('src/keys/interrupted.ts'),
    'src/keys/key-making.ts',
    'src/keys/key-versions.ts',
    'src/keys/limit-rotation-writes.ts',
    'src/keys/limit-rotation-writes.ts',
  ],
  'found in a token': [
    ...['src/keys/hsm/hsms-not-asked.ts', 'src/keys/key-proofs.ts'],
    ...['src/keys/own-key-proofs.ts', 'src/keys/replaced-tokens.ts'],
    'src/keys/unfit-note.ts',
  ],
  // Wherever what AWS says is written down.
  'work in AWS': ['src/cloud/controller', 'src/cloud/key-stores'],
  'rest of an act': ['src/vault/unfinished-work.ts'],
  pruning: ['src/schedules/audit-pruner.ts', 'src/schedules/audit-pruner.ts'],
  housekeeping: ['src/schedules/housekeeping.ts'],
  lease: [
    ...Array<string>(2).fill('src/cloud/controller/turn.ts'),
    'src/fleet/in-force.ts',
    'src/fleet/in-force.ts',
    'src/fleet/in-force.ts',
    ...Array<string>(5).fill('src/fleet/leases.ts'),
  ],
  traffic: ['src/metrics/series/traffic-rows.ts'],
  vitals: ['src/metrics/series/vital-rows.ts'],
  node: ['src/fleet/nodes.ts', 'src/fleet/nodes.ts'],
  'failed request': ['src/keys/failed-request-rows.ts'],
  'store move': [],
  nothing: ['src/keys/destruction.ts'],
  'by hand': [],
};

test('every exception to the record is named, and stands in the list of them', async (t) => {
  const top = path.join(import.meta.dirname, '../..');
  const files = (await readdir(path.join(top, 'src'), { recursive: true })).filter((file) =>
    file.endsWith('.ts'),
  );
  const found = new Map<string, string[]>(Object.keys(reasons).map((why) => [why, []]));
  for (const file of files.toSorted()) {
    if (file.startsWith('store/')) continue;
    const text = await readFile(path.join(top, 'src', file), 'utf8');
    for (const [call, why] of text.matchAll(/(?:\.bookkeep\(|leaveUnrecorded\(\s*trx,)\s*(?:'([^']*)')?/g))
      if (why === undefined) t.fail(`${file}: ${call} without a name`);
      else found.get(why)?.push(`src/${file}`);
  }
  const inCloud = new Set(found.get('work in AWS')?.map((file) => path.posix.dirname(file)));
  t.deepEqual(Object.fromEntries(found.set('work in AWS', [...inCloud])), { ...places });
});
