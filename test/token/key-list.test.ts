import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { CKR, TokenError } from '../../src/token/faults.ts';
import type { ListedKey } from '../../src/token/messages.ts';
import {
  ownKeys,
  parseVersionLabel,
  parseVersionObjectId,
  versionLabel,
  versionObjectId,
} from '../../src/token/own-keys.ts';
import { Shim } from '../../testing/shim.ts';
import { createSoftHsmToken, tokenKinds } from '../../testing/tokens.ts';
import { inToken, type Deed } from '../../testing/in-token.ts';
import { nothing, OpenPool } from './open-pool.ts';
import { labelled } from '../support/key-identity.ts';

const keySetId = '00000000-0000-4000-8000-000000000000';

/** Makes a key as a CloudKey's version has it. */
function labelOf(id: Buffer, version = 1): string {
  return versionLabel(keySetId, `key-${id.toString('hex').slice(0, 8)}`, version);
}

async function makeVersion(open: OpenPool, id: Buffer, version = 1): Promise<Buffer> {
  const label = labelOf(id, version);
  await open.call({
    kind: 'generateKey',
    key: id,
    binding: Buffer.alloc(0),
    label,
    encrypt: true,
    decrypt: false,
  });
  return id;
}

/** `pages` is at least as many as the limit asks for: a host that takes its time closes a page before it is full. */
async function listAll(
  open: OpenPool,
  limit: number,
): Promise<{ keys: ListedKey[]; pages: number; largest: number }> {
  const keys: ListedKey[] = [];
  let largest = 0;
  for (let pages = 1, after: Uint8Array = nothing; ; pages++) {
    const page = await open.call({ kind: 'listKeys', after, limit });
    keys.push(...page.keys);
    largest = Math.max(largest, page.keys.length);
    if (!page.more) return { keys, pages, largest };
    if (pages > 200) throw new Error('a list without end');
    after = page.keys.at(-1)?.id ?? after;
  }
}

const idsOf = (keys: readonly ListedKey[]) => keys.map(({ id }) => Buffer.from(id).toString('hex'));
const plant = (id: Buffer, label: string, extractable = false): Deed => ({
  do: 'generate',
  id: id.toString('hex'),
  label,
  extractable,
});

for (const { profile, create } of tokenKinds.filter(({ aesGcm }) => aesGcm))
  test(`${profile}: keys of ours are listed in order of their ids, page by page, and no other key is`, async (t) => {
    const fixture = await create();
    t.teardown(async () => fixture.dispose());
    const open = await OpenPool.start(t, fixture, { hosts: 2 });
    t.deepEqual((await listAll(open, 10)).keys, []);
    const ids = Array.from({ length: 7 }, () => randomBytes(20));
    for (const id of ids) await makeVersion(open, id);
    await inToken(fixture, [
      plant(randomBytes(20), 'of another product'),
      plant(randomBytes(4), 'x:holdfast:key:'),
    ]);
    const sorted = ids.map((id) => id.toString('hex')).toSorted();
    for (const [limit, pages] of [
      [1, 7],
      [3, 3],
      [7, 1],
      [0xffff_ffff, 1],
    ] as const) {
      const all = await listAll(open, limit);
      t.deepEqual(idsOf(all.keys), sorted, `pages of ${limit}`);
      t.true(all.pages >= pages && all.largest <= limit, `${all.pages} pages, of up to ${all.largest}`);
    }
    const { keys } = await listAll(open, 100);
    for (const key of keys) {
      const expected = await open.call({ kind: 'inspectKey', key: Buffer.from(key.id) });
      t.deepEqual(key, { ...expected, objects: 1 });
      t.like(key, { compliant: true, generatedOnToken: true, encrypt: true, decrypt: false, violations: [] });
    }
  });

async function oneHost(t: ExecutionContext, shim?: Shim) {
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  return { fixture, open: await OpenPool.start(t, fixture, shim === undefined ? {} : { shim }) };
}

test('what another process makes and destroys is in the next list, and a used key is not remembered in it', async (t) => {
  const { fixture, open } = await oneHost(t);
  const other = await OpenPool.start(t, fixture, { prepare: false });
  const id = await makeVersion(open, randomBytes(20));
  t.is((await listAll(other, 10)).keys.length, 1);
  await other.call({ kind: 'destroyKey', key: id, identity: labelled(labelOf(id)) });
  t.deepEqual((await listAll(open, 10)).keys, []);
  await makeVersion(other, id);
  t.is((await listAll(open, 10)).keys.length, 1);
});

test('several objects with one id are told, also where only one of them has a label of ours', async (t) => {
  const { fixture, open } = await oneHost(t);
  const [twin, shadowed, alone] = [randomBytes(20), randomBytes(20), randomBytes(20)];
  const label = versionLabel(keySetId, 'twin', 1);
  await inToken(fixture, [
    plant(twin, label),
    plant(twin, label),
    plant(shadowed, 'of another product'),
    plant(shadowed, versionLabel(keySetId, 'shadowed', 1)),
    plant(alone, versionLabel(keySetId, 'alone', 1)),
  ]);
  const { keys } = await listAll(open, 1);
  const objects = Object.fromEntries(keys.map((key) => [key.label.split(':')[3], key.objects]));
  t.deepEqual(objects, { twin: 2, shadowed: 2, alone: 1 });
  t.deepEqual(idsOf(keys), [twin, shadowed, alone].map((id) => id.toString('hex')).toSorted());
});

test('a key that is not as we make them is listed with what is wrong', async (t) => {
  const { fixture, open } = await oneHost(t);
  await inToken(fixture, [plant(randomBytes(20), versionLabel(keySetId, 'leaky', 1), true)]);
  const [key] = (await listAll(open, 10)).keys;
  t.like(key, { compliant: false });
  t.true(key?.violations.includes('CKA_EXTRACTABLE'));
});

test('keys that only look like ours, without id or with monstrous ones, end no list and outgrow no message', async (t) => {
  const { fixture, open } = await oneHost(t);
  const id = await makeVersion(open, randomBytes(20));
  const long = 'y'.repeat(20_000);
  await inToken(fixture, [
    plant(nothing, 'holdfast:key:without id'),
    ...Array.from({ length: 12 }, () => plant(randomBytes(20_000), `holdfast:key:${long}`)),
  ]);
  const { keys } = await listAll(open, 1);
  t.is(keys.length, 14);
  t.true(idsOf(keys).includes(id.toString('hex')));
  t.true(keys.every((key) => key.id.length <= 255 && key.label.length <= 512));
  t.is((await listAll(open, 100)).keys.length, 14);
});

test('a key of no id ends no list where the token is slow: nobody can ask for what comes after it', async (t) => {
  const shim = await Shim.create();
  t.teardown(async () => shim.dispose());
  const { fixture, open } = await oneHost(t, shim);
  await inToken(fixture, [
    plant(nothing, 'holdfast:key:without id'),
    plant(Buffer.of(1), 'holdfast:key:one'),
    plant(Buffer.of(2), 'holdfast:key:two'),
  ]);
  // Longer than a page may take: no page gets further than one call.
  await shim.set([{ call: 'C_GetAttributeValue', delayMicroseconds: 210_000 }]);
  t.deepEqual(idsOf((await listAll(open, 10)).keys), ['', '01', '02']);
});

test('a page ends before it outgrows a message, and says that more is to come', async (t) => {
  const { fixture, open } = await oneHost(t);
  // Told up to 512 characters, a kilobyte.
  const label = `holdfast:key:${'ü'.repeat(2000)}`;
  await inToken(
    fixture,
    Array.from({ length: 150 }, () => plant(randomBytes(200), label)),
  );
  const { keys, pages } = await listAll(open, 1000);
  t.is(keys.length, 150);
  t.true(pages > 1);
});

test('a token that shows nothing is not told as an empty one', async (t) => {
  const shim = await Shim.create();
  t.teardown(async () => shim.dispose());
  const { fixture } = await oneHost(t);
  // A host that starts meanwhile makes no keys of its own in what seems an empty token.
  const open = await OpenPool.start(t, fixture, { shim, prepare: false });
  await makeVersion(open, randomBytes(20));
  const list = async () => {
    await shim.set([{ call: 'C_FindObjects', empty: true }]);
    return t.throwsAsync(open.call({ kind: 'listKeys', after: nothing, limit: 10 }, 4_000), {
      instanceOf: TokenError,
    });
  };
  let error = await list();
  // What else the host does ahead may have met it first, and the host be gone before it is asked: no other starts while it lasts.
  for (let left = 2; left > 0 && error.fault === 'unavailable'; left--) {
    await shim.clear();
    await open.allReady();
    error = await list();
  }
  t.is(error.fault, 'device');
  t.regex(error.message, /the token no longer has any of its keys/);
  await open.event(({ kind }) => kind === 'gone');
  await shim.clear();
  await open.allReady();
  await shim.set([{ call: 'C_FindObjects', rv: CKR.USER_NOT_LOGGED_IN, times: 1 }]);
  t.is((await listAll(open, 10)).keys.length, 1, 'a lost login is repaired, and the list begun anew');
  await shim.set([{ call: 'C_GetAttributeValue', rv: CKR.SESSION_HANDLE_INVALID, after: 2, times: 1 }]);
  t.is((await listAll(open, 10)).keys.length, 1, 'a session lost half-way too');
});

test('what a label and an id say can be read back, and nothing is read into others', (t) => {
  const cloudKeyId = '0f0e0d0c-0b0a-4908-8706-050403020100';
  t.deepEqual(parseVersionObjectId(versionObjectId(cloudKeyId, 7)), { cloudKeyId, version: 7 });
  t.deepEqual(parseVersionLabel(versionLabel(keySetId, 'a.b-c_D', 12)), {
    keySetId,
    externalKeyId: 'a.b-c_D',
    version: 12,
  });
  for (const id of [nothing, Buffer.alloc(19), Buffer.alloc(21), ownKeys.health.id])
    t.is(parseVersionObjectId(id), undefined);
  for (const label of [
    '',
    ownKeys.health.label,
    `holdfast:key:${keySetId}:a:0`,
    `holdfast:key:${keySetId}:a b:1`,
    'x',
  ])
    t.is(parseVersionLabel(label), undefined);
});
