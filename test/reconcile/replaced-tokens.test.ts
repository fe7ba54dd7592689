import anyTest, { type ExecutionContext, type TestFn } from 'ava';
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
import { openToken, type TestToken } from '../../testing/vault.ts';
import { ofVersion } from '../support/key-identity.ts';
import { keysInToken } from '../support/keys-in-token.ts';
import { recordDeletion } from '../vault/recorded-deletion.ts';
import { minute, Stage } from '../vault/stage.ts';

/* Two HSMs, one after the other under one name: what lies in the first is not destroyed by what is done in the second. */

const test = anyTest as TestFn<{ first: TestToken; second: TestToken }>;

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

  static async open(t: ExecutionContext, token: TestToken, serial: string): Promise<Replacing> {
    const replacing = new Replacing(await Stage.open(t, token.tokens));
    await replacing.#keepProofs(serial);
    return replacing;
  }

  /** As `init --replace-token` does. */
  async replace({ tokens }: TestToken, serial: string): Promise<number> {
    const left = await this.stage.store.change(byHand, async (trx) => replaceToken(trx, 'token'));
    this.context = { ...this.context, tokens };
    this.stage.now += minute;
    await this.#keepProofs(serial);
    return left;
  }

  /** Another HSM of the group that `first` is of: it shows the same key. */
  async joins(serial: string, first: string): Promise<void> {
    await this.#keepProofs(serial, first);
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

test('what was left in a replaced token is destroyed by the word of who erased it, and not by another token', async (t) => {
  const { first, second } = t.context;
  const site = await Replacing.open(t, first, 'first');
  const { stage } = site;
  const keySet = await stage.keySet();
  const [kept, doomed] = [
    await stage.key(keySet, { name: 'kept' }),
    await stage.key(keySet, { name: 'doomed' }),
  ];
  t.is(await site.replace(second, 'second'), 2);
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
  t.like(replaced, { serials: ['first'], erasedAt: null, sameSerial: false });
  const id = replaced?.id ?? '';
  t.regex(found[0]?.detail ?? '', /the token of serial first that another replaced as token at 20/);
  t.true(found[0]?.detail.includes(`holdfast token record-erased token ${id}`));
  t.deepEqual(await site.versions(doomed.id), [['DESTROYING', true]]);
  const [unsettled] = await findUnsettled(site.context);
  t.is(unsettled?.compared?.counts.get('in-replaced-token'), 2);

  // Under another name nothing is erased.
  await t.throwsAsync(recordErased(site.context, systemAct(site.context, 'test'), 'gone', id), {
    message: /no token of this id/,
  });
  await recordErased(site.context, systemAct(site.context, 'test'), 'token', id);
  await recordErased(site.context, systemAct(site.context, 'test'), 'token', id);
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
  t.like(JSON.parse(event.after ?? ''), { version: 1, leftIn: ['first'] });
  const after = await site.reconcile();
  t.like(after, [{ kind: 'in-replaced-token', name: 'kept' }]);
  t.regex(after[0]?.detail ?? '', /on record as erased since/);
});

test('an HSM that is put back shows its keys, and destroys what was to be destroyed meanwhile', async (t) => {
  const { first, second } = t.context;
  const site = await Replacing.open(t, first, 'first');
  const { stage } = site;
  const keySet = await stage.keySet();
  const [kept, doomed, lost] = [
    await stage.key(keySet, { name: 'kept' }),
    await stage.key(keySet, { name: 'doomed' }),
    await stage.key(keySet, { name: 'lost' }),
  ];
  await site.replace(second, 'second');
  const ofSecond = await site.key(keySet.id, 'of-the-second');
  await recordDeletion(site.context, stage.vault.id, doomed);
  await recordDeletion(site.context, stage.vault.id, lost);
  await first.tokens.pool('token').call({ kind: 'destroyKey', ...ofVersion(lost, 1) }, managementDeadline());

  await site.replace(first, 'first');
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
  const site = await Replacing.open(t, first, 'A');
  await site.joins('B', 'A');
  const { stage } = site;
  const keySet = await stage.keySet();
  const [doomed, kept] = [
    await stage.key(keySet, { name: 'doomed' }),
    await stage.key(keySet, { name: 'kept' }),
  ];
  await site.replace(second, 'C');
  await recordDeletion(site.context, stage.vault.id, doomed);

  await site.replace(first, 'A');
  const told = (await site.reconcile()).map(({ kind, outcome, name }) => [kind, outcome, name]);
  t.deepEqual(told, [['in-replaced-token', 'none', 'doomed']], 'the one that is kept serves');
  t.deepEqual(await site.versions(doomed.id), [['DESTROYING', true]]);
  t.deepEqual(await site.versions(kept.id), [['ACTIVE', true]]);

  await site.joins('B', 'A');
  t.like(await site.reconcile(), [{ kind: 'interrupted', outcome: 'destroyed', name: 'doomed' }]);
  t.deepEqual(await site.versions(doomed.id), [['DESTROYED', true]]);
  t.deepEqual(await site.versions(kept.id), [['ACTIVE', false]]);
});

test('a destruction tells the serial numbers on record where they are more than the HSMs that were asked', async (t) => {
  const { first } = t.context;
  const site = await Replacing.open(t, first, 'A');
  const { stage } = site;
  const keySet = await stage.keySet();
  const afterOf = async (name: string) => {
    await recordDeletion(site.context, stage.vault.id, await stage.key(keySet, { name }));
    const [found] = await site.reconcile();
    const { after } = await stage.store.db
      .selectFrom('audit_events')
      .select('after')
      .where('action', '=', 'cloud-key.destroy-version')
      .where('target_name', '=', name)
      .executeTakeFirstOrThrow();
    return { detail: found?.detail ?? '', after: JSON.parse(after ?? '') as unknown };
  };
  t.deepEqual((await afterOf('alone')).after, { version: 1 });
  await site.joins('B', 'A');
  const { detail, after } = await afterOf('member-gone');
  t.deepEqual(after, { version: 1, asked: ['token'], serialsOnRecord: ['A', 'B'] });
  t.regex(detail, /it has been destroyed, on the HSMs of the configuration: .*\(A, B\); erase each HSM/);
});

test('a rotation that was cut off before the token was replaced is not said to be destroyed', async (t) => {
  const { first, second } = t.context;
  const site = await Replacing.open(t, first, 'first');
  const { stage } = site;
  const keySet = await stage.keySet();
  const key = await stage.key(keySet, { name: 'k' });
  await stage.store.change(byHand, async (trx) => beginVersion(trx, '', key, new Date(stage.now)));
  await generateVersion(first.tokens.pool('token'), versionToMake(keySet, key, 2));
  await site.replace(second, 'second');
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
