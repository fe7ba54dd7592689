/*
 * What a run of chaos leaves behind: one JSON line for each entry, in the order in which they ended. All times are milliseconds
 * of one monotonic clock, that of the process which sends all requests and acts, so that they can be compared.
 */

/** An Encrypt or Decrypt, as AWS KMS sends it. */
export interface RequestEntry {
  type: 'request';
  kind: 'encrypt' | 'decrypt';
  /** External key id. */
  key: string;
  began: number;
  ended: number;
  /** `success`, the errorName, or `no answer` where the connection ended without one. */
  result: string;
  status: number;
  /** Of a Decrypt with success: whether the plaintext is the one that was encrypted. */
  right?: boolean;
  /** Of an Encrypt with success: the version that its metadata name, and the IV, Base64. */
  version?: number;
  iv?: string;
  /** Of the XKS worker that answered it, where that is known: no other has the same number. */
  life?: number;
  /** After the last fault was mended: must succeed. */
  final?: true;
}

/**
 * What somebody asks of a key. Those of one key are sent one after another. `touch` changes no state: its transaction
 * waits for every one before it on the same record, so that what was in doubt is not under way any more once it is acknowledged.
 */
export interface ActEntry {
  type: 'act';
  act: 'create' | 'disable' | 'enable' | 'touch';
  key: string;
  node: number;
  invoked: number;
  ended: number;
  /** `refused`: certainly not done. `in doubt`: done then, or later, or never. */
  result: 'acknowledged' | 'refused' | 'in doubt';
  /** What was answered, for people. */
  answer?: string;
  /** Its request id, where there was an answer: the audit trail has it too. */
  request?: string;
  /** It was answered that it is done and not in force on every node yet; since `ended` it is, as `GET /in-force` says. */
  later?: NotInForce;
}

export interface NotInForce {
  /** When that was answered. */
  at: number;
  /** Ids of the nodes that were waited for then. */
  waitedFor: string[];
}

/** What the store has counted of a key version's encryptions, once all is over. */
export interface CountEntry {
  type: 'count';
  key: string;
  version: number;
  leased: number;
}

/** What the audit trail has of an act, once all is over. */
export interface EventEntry {
  type: 'event';
  /** Such as `cloud-key.disable`. */
  action: string;
  /** External key id. */
  key: string;
  /** Id of the request that did it. */
  request: string;
}

/** A fault that was made; for people. */
export interface FaultEntry {
  type: 'fault';
  at: number;
  fault: string;
  what: string;
}

/**
 * The database went back in time and lost changes; what they took away was taken away again, as somebody decided. So from `since`, the
 * moment of the first of them, until `ended`, every key may have been disabled: by what is lost, by nodes that remember it, or by the decision.
 */
export interface LossEntry {
  type: 'loss';
  since: number;
  ended: number;
  /** Changes that had been acknowledged are among them, and so may be events of the trail and counts. */
  ofAcknowledged: boolean;
}

/** The supervisor of a node stood still. */
export interface StillEntry {
  type: 'still';
  /** Its id. */
  node: string;
  began: number;
  ended: number;
  /** Of the leases of its workers, milliseconds. */
  lease: number;
}

/** The address of the database led some nodes to another store, and back again. */
export interface ElsewhereEntry {
  type: 'elsewhere';
  began: number;
  /** They are led back. */
  ended: number;
  /** Every node has confirmed a disable since then, within a minute and a half. */
  isTakenUp: boolean;
  /** How many changes either store was told to have lost, of which nothing was. */
  losses: number;
}

/** From when to when a fault was made and mended. */
export interface TroubleEntry {
  type: 'trouble';
  began: number;
  ended: number;
}

export type Entry =
  | RequestEntry
  | ActEntry
  | CountEntry
  | EventEntry
  | FaultEntry
  | LossEntry
  | StillEntry
  | ElsewhereEntry
  | TroubleEntry;
