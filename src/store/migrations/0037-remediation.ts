import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What a problem says of the way out is its `remediation`, as in the management API; it was `wayOut` before. Only the name of a
 * member of our own JSON changes: what people or AWS said stands in strings, in which a quote is escaped.
 */
export const remediation: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    for (const [table, column] of [
      ['csp_accounts', 'access_key_rotation_problem'],
      ['csp_accounts', 'check_report'],
      ['external_key_stores', 'problem'],
      ['kms_keys', 'problem'],
    ] as const) {
      const at = sql.ref(column);
      await sql`UPDATE ${sql.table(table)} SET ${at} = replace(${at}, '"wayOut":', '"remediation":')
        WHERE ${at} LIKE '%"wayOut":%'`.execute(db);
    }
  },
};
