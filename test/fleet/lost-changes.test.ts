import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import { Client } from 'pg';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { sharedCluster } from '../../testing/postgres.ts';
import { insertVault } from '../../testing/vault.ts';
import { monotonicNow } from '../../src/clock.ts';
import { InForce } from '../../src/fleet/in-force.ts';
import { leaveLostChanges } from '../../src/fleet/lost-change-acts.ts';
import { applyLostChanges } from '../../src/reconcile/lost-changes.ts';
import { blockSize, refuseAt } from '../../src/keys/encryption-limits.ts';
import { KnownCounts, leaseBlocks } from '../../src/keys/encryption-leases.ts';
import { ServedWriter } from '../../src/node/served-writer.ts';
import { Directory } from '../../src/serving/directory.ts';
import { Visit } from '../../src/serving/visit.ts';
import { keptHistoryFile, readKeptHistory } from '../../src/store/kept-history-file.ts';
import { countLost } from '../../src/store/lost-changes.ts';
import { isSameMoment } from '../../src/store/revision-log.ts';
import { remediationOfUnkept } from '../../src/store/kept-histories.ts';
import { follow, type KeptHistory } from '../../src/store/kept-history.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { openStore, openStoreToRead } from '../../src/store/opening/open.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { TokenPools } from '../../src/vault/tokens.ts';
import {
  act,
  FollowingNode,
  insertKeys,
  kinds,
  setKey,
  time,
  until,
  type Kind,
} from '../support/following-node.ts';

/*
 * A store in whose place an older copy is put, as it is or by a fail-over that lost changes: what was taken away in the lost time stays so
 * on every node, nothing else is changed, and it can be done again. Real databases, and of a node all but its token hosts.
 */

for (const [kind, { make }] of Object.entries(kinds)) {
  test(`${kind}: what was taken away in the time that the store has lost stays so, and is done again`, async (t) => {
    const { place, remember, goBack } = await make(t);
    const before = await openStore(place);
    const vault = await insertVault(before, 'first');
    await insertKeys(before, vault.id, 'disabled', 'enabled', 'deleted', 'short', 'other');
    await setKey(before, 'enabled', { state: 'DISABLED' });
    await before.close();
    await remember();

    const state = await mkdtemp(path.join(memoryDirectory(), 'holdfast-state-'));
    t.teardown(async () => rm(state, { recursive: true, force: true }));
    const file = keptHistoryFile(state);
    const first = await FollowingNode.start(t, place, 'first', state);
    await until(() => first.holder?.isFresh ?? true);
    let store = await openStore(place);
    await setKey(store, 'disabled', { state: 'DISABLED' });
    await setKey(store, 'enabled', { state: 'AVAILABLE' });
    await setKey(store, 'short', { expires_at: '2020-01-01T00:00:00.000Z', can_decrypt: 0 });
    await setKey(store, 'deleted', { state: 'DELETED' });
    await store.change(act(), async (trx) =>
      trx.updateTable('xks_credentials').set({ withdrawn_at: time }).execute(),
    );
    const inForce = await new InForce(store).wait(60_000);
    t.true(inForce.nodes.every((node) => node.state === 'confirmed'));
    if (place.kind === 'sqlite') {
      await first.directory.refresh();
      await until(() => readKeptHistory(file).kept.changes.some(({ name }) => name === 'c'));
    }
    // What a node has confirmed it keeps, whatever becomes of it then.
    const kept = readKeptHistory(file).kept.changes.filter(({ name }) => name === 'disabled');
    t.deepEqual(kept.at(-1)?.taken, '{"refused":"DISABLED"}');
    t.is((await stat(file)).mode & 0o777, 0o600);
    await store.close();

    // A file is put back while its node is stopped; a database under the nodes.
    if (place.kind === 'sqlite') await first.stop();
    await goBack();
    const again = place.kind === 'sqlite' ? await FollowingNode.start(t, place, 'first', state) : first;
    // It has seen nothing of the lost time.
    const second = await FollowingNode.start(t, place, 'second');
    t.is(await again.stateOf('disabled'), 'DISABLED');
    t.is(await again.stateOf('short'), 'EXPIRED');
    t.is(await again.stateOf('deleted'), 'not found');
    t.is(await again.stateOf('enabled'), 'DISABLED', 'the store gives nothing that it has lost');
    t.is(await again.stateOf('other'), 'AVAILABLE');
    t.is(await again.directory.credential('c'), undefined);
    await until(async () => (await second.stateOf('disabled')) === 'DISABLED');
    t.is(await second.stateOf('other'), 'AVAILABLE');
    const told = again.log.filter(({ msg }) => msg.startsWith('the store has gone back in time and lost'));
    t.is(told.length, 1);
    t.true(
      JSON.stringify(told[0]?.named).includes(
        '{"kind":"cloud-key","name":"disabled","taken":{"refused":"DISABLED"}}',
      ),
    );

    // A kill switch works on; nothing else is changed, by no node.
    store = await openStore(place);
    t.teardown(async () => store.close());
    await t.throwsAsync(setKey(store, 'other', { state: 'AVAILABLE' }), { message: /gone back in time/ });
    await store.change({ ...act(), despiteLoss: true }, async (trx) =>
      trx
        .updateTable('cloud_keys')
        .set({ state: 'DISABLED' })
        .where('external_key_id', '=', 'other')
        .execute(),
    );
    t.is(await again.stateOf('other'), 'DISABLED');

    // Over a restart.
    await again.stop();
    const restarted = await FollowingNode.start(t, place, 'first', state);
    t.is(await restarted.stateOf('disabled'), 'DISABLED');

    // A person decides: of one that the older state counts, of all others that it is done again.
    const rows = await store.db.selectFrom('lost_changes').selectAll().execute();
    t.deepEqual(rows.map(({ name }) => name).toSorted(), ['c', 'deleted', 'disabled', 'enabled', 'short']);
    const decide = { ...systemAct({ now: () => new Date() }, 'test'), despiteLoss: true };
    const short = rows.find(({ name }) => name === 'short')?.id ?? '';
    t.deepEqual(await leaveLostChanges({ store }, decide, [short]), { decided: 1 });
    await t.throwsAsync(setKey(store, 'other', { state: 'AVAILABLE' }), { message: /gone back in time/ });
    t.deepEqual(await applyLostChanges({ store }, decide, 'all'), { decided: 4, changed: 3 });
    const states = await store.db.selectFrom('cloud_keys').select(['external_key_id', 'state']).execute();
    t.deepEqual(Object.fromEntries(states.map((row) => [row.external_key_id, row.state])), {
      ...{ disabled: 'DISABLED', enabled: 'DISABLED', short: 'AVAILABLE', other: 'DISABLED' },
      // Destroyed by nobody on account of this.
      deleted: 'DISABLED',
    });
    t.is(await second.stateOf('short'), 'AVAILABLE');
    await until(async () => (await restarted.stateOf('short')) === 'AVAILABLE');
    await setKey(store, 'other', { state: 'AVAILABLE' });
    t.is(await restarted.stateOf('other'), 'AVAILABLE', 'changes are accepted again');
    const events = await store.db.selectFrom('audit_events').select('action').execute();
    for (const action of ['store.went-back', 'lost-change.leave', 'lost-change.apply', 'cloud-key.disable'])
      t.true(
        events.some((event) => event.action === action),
        action,
      );
  });
}

for (const [kind, { make }] of Object.entries(kinds))
  test(`${kind}: encryptions that were counted in the time that the store has lost count`, async (t) => {
    const { place, remember, goBack } = await make(t);
    const before = await openStore(place);
    const vault = await insertVault(before, 'first');
    await insertKeys(before, vault.id, 'k');
    const ask = { cloudKeyId: 'id-k', version: 1 };
    await before.bookkeep('by hand', async (trx) =>
      trx
        .insertInto('key_versions')
        .values({
          ...{ cloud_key_id: ask.cloudKeyId, version: ask.version, object_id: Buffer.from('k') },
          ...{ state: 'ACTIVE', origin: 'holdfast', made_by: '', created_at: time, destroyed_at: null },
        })
        .execute(),
    );
    await before.close();
    await remember();
    const known = new KnownCounts();
    const lost = await openStore(place);
    t.deepEqual(await leaseBlocks(lost, [ask, ask], known), [blockSize, 2 * blockSize]);
    await lost.close();
    await goBack();
    const store = await openStore(place);
    t.teardown(async () => store.close());
    t.deepEqual(await leaseBlocks(store, [ask], known), [3 * blockSize]);
    t.deepEqual(await leaseBlocks(store, [ask]), [4 * blockSize], 'the store counts so for all');
    known.note(ask, refuseAt);
    t.deepEqual(await leaseBlocks(store, [ask], known), [null], 'the limit was reached');
    const [row] = await store.db.selectFrom('key_versions').select('encryptions_leased').execute();
    t.is(row?.encryptions_leased, refuseAt);
  });

test('what a node keeps is whole or not believed, and a file that is missing is none', async (t) => {
  const state = await mkdtemp(path.join(memoryDirectory(), 'holdfast-state-'));
  t.teardown(async () => rm(state, { recursive: true, force: true }));
  const file = keptHistoryFile(state);
  t.is(readKeptHistory(file).problem, undefined);
  const { place } = await (kinds['SQLite'] as Kind).make(t);
  const node = await FollowingNode.start(t, place, 'n', state);
  await until(() => existsSync(file));
  await node.stop();
  const written = await readFile(file, 'utf8');
  await writeFile(file, written.slice(0, -1));
  t.is(readKeptHistory(file).problem, 'its checksum is wrong');
  t.is(readKeptHistory(file).kept.at.revision, -1);
});

test('a disk that takes nothing holds up no look, and gets what is kept once it does', async (t) => {
  const { place } = await (kinds['SQLite'] as Kind).make(t);
  const state = path.join(memoryDirectory(), `holdfast-state-${randomUUID()}`);
  t.teardown(async () => rm(state, { recursive: true, force: true }));
  const file = keptHistoryFile(state);
  const writer = new ServedWriter(place, undefined, { file, teller: { id: 'n', hostname: 'host-n' } });
  t.teardown(async () => writer.close());
  let first = await writer.follow();
  t.true(first.at.revision >= 0, 'gone by all the same');
  await until(async () => /ENOENT/.test((first = await writer.follow()).unkept ?? ''));
  const node = await FollowingNode.start(t, place, 'n', state);
  const told = () => node.log.find(({ problem }) => problem === first.unkept);
  await until(() => told() !== undefined);
  t.like(told(), { level: 50, remediation: remediationOfUnkept });
  await node.stop();
  await mkdir(state);
  let second = await writer.follow();
  await until(async () => (second = await writer.follow()).unkept === undefined);
  t.deepEqual(readKeptHistory(file).kept.at, second.at);
});

test('a node that starts at a store that stands still goes by what others have told it of a loss', async (t) => {
  const { place, remember, goBack } = await (kinds['SQLite'] as Kind).make(t);
  const before = await openStore(place);
  const vault = await insertVault(before, 'first');
  await insertKeys(before, vault.id, 'disabled');
  await before.close();
  await remember();
  const states = await Promise.all(
    [0, 1].map(async () => mkdtemp(path.join(memoryDirectory(), 'holdfast-state-'))),
  );
  const [saw, didNotSee] = states as [string, string];
  t.teardown(async () =>
    Promise.all(states.map(async (state) => rm(state, { recursive: true, force: true }))),
  );
  const kept = (state: string) => readKeptHistory(keptHistoryFile(state)).kept;
  const first = await FollowingNode.start(t, place, 'first', saw);
  const store = await openStore(place);
  await setKey(store, 'disabled', { state: 'DISABLED' });
  await store.close();
  await first.directory.refresh();
  await until(() => kept(saw).changes.some(({ taken }) => taken?.includes('DISABLED') === true));
  await first.stop();
  await goBack();
  const told = await FollowingNode.start(t, place, 'first', saw);
  t.is(await told.stateOf('disabled'), 'DISABLED');
  const reader = await openStoreToRead(place);
  await until(async () => (await countLost(reader.db)).lost > 0);
  const now = await reader.moment();
  await reader.close();

  const second = await FollowingNode.start(t, place, 'second', didNotSee);
  t.is(await second.stateOf('disabled'), 'DISABLED');
  await until(() => isSameMoment(kept(didNotSee).at, now));
  await second.stop();
  t.deepEqual(kept(didNotSee).lost, [], 'it did not see the change itself');
  const restarted = await FollowingNode.start(t, place, 'second', didNotSee);
  t.is(await restarted.stateOf('disabled'), 'DISABLED');
});

test('after a fail-back to the store that has lost nothing, what stands in its list is not lost any more', async (t) => {
  const row = (revision: number, mark: string | null, name: string) => ({
    ...{ revision, mark, name, kind: 'cloud-key' as const, taken: '{"refused":"DISABLED"}' },
  });
  const full = [row(1, 'a', 'x'), row(2, 'b', 'x'), row(3, 'c', 'y'), row(4, 'd', 'z')];
  const copy = [...full.slice(0, 2), row(3, 'e', 'other')];
  const elsewhere = [row(2, 'f', 'y'), row(4, null, 'unmarked')];
  const look = async (kept: KeptHistory, list: typeof full) => {
    const { revision, mark } = list.at(-1) ?? row(-1, null, '');
    const since = list.filter((one) => one.revision >= kept.at.revision);
    const found = await follow(kept, {
      now: { revision, mark, store: null },
      since,
      whole: async () => list,
    });
    if (found.kind !== 'went-back') throw new Error(found.kind);
    return { ...found.kept, lost: found.lost };
  };
  const names = ({ lost }: KeptHistory) => lost.map(({ name }) => name);
  const back = await look(
    { at: { revision: 4, mark: 'd', store: null }, changes: full, lost: elsewhere },
    copy,
  );
  t.deepEqual(names(back), ['y', 'unmarked', 'y', 'z'], 'a later loss does not displace an earlier one');
  const forth = await look(back, full);
  t.deepEqual(names(forth), ['y', 'unmarked', 'other'], 'what only the copy had is lost now');
});

test('what was taken away again is not lost either, nor is what an act took away of more than is told by name', async (t) => {
  const { place, remember, goBack } = await (kinds['SQLite'] as Kind).make(t);
  const before = await openStore(place);
  const vault = await insertVault(before, 'first');
  const many = Array.from({ length: 300 }, (_, at) => `many-${at}`);
  await insertKeys(before, vault.id, 'disabled', 'other', ...many);
  await before.close();
  await remember();
  const state = await mkdtemp(path.join(memoryDirectory(), 'holdfast-state-'));
  t.teardown(async () => rm(state, { recursive: true, force: true }));
  const kept = () => readKeptHistory(keptHistoryFile(state)).kept;
  const node = await FollowingNode.start(t, place, 'n', state);
  let store = await openStore(place);
  await setKey(store, 'disabled', { state: 'DISABLED' });
  await store.change(act(), async (trx) =>
    trx.updateTable('cloud_keys').set({ can_decrypt: 0 }).where('external_key_id', 'in', many).execute(),
  );
  const at = await store.moment();
  await node.directory.refresh();
  await until(() => kept().at.revision === at.revision);
  await store.close();
  await node.stop();

  await goBack();
  const again = await FollowingNode.start(t, place, 'n', state);
  t.is(await again.stateOf('disabled'), 'DISABLED');
  for (const key of many) t.false((await again.directory.cloudKey({ id: 's' }, key))?.canDecrypt, key);
  store = await openStore(place);
  await until(async () => (await store.db.selectFrom('lost_changes').select('id').execute()).length > 0);
  const decide = { ...systemAct({ now: () => new Date() }, 'test'), despiteLoss: true };
  t.is((await applyLostChanges({ store }, decide, 'all')).changed, 301);
  const applied = await store.moment();
  await again.directory.refresh();
  await until(() => kept().lost.length === 0 && kept().at.revision === applied.revision);
  await store.close();
  await again.stop();

  // A second fail-over loses what was told, and what was done.
  await goBack();
  const last = await FollowingNode.start(t, place, 'n', state);
  t.is(await last.stateOf('disabled'), 'DISABLED');
  for (const key of many) t.false((await last.directory.cloudKey({ id: 's' }, key))?.canDecrypt, key);
  t.is(await last.stateOf('other'), 'AVAILABLE');
});

test('no look waits for the COMMIT by which the store is told what it has lost', async (t) => {
  const { place, remember, goBack } = await (kinds['PostgreSQL'] as Kind).make(t);
  if (place.kind !== 'postgres') return t.fail();
  const before = await openStore(place);
  const vault = await insertVault(before, 'first');
  await insertKeys(before, vault.id, 'disabled');
  await before.close();
  await remember();
  const state = await mkdtemp(path.join(memoryDirectory(), 'holdfast-state-'));
  t.teardown(async () => rm(state, { recursive: true, force: true }));
  const file = keptHistoryFile(state);
  const start = () => new ServedWriter(place, undefined, { file, teller: { id: 'n', hostname: 'host-n' } });
  const first = start();
  const store = await openStore(place);
  await setKey(store, 'disabled', { state: 'DISABLED' });
  await store.close();
  await first.follow();
  await first.close();
  await goBack();

  const cluster = await sharedCluster();
  const waiting = async () =>
    cluster.asSuperuser<{ pid: number; since: string }>(
      `SELECT pid, xact_start::text AS since FROM pg_stat_activity WHERE datname = '${place.database}' AND wait_event_type = 'Lock'`,
    );
  const lock = new Client({
    ...{ host: cluster.directory, port: cluster.port, database: place.database },
    ...{ user: 'postgres', password: '' },
  });
  await lock.connect();
  t.teardown(async () => lock.end());
  await lock.query('BEGIN');
  await lock.query('LOCK TABLE lost_changes IN SHARE MODE');
  const writer = start();
  t.teardown(async () => {
    // Where the test has failed before: what the writer waits for ends.
    await lock.query('ROLLBACK').catch(() => undefined);
    await writer.close();
  });
  const look = await writer.follow();
  t.like(look, { isTold: false, at: { revision: -1 } }, 'nothing of the new history is kept yet');
  t.is(look.lost.length, 1);
  // One that is answered while the same transaction waits all the time.
  await until(async () => {
    const telling = await waiting();
    const { isTold } = await writer.follow();
    return telling.length === 1 && !isTold && isDeepStrictEqual(await waiting(), telling);
  });
  await lock.query('ROLLBACK');
  await until(async () => (await writer.follow()).isTold);
  t.is((await writer.follow()).lost.length, 1);
  t.is(readKeptHistory(file).kept.lost.length, 1);
});

test('a request waits for what the store has lost no longer than it may take itself', async (t) => {
  const { place } = await (kinds['SQLite'] as Kind).make(t);
  const reader = await openStoreToRead(place);
  t.teardown(async () => reader.close());
  const known = Promise.withResolvers<undefined>();
  const directory = new Directory(reader, new TokenPools([]), undefined, {
    history: {
      ...{ at: { revision: 5, mark: 'm', store: null }, lost: [] },
      moved: () => undefined,
      settled: async () => known.promise,
    },
  });
  for (const finds of ['it', 'that another has found it'])
    await t.throwsAsync(
      new Visit(directory, undefined).begin(monotonicNow() + 20),
      { instanceOf: StoreError, message: /not found out in time/ },
      finds,
    );
  known.resolve(undefined);
  await new Visit(directory, undefined).begin(monotonicNow() + 60_000);
  t.is(directory.timesBack, 1);
});
