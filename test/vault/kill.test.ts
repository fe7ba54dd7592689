import type { KeyContext } from '../../src/keys/followers.ts';
import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { TokenError } from '../../src/token/faults.ts';
import type { TokenResponses } from '../../src/token/messages.ts';
import {
  createCloudKey,
  disableCloudKey,
  scheduleDeletion,
  type CloudKeyRecord,
} from '../../src/keys/cloud-keys.ts';
import { maxAct } from '../../src/keys/interrupted.ts';
import { bringToLimit, RotatingWorker } from '../support/limit-rotation.ts';
import { listVersions } from '../support/versions.ts';
import { issueCredential, revealSecret } from '../../src/keys/credentials/credentials.ts';
import { createKeySet, type KeySet } from '../../src/keys/key-sets/key-sets.ts';
import { reconcile } from '../../src/reconcile/reconcile.ts';
import { keysInToken } from '../support/keys-in-token.ts';
import { Schedules } from '../../src/schedules/schedules.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { managementDeadline } from '../../src/vault/tokens.ts';
import { insertVault, openVault, type TestVault } from '../../testing/vault.ts';
import { perform, type Deed, type FromDriver, type Order, type ToDriver } from './kill-driver.ts';
import { day, hour, KeptLog } from './stage.ts';
import { ofVersion } from '../support/key-identity.ts';
import { recordDeletion } from './recorded-deletion.ts';

const test = anyTest as TestFn<{ world: World }>;

const driver = path.join(import.meta.dirname, 'kill-driver.ts');

interface Ciphertext {
  cloudKeyId: string;
  version: number;
  identity: Buffer;
  sealed: TokenResponses['encrypt'];
  plaintext: Buffer;
}

const form = { aadForm: 'full', aad: Buffer.from('aad'), metadata: Buffer.from('metadata') } as const;

/** Acts that make a new version of the CloudKey that they are on, or a credential. */
const movesVersion = [
  ...['create', 'rotate', 're-enter-version', 'schedule-deletion', 'delete'].map(
    (verb) => `cloud-key.${verb}`,
  ),
  ...['credential.issue', 'credential.rotate'],
];

/** How an act ended: killed, or done after so many points. */
type Ending = { killed: true } | { killed: false; points: number };

/** A store and a token that many processes are killed over, and what was acknowledged of them. */
class World {
  readonly vaultContext: KeyContext;
  readonly keySet: KeySet;
  readonly vaultId: string;
  readonly #vault: TestVault;
  readonly #clock: { ahead: number };
  readonly #schedules: Schedules;
  /** Made before a process was killed; must be readable ever after. */
  readonly #ciphertexts: Ciphertext[] = [];
  #acts = 0;
  /** Started ahead, so that nobody waits for a process to load. */
  #next: ChildProcess | undefined;

  private constructor(vault: TestVault, vaultContext: KeyContext, keySet: KeySet) {
    this.#vault = vault;
    this.vaultContext = vaultContext;
    this.#clock = vault.clock;
    this.keySet = keySet;
    this.vaultId = vault.vault.id;
    this.#schedules = new Schedules({ context: vaultContext, log: new KeptLog().log });
    this.#next = start();
  }

  static async open(): Promise<World> {
    const vault = await openVault();
    const vaultContext = { ...vault.vaultContext, instance: 'node/parent' };
    const act = systemAct(vaultContext, 'test');
    const input = { name: 'set', token: 'token' };
    return new World(
      vault,
      vaultContext,
      await createKeySet(vaultContext, act, vault.vault.id, 'all', input),
    );
  }

  async close(): Promise<void> {
    this.#next?.kill('SIGKILL');
    await this.#vault.dispose();
  }

  get act() {
    return systemAct(this.vaultContext, 'test');
  }

  advance(milliseconds: number): void {
    this.#clock.ahead += milliseconds;
  }

  /** A key with some ciphertext, all acknowledged. */
  async key(more: { keySet?: KeySet; vaultId?: string } = {}): Promise<CloudKeyRecord> {
    const { keySet = this.keySet, vaultId = this.vaultId } = more;
    const input = { keySetId: keySet.id, name: `key-${++this.#acts}` };
    const key = await createCloudKey(this.vaultContext, this.act, vaultId, 'all', input);
    await this.encrypt(key);
    return key;
  }

  async encrypt(key: CloudKeyRecord): Promise<void> {
    const plaintext = randomBytes(32);
    const version = (await listVersions(this.vaultContext, key)).find(
      (one) => one.version === key.current_version,
    );
    if (version === undefined) throw new Error('a key without its current version');
    const { value } = await this.vaultContext.tokens
      .pool('token')
      .call(
        { kind: 'encrypt', ...ofVersion(key, version.version), ...form, plaintext, verify: false },
        managementDeadline(),
      );
    const { identity } = ofVersion(key, version.version);
    this.#ciphertexts.push({
      cloudKeyId: key.id,
      version: version.version,
      identity,
      sealed: value,
      plaintext,
    });
  }

  /** What was encrypted with the key is not expected to be readable any more. */
  forget(key: CloudKeyRecord): void {
    const kept = this.#ciphertexts.filter(({ cloudKeyId }) => cloudKeyId !== key.id);
    this.#ciphertexts.splice(0, this.#ciphertexts.length, ...kept);
  }

  async read(id: string): Promise<CloudKeyRecord | undefined> {
    return this.vaultContext.store.db
      .selectFrom('cloud_keys')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
  }

  async count(action: string, targetId: string): Promise<number> {
    const { n } = await this.vaultContext.store.db
      .selectFrom('audit_events')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where('action', '=', action)
      .where('target_id', '=', targetId)
      .executeTakeFirstOrThrow();
    return n;
  }

  /**
   * By how much the version of each CloudKey is ahead of its events in the trail, and credentials of theirs: whatever is
   * done moves both, in one transaction, or neither.
   */
  async ahead(): Promise<Map<string, number>> {
    const { db } = this.vaultContext.store;
    const keys = await db.selectFrom('cloud_keys').select(['id', 'row_version']).execute();
    const credentials = await db.selectFrom('xks_credentials').select('access_key_id as id').execute();
    const events = await db
      .selectFrom('audit_events')
      .select(['target_id', (eb) => eb.fn.countAll<number>().as('n')])
      .where('action', 'in', movesVersion)
      .groupBy('target_id')
      .execute();
    const known = new Map(events.map(({ target_id, n }) => [target_id, n]));
    const rows = [...keys, ...credentials.map(({ id }) => ({ id, row_version: 2 }))];
    return new Map(rows.map(({ id, row_version }) => [id, row_version - 1 - (known.get(id) ?? 0)]));
  }

  /** Has another process do the deed, and kill itself at a point. */
  async kill(deed: Deed, killAt: number, idempotencyKey: string): Promise<Ending> {
    const child = this.#next ?? start();
    this.#next = start();
    const instance = `node/child-${++this.#acts}`;
    const { ahead } = this.#clock;
    const order: Order = { storePath: this.#vault.storePath, instance, ahead, killAt, deed, idempotencyKey };
    const calls: Promise<void>[] = [];
    let ending: Ending = { killed: true };
    child.on('message', (message: FromDriver) => {
      if (message.kind === 'ready') child.send({ kind: 'order', order } satisfies ToDriver);
      else if (message.kind === 'call') calls.push(this.#answer(child, message));
      else {
        ending = { killed: false, points: message.points };
        child.kill('SIGTERM');
      }
    });
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    if (code !== null) throw new Error(`the driver ended by itself, with ${code}`);
    if (ending.killed && signal !== 'SIGKILL') throw new Error(`the driver ended by ${String(signal)}`);
    // What was sent to the token is done by the token, whoever has died.
    await Promise.all(calls);
    return ending;
  }

  async #answer(child: ChildProcess, { id, token, request }: Extract<FromDriver, { kind: 'call' }>) {
    const reply = (answer: { value?: unknown; fault?: { fault: TokenError['fault']; call: string } }) => {
      if (!child.connected) return;
      const message: ToDriver = { kind: 'answer', id, value: undefined, ...answer };
      child.send(message, () => undefined);
    };
    try {
      reply({
        value: (await this.vaultContext.tokens.pool(token).call(request, managementDeadline())).value,
      });
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      reply({ fault: { fault: error.fault, call: error.call } });
    }
  }

  /** What a node does when it starts again, and what must be true then. */
  async recover(t: ExecutionContext<{ world: World }>, when: string): Promise<void> {
    await reconcile(this.vaultContext, systemAct(this.vaultContext, 'reconcile'), { askedBy: 'start' });
    const { held, failed } = await this.#schedules.runOnce();
    t.true(held, when);
    t.deepEqual(failed, [], when);

    const { db } = this.vaultContext.store;
    const creating = await db
      .selectFrom('cloud_keys')
      .select('name')
      .where('state', '=', 'CREATING')
      .execute();
    t.deepEqual(creating, [], `${when}: no key is half made`);
    const versions = await db.selectFrom('key_versions').selectAll().execute();
    const between = versions.filter(({ state }) => state === 'PENDING' || state === 'DESTROYING');
    t.deepEqual(between, [], `${when}: no version is half made or half destroyed`);
    t.deepEqual(
      [...(await keysInToken(this.vaultContext.tokens.pool('token'))).keys()],
      versions
        .filter(({ state }) => state === 'ACTIVE')
        .map(({ object_id }) => object_id.toString('hex'))
        .toSorted(),
      `${when}: store and token have the same`,
    );
    for (const { cloudKeyId, version, identity, sealed, plaintext } of this.#ciphertexts) {
      const known = versions.find((row) => row.cloud_key_id === cloudKeyId && row.version === version);
      const { value: opened } = await this.vaultContext.tokens
        .pool('token')
        .call(
          { kind: 'decrypt', key: known?.object_id ?? Buffer.alloc(0), identity, ...form, ...sealed },
          managementDeadline(),
        );
      t.deepEqual(Buffer.from(opened.plaintext), plaintext, when);
    }
  }

  /** Nothing is left for another start to do. */
  async isAtRest(t: ExecutionContext<{ world: World }>): Promise<void> {
    const report = await reconcile(this.vaultContext, systemAct(this.vaultContext, 'reconcile'), {
      askedBy: 'start',
    });
    t.deepEqual(
      report.tokens.flatMap(({ findings }) => findings),
      [],
    );
  }

  /** Begins with an empty token. */
  async clear(): Promise<void> {
    this.#ciphertexts.length = 0;
    const { db } = this.vaultContext.store;
    const keys = await db.selectFrom('cloud_keys').selectAll().where('state', '<>', 'DELETED').execute();
    for (const key of keys) await recordDeletion(this.vaultContext, this.vaultId, key);
    const withdrawn_at = this.vaultContext.now().toISOString();
    await db.updateTable('xks_credentials').set({ withdrawn_at }).where('withdrawn_at', 'is', null).execute();
    await this.#schedules.runOnce();
  }

  /** As the management API does with a create that comes again: answers with what was made, or makes it. */
  async repeat(deed: Deed, idempotencyKey: string): Promise<string> {
    const made = () =>
      this.vaultContext.store.db
        .selectFrom('idempotency_keys')
        .select('target_id')
        .where('key', '=', idempotencyKey)
        .execute();
    if ((await made()).length === 0) await perform(this.vaultContext, deed, idempotencyKey);
    const [row, second] = await made();
    if (row === undefined || second !== undefined) throw new Error('not one record of the Idempotency-Key');
    return row.target_id;
  }
}

function start(): ChildProcess {
  return fork(driver, [], { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

test.before(async (t) => {
  t.context = { world: await World.open() };
});
test.after.always(async (t) => t.context.world.close());

interface Trial {
  deed: Deed;
  /** How long nobody looks at what was left, milliseconds. */
  recoverAfter?: number;
  /** What is true of this deed after the recovery. */
  check: (ending: Ending, idempotencyKey: string) => Promise<void>;
}

/** Kills a process at every point of a deed (or each `stride`th), each time with all put right afterwards, until one gets to the end. */
function killedAtEveryPoint(
  title: string,
  { minPoints, stride = 1 }: { minPoints: number; stride?: number },
  prepare: (t: ExecutionContext<{ world: World }>) => Promise<Trial>,
): void {
  test.serial(`${title}, killed at every step, is done or undone`, async (t) => {
    await t.context.world.clear();
    for (let point = 1; ; point += stride) {
      const { deed, recoverAfter = 0, check } = await prepare(t);
      const idempotencyKey = `${deed.do}-${point}`;
      const before = await t.context.world.ahead();
      const ending = await t.context.world.kill(deed, point, idempotencyKey);
      const when = ending.killed ? `killed at ${point}` : 'not killed';
      // The keys of a vault that goes stand in its own event.
      if (deed.do !== 'delete-vault')
        for (const [id, ahead] of await t.context.world.ahead())
          t.is(ahead, before.get(id) ?? 0, `${when}: ${id} and the trail are apart`);
      t.context.world.advance(recoverAfter);
      await t.context.world.recover(t, when);
      await check(ending, idempotencyKey);
      if (ending.killed) continue;
      await t.context.world.isAtRest(t);
      t.true(ending.points >= point - stride && ending.points < point, 'every point was tried');
      t.true(ending.points >= minPoints, `${ending.points} points`);
      return;
    }
  });
}

// A transaction and a call of the token have two points each, and the end of the act is one.
const steps = (count: number) => 2 * count + 1;

let names = 0;

killedAtEveryPoint('the creation of a key', { minPoints: steps(3) }, async (t) => {
  const { world } = t.context;
  const name = `made-${++names}`;
  const deed: Deed = {
    do: 'create',
    vaultId: world.vaultId,
    keySetId: world.keySet.id,
    name,
    externalKeyId: name,
  };
  return {
    deed,
    check: async (ending, idempotencyKey) => {
      const rows = async () =>
        world.vaultContext.store.db.selectFrom('cloud_keys').selectAll().where('name', '=', name).execute();
      const before = await rows();
      t.true(before.length === 1 || ending.killed, 'what was acknowledged is there');
      const id = await world.repeat(deed, idempotencyKey);
      const [key, second] = await rows();
      t.like(key, { id, state: 'AVAILABLE', external_key_id: name, current_version: 1 });
      t.is(second, undefined);
      t.is(await world.count('cloud-key.create', id), 1);
      if (key !== undefined) await world.encrypt(key);
    },
  };
});

killedAtEveryPoint('a rotation', { minPoints: steps(3) }, async (t) => {
  const { world } = t.context;
  const key = await world.key();
  return {
    deed: { do: 'rotate', cloudKeyId: key.id },
    check: async (ending) => {
      const after = await world.read(key.id);
      if (!ending.killed) t.is(after?.current_version, 2);
      t.is(await world.count('cloud-key.rotate', key.id), after?.current_version === 2 ? 1 : 0);
      const active = (await listVersions(world.vaultContext, key)).filter(({ state }) => state === 'ACTIVE');
      t.is(active.at(-1)?.version, after?.current_version);
      if (after !== undefined) await world.encrypt(after);
    },
  };
});

killedAtEveryPoint('a rotation at the limit', { minPoints: steps(3) }, async (t) => {
  const { world } = t.context;
  const key = await world.key();
  await bringToLimit(world.vaultContext, key);
  return {
    deed: { do: 'rotate-at-limit', cloudKeyId: key.id },
    // A worker is of no node that reconcile knows: what it began is its own for so long.
    recoverAfter: maxAct + 1_000,
    check: async (ending) => {
      const after = await world.read(key.id);
      if (!ending.killed) t.is(after?.current_version, 2);
      t.is(await world.count('cloud-key.rotate', key.id), after?.current_version === 2 ? 1 : 0);
      // The next worker that asks makes up for what was undone, and nothing comes on top.
      await new RotatingWorker(world.vaultContext).rotate(key);
      const active = (await listVersions(world.vaultContext, key)).filter(({ state }) => state === 'ACTIVE');
      t.is(active.length, 2, 'one new version');
      t.is(active.at(-1)?.encryptions_leased, 1, 'of which nothing but its proof is counted');
      const rotated = await world.read(key.id);
      if (rotated !== undefined) await world.encrypt(rotated);
    },
  };
});

killedAtEveryPoint('a rotation by schedule', { minPoints: steps(3) }, async (t) => {
  const { world } = t.context;
  const key = await world.key();
  await world.vaultContext.store.db
    .updateTable('cloud_keys')
    .set({ rotation: 'DAYS', rotation_days: 3650, next_rotation_at: world.vaultContext.now().toISOString() })
    .where('id', '=', key.id)
    .execute();
  return {
    deed: { do: 'rotate-due' },
    check: async () => {
      // The same look at the clock: what was cut short is made up for, and nothing comes on top.
      t.is(await world.count('cloud-key.rotate', key.id), 1);
      const after = await world.read(key.id);
      t.true((after?.next_rotation_at ?? '') > world.vaultContext.now().toISOString());
    },
  };
});

killedAtEveryPoint('a scheduled deletion', { minPoints: steps(1) }, async (t) => {
  const { world } = t.context;
  const key = await world.key();
  return {
    deed: { do: 'schedule-deletion', vaultId: world.vaultId, cloudKeyId: key.id },
    check: async (ending) => {
      const state = (await world.read(key.id))?.state;
      if (!ending.killed) t.is(state, 'PENDING_DELETION');
      t.is(await world.count('cloud-key.schedule-deletion', key.id), state === 'PENDING_DELETION' ? 1 : 0);
      // Not to be in the way of the next test.
      await world.vaultContext.store.db
        .updateTable('cloud_keys')
        .set({ state: 'DISABLED', deletion_at: null })
        .where('id', '=', key.id)
        .execute();
    },
  };
});

killedAtEveryPoint('a deletion that is due', { minPoints: steps(3) }, async (t) => {
  const { world } = t.context;
  const key = await world.key();
  await scheduleDeletion(
    world.vaultContext,
    world.act,
    { vaultId: world.vaultId, sight: 'all', id: key.id },
    7,
  );
  world.advance(7 * day + hour);
  world.forget(key);
  return {
    deed: { do: 'delete-due' },
    check: async () => {
      t.is((await world.read(key.id))?.state, 'DELETED');
      t.deepEqual(
        (await listVersions(world.vaultContext, key)).map(({ state }) => state),
        ['DESTROYED'],
      );
      t.is(await world.count('cloud-key.delete', key.id), 1);
      t.is(await world.count('cloud-key.destroy-version', key.id), 1);
    },
  };
});

async function credentialsOf(world: World, keySet: KeySet) {
  return world.vaultContext.store.db
    .selectFrom('xks_credentials')
    .selectAll()
    .where('key_set_id', '=', keySet.id)
    .orderBy('created_at')
    .execute();
}

async function newKeySet(world: World, vaultId = world.vaultId): Promise<KeySet> {
  return createKeySet(world.vaultContext, world.act, vaultId, 'all', {
    name: `set-${++names}`,
    token: 'token',
  });
}

killedAtEveryPoint('the issue of a credential', { minPoints: steps(2) }, async (t) => {
  const { world } = t.context;
  const keySet = await newKeySet(world);
  const deed: Deed = { do: 'issue', vaultId: world.vaultId, keySetId: keySet.id };
  return {
    deed,
    check: async (ending, idempotencyKey) => {
      const before = await credentialsOf(world, keySet);
      t.true(before.length === 1 || ending.killed, 'what was acknowledged is there');
      const id = await world.repeat(deed, idempotencyKey);
      const [credential, second] = await credentialsOf(world, keySet);
      t.is(credential?.access_key_id, id);
      t.is(second, undefined);
      t.is(await world.count('credential.issue', id), 1);
      if (credential === undefined) return;
      const { deadline } = managementDeadline();
      const identity = {
        vaultId: keySet.vault_id,
        keySetId: keySet.id,
        accessKeyId: id,
        sealedSecret: credential.sealed_secret,
      };
      await t.notThrowsAsync(revealSecret(world.vaultContext.tokens, identity, 'token', deadline));
    },
  };
});

killedAtEveryPoint('the rotation of a credential', { minPoints: steps(2) }, async (t) => {
  const { world } = t.context;
  const keySet = await newKeySet(world);
  const { accessKeyId } = await issueCredential(world.vaultContext, world.act, keySet);
  const deed: Deed = { do: 'rotate-credential', vaultId: world.vaultId, keySetId: keySet.id, accessKeyId };
  return {
    deed,
    check: async (ending, idempotencyKey) => {
      const one = (await credentialsOf(world, keySet)).find(
        ({ access_key_id }) => access_key_id === accessKeyId,
      );
      t.true(one?.successor !== null || ending.killed, 'what was acknowledged is there');
      const id = await world.repeat(deed, idempotencyKey);
      const [old, successor, third] = await credentialsOf(world, keySet);
      t.like(old, { access_key_id: accessKeyId, successor: id, withdrawn_at: null });
      t.like(successor, { access_key_id: id, successor: null, withdrawn_at: null });
      t.is(third, undefined);
      t.is(await world.count('credential.rotate', id), 1);
    },
  };
});

killedAtEveryPoint('the deletion of a vault', { minPoints: steps(1) }, async (t) => {
  const { world } = t.context;
  const vault = await insertVault(world.vaultContext.store, `vault-${++names}`);
  const keySet = await newKeySet(world, vault.id);
  const key = await world.key({ keySet, vaultId: vault.id });
  await disableCloudKey(world.vaultContext, world.act, { vaultId: vault.id, sight: 'all', id: key.id });
  await issueCredential(world.vaultContext, world.act, keySet);
  world.forget(key);
  return {
    deed: { do: 'delete-vault', vaultId: vault.id, name: vault.name },
    check: async (ending) => {
      const after = await world.vaultContext.store.db
        .selectFrom('vaults')
        .select('deleted_at')
        .where('id', '=', vault.id)
        .executeTakeFirst();
      const isDeleted = after?.deleted_at !== null;
      t.true(isDeleted || ending.killed);
      t.is((await world.read(key.id))?.state, isDeleted ? 'DELETED' : 'DISABLED');
      const [version] = await listVersions(world.vaultContext, key);
      t.is(version?.state, isDeleted ? 'DESTROYED' : 'ACTIVE');
      const [credential] = await credentialsOf(world, keySet);
      t.is(credential?.withdrawn_at !== null, isDeleted);
    },
  };
});

// It has many more points than an act; each third is tried, which are of every kind.
killedAtEveryPoint('reconcile itself', { minPoints: steps(9), stride: 3 }, async (t) => {
  const { world } = t.context;
  // It looks at every key and every credential: those of the trials before would add points to each trial.
  await world.clear();
  const [made, unmade, rotated, deleted] = [
    await world.key(),
    await world.key(),
    await world.key(),
    await world.key(),
  ];
  for (const key of [unmade, deleted]) world.forget(key);
  // As other processes have left them.
  const { db } = world.vaultContext.store;
  for (const { id } of [made, unmade]) {
    await db.updateTable('cloud_keys').set({ state: 'CREATING' }).where('id', '=', id).execute();
    await db
      .updateTable('key_versions')
      .set({ state: 'PENDING', made_by: 'node/gone' })
      .where('cloud_key_id', '=', id)
      .execute();
  }
  const pool = world.vaultContext.tokens.pool('token');
  await pool.call({ kind: 'destroyKey', ...ofVersion(unmade, 1) }, managementDeadline());
  await recordDeletion(world.vaultContext, world.vaultId, deleted);
  // And a version that an older store does not know.
  await perform(world.vaultContext, { do: 'rotate', cloudKeyId: rotated.id }, `set-back-${rotated.id}`);
  const newer = await world.read(rotated.id);
  if (newer !== undefined) await world.encrypt(newer);
  await db
    .deleteFrom('key_versions')
    .where('cloud_key_id', '=', rotated.id)
    .where('version', '=', 2)
    .execute();
  await db.updateTable('cloud_keys').set({ current_version: 1 }).where('id', '=', rotated.id).execute();
  return {
    deed: { do: 'reconcile' },
    check: async () => {
      t.is((await world.read(made.id))?.state, 'AVAILABLE');
      t.is(await world.read(unmade.id), undefined);
      t.is(await world.count('cloud-key.destroy-version', deleted.id), 1);
      t.is(await world.count('cloud-key.re-enter-version', rotated.id), 1);
      const after = await world.read(rotated.id);
      t.true((after?.current_version ?? 0) >= 3, 'what was put back does not encrypt');
    },
  };
});
