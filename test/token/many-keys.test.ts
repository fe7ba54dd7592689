import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { KeyHandles } from '../../src/token/host/keys/key-handles.ts';
import { versionLabel, versionObjectId } from '../../src/token/own-keys.ts';
import type { Rule } from '../../testing/shim.ts';
import { labelled } from '../support/key-identity.ts';
import { inToken, type Deed } from '../../testing/in-token.ts';
import { encryptOf, OpenPool, throwsFault } from './open-pool.ts';
import { preparedToken } from './prepared-token.ts';

/*
 * A token of so many keys that to search it takes longer than a request may, and longer than a host may be silent. That
 * is a matter of the keys' number and of the token's speed alike: here it is the speed, since keys take time to make.
 */

const keySetId = '00000000-0000-4000-8000-000000000000';
const cloudKey = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const idOf = (n: number) => versionObjectId(cloudKey(n), 1);
const labelOf = (n: number) => versionLabel(keySetId, `key-${n}`, 1);
const plant = (n: number): Deed => ({
  do: 'generate',
  id: idOf(n).toString('hex'),
  label: labelOf(n),
});
const keys = Array.from({ length: 60 }, (_, n) => n);

const state = preparedToken(async (fixture) => inToken(fixture, keys.map(plant)));

const slowSearch: Rule = { call: 'C_FindObjectsInit', delayMicroseconds: 150_000 };
const searches = async () => (await state.shim.counts())['C_FindObjectsInit'] ?? 0;

function pool(t: ExecutionContext, options: { hosts?: number; killAfter?: number } = {}): OpenPool {
  const open = new OpenPool(state.fixture, {
    shim: state.shim,
    prepare: false,
    hosts: options.hosts ?? 1,
    limits: {
      healthInterval: 600_000,
      ...(options.hosts === undefined ? {} : { sickAfter: 5_000 }),
      killAfter: options.killAfter ?? 20_000,
    },
  });
  t.teardown(async () => open.stop());
  return open;
}

const encrypt = (n: number) => encryptOf(idOf(n), randomBytes(16), { identity: labelled(labelOf(n)) });

test.serial('a host that is prepared searches for none of the keys', async (t) => {
  await state.shim.set([slowSearch]);
  const open = pool(t);
  await open.startInTurn();
  const before = await searches();
  for (const n of keys) await open.call(encrypt(n));
  t.is(await searches(), before);
});

test.serial('a search that takes longer than a host may be silent is no hang', async (t) => {
  await state.shim.set([{ ...slowSearch, delayMicroseconds: 700_000 }]);
  const open = pool(t, { killAfter: 500 });
  await open.startInTurn();
  const { pids } = open;
  const made = keys.length;
  await inToken(state.fixture, [plant(made)]);
  await open.call(encrypt(made));
  t.deepEqual(open.pids, pids);
  t.deepEqual(
    open.events.map(({ kind }) => kind),
    ['ready'],
  );
});

test.serial('a host that is still learning gets no work while another can do it', async (t) => {
  const open = pool(t, { hosts: 2 });
  await open.startInTurn();
  const [gone, stays] = open.pids;
  await state.shim.set([slowSearch, { call: 'C_GetAttributeValue', delayMicroseconds: 5_000 }]);
  const events = open.events.length;
  process.kill(gone ?? Number.NaN, 'SIGKILL');
  await open.event(({ kind }) => kind === 'gone', events);
  let seen = false;
  while (!open.events.slice(events).some(({ kind }) => kind === 'ready')) {
    const { host } = await open.callAt(encrypt(0));
    t.is(host, stays ?? 0);
    seen ||= open.pool.hosts.some(({ pid, state }) => state === 'starting' && pid !== 0);
  }
  t.true(seen, 'it was there, and learning');
});

test.serial('the only host is asked while it learns, and answers as soon as it knows the key', async (t) => {
  await state.shim.set([slowSearch, { call: 'C_GetAttributeValue', delayMicroseconds: 2_000 }]);
  const open = pool(t);
  const before = await searches();
  open.startAll();
  await open.allThere();
  await Promise.all(keys.slice(0, 10).map(async (n) => open.call(encrypt(n), 30_000)));
  t.true((await searches()) - before <= 4, 'two for our own keys, one listing, and no more');
});

test.serial('keys that are not there do not keep the token from those that are', async (t) => {
  await state.shim.set([slowSearch]);
  const open = pool(t);
  await open.startInTurn();
  await throwsFault(t, 'key-missing', open.call(encryptOf(randomBytes(20), randomBytes(16))));
  const before = await searches();
  const error = await throwsFault(t, 'timeout', open.call(encryptOf(randomBytes(20), randomBytes(16))));
  t.is(error.message, 'timeout in key search: a key that is new to this host has to wait');
  await open.call(encrypt(1));
  t.is(await searches(), before);
});

test.serial('two keys of one id are refused, however they were learned', async (t) => {
  const twice = 7_000;
  await inToken(state.fixture, [plant(twice), plant(twice)]);
  await state.shim.set([slowSearch]);
  const open = pool(t);
  await open.startInTurn();
  await throwsFault(t, 'key-duplicate', open.call(encrypt(twice)));
});

test.serial('what was learned is learned anew with a new login', async (t) => {
  await state.shim.set([slowSearch]);
  const open = pool(t);
  await open.startInTurn();
  await state.shim.set([slowSearch, { call: 'C_EncryptInit', rv: 0x101, times: 1 }]);
  await open.call(encrypt(2), 30_000);
  await open.call(encrypt(3), 30_000);
  const before = await searches();
  for (const n of keys) await open.call(encrypt(n), 30_000);
  t.true((await searches()) - before <= 1);
});

test('of more keys than are remembered the oldest is forgotten', (t) => {
  const handles = new KeyHandles(3);
  for (const n of [1, 2, 3, 4]) handles.set(Buffer.from([n]), Buffer.from([n, 0xff, 0, 0x80]));
  t.is(handles.size, 3);
  t.is(handles.get(Buffer.from([1])), undefined);
  t.deepEqual(handles.get(Buffer.from([4])), Buffer.from([4, 0xff, 0, 0x80]));
});
