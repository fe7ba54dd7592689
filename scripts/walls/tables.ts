/*
 * Who writes which table: the room alone that is named here, by its row in rooms.ts. Whatever else wants a record made,
 * changed or gone asks that room for it, and so its rules hold wherever a change begins. All may read, and src/store, with
 * migrations, backups and restores, is what the tables are in.
 */
export const writers = {
  // By triggers, by the store itself with each change, and when it is moved.
  revision: 'src/store',
  served_changes: 'src/store',
  audit_count: 'src/store',
  store_moves: 'src/store',

  vaults: 'src/vault',
  unfinished_work: 'src/vault',

  users: 'src/identity/**',
  recovery_codes: 'src/identity/**',
  sessions: 'src/identity/**',
  api_keys: 'src/identity/**',
  admin_groups: 'src/identity/**',
  admin_group_members: 'src/identity/**',
  oidc_providers: 'src/identity/**',
  oidc_sign_ins: 'src/identity/**',
  settings: 'src/identity/**',

  csp_accounts: 'src/cloud/accounts',
  csp_access_keys: 'src/cloud/accounts',
  external_key_stores: 'src/cloud/key-stores',
  doctor_reports: 'src/cloud/key-stores',
  // An external key store that is forgotten takes the records of its KMS keys along, which point at it.
  kms_keys: ['src/cloud/kms-keys', 'src/cloud/key-stores'],

  key_sets: 'src/keys/**',
  cloud_keys: 'src/keys/**',
  key_versions: 'src/keys/**',
  own_key_proofs: 'src/keys/**',
  replaced_tokens: 'src/keys/**',
  spent_external_keys: 'src/keys/**',
  xks_credentials: 'src/keys/**',
  uses: 'src/keys/**',
  failed_requests: 'src/keys/**',

  nodes: 'src/fleet',
  leases: 'src/fleet',
  // Who holds one writes it by statements of its own (src/store/postgres/holder-line.ts).
  snapshot_holders: 'src/fleet',
  lost_changes: 'src/fleet',
  traffic: 'src/metrics/series',
  vitals: 'src/metrics/series',
  reconciliations: 'src/reconcile',
  acknowledgements: 'src/admin/**',
  audit_prunings: 'src/schedules',
  audit_events: 'src/evidence',
  idempotency_keys: 'src/evidence',
} as const satisfies Readonly<Record<string, string | readonly string[]>>;
