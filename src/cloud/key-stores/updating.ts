import { updateKeyStore, type KeyStoreProperties } from '../aws/key-stores.ts';
import { isSettling } from '../aws/presence.ts';
import { credentialMoved, isSettled, issued } from './credential-rotation.ts';
import { asColumns, differing, propertiesOf } from './mirror.ts';
import { done, failedWithCredential, found, lookedForAgain, StoreRefusal } from './outcomes.ts';
import { auditedStore, storeEntry, type StoreChange } from './records.ts';
import type { NextOfStore, StoreRecorded, StoreRow, StoreServed } from './row.ts';
import { disconnectFirst, type Case } from './disconnecting.ts';
import { readDetails } from './wanted.ts';

const offline: readonly (keyof KeyStoreProperties)[] = [
  'connectivity',
  'uriEndpoint',
  'vpcEndpointServiceName',
  'vpcEndpointServiceOwner',
];

/** Whether AWS makes this change only while the key store is disconnected (Developer Guide, "Edit … properties"). */
export function needsDisconnected(change: Partial<KeyStoreProperties>): boolean {
  return offline.some((property) => change[property] !== undefined);
}

/** Changes in AWS what it has otherwise than wanted, with a new credential where one is wanted. */
export async function update(on: Case): Promise<NextOfStore> {
  const { row, seen, aws, at } = on;
  const details = readDetails(row);
  const change = missing(on);
  if (needsDisconnected(change) && seen.state !== 'DISCONNECTED') {
    if (seen.state === 'DISCONNECTING') return undefined;
    if (details.disconnect === true) return disconnectFirst(on);
    throw new StoreRefusal(onlyDisconnected);
  }
  // Whichever of the values goes with another is sent whole.
  const whole = needsDisconnected(change) ? { ...details.change, ...change } : change;
  if (details.credential !== undefined) return updateWithCredential(on, whole);
  const plan = (now: StoreRow) => updated(now, at.now);
  if (Object.keys(change).length === 0) return found(operation, plan);
  return {
    ...{ operation, changes: true, looksAfterLoss: true },
    call: async () => {
      await updateKeyStore(aws, row.region, seen.id, whole);
      return plan;
    },
  };
}

async function updateWithCredential(
  { row, seen, aws, at, makeCredential }: Case,
  change: Partial<KeyStoreProperties>,
): Promise<NextOfStore> {
  // A person who asks again need not wait: the one before lives on until it is quiet.
  if (at.by === 'watch' && !isSettled(row, at.now)) return lookedForAgain(row, at.now);
  const credential = await makeCredential();
  return {
    ...{ operation, changes: true, looksAfterLoss: true, failed: failedWithCredential },
    before: {
      served: (now) => issued(now, credential, isSettled(now, at.now) ? 'withdrawn' : 'superseded'),
    },
    call: async () => {
      await updateKeyStore(aws, row.region, seen.id, { ...change, credential });
      return { served: (now) => updatedWithCredential(now, at.now) };
    },
  };
}

const operation = 'UpdateCustomKeyStore';

/**
 * What AWS has otherwise than wanted. Where something was changed shortly before, what AWS shows may be older than that: then
 * also what the record has otherwise, which is what AWS was given last.
 */
function missing({ row, seen, at }: Case): Partial<KeyStoreProperties> {
  const { change = {}, unsettled = false } = readDetails(row);
  const shown = differing(change, seen);
  if (!unsettled || !isSettling(new Date(row.updated_at), at.now)) return shown;
  return { ...differing(change, propertiesOf(row)), ...shown };
}

/** AWS has all that was wanted. What comes next is wanted with that. */
function updated(row: StoreRow, now: Date): StoreRecorded & { change: StoreChange } {
  const { change = {}, connect = false } = readDetails(row);
  const next = { wanted: connect ? ('CONNECT' as const) : null, wanted_details: null };
  const recorded = done(row, now, asColumns(change), next);
  if (Object.keys(change).length === 0) return recorded;
  const after = auditedStore({ ...row, ...recorded.change } as StoreRow);
  return { ...recorded, entries: [{ ...storeEntry('updated', row), before: auditedStore(row), after }] };
}

/** The credential too. */
function updatedWithCredential(row: StoreRow, now: Date): StoreServed {
  const moved = credentialMoved(row, readDetails(row).credential?.quietMinutes ?? 0);
  const { entries = [], ...recorded } = updated({ ...row, ...moved.change } as StoreRow, now);
  return {
    ...{ ...moved, ...recorded },
    change: { ...moved.change, ...recorded.change },
    entries: [...(moved.entries ?? []), ...entries],
  };
}

const onlyDisconnected = {
  message:
    'AWS KMS changes endpoint, connectivity and VPC endpoint service of an external key store only while it is disconnected',
  remediation:
    'disconnect it first, or have it disconnected and connected again for the change (--disconnect); meanwhile none of its KMS keys can be used',
};
