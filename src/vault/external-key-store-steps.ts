import { AwsError } from '../aws/aws-error.ts';
import { KeyStoreError } from '../aws/key-store-errors.ts';
import {
  connectKeyStore,
  deleteKeyStore,
  disconnectKeyStore,
  updateKeyStore,
  type AwsKeyStore,
  type KeyStoreProperties,
  type XksCredentialValue,
} from '../aws/key-stores.ts';
import { adopt, leftInAws, makeInAws, takeBack } from './external-key-store-making.ts';
import { asColumns, differing, look, recordFailure } from './external-key-store-mirror.ts';
import {
  auditedStore,
  storeEntry,
  type ExternalKeyStore,
  type StoreChange,
} from './external-key-store-records.ts';
import { removeStore } from './external-key-store-removal.ts';
import { nextLook, save, type Turn } from './external-key-store-turn.ts';
import { readDetails, writeDetails } from './external-key-store-wanted.ts';
import {
  credentialMoved,
  isSettled,
  issueForStore,
  neverGiven,
  settlesAt,
} from './store-credential-rotation.ts';
import { VaultError } from './vault-error.ts';

/** Disconnect, change, connect: no act has more steps. */
const mostSteps = 6;
/** AWS need not find at once what it has just made, milliseconds. */
const foundAfter = 2 * 60_000;

/** What a step came to; `again`: there is more to do at once. A row that is undefined is gone. */
interface Step {
  row: ExternalKeyStore | undefined;
  again: boolean;
}

/**
 * Looks at the key store in AWS, and does the next of what is wanted for it, until there is nothing to do or AWS has to
 * be waited for. Called again after any failure it goes on where things stand: each step begins with a look. Undefined
 * where the key store was to be deleted, and is. Throws AwsError, TokenError, VaultError; what failed is on the record then.
 */
export async function advance(turn: Turn, from: ExternalKeyStore): Promise<ExternalKeyStore | undefined> {
  let row = from;
  for (let step = 0; step < mostSteps; step++) {
    const next: Step = await oneStep(turn, row);
    if (next.row === undefined || !next.again) return next.row;
    row = next.row;
  }
  return row;
}

async function oneStep(turn: Turn, from: ExternalKeyStore): Promise<Step> {
  if (from.custom_key_store_id === '') return makingStep(turn, from);
  const { row, seen } = await look(turn, from);
  if (seen === undefined) return goneStep(turn, row);
  switch (row.wanted) {
    case null:
    case 'CREATE':
      return { row, again: false };
    case 'CONNECT':
      return connectStep(turn, row, seen);
    case 'DISCONNECT':
      return disconnectStep(turn, row, seen);
    case 'UPDATE':
      return updateStep(turn, row, seen);
    case 'DELETE':
      return deleteStep(turn, row, seen);
  }
}

async function makingStep(turn: Turn, row: ExternalKeyStore): Promise<Step> {
  if (row.wanted === 'CREATE') {
    const made = await makeInAws(turn, row);
    return { row: made ?? row, again: made !== undefined && made.wanted !== null };
  }
  if (row.wanted !== 'DELETE') return { row, again: false };
  const left = await leftInAws(turn, row);
  if (left === undefined) {
    await takeBack(turn, row, 'done');
    return { row: undefined, again: false };
  }
  const { wanted_details } = row;
  const found = await adopt(turn, row, left);
  return { row: await save(turn, found, { wanted: 'DELETE', wanted_details }), again: true };
}

/** AWS has it no more: deleted as wanted, or by somebody else. */
async function goneStep(turn: Turn, row: ExternalKeyStore): Promise<Step> {
  if (row.wanted === 'DELETE') {
    await removeStore(turn, row);
    return { row: undefined, again: false };
  }
  const now = turn.house.now();
  if (row.state !== 'NOT_FOUND' && now.getTime() - Date.parse(row.created_at) < foundAfter)
    return { row: await save(turn, row, { next_check_at: nextLook(row, now) }), again: false };
  const { wanted } = row;
  const after = await save(
    turn,
    row,
    {
      state: 'NOT_FOUND',
      connection_error: '',
      wanted: null,
      wanted_details: null,
      problem: null,
      checked_at: now.toISOString(),
      next_check_at: null,
    },
    row.state === 'NOT_FOUND'
      ? []
      : [{ ...storeEntry('state', row), before: { state: row.state }, after: { state: 'NOT_FOUND' } }],
  );
  if (wanted === null) return { row: after, again: false };
  throw new VaultError(
    'conflict',
    'AWS has this external key store no more',
    'holdfast external-key-store delete --forget takes the record away; then make another',
  );
}

async function connectStep(turn: Turn, row: ExternalKeyStore, seen: AwsKeyStore): Promise<Step> {
  const { sent = false } = readDetails(row);
  switch (seen.state) {
    case 'CONNECTED':
    case 'CONNECTING':
      return { row: await done(turn, row), again: false };
    case 'DISCONNECTING':
      return { row, again: false };
    case 'FAILED':
      // The outcome of what was asked for; else what was before: a failed one must be disconnected first.
      if (sent) return { row: await done(turn, row), again: false };
      return disconnectFirst(turn, row);
    case 'DISCONNECTED': {
      const marked = await save(turn, row, {
        wanted_details: writeDetails({ ...readDetails(row), sent: true }),
      });
      await attempt(turn, marked, async () => connectKeyStore(turn.aws, row.region, seen.id));
      return { row: await done(turn, marked, { state: 'CONNECTING', connection_error: '' }), again: false };
    }
  }
}

async function disconnectStep(turn: Turn, row: ExternalKeyStore, seen: AwsKeyStore): Promise<Step> {
  if (seen.state === 'DISCONNECTED' || seen.state === 'DISCONNECTING')
    return { row: await done(turn, row), again: false };
  await attempt(turn, row, async () => disconnectKeyStore(turn.aws, row.region, seen.id));
  return { row: await done(turn, row, { state: 'DISCONNECTING', connection_error: '' }), again: false };
}

/** What comes after goes on once AWS has disconnected it. */
async function disconnectFirst(turn: Turn, row: ExternalKeyStore): Promise<Step> {
  await attempt(turn, row, async () => disconnectKeyStore(turn.aws, row.region, row.custom_key_store_id));
  const change: StoreChange = { state: 'DISCONNECTING', connection_error: '', problem: null };
  const now = turn.house.now();
  const after = { ...row, ...change } as ExternalKeyStore;
  return { row: await save(turn, row, { ...change, next_check_at: nextLook(after, now) }), again: true };
}

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

async function updateStep(turn: Turn, from: ExternalKeyStore, seen: AwsKeyStore): Promise<Step> {
  let row = from;
  const details = readDetails(row);
  const change = differing(details.change ?? {}, seen);
  if (needsDisconnected(change) && seen.state !== 'DISCONNECTED') {
    if (seen.state === 'DISCONNECTING') return { row, again: false };
    if (details.disconnect === true) return disconnectFirst(turn, row);
    throw await refused(turn, row, onlyDisconnected());
  }
  let credential: XksCredentialValue | undefined;
  if (details.credential !== undefined) {
    if (row.pending_access_key_id !== '' && turn.by === 'watch' && !(await isSettled(turn, row))) {
      const at = new Date((await settlesAt(turn, row)).getTime() + 1000).toISOString();
      return { row: await save(turn, row, { next_check_at: at }), again: false };
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
      return updateFailed(turn, row, error);
    }
  }
  return updated(turn, row, credential !== undefined);
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
    next_check_at: nextLook({ ...row, wanted }, turn.house.now()),
  };
  const before = moved ? await credentialMoved(turn, row, credential?.quietMinutes ?? 0) : row;
  const after = { ...before, ...columns } as ExternalKeyStore;
  const entries =
    Object.keys(change).length === 0
      ? []
      : [{ ...storeEntry('updated', row), before: auditedStore(before), after: auditedStore(after) }];
  return { row: await save(turn, before, columns, entries), again: connect };
}

async function updateFailed(turn: Turn, row: ExternalKeyStore, error: unknown): Promise<Step> {
  if (!(error instanceof KeyStoreError)) throw error;
  if (error.certain && !isOfTheMoment(error)) {
    const taken = row.pending_access_key_id === '' ? row : await neverGiven(turn, row);
    await recordFailure(turn, taken, error, { wanted: null, wanted_details: null });
    throw error;
  }
  const failed = await recordFailure(turn, row, error);
  try {
    const { row: looked, seen } = await look(turn, failed);
    const { change = {}, credential } = readDetails(looked);
    const isDone = seen !== undefined && Object.keys(differing(change, seen)).length === 0;
    if (isDone && credential === undefined) return await updated(turn, looked, false);
  } catch (second) {
    if (!(second instanceof AwsError)) throw second;
  }
  throw error.goneOnWith();
}

async function deleteStep(turn: Turn, row: ExternalKeyStore, seen: AwsKeyStore): Promise<Step> {
  if (seen.state === 'DISCONNECTING') return { row, again: false };
  if (seen.state !== 'DISCONNECTED') {
    if (readDetails(row).disconnect === true) return disconnectFirst(turn, row);
    throw await refused(turn, row, stillConnected());
  }
  await attempt(turn, row, async () => deleteKeyStore(turn.aws, row.region, seen.id));
  await removeStore(turn, row);
  return { row: undefined, again: false };
}

/** What was wanted is done, or AWS has taken it on. */
async function done(turn: Turn, row: ExternalKeyStore, change: StoreChange = {}): Promise<ExternalKeyStore> {
  const after = { ...row, ...change, wanted: null } as ExternalKeyStore;
  return save(turn, row, {
    ...change,
    wanted: null,
    wanted_details: null,
    problem: null,
    next_check_at: nextLook(after, turn.house.now()),
  });
}

/** Sends a request; what AWS refuses for certain is wanted no more, the rest is gone on with by the watch. */
async function attempt(turn: Turn, row: ExternalKeyStore, call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof KeyStoreError)) throw error;
    const isOver = error.certain && !isOfTheMoment(error);
    await recordFailure(turn, row, error, isOver ? { wanted: null, wanted_details: null } : {});
    throw isOver ? error : error.goneOnWith();
  }
}

/** The look before said otherwise: its state has just changed, or AWS shows it late. It passes. */
function isOfTheMoment({ code, fault }: KeyStoreError): boolean {
  return code === 'CustomKeyStoreInvalidStateException' || fault === 'throttled';
}

async function refused(turn: Turn, row: ExternalKeyStore, error: VaultError): Promise<VaultError> {
  await recordFailure(turn, row, error, { wanted: null, wanted_details: null });
  return error;
}

export function onlyDisconnected(): VaultError {
  return new VaultError(
    'conflict',
    'AWS KMS changes endpoint, connectivity and VPC endpoint service of an external key store only while it is disconnected',
    'disconnect it first, or have it disconnected and connected again for the change (--disconnect); meanwhile none of its KMS keys can be used',
  );
}

export function stillConnected(): VaultError {
  return new VaultError(
    'conflict',
    'AWS KMS deletes an external key store only while it is disconnected',
    'disconnect it first, or have it disconnected before (--disconnect)',
  );
}
