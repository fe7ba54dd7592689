import type {
  CspAccessKeyTable,
  CspAccountTable,
  DoctorReportTable,
  ExternalKeyStoreTable,
  KmsKeyTable,
} from './schema/cloud.ts';
import type {
  AuditCountTable,
  AuditEventTable,
  AuditPruningTable,
  IdempotencyKeyTable,
} from './schema/evidence.ts';
import type { LeaseTable, NodeTable, SnapshotHolderTable } from './schema/fleet.ts';
import type {
  AdminGroupMemberTable,
  AdminGroupTable,
  ApiKeyTable,
  OidcProviderTable,
  OidcSignInTable,
  RecoveryCodeTable,
  SessionTable,
  SettingTable,
  UserTable,
} from './schema/identity.ts';
import type {
  CloudKeyTable,
  KeySetTable,
  KeyVersionTable,
  OwnKeyProofTable,
  ReplacedTokenTable,
  SpentExternalKeyTable,
  XksCredentialTable,
} from './schema/keys.ts';
import type { ReconciliationTable } from './schema/reconcile.ts';
import type { LostChangeTable, RevisionTable, ServedChangeTable } from './schema/served-changes.ts';
import type { FailedRequestTable, UseTable } from './schema/serving.ts';
import type { AcknowledgementTable } from './schema/status.ts';
import type { StoreMoveTable } from './schema/store-moves.ts';
import type { TrafficTable, VitalsTable } from './schema/traffic.ts';
import type { UnfinishedWorkTable, VaultTable } from './schema/vault.ts';

export type * from './schema/cloud.ts';
export type * from './schema/evidence.ts';
export type * from './schema/fleet.ts';
export type * from './schema/identity.ts';
export type * from './schema/keys.ts';
export type * from './schema/reconcile.ts';
export type * from './schema/served-changes.ts';
export type * from './schema/serving.ts';
export type * from './schema/status.ts';
export type * from './schema/store-moves.ts';
export type * from './schema/traffic.ts';
export type * from './schema/vault.ts';

/*
 * The tables, as Kysely sees them; in SQLite and PostgreSQL with the same names. Times are ISO 8601 in UTC with
 * milliseconds, so that they sort as text; truth values are 0 or 1; lists and records are JSON text: so that both
 * databases hold the same. Those that a room writes are in the file of its name in `schema/`.
 *
 * `row_version` is what an ETag shows: it goes up by one with every change of the row that a person made or sees.
 */

export interface Tables {
  revision: RevisionTable;
  served_changes: ServedChangeTable;
  lost_changes: LostChangeTable;
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
  doctor_reports: DoctorReportTable;
  kms_keys: KmsKeyTable;
  key_sets: KeySetTable;
  cloud_keys: CloudKeyTable;
  key_versions: KeyVersionTable;
  own_key_proofs: OwnKeyProofTable;
  replaced_tokens: ReplacedTokenTable;
  spent_external_keys: SpentExternalKeyTable;
  unfinished_work: UnfinishedWorkTable;
  xks_credentials: XksCredentialTable;
  uses: UseTable;
  failed_requests: FailedRequestTable;
  settings: SettingTable;
  nodes: NodeTable;
  leases: LeaseTable;
  snapshot_holders: SnapshotHolderTable;
  traffic: TrafficTable;
  vitals: VitalsTable;
  reconciliations: ReconciliationTable;
  acknowledgements: AcknowledgementTable;
  idempotency_keys: IdempotencyKeyTable;
  audit_events: AuditEventTable;
  audit_prunings: AuditPruningTable;
  audit_count: AuditCountTable;
  store_moves: StoreMoveTable;
}
