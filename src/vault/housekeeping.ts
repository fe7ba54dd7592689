import { sql } from 'kysely';
import type { House } from './house.ts';

const hour = 3_600_000;
/** A repetition later than this is a new request (docs: Idempotency-Key). */
const idempotencyKeptFor = 24 * hour;
const reconciliationsKept = 50;

/** This node, as it shows itself to the others. */
export interface NodeFacts {
  id: string;
  hostname: string;
  version: string;
}

/** Deletes what has served: it grants nothing any more, and would grow without end. */
export async function clearAway(house: House): Promise<void> {
  const now = house.now();
  const at = now.toISOString();
  await house.store.bookkeep(async (trx) => {
    await trx.deleteFrom('sessions').where('expires_at', '<=', at).execute();
    await trx.deleteFrom('oidc_sign_ins').where('expires_at', '<=', at).execute();
    await trx
      .deleteFrom('idempotency_keys')
      .where('created_at', '<=', new Date(now.getTime() - idempotencyKeptFor).toISOString())
      .execute();
    // Of each vault and of the whole, so that nobody's drive out another's.
    await sql`DELETE FROM reconciliations WHERE (SELECT count(*) FROM reconciliations newer
      WHERE newer.vault_id = reconciliations.vault_id
        AND (newer.began_at, newer.id) > (reconciliations.began_at, reconciliations.id)) >= ${reconciliationsKept}`.execute(
      trx,
    );
  });
}

/** Says that this node lives; `startedAt` is the start of this process. */
export async function showNode(house: House, node: NodeFacts, startedAt: Date): Promise<void> {
  const { id, hostname, version } = node;
  const facts = {
    hostname,
    version,
    started_at: startedAt.toISOString(),
    last_seen_at: house.now().toISOString(),
  };
  await house.store.bookkeep(async (trx) => {
    await trx
      .insertInto('nodes')
      .values({ id, ...facts })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(facts))
      .execute();
  });
}
