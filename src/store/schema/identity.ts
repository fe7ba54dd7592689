import type { Generated } from 'kysely';

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
  /** TOTP secret under the token's sealing key; null without a second factor. */
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
  username_claim: 'email' | 'preferred_username';
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

/** Settings of the appliance that administrators change, each a JSON record: `mail`. */
export interface SettingTable {
  name: string;
  value: string;
  /** A secret of it under the sealing key of `sealed_token`. */
  sealed: Buffer | null;
  sealed_token: string | null;
  row_version: Generated<number>;
  updated_at: string;
}
