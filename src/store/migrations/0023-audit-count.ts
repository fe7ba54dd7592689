import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * How many audit events there are, kept by the database itself: they are too many to count each time somebody asks, and their
 * numbers do not tell, since prunings and restores leave gaps.
 */
export const auditCount: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    await db.schema
      .createTable('audit_count')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('events', 'integer', (c) => c.notNull())
      .execute();
    await sql`INSERT INTO audit_count (id, events) SELECT 1, count(*) FROM audit_events`.execute(db);
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements: readonly string[] = [
  `CREATE TRIGGER audit_count_more AFTER INSERT ON audit_events
    BEGIN UPDATE audit_count SET events = events + 1; END`,
  `CREATE TRIGGER audit_count_less AFTER DELETE ON audit_events
    BEGIN UPDATE audit_count SET events = events - 1; END`,
];
