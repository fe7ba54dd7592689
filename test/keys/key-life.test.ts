import anyTest, { type TestFn } from 'ava';
import fc from '../../testing/properties.ts';
import { SeenVersion } from '../../src/store/act-transaction.ts';
import type { CloudKeyState } from '../../src/store/schema.ts';
import {
  cancelDeletion,
  createCloudKey,
  disableCloudKey,
  enableCloudKey,
  getCloudKey,
  keyState,
  rotateCloudKey,
  scheduleDeletion,
  updateCloudKey,
  type CloudKeyRecord,
} from '../../src/keys/cloud-keys.ts';
import { listVersions } from '../support/versions.ts';
import { deleteDueKeys } from '../../src/keys/destruction.ts';
import { expireKeys } from '../../src/schedules/expirations.ts';
import type { KeySet } from '../../src/keys/key-sets/key-sets.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { eventsOf, newKeySet, openVault, type TestVault } from '../../testing/vault.ts';

/*
 * Acts in any order, by a person, by the schedule and by the clock alone, against a model that is a table.
 */

const test = anyTest as TestFn<TestVault>;

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

const day = 86_400_000;
const names = ['a', 'b'] as const;
const externalKeyIds = ['u', 'v', 'w', 'x', 'y', 'z'] as const;

type Step =
  | { act: 'create'; name: string; externalKeyId: string; expires: boolean }
  | {
      act: 'disable' | 'enable' | 'rotate' | 'schedule' | 'cancel' | 'extend' | 'describe';
      key: number;
      late: boolean;
    }
  | { act: 'pass'; days: number }
  | { act: 'write' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('create' as const),
      name: fc.constantFrom(...names),
      externalKeyId: fc.constantFrom(...externalKeyIds),
      expires: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      act: fc.constantFrom('disable', 'enable', 'rotate', 'schedule', 'cancel', 'extend', 'describe'),
      key: fc.nat(3),
      // Seen before the last change of it.
      late: fc.nat(7).map((dice) => dice === 0),
    }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('pass' as const), days: fc.constantFrom(1, 6, 8) }) },
  { weight: 2, arbitrary: fc.constant({ act: 'write' as const }) },
);

interface ModelKey {
  id: string;
  name: string;
  externalKeyId: string;
  /** As a request finds it. */
  state: CloudKeyState;
  expiresAt: number;
  deletionAt: number;
  rowVersion: number;
  versions: number;
  acts: string[];
}

/** What an act makes of each state; a state that is missing refuses it. The same state again is no act. */
const outcomes: Record<string, Partial<Record<CloudKeyState, CloudKeyState>>> = {
  disable: { AVAILABLE: 'DISABLED', DISABLED: 'DISABLED' },
  enable: { AVAILABLE: 'AVAILABLE', DISABLED: 'AVAILABLE' },
  rotate: { AVAILABLE: 'AVAILABLE', DISABLED: 'DISABLED' },
  schedule: { AVAILABLE: 'PENDING_DELETION', DISABLED: 'PENDING_DELETION', EXPIRED: 'PENDING_DELETION' },
  cancel: { DISABLED: 'DISABLED', PENDING_DELETION: 'DISABLED' },
  extend: { AVAILABLE: 'AVAILABLE', DISABLED: 'DISABLED', EXPIRED: 'DISABLED' },
  describe: { AVAILABLE: 'AVAILABLE', DISABLED: 'DISABLED', EXPIRED: 'EXPIRED' },
};

const verbs: Record<string, string> = {
  disable: 'disable',
  enable: 'enable',
  rotate: 'rotate',
  schedule: 'schedule-deletion',
  cancel: 'cancel-deletion',
  extend: 'update',
  describe: 'update',
};

class Model {
  readonly #context: TestVault;
  readonly #keySet: KeySet;
  readonly #prefix: string;
  readonly keys: ModelKey[] = [];
  #words = 0;

  constructor(context: TestVault, keySet: KeySet, prefix: string) {
    this.#context = context;
    this.#keySet = keySet;
    this.#prefix = prefix;
  }

  get #now(): number {
    return this.#context.vaultContext.now().getTime();
  }

  async do(step: Step): Promise<void> {
    switch (step.act) {
      case 'create':
        return this.#create(step);
      case 'pass':
        this.#context.clock.ahead += step.days * day;
        return this.#age();
      case 'write':
        // What the schedule writes changes nothing of what a request finds, but for what ends for good.
        await expireKeys(this.#context.vaultContext);
        await deleteDueKeys(this.#context.vaultContext, this.#context.vaultContext.now());
        for (const key of this.keys)
          if (key.state === 'PENDING_DELETION' && key.deletionAt <= this.#now) {
            key.state = 'DELETED';
            key.acts.push('delete', ...Array.from({ length: key.versions }, () => 'destroy-version'));
          }
        return;
      case 'disable':
      case 'enable':
      case 'rotate':
      case 'schedule':
      case 'cancel':
      case 'extend':
      case 'describe':
        return this.#act(step);
    }
  }

  async #create({ name, externalKeyId, expires }: Extract<Step, { act: 'create' }>): Promise<void> {
    const { vaultContext, act, vault } = this.#context;
    const external = `${this.#prefix}${externalKeyId}`;
    const isTaken =
      this.keys.some((key) => key.externalKeyId === external) ||
      this.keys.some((key) => key.name === name && key.state !== 'DELETED');
    const expiresAt = expires ? new Date(this.#now + 5 * day) : null;
    const input = { keySetId: this.#keySet.id, name, externalKeyId: external, expiresAt };
    const made = await tried(createCloudKey(vaultContext, act(), vault.id, 'all', input));
    if ((made === undefined) !== isTaken)
      throw new Error(`create should ${isTaken ? 'not ' : ''}have been done`);
    if (made === undefined) return;
    this.keys.push({
      id: made.id,
      name,
      externalKeyId: external,
      state: 'AVAILABLE',
      expiresAt: expiresAt?.getTime() ?? Infinity,
      deletionAt: Infinity,
      rowVersion: made.row_version,
      versions: 1,
      acts: ['create'],
    });
  }

  async #act({ act: name, key: number, late }: Extract<Step, { key: number }>): Promise<void> {
    const { vaultContext, act, vault } = this.#context;
    const key = this.keys[number % this.keys.length];
    if (key === undefined) return;
    const before = await getCloudKey(vaultContext, vault.id, 'all', key.id);
    const expected = new SeenVersion(before.row_version - (late ? 1 : 0));
    const on = [vaultContext, act(), { vaultId: vault.id, sight: 'all', id: key.id, expected }] as const;
    const expiresAt = new Date(this.#now + 20 * day);
    const acts: Record<typeof name, () => Promise<CloudKeyRecord>> = {
      disable: async () => disableCloudKey(...on),
      enable: async () => enableCloudKey(...on),
      rotate: async () => rotateCloudKey(vaultContext, on[1], before, 'asked', expected),
      schedule: async () => scheduleDeletion(...on, 7),
      cancel: async () => cancelDeletion(...on),
      extend: async () => updateCloudKey(...on, { expiresAt }),
      describe: async () => updateCloudKey(...on, { description: `word ${++this.#words}` }),
    };
    const wanted = late ? undefined : outcomes[name]?.[key.state];
    const after = await tried(acts[name]());
    if ((after === undefined) !== (wanted === undefined))
      throw new Error(`${name} of ${key.state} should ${wanted === undefined ? 'not ' : ''}have been done`);
    if (wanted === undefined) {
      const still = await getCloudKey(vaultContext, vault.id, 'all', key.id);
      if (JSON.stringify(still) !== JSON.stringify(before))
        throw new Error('a refused act changed something');
      return;
    }
    const isAct = wanted !== key.state || ['rotate', 'extend', 'describe'].includes(name);
    if (isAct) key.acts.push(verbs[name] ?? '');
    if (name === 'rotate') key.versions++;
    if (name === 'extend') key.expiresAt = expiresAt.getTime();
    if (name === 'schedule') key.deletionAt = on[1].at.getTime() + 7 * day;
    key.state = wanted;
    const versions = after?.row_version ?? 0;
    if (isAct ? versions <= before.row_version : versions !== before.row_version)
      throw new Error('the row version does not tell of the act');
    this.#age();
  }

  /** What the clock alone does. */
  #age(): void {
    for (const key of this.keys)
      if ((key.state === 'AVAILABLE' || key.state === 'DISABLED') && key.expiresAt <= this.#now)
        key.state = 'EXPIRED';
  }

  /** What is on record against the model. */
  async compare(t: {
    deepEqual: (a: unknown, b: unknown) => void;
    true: (value: boolean) => void;
  }): Promise<void> {
    const { vaultContext, vault } = this.#context;
    for (const key of this.keys) {
      const row = await getCloudKey(vaultContext, vault.id, 'all', key.id);
      const events = (await eventsOf(this.#context, key.id)).map(({ action }) => action);
      t.deepEqual(
        {
          state: keyState(row, vaultContext.now()),
          name: row.name,
          externalKeyId: row.external_key_id,
          acts: events.filter((action) => action !== 'cloud-key.expire'),
          version: row.current_version,
        },
        {
          state: key.state,
          name: key.name,
          externalKeyId: key.externalKeyId,
          acts: key.acts.map((verb) => `cloud-key.${verb}`),
          version: key.versions,
        },
      );
      t.true(row.row_version >= key.rowVersion);
      key.rowVersion = row.row_version;
      const states = (await listVersions(vaultContext, row)).map(({ state }) => state);
      t.deepEqual(
        states,
        states.map(() => (key.state === 'DELETED' ? 'DESTROYED' : 'ACTIVE')),
      );
      t.true((row.deletion_at !== null) === (key.state === 'PENDING_DELETION' || key.state === 'DELETED'));
    }
  }
}

/** Undefined where it was refused as things are. */
async function tried<T>(act: Promise<T>): Promise<T | undefined> {
  try {
    return await act;
  } catch (error) {
    if (!(error instanceof VaultError) || !['conflict', 'precondition'].includes(error.problem)) throw error;
    return undefined;
  }
}

let run = 0;

test('whatever is done to CloudKeys in whatever order, they are in the states of the model, with one event for each act', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), async (steps) => {
      const prefix = `life-${++run}-`;
      const model = new Model(
        t.context,
        await newKeySet(t.context, { pathPrefix: prefix.slice(0, -1) }),
        prefix,
      );
      for (const one of steps) {
        await model.do(one);
        await model.compare(t);
      }
      t.is(new Set(model.keys.map(({ externalKeyId }) => externalKeyId)).size, model.keys.length);
    }),
    { numRuns: 30 },
  );
});
