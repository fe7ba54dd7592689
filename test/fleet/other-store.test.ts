import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { insertVault } from '../../testing/vault.ts';
import { asideOf, keptHistoryFile, readKeptHistory, unreadOf } from '../../src/store/kept-history-file.ts';
import { KeptHistories } from '../../src/store/kept-histories.ts';
import { nothingKept } from '../../src/store/kept-history.ts';
import { countLost, readChangesFrom } from '../../src/store/lost-changes.ts';
import { beforeEverything } from '../../src/store/revision-log.ts';
import { lookAtHistory } from '../../src/fleet/history.ts';
import { WorkerHistory } from '../../src/serving/worker-history.ts';
import { migrations } from '../../src/store/migrations.ts';
import { openStore, openStoreToRead } from '../../src/store/opening/open.ts';
import {
  FollowingNode,
  insertKeys,
  kinds,
  setKey,
  time,
  until,
  type Kind,
} from '../support/following-node.ts';

/* A node that is pointed at another store: nothing of it is lost, and what was kept of the one before waits for that one. */

const other = 'another-store';

const ofFile = kinds['SQLite'] as Kind;

for (const [kind, { make }] of Object.entries(kinds)) {
  test(`${kind}: another store in the place of one is none that has gone back, and that one is known again when it is back`, async (t) => {
    const { place, remember, goBack, renameCopy } = await make(t);
    const before = await openStore(place);
    const { store: own } = await before.moment();
    const vault = await insertVault(before, 'first');
    await insertKeys(before, vault.id, 'disabled', 'other');
    await before.close();
    await remember();

    const state = await mkdtemp(path.join(memoryDirectory(), 'holdfast-state-'));
    t.teardown(async () => rm(state, { recursive: true, force: true }));
    const file = keptHistoryFile(state);
    const kept = () => readKeptHistory(file).kept;
    const node = await FollowingNode.start(t, place, 'n', state);
    const first = await openStore(place);
    await setKey(first, 'disabled', { state: 'DISABLED' });
    await first.close();
    t.is(await node.stateOf('disabled'), 'DISABLED');
    await until(() => kept().changes.some(({ taken }) => taken?.includes('DISABLED') === true));

    // A file is another while the node is stopped; a database, by its name, under it.
    await renameCopy(other);
    if (place.kind === 'sqlite') await node.stop();
    await goBack();
    const there = place.kind === 'sqlite' ? await FollowingNode.start(t, place, 'n', state) : node;
    await until(async () => (await there.stateOf('disabled').catch(() => '')) === 'AVAILABLE');
    await until(() => kept().at.store === other);
    const store = await openStore(place);
    t.is((await countLost(store.db)).lost, 0);
    await setKey(store, 'other', { state: 'DISABLED' });
    t.is(await there.stateOf('other'), 'DISABLED', 'it is changed as ever');
    await until(() => there.holder?.isFresh ?? true);
    await store.close();
    t.deepEqual(
      there.log.filter(
        ({ level, problem = '' }) => level >= 50 && !problem.endsWith('the disk takes nothing'),
      ),
      [],
      'no alarm',
    );
    t.is(there.log.filter(({ putAside }) => putAside === asideOf(file, own ?? '')).length, 1);
    await there.stop();

    // The first one is back, and has lost the change.
    await remember();
    await renameCopy(own ?? '');
    await goBack();
    const back = await FollowingNode.start(t, place, 'n', state);
    t.is(await back.stateOf('disabled'), 'DISABLED');
    const reader = await openStoreToRead(place);
    await until(async () => (await countLost(reader.db)).lost === 1);
    await reader.close();
    await until(() => kept().at.store === own);
    t.is(readKeptHistory(asideOf(file, other)).kept.at.store, other);
  });
}

test('what was kept of another store is not written over before it is put aside', async (t) => {
  const state = await mkdtemp(path.join(memoryDirectory(), 'holdfast-state-'));
  t.teardown(async () => rm(state, { recursive: true, force: true }));
  const file = keptHistoryFile(state);
  const at = (store: string) => ({ revision: 1, mark: 'm', store });
  const histories = new KeptHistories(file);
  t.is(histories.turnTo(at('a')), undefined, 'nothing was kept');
  await histories.keep({ ...nothingKept, at: { ...at('a'), store: null } });
  t.is(histories.turnTo(at('a')), undefined, 'of a version that knew of no ids');
  await histories.keep({ ...nothingKept, at: at('a') });
  await mkdir(asideOf(file, 'a'));
  t.deepEqual(histories.turnTo(at('b')), {
    ...{ known: at('a'), found: at('b'), putAside: asideOf(file, 'a'), problem: undefined },
  });
  await histories.keep({ ...nothingKept, at: at('b') });
  // A busy machine takes longer than anybody waits for the disk.
  await until(() => histories.unkept?.includes('known-changes.a') === true);
  t.is(readKeptHistory(file).kept.at.store, 'a');
  await rmdir(asideOf(file, 'a'));
  await histories.keep(histories.kept);
  await until(() => histories.unkept === undefined);
  t.is(readKeptHistory(file).kept.at.store, 'b');
  histories.turnTo(at('a'));
  t.deepEqual(histories.kept.at, at('a'));
});

test('a name that leads elsewhere for a moment lets no loss pass', async (t) => {
  const { place, remember, goBack } = await ofFile.make(t);
  const before = await openStore(place);
  const vault = await insertVault(before, 'first');
  await insertKeys(before, vault.id, 'key');
  await before.close();
  await remember();
  const state = await mkdtemp(path.join(memoryDirectory(), 'holdfast-state-'));
  t.teardown(async () => rm(state, { recursive: true, force: true }));
  const histories = new KeptHistories(keptHistoryFile(state));
  const store = await openStore(place);
  await setKey(store, 'key', { state: 'DISABLED' });
  const at = await store.moment();
  histories.turnTo(at);
  await histories.keep((await lookAtHistory(store, histories.kept, at)).kept);
  // Of the other the node has no more than where it is: the look at it fails, since the first one answers again.
  t.truthy(histories.turnTo({ ...at, store: other }));
  for (const revision of [0, at.revision + 1])
    await t.throwsAsync(readChangesFrom(store.db, { store: other }, revision, 1), {
      message: /two stores answer in turn/,
    });
  await store.close();
  await goBack();
  const old = await openStore(place);
  t.teardown(async () => old.close());
  const back = await old.moment();
  t.is(back.store, at.store);
  t.is(histories.turnTo(back)?.known.store, other);
  const { lost, wentBack } = await lookAtHistory(old, histories.kept, back);
  t.is(lost.length, 1);
  t.deepEqual(wentBack, { known: at, found: back });
});

test('what was kept is put aside before it is written over, also while it is being written', async (t) => {
  const state = await mkdtemp(path.join(memoryDirectory(), 'holdfast-state-'));
  t.teardown(async () => rm(state, { recursive: true, force: true }));
  const file = keptHistoryFile(state);
  const kept = (store: string, revision: number) => ({ ...nothingKept, at: { revision, mark: 'm', store } });
  const histories = new KeptHistories(file);
  const one = histories.keep(kept('a', 1));
  // That of the first has begun.
  await setImmediate();
  histories.turnTo(kept('b', 1).at);
  await Promise.all([one, histories.keep(kept('b', 1))]);
  await until(() => readKeptHistory(file).kept.at.store === 'b');
  t.deepEqual(readKeptHistory(asideOf(file, 'a')).kept, kept('a', 1));
});

test('what nobody has asked for is no answer to what a worker waits for', async (t) => {
  const history = new WorkerHistory(
    { at: beforeEverything, lost: [] },
    () => undefined,
    () => undefined,
  );
  history.moved();
  await until(() => history.unheard > 10);
  const waited = history.unheard;
  history.receive({ asked: 0, at: beforeEverything, lost: [] });
  t.true(history.unheard >= waited);
  history.receive({ asked: 1, at: beforeEverything, lost: [] });
  t.is(history.unheard, 0);
});

test('what cannot be read is put aside, and where that cannot be, it is not written over', async (t) => {
  const state = await mkdtemp(path.join(memoryDirectory(), 'holdfast-state-'));
  t.teardown(async () => rm(state, { recursive: true, force: true }));
  const file = keptHistoryFile(state);
  const next = { ...nothingKept, at: { revision: 1, mark: 'm', store: 'a' } };
  await mkdir(file);
  await writeFile(path.join(file, 'x'), '');
  await mkdir(path.join(unreadOf(file), 'of before'), { recursive: true });
  const histories = new KeptHistories(file);
  await histories.keep(next);
  t.deepEqual(histories.kept, next, 'gone by all the same');
  await until(() => /known-changes(?!: the disk takes nothing)/.test(histories.unkept ?? ''));
  t.true(existsSync(path.join(file, 'x')));
  await rm(unreadOf(file), { recursive: true });
  await histories.keep(next);
  await until(() => histories.unkept === undefined);
  t.deepEqual(readKeptHistory(file).kept, next);
  t.true(existsSync(path.join(unreadOf(file), 'x')));
});

test('a store that is brought up to date has the id that every copy of it gets; a new one has its own', async (t) => {
  const idOf = async (vaults: readonly [string, string][]) => {
    const database = new Database(':memory:');
    t.teardown(() => database.close());
    const db = new Kysely<never>({ dialect: new SqliteDialect({ database }) });
    for (const [name, migration] of Object.entries(migrations)) {
      if (name === '0075-store-id')
        for (const [id, created_at] of vaults)
          database
            .prepare(
              `INSERT INTO vaults (id, name, type, description, administrator_name, administrator_email, tokens, created_at, updated_at)
                VALUES (?, ?, '', '', '', '', '[]', ?, '')`,
            )
            .run(id, id, created_at);
      await migration.up(db);
    }
    return database.prepare<[], string>('SELECT store_id FROM revision').pluck().get();
  };
  const first = ['v1', time] as [string, string];
  const later = ['v0', '2032-01-01T00:00:00.000Z'] as [string, string];
  t.is(await idOf([first]), await idOf([later, first]));
  t.not(await idOf([first]), await idOf([later]));
  t.not(await idOf([]), await idOf([]));
});
