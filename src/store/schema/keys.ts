import type { Generated } from 'kysely';

export interface KeySetTable {
  id: string;
  vault_id: string;
  admin_group_id: string | null;
  csp_account_id: string | null;
  name: string;
  description: string;
  /** Name of the token in the configuration. */
  token: string;
  /** Whether AWS may use it as an external key store; without, its credentials open nothing. */
  external_key_store: Generated<number>;
  /** Path prefix of its XKS URIs without slashes around it, '' for none. */
  path_prefix: string;
  /** Default rotation schedule of its CloudKeys: every so many days, null for never. */
  rotation_days: number | null;
  /** Frozen: every request for one of its keys is answered InvalidStateException. */
  frozen_at: string | null;
  /** Most XKS requests a second for its keys together, and how many may come at once; null for no quota. */
  quota_rate: number | null;
  quota_burst: number | null;
  /** It is deleted, or its vault is and all that was in it has gone: nobody sees it; its rows are being taken away, or are tombstones. */
  removed_at: Generated<string | null>;
  row_version: Generated<number>;
  created_at: string;
  updated_at: string;
}

export type CloudKeyState =
  'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED';

export interface CloudKeyTable {
  id: string;
  key_set_id: string;
  /** Id of the vault of the key set, for lists alone: written by a trigger. Whose a key is its key set says. */
  listed_in: Generated<string>;
  /** Unique within the key set among keys that are not DELETED. */
  name: string;
  description: string;
  /** Unique in the whole store for ever: AWS binds KMS keys to it. */
  external_key_id: string;
  state: CloudKeyState;
  /** AWS Region, '' where not told. */
  region: string;
  /** JSON lists of ARNs of IAM users and roles, for the KMS key's policy. */
  administrators: string;
  users: string;
  can_encrypt: number;
  can_decrypt: number;
  /** The version that new ciphertext is made with. */
  current_version: number;
  rotation: 'INHERIT' | 'NEVER' | 'DAYS';
  /** With rotation DAYS. */
  rotation_days: number | null;
  /** When the current version was made active; a rotation is due so many days later. */
  rotated_at: string;
  /** When the next scheduled rotation is due; null where there is no schedule. */
  next_rotation_at: string | null;
  /** From this moment on the key is EXPIRED, whether the schedule has written so or not. */
  expires_at: string | null;
  /** With PENDING_DELETION: when its key objects will be destroyed. */
  deletion_at: string | null;
  deleted_at: string | null;
  quota_rate: number | null;
  quota_burst: number | null;
  /** The process that is making it, while CREATING: `node id/start`. */
  made_by: string;
  row_version: Generated<number>;
  created_at: string;
  updated_at: string;
}

export interface KeyVersionTable {
  cloud_key_id: string;
  version: number;
  /** CKA_ID of the key object in the token. */
  object_id: Buffer;
  /** DESTROYING: no request may use it, and its key object may be in the token still. */
  state: 'PENDING' | 'ACTIVE' | 'DESTROYING' | 'DESTROYED';
  /** Made here, or taken over from AWS's sample proxy with ciphertext in its form. */
  origin: 'holdfast' | 'aws-sample-proxy';
  /** Encryptions handed out in blocks, never less than were done (SP 800-38D, 8.3). */
  encryptions_leased: Generated<number>;
  /** The process that is making it, while PENDING: `node id/start`. */
  made_by: string;
  created_at: string;
  destroyed_at: string | null;
  /** Made with the key, bound to all that it belongs to; null for keys of before and for those that may not decrypt. */
  proof: Buffer | null;
  /** CKA_LABEL of a key that was taken over, as it was then; null for keys of ours, whose labels are computed. */
  label: string | null;
  /** Since when the key object is found not to be the one on record; null while it is. */
  unfit_since: string | null;
  /** What was found, for operators. */
  unfit_why: string | null;
  /** The `replaced_tokens` in which its key object was left; null where it is in the token that has the name. */
  left_in: string | null;
  /** While DESTROYING: JSON list of the serial numbers of HSMs on which the key object is destroyed already; null for none. */
  gone_from: string | null;
}

/** What has or may have key objects of a token and is not asked: replaced tokens (`init --replace-token`), and single HSMs. */
export interface ReplacedTokenTable {
  id: string;
  /**
   * `token`: another has taken its name and its place. `member`: an HSM in which the token’s keys were seen, and that was not asked
   * when one was to be destroyed, since the configuration does not have it.
   */
  kind: Generated<'token' | 'member'>;
  /** Name of the token in the configuration. */
  token: string;
  /** JSON list of the serial numbers that it was seen under. */
  serials: string;
  replaced_at: string;
  /** Since when it is on record, by somebody's word, that no key object is left in it. */
  erased_at: string | null;
}

/** External key ids of CloudKeys whose tombstones went with their key set: they are still never given again. */
export interface SpentExternalKeyTable {
  external_key_id: string;
  cloud_key_id: string;
  spent_at: string;
}

/** Proofs of the keys of our own in each token. */
export interface OwnKeyProofTable {
  /** Name of the token in the configuration. */
  token: string;
  /** Of the token itself: another one has other keys. */
  serial: string;
  /** CKA_LABEL of the key. */
  label: string;
  proof: Buffer;
  made_at: string;
}

export interface XksCredentialTable {
  access_key_id: string;
  key_set_id: string;
  /** The secret access key under the token's sealing key, bound to this record. */
  sealed_secret: Buffer;
  /** From this moment on it opens nothing; null for never. */
  expires_at: string | null;
  /** Retire it once it has not been seen for so many minutes and `successor` has been; null for not. */
  retire_after_minutes: number | null;
  /** Access key id of the credential that takes its place. */
  successor: string | null;
  row_version: Generated<number>;
  created_at: string;
  withdrawn_at: string | null;
  /** Why it was withdrawn. */
  withdrawn_why: 'WITHDRAWN' | 'EXPIRED' | 'RETIRED' | null;
}
