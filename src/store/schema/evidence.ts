import type { Generated } from 'kysely';

/** Every management act and sign-in. Triggers refuse changes, and deletions but by a pruning. */
export interface AuditEventTable {
  sequence: Generated<number>;
  /** When it was done: the time of its transaction. */
  at: string;
  /** When it began; null in events of before 0.2. */
  began_at: string | null;
  /** '' for acts on the appliance. */
  vault_id: string;
  actor_kind: 'user' | 'api-key' | 'system' | 'command' | 'nobody';
  actor_id: string;
  actor_name: string;
  /** Of which vault the user is, or whose API key it is: '' for those of the appliance. Null for everyone else, and in events of before 0.5. */
  actor_vault_id: string | null;
  /** Where the request came from; '' for acts of our own. */
  address: string;
  request_id: string;
  /** Such as `cloud-key.disable`. */
  action: string;
  outcome: 'done' | 'refused';
  target_kind: string;
  target_id: string;
  target_name: string;
  /** JSON of what changed; null where there is nothing. Never a secret. */
  before: string | null;
  after: string | null;
}

/** One row, kept by triggers of `audit_events`. */
export interface AuditCountTable {
  id: number;
  /** How many events there are, of all vaults and of the appliance. */
  events: number;
}

/**
 * That archived events were deleted from a trail, and which. Triggers keep what was asked for as it was, and the row for
 * good once anything was deleted.
 */
export interface AuditPruningTable {
  id: string;
  /** Of which trail; '' for the appliance's. */
  vault_id: string;
  /** VERIFYING until the node has found what the archive holds; DONE and REFUSED are the ends. */
  state: 'VERIFYING' | 'DELETING' | 'DONE' | 'REFUSED';
  /** Events from here on, '' for the beginning, and before this moment. */
  from_at: string;
  before_at: string;
  /** The last event of the appliance when it was asked for: none that came later is meant. */
  head: number;
  /** Of the events in the archive, and SHA-256 of their lines in hexadecimal digits. */
  count: number;
  sha256: string;
  /** Of the events, once verified. */
  first_sequence: number | null;
  first_at: string | null;
  last_sequence: number | null;
  last_at: string | null;
  /** How far the deleting has come in the order of `at` and sequence. */
  reached_at: string;
  reached: number;
  deleted: number;
  /** Events within that stay, since the store needs them. */
  kept: number;
  /** Why it was refused. */
  problem: string | null;
  /** Who asked. */
  actor_kind: AuditEventTable['actor_kind'];
  actor_id: string;
  actor_name: string;
  asked_at: string;
  ended_at: string | null;
}

/** A create that was asked for with an Idempotency-Key, written with what it made. */
export interface IdempotencyKeyTable {
  /** User or API key that sent it. */
  actor_id: string;
  key: string;
  /** SHA-256 of method, path and body. */
  request_hash: Buffer;
  /** What was made. */
  target_id: string;
  created_at: string;
}
