import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Authority is read again where an act is done: when it was done and when it began are told apart. */
export const authority: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema.alterTable('audit_events').addColumn('began_at', 'text').execute();
    // Whose share of the sign-ins under way it takes.
    await any.schema
      .alterTable('oidc_sign_ins')
      .addColumn('share', 'text', (c) => c.notNull().defaultTo(''))
      .execute();
    await any.schema
      .createIndex('oidc_sign_ins_shares')
      .on('oidc_sign_ins')
      .columns(['vault_id', 'share'])
      .execute();
    // What a seal of the second factor is bound to; null for one of before, which is bound to its user alone.
    await any.schema.alterTable('users').addColumn('totp_enrolment', 'text').execute();
  },
};
