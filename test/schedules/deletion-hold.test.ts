import anyTest, { type TestFn } from 'ava';
import { createLog } from '../../src/log.ts';
import { scheduleDeletion } from '../../src/keys/cloud-keys.ts';
import { deletionsHeldUntil, holdDeletions } from '../../src/schedules/deletion-hold.ts';
import { showNode } from '../../src/fleet/nodes.ts';
import { Schedules } from '../../src/schedules/schedules.ts';
import { newKey, newKeySet, openVault, type TestVault } from '../../testing/vault.ts';

const test = anyTest as TestFn<TestVault>;
const day = 24 * 60 * 60 * 1000;

test.beforeEach(async (t) => {
  t.context = await openVault();
});
test.afterEach.always(async (t) => t.context.dispose());

/** A CloudKey whose deletion is due. */
async function dueKey(vault: TestVault): Promise<() => Promise<string | undefined>> {
  const key = await newKey(vault, await newKeySet(vault));
  await scheduleDeletion(
    vault.vaultContext,
    vault.act(),
    { vaultId: vault.vault.id, sight: 'all', id: key.id },
    7,
  );
  vault.clock.ahead += 7 * day + 1000;
  return async () =>
    (
      await vault.store.db
        .selectFrom('cloud_keys')
        .select('state')
        .where('id', '=', key.id)
        .executeTakeFirst()
    )?.state;
}

function schedules({ vaultContext }: TestVault): Schedules {
  return new Schedules({ context: vaultContext, log: createLog('silent') });
}

test('while deletions are held no CloudKey is deleted, and a day later it is', async (t) => {
  const { vaultContext, clock } = t.context;
  const state = await dueKey(t.context);
  await holdDeletions(vaultContext, 'a test');
  await schedules(t.context).runOnce();
  t.is(await state(), 'PENDING_DELETION');
  clock.ahead += day - 60_000;
  await schedules(t.context).runOnce();
  t.is(await state(), 'PENDING_DELETION');
  clock.ahead += 61_000;
  await schedules(t.context).runOnce();
  t.is(await state(), 'DELETED');
});

test('a clock that is set back ends the hold that its leap began', async (t) => {
  const { vaultContext, clock } = t.context;
  clock.ahead += 400 * day;
  await holdDeletions(vaultContext, 'a test');
  t.not(await deletionsHeldUntil(vaultContext), undefined);
  clock.ahead -= 400 * day;
  t.is(await deletionsHeldUntil(vaultContext), undefined);
});

test('a start long after the last sign of life of any node does not take the word of the clock', async (t) => {
  const { vaultContext, clock, store } = t.context;
  const sign = {
    ...{ id: 'test-node', hostname: 'test', version: '0', startedAt: vaultContext.now().toISOString() },
    ...{ again: false, ends: false, tokens: [], serves: false, manages: false, boot: null, idle: true },
  };
  const show = async (start: string) =>
    showNode(store, { ...sign, start }, { kind: 'sqlite', durability: null, problems: [] }, vaultContext.now);
  await show('before');
  const state = await dueKey(t.context);
  clock.ahead += day;
  await show('now');
  const started = schedules(t.context);
  started.start();
  t.teardown(async () => started.stop());
  const looked = async () =>
    (await store.db.selectFrom('leases').select('name').where('name', '=', 'schedules').execute()).length > 0;
  while (!(await looked())) await new Promise((resolve) => setImmediate(resolve));
  await started.stop();
  t.not(await deletionsHeldUntil(vaultContext), undefined);
  t.is(await state(), 'PENDING_DELETION');
});
