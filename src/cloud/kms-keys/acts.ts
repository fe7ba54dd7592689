import type { Transaction } from 'kysely';
import { record, type Act } from '../../evidence/trail.ts';
import type { SeenVersion } from '../../store/act-transaction.ts';
import type { Tables } from '../../store/schema.ts';
import { editRecord } from '../../vault/edit-record.ts';
import { checkRowVersion, type VaultContext, type Sight } from '../../vault/context.ts';

import { driftOf, type Drift } from './drift.ts';
import { acceptedFrom } from './create.ts';
import {
  auditedKmsKey,
  findKmsKeyIn,
  isManual,
  kmsKeyEntry,
  seenOf,
  toApplyOf,
  type Applied,
  type KmsKey,
} from './records.ts';
import { wantedStates } from './settle.ts';
import { mayBeStaleOf } from './unshown.ts';
import { goneAs, type KmsKeyChange } from './changes.ts';
import { deletionDays } from '../../vault/limits.ts';
import { VaultError } from '../../vault/vault-error.ts';

/*
 * What people ask for of a KMS key record. Each is written down first and done in AWS afterwards (advanceKmsKey), so
 * that what AWS does not do now stays wanted and is done once it can be.
 */

/** Which KMS key record, as whom, and as it was seen. */
export interface OnKmsKey {
  vaultId: string;
  sight: Sight;
  cloudKeyId: string;
  id: string;
  expected?: SeenVersion | undefined;
}

export type Drifting = Drift['what'];

/** Something that is to be tried now. */
export function again(now: Date): Pick<KmsKey, 'problem' | 'attempts' | 'next_attempt_at'> {
  return { problem: null, attempts: 0, next_attempt_at: now.toISOString() };
}

/** One act on one KMS key record in one transaction. What changes nothing is no act. */
export async function actOnKmsKey(
  context: VaultContext,
  act: Act,
  { vaultId, sight, cloudKeyId, id, expected }: OnKmsKey,
  verb: string,
  plan: (trx: Transaction<Tables>, before: KmsKey) => Promise<KmsKeyChange>,
): Promise<void> {
  await context.store.write(act, async (trx) => {
    const before = await findKmsKeyIn(trx, vaultId, sight, cloudKeyId, id);
    checkRowVersion(before, expected);
    const change = await plan(trx, before);
    const after = await editRecord(trx, 'kms_keys', before, change);
    if (after === undefined) return;
    await record(trx, act, {
      ...kmsKeyEntry(verb, after),
      before: auditedKmsKey(before),
      after: auditedKmsKey(after),
    });
  });
}

const wantedVerbs = {
  ENABLE: 'enable',
  DISABLE: 'disable',
  SCHEDULE_DELETION: 'schedule-deletion',
  CANCEL_DELETION: 'cancel-deletion',
} as const;

export type KmsKeyWanted = keyof typeof wantedVerbs;

/** Asks for a state on AWS's side; asking for another takes it back. `days` with SCHEDULE_DELETION. */
export async function wantedOfKmsKey(
  context: VaultContext,
  act: Act,
  on: OnKmsKey,
  wanted: KmsKeyWanted,
  days: number | null = null,
): Promise<void> {
  checkDays(days);
  await actOnKmsKey(context, act, on, wantedVerbs[wanted], async (_, row) => {
    checkLive(row);
    checkSignedIn(row);
    if (row.key_id === '')
      throw new VaultError(
        'conflict',
        'there is no KMS key yet',
        'holdfast kms-key show tells what it waits for; holdfast kms-key delete gives the KMS key record up',
      );
    const isGoing = row.cloud_wish === 'PENDING_DELETION' || row.cloud_status === 'PENDING_DELETION';
    if (isGoing && (wanted === 'ENABLE' || wanted === 'DISABLE'))
      throw new VaultError(
        'conflict',
        'the KMS key is to be deleted, and cannot be used until then',
        'cancel its deletion first (holdfast kms-key cancel-deletion)',
      );
    if (!isGoing && wanted === 'CANCEL_DELETION')
      throw new VaultError('conflict', 'the deletion of the KMS key is not scheduled');
    return wantedChange(wanted, days, act.at);
  });
}

export function wantedChange(wanted: KmsKeyWanted, days: number | null, now: Date): KmsKeyChange {
  return { wanted, wanted_days: days, cloud_wish: wantedStates[wanted], ...again(now) };
}

/** Has everything that failed tried again at once; with `takeAlias` the alias is taken from the key that has it. */
export async function retryKmsKey(
  context: VaultContext,
  act: Act,
  on: OnKmsKey,
  { takeAlias }: { takeAlias: boolean },
): Promise<void> {
  await actOnKmsKey(context, act, on, takeAlias ? 'take-alias' : 'retry', async (_, row) => {
    checkLive(row);
    checkSignedIn(row);
    if (takeAlias && row.alias === '') throw new VaultError('invalid', 'the KMS key record has no alias');
    return { ...again(act.at), search: null, ...(takeAlias ? { take_alias: 1 } : {}) };
  });
}

/** Has AWS given ours: what is named, else all that it has, or may have, otherwise. */
export async function applyKmsKey(
  context: VaultContext,
  act: Act,
  on: OnKmsKey,
  what: readonly Drifting[] | undefined,
): Promise<void> {
  await actOnKmsKey(context, act, on, 'apply', async (_, row) => {
    checkLive(row);
    checkSignedIn(row);
    const drift = driftOf(row).map((one) => one.what);
    if (what?.includes('key-store') === true && drift.includes('key-store'))
      throw new VaultError('conflict', 'key store and external key of a KMS key can never be changed in AWS');
    // What is asked for by name is given in any case: that AWS has it otherwise may not be known here.
    const given = what === undefined ? [...drift, ...mayBeStaleOf(row).map((one) => one.what)] : what;
    if (row.key_id === '' || given.length === 0) return {};
    const values = given.filter(isApplied).filter((one) => hasOurs(row, one));
    return {
      to_apply: JSON.stringify([...new Set([...toApplyOf(row), ...values])]),
      ...(given.includes('state') ? stateChange(row) : {}),
      ...again(act.at),
    };
  });
}

/** A policy that cannot be written yet is none, and while the alias is still to be made its own step makes it. */
function hasOurs(row: KmsKey, what: Applied): boolean {
  if (what === 'alias') return row.step === 'DONE';
  return what !== 'policy' || row.policy !== '';
}

/** The act that brings AWS to the state that was asked for here. */
function stateChange(row: KmsKey): KmsKeyChange {
  if (row.cloud_wish === 'PENDING_DELETION')
    return { wanted: 'SCHEDULE_DELETION', wanted_days: deletionDays.max };
  if (seenOf(row)?.state !== 'PendingDeletion')
    return { wanted: row.cloud_wish === 'ENABLED' ? 'ENABLE' : 'DISABLE' };
  if (row.cloud_wish === 'DISABLED') return { wanted: 'CANCEL_DELETION' };
  throw new VaultError(
    'conflict',
    'the deletion of the KMS key is scheduled in AWS',
    'cancel it (holdfast kms-key cancel-deletion), then enable the KMS key',
  );
}

/**
 * Takes as ours what AWS has, where it is otherwise; all of it unless told what. Asks AWS nothing. Throws VaultError
 * `conflict` where what AWS shows may be stale.
 */
export async function acceptKmsKey(
  context: VaultContext,
  act: Act,
  on: OnKmsKey,
  what: readonly Drifting[] | undefined,
): Promise<void> {
  await actOnKmsKey(context, act, on, 'accept', async (_, row) => {
    checkLive(row);
    checkNotStale(row, what);
    const seen = seenOf(row);
    const drift = chosen(driftOf(row), what);
    if (seen === null || drift.length === 0) return {};
    if (seen.state === 'NotFound' && drift.some((one) => one.what === 'state'))
      return { ...goneAs('GONE_IN_AWS') };
    const theirs = acceptedFrom(seen, act.at);
    const changes: Record<Drifting, KmsKeyChange> = {
      policy: { policy: theirs.policy ?? row.policy, policy_source: 'DOCUMENT' },
      alias: { alias: theirs.alias ?? row.alias, former_aliases: '[]' },
      description: { description: theirs.description },
      tags: { tags: theirs.tags ?? row.tags },
      state: { cloud_wish: theirs.cloud_wish ?? row.cloud_wish, wanted: null, wanted_days: null },
      'key-store': {},
    };
    const taken = new Set<string>(drift.map((one) => one.what));
    return {
      ...Object.assign({}, ...drift.map((one) => changes[one.what])),
      to_apply: JSON.stringify(toApplyOf(row).filter((one) => !taken.has(one))),
    } as KmsKeyChange;
  });
}

/** What becomes of the KMS key when its KMS key record goes. */
export type Leaving = { kind: 'keep' } | { kind: 'schedule-deletion'; days: number };

/**
 * Gives the KMS key record up. Its KMS key stays as it is, or is scheduled for deletion first; until AWS has done so, or a key
 * that may be there is found, the KMS key record stays and says so.
 */
export async function deleteKmsKey(
  context: VaultContext,
  act: Act,
  on: OnKmsKey,
  leaving: Leaving,
): Promise<void> {
  checkDays(leaving.kind === 'keep' ? null : leaving.days);
  await actOnKmsKey(context, act, on, 'delete', async (_, row) => {
    checkLive(row);
    const deletes = leaving.kind === 'schedule-deletion';
    if (deletes && row.key_id !== '') checkSignedIn(row);
    return {
      ...leavingChange(deletes ? leaving.days : null),
      ...again(act.at),
    };
  });
}

function leavingChange(days: number | null): KmsKeyChange {
  if (days === null) return { leaving: 'KEEP', wanted: null, wanted_days: null, to_apply: '[]' };
  // Where it is pending already the request finds it so.
  return {
    leaving: 'DELETE',
    wanted: 'SCHEDULE_DELETION',
    wanted_days: days,
    cloud_wish: 'PENDING_DELETION',
  };
}

export function checkLive(row: Pick<KmsKey, 'step' | 'leaving'>): void {
  if (row.step === 'GONE')
    throw new VaultError('conflict', 'the KMS key record was given up', 'make another one');
}

/** Throws VaultError `conflict` where nothing here signs in to AWS; the way out is what to type there. */
export function checkSignedIn(row: KmsKey): void {
  if (!isManual(row)) return;
  throw new VaultError(
    'conflict',
    'nothing here signs in to AWS for this KMS key: its CSP account is of type manual',
    'do it manually in AWS: holdfast kms-key console shows what to enter',
  );
}

function checkDays(days: number | null): void {
  const { min, max } = deletionDays;
  if (days !== null && (!Number.isInteger(days) || days < min || days > max))
    throw new VaultError('invalid', `the waiting time is a whole number of days from ${min} to ${max}`);
}

function checkNotStale(row: KmsKey, what: readonly Drifting[] | undefined): void {
  const stale = chosen(mayBeStaleOf(row), what).map((one) => one.what);
  if (stale.length === 0) return;
  throw new VaultError(
    'conflict',
    `what AWS shows may be stale: ${stale.join(', ')}, as before our own change`,
    'repeat it in a few minutes, after holdfast kms-key refresh; or name the others (--what); holdfast kms-key apply gives AWS ours again',
  );
}

function chosen<T extends { what: Drifting }>(
  drift: readonly T[],
  what: readonly Drifting[] | undefined,
): T[] {
  return drift.filter((one) => what?.includes(one.what) ?? true);
}

function isApplied(what: Drifting): what is Applied {
  return what !== 'state' && what !== 'key-store';
}
