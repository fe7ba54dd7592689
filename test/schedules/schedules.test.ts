import { randomBytes, randomUUID } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import { takeLease } from '../../src/fleet/leases.ts';
import type { XksCredentialTable } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { BackOff } from '../../src/vault/back-off.ts';
import {
  cancelDeletion,
  disableCloudKey,
  enableCloudKey,
  scheduleDeletion,
} from '../../src/keys/cloud-keys.ts';
import { listVersions } from '../support/versions.ts';
import { deleteDueKeys } from '../../src/keys/destruction.ts';
import { rotateDueKeys } from '../../src/schedules/due-rotations.ts';
import { expireCredentials, expireKeys, retireCredentials } from '../../src/schedules/expirations.ts';
import { freezeKeySet, thawKeySet, type KeySet } from '../../src/keys/key-sets/key-sets.ts';
import { freezeVault, thawVault } from '../../src/vault/vault-freezes.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { managementDeadline } from '../../src/vault/tokens.ts';
import { openVault, type TestVault } from '../../testing/vault.ts';
import { day, hour, minute, second, Stage } from '../vault/stage.ts';

const test = anyTest as TestFn<TestVault>;

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

const iso = (at: number) => new Date(at).toISOString();

test('a key expires at its time, enabled or not, and once; one that will be deleted does not', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const expiresAt = new Date(stage.now + hour);
  const [on, off, doomed, later] = [
    await stage.key(keySet, { name: 'on', expiresAt }),
    await stage.key(keySet, { name: 'off', expiresAt }),
    await stage.key(keySet, { name: 'doomed', expiresAt }),
    await stage.key(keySet, { name: 'later', expiresAt: new Date(stage.now + 2 * hour) }),
  ];
  const act = systemAct(stage.vaultContext, 'test');
  await disableCloudKey(stage.vaultContext, act, { vaultId: stage.vault.id, sight: 'all', id: off.id });
  await scheduleDeletion(
    stage.vaultContext,
    act,
    { vaultId: stage.vault.id, sight: 'all', id: doomed.id },
    7,
  );
  const states = async () =>
    Promise.all([on, off, doomed, later].map(async ({ id }) => (await stage.read(id)).state));
  const schedules = stage.schedules();
  stage.now += hour - 1;
  t.is((await schedules.runOnce()).keysExpired, 0);
  t.deepEqual(await states(), ['AVAILABLE', 'DISABLED', 'PENDING_DELETION', 'AVAILABLE']);
  stage.now += 1;
  const revision = await stage.store.revision();
  t.is((await schedules.runOnce()).keysExpired, 2);
  t.true((await stage.store.revision()) > revision, 'workers look again');
  t.deepEqual(await states(), ['EXPIRED', 'EXPIRED', 'PENDING_DELETION', 'AVAILABLE']);
  t.is((await schedules.runOnce()).keysExpired, 0);
  t.like(await stage.acts(on.id), { 'cloud-key.expire': 1 });
  t.is((await stage.read(on.id)).row_version, on.row_version + 1);
  const event = await stage.store.db
    .selectFrom('audit_events')
    .selectAll()
    .where('action', '=', 'cloud-key.expire')
    .where('target_id', '=', off.id)
    .executeTakeFirstOrThrow();
  t.like(event, {
    actor_kind: 'system',
    actor_name: 'schedule',
    vault_id: stage.vault.id,
    target_name: 'off',
  });
  t.deepEqual([event.before, event.after], ['{"state":"DISABLED"}', '{"state":"EXPIRED"}']);
});

test('a deletion is done at its time, and the key objects are gone from the token', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const [gone, kept] = [await stage.key(keySet, { name: 'gone' }), await stage.key(keySet, { name: 'kept' })];
  const act = () => systemAct(stage.vaultContext, 'test');
  for (const { id } of [gone, kept])
    await scheduleDeletion(stage.vaultContext, act(), { vaultId: stage.vault.id, sight: 'all', id }, 7);
  const schedules = stage.schedules();
  stage.now += 7 * day - 1;
  t.like(await schedules.runOnce(), { keysDeleted: 0, versionsDestroyed: 0 });
  await cancelDeletion(stage.vaultContext, act(), { vaultId: stage.vault.id, sight: 'all', id: kept.id });
  stage.now += 1;
  t.like(await schedules.runOnce(), { keysDeleted: 1, versionsDestroyed: 1, failed: [] });
  t.like(await stage.read(gone.id), { state: 'DELETED', deleted_at: iso(stage.now), next_rotation_at: null });
  t.is((await stage.read(kept.id)).state, 'DISABLED');
  const [version] = await listVersions(stage.vaultContext, gone);
  t.like(version, { state: 'DESTROYED', destroyed_at: iso(stage.now) });
  const inspect = (key: Buffer) =>
    t.context.tokens.pool('token').call({ kind: 'inspectKey', key }, managementDeadline());
  await t.throwsAsync(inspect(version?.object_id ?? Buffer.alloc(0)), { message: /key-missing/ });
  const [other] = await listVersions(stage.vaultContext, kept);
  t.is((await inspect(other?.object_id ?? Buffer.alloc(0))).value.compliant, true);
  t.like(await stage.acts(gone.id), { 'cloud-key.delete': 1, 'cloud-key.destroy-version': 1 });
  // The name is free again, the external key id never.
  await stage.key(keySet, { name: 'gone' });
  await t.throwsAsync(stage.key(keySet, { name: 'again', externalKeyId: gone.external_key_id }), {
    message: /external key id/,
  });
});

test('a version that may be in an HSM that was not asked holds up no other of the token', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const schedules = stage.schedules();
  const due = async (name: string) => {
    const key = await stage.key(keySet, { name });
    const act = systemAct(stage.vaultContext, 'test');
    await scheduleDeletion(stage.vaultContext, act, { vaultId: stage.vault.id, sight: 'all', id: key.id }, 7);
    stage.now += 7 * day;
    return key;
  };
  const proof = { token: 'token', serial: 'away', label: ownKeys.sealing.label, proof: Buffer.from('proof') };
  await stage.store.db
    .insertInto('own_key_proofs')
    .values({ ...proof, made_at: iso(stage.now) })
    .execute();
  const left = await due('left');
  t.like(await schedules.runOnce(), { keysDeleted: 1, versionsDestroyed: 0, failed: [] });
  const [told, ...more] = stage.log.lines.filter(({ level }) => level === 'error' || level === 'warn');
  t.deepEqual(more, []);
  t.like(told?.facts, { token: 'token', cloudKey: left.id, version: 1 });
  t.regex(String(told?.facts['problem']), /may be in the HSM of serial away/);
  t.regex(String(told?.facts['remediation']), /holdfast token record-erased token /);
  await stage.store.db.deleteFrom('own_key_proofs').where('serial', '=', 'away').execute();
  await due('after');
  t.like(await schedules.runOnce(), { versionsDestroyed: 1, failed: [] }, 'at once');
});

test('key objects that a token did not destroy are destroyed once it does', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const [lost, well] = [await stage.keySet(), await stage.keySet()];
  const [stuck, done] = [await stage.key(lost, { name: 'stuck' }), await stage.key(well, { name: 'done' })];
  const act = systemAct(stage.vaultContext, 'test');
  for (const { id } of [stuck, done])
    await scheduleDeletion(stage.vaultContext, act, { vaultId: stage.vault.id, sight: 'all', id }, 7);
  // A token that the configuration does not name any more.
  const move = async (token: string) =>
    stage.store.db.updateTable('key_sets').set({ token }).where('id', '=', lost.id).execute();
  await move('gone');
  stage.now += 7 * day;
  const run = await stage.schedules().runOnce();
  t.like(run, { keysDeleted: 2, versionsDestroyed: 1, failed: ['destruction'] });
  t.is((await listVersions(stage.vaultContext, stuck))[0]?.state, 'DESTROYING');
  const told = stage.log.lines.filter(({ level }) => level === 'error');
  t.is(told.length, 1);
  t.like(told[0]?.facts, { token: 'gone', cloudKey: stuck.id, version: 1 });
  await move('token');
  t.like(await stage.schedules().runOnce(), { keysDeleted: 0, versionsDestroyed: 1, failed: [] });
  t.is((await listVersions(stage.vaultContext, stuck))[0]?.state, 'DESTROYED');
});

test('after a downtime of many periods a key is rotated once, and keeps its time of day', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const key = await stage.key(await stage.keySet({ rotationDays: 10 }), { name: 'slept' });
  const due = stage.now + 10 * day;
  t.is(key.next_rotation_at, iso(due));
  stage.now = due + 33 * day + 5 * hour;
  const schedules = stage.schedules();
  t.is((await schedules.runOnce()).keysRotated, 1);
  t.is((await schedules.runOnce()).keysRotated, 0);
  t.like(await stage.read(key.id), { current_version: 2, next_rotation_at: iso(due + 40 * day) });
  t.like(await stage.acts(key.id), { 'cloud-key.rotate': 1 });
  stage.now = due + 40 * day;
  t.is((await schedules.runOnce()).keysRotated, 1);
});

test('a key that does not serve is rotated when it serves again, and then once', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const [keySet, frozen] = [await stage.keySet({ rotationDays: 1 }), await stage.keySet({ rotationDays: 1 })];
  const [off, cold] = [await stage.key(keySet, { name: 'off' }), await stage.key(frozen, { name: 'cold' })];
  const act = () => systemAct(stage.vaultContext, 'test');
  await disableCloudKey(stage.vaultContext, act(), { vaultId: stage.vault.id, sight: 'all', id: off.id });
  await freezeKeySet(stage.vaultContext, act(), { vaultId: stage.vault.id, sight: 'all', id: frozen.id });
  const schedules = stage.schedules();
  stage.now += 5 * day;
  t.is((await schedules.runOnce()).keysRotated, 0);
  await enableCloudKey(stage.vaultContext, act(), { vaultId: stage.vault.id, sight: 'all', id: off.id });
  await thawKeySet(stage.vaultContext, act(), { vaultId: stage.vault.id, sight: 'all', id: frozen.id });
  for (const side of ['vault', 'appliance'] as const) {
    await freezeVault(stage.vaultContext, act(), { vaultId: stage.vault.id }, side);
    t.is((await schedules.runOnce()).keysRotated, 0);
    for (const by of ['vault', 'appliance'] as const)
      await thawVault(stage.vaultContext, act(), { vaultId: stage.vault.id }, by);
  }
  t.is((await schedules.runOnce()).keysRotated, 2);
  t.is((await schedules.runOnce()).keysRotated, 0);
  for (const { id } of [off, cold]) t.is((await stage.read(id)).current_version, 2);
});

test('a rotation that fails is told and retried after growing pauses, and holds up no key of another token', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const [lost, well] = [await stage.keySet({ rotationDays: 1 }), await stage.keySet({ rotationDays: 1 })];
  const failing = await stage.key(lost, { name: 'failing' });
  const others = [];
  for (let i = 0; i < 5; i++) others.push(await stage.key(well, { name: `well-${i}` }));
  await stage.store.db.updateTable('key_sets').set({ token: 'gone' }).where('id', '=', lost.id).execute();
  stage.now += day;
  let monotonic = 0;
  const backOff = new BackOff(() => monotonic);
  const rotate = async () => rotateDueKeys(stage.vaultContext, stage.log.log, backOff, async () => true);
  t.deepEqual(await rotate(), { rotated: 5, failed: 1, more: false });
  const told = stage.log.lines.find(({ level }) => level === 'error');
  t.like(told?.facts, { cloudKey: failing.id, token: 'gone' });
  t.deepEqual(
    (await listVersions(stage.vaultContext, failing)).map(({ state }) => state),
    ['ACTIVE'],
  );
  for (const [pause, tried] of [
    [29, 0],
    [1, 1],
    [59, 0],
    [1, 1],
    [119, 0],
    [1, 1],
  ] as const) {
    monotonic += pause * second;
    t.deepEqual(await rotate(), { rotated: 0, failed: tried, more: false });
  }
  for (let failures = 4; failures < 10; failures++) {
    monotonic += 15 * minute;
    t.is((await rotate()).failed, 1, 'no pause is longer than a quarter of an hour');
  }
  await stage.store.db.updateTable('key_sets').set({ token: 'token' }).where('id', '=', lost.id).execute();
  monotonic += 15 * minute;
  t.deepEqual(await rotate(), { rotated: 1, failed: 0, more: false });
});

test('rotations stop between two keys when they are told to, and say that there is more', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet({ rotationDays: 1 });
  for (let i = 0; i < 6; i++) await stage.key(keySet, { name: `k${i}` });
  stage.now += day;
  let left = 4;
  const run = await rotateDueKeys(stage.vaultContext, stage.log.log, new BackOff(), async () => left-- > 0);
  t.deepEqual(run, { rotated: 4, failed: 0, more: true });
});

test('a due time that a clock in the future left behind is brought back to what the schedule allows', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const [own, inherited] = [await stage.keySet(), await stage.keySet({ rotationDays: 30 })];
  stage.now += 3650 * day;
  const keys = [
    await stage.key(own, { name: 'own', rotation: { kind: 'DAYS', days: 7 } }),
    await stage.key(inherited, { name: 'inherited' }),
    await stage.key(own, { name: 'never', rotation: { kind: 'NEVER' } }),
  ];
  stage.now -= 3650 * day;
  const within = await stage.key(own, { name: 'within', rotation: { kind: 'DAYS', days: 365 } });
  const schedules = stage.schedules();
  t.like(await schedules.runOnce(), { rotationsCapped: 2, keysRotated: 0, failed: [] });
  const next = await Promise.all(
    [...keys, within].map(async ({ id }) => (await stage.read(id)).next_rotation_at),
  );
  t.deepEqual(next, [iso(stage.now + 7 * day), iso(stage.now + 30 * day), null, iso(stage.now + 365 * day)]);
  t.is((await schedules.runOnce()).rotationsCapped, 0);
  stage.now += 7 * day;
  t.is((await schedules.runOnce()).keysRotated, 1);
});

type CredentialRow = Partial<{ [C in keyof XksCredentialTable]: string | number | null }>;

async function credential(stage: Stage, keySet: KeySet, id: string, more: CredentialRow = {}): Promise<void> {
  await stage.store.db
    .insertInto('xks_credentials')
    .values({
      access_key_id: id,
      key_set_id: keySet.id,
      sealed_secret: randomBytes(40),
      expires_at: null,
      retire_after_minutes: null,
      successor: null,
      created_at: iso(stage.now),
      withdrawn_at: null,
      withdrawn_why: null,
      ...(more as object),
    })
    .execute();
}

async function seen(stage: Stage, id: string, at: number): Promise<void> {
  const use = { count: 1, last_at: iso(at), last_address: '' };
  await stage.store.db
    .insertInto('uses')
    .values({ kind: 'credential', id, ...use })
    .onConflict((conflict) => conflict.columns(['kind', 'id']).doUpdateSet(use))
    .execute();
}

const stateOf = async (stage: Stage, id: string) =>
  stage.store.db
    .selectFrom('xks_credentials')
    .select(['withdrawn_at', 'withdrawn_why'])
    .where('access_key_id', '=', id)
    .executeTakeFirstOrThrow();

test('a credential is withdrawn as EXPIRED at the moment that it said, however late that is seen', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const expiry = stage.now + hour;
  await credential(stage, keySet, 'ENDS', { expires_at: iso(expiry) });
  await credential(stage, keySet, 'STAYS');
  await credential(stage, keySet, 'WENT', {
    expires_at: iso(expiry),
    withdrawn_at: iso(stage.now),
    withdrawn_why: 'WITHDRAWN',
  });
  const schedules = stage.schedules();
  stage.now = expiry - 1;
  t.is((await schedules.runOnce()).credentialsExpired, 0);
  stage.now = expiry + 9 * day;
  const revision = await stage.store.revision();
  t.is((await schedules.runOnce()).credentialsExpired, 1);
  t.true((await stage.store.revision()) > revision, 'workers look again');
  t.deepEqual(await stateOf(stage, 'ENDS'), { withdrawn_at: iso(expiry), withdrawn_why: 'EXPIRED' });
  t.is((await stateOf(stage, 'STAYS')).withdrawn_at, null);
  t.is((await stateOf(stage, 'WENT')).withdrawn_why, 'WITHDRAWN');
  t.is((await schedules.runOnce()).credentialsExpired, 0);
  t.deepEqual(await stage.acts('ENDS'), { 'credential.expire': 1 });
});

test('a rotated credential is retired once its successor was seen and it was quiet itself', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  await credential(stage, keySet, 'NEW');
  await credential(stage, keySet, 'OLD', { successor: 'NEW', retire_after_minutes: 10 });
  const schedules = stage.schedules();
  const retired = async () => (await schedules.runOnce()).credentialsRetired;
  stage.now += day;
  t.is(await retired(), 0, 'the successor was never seen');
  await seen(stage, 'NEW', stage.now);
  await seen(stage, 'OLD', stage.now);
  stage.now += 10 * minute + 30 * second - 1;
  t.is(await retired(), 0, 'not quiet for long enough');
  await seen(stage, 'OLD', stage.now);
  stage.now += 10 * minute;
  t.is(await retired(), 0, 'it was used again');
  stage.now += 30 * second;
  t.is(await retired(), 1);
  t.deepEqual(await stateOf(stage, 'OLD'), { withdrawn_at: iso(stage.now), withdrawn_why: 'RETIRED' });
  t.is((await stateOf(stage, 'NEW')).withdrawn_at, null);
  t.is(await retired(), 0);
  t.deepEqual(await stage.acts('OLD'), { 'credential.retire': 1 });
});

test('quiet is only what somebody could have heard, and nothing is retired for a successor that opens nothing', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const began = stage.now;
  await seen(stage, 'UNSEEN-NEW', began);
  for (const [name, next] of [
    ['UNSEEN', {}],
    ['DEAD-END', { withdrawn_at: iso(began), withdrawn_why: 'WITHDRAWN' }],
    ['LATE', { expires_at: iso(began + hour) }],
  ] as const) {
    await credential(stage, keySet, `${name}-NEW`, next);
    await credential(stage, keySet, name, { successor: `${name}-NEW`, retire_after_minutes: 10 });
    await seen(stage, `${name}-NEW`, began);
  }
  stage.now = began + 2 * hour;
  // The node was down until a minute ago: that AWS did not use the old one is not known.
  t.is(await retireCredentials(stage.vaultContext, new Date(stage.now - minute)), 0);
  t.is(await retireCredentials(stage.vaultContext, new Date(began + hour)), 1);
  t.is((await stateOf(stage, 'UNSEEN')).withdrawn_why, 'RETIRED');
  for (const name of ['DEAD-END', 'LATE']) t.is((await stateOf(stage, name)).withdrawn_at, null, name);
  // A successor that was made just now, and tried at once.
  await credential(stage, keySet, 'FRESH-NEW');
  await credential(stage, keySet, 'FRESH', { successor: 'FRESH-NEW', retire_after_minutes: 10 });
  await seen(stage, 'FRESH', began);
  await seen(stage, 'FRESH-NEW', stage.now);
  stage.now += minute;
  t.is(await retireCredentials(stage.vaultContext, new Date(began)), 0);
});

test('what has served is cleared away, and nothing else', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const { db } = stage.store;
  const user = randomUUID();
  await db
    .insertInto('users')
    .values({
      id: user,
      vault_id: stage.vault.id,
      username: 'u',
      username_key: 'u',
      display_name: '',
      email: '',
      role: 'vault-admin',
      state: 'ACTIVE',
      sign_in: 'password',
      password_hash: null,
      must_change_password: 0,
      password_changed_at: null,
      locked_until: null,
      totp_sealed: null,
      totp_token: null,
      totp_state: 'NONE',
      oidc_subject: null,
      last_sign_in_at: null,
      created_at: iso(stage.now),
      updated_at: iso(stage.now),
    })
    .execute();
  for (const [id, end] of [
    ['ended', stage.now],
    ['lives', stage.now + 1],
  ] as const) {
    const times = { created_at: iso(stage.now), last_seen_at: iso(stage.now), expires_at: iso(end) };
    const hash = randomBytes(32);
    await db
      .insertInto('sessions')
      .values({
        hash,
        id,
        user_id: user,
        csrf_hash: null,
        state: 'ACTIVE',
        method: 'password',
        address: '',
        user_agent: '',
        ...times,
      })
      .execute();
    await db
      .insertInto('oidc_sign_ins')
      .values({
        state_hash: Buffer.from(id),
        vault_id: '',
        nonce: '',
        code_verifier: '',
        binding_hash: hash,
        return_to: '',
        code_hash: null,
        user_id: null,
        created_at: iso(stage.now),
        expires_at: iso(end),
      })
      .execute();
    await db
      .insertInto('idempotency_keys')
      .values({
        actor_id: 'a',
        key: id,
        request_hash: hash,
        target_id: 'x',
        created_at: iso(end - day),
      })
      .execute();
  }
  for (let number = 0; number < 55; number++)
    await db
      .insertInto('reconciliations')
      .values({
        id: `r${number}`,
        vault_id: number === 0 ? 'v' : '',
        began_at: iso(stage.now + number),
        ended_at: iso(stage.now),
        asked_by: 'start',
        report: '{}',
      })
      .execute();
  await stage.schedules().runOnce();
  t.deepEqual(await db.selectFrom('sessions').select('id').execute(), [{ id: 'lives' }]);
  t.deepEqual(await db.selectFrom('oidc_sign_ins').select('state_hash').execute(), [
    { state_hash: Buffer.from('lives') },
  ]);
  t.deepEqual(await db.selectFrom('idempotency_keys').select('key').execute(), [{ key: 'lives' }]);
  const reports = await db.selectFrom('reconciliations').select('id').orderBy('began_at').execute();
  t.deepEqual(
    reports.map(({ id }) => id),
    ['r0', ...Array.from({ length: 50 }, (_, number) => `r${number + 5}`)],
  );
});

test('one process does the work; another takes it when its time ran out, or it was given back', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const [first, second_] = [stage.schedules(), stage.schedules(stage.as('node-b/1'))];
  const held = async () => [(await first.runOnce()).held, (await second_.runOnce()).held];
  t.deepEqual(await held(), [true, false]);
  stage.now += 59 * second;
  t.deepEqual(await held(), [true, false], 'it renews what it holds');
  stage.now += 60 * second;
  t.true((await second_.runOnce()).held);
  t.false((await first.runOnce()).held, 'who lost it stops');
  await second_.stop();
  t.true((await first.runOnce()).held, 'given back, it is free at once');
  const restarted = stage.schedules(stage.as('node-a/2'));
  t.true((await restarted.runOnce()).held, 'an earlier start of the same node is gone');
  // Its clock stood in the future when it took the work, and it never came back.
  await stage.store.db
    .updateTable('leases')
    .set({ holder: 'node-c/1', until: iso(stage.now + 365 * day) })
    .execute();
  t.true((await second_.runOnce()).held);
});

test('who does not hold the work does none of it', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet({ rotationDays: 1 });
  const key = await stage.key(keySet, { name: 'k', expiresAt: new Date(stage.now + 2 * day) });
  stage.now += 3 * day;
  await stage.store.db
    .insertInto('leases')
    .values({ name: 'schedules', holder: 'node-b/1', until: iso(stage.now + minute) })
    .execute();
  t.like(await stage.schedules().runOnce(), { held: false, keysExpired: 0 });
  t.is((await stage.read(key.id)).state, 'AVAILABLE');
});

test('who lost the work to another commits no act of it any more, whichever comes next', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const doomed = await stage.key(keySet, { name: 'deleted' });
  await stage.key(keySet, { name: 'rotated', rotation: { kind: 'DAYS', days: 1 } });
  await stage.key(keySet, { name: 'expired', expiresAt: new Date(stage.now + day) });
  const target = { vaultId: stage.vault.id, sight: 'all' as const, id: doomed.id };
  await scheduleDeletion(stage.vaultContext, systemAct(stage.vaultContext, 'test'), target, 7);
  await credential(stage, keySet, 'ENDS', { expires_at: iso(stage.now + day) });
  stage.now += 7 * day;
  const events = async () =>
    stage.store.db
      .selectFrom('audit_events')
      .select('action')
      .where('actor_name', '=', 'schedule')
      .orderBy('sequence')
      .execute();
  // This one is stopped right before an act, for longer than its lease, and goes on when another has the work.
  const other = stage.as('node-b/1');
  let may = 0;
  const before = async () => {
    if (may-- > 0) return;
    stage.now += 2 * minute;
    await takeLease(other, 'schedules', minute);
  };
  const { store } = stage;
  const stopped: Store = {
    db: store.db,
    revision: () => store.revision(),
    moment: () => store.moment(),
    changesSince: (since) => store.changesSince(since),
    bookkeep: async (why, run) => store.bookkeep(why, run),
    change: async (act, run) => before().then(async () => store.change(act, run)),
    write: async (act, run) => before().then(async () => store.write(act, run)),
    close: async () => store.close(),
  };
  const runs = async (acts: number): Promise<(string | undefined)[]> => {
    may = acts;
    const run = await stage.schedules({ ...stage.vaultContext, store: stopped }).runOnce();
    t.deepEqual([run.held, run.failed], [true, []]);
    // Its lease runs out.
    stage.now += 2 * minute;
    return (await events()).map(({ action }) => action);
  };
  const all = ['cloud-key.expire', 'credential.expire', 'cloud-key.delete', 'cloud-key.destroy-version'];
  for (const [round, acts] of [0, 1, 1, 1, 1].entries()) t.deepEqual(await runs(acts), all.slice(0, round));
  t.deepEqual(await runs(1), all, 'nor is a rotation ended that was begun before');
  t.deepEqual(await runs(Infinity), [...all, 'cloud-key.rotate']);
  t.true(stage.log.lines.some(({ message }) => message === 'another process has taken over: schedules'));
});

test('two processes that do the same at once do nothing twice', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const [rotated, expired, deleted] = [
    await stage.key(keySet, { name: 'rotated', rotation: { kind: 'DAYS', days: 1 } }),
    await stage.key(keySet, { name: 'expired', expiresAt: new Date(stage.now + day) }),
    await stage.key(keySet, { name: 'deleted' }),
  ];
  const act = systemAct(stage.vaultContext, 'test');
  await scheduleDeletion(
    stage.vaultContext,
    act,
    { vaultId: stage.vault.id, sight: 'all', id: deleted.id },
    7,
  );
  await credential(stage, keySet, 'ENDS', { expires_at: iso(stage.now + day) });
  await credential(stage, keySet, 'NEW');
  await credential(stage, keySet, 'OLD', { successor: 'NEW', retire_after_minutes: 10 });
  await seen(stage, 'NEW', stage.now);
  const since = new Date(stage.now);
  stage.now += 7 * day;
  const both = [stage.vaultContext, stage.as('node-b/1')];
  const sum = async (work: (vaultContext: (typeof both)[number]) => Promise<number>) =>
    (await Promise.all([...both, ...both].map(work))).reduce((a, b) => a + b);
  t.is(await sum(async (vaultContext) => expireKeys(vaultContext)), 1);
  t.is(await sum(async (vaultContext) => expireCredentials(vaultContext)), 1);
  t.is(await sum(async (vaultContext) => retireCredentials(vaultContext, since)), 1);
  t.is(await sum(async (vaultContext) => (await deleteDueKeys(vaultContext, vaultContext.now())).deleted), 1);
  const rotations = async (vaultContext: (typeof both)[number]) =>
    (await rotateDueKeys(vaultContext, stage.log.log, new BackOff(), async () => true)).rotated;
  t.is(await sum(rotations), 1);
  t.is((await stage.read(rotated.id)).current_version, 2);
  t.like(await stage.acts(rotated.id), { 'cloud-key.rotate': 1 });
  t.like(await stage.acts(expired.id), { 'cloud-key.expire': 1 });
  t.like(await stage.acts(deleted.id), { 'cloud-key.delete': 1, 'cloud-key.destroy-version': 1 });
  for (const [id, action] of [
    ['ENDS', 'credential.expire'],
    ['OLD', 'credential.retire'],
  ] as const)
    t.deepEqual(await stage.acts(id), { [action]: 1 });
});

test('the schedule wakes for what is due, and ends when it is stopped', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const vaultContext = { ...stage.vaultContext, now: () => new Date() };
  stage.now = Date.now();
  const keySet = await stage.keySet();
  const expiry = Date.now() + 1500;
  const key = await stage.key(keySet, { name: 'soon', expiresAt: new Date(expiry) });
  const schedules = stage.schedules(vaultContext);
  schedules.start();
  const { facts } = await stage.log.until(({ message }) => message === 'done by schedule');
  t.true(Date.now() - expiry < 30 * second, 'it did not sleep as long as it may');
  t.deepEqual(facts, { keysExpired: 1 });
  t.is((await stage.read(key.id)).state, 'EXPIRED');
  await schedules.stop();
  t.deepEqual(await stage.store.db.selectFrom('leases').selectAll().execute(), []);
});

test('a clock that was set forward makes nobody’s quiet', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const start = Date.now();
  const done = () => stage.log.lines.filter(({ message }) => message === 'done by schedule');
  // Set between two looks: after the one that expires the first key, before the one that is due for the second.
  const vaultContext = {
    ...stage.vaultContext,
    now: () => new Date(Date.now() + (done().length > 0 ? 2 * hour : 0)),
  };
  stage.now = start;
  const keySet = await stage.keySet();
  await credential(stage, keySet, 'NEW');
  await credential(stage, keySet, 'OLD', { successor: 'NEW', retire_after_minutes: 10 });
  await seen(stage, 'NEW', stage.now);
  await stage.key(keySet, { name: 'at-once', expiresAt: new Date(start + 1) });
  await stage.key(keySet, { name: 'later', expiresAt: new Date(start + 2 * hour + 3 * second) });
  const schedules = stage.schedules(vaultContext);
  schedules.start();
  t.teardown(async () => schedules.stop());
  await stage.log.until(() => done().length === 2);
  const warning = stage.log.lines.find(({ level }) => level === 'warn');
  t.is(warning?.facts['seconds'], 7200);
  t.is((await stateOf(stage, 'OLD')).withdrawn_at, null);
});

test('a part that fails is told, and the others are done', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const key = await stage.key(await stage.keySet({ rotationDays: 1 }), { name: 'k' });
  stage.now += day;
  const broken: typeof stage.vaultContext = {
    ...stage.vaultContext,
    store: new Proxy(stage.store, {
      get: (store, name) => {
        const value: unknown = Reflect.get(store, name, store);
        if (name !== 'db') return typeof value === 'function' ? value.bind(store) : value;
        return new Proxy(store.db, {
          get: (db, method) => {
            const of: unknown = Reflect.get(db, method, db);
            if (method !== 'selectFrom') return typeof of === 'function' ? of.bind(db) : of;
            return (table: 'cloud_keys') => {
              if ((table as string) === 'xks_credentials') throw new Error('broken on purpose');
              return db.selectFrom(table);
            };
          },
        });
      },
    }),
  };
  const run = await stage.schedules(broken).runOnce();
  t.deepEqual(run.failed, ['credential expiry', 'credential retirement']);
  t.is(run.keysRotated, 1);
  t.is((await stage.read(key.id)).current_version, 2);
  t.is(stage.log.lines.filter(({ level }) => level === 'error').length, 2);
});
