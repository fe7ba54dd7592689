import { sql } from 'kysely';
import { record, type Act } from '../evidence/trail.ts';
import { bumpRecord } from '../vault/edit-record.ts';
import type { VaultContext } from '../vault/context.ts';
import { inPages } from '../vault/in-pages.ts';
import { paced } from '../vault/paced.ts';
import { whyNotOrdered } from './destruction-orders.ts';
import { destroyOnMembers } from './hsm/group-members.ts';
import { noteGone } from './hsm/hsms-not-asked.ts';
import { identityOfVersion, type IdentifiedVersion } from './key-identities.ts';
import { auditedKey, keyEntry, keyWillStand } from './key-records.ts';
import { LeftInReplacedError, readReplacedTokens, type ReplacedToken } from './replaced-tokens.ts';
import { LostLeaseError } from '../vault/lost-lease-error.ts';
import { systemAct } from '../vault/system-act.ts';
import { isOfWholeToken } from '../vault/tokens.ts';
import { VaultError } from '../vault/vault-error.ts';
import { TokenError } from '../token/faults.ts';

/** So many keys are deleted in one transaction. */
const batchSize = 10;

/** A version that is to be destroyed, or was. */
export interface DoomedVersion extends IdentifiedVersion {
  name: string;
  token: string;
  /** The token that was replaced in which its key object was left, or the HSM that was not asked. */
  leftIn: string | null;
}

/** A version that is DESTROYING still, since its token did not do it. */
export interface FailedDestruction extends DoomedVersion {
  error: unknown;
}

/** Which of the versions that are to be destroyed; all unless told. */
export interface DestructionScope {
  vaultId?: string | undefined;
  /** Whether the token may be asked. */
  mayAsk?: (token: string) => boolean;
  /** Those in a token that was replaced and is not erased too: nothing is to be hoped of them until somebody comes. */
  withLeft?: boolean;
}

/**
 * Destroys the key objects of all versions that are DESTROYING. Done twice, or interrupted and begun anew, it comes to
 * the same: an object that a login anew does not find is as good as one that is destroyed. After a failure of a whole token the rest of its
 * objects wait for the next run; one that cannot be destroyed holds up no other. The record asks for it until it is done.
 * What was left in a token that was replaced is not destroyed by what is done in another, and is not said to be.
 */
export async function destroyVersions(
  context: VaultContext,
  act: Act = systemAct(context, 'schedule'),
  { vaultId, mayAsk = () => true, withLeft = false }: DestructionScope = {},
): Promise<{ destroyed: DoomedVersion[]; failed: FailedDestruction[] }> {
  const failed: FailedDestruction[] = [];
  const away = new Set<string>();
  const destroyed: DoomedVersion[] = [];
  const pages = inPages<DoomedVersion>(async (after, limit) =>
    doomedVersions(context, { vaultId, withLeft }, after, limit),
  );
  for await (const page of pages)
    for (const doomed of page) {
      const { token } = doomed;
      if (away.has(token) || !mayAsk(token)) continue;
      try {
        if (await destroyOne(context, act, doomed)) destroyed.push(doomed);
      } catch (error) {
        if (error instanceof LostLeaseError) throw error;
        failed.push({ ...doomed, error });
        if (error instanceof VaultError) continue;
        if (!(error instanceof TokenError) || isOfWholeToken(error)) away.add(token);
      }
    }
  return { destroyed, failed };
}

/**
 * Deletes the CloudKeys whose waiting time is over at `now`: from then on there is a tombstone that keeps the external
 * key id, and the key objects are destroyed.
 */
export async function deleteDueKeys(
  context: VaultContext,
  now: Date,
  scope: DestructionScope = {},
): Promise<{ deleted: number; destroyed: DoomedVersion[]; failed: FailedDestruction[] }> {
  let deleted = 0;
  await paced(async () => {
    const some = await deleteKeys(context, await dueKeys(context, now), now);
    deleted += some;
    return some > 0;
  });
  return { deleted, ...(await destroyVersions(context, undefined, scope)) };
}

async function dueKeys({ store }: VaultContext, now: Date): Promise<string[]> {
  const rows = await store.db
    .selectFrom('cloud_keys')
    .select('id')
    .where('state', '=', 'PENDING_DELETION')
    .where('deletion_at', '<=', now.toISOString())
    .orderBy('deletion_at')
    .limit(batchSize)
    .execute();
  return rows.map(({ id }) => id);
}

async function deleteKeys(context: VaultContext, ids: readonly string[], now: Date): Promise<number> {
  const act = { ...systemAct(context, 'schedule'), at: now };
  const at = now.toISOString();
  if (ids.length === 0) return 0;
  return context.store.change(act, async (trx) => {
    let deleted = 0;
    for (const id of ids) {
      // Again within the transaction: its deletion may have been cancelled since.
      const before = await trx
        .selectFrom('cloud_keys')
        .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
        .selectAll('cloud_keys')
        .select('key_sets.vault_id')
        .where('cloud_keys.id', '=', id)
        .where('cloud_keys.state', '=', 'PENDING_DELETION')
        .where('cloud_keys.deletion_at', '<=', at)
        .executeTakeFirst();
      if (before === undefined) continue;
      const after = await bumpRecord(trx, 'cloud_keys', before, {
        state: 'DELETED',
        deleted_at: at,
        next_rotation_at: null,
      });
      keyWillStand(trx, after);
      await trx
        .updateTable('key_versions')
        .set({ state: 'DESTROYING' })
        .where('cloud_key_id', '=', id)
        .where('state', 'in', ['ACTIVE', 'PENDING'])
        .execute();
      await record(trx, act, {
        ...keyEntry('delete', before.vault_id, after),
        before: auditedKey(before),
        after: auditedKey(after),
      });
      deleted++;
    }
    return deleted;
  });
}

async function doomedVersions(
  { store }: VaultContext,
  { vaultId, withLeft }: Pick<DestructionScope, 'vaultId' | 'withLeft'>,
  after: DoomedVersion | undefined,
  limit: number,
): Promise<DoomedVersion[]> {
  let query = store.db
    .selectFrom('key_versions')
    .innerJoin('cloud_keys', 'cloud_keys.id', 'key_versions.cloud_key_id')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .select([
      'key_versions.cloud_key_id as cloudKeyId',
      'cloud_keys.name as name',
      'cloud_keys.external_key_id as externalKeyId',
      'key_versions.version as version',
      'key_versions.object_id as objectId',
      'key_sets.token as token',
      'key_sets.id as keySetId',
      'key_sets.vault_id as vaultId',
      'key_versions.origin as origin',
      'key_versions.label as label',
      'key_versions.proof as proof',
      'key_versions.left_in as leftIn',
    ])
    .where('key_versions.state', '=', 'DESTROYING')
    // What a making left is undone with its record.
    .where('cloud_keys.state', '<>', 'CREATING')
    .orderBy('key_versions.cloud_key_id')
    .orderBy('key_versions.version')
    .limit(limit);
  if (after !== undefined)
    query = query.where(
      sql<boolean>`(key_versions.cloud_key_id, key_versions.version) > (${after.cloudKeyId}, ${after.version})`,
    );
  if (vaultId !== undefined) query = query.where('key_sets.vault_id', '=', vaultId);
  if (withLeft !== true)
    query = query.where((eb) =>
      eb.or([
        eb('key_versions.left_in', 'is', null),
        eb(
          'key_versions.left_in',
          'in',
          eb.selectFrom('replaced_tokens').select('id').where('erased_at', 'is not', null),
        ),
      ]),
    );
  return query.execute();
}

/**
 * False where another process was there first. Throws TokenError, VaultError for a row that nothing led to, LeftInReplacedError where
 * its key object may be in an HSM that was not asked.
 */
async function destroyOne(context: VaultContext, act: Act, doomed: DoomedVersion): Promise<boolean> {
  const { cloudKeyId, name, version, objectId, token, vaultId } = doomed;
  const notOrdered = await context.store.bookkeep('nothing', async (trx) =>
    whyNotOrdered(trx, doomed, context.now()),
  );
  if (notOrdered !== undefined)
    throw new VaultError(
      'conflict',
      `a row says that the key object is to be destroyed, and ${notOrdered}: it is left as it is`,
      'find out who changed the store',
    );
  const left = await leftIn(context, doomed);
  const isOfToken = left === undefined || left.kind === 'member' || left.sameSerial;
  const mayBeHere = isOfToken || left.erasedAt !== null;
  const named = { key: objectId, identity: identityOfVersion(doomed) };
  const { destroyed, serials } = mayBeHere
    ? await destroyOnMembers(context.tokens.pool(token), named)
    : { destroyed: 0, serials: [] };
  // That this token has no such object says nothing of the one where it was left.
  if (left?.kind === 'token' && left.erasedAt === null && destroyed === 0)
    throw new LeftInReplacedError(left);
  const outcome = await context.store.write(act, async (trx) => {
    // Nor do the HSMs that were asked say anything of those that were not.
    const notAsked = isOfToken ? await noteGone(trx, doomed, serials) : undefined;
    if (notAsked !== undefined) return notAsked;
    const { numUpdatedRows } = await trx
      .updateTable('key_versions')
      .set({ state: 'DESTROYED', destroyed_at: context.now().toISOString() })
      .where('cloud_key_id', '=', cloudKeyId)
      .where('version', '=', version)
      .where('state', '=', 'DESTROYING')
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return false;
    await record(trx, act, {
      ...keyEntry('destroy-version', vaultId, { id: cloudKeyId, name }),
      after: {
        version,
        ...(left === undefined ? {} : { leftIn: left.serials, erasedAt: left.erasedAt }),
      },
    });
    return true;
  });
  if (typeof outcome !== 'boolean') throw new LeftInReplacedError(outcome);
  return outcome;
}

async function leftIn(
  { store }: VaultContext,
  { token, leftIn: id }: DoomedVersion,
): Promise<ReplacedToken | undefined> {
  if (id === null) return undefined;
  const replaced = (await readReplacedTokens(store.db, [token])).find((one) => one.id === id);
  if (replaced === undefined)
    throw new VaultError(
      'conflict',
      'a row says that its key object is in a token that was replaced, of which there is no record: it is left as it is',
      'find out who changed the store',
    );
  return replaced;
}
