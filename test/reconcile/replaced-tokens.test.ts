import { randomUUID } from 'node:crypto';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { hsmsInUse } from '../../src/fleet/hsms-in-use.ts';
import { showNode } from '../../src/fleet/nodes.ts';
import { deleteDueKeys } from '../../src/keys/destruction.ts';
import { createCloudKey, rotateCloudKey, type CloudKeyRecord } from '../../src/keys/cloud-keys.ts';
import type { KeyContext } from '../../src/keys/followers.ts';
import { generateVersion, versionToMake } from '../../src/keys/key-generation.ts';
import { beginVersion } from '../../src/keys/key-versions.ts';
import { keepOwnKeyProofs } from '../../src/keys/own-key-proofs.ts';
import { readReplacedTokens, recordErased, replaceToken } from '../../src/keys/replaced-tokens.ts';
import { reconcile } from '../../src/reconcile/reconcile.ts';
import { findUnsettled } from '../../src/reconcile/unsettled-findings.ts';
import { ownKeys, versionObjectId } from '../../src/token/own-keys.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { managementDeadline } from '../../src/vault/tokens.ts';
import { byHand } from '../../testing/by-hand.ts';
import { cloneSoftHsmToken } from '../../testing/cloned-token.ts';
import { openToken, type TestToken } from '../../testing/vault.ts';
import { ofVersion } from '../support/key-identity.ts';
import { keysInToken } from '../support/keys-in-token.ts';
import { recordDeletion } from '../vault/recorded-deletion.ts';
import { minute, Stage } from '../vault/stage.ts';

/* Two HSMs, one after the other under one name: what lies in the first is not destroyed by what is done in the second. */

// One at a time: each makes tokens, and processes that work with them.
const test = anyTest.serial as TestFn<{ first: TestToken; second: TestToken }>;

test.before(async (t) => {
  const [first, second] = await Promise.all([openToken(), openToken()]);
  t.context = { first, second };
});

test.after.always(async ({ context: { first, second } }) => {
  await Promise.all([first.dispose(), second.dispose()]);
});

/** A store, and the token that has the name. */
class Replacing {
  readonly stage: Stage;
  context: KeyContext;

  private constructor(stage: Stage) {
    this.stage = stage;
    this.context = stage.vaultContext;
  }

  static async open(t: ExecutionContext, { tokens, serial }: TestToken): Promise<Replacing> {
    const replacing = new Replacing(await Stage.open(t, tokens));
    await replacing.#keepProofs(serial);
    return replacing;
  }

  /** As `init --replace-token` does. */
  async replace({ tokens, serial }: TestToken): Promise<number> {
    const left = await this.stage.store.change(byHand, async (trx) => replaceToken(trx, 'token'));
    this.context = { ...this.context, tokens };
    this.stage.now += minute;
    await this.#keepProofs(serial);
    return left;
  }

  /** Another HSM of the group that `first` is of: it shows the same key. */
  async joins({ serial }: TestToken, first: TestToken): Promise<void> {
    await this.#keepProofs(serial, first.serial);
  }

  /** Another node has this HSM. */
  async shows({ serial }: TestToken): Promise<void> {
    const at = new Date(this.stage.now);
    const hsm = { name: 'token', serial, label: 'l', model: 'm', health: 'ACTIVE' as const, hosts: 1, up: 1 };
    await showNode(
      this.stage.store,
      {
        ...{
          id: randomUUID(),
          hostname: 'node-b',
          version: '1',
          start: randomUUID(),
          boot: null,
          idle: true,
        },
        ...{ startedAt: at.toISOString(), again: false, ends: false, serves: true, manages: false },
        tokens: [hsm],
      },
      { kind: 'sqlite', durability: null, problems: [] },
      () => at,
    );
  }

  /** The configuration has this HSM, and no other of the group. */
  configure({ tokens }: TestToken): void {
    this.context = { ...this.context, tokens };
  }

  /** By schedule: which CloudKeys had a version destroyed, and which not. */
  async deleteDue(): Promise<[destroyed: string[], failed: string[]]> {
    const { destroyed, failed } = await deleteDueKeys(this.context, this.context.now());
    // They come in the order of their ids, which are random.
    return [destroyed.map(({ name }) => name).toSorted(), failed.map(({ name }) => name).toSorted()];
  }

  /** The `replaced_tokens` of an HSM that was not asked. */
  async notAsked({ serial }: TestToken): Promise<string> {
    const noted = await readReplacedTokens(this.stage.store.db, ['token']);
    return (
      noted.find(
        ({ kind, erasedAt, serials: [only] }) => kind === 'member' && erasedAt === null && only === serial,
      )?.id ?? ''
    );
  }

  async recordErased(id: string, { token = 'token', inUse = [] as string[] } = {}): Promise<void> {
    await recordErased(this.context, systemAct(this.context, 'test'), { token, id, inUse });
  }

  async #keepProofs(serial: string, key = serial): Promise<void> {
    const proofs = { [ownKeys.sealing.label]: Buffer.from(`proof of ${key}`).toString('base64') };
    await keepOwnKeyProofs(
      this.stage.store,
      'token',
      { serial },
      { proofs, made: [] },
      new Date(this.stage.now),
    );
  }

  /** In the token that has the name now. */
  async key(keySetId: string, name: string): Promise<CloudKeyRecord> {
    const act = systemAct(this.context, 'test');
    return createCloudKey(this.context, act, this.stage.vault.id, 'all', { keySetId, name });
  }

  async reconcile() {
    const report = await reconcile(this.context, systemAct(this.context, 'reconcile'), { askedBy: 'start' });
    // The keys of the other tests are orphans here.
    return report.tokens.flatMap(({ findings }) => findings).filter(({ kind }) => kind !== 'orphan');
  }

  /** What each version of a CloudKey is, and whether it was left in a token that was replaced. */
  async versions(id: string): Promise<[state: string, isLeft: boolean][]> {
    const rows = await this.stage.store.db
      .selectFrom('key_versions')
      .select(['state', 'left_in'])
      .where('cloud_key_id', '=', id)
      .orderBy('version')
      .execute();
    return rows.map(({ state, left_in }) => [state, left_in !== null]);
  }

  async has({ tokens }: TestToken, id: string, version = 1): Promise<boolean> {
    return (await keysInToken(tokens.pool('token'))).has(versionObjectId(id, version).toString('hex'));
  }
}

/** Another HSM of the same keys. */
async function cloneOf(t: ExecutionContext, { fixture, serial }: TestToken): Promise<TestToken> {
  const clone = await openToken(undefined, cloneSoftHsmToken(fixture, serial));
  t.teardown(async () => clone.dispose());
  return clone;
}

test('what was left in a replaced token is destroyed by the word of who erased it, and not by another token', async (t) => {
  const { first, second } = t.context;
  const site = await Replacing.open(t, first);
  const { stage } = site;
  const keySet = await stage.keySet();
  const [kept, doomed] = [
    await stage.key(keySet, { name: 'kept' }),
    await stage.key(keySet, { name: 'doomed' }),
  ];
  t.is(await site.replace(second), 2);
  await rotateCloudKey(site.context, systemAct(site.context, 'test'), kept, 'asked');
  t.deepEqual(await site.versions(kept.id), [
    ['ACTIVE', true],
    ['ACTIVE', false],
  ]);
  await recordDeletion(site.context, stage.vault.id, doomed);

  // The schedule does not even ask, and other destructions are not put off for it.
  t.like(await deleteDueKeys(site.context, site.context.now()), { destroyed: [], failed: [] });
  t.deepEqual(await site.versions(doomed.id), [['DESTROYING', true]]);
  t.true(await site.has(first, doomed.id), 'it is there still');
  const found = await site.reconcile();
  t.deepEqual(
    found.map(({ kind, outcome, name }) => [kind, outcome, name]),
    [
      ['in-replaced-token', 'none', 'doomed'],
      ['in-replaced-token', 'none', 'kept'],
    ],
  );
  const [replaced] = await readReplacedTokens(stage.store.db, ['token']);
  t.like(replaced, { serials: [first.serial], erasedAt: null, sameSerial: false });
  const id = replaced?.id ?? '';
  t.true(
    found[0]?.detail.includes(`the token of serial ${first.serial} that another replaced as token at 20`),
  );
  t.true(found[0]?.detail.includes(`holdfast token record-erased token ${id}`));
  t.deepEqual(await site.versions(doomed.id), [['DESTROYING', true]]);
  const [unsettled] = await findUnsettled(site.context);
  t.is(unsettled?.compared?.counts.get('in-replaced-token'), 2);

  // Under another name nothing is erased.
  await t.throwsAsync(site.recordErased(id, { token: 'gone' }), {
    message: /no token of this id/,
  });
  await site.recordErased(id);
  await site.recordErased(id);
  t.is((await stage.acts(id))['token.record-erased'], 1);
  t.like(await deleteDueKeys(site.context, site.context.now()), {
    failed: [],
    destroyed: [{ name: 'doomed' }],
  });
  t.deepEqual(await site.versions(doomed.id), [['DESTROYED', true]]);
  const event = await stage.store.db
    .selectFrom('audit_events')
    .select('after')
    .where('action', '=', 'cloud-key.destroy-version')
    .executeTakeFirstOrThrow();
  t.like(JSON.parse(event.after ?? ''), { version: 1, leftIn: [first.serial] });
  const after = await site.reconcile();
  t.like(after, [{ kind: 'in-replaced-token', name: 'kept' }]);
  t.regex(after[0]?.detail ?? '', /on record as erased since/);
});

test('an HSM that is put back shows its keys, and destroys what was to be destroyed meanwhile', async (t) => {
  const { first, second } = t.context;
  const site = await Replacing.open(t, first);
  const { stage } = site;
  const keySet = await stage.keySet();
  const [kept, doomed, lost] = [
    await stage.key(keySet, { name: 'kept' }),
    await stage.key(keySet, { name: 'doomed' }),
    await stage.key(keySet, { name: 'lost' }),
  ];
  await site.replace(second);
  const ofSecond = await site.key(keySet.id, 'of-the-second');
  await recordDeletion(site.context, stage.vault.id, doomed);
  await recordDeletion(site.context, stage.vault.id, lost);
  await first.tokens.pool('token').call({ kind: 'destroyKey', ...ofVersion(lost, 1) }, managementDeadline());

  await site.replace(first);
  const found = await site.reconcile();
  t.deepEqual(
    found.map(({ kind, outcome, name }) => `${kind} ${outcome} ${name ?? ''}`).toSorted(),
    ['in-replaced-token none lost', 'in-replaced-token none of-the-second', 'interrupted destroyed doomed'],
    'of a serial number that it shares it is not known to be the same HSM',
  );
  t.deepEqual(await site.versions(kept.id), [['ACTIVE', false]]);
  t.deepEqual(await site.versions(doomed.id), [['DESTROYED', true]]);
  t.false(await site.has(first, doomed.id));
  t.deepEqual(await site.versions(lost.id), [['DESTROYING', true]]);
  t.deepEqual(await site.versions(ofSecond.id), [['ACTIVE', true]]);
});

test('of a replaced HSM group one HSM that is put back does not show that the others have no key', async (t) => {
  const { first, second } = t.context;
  const site = await Replacing.open(t, first);
  const { stage } = site;
  const keySet = await stage.keySet();
  const [doomed, kept] = [
    await stage.key(keySet, { name: 'doomed' }),
    await stage.key(keySet, { name: 'kept' }),
  ];
  const clone = await cloneOf(t, first);
  await site.joins(clone, first);
  await site.replace(second);
  await recordDeletion(site.context, stage.vault.id, doomed);

  await site.replace(first);
  const told = async () => (await site.reconcile()).map(({ kind, outcome, name }) => [kind, outcome, name]);
  t.deepEqual(await told(), [['in-replaced-token', 'none', 'doomed']], 'the one that is kept serves');
  t.deepEqual(await site.versions(doomed.id), [['DESTROYING', true]]);
  t.deepEqual(await site.versions(kept.id), [['ACTIVE', true]]);

  await site.joins(clone, first);
  t.deepEqual(await told(), [['in-replaced-token', 'none', 'doomed']], 'it is on record, and was not asked');
  t.deepEqual(await site.versions(doomed.id), [['DESTROYING', true]]);
  t.deepEqual(await site.versions(kept.id), [['ACTIVE', false]]);
  site.configure(clone);
  t.deepEqual(await told(), [['interrupted', 'destroyed', 'doomed']]);
  t.deepEqual(await site.versions(doomed.id), [['DESTROYED', true]]);
});

test('what an HSM that was taken out may have is DESTROYED once it was asked too, or is erased on record', async (t) => {
  const { first } = t.context;
  const site = await Replacing.open(t, first);
  const { stage } = site;
  const keySet = await stage.keySet();
  const [asked, erased, later] = [
    await stage.key(keySet, { name: 'asked' }),
    await stage.key(keySet, { name: 'erased' }),
    await stage.key(keySet, { name: 'later' }),
  ];
  const member = await cloneOf(t, first);
  await site.joins(member, first);
  await recordDeletion(site.context, stage.vault.id, asked);
  t.deepEqual(await site.deleteDue(), [[], ['asked']]);
  t.deepEqual(await site.versions(asked.id), [['DESTROYING', true]]);
  t.deepEqual([await site.has(first, asked.id), await site.has(member, asked.id)], [false, true]);
  t.deepEqual(await site.deleteDue(), [[], []], 'nobody is asked in vain every minute');
  const [found, ...more] = await site.reconcile();
  t.deepEqual(more, []);
  t.like(found, { kind: 'in-replaced-token', outcome: 'none', name: 'asked' });
  const id = await site.notAsked(member);
  t.true(found?.detail.includes(`may be in the HSM of serial ${member.serial}, which has held the keys`));
  t.true(found?.detail.includes(`holdfast token record-erased token ${id}`));

  // It is configured again; or it is another node's, with this store.
  site.configure(member);
  await t.throwsAsync(site.recordErased(id, { inUse: [member.serial] }), {
    message: /is in use for token token/,
  });
  t.like(await site.reconcile(), [{ kind: 'interrupted', outcome: 'destroyed', name: 'asked' }]);
  t.deepEqual(await site.versions(asked.id), [['DESTROYED', true]]);
  t.false(await site.has(member, asked.id));

  site.configure(first);
  await recordDeletion(site.context, stage.vault.id, erased);
  t.deepEqual(await site.deleteDue(), [[], ['erased']]);
  await site.recordErased(id);
  t.deepEqual(await site.deleteDue(), [['erased'], []]);
  await recordDeletion(site.context, stage.vault.id, later);
  t.deepEqual(await site.deleteDue(), [['later'], []], 'it is an HSM of the token no more');

  // What is made while it is away may come to it by the vendor's means.
  const since = await site.key(keySet.id, 'since');
  await site.joins(member, first);
  await recordDeletion(site.context, stage.vault.id, since);
  t.deepEqual(await site.deleteDue(), [[], ['since']]);
  t.not(await site.notAsked(member), id);
  // Another takes the name: the HSM that was not asked is on no record but that of the version.
  await site.replace(t.context.second);
  t.like(await site.reconcile(), [{ kind: 'in-replaced-token', outcome: 'none', name: 'since' }]);
  t.deepEqual(await site.versions(since.id), [['DESTROYING', true]]);
});

test('a version waits for all HSMs of a group that was replaced, whichever one was noted first', async (t) => {
  const { first, second } = t.context;
  const site = await Replacing.open(t, first);
  const { stage } = site;
  const doomed = await stage.key(await stage.keySet(), { name: 'doomed' });
  const members = await Promise.all([cloneOf(t, first), cloneOf(t, first)]);
  for (const member of members) await site.joins(member, first);
  await recordDeletion(site.context, stage.vault.id, doomed);
  t.deepEqual(await site.deleteDue(), [[], ['doomed']]);
  t.is(await site.replace(second), 1);
  for (const member of members) {
    const id = await site.notAsked(member);
    if (id !== '') await site.recordErased(id);
  }
  t.deepEqual(await site.deleteDue(), [[], []], 'the others of the group have it still');
  t.deepEqual(await site.versions(doomed.id), [['DESTROYING', true]]);
  const replaced = (await readReplacedTokens(stage.store.db, ['token'])).find(({ kind }) => kind === 'token');
  t.is(replaced?.serials.length, 3);
  await site.recordErased(replaced?.id ?? '');
  t.deepEqual(await site.deleteDue(), [['doomed'], []]);
});

test('an HSM that only a node’s row shows, up or not, may have the key too, until it is on record as erased', async (t) => {
  const { first } = t.context;
  const site = await Replacing.open(t, first);
  const { stage } = site;
  const keySet = await stage.keySet();
  const [doomed, later] = [
    await stage.key(keySet, { name: 'doomed' }),
    await stage.key(keySet, { name: 'later' }),
  ];
  const member = await cloneOf(t, first);
  // Its node has no management process, so that it put nothing on record.
  await site.shows(member);
  t.deepEqual(await hsmsInUse(site.context, 'token'), [first.serial, member.serial]);
  await recordDeletion(site.context, stage.vault.id, doomed);
  t.deepEqual(await site.deleteDue(), [[], ['doomed']]);
  t.true(await site.has(member, doomed.id));
  stage.now += 60 * minute;
  t.deepEqual(await hsmsInUse(site.context, 'token'), [first.serial], 'the node is down');
  await recordDeletion(site.context, stage.vault.id, later);
  // Its row goes, and the HSM stays on record.
  await stage.store.db.deleteFrom('nodes').execute();
  t.deepEqual(await site.deleteDue(), [[], ['later']]);
  await site.shows(member);
  await site.recordErased(await site.notAsked(member));
  t.deepEqual(await site.deleteDue(), [['doomed', 'later'], []], 'what was shown before counts no more');
  t.deepEqual(await site.versions(doomed.id), [['DESTROYED', true]]);

  const since = await site.key(keySet.id, 'since');
  await recordDeletion(site.context, stage.vault.id, since);
  await site.shows(member);
  t.deepEqual(await site.deleteDue(), [[], ['since']], 'a node has it again');
  // What a node has shown of the token that had the name is none of the one that has it now.
  await site.replace(t.context.second);
  t.like(
    (await readReplacedTokens(stage.store.db, ['token']))
      .find(({ kind }) => kind === 'token')
      ?.serials.toSorted(),
    [first.serial, member.serial].toSorted(),
  );
  const ofSecond = await site.key(keySet.id, 'of-the-second');
  await recordDeletion(site.context, stage.vault.id, ofSecond);
  t.deepEqual(await site.deleteDue(), [['of-the-second'], []]);
});

test('a rotation that was cut off is not said to be destroyed where an HSM was not asked', async (t) => {
  const { first } = t.context;
  const site = await Replacing.open(t, first);
  const { stage } = site;
  const keySet = await stage.keySet();
  const key = await stage.key(keySet, { name: 'k' });
  await stage.store.change(byHand, async (trx) => beginVersion(trx, '', key, new Date(stage.now)));
  const member = await cloneOf(t, first);
  await site.joins(member, first);
  const kinds = (await site.reconcile()).map(({ kind, outcome, version }) => [kind, outcome, version]);
  t.deepEqual(kinds, [
    ['interrupted', 'undone', 2],
    ['in-replaced-token', 'none', 2],
  ]);
  t.deepEqual(await site.versions(key.id), [
    ['ACTIVE', false],
    ['DESTROYING', true],
  ]);
});

test('a rotation that was cut off before the token was replaced is not said to be destroyed', async (t) => {
  const { first, second } = t.context;
  const site = await Replacing.open(t, first);
  const { stage } = site;
  const keySet = await stage.keySet();
  const key = await stage.key(keySet, { name: 'k' });
  await stage.store.change(byHand, async (trx) => beginVersion(trx, '', key, new Date(stage.now)));
  await generateVersion(first.tokens.pool('token'), versionToMake(keySet, key, 2));
  await site.replace(second);
  const kinds = (await site.reconcile()).map(({ kind, version }) => [kind, version]);
  t.deepEqual(kinds, [
    ['interrupted', 2],
    ['in-replaced-token', 2],
    ['in-replaced-token', 1],
  ]);
  t.deepEqual(await site.versions(key.id), [
    ['ACTIVE', true],
    ['DESTROYING', true],
  ]);
  t.true(await site.has(first, key.id, 2));
});
