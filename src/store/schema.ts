import type { Generated } from 'kysely';

/*
 * The tables, as Kysely sees them; SQLite now, PostgreSQL later with the same names. Times are ISO 8601 in UTC with
 * milliseconds, so that they sort as text; truth values are 0 or 1; lists and records are JSON text: so that both
 * databases hold the same.
 *
 * `row_version` is what an ETag shows: it goes up by one with every change of the row that a person made or sees.
 */

export interface Tables {
  revision: RevisionTable;
  served_changes: ServedChangeTable;
  vaults: VaultTable;
  users: UserTable;
  recovery_codes: RecoveryCodeTable;
  sessions: SessionTable;
  api_keys: ApiKeyTable;
  admin_groups: AdminGroupTable;
  admin_group_members: AdminGroupMemberTable;
  oidc_providers: OidcProviderTable;
  oidc_sign_ins: OidcSignInTable;
  csp_accounts: CspAccountTable;
  csp_access_keys: CspAccessKeyTable;
  external_key_stores: ExternalKeyStoreTable;
  kms_keys: KmsKeyTable;
  key_sets: KeySetTable;
  cloud_keys: CloudKeyTable;
  key_versions: KeyVersionTable;
  own_key_proofs: OwnKeyProofTable;
  spent_external_keys: SpentExternalKeyTable;
  unfinished_work: UnfinishedWorkTable;
  xks_credentials: XksCredentialTable;
  uses: UseTable;
  settings: SettingTable;
  nodes: NodeTable;
  leases: LeaseTable;
  reconciliations: ReconciliationTable;
  idempotency_keys: IdempotencyKeyTable;
  audit_events: AuditEventTable;
  audit_prunings: AuditPruningTable;
  audit_count: AuditCountTable;
}

/** One row, kept by triggers of `audit_events`. */
export interface AuditCountTable {
  id: number;
  /** How many events there are, of all vaults and of the appliance. */
  events: number;
}

/** One row. Raised by every change that an XKS worker must see; when it moved, a worker asks what was changed. */
export interface RevisionTable {
  id: number;
  revision: number;
}

/** What a revision changed of what XKS workers serve by; each of the latest revisions has a row at least. */
export interface ServedChangeTable {
  revision: number;
  kind: ServedKind | 'everything' | 'nothing';
  /** Of what was changed: see {@link ServedKind}; '' for everything and nothing. */
  name: string;
}

/**
 * What was changed, and by what it is named: a vault and a key set by their ids, a CloudKey with its versions by its external
 * key id, a credential by its access key id; `path-prefixes` has no name, since which of them are in use is one thing.
 */
export type ServedKind = 'vault' | 'key-set' | 'path-prefixes' | 'cloud-key' | 'credential';

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

export type Role = 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';

export interface UserTable {
  id: string;
  /** '' for users of the appliance. */
  vault_id: string;
  /** Unique within its vault, without regard to case: `username_key` is its lower-case form. */
  username: string;
  username_key: string;
  display_name: string;
  email: string;
  role: Role;
  state: 'ACTIVE' | 'DISABLED';
  /** How they may sign in: an `oidc` user has no password, a `password` user is never linked to the provider. */
  sign_in: 'password' | 'oidc' | 'both';
  /** PHC string of argon2id; null for a user who signs in by OIDC alone. */
  password_hash: string | null;
  must_change_password: number;
  password_changed_at: string | null;
  /** Wrong passwords and codes since the last success. */
  failures: Generated<number>;
  locked_until: string | null;
  /** TOTP secret under the token's protecting key; null without a second factor. */
  totp_sealed: Buffer | null;
  /** What the seal is bound to besides the user; null for one of before, until it is first used. */
  totp_enrolment: Generated<string | null>;
  totp_token: string | null;
  totp_state: 'NONE' | 'ENROLLING' | 'ON';
  /** The last 30-second step whose code was taken: no code works twice (RFC 6238, 5.2). */
  totp_last_step: Generated<number>;
  /** `sub` of the vault's OIDC provider, once linked. */
  oidc_subject: string | null;
  last_sign_in_at: string | null;
  row_version: Generated<number>;
  created_at: string;
  updated_at: string;
}

export interface RecoveryCodeTable {
  user_id: string;
  /** SHA-256 of a code of 100 bits or more. */
  hash: Buffer;
  used_at: string | null;
}

export interface SessionTable {
  /** SHA-256 of the session's token. */
  hash: Buffer;
  id: string;
  user_id: string;
  /** SHA-256 of the CSRF token, for sessions in a cookie; null for those in a header. */
  csrf_hash: Buffer | null;
  /** What is still to do before it may do anything else. */
  state: 'SECOND_FACTOR' | 'PASSWORD_CHANGE' | 'ACTIVE';
  method: 'password' | 'oidc';
  address: string;
  user_agent: string;
  created_at: string;
  last_seen_at: string;
  expires_at: string;
}

export interface ApiKeyTable {
  id: string;
  user_id: string;
  name: string;
  /** SHA-256 of a secret of 256 bits. */
  hash: Buffer;
  /** JSON list of permissions, each also one of its owner's role. */
  scope: string;
  expires_at: string;
  revoked_at: string | null;
  last_used_at: string | null;
  last_address: string | null;
  row_version: Generated<number>;
  created_at: string;
}

/** An admin group such as "Cloud Admin Group": it owns CSP accounts and key sets. */
export interface AdminGroupTable {
  id: string;
  vault_id: string;
  name: string;
  description: string;
  row_version: Generated<number>;
  created_at: string;
  updated_at: string;
}

export interface AdminGroupMemberTable {
  group_id: string;
  user_id: string;
  created_at: string;
}

/** At most one for each vault, and one for the appliance (vault_id ''). */
export interface OidcProviderTable {
  vault_id: string;
  issuer: string;
  client_id: string;
  client_secret_sealed: Buffer | null;
  client_secret_token: string | null;
  scopes: string;
  /** The claim that names a user at the first sign-in: `email` (must be verified) or `preferred_username`. */
  username_claim: string;
  /** CAs that its certificates must chain to, in PEM form; '' for those of the system. */
  ca_certificates: string;
  row_version: Generated<number>;
  created_at: string;
  updated_at: string;
}

/** An OIDC sign-in under way. */
export interface OidcSignInTable {
  /** SHA-256 of `state`. */
  state_hash: Buffer;
  vault_id: string;
  nonce: string;
  code_verifier: string;
  /** SHA-256 of the cookie or verifier of the browser or program that began. */
  binding_hash: Buffer;
  return_to: string;
  /** Addresses that share a bound, as the lanes of passwords do. */
  share: Generated<string>;
  /** SHA-256 of the one-time code with which the session is fetched, and whose it is; null before the provider answered. */
  code_hash: Buffer | null;
  user_id: string | null;
  created_at: string;
  expires_at: string;
}

export interface CspAccountTable {
  id: string;
  vault_id: string;
  admin_group_id: string;
  name: string;
  description: string;
  /** How we sign in there: an access key, a role that is assumed, the node's own credentials, or not at all. */
  type: 'manual' | 'access-key' | 'role' | 'ambient';
  /** 12 digits, '' where not told; with a checked account what GetCallerIdentity said. */
  aws_account_id: string;
  default_region: string;
  partition: Generated<'aws' | 'aws-cn' | 'aws-us-gov' | 'aws-eusc'>;
  /** 1: FIPS endpoints. */
  fips: Generated<number>;
  /** With type `role`. */
  role_arn: Generated<string>;
  /** With type `role`: made by us, one for each account, so that no vault can have another's role assumed. */
  external_id: Generated<string>;
  /** Rotation schedule of the access key: every so many days, null for never. */
  access_key_rotation_days: number | null;
  next_access_key_rotation_at: string | null;
  /** How far a rotation of the access key has come; null while none is under way. */
  access_key_rotation: 'CREATING' | 'VERIFYING' | 'SWITCHED' | null;
  /**
   * Access key ids that IAM listed before the rotation created one, JSON: what is there besides and not ours was made by
   * a rotation that was cut off before it could write the secret down.
   */
  access_key_rotation_known: string | null;
  /** JSON of why the last try of the rotation failed; null otherwise. */
  access_key_rotation_problem: string | null;
  /** The next try of a rotation that failed. */
  access_key_rotation_retry_at: string | null;
  /** How many tries of it have failed in a row. */
  access_key_rotation_failures: Generated<number>;
  /** When and with what outcome its credential and permissions were last checked; JSON. */
  checked_at: string | null;
  check_report: string | null;
  row_version: Generated<number>;
  created_at: string;
  updated_at: string;
}

/** Access keys of IAM users that we sign in with, or assume a role with. */
export interface CspAccessKeyTable {
  csp_account_id: string;
  access_key_id: string;
  /** Secret access key under the token's protecting key, bound to account and access key id. */
  sealed_secret: Buffer;
  sealed_token: string;
  /** NEXT: made by a rotation and not proven yet. OLD: switched away from, to be deleted in IAM. */
  state: 'CURRENT' | 'NEXT' | 'OLD';
  origin: 'operator' | 'rotation';
  created_at: string;
}

/** An external key store of AWS KMS that connects to a key set; one for each Region. */
export interface ExternalKeyStoreTable {
  id: string;
  vault_id: string;
  key_set_id: string;
  csp_account_id: string | null;
  region: string;
  /** Its name in AWS, unique in account and Region. */
  name: string;
  /** `cks-…`; '' while it is not known. */
  custom_key_store_id: Generated<string>;
  /** Made by us in AWS, made by hand there and found by us, or made by hand without our having a look. */
  origin: 'HOLDFAST' | 'LINKED' | 'MANUAL';
  connectivity: 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE';
  /** `https://` and a host name. */
  uri_endpoint: string;
  /** XksProxyUriPath that AWS has, '' where it was not asked; it should be that of the key set. */
  uri_path: Generated<string>;
  vpc_endpoint_service_name: Generated<string>;
  /** Account id of the owner of the endpoint service, '' for the account itself. */
  vpc_endpoint_service_owner: Generated<string>;
  /** XKS credential that AWS was given last, '' where that is not known. */
  access_key_id: Generated<string>;
  /** One that it is about to be given: which of the two it has is not known while this is not ''. */
  pending_access_key_id: Generated<string>;
  /** What was asked for and not yet confirmed: a kill between is put right by asking again. */
  wanted: 'CREATE' | 'CONNECT' | 'DISCONNECT' | 'DELETE' | 'UPDATE' | null;
  /** JSON of how it is wanted: see src/cloud/key-stores/wanted.ts. */
  wanted_details: string | null;
  /** As AWS said last; CREATING before it exists, NOT_FOUND where AWS has it no more, UNKNOWN where AWS was not asked. */
  state:
    | 'CREATING'
    | 'DISCONNECTED'
    | 'CONNECTING'
    | 'CONNECTED'
    | 'DISCONNECTING'
    | 'FAILED'
    | 'NOT_FOUND'
    | 'UNKNOWN';
  /** ConnectionErrorCode of AWS with FAILED, else ''. */
  connection_error: Generated<string>;
  /** JSON of what the last act on it failed with: {operation, fault, code, message, wayOut, at}. */
  problem: string | null;
  /** When the watch asks AWS next. */
  next_check_at: string | null;
  /** When AWS had it made, and when it showed it last. */
  made_at: Generated<string | null>;
  seen_at: Generated<string | null>;
  checked_at: string | null;
  row_version: Generated<number>;
  created_at: string;
  updated_at: string;
}

/** A KMS key pointer: the KMS key and its alias in AWS that refer to a CloudKey through one external key store. */
export interface KmsKeyTable {
  id: string;
  vault_id: string;
  cloud_key_id: string;
  external_key_store_id: string;
  region: string;
  /** Made by us, or made by hand and pasted or found. */
  origin: 'HOLDFAST' | 'LINKED' | 'MANUAL';
  key_id: Generated<string>;
  key_arn: Generated<string>;
  /** `alias/…`, '' for none. */
  alias: string;
  description: string;
  /** JSON record of tags. */
  tags: string;
  /**
   * The policy that we want it to have, JSON text; '' for a generated one that cannot be written yet, since the AWS
   * account id is not known.
   */
  policy: string;
  /** Whether the policy follows the administrators and users of the CloudKey, or is a document of somebody's. */
  policy_source: Generated<'GENERATED' | 'GENERATED_WITHOUT_ROOT' | 'DOCUMENT'>;
  /** What comes next: the key, the alias, nothing; GONE once it was given up. */
  step: 'KEY' | 'ALIAS' | 'DONE' | 'GONE';
  /** 1 from before CreateKey is sent for the first time: from then on there may be a KMS key that we do not know. */
  create_sent: Generated<number>;
  /** When one that may have been obeyed was sent last. */
  create_sent_at: Generated<string | null>;
  /** When AWS showed it last. */
  seen_at: Generated<string | null>;
  /** When we changed anything of it in AWS last: so long after that AWS may still show it as it was. */
  written_at: Generated<string | null>;
  /** JSON of what AWS may still show, since it was so before our latest changes: kms-key-unshown.ts. */
  unshown: Generated<string>;
  /** JSON of how far the search for that key has come; null while there is none. */
  search: string | null;
  /** 1: the alias is taken from the key that has it, as somebody asked for. */
  take_alias: Generated<number>;
  /** JSON of what the last try failed with: {operation, fault, code, message, wayOut, at}. */
  problem: string | null;
  attempts: Generated<number>;
  /** When it is tried again; null where it waits for its key store or CloudKey, or has nothing to do. */
  next_attempt_at: string | null;
  /** Asked for on AWS's side and not yet confirmed. */
  wanted: 'ENABLE' | 'DISABLE' | 'SCHEDULE_DELETION' | 'CANCEL_DELETION' | null;
  wanted_days: number | null;
  /** What of ours AWS is still to be given, JSON list of `policy`, `alias`, `description`, `tags`. */
  to_apply: Generated<string>;
  /** JSON list of aliases that it had before, to be deleted once the new one is there. */
  former_aliases: Generated<string>;
  /** The state that it was last given from here: what AWS has otherwise is drift. */
  cloud_wish: Generated<'ENABLED' | 'DISABLED' | 'PENDING_DELETION'>;
  /** The pointer is being given up: its KMS key stays as it is, or its deletion is scheduled first. */
  leaving: 'KEEP' | 'DELETE' | null;
  /** With GONE: what became of the KMS key; '' before. */
  outcome: Generated<'' | 'KEPT' | 'DELETION_SCHEDULED' | 'NEVER_MADE' | 'GONE_IN_AWS'>;
  cloud_status: 'AVAILABLE' | 'DISABLED' | 'PENDING_DELETION' | 'NOT_FOUND' | 'UNKNOWN';
  cloud_status_at: string | null;
  /** JSON of what AWS said last of key, policy, aliases and tags; drift is what of it differs from ours. */
  seen: string | null;
  next_check_at: string | null;
  row_version: Generated<number>;
  created_at: string;
  updated_at: string;
}

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

/** What an act has begun, and the schedule brings to its end in steps. */
export interface UnfinishedWorkTable {
  kind: 'rotation-plan' | 'key-set-removal' | 'vault-end';
  /** Of the key set or the vault. */
  id: string;
  /** Where it has come to; '' for the beginning. */
  after: string;
  began_at: string;
}

/** External key ids of CloudKeys whose tombstones went with their key set: they are still never given again. */
export interface SpentExternalKeyTable {
  external_key_id: string;
  cloud_key_id: string;
  spent_at: string;
}

export interface XksCredentialTable {
  access_key_id: string;
  key_set_id: string;
  /** The secret access key under the token's protecting key, bound to this record. */
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

/** When and from where something was last used; written by XKS workers every few seconds. */
export interface UseTable {
  kind: 'credential' | 'encrypt' | 'decrypt';
  /** Access key id, or CloudKey id. */
  id: string;
  count: number;
  last_at: string;
  /** Address that the request came from. */
  last_address: string;
}

/** Settings of the appliance that administrators change, each a JSON record: `mail`. */
export interface SettingTable {
  name: string;
  value: string;
  /** A secret of it under the protecting key of `sealed_token`. */
  sealed: Buffer | null;
  sealed_token: string | null;
  row_version: Generated<number>;
  updated_at: string;
}

export interface NodeTable {
  id: string;
  hostname: string;
  version: string;
  started_at: string;
  last_seen_at: string;
}

/** Work that one process of the fleet does: who holds it and until when. */
export interface LeaseTable {
  name: string;
  holder: string;
  until: string;
}

/** Reports of reconcile: what the store says against what the token holds. */
export interface ReconciliationTable {
  id: string;
  /** The vault that it was confined to; '' for all. */
  vault_id: string;
  began_at: string;
  ended_at: string;
  /** Who asked: 'start', 'schedule' or a user's name. */
  asked_by: string;
  /** JSON. */
  report: string;
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
