import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Step 4: every list of what grows without end finds its page by an index, in each of its orders and by each filter, among
 * a hundred thousand keys of one vault and ten million events. Of a CloudKey the vault stands in its own row for that.
 */
export const listIndexes: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .alterTable('cloud_keys')
      .addColumn('listed_in', 'text', (c) => c.notNull().defaultTo(''))
      .execute();
    const ofVault = 'SELECT vault_id FROM key_sets WHERE id = cloud_keys.key_set_id';
    await sql.raw(`UPDATE cloud_keys SET listed_in = (${ofVault})`).execute(db);
    await sql
      .raw(
        `CREATE TRIGGER cloud_keys_of_vault AFTER INSERT ON cloud_keys
          BEGIN UPDATE cloud_keys SET listed_in = (${ofVault}) WHERE id = NEW.id; END`,
      )
      .execute(db);
    for (const name of replaced) await sql.raw(`DROP INDEX ${name}`).execute(db);
    for (const [name, on] of Object.entries(made)) await sql.raw(`CREATE INDEX ${name} ON ${on}`).execute(db);
  },
};

const replaced: readonly string[] = ['audit_events_vault', 'cloud_keys_key_set', 'kms_keys_vault'];

/** `sequence` is the row's own number: it stands in each index of the events, last. */
const made: Readonly<Record<string, string>> = {
  audit_events_vault: 'audit_events (vault_id, at)',
  audit_events_actor: 'audit_events (vault_id, actor_id, at)',
  audit_events_actor_name: 'audit_events (vault_id, actor_name, at)',
  audit_events_target_id: 'audit_events (vault_id, target_id, at)',
  audit_events_target_name: 'audit_events (vault_id, target_name, at)',
  audit_events_action: 'audit_events (vault_id, action, at)',
  audit_events_outcome: 'audit_events (vault_id, outcome, at)',
  ...listed('cloud_keys', 'listed_in', ['name', 'region', 'created_at', 'updated_at']),
  ...listed('cloud_keys', 'key_set_id', ['name', 'region', 'created_at', 'updated_at']),
  ...listed('kms_keys', 'vault_id', ['created_at', 'alias', 'region', 'updated_at']),
  kms_keys_key: 'kms_keys (key_id)',
  kms_keys_arn: 'kms_keys (key_arn)',
};

function listed(table: string, within: string, orders: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    orders.map((order) => [`${table}_${within}_${order}`, `${table} (${within}, ${order}, id)`]),
  );
}
