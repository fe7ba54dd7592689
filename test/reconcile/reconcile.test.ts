import { randomBytes, randomUUID } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import pkcs11js from 'pkcs11js';
import { ownKeys, versionLabel, versionObjectId } from '../../src/token/own-keys.ts';
import { TokenPool } from '../../src/token/pool/token-pool.ts';
import { rotateCloudKey, scheduleDeletion } from '../../src/keys/cloud-keys.ts';
import { listVersions } from '../support/versions.ts';
import { refuseAt, rotateAt } from '../../src/keys/encryption-limits.ts';
import { issueCredential, revealSecret } from '../../src/keys/credentials/credentials.ts';
import type { CloudKeyRecord } from '../../src/keys/key-records.ts';
import { createKeySet } from '../../src/keys/key-sets/key-sets.ts';
import { reconcile } from '../../src/reconcile/reconcile.ts';
import { keysInToken } from '../support/keys-in-token.ts';
import {
  getReconciliation,
  listReconciliations,
  type Finding,
  type Reconciliation,
} from '../../src/reconcile/reconciliation-report.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { managementDeadline, TokenPools } from '../../src/vault/tokens.ts';
import { Shim } from '../../testing/shim.ts';
import { insertVault, openVault, type TestVault } from '../../testing/vault.ts';
import { recordDeletion } from '../vault/recorded-deletion.ts';
import { minute, Stage } from '../vault/stage.ts';
import { byHand } from '../../testing/by-hand.ts';
import { labelled, ofVersion } from '../support/key-identity.ts';
import { inToken } from '../../testing/in-token.ts';

const test = anyTest as TestFn<TestVault & { shim: Shim }>;

test.before(async (t) => {
  const shim = await Shim.create();
  t.context = { ...(await openVault(shim)), shim };
});
/** The token is everybody's: each test finds it empty. */
test.afterEach.always(async ({ context: { tokens, shim } }) => {
  await shim.clear();
  const pool = tokens.pool('token');
  for (const { id, label } of (await keysInToken(pool)).values())
    await pool.call({ kind: 'destroyKey', key: id, identity: labelled(label) }, managementDeadline());
});
test('while one comparison runs, another of the same is refused', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const first = run(stage);
  await t.throwsAsync(run(stage), { message: 'it is already being compared' });
  await t.notThrowsAsync(first);
  await t.notThrowsAsync(run(stage));
});

test.after.always(async (t) => {
  await t.context.dispose();
  await t.context.shim.dispose();
});

async function run(
  stage: Stage,
  vaultContext = stage.vaultContext,
  vaultId?: string,
): Promise<Reconciliation> {
  return reconcile(vaultContext, systemAct(vaultContext, 'reconcile'), { askedBy: 'start', vaultId });
}

/** What a report says, short enough to compare. */
const said = ({ tokens }: Reconciliation) =>
  tokens.flatMap(({ findings }) =>
    findings.map(({ kind, outcome, name, version }) => [kind, outcome, name, version]),
  );

/** The same as sorted lines. */
const lines = (report: Reconciliation) =>
  said(report)
    .map((line) => line.join(' '))
    .toSorted();

const only = ({ tokens }: Reconciliation): Finding => {
  const [finding, second] = tokens.flatMap(({ findings }) => findings);
  if (finding === undefined || second !== undefined) throw new Error('not one finding');
  return finding;
};

/** Makes it look as if a process had been killed over a version: before its key object was made, or after. */
async function interrupt(
  stage: Stage,
  key: CloudKeyRecord,
  { version = 1, madeBy = 'node-a/0', madeAt = stage.now, object = true } = {},
): Promise<void> {
  await stage.store.change(byHand, async (trx) => {
    await trx
      .updateTable('key_versions')
      .set({ state: 'PENDING', made_by: madeBy, created_at: new Date(madeAt).toISOString() })
      .where('cloud_key_id', '=', key.id)
      .where('version', '=', version)
      .execute();
    await trx
      .updateTable('cloud_keys')
      .set(
        version === 1
          ? { state: 'CREATING', made_by: madeBy }
          : { current_version: version - 1, next_rotation_at: key.next_rotation_at },
      )
      .where('id', '=', key.id)
      .execute();
  });
  if (!object) await destroy(stage, key.id, version);
}

async function destroy({ vaultContext, store }: Stage, id: string, version: number): Promise<void> {
  const key = await store.db
    .selectFrom('cloud_keys')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  await vaultContext.tokens
    .pool('token')
    .call({ kind: 'destroyKey', ...ofVersion(key, version) }, managementDeadline());
}

async function make(
  { vaultContext }: Stage,
  key: Buffer,
  label: string,
  usage = { encrypt: true, decrypt: true },
) {
  await vaultContext.tokens
    .pool('token')
    .call({ kind: 'generateKey', key, binding: Buffer.alloc(0), label, ...usage }, managementDeadline());
}

async function isInToken({ vaultContext }: Stage, key: Buffer): Promise<boolean> {
  return (await keysInToken(vaultContext.tokens.pool('token'))).has(key.toString('hex'));
}

const rotate = async (stage: Stage, key: CloudKeyRecord) =>
  rotateCloudKey(stage.vaultContext, systemAct(stage.vaultContext, 'test'), key, 'asked');

test.serial(
  'a slow token with many keys of others is compared whole, and keys are made meanwhile',
  async (t) => {
    const { fixture, tokens, shim } = t.context;
    const stage = await Stage.open(t, tokens);
    await stage.key(await stage.keySet(), { name: 'k' });
    const foreign = (n: number) => ({ id: randomBytes(20).toString('hex'), label: `foreign ${n}` });
    await inToken(
      fixture,
      Array.from({ length: 60 }, (_, n) => ({ do: 'generate' as const, ...foreign(n) })),
    );
    await shim.set([{ call: 'C_GetAttributeValue', delayMicroseconds: 10_000 }]);
    let compared = false;
    const comparing = run(stage).finally(() => (compared = true));
    await make(stage, versionObjectId(randomUUID(), 1), 'made meanwhile');
    t.false(compared);
    t.like((await comparing).tokens[0], { compared: true, problem: null, findings: [] });
  },
);

test.serial('where store and token agree, the report is clean, kept, and on the record', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const key = await stage.key(await stage.keySet(), { name: 'k' });
  await rotate(stage, key);
  const act = {
    ...systemAct(stage.vaultContext, 'reconcile'),
    idempotency: { key: 'i', requestHash: Buffer.from('h') },
  };
  const report = await reconcile(stage.vaultContext, act, { askedBy: 'grace' });
  t.like(report, { vaultId: '', askedBy: 'grace', clean: true });
  t.like(report.tokens[0], { token: 'token', compared: true, problem: null, keyObjects: 2, findings: [] });
  t.deepEqual(await getReconciliation(stage.vaultContext, '', report.id), report);
  t.deepEqual((await listReconciliations(stage.vaultContext, '', { limit: 10 })).items, [report]);
  const event = await stage.store.db
    .selectFrom('audit_events')
    .selectAll()
    .where('action', '=', 'reconciliation.run')
    .executeTakeFirstOrThrow();
  t.like(event, { target_id: report.id, vault_id: '', actor_kind: 'system', actor_name: 'reconcile' });
  const remembered = await stage.store.db.selectFrom('idempotency_keys').select('target_id').execute();
  t.deepEqual(remembered, [{ target_id: report.id }]);
});

test.serial('a creation that was interrupted is finished where its key object is in the token', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet({ rotationDays: 30 });
  const key = await stage.key(keySet, { name: 'k' });
  await interrupt(stage, key);
  const report = await run(stage);
  t.deepEqual(said(report), [['interrupted', 'finished', 'k', 1]]);
  t.true(report.clean);
  t.like(only(report), { vaultId: stage.vault.id, keySetId: keySet.id, externalKeyId: key.external_key_id });
  t.like(await stage.read(key.id), { state: 'AVAILABLE', current_version: 1 });
  t.like((await listVersions(stage.vaultContext, key))[0], { state: 'ACTIVE' });
  t.deepEqual(said(await run(stage)), []);
});

test.serial('a creation without a key object is undone, and its name and ids are free again', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const key = await stage.key(keySet, { name: 'k', externalKeyId: 'wanted' });
  await interrupt(stage, key, { object: false });
  await stage.store.db
    .insertInto('idempotency_keys')
    .values({
      actor_id: 'a',
      key: 'i',
      request_hash: Buffer.from('h'),
      target_id: key.id,
      created_at: new Date(stage.now).toISOString(),
    })
    .execute();
  t.deepEqual(said(await run(stage)), [['interrupted', 'undone', 'k', 1]]);
  for (const table of ['cloud_keys', 'key_versions', 'idempotency_keys'] as const)
    t.deepEqual(await stage.store.db.selectFrom(table).selectAll().execute(), [], table);
  await t.notThrowsAsync(stage.key(keySet, { name: 'k', externalKeyId: 'wanted' }));
});

test.serial(
  'a creation whose key object is not as it was to be is undone, and the object destroyed',
  async (t) => {
    const stage = await Stage.open(t, t.context.tokens);
    const keySet = await stage.keySet();
    const key = await stage.key(keySet, { name: 'k' });
    await interrupt(stage, key, { object: false });
    const object = versionObjectId(key.id, 1);
    const usage = { encrypt: true, decrypt: false };
    await make(stage, object, versionLabel(keySet.id, key.external_key_id, 1), usage);
    t.deepEqual(said(await run(stage)), [['interrupted', 'undone', 'k', 1]]);
    t.false(await isInToken(stage, object));
  },
);

test.serial(
  'a creation whose CKA_ID another’s key object has is not undone by destroying that',
  async (t) => {
    const stage = await Stage.open(t, t.context.tokens);
    const keySet = await stage.keySet();
    const key = await stage.key(keySet, { name: 'k' });
    await interrupt(stage, key, { object: false });
    const object = versionObjectId(key.id, 1);
    await make(stage, object, versionLabel(keySet.id, 'another', 1));
    const report = await run(stage);
    t.deepEqual(said(report), [['interrupted', 'failed', 'k', 1]]);
    t.regex(only(report).detail, /its label is not the one on record/);
    t.true(await isInToken(stage, object));
  },
);

test.serial('an act that another process may be at is left to it until it is too old', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  for (const [name, madeBy, madeAt, settled] of [
    ['own', 'node-a/1', stage.now, false],
    ['other', 'node-b/7', stage.now - 2 * minute, false],
    ['other-old', 'node-b/7', stage.now - 2 * minute - 1, true],
    ['own-old', 'node-a/1', stage.now - 2 * minute - 1, true],
    ['earlier-start', 'node-a/0', stage.now, true],
    ['nobody', '', stage.now, true],
    ['of-the-future', 'node-b/7', stage.now + 60 * minute, true],
    ['namesake', 'node-a2/1', stage.now, false],
  ] as const) {
    const key = await stage.key(keySet, { name });
    await interrupt(stage, key, { madeBy, madeAt, object: false });
    t.deepEqual(said(await run(stage)), settled ? [['interrupted', 'undone', name, 1]] : [], name);
  }
});

test.serial(
  'the schedule ends what was abandoned since the start, once nobody can be at it any more',
  async (t) => {
    const stage = await Stage.open(t, t.context.tokens);
    const keySet = await stage.keySet();
    const [made, unmade, undone] = [
      await stage.key(keySet, { name: 'made' }),
      await stage.key(keySet, { name: 'unmade' }),
      await stage.key(keySet, { name: 'undone' }),
    ];
    for (const key of [made, unmade]) await rotate(stage, key);
    await interrupt(stage, made, { version: 2, madeBy: 'xks-worker/7' });
    await interrupt(stage, unmade, { version: 2, madeBy: 'xks-worker/7', object: false });
    // Whoever undid this creation did not get to the end either.
    await interrupt(stage, undone, { madeBy: 'node-b/7' });
    await stage.store.db
      .updateTable('key_versions')
      .set({ state: 'DESTROYING' })
      .where('cloud_key_id', '=', undone.id)
      .execute();
    const schedules = stage.schedules();
    t.is((await schedules.runOnce()).actsSettled, 0);
    stage.now += 2 * minute + 1;
    t.like(await schedules.runOnce(), { actsSettled: 3, failed: [] });
    t.is((await stage.read(made.id)).current_version, 2);
    t.deepEqual(
      (await listVersions(stage.vaultContext, unmade)).map(({ state }) => state),
      ['ACTIVE', 'DESTROYED'],
    );
    t.deepEqual(await listVersions(stage.vaultContext, undone), []);
    t.is((await schedules.runOnce()).actsSettled, 0);
    t.true((await run(stage)).clean);
  },
);

test.serial(
  'a rotation that was interrupted is finished or undone, and counts as one rotation',
  async (t) => {
    const stage = await Stage.open(t, t.context.tokens);
    const keySet = await stage.keySet({ rotationDays: 30 });
    const [done, undone, overtaken] = [
      await stage.key(keySet, { name: 'done' }),
      await stage.key(keySet, { name: 'undone' }),
      await stage.key(keySet, { name: 'overtaken' }),
    ];
    for (const key of [done, undone, overtaken]) await rotate(stage, key);
    await interrupt(stage, done, { version: 2 });
    await interrupt(stage, undone, { version: 2, object: false });
    await rotate(stage, overtaken);
    await interrupt(stage, overtaken, { version: 2 });
    await stage.store.db
      .updateTable('cloud_keys')
      .set({ current_version: 3 })
      .where('id', '=', overtaken.id)
      .execute();
    const report = await run(stage);
    t.deepEqual(
      lines(report),
      [
        'interrupted finished done 2',
        'interrupted undone undone 2',
        'interrupted undone overtaken 2',
      ].toSorted(),
    );
    t.is((await stage.read(done.id)).current_version, 2);
    t.is((await stage.read(undone.id)).current_version, 1);
    t.is((await stage.read(overtaken.id)).current_version, 3);
    t.false(await isInToken(stage, versionObjectId(overtaken.id, 2)));
    const states = async (key: CloudKeyRecord) =>
      (await listVersions(stage.vaultContext, key)).map(({ state }) => state);
    t.deepEqual(await states(undone), ['ACTIVE', 'DESTROYED']);
    t.deepEqual(await states(overtaken), ['ACTIVE', 'DESTROYED', 'ACTIVE']);
    t.is((await rotate(stage, undone)).current_version, 3, 'the number stays spent');
    t.true((await run(stage)).clean);
  },
);

test.serial('what was to be destroyed is destroyed, and what was destroyed stays so', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const key = await stage.key(keySet, { name: 'k' });
  await recordDeletion(stage.vaultContext, stage.vault.id, key);
  const object = versionObjectId(key.id, 1);
  t.deepEqual(said(await run(stage)), [['interrupted', 'destroyed', 'k', 1]]);
  t.is((await listVersions(stage.vaultContext, key))[0]?.state, 'DESTROYED');
  t.false(await isInToken(stage, object));
  // Such as a token that was restored from a backup brings back; this one is of before, without a proof.
  await stage.store.db.updateTable('key_versions').set({ proof: null }).execute();
  await make(stage, object, versionLabel(keySet.id, key.external_key_id, 1));
  t.deepEqual(said(await run(stage)), [['interrupted', 'destroyed', 'k', 1]]);
  t.false(await isInToken(stage, object));
});

test.serial('a row that says DESTROYING destroys nothing without the deletion that led to it', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const act = systemAct(stage.vaultContext, 'test');
  const [used, pending, tombstone, again] = [
    await stage.key(keySet, { name: 'used' }),
    await stage.key(keySet, { name: 'pending' }),
    await stage.key(keySet, { name: 'tombstone' }),
    await stage.key(keySet, { name: 'again' }),
  ];
  await scheduleDeletion(
    stage.vaultContext,
    act,
    { vaultId: stage.vault.id, sight: 'all', id: pending.id },
    7,
  );
  const set = async (key: CloudKeyRecord, state: 'DESTROYING' | 'DESTROYED', deleted: boolean) => {
    await stage.store.db
      .updateTable('key_versions')
      .set({ state })
      .where('cloud_key_id', '=', key.id)
      .execute();
    if (!deleted) return;
    const at = new Date(stage.now).toISOString();
    await stage.store.db
      .updateTable('cloud_keys')
      .set({ state: 'DELETED', deleted_at: at, ...(key === pending ? {} : { deletion_at: at }) })
      .where('id', '=', key.id)
      .execute();
  };
  await set(used, 'DESTROYING', false);
  await set(pending, 'DESTROYING', true);
  await set(tombstone, 'DESTROYING', true);
  await set(again, 'DESTROYED', false);
  const report = await run(stage);
  t.deepEqual(
    lines(report),
    [
      'interrupted failed used 1',
      'interrupted failed pending 1',
      'interrupted failed tombstone 1',
      'interrupted failed again 1',
    ].toSorted(),
  );
  t.false(report.clean);
  const details = Object.fromEntries(
    report.tokens[0]?.findings.map(({ name, detail }) => [name, detail]) ?? [],
  );
  t.regex(details['used'] ?? '', /was in use, and its CloudKey is not deleted/);
  t.regex(details['pending'] ?? '', /waiting time of its deletion is not over/);
  t.regex(details['tombstone'] ?? '', /audit trail knows of no deletion/);
  for (const key of [used, pending, tombstone, again])
    t.true(await isInToken(stage, versionObjectId(key.id, 1)), key.name);
});

test.serial('own keys in rows of CloudKeys are neither destroyed nor used, and are told', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const [active, doomed] = [
    await stage.key(keySet, { name: 'active' }),
    await stage.key(keySet, { name: 'doomed' }),
  ];
  const name = async (key: CloudKeyRecord, object_id: Buffer) =>
    stage.store.db
      .updateTable('key_versions')
      .set({ object_id, proof: null })
      .where('cloud_key_id', '=', key.id)
      .execute();
  await name(active, ownKeys.health.id);
  await name(doomed, ownKeys.sealing.id);
  await recordDeletion(stage.vaultContext, stage.vault.id, doomed);
  const report = await run(stage);
  t.true(lines(report).includes('unfit none active 1'), lines(report).join());
  t.true(lines(report).includes('interrupted failed doomed 1'), lines(report).join());
  const pool = stage.vaultContext.tokens.pool('token');
  for (const { id, label } of Object.values(ownKeys))
    t.is((await pool.call({ kind: 'inspectKey', key: id }, managementDeadline())).value.label, label);
});

test.serial('versions of before get their proofs at the first comparison, which says so', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const [good, swapped, limited] = [
    await stage.key(keySet, { name: 'good' }),
    await stage.key(keySet, { name: 'swapped' }),
    await stage.key(keySet, { name: 'limited', usage: { encrypt: true, decrypt: false } }),
  ];
  await destroy(stage, swapped.id, 1);
  await make(stage, versionObjectId(swapped.id, 1), versionLabel(keySet.id, 'other', 1));
  await stage.store.db.updateTable('key_versions').set({ proof: null, encryptions_leased: 5 }).execute();
  t.deepEqual(lines(await run(stage)), ['unfit none swapped 1', 'unproven proven good 1'].toSorted());
  const [version] = await listVersions(stage.vaultContext, good);
  t.true((version?.proof?.length ?? 0) > 40);
  t.is(version?.encryptions_leased, 6, 'the proof is an encryption too');
  t.is((await listVersions(stage.vaultContext, limited))[0]?.proof, null);
  t.like((await listVersions(stage.vaultContext, swapped))[0], {
    proof: null,
    unfit_why: 'its label is not the one on record',
  });
  t.deepEqual(said(await run(stage)), [['unfit', 'none', 'swapped', 1]]);
});

test.serial('a sealed secret that was moved is told by name; one of before is sealed anew', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const [mine, theirs] = [await stage.keySet(), await stage.keySet()];
  const act = systemAct(stage.vaultContext, 'test');
  const [moved, former] = [
    await issueCredential(stage.vaultContext, act, mine),
    await issueCredential(stage.vaultContext, act, mine),
  ];
  await stage.store.db
    .updateTable('xks_credentials')
    .set({ key_set_id: theirs.id })
    .where('access_key_id', '=', moved.accessKeyId)
    .execute();
  const context = `holdfast xks credential ${former.accessKeyId} of key set ${mine.id}`;
  const [sealed] = (await inToken(t.context.fixture, [
    { do: 'seal', context, secret: former.secret.reveal() },
  ])) as [string];
  await stage.store.db
    .updateTable('xks_credentials')
    .set({ sealed_secret: Buffer.from(sealed, 'hex') })
    .where('access_key_id', '=', former.accessKeyId)
    .execute();
  const report = await run(stage);
  t.like(only(report), { kind: 'seal-broken', outcome: 'none', name: moved.accessKeyId });
  const row = await stage.store.db
    .selectFrom('xks_credentials')
    .select('sealed_secret')
    .where('access_key_id', '=', former.accessKeyId)
    .executeTakeFirstOrThrow();
  t.is(row.sealed_secret[0], 2, 'in the format of today');
  const identity = { vaultId: stage.vault.id, keySetId: mine.id, accessKeyId: former.accessKeyId };
  const opened = await revealSecret(
    t.context.tokens,
    { ...identity, sealedSecret: row.sealed_secret },
    'token',
    managementDeadline().deadline,
  );
  t.is(opened.reveal(), former.secret.reveal());
});

test.serial('a version without its key object is told loudly, and nothing is changed', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const key = await stage.key(await stage.keySet(), { name: 'k' });
  await rotate(stage, key);
  await destroy(stage, key.id, 1);
  const before = await stage.read(key.id);
  const report = await run(stage);
  t.deepEqual(said(report), [['missing', 'none', 'k', 1]]);
  t.false(report.clean);
  t.is(report.tokens[0]?.counts.missing, 1);
  t.deepEqual(await stage.read(key.id), before);
  t.deepEqual(
    (await listVersions(stage.vaultContext, key)).map(({ state }) => state),
    ['ACTIVE', 'ACTIVE'],
  );
});

test.serial('a key object that no record knows is listed with what its label says, and left', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const [stranger, misnamed] = [versionObjectId(randomUUID(), 3), randomBytes(7)];
  await make(stage, stranger, versionLabel(keySet.id, 'lost', 3));
  await make(stage, misnamed, 'holdfast:key:what?');
  const report = await run(stage);
  const findings = report.tokens.flatMap((token) => token.findings);
  t.is(findings.length, 2);
  t.false(report.clean);
  const [known, unknown] = findings.toSorted(
    (a, b) => Number(a.keySetId === null) - Number(b.keySetId === null),
  );
  t.like(known, {
    kind: 'orphan',
    outcome: 'none',
    vaultId: stage.vault.id,
    keySetId: keySet.id,
    externalKeyId: 'lost',
    version: 3,
    cloudKeyId: null,
    objectId: stranger.toString('hex'),
    label: versionLabel(keySet.id, 'lost', 3),
  });
  t.like(unknown, { kind: 'orphan', vaultId: null, keySetId: null, label: 'holdfast:key:what?' });
  for (const object of [stranger, misnamed]) t.true(await isInToken(stage, object));
});

test.serial(
  'versions made after the backup that was restored are put back to decrypt with, and their key is rotated',
  async (t) => {
    const stage = await Stage.open(t, t.context.tokens);
    const keySet = await stage.keySet({ rotationDays: 30 });
    const key = await stage.key(keySet, { name: 'k' });
    for (let version = 2; version <= 3; version++) await rotate(stage, key);
    const pool = stage.vaultContext.tokens.pool('token');
    const form = {
      ...ofVersion(key, 3),
      aadForm: 'full',
      aad: Buffer.from('a'),
      metadata: Buffer.from('m'),
    } as const;
    const plaintext = randomBytes(32);
    const { value: sealed } = await pool.call(
      { kind: 'encrypt', ...form, plaintext, verify: false },
      managementDeadline(),
    );
    // The store as it was when only the first version was known.
    await stage.store.db.deleteFrom('key_versions').where('version', '>', 1).execute();
    await stage.store.db.updateTable('cloud_keys').set({ current_version: 1 }).execute();

    const report = await run(stage);
    t.deepEqual(said(report), [
      ['orphan', 're-entered', 'k', 2],
      ['orphan', 're-entered', 'k', 3],
    ]);
    t.true(report.clean);
    t.regex(report.tokens[0]?.findings[0]?.detail ?? '', /rotated to version 4/);
    t.is((await stage.read(key.id)).current_version, 4);
    const versions = await listVersions(stage.vaultContext, key);
    t.deepEqual(
      versions.map(({ version, state, encryptions_leased }) => [version, state, encryptions_leased]),
      [
        [1, 'ACTIVE', rotateAt],
        [2, 'ACTIVE', refuseAt],
        [3, 'ACTIVE', refuseAt],
        [4, 'ACTIVE', 1],
      ],
    );
    const known = versions.find(({ version }) => version === 3);
    const opened = await pool.call(
      { kind: 'decrypt', ...form, key: known?.object_id ?? Buffer.alloc(0), ...sealed },
      managementDeadline(),
    );
    t.deepEqual(Buffer.from(opened.value.plaintext), plaintext);
    t.like(await stage.acts(key.id), { 'cloud-key.re-enter-version': 2, 'cloud-key.rotate': 3 });
    t.deepEqual(said(await run(stage)), []);
  },
);

test.serial(
  'where a key cannot be rotated at once after that, its schedule does it when it serves',
  async (t) => {
    const stage = await Stage.open(t, t.context.tokens);
    const expiresAt = new Date(stage.now + minute);
    const key = await stage.key(await stage.keySet(), { name: 'k', expiresAt });
    await rotate(stage, key);
    await stage.store.db.deleteFrom('key_versions').where('version', '>', 1).execute();
    await stage.store.db.updateTable('cloud_keys').set({ current_version: 1 }).execute();
    stage.now += minute;
    t.regex(only(await run(stage)).detail, /could not be rotated yet: the CloudKey is EXPIRED/);
    await stage.store.db.updateTable('cloud_keys').set({ state: 'AVAILABLE', expires_at: null }).execute();
    t.is((await stage.schedules().runOnce()).keysRotated, 1);
    t.like(await stage.read(key.id), { current_version: 3, next_rotation_at: null });
  },
);

test.serial('a key object is not put back where anything speaks against it', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const key = async (name: string) => stage.key(keySet, { name });
  const [foreign, gone, older, unused] = [
    await key('foreign'),
    await key('gone'),
    await key('older'),
    await key('u'),
  ];
  await make(stage, versionObjectId(foreign.id, 2), versionLabel(keySet.id, unused.external_key_id, 2));
  await make(stage, versionObjectId(gone.id, 2), versionLabel(keySet.id, gone.external_key_id, 2));
  await stage.store.db
    .updateTable('cloud_keys')
    .set({ state: 'DELETED' })
    .where('id', '=', gone.id)
    .execute();
  for (let version = 2; version <= 3; version++) await rotate(stage, older);
  await stage.store.db
    .deleteFrom('key_versions')
    .where('cloud_key_id', '=', older.id)
    .where('version', '=', 2)
    .execute();
  const report = await run(stage);
  t.deepEqual(
    lines(report),
    ['orphan none foreign 2', 'orphan none gone 2', 'orphan none older 2'].toSorted(),
  );
  t.is((await listVersions(stage.vaultContext, older)).length, 2);
});

test.serial(
  'a key object whose attributes are not as made, or not as on record, is told as drift',
  async (t) => {
    const stage = await Stage.open(t, t.context.tokens);
    const keySet = await stage.keySet();
    const [label, hidden, usage, sound] = [
      await stage.key(keySet, { name: 'label' }),
      await stage.key(keySet, { name: 'hidden' }),
      await stage.key(keySet, { name: 'usage', usage: { encrypt: true, decrypt: false } }),
      await stage.key(keySet, { name: 'sound' }),
    ];
    for (const { id } of [label, hidden]) await destroy(stage, id, 1);
    await make(stage, versionObjectId(label.id, 1), versionLabel(keySet.id, 'other', 1));
    await make(stage, versionObjectId(hidden.id, 1), 'not ours');
    await stage.store.db
      .updateTable('cloud_keys')
      .set({ can_encrypt: 0, can_decrypt: 1 })
      .where('id', '=', usage.id)
      .execute();
    const told = Object.fromEntries(
      (await run(stage)).tokens[0]?.findings.map(({ kind, name, detail }) => [
        name,
        [kind, detail.split(': ')[1]],
      ]) ?? [],
    );
    t.deepEqual(told, {
      label: ['unfit', 'it does not open the proof made when the key was made'],
      hidden: ['unfit', 'it does not open the proof made when the key was made'],
      usage: ['drift', 'CKA_ENCRYPT, CKA_DECRYPT'],
    });
    await destroy(stage, usage.id, 1);
    const pool = stage.vaultContext.tokens.pool('token');
    for (const [{ id }, at] of [
      [label, versionLabel(keySet.id, 'other', 1)],
      [hidden, 'not ours'],
    ] as const) {
      const request = { kind: 'destroyKey', key: versionObjectId(id, 1), identity: labelled(at) } as const;
      await pool.call(request, managementDeadline());
    }
    await stage.store.db.deleteFrom('key_versions').where('cloud_key_id', '<>', sound.id).execute();
    await stage.store.db.deleteFrom('cloud_keys').where('id', '<>', sound.id).execute();
    await t.context.shim.set([
      {
        call: 'C_GetAttributeValue',
        attributes: { [pkcs11js.CKA_EXTRACTABLE]: true, [pkcs11js.CKA_LOCAL]: false },
      },
    ]);
    t.like(only(await run(stage)), { kind: 'drift', name: 'sound', outcome: 'none' });
    t.regex(only(await run(stage)).detail, /: CKA_EXTRACTABLE, CKA_LOCAL$/);
  },
);

test.serial('several key objects with one id are told, on record or not', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const key = await stage.key(await stage.keySet(), { name: 'k' });
  await make(stage, versionObjectId(randomUUID(), 1), 'holdfast:key:stray');
  await t.context.shim.set([{ call: 'C_FindObjects', duplicate: true }]);
  const report = await run(stage);
  t.deepEqual(lines(report), ['duplicate none k 1', 'duplicate none  '].toSorted());
  t.is((await listVersions(stage.vaultContext, key))[0]?.state, 'ACTIVE');
});

test.serial('a token that cannot be asked is reported, and the others are compared', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const dark = new TokenPool('dark', 1, () => undefined);
  t.teardown(async () => dark.close());
  const tokens = new TokenPools([dark, t.context.tokens.pool('token')]);
  const vaultContext = { ...stage.vaultContext, tokens };
  const key = await stage.key(await stage.keySet(), { name: 'k' });
  await interrupt(stage, key, { object: false });
  const unreached = await stage.keySet();
  await stage.store.db
    .updateTable('key_sets')
    .set({ token: 'gone' })
    .where('id', '=', unreached.id)
    .execute();
  const report = await run(stage, vaultContext);
  t.false(report.clean);
  const [first, second, third] = report.tokens;
  t.like(first, { token: 'dark', compared: false, keyObjects: null, findings: [] });
  t.regex(first?.problem ?? '', /unavailable/);
  t.like(second, { token: 'token', compared: true });
  t.like(third, { token: 'gone', compared: false });
  t.regex(third?.problem ?? '', /configuration/);
  t.deepEqual(said(report), [['interrupted', 'undone', 'k', 1]]);
});

test.serial(
  'a comparison of one vault sees and settles what is the vault’s, and no other sees its report',
  async (t) => {
    const stage = await Stage.open(t, t.context.tokens);
    const other = await insertVault(stage.store, 'other');
    const mine = await stage.keySet();
    const act = systemAct(stage.vaultContext, 'test');
    const theirs = await createKeySet(stage.vaultContext, act, other.id, 'all', {
      name: 'theirs',
      token: 'token',
    });
    const key = await stage.key(mine, { name: 'mine' });
    await make(stage, versionObjectId(randomUUID(), 1), versionLabel(mine.id, 'my-orphan', 1));
    await make(stage, versionObjectId(randomUUID(), 1), versionLabel(theirs.id, 'their-orphan', 1));
    await make(stage, versionObjectId(randomUUID(), 1), versionLabel(randomUUID(), 'nobodys', 1));
    await interrupt(stage, key);

    const ofOther = await run(stage, stage.vaultContext, other.id);
    t.deepEqual(
      ofOther.tokens.flatMap(({ findings }) => findings.map(({ externalKeyId }) => externalKeyId)),
      ['their-orphan'],
    );
    t.is(ofOther.tokens[0]?.keyObjects, null);
    t.is((await stage.read(key.id)).state, 'CREATING', 'what is another’s is not touched');

    const ofAll = await reconcile(stage.vaultContext, act, { askedBy: 'root' });
    t.is(said(ofAll).length, 4);
    const seen = await getReconciliation(stage.vaultContext, stage.vault.id, ofAll.id);
    t.is(seen.askedBy, 'appliance');
    t.is(seen.tokens[0]?.keyObjects, null);
    t.deepEqual(
      seen.tokens[0]?.findings.map(({ kind, externalKeyId }) => [kind, externalKeyId]),
      [
        ['interrupted', key.external_key_id],
        ['orphan', 'my-orphan'],
      ],
    );
    const none = { missing: 0, drift: 0, duplicate: 0, unfit: 0, unproven: 0, 'seal-broken': 0 };
    t.deepEqual(seen.tokens[0]?.counts, { ...none, 'in-replaced-token': 0, interrupted: 1, orphan: 1 });
    for (const from of ['', stage.vault.id])
      await t.throwsAsync(getReconciliation(stage.vaultContext, from, ofOther.id), { message: /no such/ });
    const listed = async (from: string) =>
      (await listReconciliations(stage.vaultContext, from, { limit: 10 })).items
        .map(({ id }) => id)
        .toSorted();
    t.deepEqual(await listed(''), [ofAll.id]);
    t.deepEqual(await listed(stage.vault.id), [ofAll.id]);
    t.deepEqual(await listed(other.id), [ofAll.id, ofOther.id].toSorted());
    const events = await stage.store.db
      .selectFrom('audit_events')
      .select(['vault_id', 'target_id'])
      .where('action', '=', 'reconciliation.run')
      .orderBy('sequence')
      .execute();
    t.deepEqual(events, [
      { vault_id: other.id, target_id: ofOther.id },
      { vault_id: '', target_id: ofAll.id },
    ]);
  },
);

test.serial('two comparisons at once settle everything once', async (t) => {
  const stage = await Stage.open(t, t.context.tokens);
  const keySet = await stage.keySet();
  const [finished, undone, restored, deleted] = [
    await stage.key(keySet, { name: 'finished' }),
    await stage.key(keySet, { name: 'undone' }),
    await stage.key(keySet, { name: 'restored' }),
    await stage.key(keySet, { name: 'deleted' }),
  ];
  await rotate(stage, restored);
  await stage.store.db.deleteFrom('key_versions').where('version', '=', 2).execute();
  await stage.store.db.updateTable('cloud_keys').set({ current_version: 1 }).execute();
  await interrupt(stage, finished);
  await interrupt(stage, undone, { object: false });
  await recordDeletion(stage.vaultContext, stage.vault.id, deleted);
  await Promise.all([run(stage), run(stage, stage.as('node-b/1')), run(stage, stage.as('node-c/1'))]);
  t.like(await stage.acts(finished.id), { 'cloud-key.create': 2 });
  t.like(await stage.acts(restored.id), { 'cloud-key.re-enter-version': 1 });
  t.like(await stage.acts(deleted.id), { 'cloud-key.destroy-version': 1 });
  t.deepEqual(
    (await listVersions(stage.vaultContext, finished)).map(({ state }) => state),
    ['ACTIVE'],
  );
  t.deepEqual(await listVersions(stage.vaultContext, undone), []);
  t.true((await run(stage)).clean);
});
