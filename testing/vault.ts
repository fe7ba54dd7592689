import type { KeyContext } from '../src/keys/followers.ts';
import { awsFollower } from '../src/cloud/kms-keys/cloud-key-follower.ts';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Selectable } from 'kysely';
import { ownAuthority, type Act, type Actor } from '../src/evidence/trail.ts';
import { loadProfile } from '../src/config/profile.ts';
import { hostSettings } from '../src/node/host-settings.ts';
import { Secret } from '../src/secret.ts';
import type { AuditEventTable, VaultTable } from '../src/store/schema.ts';
import type { Store } from '../src/store/store.ts';
import { SqliteStore } from '../src/store/sqlite/sqlite.ts';
import { HostKeeper, LoginGate } from '../src/token/keeper/host-keeper.ts';
import { TokenPool } from '../src/token/pool/token-pool.ts';
import { createCloudKey, type CloudKeyRecord, type NewKeyInput } from '../src/keys/cloud-keys.ts';
import { createKeySet, type KeySet, type KeySetInput } from '../src/keys/key-sets/key-sets.ts';
import { TokenPools } from '../src/vault/tokens.ts';
import { memoryDirectory } from './memory-directory.ts';
import type { Shim } from './shim.ts';
import { chosenDatabase, newStore } from './stores.ts';
import { createSoftHsmToken, type TokenFixture } from './tokens.ts';

export interface TestVault {
  store: Store;
  tokens: TokenPools;
  /** The token itself, for what somebody does past Holdfast. */
  fixture: TokenFixture;
  /** Of a store in SQLite. */
  storePath: string;
  /** On the wall clock, moved on by `clock.ahead`. */
  vaultContext: KeyContext;
  /** How far the context's clock stands ahead, milliseconds. */
  clock: { ahead: number };
  /** A vault that may use the token. */
  vault: Selectable<VaultTable>;
  /** An act of a user of the vault at the context's time, or of another actor; each with a request id of its own. */
  act: (options?: { actor?: Actor; idempotencyKey?: string }) => Act;
  dispose: () => Promise<void>;
}

/** The row of a vault that may use `tokens`. */
export async function insertVault(
  store: Pick<Store, 'db'>,
  name: string,
  tokens: readonly string[] = ['token'],
): Promise<Selectable<VaultTable>> {
  const now = new Date().toISOString();
  return store.db
    .insertInto('vaults')
    .values({
      id: randomUUID(),
      name,
      type: 'cloud-key-management',
      description: '',
      administrator_name: 'Ada',
      administrator_email: 'ada@example.com',
      tokens: JSON.stringify(tokens),
      created_at: now,
      updated_at: now,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** The id of a new admin group of the vault. */
export async function insertGroup(store: Pick<Store, 'db'>, vaultId: string, name: string): Promise<string> {
  const id = randomUUID();
  const now = new Date().toISOString();
  await store.db
    .insertInto('admin_groups')
    .values({ id, vault_id: vaultId, name, description: '', created_at: now, updated_at: now })
    .execute();
  return id;
}

/** A SoftHSM token, called `token`, behind one token host. */
export interface TestToken {
  tokens: TokenPools;
  fixture: TokenFixture;
  serial: string;
  dispose: () => Promise<void>;
}

/** Through the fault shim if one is given; a new one, unless one that there is. */
export async function openToken(
  shim?: Shim,
  made: Promise<TokenFixture> = createSoftHsmToken(),
): Promise<TestToken> {
  const fixture = await made;
  // What no test makes silent is never silent for long, but on a machine that is starved.
  const [sickAfter, killAfter] = shim === undefined ? [20_000, 40_000] : [5_000, 10_000];
  const pool = new TokenPool('token', 1, () => undefined, {
    sickAfter,
    killAfter,
    queueLength: 4096,
    healthInterval: 60_000,
  });
  const ready = Promise.withResolvers<string>();
  const settings = hostSettings(
    {
      ...{ name: 'token', token: 'token', title: 'token' },
      moduleProfile: loadProfile('softhsm2'),
      label: fixture.label,
      module: shim?.module ?? fixture.module,
      environment: { ...fixture.environment, ...shim?.environment },
      start_timeout_ms: 60_000,
    },
    () => Promise.resolve(new Secret(fixture.pin)),
    { prepare: true },
  );
  const keeper = new HostKeeper(settings, new LoginGate(), {
    onReady: ({ id, pid, socket, info }) => {
      pool.addHost(id, pid, socket, { serial: info.serial });
      ready.resolve(info.serial);
    },
    onGone: (id) => pool.removeHost(id),
    onFailed: (problem) => ready.reject(new Error(problem)),
  });
  keeper.start();
  const serial = await ready.promise;
  return {
    tokens: new TokenPools([pool]),
    fixture,
    serial,
    dispose: async () => {
      pool.close();
      await keeper.stop();
      await fixture.dispose();
    },
  };
}

/** A store and a token; through the fault shim if one is given. */
export async function openVault(shim?: Shim): Promise<TestVault> {
  const { tokens, fixture, dispose } = await openToken(shim);
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-vault-'));
  const storePath = path.join(directory, 'holdfast.db');
  const store = chosenDatabase === 'SQLite' ? await SqliteStore.init(storePath) : await newStore();
  const clock = { ahead: 0 };
  const vaultContext: KeyContext = {
    store,
    tokens,
    now: () => new Date(Date.now() + clock.ahead),
    instance: 'test-node/1',
    followers: [awsFollower],
  };
  const user: Actor = { kind: 'user', id: randomUUID(), name: 'ada' };
  return {
    store,
    tokens,
    fixture,
    storePath,
    vaultContext,
    clock,
    vault: await insertVault(store, 'first'),
    act: ({ actor = user, idempotencyKey } = {}) => ({
      actor,
      address: '192.0.2.7',
      requestId: randomUUID(),
      at: vaultContext.now(),
      now: vaultContext.now,
      authority: ownAuthority,
      ...(idempotencyKey === undefined
        ? {}
        : { idempotency: { key: idempotencyKey, requestHash: Buffer.from(idempotencyKey) } }),
    }),
    dispose: async () => {
      await dispose();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

let count = 0;

/** A name that no other test of the process has. */
export function fresh(word: string): string {
  return `${word}-${++count}`;
}

/** A new key set of the vault, with a path prefix of its own unless told otherwise. */
export async function newKeySet(
  { vaultContext, act, vault }: TestVault,
  input: Partial<KeySetInput> = {},
): Promise<KeySet> {
  const name = fresh('set');
  return createKeySet(vaultContext, act(), vault.id, 'all', {
    name,
    token: 'token',
    pathPrefix: name,
    ...input,
  });
}

/** A new CloudKey of the key set. */
export async function newKey(
  { vaultContext, act, vault }: TestVault,
  keySet: Pick<KeySet, 'id'>,
  input: Partial<NewKeyInput> = {},
): Promise<CloudKeyRecord> {
  return createCloudKey(vaultContext, act(), vault.id, 'all', {
    name: fresh('key'),
    keySetId: keySet.id,
    ...input,
  });
}

/** The audit events of one thing, the oldest first. */
export async function eventsOf(
  { store }: Pick<TestVault, 'store'>,
  targetId: string,
): Promise<Selectable<AuditEventTable>[]> {
  return store.db
    .selectFrom('audit_events')
    .selectAll()
    .where('target_id', '=', targetId)
    .orderBy('sequence')
    .execute();
}
