import { TokenError } from '../token/faults.ts';
import type { KeyAttributes, ListedKey } from '../token/messages.ts';
import { isOwnKey } from '../token/own-keys.ts';
import { whyNotOrdered } from '../keys/destruction-orders.ts';
import { destroyOnMembers } from '../keys/hsm/group-members.ts';
import { replacedInWords } from '../keys/replaced-tokens.ts';
import type { VaultContext } from '../vault/context.ts';
import { identityOfVersion } from '../keys/key-identities.ts';
import type { IdentityCheck } from './reconcile-identities.ts';
import { compareMembers } from './reconcile-members.ts';
import { recordedDifferences } from './reconcile-interrupted.ts';
import { about, isGone, tell, type Comparing, type VersionOnRecord } from './reconcile-records.ts';
import { managementDeadline, whyUnfit } from '../vault/tokens.ts';

/** One version on record against the key object that was listed, if any. */
export async function compareVersion(
  comparing: Comparing,
  identities: IdentityCheck,
  row: VersionOnRecord,
  object: ListedKey | undefined,
): Promise<void> {
  if (object !== undefined && object.objects > 1) tellDuplicate(comparing, row, object.label);
  else if (row.state === 'ACTIVE') await compareActive(comparing, identities, row, object);
  else if (row.state === 'DESTROYED' && object !== undefined && !(await isGone(comparing, row.objectId)))
    await destroyAgain(comparing, row);
}

/** Where it is not in the list its object has no label of ours, or was made or destroyed meanwhile; only then is it missing. */
async function compareActive(
  comparing: Comparing,
  identities: IdentityCheck,
  row: VersionOnRecord,
  listed: KeyAttributes | undefined,
): Promise<void> {
  const { context, token } = comparing;
  if (isOwnKey(row.objectId)) return tellOwnKey(comparing, row);
  try {
    const pool = context.tokens.pool(token);
    const object =
      listed ?? (await pool.call({ kind: 'inspectKey', key: row.objectId }, managementDeadline())).value;
    if (!(await identities.isFit(row, object.label))) return;
    tellDrift(comparing, row, object);
    await compareMembers(comparing, row);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    if (error.fault === 'key-duplicate') return tellDuplicate(comparing, row, null);
    if (error.fault !== 'key-missing') throw error;
    if (!(await isStillActive(comparing, row))) return;
    if (row.leftIn !== null) return tellLeft(comparing, row, row.leftIn);
    tell(comparing, {
      kind: 'missing',
      outcome: 'none',
      detail:
        'the token has no key object for this version: what was encrypted with it cannot be read until the key object ' +
        'is restored from a backup of the token',
      ...about(row),
    });
  }
}

/** It is not lost because this token does not have it. */
function tellLeft(comparing: Comparing, row: VersionOnRecord, id: string): void {
  const left = comparing.replaced.get(id);
  const where = left === undefined ? 'a token that was replaced' : replacedInWords(left);
  tell(comparing, {
    kind: 'in-replaced-token',
    outcome: 'none',
    detail:
      left !== undefined && left.erasedAt !== null
        ? `the key object was in ${where}, which is on record as erased since ${left.erasedAt}: what was encrypted with it cannot be read any more`
        : `the key object is in ${where}: what was encrypted with it cannot be read until that token is put back (docs/fleet.md)`,
    ...about(row),
  });
}

/** No CloudKey of ours ever had it: the record was altered. */
function tellOwnKey(comparing: Comparing, row: VersionOnRecord): void {
  tell(comparing, {
    kind: 'unfit',
    outcome: 'none',
    detail: 'the record names a key of Holdfast’s own, which belongs to no CloudKey; nothing is done with it',
    ...about(row),
  });
}

async function isStillActive(
  { context }: Comparing,
  { cloudKeyId, version }: VersionOnRecord,
): Promise<boolean> {
  const row = await context.store.db
    .selectFrom('key_versions')
    .select('state')
    .where('cloud_key_id', '=', cloudKeyId)
    .where('version', '=', version)
    .executeTakeFirst();
  return row?.state === 'ACTIVE';
}

function tellDrift(comparing: Comparing, row: VersionOnRecord, told: KeyAttributes): void {
  // A key that was taken over was not made here: where it was born is no complaint.
  const violations = row.origin === 'holdfast' || !told.compliant ? told.violations : [];
  const wrong = [...new Set([...violations, ...recordedDifferences(row, told)])];
  if (wrong.length === 0) return;
  tell(comparing, {
    kind: 'drift',
    outcome: 'none',
    detail: `the key object is not as it was made: ${wrong.join(', ')}`,
    ...about(row, told.label),
  });
}

function tellDuplicate(comparing: Comparing, row: VersionOnRecord, label: string | null): void {
  tell(comparing, {
    kind: 'duplicate',
    outcome: 'none',
    detail:
      'several key objects of the token have this CKA_ID; requests for this version fail until one is left',
    ...about(row, label),
  });
}

/** A token that was slow made it after all, or it was restored from a backup of the token. */
export async function destroyAgain(comparing: Comparing, row: VersionOnRecord): Promise<void> {
  const { context, token } = comparing;
  const done = await destroyOnce(context, row, token);
  tell(comparing, {
    kind: 'interrupted',
    ...(done === undefined
      ? {
          outcome: 'destroyed' as const,
          detail: 'the key object of a destroyed version was in the token again; it is destroyed now',
        }
      : {
          outcome: 'failed' as const,
          detail: `the key object of a destroyed version is in the token, and is left there: ${done}`,
        }),
    ...about(row),
  });
}

/** Why it was not destroyed; undefined where it was. Throws TokenError where the token could not do it. */
async function destroyOnce(
  context: VaultContext,
  row: VersionOnRecord,
  token: string,
): Promise<string | undefined> {
  const notOrdered = await whyNotOrdered(context.store.db, row, context.now());
  if (notOrdered !== undefined) return notOrdered;
  const named = { key: row.objectId, identity: identityOfVersion(row) };
  return whyUnfit(async () => destroyOnMembers(context.tokens.pool(token), named));
}
