import type { Generated } from 'kysely';

/** A tenant. */
export interface VaultTable {
  id: string;
  /** Unique among vaults that are not deleted. */
  name: string;
  type: 'cloud-key-management';
  description: string;
  /** Who administers it, as shown in its details; the user of this name was made with the vault. */
  administrator_name: string;
  administrator_email: string;
  /** JSON list of names of tokens in the configuration that its key sets may use. */
  tokens: string;
  /**
   * Frozen by its own administrators, or by the appliance in an emergency: every request for one of its keys is answered
   * InvalidStateException. Its own administrators alone end it.
   */
  frozen_at: Generated<string | null>;
  /** Held frozen by the appliance, whose administrators alone end it; what `frozen_at` says stands by itself. */
  appliance_frozen_at: Generated<string | null>;
  /** Set: gone from view, and kept because external key ids are never used again. */
  deleted_at: string | null;
  row_version: Generated<number>;
  created_at: string;
  updated_at: string;
}

/** What an act has begun, and the schedule brings to its end in steps. */
export interface UnfinishedWorkTable {
  kind: 'rotation-plan' | 'key-set-removal' | 'vault-end';
  /** Of the key set or the vault. */
  id: string;
  /** Where it has come to; '' for the beginning. */
  after: string;
  began_at: string;
}
