import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Events that somebody has archived may go, and what went stays told for ever. The database lets go of nothing else: of
 * no event that is not within a pruning under way, and of none by which the store knows whether a key object may be
 * destroyed (src/keys/destruction-orders.ts). It holds a pruning to what was asked for, too.
 */
export const auditPrunings: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    await db.schema
      .createTable('audit_prunings')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('vault_id', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('from_at', 'text', (c) => c.notNull())
      .addColumn('before_at', 'text', (c) => c.notNull())
      .addColumn('head', 'integer', (c) => c.notNull())
      .addColumn('count', 'integer', (c) => c.notNull())
      .addColumn('sha256', 'text', (c) => c.notNull())
      .addColumn('first_sequence', 'integer')
      .addColumn('first_at', 'text')
      .addColumn('last_sequence', 'integer')
      .addColumn('last_at', 'text')
      .addColumn('reached_at', 'text', (c) => c.notNull())
      .addColumn('reached', 'integer', (c) => c.notNull())
      .addColumn('deleted', 'integer', (c) => c.notNull())
      .addColumn('kept', 'integer', (c) => c.notNull())
      .addColumn('problem', 'text')
      .addColumn('actor_kind', 'text', (c) => c.notNull())
      .addColumn('actor_id', 'text', (c) => c.notNull())
      .addColumn('actor_name', 'text', (c) => c.notNull())
      .addColumn('asked_at', 'text', (c) => c.notNull())
      .addColumn('ended_at', 'text')
      .execute();
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const facts = [
  ...['id', 'vault_id', 'from_at', 'before_at', 'head', 'count', 'sha256'],
  ...['actor_kind', 'actor_id', 'actor_name', 'asked_at'],
];

const statements: readonly string[] = [
  'CREATE UNIQUE INDEX audit_prunings_under_way ON audit_prunings (vault_id) WHERE ended_at IS NULL',
  'CREATE INDEX audit_prunings_vault ON audit_prunings (vault_id, asked_at, id)',
  "CREATE INDEX audit_prunings_refused ON audit_prunings (ended_at) WHERE state = 'REFUSED'",
  'DROP TRIGGER audit_events_no_delete',
  `CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
    WHEN OLD.action IN ('cloud-key.create', 'cloud-key.adopt', 'cloud-key.rotate', 'cloud-key.re-enter-version',
        'cloud-key.delete', 'vault.delete')
      OR NOT EXISTS (SELECT 1 FROM audit_prunings p WHERE p.vault_id = OLD.vault_id AND p.ended_at IS NULL AND p.state = 'DELETING'
        AND OLD.at >= p.from_at AND OLD.at < p.before_at AND OLD.sequence <= p.head)
    BEGIN SELECT RAISE(ABORT, 'audit events are deleted by a pruning alone'); END`,
  `CREATE TRIGGER audit_prunings_new BEFORE INSERT ON audit_prunings
    WHEN NEW.state <> 'VERIFYING' OR NEW.ended_at IS NOT NULL OR EXISTS (SELECT 1 FROM audit_prunings WHERE id = NEW.id
      OR (vault_id = NEW.vault_id AND ended_at IS NULL))
    BEGIN SELECT RAISE(ABORT, 'a pruning begins as VERIFYING, one at a time'); END`,
  `CREATE TRIGGER audit_prunings_held BEFORE UPDATE ON audit_prunings
    WHEN ${facts.map((name) => `NEW.${name} IS NOT OLD.${name}`).join(' OR ')}
      OR NOT (OLD.state = 'VERIFYING' AND NEW.state IN ('VERIFYING', 'DELETING', 'REFUSED')
        OR OLD.state = 'DELETING' AND NEW.state IN ('DELETING', 'DONE'))
      OR (NEW.ended_at IS NULL) <> (NEW.state IN ('VERIFYING', 'DELETING'))
    BEGIN SELECT RAISE(ABORT, 'what a pruning was asked for is never changed'); END`,
  `CREATE TRIGGER audit_prunings_stay BEFORE DELETE ON audit_prunings WHEN OLD.state <> 'REFUSED'
    BEGIN SELECT RAISE(ABORT, 'what was pruned stays told'); END`,
];
