import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { sql } from 'kysely';
import { StoreError } from '../../src/store/sqlite/sqlite.ts';
import { disableCloudKey, scheduleDeletion, updateCloudKey } from '../../src/keys/cloud-keys.ts';
import {
  issueCredential,
  updateCredential,
  withdrawCredential,
} from '../../src/keys/credentials/credentials.ts';
import { deleteDueKeys } from '../../src/keys/destruction.ts';
import { expireCredentials, expireKeys } from '../../src/schedules/expirations.ts';
import { freezeKeySet } from '../../src/keys/key-sets/key-sets.ts';
import { deleteVault } from '../../src/tenancy/vault-deletion.ts';
import { newKey, newKeySet, openVault, type TestVault } from '../../testing/vault.ts';

/*
 * An act that takes power away is answered only when what it wrote is what is there. The triggers here are temporary ones
 * of the very connection that writes, which no look at the schema finds.
 */

const test = anyTest as TestFn<TestVault>;

test.beforeEach(async (t) => {
  t.context = await openVault();
});
test.afterEach.always(async (t) => t.context.dispose());

async function trigger({ store }: TestVault, body: string): Promise<void> {
  await sql.raw(`CREATE TEMP TRIGGER planted ${body}`).execute(store.db);
}

/** The act fails and says so, and nothing of it is in the store. */
async function isRefused(
  t: ExecutionContext<TestVault>,
  act: () => Promise<unknown>,
  what: RegExp,
): Promise<void> {
  const { store } = t.context;
  const dump = async () => ({
    keys: await store.db.selectFrom('cloud_keys').selectAll().execute(),
    sets: await store.db.selectFrom('key_sets').selectAll().execute(),
    credentials: await store.db.selectFrom('xks_credentials').selectAll().execute(),
    events: await store.db.selectFrom('audit_events').select('sequence').execute(),
    revision: await store.revision(),
  });
  const before = await dump();
  const error = await t.throwsAsync(act(), { instanceOf: StoreError });
  t.is(error?.fault, 'changed-back');
  t.regex(error?.message ?? '', what);
  t.deepEqual(await dump(), before);
}

const undoKey = `AFTER UPDATE ON main.cloud_keys WHEN NEW.state <> OLD.state
  BEGIN UPDATE cloud_keys SET state = OLD.state WHERE id = NEW.id; END`;
const undoCredential = `AFTER UPDATE ON main.xks_credentials WHEN NEW.withdrawn_at IS NOT NULL
  BEGIN UPDATE xks_credentials SET withdrawn_at = NULL WHERE access_key_id = NEW.access_key_id; END`;
const soon = 5_000;

test.serial('every act on a CloudKey that something in the database takes back is refused', async (t) => {
  const { vaultContext, act, vault, clock } = t.context;
  const keySet = await newKeySet(t.context);
  const expiresAt = new Date(vaultContext.now().getTime() + soon);
  const [key, doomed, ending] = [
    await newKey(t.context, keySet),
    await newKey(t.context, keySet),
    await newKey(t.context, keySet, { expiresAt }),
  ];
  await scheduleDeletion(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: doomed.id }, 7);
  await trigger(t.context, undoKey);
  const state = /^the state of the CloudKey is not in the store as it was written/;
  await isRefused(
    t,
    async () => disableCloudKey(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: key.id }),
    state,
  );
  await isRefused(
    t,
    async () => scheduleDeletion(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: key.id }, 7),
    state,
  );
  clock.ahead = 2 * soon;
  await isRefused(t, async () => expireKeys(vaultContext), state);
  clock.ahead = 8 * 86_400_000;
  await isRefused(t, async () => deleteDueKeys(vaultContext, vaultContext.now()), state);
  t.is(
    (
      await t.context.store.db
        .selectFrom('cloud_keys')
        .select('state')
        .where('id', '=', ending.id)
        .executeTakeFirst()
    )?.state,
    'AVAILABLE',
  );
});

test.serial('an expiry that is put off again by the database is refused', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  await trigger(
    t.context,
    `AFTER UPDATE ON main.cloud_keys WHEN NEW.expires_at IS NOT NULL
     BEGIN UPDATE cloud_keys SET expires_at = NULL WHERE id = NEW.id; END`,
  );
  const expiresAt = new Date(vaultContext.now().getTime() + soon);
  await isRefused(
    t,
    async () =>
      updateCloudKey(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: key.id }, { expiresAt }),
    /the state of the CloudKey/,
  );
});

test.serial('a freeze that something takes back is refused', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const keySet = await newKeySet(t.context);
  await trigger(
    t.context,
    `AFTER UPDATE ON main.key_sets WHEN NEW.frozen_at IS NOT NULL
     BEGIN UPDATE key_sets SET frozen_at = NULL WHERE id = NEW.id; END`,
  );
  await isRefused(
    t,
    async () => freezeKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: keySet.id }),
    /the freeze of the key set/,
  );
});

test.serial('a credential that something keeps live is not told to be withdrawn', async (t) => {
  const { vaultContext, act, clock } = t.context;
  const keySet = await newKeySet(t.context);
  const { accessKeyId } = await issueCredential(vaultContext, act(), keySet);
  const expiresAt = new Date(vaultContext.now().getTime() + soon);
  await updateCredential(vaultContext, act(), keySet, { accessKeyId }, { expiresAt });
  await trigger(t.context, undoCredential);
  const withdrawal = /the end of the credential/;
  await isRefused(
    t,
    async () => withdrawCredential(vaultContext, act(), keySet, { accessKeyId }),
    withdrawal,
  );
  clock.ahead = 2 * soon;
  await isRefused(t, async () => expireCredentials(vaultContext), withdrawal);
});

test.serial('a vault whose keys or credentials live on is not told to be deleted', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const keySet = await newKeySet(t.context);
  await issueCredential(vaultContext, act(), keySet);
  await trigger(t.context, undoCredential);
  await isRefused(
    t,
    async () => deleteVault(vaultContext, act(), vault.id, vault.name, undefined),
    /the end of the vault/,
  );
});

test.serial('what is dropped from the audit trail was not done', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  await trigger(
    t.context,
    `BEFORE INSERT ON main.audit_events WHEN NEW.action = 'cloud-key.disable' BEGIN SELECT RAISE(IGNORE); END`,
  );
  await isRefused(
    t,
    async () => disableCloudKey(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: key.id }),
    /the audit event cloud-key.disable/,
  );
});

test.serial('a change that no worker would hear of is refused', async (t) => {
  const { vaultContext, act, vault } = t.context;
  const key = await newKey(t.context, await newKeySet(t.context));
  await trigger(
    t.context,
    `AFTER UPDATE ON main.revision BEGIN UPDATE revision SET revision = OLD.revision WHERE id = 1; END`,
  );
  await isRefused(
    t,
    async () => disableCloudKey(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: key.id }),
    /the revision/,
  );
});
