import anyTest, { type TestFn } from 'ava';
import { SeenVersion } from '../../src/store/act-transaction.ts';
import { versionLabel } from '../../src/token/own-keys.ts';
import {
  adoptCloudKey,
  cancelDeletion,
  createCloudKey,
  disableCloudKey,
  enableCloudKey,
  findCloudKey,
  getCloudKey,
  keyState,
  listCloudKeys,
  rotateCloudKey,
  scheduleDeletion,
  updateCloudKey,
} from '../../src/keys/cloud-keys.ts';
import { idsOfKeysCalled } from '../../src/keys/key-names.ts';
import { bringToLimit, RotatingWorker } from '../support/limit-rotation.ts';
import { listVersions } from '../support/versions.ts';
import { createCspAccount } from '../../src/cloud/accounts/accounts.ts';
import { unusedAws } from '../../testing/aws-settings.ts';
import { managementDeadline } from '../../src/vault/tokens.ts';
import {
  eventsOf,
  fresh,
  insertGroup,
  insertVault,
  newKey,
  newKeySet,
  openVault,
  type TestVault,
} from '../../testing/vault.ts';

const test = anyTest as TestFn<TestVault>;

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

const day = 86_400_000;

test('a CloudKey is made in the token with a label and an id from which the vault could be rebuilt', async (t) => {
  const { vaultContext, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await newKey(t.context, keySet);
  t.is(key.state, 'AVAILABLE');
  const [version] = await listVersions(vaultContext, key);
  const { value } = await tokens
    .pool('token')
    .call({ kind: 'inspectKey', key: version?.object_id ?? Buffer.alloc(0) }, managementDeadline());
  t.is(value.label, versionLabel(keySet.id, key.external_key_id, 1));
  t.is(Buffer.from(value.id).subarray(0, 16).toString('hex'), key.id.replaceAll('-', ''));
  t.is(Buffer.from(value.id).readUInt32BE(16), 1);
  t.true(value.compliant && value.generatedOnToken);
  t.deepEqual(value.violations, []);
});

test('usages are the token key object’s own', async (t) => {
  const { vaultContext, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  for (const usage of [
    { encrypt: true, decrypt: false },
    { encrypt: false, decrypt: true },
    { encrypt: false, decrypt: false },
  ]) {
    const key = await newKey(t.context, keySet, { usage });
    const [version] = await listVersions(vaultContext, key);
    const { value } = await tokens
      .pool('token')
      .call({ kind: 'inspectKey', key: version?.object_id ?? Buffer.alloc(0) }, managementDeadline());
    t.like(value, usage);
  }
});

test('a CloudKey is made, changed, disabled, enabled and rotated, each act on the record once', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const keySet = await newKeySet(t.context);
  const { id, row_version } = await newKey(t.context, keySet);
  const on = (version?: number) => {
    const expected = version === undefined ? undefined : new SeenVersion(version);
    return [vaultContext, act(), { vaultId: vault.id, sight: 'all', id, expected }] as const;
  };
  await updateCloudKey(...on(row_version), { description: 'paid', region: 'eu-central-1' });
  await disableCloudKey(...on());
  t.is((await disableCloudKey(...on())).row_version, row_version + 2);
  await enableCloudKey(...on(row_version + 2));
  await enableCloudKey(...on());
  await rotateCloudKey(
    vaultContext,
    act(),
    await getCloudKey(vaultContext, vault.id, 'all', id),
    'asked',
    new SeenVersion(row_version + 3),
  );
  const events = await eventsOf(t.context, id);
  t.deepEqual(
    events.map(({ action }) => action),
    ['create', 'update', 'disable', 'enable', 'rotate'].map((verb) => `cloud-key.${verb}`),
  );
  t.is(events[1]?.before, '{"description":"","region":""}');
  t.is(events[2]?.after, '{"state":"DISABLED"}');
  t.is(events[4]?.before, '{"currentVersion":1}');
  t.is(events[4]?.after, '{"currentVersion":2,"version":2,"why":"asked"}');
});

test('whoever has not seen the last change is refused, and nothing is done', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  const late = new SeenVersion(key.row_version - 1);
  const on = [vaultContext, act(), { vaultId: vault.id, sight: 'all', id: key.id, expected: late }] as const;
  for (const attempt of [
    updateCloudKey(...on, { description: 'late' }),
    disableCloudKey(...on),
    enableCloudKey(...on),
    scheduleDeletion(...on, 7),
    cancelDeletion(...on),
    rotateCloudKey(vaultContext, act(), key, 'asked', late),
  ])
    t.like(await t.throwsAsync(attempt, { name: 'VaultError' }), { problem: 'precondition' });
  t.deepEqual(await findCloudKey(vaultContext.store, key.id), key);
  t.is((await listVersions(vaultContext, key)).length, 1);
  t.is((await eventsOf(t.context, key.id)).length, 1);
});

test('an external key id is unique in the whole store, a name within the key set', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const [one, other] = [await newKeySet(t.context), await newKeySet(t.context)];
  await newKey(t.context, one, { name: 'k', externalKeyId: 'same' });
  await t.throwsAsync(newKey(t.context, other, { name: 'k', externalKeyId: 'same' }), {
    message: 'another CloudKey has, or had, this external key id',
  });
  const clash = { message: 'another CloudKey of the key set has this name' };
  await t.throwsAsync(newKey(t.context, one, { name: 'k' }), clash);
  await t.notThrowsAsync(newKey(t.context, other, { name: 'k' }));
  const { id } = await newKey(t.context, one);
  await t.throwsAsync(
    updateCloudKey(vaultContext, act(), { vaultId: vault.id, sight: 'all', id }, { name: 'k' }),
    clash,
  );
});

test('an Idempotency-Key is stored before the token is asked, and names the CloudKey', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const keySet = await newKeySet(t.context);
  const make = async () =>
    createCloudKey(vaultContext, act({ idempotencyKey: 'key' }), vault.id, 'all', {
      keySetId: keySet.id,
      name: fresh('k'),
    });
  const outcomes = await Promise.allSettled([make(), make(), make()]);
  const made = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  t.is(made.length, 1);
  const rows = await store.db
    .selectFrom('idempotency_keys')
    .select('target_id')
    .where('key', '=', 'key')
    .execute();
  t.deepEqual(rows, [{ target_id: made[0]?.id ?? '' }]);
  const left = await store.db
    .selectFrom('cloud_keys')
    .select('id')
    .where('key_set_id', '=', keySet.id)
    .execute();
  t.is(left.length, 1);
});

test('another vault, or who is not in the admin group, finds nothing, by reading or by acting', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const elsewhere = await insertVault(store, fresh('vault'), ['another']);
  const group = await insertGroup(store, vault.id, fresh('group'));
  const keySet = await newKeySet(t.context);
  const { id } = await newKey(t.context, keySet);
  const hidden = { message: 'there is no such CloudKey' };
  for (const [vaultId, sight] of [
    [elsewhere.id, 'all'],
    [vault.id, [group]],
    [vault.id, []],
  ] as const) {
    const on = [vaultContext, act(), { vaultId, sight, id }] as const;
    await t.throwsAsync(getCloudKey(vaultContext, vaultId, sight, id), hidden);
    await t.throwsAsync(updateCloudKey(...on, { description: 'x' }), hidden);
    await t.throwsAsync(disableCloudKey(...on), hidden);
    await t.throwsAsync(enableCloudKey(...on), hidden);
    await t.throwsAsync(scheduleDeletion(...on, 7), hidden);
    await t.throwsAsync(cancelDeletion(...on), hidden);
    await t.throwsAsync(
      createCloudKey(vaultContext, act(), vaultId, sight, { keySetId: keySet.id, name: fresh('key') }),
      { message: 'there is no such key set' },
    );
    await t.throwsAsync(
      adoptCloudKey(vaultContext, act(), vaultId, sight, {
        keySetId: keySet.id,
        name: fresh('key'),
        label: 'x',
        externalKeyId: fresh('x'),
      }),
      { message: 'there is no such key set' },
    );
    t.deepEqual((await listCloudKeys(vaultContext, vaultId, sight, {}, { limit: 200 })).items, []);
  }
});

test('a CloudKey without a Region has its CSP account’s', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const adminGroupId = await insertGroup(store, vault.id, fresh('group'));
  const account = await createCspAccount({ ...vaultContext, aws: unusedAws() }, act(), vault.id, 'all', {
    name: fresh('account'),
    adminGroupId,
    defaultRegion: 'eu-west-1',
  });
  const keySet = await newKeySet(t.context, { cspAccountId: account.id });
  t.is((await newKey(t.context, keySet)).region, 'eu-west-1');
  t.is((await newKey(t.context, keySet, { region: 'us-east-1' })).region, 'us-east-1');
});

test('rotation makes a new version, keeps the old one, and both are counted on', async (t) => {
  const { vaultContext, act } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  const rotated = await rotateCloudKey(vaultContext, act(), key, 'asked');
  t.is(rotated.current_version, 2);
  t.deepEqual(
    (await listVersions(vaultContext, key)).map(({ version, state }) => [version, state]),
    [
      [1, 'ACTIVE'],
      [2, 'ACTIVE'],
    ],
  );
});

test('rotations at once that were asked for each make their own version, and the last is current', async (t) => {
  const { vaultContext, act, store } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  await Promise.all(Array.from({ length: 4 }, async () => rotateCloudKey(vaultContext, act(), key, 'asked')));
  t.is((await findCloudKey(store, key.id)).current_version, 5);
});

test('however many workers come to the limit at once, one rotation is made', async (t) => {
  const { vaultContext, store } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  const workers = Array.from({ length: 4 }, () => new RotatingWorker(vaultContext));
  const [first] = workers;
  t.is(await first?.rotate(key), undefined, 'whoever asks, a key that is not at its limit is left alone');
  await bringToLimit(vaultContext, key);
  const made = await Promise.all(workers.map(async (worker) => worker.rotate(key)));
  t.deepEqual(
    made.filter((version) => version !== undefined),
    [2],
  );
  t.is((await findCloudKey(store, key.id)).current_version, 2);
  // One that saw the key before it was rotated, and comes late.
  t.is(await first?.rotate(key), undefined);
  t.is((await listVersions(vaultContext, key)).length, 2);
  const [, rotated] = await eventsOf(t.context, key.id);
  t.like(rotated, { action: 'cloud-key.rotate', actor_kind: 'system', actor_name: 'encryption limit' });
  t.like(JSON.parse(rotated?.after ?? ''), { version: 2, why: 'limit' });
});

test.serial('a scheduled rotation is made once, and only when it is due', async (t) => {
  const { vaultContext, act, clock } = t.context;
  t.teardown(() => {
    clock.ahead = 0;
  });
  const keySet = await newKeySet(t.context);
  const key = await newKey(t.context, keySet, { rotation: { kind: 'DAYS', days: 30 } });
  const due = Date.parse(key.next_rotation_at ?? '');
  t.is(due, Date.parse(key.rotated_at) + 30 * day);
  t.is((await rotateCloudKey(vaultContext, act(), key, 'schedule')).current_version, 1);
  clock.ahead = 100 * day;
  const outcomes = await Promise.all([
    rotateCloudKey(vaultContext, act(), key, 'schedule'),
    rotateCloudKey(vaultContext, act(), key, 'schedule'),
  ]);
  const rotated = outcomes.find(({ current_version }) => current_version === 2);
  t.is((await listVersions(vaultContext, key)).length, 2);
  // Three were due meanwhile; one makes up for them, and the time of day stays.
  t.is(Date.parse(rotated?.next_rotation_at ?? ''), due + 90 * day);
  const asked = await rotateCloudKey(vaultContext, act(), rotated ?? key, 'asked');
  t.is(Date.parse(asked.next_rotation_at ?? ''), Date.parse(asked.rotated_at) + 30 * day);
});

test('a disabled key stays disabled when it is rotated', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  await disableCloudKey(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: key.id });
  t.is((await rotateCloudKey(vaultContext, act(), key, 'asked')).state, 'DISABLED');
});

test.serial(
  'from its expiry on a key is EXPIRED; a later expiry makes it DISABLED, and then it can be enabled',
  async (t) => {
    const { vaultContext, act, vault, clock, store } = t.context;
    t.teardown(() => {
      clock.ahead = 0;
    });
    const keySet = await newKeySet(t.context);
    const expiresAt = new Date(Date.now() + day);
    const { id } = await newKey(t.context, keySet, { expiresAt });
    const on = () => [vaultContext, act(), { vaultId: vault.id, sight: 'all', id }] as const;
    const state = async () => keyState(await findCloudKey(store, id), vaultContext.now());
    const listed = async (filter: 'AVAILABLE' | 'DISABLED' | 'EXPIRED') =>
      (
        await listCloudKeys(
          vaultContext,
          vault.id,
          'all',
          { keySetId: keySet.id, state: filter },
          { limit: 9 },
        )
      ).items.length;
    await t.throwsAsync(updateCloudKey(...on(), { expiresAt: new Date(Date.now() - day) }), {
      message: 'expiresAt must lie in the future',
    });
    t.deepEqual([await state(), await listed('AVAILABLE'), await listed('EXPIRED')], ['AVAILABLE', 1, 0]);
    clock.ahead = 2 * day;
    t.deepEqual([await state(), await listed('AVAILABLE'), await listed('EXPIRED')], ['EXPIRED', 0, 1]);
    const expired = { message: 'the CloudKey has expired' };
    await t.throwsAsync(enableCloudKey(...on()), expired);
    await t.throwsAsync(disableCloudKey(...on()), expired);
    await t.throwsAsync(rotateCloudKey(vaultContext, act(), await findCloudKey(store, id), 'asked'), {
      message: 'the CloudKey is EXPIRED: only AVAILABLE and DISABLED ones are rotated',
    });
    await updateCloudKey(...on(), { description: 'still expired' });
    t.is(await state(), 'EXPIRED');
    await updateCloudKey(...on(), { expiresAt: new Date(expiresAt.getTime() + 9 * day) });
    t.deepEqual([await state(), await listed('DISABLED'), await listed('EXPIRED')], ['DISABLED', 1, 0]);
    await enableCloudKey(...on());
    t.is(await state(), 'AVAILABLE');
    // Also when the schedule has written it, and for ever.
    await store.db
      .updateTable('cloud_keys')
      .set({ state: 'EXPIRED', expires_at: new Date(0).toISOString() })
      .where('id', '=', id)
      .execute();
    await updateCloudKey(...on(), { expiresAt: null });
    t.is(await state(), 'DISABLED');
  },
);

test('a deletion waits 7 to 30 days, disables at once and can be cancelled', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const keySet = await newKeySet(t.context, { rotationDays: 90 });
  const key = await newKey(t.context, keySet);
  const on = [vaultContext, act(), { vaultId: vault.id, sight: 'all', id: key.id }] as const;
  for (const days of [6, 31, 7.5, Number.NaN, -7])
    await t.throwsAsync(scheduleDeletion(...on, days), {
      message: 'the waiting time is a whole number of days from 7 to 30',
    });
  const scheduled = await scheduleDeletion(...on, 7);
  t.like(scheduled, {
    state: 'PENDING_DELETION',
    deletion_at: new Date(on[1].at.getTime() + 7 * day).toISOString(),
    next_rotation_at: null,
  });
  await t.throwsAsync(scheduleDeletion(...on, 30), {
    message: 'the deletion of the CloudKey is already scheduled',
  });
  const waits = { message: 'the CloudKey will be deleted' };
  await t.throwsAsync(enableCloudKey(...on), waits);
  await t.throwsAsync(disableCloudKey(...on), waits);
  await t.throwsAsync(updateCloudKey(...on, { description: 'x' }), waits);
  await t.throwsAsync(rotateCloudKey(vaultContext, act(), scheduled, 'asked'), {
    message: /PENDING_DELETION/,
  });
  const cancelled = await cancelDeletion(...on);
  t.like(cancelled, { state: 'DISABLED', deletion_at: null, next_rotation_at: key.next_rotation_at });
  t.deepEqual(await cancelDeletion(...on), cancelled);
  await enableCloudKey(...on);
  await t.throwsAsync(cancelDeletion(...on), { message: 'the deletion of the CloudKey is not scheduled' });
});

test('a deleted key is a tombstone: shown, never changed, its name free and its external key id spent', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await newKey(t.context, keySet);
  await store.db.updateTable('cloud_keys').set({ state: 'DELETED' }).where('id', '=', key.id).execute();
  const on = [vaultContext, act(), { vaultId: vault.id, sight: 'all', id: key.id }] as const;
  const gone = { message: 'the CloudKey was deleted, which is permanent' };
  for (const attempt of [
    updateCloudKey(...on, { description: 'x' }),
    disableCloudKey(...on),
    enableCloudKey(...on),
    scheduleDeletion(...on, 7),
    cancelDeletion(...on),
  ])
    await t.throwsAsync(attempt, gone);
  t.is((await getCloudKey(vaultContext, vault.id, 'all', key.id)).state, 'DELETED');
  const next = await newKey(t.context, keySet, { name: key.name });
  t.is((await findCloudKey(store, key.name)).id, next.id);
  await t.throwsAsync(newKey(t.context, keySet, { externalKeyId: key.external_key_id }), {
    message: 'another CloudKey has, or had, this external key id',
  });
});

test('a new schedule counts from the last rotation, and what is overdue by it is due now', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const { id } = await newKey(t.context, await newKeySet(t.context));
  const rotated_at = new Date(Date.now() - 10 * day).toISOString();
  await store.db.updateTable('cloud_keys').set({ rotated_at }).where('id', '=', id).execute();
  const edit = async (days: number) => {
    const { at } = act();
    const on = [vaultContext, { ...act(), at }, { vaultId: vault.id, sight: 'all', id }] as const;
    return { at, key: await updateCloudKey(...on, { rotation: { kind: 'DAYS', days } }) };
  };
  const { key } = await edit(30);
  t.is(Date.parse(key.next_rotation_at ?? ''), Date.parse(rotated_at) + 30 * day);
  const overdue = await edit(5);
  t.is(overdue.key.next_rotation_at, overdue.at.toISOString());
  const never = await updateCloudKey(
    vaultContext,
    act(),
    { vaultId: vault.id, sight: 'all', id },
    { rotation: { kind: 'NEVER' } },
  );
  t.like(never, { next_rotation_at: null, rotation_days: null, rotation: 'NEVER' });
});

test('lists filter, sort and tell the use', async (t) => {
  const { vaultContext, act, store, vault } = t.context;
  const [one, other] = [await newKeySet(t.context), await newKeySet(t.context)];
  const keys = [
    await newKey(t.context, one, { name: 'list_b', region: 'eu-central-1' }),
    await newKey(t.context, one, { name: 'list_a', region: 'us-east-1' }),
    await newKey(t.context, other, { name: 'list_c', region: 'eu-central-1', externalKeyId: 'listed' }),
  ];
  await disableCloudKey(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: keys[2]?.id ?? '' });
  const last_at = new Date().toISOString();
  await store.db
    .insertInto('uses')
    .values([
      { kind: 'encrypt', id: keys[0]?.id ?? '', count: 5, last_at, last_address: '198.51.100.4' },
      { kind: 'decrypt', id: keys[1]?.id ?? '', count: 6, last_at, last_address: '198.51.100.4' },
    ])
    .execute();
  const list = async (filter: Parameters<typeof listCloudKeys>[3], sort?: string) =>
    (
      await listCloudKeys(vaultContext, vault.id, 'all', { name: 'list_', ...filter }, { limit: 50, sort })
    ).items.map(({ name }) => name);
  t.deepEqual(await list({}), ['list_a', 'list_b', 'list_c']);
  t.deepEqual(await list({}, '-createdAt'), ['list_c', 'list_a', 'list_b']);
  t.deepEqual(await list({ keySetId: one.id }), ['list_a', 'list_b']);
  t.deepEqual(await list({ region: 'eu-central-1' }), ['list_b', 'list_c']);
  t.deepEqual(await list({ state: 'DISABLED' }), ['list_c']);
  t.deepEqual(await list({ externalKeyId: 'listed' }), ['list_c']);
  t.like(await getCloudKey(vaultContext, vault.id, 'all', keys[0]?.id ?? ''), {
    encrypts: 5,
    last_encrypt_at: last_at,
    decrypts: 0,
    last_decrypt_at: null,
  });
  t.like(await getCloudKey(vaultContext, vault.id, 'all', keys[1]?.id ?? ''), { encrypts: 0, decrypts: 6 });
});

test('a key object of our own, one that is not there and one without a fit label are not taken over', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await newKey(t.context, keySet);
  const adopt = async (label: string) =>
    adoptCloudKey(vaultContext, act(), vault.id, 'all', {
      keySetId: keySet.id,
      name: fresh('adopted'),
      label,
      externalKeyId: fresh('adopted'),
    });
  await t.throwsAsync(adopt(versionLabel(keySet.id, key.external_key_id, 1)), {
    message: 'key objects whose label starts with "holdfast:" are already Holdfast’s own',
  });
  await t.throwsAsync(adopt('nowhere'), { message: /^there is no AES key with the label "nowhere"/ });
});

test('a key object is taken over once, with its own usages, and on the record', async (t) => {
  const { vaultContext, act, vault, tokens } = t.context;
  const keySet = await newKeySet(t.context, { rotationDays: 30 });
  const label = fresh('sample-proxy-key');
  const usage = { encrypt: false, decrypt: true };
  await tokens
    .pool('token')
    .call(
      { kind: 'generateKey', key: Buffer.from(label), binding: Buffer.alloc(0), label, ...usage },
      managementDeadline(),
    );
  const adopt = async () =>
    adoptCloudKey(vaultContext, act({ idempotencyKey: fresh('adoption') }), vault.id, 'all', {
      keySetId: keySet.id,
      name: fresh('adopted'),
      label,
      externalKeyId: fresh('adopted'),
    });
  const key = await adopt();
  t.like(key, { state: 'AVAILABLE', can_encrypt: 0, can_decrypt: 1 });
  t.is(Date.parse(key.next_rotation_at ?? ''), Date.parse(key.rotated_at) + 30 * day);
  t.like((await listVersions(vaultContext, key))[0], { state: 'ACTIVE', origin: 'aws-sample-proxy' });
  t.deepEqual(
    (await eventsOf(t.context, key.id)).map(({ action }) => action),
    ['cloud-key.adopt'],
  );
  await t.throwsAsync(adopt(), { message: 'another CloudKey uses this key object' });
});

test('of a name that hundreds of deleted CloudKeys had the one in use is found', async (t) => {
  const { store, vault } = t.context;
  const keySet = await newKeySet(t.context);
  const name = fresh('again');
  const key = await newKey(t.context, keySet, { name });
  // Before it in every order of ids.
  for (let n = 0; n < 300; n++)
    await store.db
      .insertInto('cloud_keys')
      .values({ ...key, id: `0-${n}`, external_key_id: `0-${n}-${name}`, state: 'DELETED' })
      .execute();
  for (const within of ['all', { vaultId: vault.id }] as const)
    t.is((await idsOfKeysCalled(store.db, within, name))[0], key.id);
});
