import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { record, type Act } from '../../evidence/trail.ts';
import { restricts } from '../../store/read-back.ts';
import type { Tables } from '../../store/schema.ts';
import type { ActTransaction } from '../../store/store.ts';
import type { Edit } from '../../vault/edits.ts';
import type { KeyContext } from '../followers.ts';
import { checkRowVersion, type VaultContext, type Sight, type Target } from '../../vault/context.ts';
import { checkClash, checkCspAccount, checkToken, checkUnused } from './key-set-checks.ts';
import { auditedKeySet, findKeySetIn, keySetEntry, type CountedKeySet } from './key-set-records.ts';
import { parseKeySetInput, type KeySetChange, type KeySetInput } from './key-set-input.ts';
import { parseName } from '../../vault/names.ts';
import { hideKeySet, removeKeySet } from './key-set-removal.ts';
import { planRotations } from '../rotation-plan.ts';
import { checkOwner } from '../../vault/sight.ts';
import { beginWork } from '../../vault/unfinished-work.ts';

export {
  findKeySet,
  getKeySet,
  keySetOrders,
  keySetWarnings,
  listKeySets,
  type CountedKeySet,
  type KeySet,
} from './key-set-records.ts';
import { editRecord } from '../../vault/edit-record.ts';
export type { KeySetInput } from './key-set-input.ts';

/**
 * Makes a key set. A non-empty path prefix belongs to one key set only, of whichever vault; several may have none, told
 * apart by their credentials. Throws NameError; VaultError `invalid`, `conflict`, `forbidden`.
 */
export async function createKeySet(
  context: VaultContext,
  act: Act,
  vaultId: string,
  sight: Sight,
  input: KeySetInput,
): Promise<CountedKeySet> {
  const now = act.at.toISOString();
  const row = {
    id: randomUUID(),
    vault_id: vaultId,
    admin_group_id: null,
    csp_account_id: null,
    description: '',
    path_prefix: '',
    rotation_days: null,
    frozen_at: null,
    quota_rate: null,
    quota_burst: null,
    created_at: now,
    updated_at: now,
    ...parseKeySetInput(input),
    name: parseName(input.name),
    token: input.token,
  };
  return context.store.change(act, async (trx) => {
    await checkOwner(trx, vaultId, sight, row.admin_group_id);
    await checkCspAccount(trx, sight, row);
    await checkToken(trx, context, row);
    await checkClash(trx, row);
    const made = await trx.insertInto('key_sets').values(row).returningAll().executeTakeFirstOrThrow();
    await record(trx, act, { ...keySetEntry('create', made), after: auditedKeySet(made), creates: true });
    return findKeySetIn(trx, vaultId, 'all', made.id);
  });
}

/**
 * Changes a key set. Token and path prefix stay once it has CloudKeys or live credentials: the keys are in the token,
 * and AWS knows the path. A new schedule is at once that of all its CloudKeys that inherit it.
 */
export async function updateKeySet(
  context: KeyContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
  input: Edit<KeySetInput>,
): Promise<CountedKeySet> {
  const change = parseKeySetInput(input);
  return actOnKeySet(context, act, { vaultId, sight, id, expected, verb: 'update' }, async (trx, before) => {
    const wanted = { ...before, ...change };
    if (wanted.admin_group_id !== before.admin_group_id)
      await checkOwner(trx, vaultId, sight, wanted.admin_group_id);
    if (wanted.csp_account_id !== before.csp_account_id) {
      await checkFollowersFree(trx, context, before.id, 'its CSP account cannot change');
      await checkCspAccount(trx, sight, wanted);
    }
    if (wanted.token !== before.token || wanted.path_prefix !== before.path_prefix) {
      await checkUnused(trx, before, act.at, 'token and path prefix cannot change');
      await checkFollowersFree(trx, context, before.id, 'token and path prefix cannot change');
      await checkToken(trx, context, wanted);
    }
    await checkClash(trx, wanted);
    return change;
  });
}

/** From the moment this returns every request for one of its keys is answered InvalidStateException. */
export async function freezeKeySet(
  context: VaultContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
): Promise<CountedKeySet> {
  return actOnKeySet(context, act, { vaultId, sight, id, expected, verb: 'freeze' }, async (_, before) =>
    before.frozen_at === null ? { frozen_at: act.at.toISOString() } : {},
  );
}

/** Its keys may be used again, each as its own state has it. */
export async function thawKeySet(
  context: VaultContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
): Promise<CountedKeySet> {
  return actOnKeySet(context, act, { vaultId, sight, id, expected, verb: 'thaw' }, async () => ({
    frozen_at: null,
  }));
}

/**
 * Deletes a key set that has no CloudKey but DELETED ones and no live credential. Their external key ids stay spent:
 * AWS may have bound KMS keys to them.
 */
export async function deleteKeySet(
  context: KeyContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
): Promise<void> {
  const isOver = await context.store.change(act, async (trx) => {
    const before = await findKeySetIn(trx, vaultId, sight, id);
    checkRowVersion(before, expected);
    await checkFollowersFree(trx, context, before.id, 'it cannot be deleted');
    await checkUnused(trx, before, act.at, 'it cannot be deleted');
    await hideKeySet(trx, before);
    const finished = await beginWork(trx, act, 'key-set-removal', before.id, removeKeySet);
    await record(trx, act, { ...keySetEntry('delete', before), before: auditedKeySet(before) });
    return finished;
  });
  if (!isOver) context.onWorkLeft?.();
}

/** One act on one key set in one transaction. What changes nothing is no act. */
async function actOnKeySet(
  context: VaultContext,
  act: Act,
  on: Target & { verb: string },
  plan: (trx: ActTransaction, before: CountedKeySet) => Promise<KeySetChange>,
): Promise<CountedKeySet> {
  let isPlanned = true;
  const edited = await context.store.change(act, async (trx) => {
    const before = await findKeySetIn(trx, on.vaultId, on.sight, on.id);
    checkRowVersion(before, on.expected);
    const change = await plan(trx, before);
    const after = await editRecord(trx, 'key_sets', before, change);
    if (after === undefined) return before;
    if (after.rotation_days !== before.rotation_days)
      isPlanned = await beginWork(trx, act, 'rotation-plan', after.id, planRotations);
    if (typeof change.frozen_at === 'string') freezeWillStand(trx, on.id, change.frozen_at);
    await record(trx, act, {
      ...keySetEntry(on.verb, after),
      before: auditedKeySet(before),
      after: auditedKeySet(after),
    });
    return { ...before, ...after };
  });
  if (!isPlanned) context.onWorkLeft?.();
  return edited;
}

/** A freeze is in the store when it is answered, or the act fails. */
function freezeWillStand(trx: Transaction<Tables>, id: string, frozenAt: string): void {
  restricts(trx, 'the freeze of the key set', async () => {
    const now = await trx.selectFrom('key_sets').select('frozen_at').where('id', '=', id).executeTakeFirst();
    return now?.frozen_at === frozenAt;
  });
}

/** Throws VaultError `conflict` while something in a cloud depends on the key set as it is. */
async function checkFollowersFree(
  trx: ActTransaction,
  { followers }: Pick<KeyContext, 'followers'>,
  keySetId: string,
  what: string,
): Promise<void> {
  for (const follower of followers) await follower.checkFree(trx, keySetId, what);
}
