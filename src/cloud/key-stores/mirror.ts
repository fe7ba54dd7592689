import type { AuditEntry } from '../../evidence/trail.ts';
import { defaultQuietMinutes } from '../../keys/credentials/credential-making.ts';
import { credentialState } from '../../keys/credentials/credential-records.ts';
import type { AwsKeyStore, ConnectionState, KeyStoreProperties } from '../aws/key-stores.ts';
import { isSettling } from '../aws/presence.ts';
import { credentialMoved, isSettled, neverGiven } from './credential-rotation.ts';
import { nextLook } from './outcomes.ts';
import { auditedStore, storeEntry, type ExternalKeyStore, type StoreChange } from './records.ts';
import type { StorePlan, StoreRecorded, StoreRow, StoreServed } from './row.ts';
import { lookOperation, problemOfStore, readDetails } from './wanted.ts';

/** What AWS shows of a key store. */
export interface Shown extends AwsKeyStore {
  /** The state on record before this look. */
  before: ExternalKeyStore['state'];
}

/** States of before, by what we had AWS begin. */
const before: Readonly<Record<string, readonly string[]>> = {
  CONNECTING: ['DISCONNECTED', 'DISCONNECTING'],
  DISCONNECTING: ['CONNECTED', 'CONNECTING', 'FAILED'],
};

/** What we had AWS begin just now it may still show as it was. */
export function shownOf(row: ExternalKeyStore, seen: AwsKeyStore, now: Date): Shown {
  const isStale = before[row.state]?.includes(seen.state) === true;
  const isOurs = isStale && isSettling(new Date(row.updated_at), now);
  return { ...seen, before: row.state, ...(isOurs ? { state: row.state as ConnectionState } : {}) };
}

/** What a look changes of the record, in one write: credential, properties and state as AWS shows them. */
export function mirrored(row: StoreRow, seen: Shown, at: Date): StorePlan {
  if (settledCredential(row, seen, at) === undefined) return (now) => looked(now, seen, at);
  return {
    served: (now) => {
      const settled = settledCredential(now, seen, at) ?? {};
      const { entries = [], change } = looked(now, seen, at, settled.change);
      return { ...settled, change, entries: [...(settled.entries ?? []), ...entries] };
    },
  };
}

/** AWS has the pending credential; or it turns out not to have got there. */
function settledCredential(row: StoreRow, seen: Shown, now: Date): StoreServed | undefined {
  const { credential } = readDetails(row);
  if (row.pending_access_key_id === '') return undefined;
  if (seen.accessKeyId === row.pending_access_key_id)
    return credentialMoved(row, credential?.quietMinutes ?? defaultQuietMinutes);
  return credential === undefined && isSettled(row, now) ? neverGiven(row) : undefined;
}

function looked(
  row: StoreRow,
  seen: Shown,
  at: Date,
  settled?: StoreChange,
): StoreRecorded & { change: StoreChange } {
  const others = settled === undefined && !isTrusted(row, at) ? changedInAws(row, seen) : {};
  const change: StoreChange = {
    ...{ ...settled, ...others, state: seen.state, connection_error: seen.connectionError },
    ...{ checked_at: at.toISOString(), seen_at: at.toISOString() },
    ...(problemOfStore(row)?.operation === lookOperation ? { problem: null } : {}),
  };
  const isChanged = settled !== undefined || Object.keys(others).length > 0;
  const after = { ...row, ...change, ...(isChanged ? { updated_at: at.toISOString() } : {}) } as StoreRow;
  return {
    change: { ...change, next_check_at: nextLook(after, at) },
    entries: [...credentialEntries(row, others), ...entriesOf(row, after)],
  };
}

/** What we have just changed, or are about to, is not taken back from a look. */
function isTrusted(row: ExternalKeyStore, now: Date): boolean {
  if (row.wanted === 'UPDATE') return true;
  return row.checked_at !== null && isSettling(new Date(row.updated_at), now);
}

function changedInAws(row: ExternalKeyStore, seen: Shown): StoreChange {
  const { accessKeyId: access_key_id } = seen;
  return { ...propertiesSeen(row, seen), ...(access_key_id === row.access_key_id ? {} : { access_key_id }) };
}

/** One that somebody gave AWS by hand. */
function credentialEntries(row: ExternalKeyStore, { access_key_id }: StoreChange): AuditEntry[] {
  if (access_key_id === undefined) return [];
  const [old, now] = [{ accessKeyId: row.access_key_id }, { accessKeyId: access_key_id }];
  return [{ ...storeEntry('changed-in-aws', row), before: old, after: now }];
}

/** AWS has it no more. */
export function notFound(row: ExternalKeyStore, now: Date): StoreRecorded {
  const state = 'NOT_FOUND' as const;
  return {
    change: {
      ...{ state, connection_error: '', wanted: null, wanted_details: null, problem: null },
      ...{ checked_at: now.toISOString(), next_check_at: null },
    },
    entries:
      row.state === state
        ? []
        : [{ ...storeEntry('state', row), before: { state: row.state }, after: { state } }],
  };
}

/** How often uses of the credentials of one by hand are looked up, milliseconds. */
const lookEvery = 60_000;

/** A credential that AWS signs with shows by itself that AWS was given it. */
export function seenByHand(row: StoreRow, at: Date): StorePlan {
  const next_check_at = new Date(at.getTime() + lookEvery).toISOString();
  const pending = row.credentials.get(row.pending_access_key_id);
  if (pending !== undefined && pending.last_seen_at !== null)
    return {
      served: (now) => {
        const moved = credentialMoved(now, defaultQuietMinutes);
        return { ...moved, change: { ...moved.change, next_check_at } };
      },
    };
  return (now) => {
    const access_key_id = successorInUse(now, at);
    const moved = { ...storeEntry('credential-moved', now), before: { accessKeyId: now.access_key_id } };
    return access_key_id === undefined
      ? { change: { next_check_at } }
      : {
          change: { access_key_id, next_check_at },
          entries: [{ ...moved, after: { accessKeyId: access_key_id } }],
        };
  };
}

/** Rotated with holdfast credential rotate. */
function successorInUse({ access_key_id, credentials }: StoreRow, now: Date): string | undefined {
  const current = credentials.get(access_key_id);
  const successor = credentials.get(current?.successor ?? '');
  if (successor === undefined || credentialState(successor, now) !== 'LIVE') return undefined;
  const isInUse = (successor.last_seen_at ?? '') > (current?.last_seen_at ?? '');
  return isInUse ? successor.access_key_id : undefined;
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
