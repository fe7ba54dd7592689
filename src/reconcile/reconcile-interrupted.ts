import type { Act } from '../evidence/trail.ts';
import { TokenError } from '../token/faults.ts';
import type { KeyAttributes } from '../token/messages.ts';
import { versionLabel } from '../token/own-keys.ts';
import { destroyVersions } from '../keys/destruction.ts';
import type { KeyContext } from '../keys/followers.ts';
import type { VaultContext } from '../vault/context.ts';
import { askMember, membersInUse } from '../keys/hsm/group-members.ts';
import { maxAct, undoCreation, undoVersion } from '../keys/interrupted.ts';
import { proofOfFound } from '../keys/key-proofs.ts';
import { LeftInReplacedError } from '../keys/replaced-tokens.ts';
import { activateVersion } from '../keys/key-versions.ts';
import { nodeOf } from '../fleet/nodes.ts';
import {
  about,
  tell,
  unfinishedVersions,
  type Comparing,
  type VersionOnRecord,
} from './reconcile-records.ts';
import { emptyComparison, type TokenComparison } from './reconciliation-report.ts';
import { VaultError } from '../vault/vault-error.ts';

/**
 * Ends what a process that is gone left half done: where the key object is in the token, as it was to be, the creation or
 * rotation is finished, else it is undone; what was to be destroyed is destroyed.
 */
export async function settleInterrupted(comparing: Comparing): Promise<void> {
  await settleLeft(comparing);
  await destroyDoomed(comparing);
}

async function settleLeft(comparing: Comparing): Promise<void> {
  for (const row of await unfinishedVersions(comparing))
    if (isAbandoned(comparing.context, row)) await settle(comparing, row);
}

/**
 * The same for what was abandoned since: a process of another kind, such as a worker that rotated a key at its limit, is
 * not known to be gone until its act is too old. `mayAsk` leaves tokens out. Returns what was done, by token.
 */
export async function settleAbandoned(
  context: KeyContext,
  act: Act,
  mayAsk: (token: string) => boolean,
): Promise<TokenComparison[]> {
  const comparisons = [];
  for (const token of await tokensOfUnfinished(context)) {
    if (!context.tokens.has(token) || !mayAsk(token)) continue;
    const comparing = {
      context,
      act,
      token,
      vaultId: undefined,
      unhurried: false,
      comparison: emptyComparison(token),
      replaced: new Map(),
      members: membersInUse(context.tokens.pool(token)),
    };
    const left = await unfinishedVersions(comparing);
    if (!left.some((row) => isAbandoned(context, row))) continue;
    await settleLeft(comparing);
    comparisons.push(comparing.comparison);
  }
  return comparisons;
}

async function tokensOfUnfinished({ store: { db } }: VaultContext): Promise<string[]> {
  const pending = db.selectFrom('key_versions').select('cloud_key_id').where('state', '=', 'PENDING');
  const creating = db.selectFrom('cloud_keys').select('id').where('state', '=', 'CREATING');
  const tokens = new Set<string>();
  for (const ids of [pending, creating])
    for (const { token } of await db
      .selectFrom('cloud_keys')
      .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
      .select('key_sets.token')
      .distinct()
      .where('cloud_keys.id', 'in', ids)
      .execute())
      tokens.add(token);
  return [...tokens];
}

/** Whether no process is at it any more. An earlier start of this node is gone for certain. */
export function isAbandoned(
  { instance, now }: Pick<VaultContext, 'instance' | 'now'>,
  { madeBy, createdAt }: Pick<VersionOnRecord, 'madeBy' | 'createdAt'>,
): boolean {
  if (madeBy === '') return true;
  if (madeBy !== instance && nodeOf(madeBy) === nodeOf(instance)) return true;
  // Of one that lies in the future by more than clocks differ, a clock stood wrong when it began.
  return Math.abs(now().getTime() - Date.parse(createdAt)) > maxAct;
}

async function settle(comparing: Comparing, row: VersionOnRecord): Promise<void> {
  const { context, act } = comparing;
  const what = row.keyState === 'CREATING' ? 'creation' : 'rotation';
  try {
    // One that a later version has overtaken is of no use any more; nothing was ever encrypted with it.
    const isWanted = row.state === 'PENDING' && row.version >= row.currentVersion;
    if (isWanted && (await isAsItWasToBe(comparing, row))) {
      const proof = await proofOfFound(context, row);
      await activateVersion(context, act, { id: row.cloudKeyId }, row.version, 'interrupted', proof);
      tell(comparing, {
        kind: 'interrupted',
        outcome: 'finished',
        detail: `the ${what} was interrupted after the key object was made; it has been completed`,
        ...about(row),
      });
      return;
    }
    if (row.keyState === 'CREATING')
      await undoCreation(context, { token: row.token }, { id: row.cloudKeyId });
    else await undoVersion(context, { token: row.token }, { id: row.cloudKeyId }, row.version);
    tell(comparing, {
      kind: 'interrupted',
      outcome: 'undone',
      detail: `the ${what} was interrupted before there was a key object to use; it has been rolled back`,
      ...about(row),
    });
  } catch (error) {
    tell(comparing, {
      kind: 'interrupted',
      outcome: 'failed',
      detail: `the ${what} was interrupted, and could not be completed: ${(error as Error).message}`,
      ...about(row),
    });
  }
}

/** On each member that can be asked: what never came to one of them was never in use. */
async function isAsItWasToBe(comparing: Comparing, row: VersionOnRecord): Promise<boolean> {
  for (const member of comparing.members) if (!(await isAsItWasToBeOn(member, comparing, row))) return false;
  return true;
}

async function isAsItWasToBeOn(
  member: string,
  { context, token }: Comparing,
  row: VersionOnRecord,
): Promise<boolean> {
  let told: KeyAttributes;
  try {
    const pool = context.tokens.pool(token);
    const ask = { kind: 'inspectKey', key: row.objectId } as const;
    told = (await askMember(pool, member, async (options) => pool.call(ask, options))).value;
  } catch (error) {
    if (error instanceof TokenError && (error.fault === 'key-missing' || error.fault === 'key-duplicate'))
      return false;
    throw error;
  }
  // A key that was taken over was made elsewhere, with another label.
  if (row.origin !== 'holdfast') return told.compliant;
  return told.compliant && told.generatedOnToken && recordedDifferences(row, told).length === 0;
}

/** Names of attributes that are not as the record of a version of ours says. */
export function recordedDifferences(row: VersionOnRecord, told: KeyAttributes): string[] {
  const { keySetId, externalKeyId, version, canEncrypt, canDecrypt, origin } = row;
  return [
    ...(origin === 'holdfast' && told.label !== versionLabel(keySetId, externalKeyId, version)
      ? ['CKA_LABEL']
      : []),
    ...(told.encrypt === (canEncrypt === 1) ? [] : ['CKA_ENCRYPT']),
    ...(told.decrypt === (canDecrypt === 1) ? [] : ['CKA_DECRYPT']),
  ];
}

async function destroyDoomed(comparing: Comparing): Promise<void> {
  const { context, act, vaultId, token } = comparing;
  const { destroyed, failed } = await destroyVersions(context, act, {
    vaultId,
    mayAsk: (asked) => asked === token,
    withLeft: true,
  });
  for (const version of destroyed)
    tell(comparing, {
      kind: 'interrupted',
      outcome: 'destroyed',
      detail: 'the key object was due to be destroyed; it has been destroyed',
      ...about(version),
    });
  for (const { error, ...version } of failed)
    tell(comparing, {
      ...(error instanceof LeftInReplacedError
        ? { kind: 'in-replaced-token' as const, outcome: 'none' as const }
        : { kind: 'interrupted' as const, outcome: 'failed' as const }),
      detail: `the key object could not be destroyed: ${inWords(error)}`,
      ...about(version),
    });
}

function inWords(error: unknown): string {
  const { message } = error as Error;
  return error instanceof VaultError && error.remediation !== undefined
    ? `${message}; ${error.remediation}`
    : message;
}
