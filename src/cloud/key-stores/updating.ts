import { AwsError } from '../aws/aws-error.ts';
import { isGone, isSettling } from '../aws/presence.ts';
import { toldOfStore } from './presence.ts';
import { KeyStoreError } from '../aws/key-store-errors.ts';
import {
  updateKeyStore,
  type AwsKeyStore,
  type KeyStoreProperties,
  type XksCredentialValue,
} from '../aws/key-stores.ts';
import { asColumns, differing, look, propertiesOf, recordFailure } from './mirror.ts';
import { auditedStore, storeEntry, type ExternalKeyStore, type StoreChange } from './records.ts';
import { disconnectFirst, isOfTheMoment, refused, type Step } from './requests.ts';
import { nextLook, save, type Turn } from './turn.ts';
import { readDetails, wantedInstead, type WantedDetails } from './wanted.ts';
import { credentialMoved, isSettled, issueForStore, neverGiven } from './credential-rotation.ts';
import { VaultError } from '../../vault/vault-error.ts';

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
export async function updateStep(turn: Turn, from: ExternalKeyStore, seen: AwsKeyStore): Promise<Step> {
  let row = from;
  const details = readDetails(row);
  const change = missing(row, details, seen, turn.context.now());
  if (needsDisconnected(change) && seen.state !== 'DISCONNECTED') {
    if (seen.state === 'DISCONNECTING') return { row, again: false };
    if (details.disconnect === true) return disconnectFirst(turn, row);
    throw await refused(turn, row, onlyDisconnected());
  }
  let credential: XksCredentialValue | undefined;
  if (details.credential !== undefined) {
    if (row.pending_access_key_id !== '' && turn.by === 'watch' && !(await isSettled(turn, row))) {
      const next_check_at = nextLook(row, turn.context.now(), { fault: 'settling', times: 5 });
      return { row: await save(turn, row, { next_check_at }), again: false };
    }
    ({ row, credential } = await newCredential(turn, row));
  }
  if (Object.keys(change).length > 0 || credential !== undefined) {
    // Whichever of the values goes with another is sent whole.
    const whole = needsDisconnected(change) ? { ...details.change, ...change } : change;
    try {
      await updateKeyStore(turn.aws, row.region, seen.id, {
        ...whole,
        ...(credential === undefined ? {} : { credential }),
      });
    } catch (error) {
      return updateFailed(turn, row, error, credential !== undefined);
    }
  }
  return updated(turn, row, credential !== undefined);
}

/**
 * What AWS has otherwise than wanted. Where something was changed shortly before, what AWS shows may be older than that: then
 * also what the record has otherwise, which is what AWS was given last.
 */
function missing(
  row: ExternalKeyStore,
  { change = {}, unsettled = false }: WantedDetails,
  seen: AwsKeyStore,
  now: Date,
): Partial<KeyStoreProperties> {
  const shown = differing(change, seen);
  if (!unsettled || !isSettling(new Date(row.updated_at), now)) return shown;
  return { ...differing(change, propertiesOf(row)), ...shown };
}

async function newCredential(turn: Turn, row: ExternalKeyStore) {
  const known = row.pending_access_key_id !== '' && (await isSettled(turn, row));
  const before = known ? await neverGiven(turn, row) : row;
  const { issued, row: after } = await issueForStore(turn, before);
  return { row: after, credential: { accessKeyId: issued.accessKeyId, secret: issued.secret } };
}

async function updated(turn: Turn, row: ExternalKeyStore, moved: boolean): Promise<Step> {
  const { change = {}, connect = false, credential } = readDetails(row);
  const wanted = connect ? ('CONNECT' as const) : null;
  const columns: StoreChange = {
    ...asColumns(change),
    wanted,
    wanted_details: null,
    problem: null,
    next_check_at: nextLook({ ...row, wanted }, turn.context.now()),
  };
  const before = moved ? await credentialMoved(turn, row, credential?.quietMinutes ?? 0) : row;
  const after = { ...before, ...columns } as ExternalKeyStore;
  const entries =
    Object.keys(change).length === 0
      ? []
      : [{ ...storeEntry('updated', row), before: auditedStore(before), after: auditedStore(after) }];
  return { row: await save(turn, before, columns, entries), again: connect };
}

async function updateFailed(
  turn: Turn,
  row: ExternalKeyStore,
  thrown: unknown,
  withCredential: boolean,
): Promise<Step> {
  const error = toldOfStore(row, thrown, turn.context.now());
  if (!(error instanceof KeyStoreError)) throw error;
  if (error.certain) {
    // One that is pending from an earlier request may have got there.
    const taken = withCredential ? await neverGiven(turn, row) : row;
    const isOver = !isOfTheMoment(error);
    await recordFailure(turn, taken, error, isOver ? wantedInstead(taken) : {});
    throw isOver ? error : error.goneOnWith();
  }
  const failed = await recordFailure(turn, row, error);
  try {
    const { row: looked, seen } = await look(turn, failed);
    const details = readDetails(looked);
    const isDone =
      seen !== undefined &&
      !isGone(seen) &&
      Object.keys(missing(looked, details, seen, turn.context.now())).length === 0;
    if (isDone && details.credential === undefined) return await updated(turn, looked, false);
  } catch (second) {
    if (!(second instanceof AwsError)) throw second;
  }
  throw error.goneOnWith();
}

function onlyDisconnected(): VaultError {
  return new VaultError(
    'conflict',
    'AWS KMS changes endpoint, connectivity and VPC endpoint service of an external key store only while it is disconnected',
    'disconnect it first, or have it disconnected and connected again for the change (--disconnect); meanwhile none of its KMS keys can be used',
  );
}
