import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { record, rememberCreation, type Act } from '../evidence/trail.ts';
import { leaveUnrecorded } from '../store/act-transaction.ts';
import type { Tables } from '../store/schema.ts';
import type { FoundKey } from '../token/messages.ts';
import { isLabelOfOwn, versionObjectId } from '../token/own-keys.ts';
import type { Reading } from '../vault/edits.ts';
import type { VaultContext, Sight } from '../vault/context.ts';
import { checkKeyName, checkUnspent } from './key-checks.ts';
import {
  auditedKey,
  keyEntry,
  type CloudKeyRecord,
  type KeyVersionRecord,
  type Usage,
} from './key-records.ts';
import { restrictKeyObject, remediationOfFixedKey } from './key-restriction.ts';
import { findKeyToAdopt } from './key-to-adopt.ts';
import { findKeySetIn, getKeySet, type KeySet } from './key-sets/key-set-records.ts';
import { activateOrRollBack, makeKeyObject } from './key-versions.ts';
import { proofOfFound } from './key-proofs.ts';
import { parseKeyInput, type CloudKeyInput } from './key-input.ts';
import type { FollowerInputs, KeyContext } from './followers.ts';
import { parseExternalKeyId } from '../vault/names.ts';
import { nextRotation, rotationDays } from './rotation-time.ts';
import { VaultError } from '../vault/vault-error.ts';
import { tokensOf } from '../vault/granted-tokens.ts';

export interface NewKeyInput extends CloudKeyInput, FollowerInputs {
  keySetId: string;
  /** What AWS calls it, for ever; a UUID if left out. */
  externalKeyId?: string | undefined;
  /** For ever, since the key object in the token has it too; both if left out. */
  usage?: Usage | undefined;
}

export interface AdoptionInput extends CloudKeyInput {
  keySetId: string;
  externalKeyId: string;
  /** CKA_LABEL of the key object in the token. */
  label: string;
  /** Has what the key object may do beyond a CloudKey's use set to false in the token, for good. */
  restrict?: boolean | undefined;
}

/**
 * Makes a CloudKey with its first version, an AES-256 key made in the token. The record comes first, so that a kill
 * between leaves a record that names the key object, never a key object that nobody knows; and with it the
 * Idempotency-Key, so that a repetition finds the record. Throws TokenError, NameError, VaultError.
 */
export async function createCloudKey(
  context: KeyContext,
  act: Act,
  vaultId: string,
  sight: Sight,
  input: NewKeyInput,
): Promise<CloudKeyRecord> {
  const row = newKeyRow(context, act, input);
  const { key, keySet } = await context.store.change(act, async (trx) => {
    leaveUnrecorded(trx, 'being made');
    const keySet = await findKeySetIn(trx, vaultId, sight, row.key_set_id);
    checkConfigured(context, keySet);
    const key = await insertKey(trx, keySet, row, {
      object_id: versionObjectId(row.id, 1),
      state: 'PENDING',
      origin: 'holdfast',
    });
    // With the key, so that what a cloud is to have of it is never forgotten; the cloud is asked once the key is there.
    for (const follower of context.followers) await follower.created(trx, act, keySet, key, input);
    await rememberCreation(trx, act, key.id);
    return { key, keySet };
  });
  const proof = await makeKeyObject(context, keySet, key, 1);
  return activateOrRollBack(context, act, keySet, key, 1, 'asked', proof);
}

/**
 * The CloudKey that {@link createCloudKey} would make, and its key set, after the same checks: nothing is made, and the token is not
 * asked. Throws NameError, VaultError.
 */
export async function planCloudKey(
  context: VaultContext,
  act: Act,
  vaultId: string,
  sight: Sight,
  input: NewKeyInput,
): Promise<{ key: CloudKeyRecord; keySet: KeySet }> {
  const row = newKeyRow(context, act, input);
  const { db } = context.store;
  const keySet = await findKeySetIn(db, vaultId, sight, row.key_set_id);
  checkConfigured(context, keySet);
  const key = await withRegion(db, keySet, row);
  await checkFree(db, key, versionObjectId(key.id, 1));
  return { key, keySet };
}

/** What lies in a token that other vaults use as well may be theirs, and nothing about a key object says whose it is. */
async function checkTokenIsOurs(db: Reading, vaultId: string, token: string): Promise<void> {
  const others = await db
    .selectFrom('vaults')
    .select('tokens')
    .where('id', '<>', vaultId)
    .where('deleted_at', 'is', null)
    // Of ten thousand vaults there are few sets of tokens.
    .groupBy('tokens')
    .execute();
  if (others.some((other) => tokensOf(other).includes(token)))
    throw new VaultError(
      'forbidden',
      'other vaults may use the token too, and the key object might be theirs',
      'have an appliance administrator give the token to this vault alone while keys are taken over',
    );
}

/**
 * Takes over a key object that is in the token already, found by its label, with the ciphertext that AWS's sample
 * proxy made under it. Refuses a key that could have left the token; one that may do more than a CloudKey too, unless it
 * is to be restricted. Throws TokenError, NameError, VaultError.
 */
// oxlint-disable-next-line max-lines-per-function -- steps whose order is the promise: no key object is taken over twice
export async function adoptCloudKey(
  context: VaultContext,
  act: Act,
  vaultId: string,
  sight: Sight,
  input: AdoptionInput,
): Promise<CloudKeyRecord> {
  const common = newRow(context, act, input);
  const external_key_id = parseExternalKeyId(input.externalKeyId);
  const { token } = await getKeySet(context, vaultId, sight, input.keySetId);
  checkConfigured(context, { token });
  if (isLabelOfOwn(input.label))
    throw new VaultError(
      'invalid',
      'key objects whose label starts with "holdfast:" are already Holdfast’s own',
    );
  await checkTokenIsOurs(context.store.db, vaultId, token);
  const find = async () => findKeyToAdopt(context, token, input.label);
  const check = async (trx: Transaction<Tables>) => {
    const keySet = await findKeySetIn(trx, vaultId, sight, input.keySetId);
    if (keySet.token !== token)
      throw new VaultError('conflict', 'the key set was given another token meanwhile', 'try again');
    // Again: while the token was asked another vault may have been given it.
    await checkTokenIsOurs(trx, vaultId, token);
    return keySet;
  };
  let found = await find();
  if (input.restrict === true && found.id.length > 0 && mayBeRestricted(found)) {
    const { id } = found;
    await restrictKeyObject(context, act, { vaultId, token, label: input.label, found }, async (trx) => {
      await check(trx);
      // Before the token is changed; insertKey looks again.
      await checkFree(trx, { ...common, external_key_id }, id);
    });
    found = await find();
  }
  checkFit(found, input.restrict === true);
  // Found by its label; used by its id, which must be its own too: the proof is of what has both.
  const object_id = Buffer.from(found.id);
  const proof = await proofOfFound(context, {
    vaultId,
    keySetId: input.keySetId,
    externalKeyId: external_key_id,
    cloudKeyId: common.id,
    version: 1,
    objectId: object_id,
    origin: 'aws-sample-proxy',
    label: input.label,
    proof: null,
    token,
  });
  return context.store.change(act, async (trx) => {
    const keySet = await check(trx);
    const row = {
      ...common,
      external_key_id,
      can_encrypt: found.encrypt ? 1 : 0,
      can_decrypt: found.decrypt ? 1 : 0,
      state: 'AVAILABLE' as const,
      next_rotation_at: nextRotation(act.at, rotationDays(common, keySet), act.at)?.toISOString() ?? null,
    };
    const key = await insertKey(trx, keySet, row, {
      object_id,
      state: 'ACTIVE',
      origin: 'aws-sample-proxy',
      label: input.label,
      proof,
      encryptions_leased: proof === null ? 0 : 1,
    });
    await record(trx, act, { ...keyEntry('adopt', vaultId, key), after: auditedKey(key), creates: true });
    return key;
  });
}

function mayBeRestricted({ excess, lasting, modifiable }: FoundKey): boolean {
  return excess.length > 0 && lasting.length === 0 && modifiable;
}

/** Throws VaultError with what is wrong with it and what can be done about that. */
function checkFit(found: FoundKey, restricted: boolean): void {
  if (found.id.length === 0)
    throw new VaultError('invalid', 'the key object has no CKA_ID', 'give it one of its own first');
  const { excess, lasting, violations } = found;
  // What was asked for and could not be done is no adoption either.
  if (found.compliant && !(restricted && excess.length > 0)) return;
  // Of keys that were made elsewhere it is not asked where they were born.
  const unfit = restricted ? [...lasting, ...excess] : violations.filter((name) => !isOfBirth(found, name));
  throw new VaultError(
    'invalid',
    `the key object is not compliant: ${unfit.join(', ')}`,
    remediationOfUnfit(found),
  );
}

/** CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE. */
function isOfBirth({ excess, lasting }: FoundKey, violation: string): boolean {
  return !excess.includes(violation) && !lasting.includes(violation);
}

function remediationOfUnfit(found: FoundKey): string {
  const { excess, lasting, modifiable, violations } = found;
  if (lasting.length > 0)
    return (
      `what ${lasting.join(', ')} says cannot be undone: whoever had the token may have a copy of the key. Make a CloudKey ` +
      'and re-encrypt under it; docs/profiles.md has the attributes that a key object needs'
    );
  if (!modifiable)
    return `the key object is fixed as it is (CKA_MODIFIABLE is false): ${remediationOfFixedKey}`;
  const asBorn = violations.filter((name) => isOfBirth(found, name));
  return (
    `repeat it with --restrict (API: restrict): then ${excess.join(', ')} are set to false in the token permanently, and the ` +
    'key is adopted. The sample proxy needs none of them: it only encrypts and decrypts' +
    (asBorn.length === 0 ? '' : `. ${asBorn.join(', ')} stay as they are: the key was not made in this token`)
  );
}

function newKeyRow(context: VaultContext, act: Act, input: NewKeyInput) {
  return {
    ...newRow(context, act, input),
    external_key_id: parseExternalKeyId(input.externalKeyId ?? randomUUID()),
    can_encrypt: input.usage?.encrypt === false ? 0 : 1,
    can_decrypt: input.usage?.decrypt === false ? 0 : 1,
    state: 'CREATING' as const,
    next_rotation_at: null,
  };
}

function newRow(context: VaultContext, act: Act, input: CloudKeyInput & { keySetId: string }) {
  const now = act.at.toISOString();
  const parsed = parseKeyInput(input, act.at);
  return {
    id: randomUUID(),
    key_set_id: input.keySetId,
    description: '',
    administrators: '[]',
    users: '[]',
    rotation: 'INHERIT' as const,
    rotation_days: null,
    expires_at: null,
    quota_rate: null,
    quota_burst: null,
    ...parsed,
    name: parsed.name ?? '',
    current_version: 1,
    rotated_at: now,
    deletion_at: null,
    deleted_at: null,
    made_by: context.instance,
    row_version: 1,
    created_at: now,
    updated_at: now,
  };
}

function checkConfigured(context: VaultContext, { token }: Pick<KeySet, 'token'>): void {
  if (!context.tokens.has(token))
    throw new VaultError(
      'conflict',
      'the configuration of this node does not name the token of the key set',
      'have it configured, then try again',
    );
}

type RowToMake = Omit<CloudKeyRecord, 'region'> & { region?: string };

async function withRegion(db: Reading, keySet: KeySet, row: RowToMake): Promise<CloudKeyRecord> {
  return { ...row, region: row.region ?? (await defaultRegion(db, keySet)) };
}

async function insertKey(
  trx: Transaction<Tables>,
  keySet: KeySet,
  row: RowToMake,
  version: Pick<KeyVersionRecord, 'object_id' | 'state' | 'origin'> &
    Partial<Pick<KeyVersionRecord, 'label' | 'proof' | 'encryptions_leased'>>,
): Promise<CloudKeyRecord> {
  const key = await withRegion(trx, keySet, row);
  await checkFree(trx, key, version.object_id);
  await trx.insertInto('cloud_keys').values(key).execute();
  const { id: cloud_key_id, made_by, created_at } = key;
  await trx
    .insertInto('key_versions')
    .values({ ...version, cloud_key_id, version: 1, made_by, created_at, destroyed_at: null })
    .execute();
  return key;
}

/** Throws VaultError `conflict` where its name, its external key id or its key object is another CloudKey's. */
async function checkFree(
  db: Reading,
  key: Pick<CloudKeyRecord, 'id' | 'key_set_id' | 'name' | 'external_key_id'>,
  objectId: Uint8Array,
): Promise<void> {
  await checkKeyName(db, key);
  await checkUnspent(db, key.external_key_id);
  // Two records of one key object would count its encryptions twice over.
  const taken = await db
    .selectFrom('key_versions')
    .select('cloud_key_id')
    .where('object_id', '=', Buffer.from(objectId))
    .executeTakeFirst();
  if (taken !== undefined) throw new VaultError('conflict', 'another CloudKey uses this key object');
}

async function defaultRegion(db: Reading, { csp_account_id }: KeySet): Promise<string> {
  if (csp_account_id === null) return '';
  const account = await db
    .selectFrom('csp_accounts')
    .select('default_region')
    .where('id', '=', csp_account_id)
    .executeTakeFirst();
  return account?.default_region ?? '';
}
