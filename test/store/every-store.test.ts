import { randomBytes, randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import fc from '../../testing/properties.ts';
import { sql, type Insertable } from 'kysely';
import {
  endSessionOfUser,
  listApiKeysOfUsers,
  listSessionsOfUsers,
  revokeApiKeyOfUser,
} from '../../src/identity/user-access.ts';
import { insertUser, newUser } from '../../src/identity/users.ts';
import { rowsOf } from '../../src/store/cleared-rows.ts';
import { willStand } from '../../src/store/read-back.ts';
import type { AuditEventTable } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { beforeEverything } from '../../src/store/revision-log.ts';
import type { VaultContext } from '../../src/vault/context.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { byHand } from '../../testing/by-hand.ts';
import { databases } from '../../testing/stores.ts';

/* What every store does, whichever database it is. */

/** So many connections to one new store. */
async function open(t: ExecutionContext, make: (typeof databases)['SQLite'], count = 1): Promise<Store[]> {
  const made = await make();
  const stores: Store[] = [];
  t.teardown(async () => {
    for (const store of stores) await store.close();
    await made.dispose();
  });
  for (let i = 0; i < count; i++) stores.push(await made.open());
  return stores;
}

const event = (facts: Partial<Insertable<AuditEventTable>> = {}): Insertable<AuditEventTable> => ({
  at: '2027-01-01T00:00:00.000Z',
  began_at: null,
  vault_id: '',
  actor_kind: 'system',
  actor_id: '',
  actor_name: 'test',
  actor_vault_id: null,
  address: '',
  request_id: randomUUID(),
  action: 'test.act',
  outcome: 'done',
  target_kind: 'test',
  target_id: randomUUID(),
  target_name: '',
  before: null,
  after: null,
  ...facts,
});

const vault = (facts: { name: string }) => ({
  id: randomUUID(),
  type: 'cloud-key-management' as const,
  description: '',
  administrator_name: '',
  administrator_email: '',
  tokens: '[]',
  created_at: '',
  updated_at: '',
  ...facts,
});

for (const [kind, make] of Object.entries(databases)) {
  test(`${kind}: a change that was acknowledged has moved the revision for every other connection`, async (t) => {
    const [writer, reader] = (await open(t, make, 2)) as [Store, Store];
    for (let round = 0; round < 20; round++) {
      const before = await reader.revision();
      await writer.change(byHand, async () => undefined);
      t.is(await reader.revision(), before + 1);
      t.is(await writer.revision(), before + 1);
    }
  });

  test(`${kind}: what workers serve by is told by name to whoever asks for what was changed`, async (t) => {
    const [writer, reader] = (await open(t, make, 2)) as [Store, Store];
    const since = await reader.moment();
    const made = vault({ name: 'told' });
    await writer.bookkeep('by hand', async (trx) => trx.insertInto('vaults').values(made).execute());
    const first = await reader.moment();
    t.is(first.revision, since.revision + 1, 'the revision moved by itself');
    t.deepEqual(await reader.changesSince(since), [{ kind: 'vault', name: made.id }]);
    await writer.bookkeep('by hand', async (trx) =>
      trx.insertInto('leases').values({ name: 'a', holder: 'a', until: '' }).execute(),
    );
    t.deepEqual(await reader.moment(), first, 'nobody has to hear of a lease');
    await writer.bookkeep('by hand', async (trx) =>
      sql`DELETE FROM vaults WHERE id = ${made.id}`.execute(trx),
    );
    t.is(await reader.changesSince(first), 'everything', 'SQL of our own is not looked into');
    const last = await reader.moment();
    t.deepEqual(await reader.changesSince(last), []);
    t.is(await reader.changesSince(beforeEverything), 'everything');
    const later = { ...last, revision: last.revision + 1 };
    t.is(await reader.changesSince(later), 'went-back', 'nobody has moved it so far');
  });

  test(`${kind}: a moment that a store which was put back has never had is told from one of the same number`, async (t) => {
    const [store, reader] = (await open(t, make, 2)) as [Store, Store];
    const change = async () => {
      const made = vault({ name: randomUUID() });
      await store.bookkeep('by hand', async (trx) => trx.insertInto('vaults').values(made).execute());
      return [{ kind: 'vault', name: made.id }];
    };
    await change();
    const before = await reader.moment();
    const row = await store.db.selectFrom('revision').selectAll().executeTakeFirstOrThrow();
    await change();
    const lost = await reader.moment();
    await store.bookkeep('by hand', async (trx) => trx.updateTable('revision').set(row).execute());
    t.is(await reader.changesSince(lost), 'went-back');
    const changed = await change();
    const again = await reader.moment();
    t.is(again.revision, lost.revision);
    t.not(again.mark, lost.mark);
    t.is(await reader.changesSince(lost), 'went-back', 'by the row of the revision');
    t.deepEqual(await reader.changesSince(before), changed, 'what both histories have is told as ever');

    // By the list, once it has moved on; and a node of a version that knows no marks moves it then.
    await store.bookkeep('by hand', async (trx) => {
      const revision = again.revision + 1;
      await trx.updateTable('revision').set({ revision }).execute();
      await trx.insertInto('served_changes').values({ revision, kind: 'nothing', name: '' }).execute();
    });
    const older = await reader.moment();
    t.like(older, { revision: again.revision + 1, mark: null });
    t.is(await reader.changesSince(lost), 'went-back', 'by the list');
    t.deepEqual(await reader.changesSince(again), []);
    const since = await change();
    t.deepEqual(await reader.changesSince(older), since, 'no false alarm');
    t.is(await reader.changesSince({ ...older, mark: 'of ours' }), 'went-back');

    // Beyond what is kept nobody knows.
    await store.bookkeep('by hand', async (trx) =>
      trx.deleteFrom('served_changes').where('revision', '<=', lost.revision).execute(),
    );
    t.is(await reader.changesSince(lost), 'everything');
  });

  test(`${kind}: what a statement returns is as without its telling`, async (t) => {
    const [store] = (await open(t, make)) as [Store];
    const made = vault({ name: 'returned' });
    await store.bookkeep('by hand', async (trx) => {
      const inserted = await trx.insertInto('vaults').values(made).returning('name').executeTakeFirst();
      t.deepEqual(inserted, { name: 'returned' });
      const updated = await trx.updateTable('vaults').set({ tokens: '["a"]' }).executeTakeFirst();
      t.is(updated.numUpdatedRows, 1n);
      const deleted = await trx.deleteFrom('vaults').where('id', '=', 'none').executeTakeFirst();
      t.is(deleted.numDeletedRows, 0n);
    });
  });

  test(`${kind}: a change that failed has moved nothing`, async (t) => {
    const [store] = (await open(t, make)) as [Store];
    const before = await store.revision();
    await t.throwsAsync(
      store.change(byHand, async (trx) => {
        await trx.insertInto('leases').values({ name: 'a', holder: 'a', until: '' }).execute();
        throw new Error('on purpose');
      }),
      { message: 'on purpose' },
    );
    t.is(await store.revision(), before);
    t.deepEqual(await store.db.selectFrom('leases').selectAll().execute(), []);
  });

  test(`${kind}: an act whose authority is gone is not done`, async (t) => {
    const [store] = (await open(t, make)) as [Store];
    const dismissed = {
      ...byHand,
      authority: { confirm: async () => Promise.reject(new Error('dismissed')) },
    };
    let ran = false;
    for (const act of [store.change.bind(store), store.write.bind(store)])
      await t.throwsAsync(
        act(dismissed, async () => {
          ran = true;
        }),
        { message: 'dismissed' },
      );
    t.false(ran);
  });

  test(`${kind}: what does not stand as it was written is not committed`, async (t) => {
    const [store] = (await open(t, make)) as [Store];
    const error = await t.throwsAsync(
      store.bookkeep('by hand', async (trx) => {
        await trx.insertInto('leases').values({ name: 'a', holder: 'a', until: '' }).execute();
        willStand(trx, 'the lease', async () => Promise.resolve(false));
      }),
    );
    t.is((error as { fault?: string }).fault, 'changed-back');
    t.deepEqual(await store.db.selectFrom('leases').selectAll().execute(), []);
  });

  test(`${kind}: changes of several connections at once are all kept, one after another`, async (t) => {
    const stores = await open(t, make, 4);
    const before = (await stores[0]?.revision()) ?? 0;
    await stores[0]?.bookkeep('by hand', async (trx) =>
      trx.insertInto('leases').values({ name: 'count', holder: '0', until: '' }).execute(),
    );
    await Promise.all(
      stores.map(async (store) => {
        for (let i = 0; i < 10; i++)
          await store.change(byHand, async (trx) => {
            // Read, computed and written back: what was read is still so when it is written.
            const row = await trx
              .selectFrom('leases')
              .select('holder')
              .where('name', '=', 'count')
              .executeTakeFirstOrThrow();
            await trx
              .updateTable('leases')
              .set({ holder: `${Number(row.holder) + 1}` })
              .where('name', '=', 'count')
              .execute();
          });
      }),
    );
    t.is(await stores[0]?.revision(), before + 40);
    const counted = await stores[1]?.db.selectFrom('leases').select('holder').execute();
    t.deepEqual(counted, [{ holder: '40' }]);
  });

  test(`${kind}: audit events are numbered in the order in which others see them`, async (t) => {
    const stores = (await open(t, make, 3)) as [Store, Store, Store];
    const [reader, ...writers] = stores;
    let last = 0;
    const writing = new AbortController();
    const reading = (async () => {
      while (!writing.signal.aborted) {
        const seen = await reader.db
          .selectFrom('audit_events')
          .select('sequence')
          .where('sequence', '>', last)
          .orderBy('sequence')
          .execute();
        for (const { sequence } of seen) last = sequence;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    let read = 0;
    await Promise.all(
      writers.map(async (store) => {
        for (let i = 0; i < 15; i++)
          await store.bookkeep('by hand', async (trx) => {
            // What has been seen before is numbered before.
            read = Math.max(read, last);
            const { sequence } = await trx
              .insertInto('audit_events')
              .values(event())
              .returning('sequence')
              .executeTakeFirstOrThrow();
            t.true(sequence > read);
          });
      }),
    );
    writing.abort();
    await reading;
  });

  test(`${kind}: the database refuses to change or delete an audit event, and counts them`, async (t) => {
    const [store] = (await open(t, make)) as [Store];
    const { sequence } = await store.bookkeep('by hand', async (trx) =>
      trx.insertInto('audit_events').values(event()).returning('sequence').executeTakeFirstOrThrow(),
    );
    await t.throwsAsync(store.db.updateTable('audit_events').set({ action: 'other' }).execute(), {
      message: /audit events are never changed/,
    });
    await t.throwsAsync(store.db.deleteFrom('audit_events').execute(), {
      message: /audit events are deleted by a pruning alone/,
    });
    await t.throwsAsync(store.db.insertInto('audit_events').values(event({ sequence })).execute());
    const count = await store.db.selectFrom('audit_count').select('events').executeTakeFirst();
    t.is(count?.events, 1);
  });

  test(`${kind}: a vault's name is its own while it is not deleted`, async (t) => {
    const [store] = (await open(t, make)) as [Store];
    const insert = async (facts: { name: string; deleted_at?: string }) =>
      store.db
        .insertInto('vaults')
        .values({ ...vault(facts), ...facts })
        .onConflict((conflict) => conflict.column('name').where('deleted_at', 'is', null).doNothing())
        .returning('id')
        .executeTakeFirst();
    t.truthy(await insert({ name: 'one', deleted_at: '2027' }));
    t.truthy(await insert({ name: 'one' }));
    t.is(await insert({ name: 'one' }), undefined);
  });

  test(`${kind}: API keys and sessions of users are found page by page, and end`, async (t) => {
    const [store] = (await open(t, make)) as [Store];
    const now = () => new Date();
    const context = { store, now } as VaultContext;
    const act = systemAct({ now }, 'test');
    const input = { username: 'grace', email: 'grace@example.com', role: 'appliance-auditor' } as const;
    const { id: userId } = await store.write(byHand, async (trx) =>
      insertUser(trx, act, newUser(context, '', input)),
    );
    const [at, later] = [0, 3_600_000].map((ms) => new Date(Date.now() + ms).toISOString()) as [
      string,
      string,
    ];
    const rows = () => ({
      id: randomUUID(),
      hash: randomBytes(32),
      user_id: userId,
      created_at: at,
      expires_at: later,
    });
    const keys = Array.from({ length: 3 }, () => ({ ...rows(), name: 'key', scope: '[]' }));
    const from = {
      method: 'password',
      state: 'ACTIVE',
      address: '',
      user_agent: '',
      last_seen_at: at,
    } as const;
    const sessions = Array.from({ length: 3 }, () => ({ ...rows(), ...from }));
    await store.db.insertInto('api_keys').values(keys).execute();
    await store.db.insertInto('sessions').values(sessions).execute();
    const limits = { idleMinutes: 15, maxMinutes: 60 };
    for (const asked of [{}, { userId }]) {
      const page = { limit: 2, ...asked };
      const state = 'LIVE' as const;
      const first = await listApiKeysOfUsers(context, '', { ...page, state });
      const rest = await listApiKeysOfUsers(context, '', { ...page, state, cursor: first.next ?? '' });
      t.deepEqual([first.items.length, rest.items.length, rest.next], [2, 1, null]);
      const some = await listSessionsOfUsers(context, limits, '', page);
      const more = await listSessionsOfUsers(context, limits, '', { ...page, cursor: some.next ?? '' });
      t.deepEqual([some.items.length, more.items.length, more.next], [2, 1, null]);
    }
    await revokeApiKeyOfUser(context, act, 'command', '', keys[0]?.id ?? '');
    await endSessionOfUser(context, act, 'command', '', sessions[0]?.id ?? '');
    t.is((await listApiKeysOfUsers(context, '', { limit: 9, state: 'LIVE' })).items.length, 2);
    t.is((await listApiKeysOfUsers(context, '', { limit: 9, state: 'REVOKED' })).items.length, 1);
    t.is((await listSessionsOfUsers(context, limits, '', { limit: 9 })).items.length, 2);
  });

  test(`${kind}: texts, numbers and bytes come back as they were, and texts sort by their code points`, async (t) => {
    const [store] = (await open(t, make)) as [Store];
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((one) => !one.includes('\0'));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(text, { minLength: 1, maxLength: 20 }),
        fc.maxSafeInteger(),
        async (names, count) => {
          const hash = randomBytes(count % 7 === 0 ? 0 : 32);
          await store.bookkeep('by hand', async (trx) => {
            await trx.deleteFrom('uses').execute();
            await trx.deleteFrom('idempotency_keys').execute();
            const rows = names.map((id) => ({
              kind: 'encrypt' as const,
              id,
              count,
              last_at: '',
              last_address: '',
            }));
            await trx.insertInto('uses').values(rows).execute();
            await trx
              .insertInto('idempotency_keys')
              .values({ actor_id: '', key: '', request_hash: hash, target_id: '', created_at: '' })
              .execute();
          });
          const found = await store.db.selectFrom('uses').select(['id', 'count']).orderBy('id').execute();
          const byBytes = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
          t.deepEqual(
            found,
            byBytes.map((id) => ({ id, count })),
          );
          const kept = await store.db
            .selectFrom('idempotency_keys')
            .select('request_hash')
            .executeTakeFirstOrThrow();
          t.deepEqual(Buffer.from(kept.request_hash), hash);
        },
      ),
      { numRuns: 25 },
    );
  });

  test(`${kind}: nothing is in a list of nothing, and what may be null is compared by IS`, async (t) => {
    const [store] = (await open(t, make)) as [Store];
    const there = { ...vault({ name: 'there' }), deleted_at: null };
    const gone = { ...vault({ name: 'gone' }), deleted_at: '2031-01-01' };
    await store.bookkeep('by hand', async (trx) => trx.insertInto('vaults').values([there, gone]).execute());
    const all = store.db.selectFrom('vaults').select('name').orderBy('name');
    const names = async (some: typeof all) => (await some.execute()).map(({ name }) => name);
    t.deepEqual(await names(all.where('name', 'in', [])), []);
    t.deepEqual(await names(all.where('name', 'not in', [])), ['gone', 'there']);
    for (const value of [null, '2031-01-01', 'never'] as const) {
      const equal = [there, gone].filter(({ deleted_at }) => deleted_at === value).map(({ name }) => name);
      t.deepEqual(await names(all.where('deleted_at', 'is', value)), equal);
      t.deepEqual(
        await names(all.where('deleted_at', 'is not', value)),
        ['gone', 'there'].filter((name) => !equal.includes(name)),
      );
    }
  });

  test(`${kind}: truth values are 0 and 1, counts are numbers`, async (t) => {
    const [store] = (await open(t, make)) as [Store];
    const { rows } = await sql<Record<string, unknown>>`SELECT 1 = 1 AS yes, 1 = 2 AS no, count(*) AS n,
      sum(revision) AS s, max(revision) AS m FROM revision`.execute(store.db);
    const revision = await store.revision();
    t.deepEqual({ ...rows[0] }, { yes: 1, no: 0, n: 1, s: revision, m: revision });
  });

  test(`${kind}: what has served is cleared so many rows at a time`, async (t) => {
    const [store] = (await open(t, make)) as [Store];
    await store.bookkeep('by hand', async (trx) => {
      const rows = Array.from({ length: 25 }, (_, i) => ({ name: `${i}`, holder: '', until: `${i % 5}` }));
      await trx.insertInto('leases').values(rows).execute();
    });
    const { clear } = rowsOf('leases', sql`until <= ${'2'}`);
    const cleared: number[] = [];
    for (let i = 0; i < 3; i++) cleared.push(await store.bookkeep('by hand', async (trx) => clear(trx, 10)));
    t.deepEqual(cleared, [10, 5, 0]);
    const left = await store.db.selectFrom('leases').select('until').distinct().orderBy('until').execute();
    t.deepEqual(
      left.map(({ until }) => until),
      ['3', '4'],
    );
  });
}
