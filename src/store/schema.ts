import type { Generated } from 'kysely';

/*
 * The tables, as Kysely sees them; SQLite now, PostgreSQL later with the same names. Times are ISO 8601 in UTC, truth
 * values are 0 or 1, so that both databases hold the same.
 */

export interface Tables {
  revision: RevisionTable;
  key_sets: KeySetTable;
  cloud_keys: CloudKeyTable;
  key_versions: KeyVersionTable;
  xks_credentials: XksCredentialTable;
}

/** One row. Raised by every change that an XKS worker must see; a worker drops what it remembers when it moved. */
export interface RevisionTable {
  id: number;
  revision: number;
}

export interface KeySetTable {
  id: string;
  name: string;
  description: string;
  /** Name of the token in the configuration. */
  token: string;
  /** Path prefix of its XKS URIs without slashes around it, '' for none. */
  path_prefix: string;
  created_at: string;
}

export interface CloudKeyTable {
  id: string;
  key_set_id: string;
  name: string;
  description: string;
  /** Unique in the whole store for ever: AWS binds KMS keys to it. */
  external_key_id: string;
  state: 'CREATING' | 'AVAILABLE' | 'DISABLED';
  can_encrypt: number;
  can_decrypt: number;
  /** The version that new ciphertext is made with. */
  current_version: number;
  created_at: string;
  updated_at: string;
}

export interface KeyVersionTable {
  cloud_key_id: string;
  version: number;
  /** CKA_ID of the key object in the token. */
  object_id: Buffer;
  state: 'PENDING' | 'ACTIVE';
  /** Made here, or taken over from AWS's sample proxy with ciphertext in its form. */
  origin: 'holdfast' | 'aws-sample-proxy';
  /** Encryptions handed out in blocks, never less than were done (SP 800-38D, 8.3). */
  encryptions_leased: Generated<number>;
  created_at: string;
}

export interface XksCredentialTable {
  access_key_id: string;
  key_set_id: string;
  /** The secret access key under the token's protecting key, bound to this record. */
  sealed_secret: Buffer;
  created_at: string;
  withdrawn_at: string | null;
}
