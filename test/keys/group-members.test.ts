import anyTest, { type TestFn } from 'ava';
import { deleteDueKeys } from '../../src/keys/destruction.ts';
import { proofOfFound } from '../../src/keys/key-proofs.ts';
import { findNotEverywhere } from '../../src/reconcile/not-everywhere.ts';
import { reconcile } from '../../src/reconcile/reconcile.ts';
import { findUnsettled } from '../../src/reconcile/unsettled-findings.ts';
import { TokenError } from '../../src/token/faults.ts';
import { versionLabel, versionObjectId } from '../../src/token/own-keys.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { HsmGroup } from '../../testing/hsm-group.ts';
import { inToken } from '../../testing/in-token.ts';
import { keysInToken } from '../support/keys-in-token.ts';
import { waitUntil } from '../support/steady-load.ts';
import { recordDeletion } from '../vault/recorded-deletion.ts';
import { Stage } from '../vault/stage.ts';

/* An HSM group of two members that hold the same keys. Each test leaves both up, and all but the last alike. */

const test = anyTest as TestFn<{ group: HsmGroup }>;

test.before(async (t) => {
  t.context = { group: await HsmGroup.open() };
});

test.after.always(async ({ context }) => {
  await context.group.dispose();
});

const has = async ({ pool }: HsmGroup, member: 'a' | 'b', id: string) =>
  (await keysInToken(pool, member)).has(versionObjectId(id, 1).toString('hex'));

/** Key objects of member a, as it tells them itself: none that is half written. */
const count = async ({ pool }: HsmGroup) => (await keysInToken(pool, 'a')).size;

async function findings({ vaultContext }: Stage) {
  const report = await reconcile(vaultContext, systemAct(vaultContext, 'reconcile'), { askedBy: 'start' });
  const [token] = report.tokens;
  return {
    compared: token?.compared,
    problem: token?.problem,
    found: (token?.findings ?? []).map(({ kind, outcome, name, detail }) => ({
      kind,
      outcome,
      name,
      detail,
    })),
  };
}

/** A key on both members. */
async function replicated(group: HsmGroup, stage: Stage, name: string) {
  const keySet = await stage.keySet();
  const before = await count(group);
  const making = stage.key(keySet, { name });
  await waitUntil(async () => (await count(group)) > before);
  await group.replicate('a', 'b');
  return making;
}

test.serial('a new key is in use once every member has it, and is destroyed on every member', async (t) => {
  const { group } = t.context;
  const stage = await Stage.open(t, group.tokens);
  const keySet = await stage.keySet();
  const before = await count(group);
  let isMade = false;
  const making = stage.key(keySet, { name: 'k' }).then((key) => {
    isMade = true;
    return key;
  });
  await waitUntil(async () => (await count(group)) > before);
  const [row] = await stage.store.db.selectFrom('cloud_keys').select(['id', 'state']).execute();
  t.false(isMade);
  t.is(row?.state, 'CREATING', 'member b does not have it yet');
  await group.replicate('a', 'b');
  const key = await making;
  t.is((await stage.read(key.id)).state, 'AVAILABLE');
  t.deepEqual(await findings(stage), { compared: true, problem: null, found: [] });

  await recordDeletion(stage.vaultContext, stage.vault.id, key);
  await group.down('b');
  const { destroyed, failed } = await deleteDueKeys(stage.vaultContext, stage.vaultContext.now());
  t.deepEqual(destroyed, [], 'member b has it still');
  const [left] = failed;
  t.regex(left?.error instanceof Error ? left.error.message : '', /member b/);
  const version = stage.store.db
    .selectFrom('key_versions')
    .select('state')
    .where('cloud_key_id', '=', key.id);
  t.is((await version.executeTakeFirstOrThrow()).state, 'DESTROYING');
  await group.up('b');
  t.true(await has(group, 'b', key.id));
  const again = await deleteDueKeys(stage.vaultContext, stage.vaultContext.now());
  t.deepEqual([again.failed, again.destroyed.length], [[], 1]);
  t.is((await version.executeTakeFirstOrThrow()).state, 'DESTROYED');
  t.deepEqual([await has(group, 'a', key.id), await has(group, 'b', key.id)], [false, false]);
});

test.serial('a key that does not come to every member is taken back, and the error names both', async (t) => {
  const { group } = t.context;
  const stage = await Stage.open(t, group.tokens);
  const keySet = await stage.keySet();
  const before = await count(group);
  const error = await t.throwsAsync(stage.key(keySet, { name: 'k' }), { instanceOf: TokenError });
  t.is(error.fault, 'key-missing');
  t.regex(error.message, /made on member a, and not seen on .* member b/);
  t.is(await count(group), before);
  t.deepEqual(await stage.store.db.selectFrom('cloud_keys').select('id').execute(), []);
});

test.serial(
  'with a member down keys are made on the others, and reconcile tells what it lacks',
  async (t) => {
    const { group } = t.context;
    const stage = await Stage.open(t, group.tokens);
    await group.down('b');
    const key = await stage.key(await stage.keySet(), { name: 'k' });
    const away = await findings(stage);
    t.like(away, { compared: false, found: [] });
    t.regex(away.problem ?? '', /^member b of the HSM group could not be asked/);
    await group.up('b');
    const { compared, found } = await findings(stage);
    t.true(compared);
    t.like(found, [{ kind: 'missing', outcome: 'none', name: 'k' }]);
    t.regex(found[0]?.detail ?? '', /^member b has no key object for this version; another member has/);
    const row = await stage.store.db
      .selectFrom('key_versions')
      .select(['state', 'unfit_since'])
      .executeTakeFirstOrThrow();
    t.deepEqual(row, { state: 'ACTIVE', unfit_since: null }, 'member a serves it');
    await group.replicate('a', 'b');
    t.deepEqual(await findings(stage), { compared: true, problem: null, found: [] });
    await recordDeletion(stage.vaultContext, stage.vault.id, key);
    await deleteDueKeys(stage.vaultContext, stage.vaultContext.now());
  },
);

test.serial(
  'a key object that one member alone has in another’s place, or without a record, is told with the member',
  async (t) => {
    const { group } = t.context;
    const stage = await Stage.open(t, group.tokens);
    const key = await replicated(group, stage, 'k');
    const id = versionObjectId(key.id, 1).toString('hex');
    const label = (await keysInToken(group.pool, 'b')).get(id)?.label ?? '';
    await inToken(group.fixtures.b, [
      { do: 'destroy', id },
      { do: 'generate', id, label },
      { do: 'generate', id: 'ab'.repeat(20), label: versionLabel(key.key_set_id, 'my-orphan', 1) },
    ]);
    const { found } = await findings(stage);
    const unsettled = async () => [...((await findUnsettled(stage.vaultContext))[0]?.compared?.counts ?? [])];
    t.deepEqual(
      await unsettled(),
      [
        ['unfit', 1],
        ['orphan', 1],
      ],
      'nothing else tells it while member a serves the key',
    );
    const lacking = async () => {
      const there = await findNotEverywhere(stage.vaultContext, ['token', 'another']);
      t.deepEqual([...there.keys()], ['token']);
      t.is(there.get('token')?.problem, null);
      return there
        .get('token')
        ?.findings.map(({ kind, member, name, version }) => [kind, member, name, version]);
    };
    t.deepEqual(await lacking(), [['unfit', 'b', 'k', 1]]);
    const versions = stage.store.db.updateTable('key_versions');
    await versions.set({ unfit_since: '2026-01-01T00:00:00.000Z' }).execute();
    t.deepEqual(await unsettled(), [['orphan', 1]], 'what no member has is told of the key');
    t.deepEqual(await lacking(), [], 'nor does another member have it');
    await versions.set({ unfit_since: null }).execute();
    t.like(
      found.toSorted((one, other) => one.kind.localeCompare(other.kind)),
      [
        { kind: 'orphan', outcome: 'none' },
        { kind: 'unfit', outcome: 'none', name: 'k' },
      ],
    );
    for (const { detail } of found) t.regex(detail, /^member b/);
    // Nothing is proven by one member alone.
    const version = {
      ...{ vaultId: stage.vault.id, keySetId: key.key_set_id, externalKeyId: key.external_key_id },
      ...{ cloudKeyId: key.id, version: 1, objectId: versionObjectId(key.id, 1), token: 'token' },
      ...{ origin: 'holdfast' as const, label: null, proof: null },
    };
    const error = await t.throwsAsync(proofOfFound(stage.vaultContext, version), { instanceOf: TokenError });
    t.is(error.fault, 'key-unfit');
    t.regex(error.message, /member b/);
  },
);
