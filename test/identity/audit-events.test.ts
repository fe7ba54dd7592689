import anyTest, { type TestFn } from 'ava';
import { listEvents, type EventInput } from '../../src/admin/audit/audit-event-list.ts';
import { record, recordAlone, type Act } from '../../src/evidence/trail.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { insertVault } from '../../testing/vault.ts';
import { openPeople, type People } from './people.ts';
import { byHand } from '../../testing/by-hand.ts';

const test = anyTest as TestFn<People>;
test.beforeEach(async (t) => {
  t.context = await openPeople();
});
test.afterEach.always(async (t) => t.context.dispose());

const newest = { limit: 50, sort: '-sequence' };

async function note(
  { store, act }: People,
  vaultId: string,
  action: string,
  { target = 'it', ...fields }: Partial<Act> & { target?: string } = {},
) {
  await recordAlone(
    store,
    { ...act(), ...fields },
    { action, vaultId, target: { kind: 'x', id: target, name: `name of ${target}` } },
  );
}

async function actions({ site }: People, vaultId: string, input: Partial<EventInput>, deleted?: string) {
  const { items } = await listEvents(site, vaultId, { ...newest, ...input }, deleted);
  return items.map(({ action }) => action);
}

test('a vault sees its own events, the appliance those of the appliance, and neither another’s', async (t) => {
  const { vaultId, store } = t.context;
  const other = await insertVault(store, 'Other');
  await note(t.context, '', 'mail.update');
  await note(t.context, vaultId, 'user.create');
  await note(t.context, other.id, 'user.delete');
  t.deepEqual(await actions(t.context, '', {}), ['mail.update']);
  t.deepEqual(await actions(t.context, vaultId, {}), ['user.create']);
  t.deepEqual(await actions(t.context, other.id, { target: 'it' }), ['user.delete']);
});

test('the appliance reads the trail of a vault only once it is deleted', async (t) => {
  const { vaultId, store } = t.context;
  await note(t.context, '', 'mail.update');
  await note(t.context, vaultId, 'user.create');
  t.deepEqual(await actions(t.context, '', {}, vaultId), []);
  await store.db.updateTable('vaults').set({ deleted_at: 'then' }).where('id', '=', vaultId).execute();
  t.deepEqual(await actions(t.context, '', {}, vaultId), ['user.create']);
});

test('events are found by action, actor, target, outcome and time', async (t) => {
  const { vaultId, store, act } = t.context;
  const ada = { kind: 'user', id: 'id of ada', name: 'ada' } as const;
  await note(t.context, vaultId, 'cloud-key.create', {
    now: () => new Date('2026-01-01T00:00:00Z'),
    actor: ada,
  });
  await note(t.context, vaultId, 'cloud-key.disable', {
    now: () => new Date('2026-01-02T00:00:00Z'),
    target: 'other',
  });
  await note(t.context, vaultId, 'cloud-keys.x', { now: () => new Date('2026-01-03T00:00:00Z') });
  await recordAlone(store, act(), {
    action: 'session.begin',
    vaultId,
    outcome: 'refused',
    target: { kind: 'user', id: '', name: '' },
  });
  const found = async (input: Partial<EventInput>) => (await actions(t.context, vaultId, input)).toReversed();
  t.deepEqual(await found({ action: 'cloud-key.create' }), ['cloud-key.create']);
  t.deepEqual(await found({ action: 'cloud-key.' }), ['cloud-key.create', 'cloud-key.disable']);
  t.deepEqual(await found({ action: '%' }), []);
  t.deepEqual(await found({ actor: 'ada' }), ['cloud-key.create']);
  t.deepEqual(await found({ actor: 'id of ada' }), ['cloud-key.create']);
  t.deepEqual(await found({ target: 'other' }), ['cloud-key.disable']);
  t.deepEqual(await found({ target: 'name of other' }), ['cloud-key.disable']);
  t.deepEqual(await found({ outcome: 'refused' }), ['session.begin']);
  const sequence = (await listEvents(t.context.site, vaultId, newest)).items[1]?.sequence;
  t.deepEqual(await found({ sequence }), ['cloud-keys.x']);
  t.deepEqual(await found({ sequence, outcome: 'refused' }), []);
  t.deepEqual(await actions(t.context, '', { sequence }), []);
  t.deepEqual(await found({ from: '2026-01-02T01:00:00+01:00', to: '2026-01-03T00:00:00.000Z' }), [
    'cloud-key.disable',
  ]);
});

test('pages go on where the last one ended, whatever comes meanwhile', async (t) => {
  const { vaultId, site } = t.context;
  for (let index = 0; index < 7; index++) await note(t.context, vaultId, `x.${index}`);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listEvents(site, vaultId, { limit: 3, sort: '-sequence', cursor });
    seen.push(...page.items.map(({ action }) => action));
    await note(t.context, vaultId, 'x.late');
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  t.deepEqual(seen, ['x.6', 'x.5', 'x.4', 'x.3', 'x.2', 'x.1', 'x.0']);
  await t.throwsAsync(listEvents(site, vaultId, { ...newest, cursor: 'x' }), { instanceOf: VaultError });
});

test('an act that is undone leaves no event', async (t) => {
  const { vaultId, store, act } = t.context;
  await t.throwsAsync(
    store.write(byHand, async (trx) => {
      await record(trx, act(), { action: 'x.y', vaultId, target: { kind: 'x', id: 'x', name: 'x' } });
      throw new Error('undone');
    }),
  );
  t.deepEqual(await actions(t.context, vaultId, {}), []);
});
