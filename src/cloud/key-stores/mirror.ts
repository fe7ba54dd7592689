import type { AuditEntry } from '../../evidence/trail.ts';
import { findKeyStore, type AwsKeyStore, type KeyStoreProperties } from '../aws/key-stores.ts';
import { AwsError } from '../aws/aws-error.ts';
import { isGone, isSettling, orGone, type Gone } from '../aws/presence.ts';
import { auditedStore, storeEntry, type ExternalKeyStore, type StoreChange } from './records.ts';
import { nextLook, problemOf, save, type StoreFailure, type Turn } from './turn.ts';
import { storeSighting } from './presence.ts';
import { lookOperation, readDetails, readProblem } from './wanted.ts';
import { credentialMoved, isSettled, neverGiven } from './credential-rotation.ts';
import { defaultQuietMinutes } from '../../keys/credentials/credential-making.ts';

/**
 * Looks at the key store in AWS and writes down what is there. Undefined where AWS does not show it yet. Throws AwsError,
 * once the problem is on the record.
 */
export async function look(
  turn: Turn,
  row: ExternalKeyStore,
): Promise<{ row: ExternalKeyStore; seen: AwsKeyStore | Gone | undefined }> {
  let seen: AwsKeyStore | Gone;
  try {
    const find = async () => findKeyStore(turn.aws, row.region, row.custom_key_store_id);
    seen = await orGone(find, storeSighting(row), 0, turn.context.now());
  } catch (error) {
    if (error instanceof AwsError && error.fault === 'settling') {
      const times = (readProblem(row)?.times ?? 0) + 1;
      const next_check_at = nextLook(row, turn.context.now(), { fault: error.fault, times });
      return { row: await save(turn, row, { next_check_at }), seen: undefined };
    }
    if (error instanceof AwsError) await recordFailure(turn, row, error);
    throw error;
  }
  if (isGone(seen)) return { row, seen };
  const shown = asWeKnowIt(row, seen, turn.context.now());
  return { row: await mirror(turn, row, shown), seen: shown };
}

/** States of before, by what we had AWS begin. */
const before: Readonly<Record<string, readonly string[]>> = {
  CONNECTING: ['DISCONNECTED', 'DISCONNECTING'],
  DISCONNECTING: ['CONNECTED', 'CONNECTING', 'FAILED'],
};

/** What we had AWS begin just now it may still show as it was. */
function asWeKnowIt(row: ExternalKeyStore, seen: AwsKeyStore, now: Date): AwsKeyStore {
  const isStale = before[row.state]?.includes(seen.state) === true;
  return isStale && isSettling(new Date(row.updated_at), now)
    ? { ...seen, state: row.state as AwsKeyStore['state'] }
    : seen;
}

/** Writes down why an act or a look failed, and that the watch comes back later the more often it did. */
export async function recordFailure(
  turn: Pick<Turn, 'context' | 'act'>,
  row: ExternalKeyStore,
  error: StoreFailure,
  change: StoreChange = {},
): Promise<ExternalKeyStore> {
  const now = turn.context.now();
  const problem = problemOf(row, error, now);
  const after = { ...row, ...change } as ExternalKeyStore;
  // What is over waits for a person, its state is looked at as ever; what is wanted in its stead is begun.
  const isOver = after.wanted === null && problem.operation !== lookOperation;
  const isAnother = after.wanted !== null && after.wanted !== row.wanted;
  const failed = { fault: problem.fault ?? 'conflict', times: problem.times };
  return save(turn, row, {
    ...change,
    problem: JSON.stringify(problem),
    next_check_at: nextLook(after, now, isOver || isAnother ? null : failed),
  });
}

async function mirror(turn: Turn, before: ExternalKeyStore, seen: AwsKeyStore): Promise<ExternalKeyStore> {
  const now = turn.context.now();
  const row = await mirrorCredential(turn, before, seen, now);
  const properties = isTrusted(row, now) ? {} : propertiesSeen(row, seen);
  const state: StoreChange = { state: seen.state, connection_error: seen.connectionError };
  const after = { ...row, ...properties, ...state } as ExternalKeyStore;
  return save(
    turn,
    row,
    {
      ...properties,
      ...state,
      checked_at: now.toISOString(),
      seen_at: now.toISOString(),
      next_check_at: nextLook(after, now),
      ...(readProblem(row)?.operation === lookOperation ? { problem: null } : {}),
    },
    entriesOf(row, after),
  );
}

/** AWS has the pending one; or one that somebody gave it by hand; or the pending one turns out not to have got there. */
async function mirrorCredential(
  turn: Turn,
  row: ExternalKeyStore,
  seen: AwsKeyStore,
  now: Date,
): Promise<ExternalKeyStore> {
  const { credential } = readDetails(row);
  if (row.pending_access_key_id !== '' && seen.accessKeyId === row.pending_access_key_id)
    return credentialMoved(turn, row, credential?.quietMinutes ?? defaultQuietMinutes);
  if (row.pending_access_key_id !== '' && credential === undefined && (await isSettled(turn, row)))
    return neverGiven(turn, row);
  if (seen.accessKeyId === row.access_key_id || isTrusted(row, now)) return row;
  return save(turn, row, { access_key_id: seen.accessKeyId }, [
    {
      ...storeEntry('changed-in-aws', row),
      before: { accessKeyId: row.access_key_id },
      after: { accessKeyId: seen.accessKeyId },
    },
  ]);
}

/** What we have just changed, or are about to, is not taken back from a look. */
function isTrusted(row: ExternalKeyStore, now: Date): boolean {
  if (row.wanted === 'UPDATE') return true;
  return row.checked_at !== null && isSettling(new Date(row.updated_at), now);
}

const columns = {
  name: 'name',
  connectivity: 'connectivity',
  uriEndpoint: 'uri_endpoint',
  uriPath: 'uri_path',
  vpcEndpointServiceName: 'vpc_endpoint_service_name',
  vpcEndpointServiceOwner: 'vpc_endpoint_service_owner',
} as const satisfies Record<keyof KeyStoreProperties, keyof StoreChange>;

/** Properties as columns of the record. */
export function asColumns(properties: Partial<KeyStoreProperties>): StoreChange {
  return Object.fromEntries(
    Object.entries(columns).flatMap(([property, column]) => {
      const value = properties[property as keyof KeyStoreProperties];
      return value === undefined ? [] : [[column, value]];
    }),
  );
}

export function propertiesOf(row: ExternalKeyStore): KeyStoreProperties {
  return {
    name: row.name,
    connectivity: row.connectivity,
    uriEndpoint: row.uri_endpoint,
    uriPath: row.uri_path,
    vpcEndpointServiceName: row.vpc_endpoint_service_name,
    vpcEndpointServiceOwner: row.vpc_endpoint_service_owner,
  };
}

/** The ones that AWS has otherwise than wanted. Host names are the same in any case. */
export function differing(
  wanted: Partial<KeyStoreProperties>,
  seen: KeyStoreProperties,
): Partial<KeyStoreProperties> {
  return Object.fromEntries(
    Object.entries(wanted).filter(([property, value]) => {
      const has = seen[property as keyof KeyStoreProperties];
      if (property === 'uriEndpoint') return value.toLowerCase() !== has.toLowerCase();
      // AWS shows the account itself as the owner where none was told.
      if (property === 'vpcEndpointServiceOwner' && value === '') return false;
      return value !== has;
    }),
  );
}

function propertiesSeen(row: ExternalKeyStore, seen: AwsKeyStore): StoreChange {
  return asColumns(differing(propertiesSeenOf(seen), propertiesOf(row)));
}

function propertiesSeenOf(seen: AwsKeyStore): KeyStoreProperties {
  const { name, connectivity, uriEndpoint, uriPath, vpcEndpointServiceName, vpcEndpointServiceOwner } = seen;
  return { name, connectivity, uriEndpoint, uriPath, vpcEndpointServiceName, vpcEndpointServiceOwner };
}

/** A state that AWS came to, and what somebody changed there. What is only found out at the first look is no change. */
function entriesOf(row: ExternalKeyStore, after: ExternalKeyStore): AuditEntry[] {
  const isFirst = row.checked_at === null;
  const changed = Object.values(columns).filter(
    (column) => row[column] !== after[column] && row[column] !== '' && !isFirst,
  );
  const pick = (from: ExternalKeyStore) => {
    const all = auditedStore(from);
    return Object.fromEntries(
      Object.entries(columns)
        .filter(([, column]) => changed.includes(column))
        .map(([property]) => [property, all[property]]),
    );
  };
  return [
    ...(row.state === after.state && row.connection_error === after.connection_error
      ? []
      : [
          {
            ...storeEntry('state', row),
            before: { state: row.state, connectionError: row.connection_error },
            after: { state: after.state, connectionError: after.connection_error },
          },
        ]),
    ...(changed.length === 0
      ? []
      : [{ ...storeEntry('changed-in-aws', row), before: pick(row), after: pick(after) }]),
  ];
}
