import { isAwsCode } from '../aws/kms-errors.ts';
import { connectKeyStore, deleteKeyStore, type AwsKeyStore } from '../aws/key-stores.ts';
import { isGone, removed, type Gone } from '../aws/presence.ts';
import { adopt, leftInAws, makeInAws, takeBack } from './create-in-aws.ts';
import { look } from './mirror.ts';
import { storeSighting } from './presence.ts';
import { storeEntry, type ExternalKeyStore, type StoreChange } from './records.ts';
import { removeStore } from './removal.ts';
import { attempt, disconnect, disconnectFirst, done, refused, type Step } from './requests.ts';
import { save, type Turn } from './turn.ts';
import { updateStep } from './updating.ts';
import { readDetails, writeDetails } from './wanted.ts';
import { VaultError } from '../../vault/vault-error.ts';

type State = ExternalKeyStore['state'];

/** Disconnect, change, connect: no act has more steps. */
const maxSteps = 6;

/**
 * Looks at the key store in AWS, and does the next of what is wanted for it, until there is nothing to do or AWS has to
 * be waited for. Called again after any failure it goes on where things stand: each step begins with a look. Undefined
 * where the key store was to be deleted, and is. Throws AwsError, TokenError, VaultError; what failed is on the record then.
 */
export async function advance(turn: Turn, from: ExternalKeyStore): Promise<ExternalKeyStore | undefined> {
  let row = from;
  for (let step = 0; step < maxSteps; step++) {
    const next: Step = await oneStep(turn, row);
    if (next.row === undefined || !next.again) return next.row;
    row = next.row;
  }
  return row;
}

async function oneStep(turn: Turn, from: ExternalKeyStore): Promise<Step> {
  if (from.custom_key_store_id === '') return makingStep(turn, from);
  const { row, seen } = await look(turn, from);
  // What was just made does not show: it is looked at again in seconds.
  if (seen === undefined) return { row, again: false };
  if (isGone(seen)) return goneStep(turn, row, seen);
  switch (row.wanted) {
    case null:
    case 'CREATE':
      return { row, again: false };
    case 'CONNECT':
      return connectStep(turn, row, seen, from.state);
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
  const { wanted, wanted_details } = row;
  return { row: await adopt(turn, row, left, { wanted, wanted_details }), again: true };
}

/** AWS has it no more: deleted as wanted, or by somebody else. */
async function goneStep(turn: Turn, row: ExternalKeyStore, gone: Gone): Promise<Step> {
  if (row.wanted === 'DELETE') {
    await removeStore(turn, row, gone);
    return { row: undefined, again: false };
  }
  const now = turn.context.now();
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

/**
 * AWS is asked whatever it shows: what it shows may be from before, and it takes the request in every state but those that
 * have to end first (API Reference, ConnectCustomKeyStore).
 */
async function connectStep(
  turn: Turn,
  row: ExternalKeyStore,
  seen: AwsKeyStore,
  before: State,
): Promise<Step> {
  const { sent = false, afterRefusal = false } = readDetails(row);
  switch (seen.state) {
    case 'DISCONNECTING':
      return { row, again: false };
    case 'FAILED':
      // The outcome of what was asked for; else what was before: a failed one must be disconnected first.
      if (sent) return { row: await done(turn, row), again: false };
      return disconnectFirst(turn, row);
    case 'CONNECTED':
    case 'CONNECTING':
    case 'DISCONNECTED': {
      const marked = await save(turn, row, {
        wanted_details: writeDetails({ ...readDetails(row), sent: true }),
      });
      await attempt(turn, marked, async () => connectKeyStore(turn.aws, row.region, seen.id));
      // That it is CONNECTED is certain only where it was so all the time.
      const isUp = seen.state === 'CONNECTED' && before === 'CONNECTED';
      const change: StoreChange = {
        ...{ state: isUp ? 'CONNECTED' : 'CONNECTING', connection_error: '' },
        ...(afterRefusal ? { problem: row.problem } : {}),
      };
      return { row: await done(turn, marked, change), again: false };
    }
  }
}

/** Likewise: that it is disconnected already AWS says by refusing the request. */
async function disconnectStep(turn: Turn, row: ExternalKeyStore, seen: AwsKeyStore): Promise<Step> {
  const wasUp = await disconnect(turn, row);
  const isDown = !wasUp && seen.state === 'DISCONNECTED';
  const change: StoreChange = { state: isDown ? 'DISCONNECTED' : 'DISCONNECTING', connection_error: '' };
  return { row: await done(turn, row, change), again: false };
}

/**
 * AWS has no list of the KMS keys in a key store. But a request to delete it, which AWS cannot obey while it is connected,
 * may say that there are some, or that we may not: then it is not disconnected, for whoever uses them.
 */
async function deleteStep(turn: Turn, row: ExternalKeyStore, seen: AwsKeyStore): Promise<Step> {
  if (seen.state === 'DISCONNECTING') return { row, again: false };
  const isDown = seen.state === 'DISCONNECTED';
  if (!isDown && readDetails(row).disconnect !== true) throw await refused(turn, row, stillConnected());
  const remove = async () => deleteKeyStore(turn.aws, row.region, seen.id);
  const gone = await attempt(turn, row, async () => {
    try {
      return await removed(remove, storeSighting(row), turn.context.now());
    } catch (error) {
      if (isDown || !isAwsCode(error, 'CustomKeyStoreInvalidStateException')) throw error;
      return undefined;
    }
  });
  if (gone === undefined) return disconnectFirst(turn, row);
  await removeStore(turn, row, gone);
  return { row: undefined, again: false };
}

function stillConnected(): VaultError {
  return new VaultError(
    'conflict',
    'AWS KMS deletes an external key store only while it is disconnected',
    'disconnect it first, or have it disconnected before (--disconnect)',
  );
}
