import { randomUUID } from 'node:crypto';
import { sql, type CreateTableBuilder, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What lies in a store of step 1 belongs to this vault after the migration. */
const firstVault = 'default';

/**
 * Step 2: vaults, the people who work in them, the whole life of a key, the audit trail. Tables whose unique
 * constraints change are made anew and filled from the old ones, since SQLite cannot drop a constraint.
 */
export const vaults: Migration = {
  // oxlint-disable-next-line max-lines-per-function -- a migration as it was released
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    const now = new Date().toISOString();

    await rows(any, 'vaults')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('description', 'text', (c) => c.notNull())
      .addColumn('administrator_name', 'text', (c) => c.notNull())
      .addColumn('administrator_email', 'text', (c) => c.notNull())
      .addColumn('tokens', 'text', (c) => c.notNull())
      .addColumn('deleted_at', 'text')
      .addColumn('row_version', 'integer', (c) => c.notNull().defaultTo(1))
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addColumn('updated_at', 'text', (c) => c.notNull())
      .execute();
    // A deleted vault keeps its rows, but its name may be given again.
    await sql`CREATE UNIQUE INDEX vaults_name ON vaults (name) WHERE deleted_at IS NULL`.execute(any);

    await rows(any, 'users')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('vault_id', 'text', (c) => c.notNull())
      .addColumn('username', 'text', (c) => c.notNull())
      .addColumn('username_key', 'text', (c) => c.notNull())
      .addColumn('display_name', 'text', (c) => c.notNull())
      .addColumn('email', 'text', (c) => c.notNull())
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('sign_in', 'text', (c) => c.notNull())
      .addColumn('password_hash', 'text')
      .addColumn('must_change_password', 'integer', (c) => c.notNull())
      .addColumn('password_changed_at', 'text')
      .addColumn('failures', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('locked_until', 'text')
      .addColumn('totp_sealed', 'blob')
      .addColumn('totp_token', 'text')
      .addColumn('totp_state', 'text', (c) => c.notNull())
      .addColumn('totp_last_step', 'bigint', (c) => c.notNull().defaultTo(0))
      .addColumn('oidc_subject', 'text')
      .addColumn('last_sign_in_at', 'text')
      .addColumn('row_version', 'integer', (c) => c.notNull().defaultTo(1))
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addColumn('updated_at', 'text', (c) => c.notNull())
      .addUniqueConstraint('users_username', ['vault_id', 'username_key'])
      .execute();
    await any.schema
      .createTable('recovery_codes')
      .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
      .addColumn('hash', 'blob', (c) => c.notNull())
      .addColumn('used_at', 'text')
      .addPrimaryKeyConstraint('recovery_codes_pk', ['user_id', 'hash'])
      .execute();
    await any.schema
      .createTable('sessions')
      .addColumn('hash', 'blob', (c) => c.primaryKey())
      .addColumn('id', 'text', (c) => c.notNull().unique())
      .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
      .addColumn('csrf_hash', 'blob')
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('method', 'text', (c) => c.notNull())
      .addColumn('address', 'text', (c) => c.notNull())
      .addColumn('user_agent', 'text', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addColumn('last_seen_at', 'text', (c) => c.notNull())
      .addColumn('expires_at', 'text', (c) => c.notNull())
      .execute();
    await any.schema.createIndex('sessions_user').on('sessions').column('user_id').execute();
    await any.schema
      .createTable('api_keys')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('hash', 'blob', (c) => c.notNull())
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('expires_at', 'text', (c) => c.notNull())
      .addColumn('revoked_at', 'text')
      .addColumn('last_used_at', 'text')
      .addColumn('last_address', 'text')
      .addColumn('row_version', 'integer', (c) => c.notNull().defaultTo(1))
      .addColumn('created_at', 'text', (c) => c.notNull())
      .execute();
    await any.schema.createIndex('api_keys_user').on('api_keys').column('user_id').execute();
    await named(any, 'admin_groups').addUniqueConstraint('admin_groups_name', ['vault_id', 'name']).execute();
    await any.schema
      .createTable('admin_group_members')
      .addColumn('group_id', 'text', (c) => c.notNull().references('admin_groups.id').onDelete('cascade'))
      .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('admin_group_members_pk', ['group_id', 'user_id'])
      .execute();
    await any.schema
      .createIndex('admin_group_members_user')
      .on('admin_group_members')
      .column('user_id')
      .execute();
    await any.schema
      .createTable('oidc_providers')
      .addColumn('vault_id', 'text', (c) => c.primaryKey())
      .addColumn('issuer', 'text', (c) => c.notNull())
      .addColumn('client_id', 'text', (c) => c.notNull())
      .addColumn('client_secret_sealed', 'blob')
      .addColumn('client_secret_token', 'text')
      .addColumn('scopes', 'text', (c) => c.notNull())
      .addColumn('username_claim', 'text', (c) => c.notNull())
      .addColumn('ca_certificates', 'text', (c) => c.notNull())
      .addColumn('row_version', 'integer', (c) => c.notNull().defaultTo(1))
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addColumn('updated_at', 'text', (c) => c.notNull())
      .execute();
    await any.schema
      .createTable('oidc_sign_ins')
      .addColumn('state_hash', 'blob', (c) => c.primaryKey())
      .addColumn('vault_id', 'text', (c) => c.notNull())
      .addColumn('nonce', 'text', (c) => c.notNull())
      .addColumn('code_verifier', 'text', (c) => c.notNull())
      .addColumn('binding_hash', 'blob', (c) => c.notNull())
      .addColumn('return_to', 'text', (c) => c.notNull())
      .addColumn('code_hash', 'blob')
      .addColumn('user_id', 'text')
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addColumn('expires_at', 'text', (c) => c.notNull())
      .execute();
    await named(any, 'csp_accounts')
      .addColumn('admin_group_id', 'text', (c) => c.notNull().references('admin_groups.id'))
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('aws_account_id', 'text', (c) => c.notNull())
      .addColumn('default_region', 'text', (c) => c.notNull())
      .addUniqueConstraint('csp_accounts_name', ['vault_id', 'name'])
      .execute();

    await moveKeySets(any, now);
    await moveCloudKeys(any);

    await any.schema
      .alterTable('key_versions')
      .addColumn('made_by', 'text', (c) => c.notNull().defaultTo(''))
      .execute();
    await any.schema.alterTable('key_versions').addColumn('destroyed_at', 'text').execute();
    await any.schema
      .createIndex('key_versions_object')
      .on('key_versions')
      .column('object_id')
      .unique()
      .execute();

    await any.schema
      .createTable('spent_external_keys')
      .addColumn('external_key_id', 'text', (c) => c.primaryKey())
      .addColumn('cloud_key_id', 'text', (c) => c.notNull())
      .addColumn('spent_at', 'text', (c) => c.notNull())
      .execute();

    for (const column of ['expires_at', 'successor', 'withdrawn_why'])
      await any.schema.alterTable('xks_credentials').addColumn(column, 'text').execute();
    await any.schema.alterTable('xks_credentials').addColumn('retire_after_minutes', 'integer').execute();
    await any.schema
      .alterTable('xks_credentials')
      .addColumn('row_version', 'integer', (c) => c.notNull().defaultTo(1))
      .execute();
    await any.schema
      .createIndex('xks_credentials_key_set')
      .on('xks_credentials')
      .column('key_set_id')
      .execute();

    await any.schema
      .createTable('uses')
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('count', 'bigint', (c) => c.notNull())
      .addColumn('last_at', 'text', (c) => c.notNull())
      .addColumn('last_address', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('uses_pk', ['kind', 'id'])
      .execute();
    await any.schema
      .createTable('settings')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('value', 'text', (c) => c.notNull())
      .addColumn('sealed', 'blob')
      .addColumn('sealed_token', 'text')
      .addColumn('row_version', 'integer', (c) => c.notNull().defaultTo(1))
      .addColumn('updated_at', 'text', (c) => c.notNull())
      .execute();
    await any.schema
      .createTable('nodes')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('hostname', 'text', (c) => c.notNull())
      .addColumn('version', 'text', (c) => c.notNull())
      .addColumn('started_at', 'text', (c) => c.notNull())
      .addColumn('last_seen_at', 'text', (c) => c.notNull())
      .execute();
    await any.schema
      .createTable('leases')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('holder', 'text', (c) => c.notNull())
      .addColumn('until', 'text', (c) => c.notNull())
      .execute();
    await any.schema
      .createTable('reconciliations')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('vault_id', 'text', (c) => c.notNull())
      .addColumn('began_at', 'text', (c) => c.notNull())
      .addColumn('ended_at', 'text', (c) => c.notNull())
      .addColumn('asked_by', 'text', (c) => c.notNull())
      .addColumn('report', 'text', (c) => c.notNull())
      .execute();
    await any.schema
      .createTable('idempotency_keys')
      .addColumn('actor_id', 'text', (c) => c.notNull())
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('request_hash', 'blob', (c) => c.notNull())
      .addColumn('target_id', 'text', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('idempotency_keys_pk', ['actor_id', 'key'])
      .execute();
    await auditTable(any);
  },
};

/** Columns that most tables of named things of a vault have. */
function named(
  db: Kysely<Record<string, Record<string, unknown>>>,
  name: string,
): CreateTableBuilder<string, string> {
  return rows(db, name)
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('vault_id', 'text', (c) => c.notNull().references('vaults.id'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('description', 'text', (c) => c.notNull())
    .addColumn('row_version', 'integer', (c) => c.notNull().defaultTo(1))
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull());
}

function rows(
  db: Kysely<Record<string, Record<string, unknown>>>,
  name: string,
): CreateTableBuilder<string, string> {
  return db.schema.createTable(name);
}

async function moveKeySets(db: Kysely<Record<string, Record<string, unknown>>>, now: string): Promise<void> {
  const old = await sql<Record<string, unknown>>`SELECT * FROM key_sets`.execute(db);
  const vaultId = randomUUID();
  if (old.rows.length > 0) {
    const tokens = [...new Set(old.rows.map(({ token }) => token))];
    await db
      .insertInto('vaults')
      .values({
        id: vaultId,
        name: firstVault,
        type: 'cloud-key-management',
        description: 'What was there before there were vaults',
        administrator_name: '',
        administrator_email: '',
        tokens: JSON.stringify(tokens),
        created_at: now,
        updated_at: now,
      })
      .execute();
  }
  await named(db, 'key_sets_2')
    .addColumn('admin_group_id', 'text', (c) => c.references('admin_groups.id'))
    .addColumn('csp_account_id', 'text', (c) => c.references('csp_accounts.id'))
    .addColumn('token', 'text', (c) => c.notNull())
    .addColumn('external_key_store', 'integer', (c) => c.notNull().defaultTo(1))
    .addColumn('path_prefix', 'text', (c) => c.notNull())
    .addColumn('rotation_days', 'integer')
    .addColumn('frozen_at', 'text')
    .addColumn('quota_rate', 'integer')
    .addColumn('quota_burst', 'integer')
    .addUniqueConstraint('key_sets_name', ['vault_id', 'name'])
    .execute();
  await sql`INSERT INTO key_sets_2 (id, vault_id, name, description, token, path_prefix, created_at, updated_at)
    SELECT id, ${vaultId}, name, description, token, path_prefix, created_at, created_at FROM key_sets`.execute(
    db,
  );
  await db.schema.dropTable('key_sets').execute();
  await db.schema.alterTable('key_sets_2').renameTo('key_sets').execute();
  // A prefix is one key set's only; without one the credential alone tells.
  await sql`CREATE UNIQUE INDEX key_sets_path_prefix ON key_sets (path_prefix) WHERE path_prefix <> ''`.execute(
    db,
  );
  await db.schema.createIndex('key_sets_vault').on('key_sets').column('vault_id').execute();
}

async function moveCloudKeys(db: Kysely<Record<string, Record<string, unknown>>>): Promise<void> {
  await rows(db, 'cloud_keys_2')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('key_set_id', 'text', (c) => c.notNull().references('key_sets.id'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('description', 'text', (c) => c.notNull())
    .addColumn('external_key_id', 'text', (c) => c.notNull().unique())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('region', 'text', (c) => c.notNull().defaultTo(''))
    .addColumn('administrators', 'text', (c) => c.notNull().defaultTo('[]'))
    .addColumn('users', 'text', (c) => c.notNull().defaultTo('[]'))
    .addColumn('can_encrypt', 'integer', (c) => c.notNull())
    .addColumn('can_decrypt', 'integer', (c) => c.notNull())
    .addColumn('current_version', 'integer', (c) => c.notNull())
    .addColumn('rotation', 'text', (c) => c.notNull().defaultTo('INHERIT'))
    .addColumn('rotation_days', 'integer')
    .addColumn('rotated_at', 'text', (c) => c.notNull())
    .addColumn('next_rotation_at', 'text')
    .addColumn('expires_at', 'text')
    .addColumn('deletion_at', 'text')
    .addColumn('deleted_at', 'text')
    .addColumn('quota_rate', 'integer')
    .addColumn('quota_burst', 'integer')
    .addColumn('made_by', 'text', (c) => c.notNull().defaultTo(''))
    .addColumn('row_version', 'integer', (c) => c.notNull().defaultTo(1))
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();
  await sql`INSERT INTO cloud_keys_2 (id, key_set_id, name, description, external_key_id, state, can_encrypt,
      can_decrypt, current_version, rotated_at, created_at, updated_at)
    SELECT k.id, k.key_set_id, k.name, k.description, k.external_key_id, k.state, k.can_encrypt, k.can_decrypt,
      k.current_version, coalesce(
        (SELECT v.created_at FROM key_versions v WHERE v.cloud_key_id = k.id AND v.version = k.current_version),
        k.created_at), k.created_at, k.updated_at FROM cloud_keys k`.execute(db);
  await db.schema.dropTable('cloud_keys').execute();
  await db.schema.alterTable('cloud_keys_2').renameTo('cloud_keys').execute();
  // A deleted key keeps its external key id for ever, but its name may be given again.
  await sql`CREATE UNIQUE INDEX cloud_keys_name ON cloud_keys (key_set_id, name) WHERE state <> 'DELETED'`.execute(
    db,
  );
  // Lists of one key set or vault, its tombstones among them, which the partial index leaves out.
  await db.schema.createIndex('cloud_keys_key_set').on('cloud_keys').column('key_set_id').execute();
  for (const column of ['next_rotation_at', 'expires_at', 'deletion_at'])
    await sql`CREATE INDEX ${sql.ref(`cloud_keys_${column}`)} ON cloud_keys (${sql.ref(column)})
      WHERE ${sql.ref(column)} IS NOT NULL`.execute(db);
}

/** Append-only: the database itself refuses to change or delete what is written. */
async function auditTable(db: Kysely<Record<string, Record<string, unknown>>>): Promise<void> {
  await rows(db, 'audit_events')
    .addColumn('sequence', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('at', 'text', (c) => c.notNull())
    .addColumn('vault_id', 'text', (c) => c.notNull())
    .addColumn('actor_kind', 'text', (c) => c.notNull())
    .addColumn('actor_id', 'text', (c) => c.notNull())
    .addColumn('actor_name', 'text', (c) => c.notNull())
    .addColumn('address', 'text', (c) => c.notNull())
    .addColumn('request_id', 'text', (c) => c.notNull())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('outcome', 'text', (c) => c.notNull())
    .addColumn('target_kind', 'text', (c) => c.notNull())
    .addColumn('target_id', 'text', (c) => c.notNull())
    .addColumn('target_name', 'text', (c) => c.notNull())
    .addColumn('before', 'text')
    .addColumn('after', 'text')
    .execute();
  await db.schema
    .createIndex('audit_events_vault')
    .on('audit_events')
    .columns(['vault_id', 'sequence'])
    .execute();
  await db.schema
    .createIndex('audit_events_target')
    .on('audit_events')
    .columns(['target_id', 'sequence'])
    .execute();
  for (const act of ['UPDATE', 'DELETE'])
    await sql`CREATE TRIGGER ${sql.ref(`audit_events_no_${act.toLowerCase()}`)} BEFORE ${sql.raw(act)} ON audit_events
      BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END`.execute(db);
  // REPLACE deletes without asking the trigger of deletions (sqlite.org/lang_conflict.html).
  await sql`CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events
    WHEN EXISTS (SELECT 1 FROM audit_events WHERE sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END`.execute(db);
}
