import type { Generated } from 'kysely';

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
  /** Secret access key under the token's sealing key, bound to account and access key id. */
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
  /** JSON of what the last act on it failed with: {operation, fault, code, message, remediation, at}. */
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

/** A KMS key record: the KMS key and its alias in AWS that refer to a CloudKey through one external key store. */
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
  /** JSON of what AWS may still show, since it was so before our latest changes: src/cloud/kms-keys/unshown.ts. */
  unshown: Generated<string>;
  /** JSON of how far the search for that key has come; null while there is none. */
  search: string | null;
  /** 1: the alias is taken from the key that has it, as somebody asked for. */
  take_alias: Generated<number>;
  /** JSON of what the last try failed with: {operation, fault, code, message, remediation, at}. */
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
  /** The KMS key record is being given up: its KMS key stays as it is, or its deletion is scheduled first. */
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

/** What the doctor found last of an external key store, as whoever ran it has handed in. */
export interface DoctorReportTable {
  external_key_store_id: string;
  at: string;
  actor_name: string;
  /** Where it ran, as it says. */
  hostname: string;
  endpoint: string;
  /** JSON. */
  findings: string;
}
