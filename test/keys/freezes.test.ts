import { byHand } from '../../testing/by-hand.ts';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { sql } from 'kysely';
import { StoreError } from '../../src/store/sqlite/sqlite.ts';
import { issueCredential } from '../../src/keys/credentials/credentials.ts';
import { Directory } from '../../src/serving/directory.ts';
import { freezeKeySets, thawKeySets } from '../../src/keys/key-sets/key-set-freezes.ts';
import { hideKeySet } from '../../src/keys/key-sets/key-set-removal.ts';
import { freezeKeySet, getKeySet, listKeySets, thawKeySet } from '../../src/keys/key-sets/key-sets.ts';
import { freezeAllVaults, freezeVault, thawVault } from '../../src/vault/vault-freezes.ts';
import { deleteVault } from '../../src/tenancy/vault-deletion.ts';
import { findVault } from '../../src/vault/vaults.ts';
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

/* The emergency stop: of several key sets, of a vault as a whole, of every vault. */

const test = anyTest as TestFn<TestVault>;

test.beforeEach(async (t) => {
  t.context = await openVault();
});
test.afterEach.always(async (t) => t.context.dispose());

/** A key set with a credential and a key, and what a worker finds of it that knew it before. */
async function served(t: ExecutionContext<TestVault>) {
  const { vaultContext, act, store, tokens } = t.context;
  const keySet = await newKeySet(t.context);
  const key = await newKey(t.context, keySet);
  const { accessKeyId } = await issueCredential(vaultContext, act(), keySet);
  const directory = new Directory(store, tokens);
  const state = async () => {
    await directory.refresh();
    const found = await directory.credential(accessKeyId);
    const known = await directory.cloudKey(keySet, key.external_key_id);
    return found === undefined || known === undefined ? undefined : directory.stateOf(found.keySet, known);
  };
  t.is(await state(), 'AVAILABLE');
  return { keySet, key, state };
}

test.serial(
  'a vault that its administrators freeze is frozen at the next look, and thawed by them',
  async (t) => {
    const { vaultContext, act, vault } = t.context;
    const { keySet, state } = await served(t);
    const frozen = await freezeVault(
      vaultContext,
      { ...act(), reason: 'INC-7' },
      { vaultId: vault.id },
      'vault',
    );
    t.is(await state(), 'FROZEN');
    t.not(frozen.frozen_at, null);
    t.deepEqual(
      await freezeVault(vaultContext, act(), { vaultId: vault.id }, 'vault'),
      frozen,
      'once more is no act',
    );
    t.like(await getKeySet(vaultContext, vault.id, 'all', keySet.id), {
      frozen_at: null,
      vault_frozen_at: frozen.frozen_at,
    });
    const page = { limit: 10 };
    t.is((await listKeySets(vaultContext, vault.id, 'all', { state: 'FROZEN' }, page)).items.length, 1);
    t.is((await listKeySets(vaultContext, vault.id, 'all', { state: 'ACTIVE' }, page)).items.length, 0);
    // Whoever thaws a key set gives back nothing of what the vault keeps.
    await thawKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: keySet.id });
    t.is(await state(), 'FROZEN');
    await thawVault(vaultContext, act(), { vaultId: vault.id }, 'vault');
    t.is(await state(), 'AVAILABLE');
    const events = await eventsOf(t.context, vault.id);
    t.deepEqual(
      events.map(({ action, vault_id }) => [action, vault_id]),
      ['freeze', 'thaw'].flatMap((verb) => ['', vault.id].map((of) => [`vault.${verb}`, of])),
    );
    t.like(JSON.parse(events[0]?.after ?? ''), { frozenSince: frozen.frozen_at, reason: 'INC-7' });
  },
);

test.serial('what the appliance freezes of a vault is usable when both sides have ended it', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const { state } = await served(t);
  const [freeze, thaw] = [
    async () => freezeVault(vaultContext, act(), { vaultId: vault.id }, 'appliance'),
    async (side: 'vault' | 'appliance') => thawVault(vaultContext, act(), { vaultId: vault.id }, side),
  ];
  for (const order of [['vault', 'appliance'] as const, ['appliance', 'vault'] as const]) {
    const { frozen_at, appliance_frozen_at } = await freeze();
    t.true(frozen_at !== null && appliance_frozen_at !== null);
    for (const [done, side] of order.entries()) {
      t.is(await state(), 'FROZEN', `${done} of two`);
      await thaw(side);
      await thaw(side);
    }
    t.is(await state(), 'AVAILABLE');
  }
});

test.serial(
  'the appliance thaws nothing that the vault has frozen, be it vault, key set or key',
  async (t) => {
    const { vaultContext, act, vault } = t.context;
    const { keySet, state } = await served(t);
    const { frozen_at } = await freezeVault(vaultContext, act(), { vaultId: vault.id }, 'vault');
    await freezeKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: keySet.id });
    t.like(await freezeVault(vaultContext, act(), { vaultId: vault.id }, 'appliance'), { frozen_at });
    t.like(await thawVault(vaultContext, act(), { vaultId: vault.id }, 'appliance'), {
      frozen_at,
      appliance_frozen_at: null,
    });
    t.is(await state(), 'FROZEN');
    await thawVault(vaultContext, act(), { vaultId: vault.id }, 'vault');
    t.is(await state(), 'FROZEN', 'the key set is frozen by itself');
    await thawKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: keySet.id });
    t.is(await state(), 'AVAILABLE');
  },
);

test.serial('all vaults are frozen in one act, in the trail of the appliance and of each', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const { state } = await served(t);
  // More than go into one statement of the trail.
  const names = Array.from({ length: 1_100 }, () => fresh('vault'));
  for (const name of names) await insertVault(store, name);
  const own = await insertVault(store, fresh('own'));
  const gone = await insertVault(store, fresh('gone'));
  await deleteVault(vaultContext, act(), gone.id, undefined, undefined);
  const { frozen_at: before } = await freezeVault(vaultContext, act(), { vaultId: own.id }, 'vault');
  const revision = await store.revision();
  t.deepEqual(await freezeAllVaults(vaultContext, { ...act(), reason: 'INC-8' }), {
    frozen: 1_101,
    before: 1,
  });
  t.is(await state(), 'FROZEN');
  t.is(await store.revision(), revision + 1, 'one transaction');
  t.is((await findVault(store.db, own.id)).frozen_at, before, 'its own freeze stays as it is');
  const events = await store.db
    .selectFrom('audit_events')
    .selectAll()
    .where((eb) => eb.or([eb('action', '=', 'vault.freeze-all'), eb('after', 'like', '%INC-8%')]))
    .orderBy('sequence')
    .execute();
  const [head, ...each] = events;
  t.like(head, { action: 'vault.freeze-all', vault_id: '', target_kind: 'appliance' });
  t.deepEqual(JSON.parse(head?.after ?? ''), { frozen: 1_101, frozenBefore: 1, reason: 'INC-8' });
  t.is(each.length, 1_101);
  t.true(
    each.every(({ action, vault_id, target_id }) => action === 'vault.freeze' && vault_id === target_id),
  );
  t.false(each.some(({ vault_id }) => vault_id === gone.id || vault_id === own.id));
  t.deepEqual(await freezeAllVaults(vaultContext, act()), { frozen: 0, before: 1_102 });
  // The appliance has no way back; each vault has its own.
  await thawVault(vaultContext, act(), { vaultId: vault.id }, 'appliance');
  t.is(await state(), 'FROZEN');
  await thawVault(vaultContext, act(), { vaultId: vault.id }, 'vault');
  t.is(await state(), 'AVAILABLE');
});

test.serial('several key sets are frozen in one act or none is, and only those that are seen', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const group = await insertGroup(store, vault.id, 'ours');
  const [ours, theirs, other] = [
    await newKeySet(t.context, { adminGroupId: group }),
    await newKeySet(t.context),
    await newKeySet(t.context),
  ];
  const frozen = async () =>
    (await listKeySets(vaultContext, vault.id, 'all', { state: 'FROZEN' }, { limit: 50 })).items
      .map(({ id }) => id)
      .toSorted();
  const missing = await t.throwsAsync(
    freezeKeySets(vaultContext, act(), vault.id, [group], [ours.id, theirs.id]),
    {
      name: 'VaultError',
    },
  );
  t.is(missing?.message, `there is no key set ${theirs.id}; nothing was done`);
  t.deepEqual(await frozen(), []);
  t.deepEqual(await freezeKeySets(vaultContext, act(), vault.id, [group], 'all'), { keySets: 1, changed: 1 });
  t.deepEqual(await frozen(), [ours.id]);
  t.deepEqual(await freezeKeySets(vaultContext, act(), vault.id, 'all', [ours.id, theirs.id]), {
    keySets: 2,
    changed: 1,
  });
  t.deepEqual(await frozen(), [ours.id, theirs.id].toSorted());
  t.deepEqual(await freezeKeySets(vaultContext, act(), vault.id, 'all', 'all'), { keySets: 3, changed: 1 });
  t.deepEqual(await thawKeySets(vaultContext, act(), vault.id, 'all', 'all'), { keySets: 3, changed: 3 });
  t.deepEqual(await frozen(), []);
  t.deepEqual(
    (await eventsOf(t.context, other.id)).map(({ action }) => action),
    ['key-set.create', 'key-set.freeze', 'key-set.thaw'],
  );
  await t.throwsAsync(
    freezeKeySets(vaultContext, act(), '00000000-0000-4000-8000-000000000000', 'all', 'all'),
    {
      message: 'there is no such vault',
    },
  );
});

test.serial('a key set that was removed, and whose rows go in steps, is frozen with no others', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const [kept, removed] = [await newKeySet(t.context), await newKeySet(t.context)];
  await store.change(byHand, async (trx) => hideKeySet(trx, removed));
  t.deepEqual(await freezeKeySets(vaultContext, act(), vault.id, 'all', 'all'), { keySets: 1, changed: 1 });
  await t.throwsAsync(thawKeySets(vaultContext, act(), vault.id, 'all', [kept.id, removed.id]), {
    message: `there is no key set ${removed.id}; nothing was done`,
  });
});

test.serial(
  'a freeze that something in the database takes back is refused, and nothing of it is done',
  async (t) => {
    const { vaultContext, act, vault, store } = t.context;
    const { keySet, state } = await served(t);
    for (const [table, columns] of [
      ['vaults', ['frozen_at', 'appliance_frozen_at']],
      ['key_sets', ['frozen_at']],
    ] as const)
      for (const column of columns)
        await sql
          .raw(
            `CREATE TEMP TRIGGER planted_${table}_${column} AFTER UPDATE ON main.${table} WHEN NEW.${column} IS NOT NULL
           BEGIN UPDATE ${table} SET ${column} = NULL WHERE id = NEW.id; END`,
          )
          .execute(store.db);
    for (const [act_, what] of [
      [
        async () => freezeVault(vaultContext, act(), { vaultId: vault.id }, 'vault'),
        /^the freeze of the vault is not/,
      ],
      [
        async () => freezeVault(vaultContext, act(), { vaultId: vault.id }, 'appliance'),
        /^the freeze of the vault is not/,
      ],
      [async () => freezeAllVaults(vaultContext, act()), /^the freeze of all vaults is not/],
      [
        async () => freezeKeySets(vaultContext, act(), vault.id, 'all', [keySet.id]),
        /^the freeze of the key sets is not/,
      ],
    ] as const) {
      const error = await t.throwsAsync(act_(), { instanceOf: StoreError });
      t.is(error?.fault, 'changed-back');
      t.regex(error?.message ?? '', what);
    }
    t.is(await state(), 'AVAILABLE');
    t.deepEqual(await eventsOf(t.context, vault.id), []);
  },
);

test.serial('events of many that are dropped from the trail undo the act', async (t) => {
  const { vaultContext, act, store } = t.context;
  const { state } = await served(t);
  await sql
    .raw(
      `CREATE TEMP TRIGGER planted BEFORE INSERT ON main.audit_events WHEN NEW.action = 'vault.freeze'
       BEGIN SELECT raise(IGNORE); END`,
    )
    .execute(store.db);
  await t.throwsAsync(freezeAllVaults(vaultContext, act()), { message: /the audit events of the act/ });
  t.is(await state(), 'AVAILABLE');
});
