import { sql } from 'kysely';
import { clearedPerBatch, type ClearedRows } from '../store/cleared-rows.ts';
import { rowId } from '../store/sqlite-words.ts';
import type { VaultContext } from '../vault/context.ts';

/** So many reports of each vault, and of the appliance, are kept. */
const reconciliationsKept = 50;
/** So many vaults are looked at in one statement for reports beyond those that are kept. */
const scopesPerBatch = 500;

/** Which of the next vaults after `from`, and the first time the appliance (''), have more reports than are kept. */
export async function vaultsWithMany(
  { store }: Pick<VaultContext, 'store'>,
  from: string,
): Promise<{ last: string | null; over: string[] }> {
  const beyond = from === '' ? sql`>=` : sql`>`;
  // From one vault to the next by the index, not over all of their reports.
  const { rows } = await sql<{ vault_id: string; is_over: number }>`
    WITH RECURSIVE scopes (vault_id, n) AS (
      SELECT min(vault_id), 1 FROM reconciliations WHERE vault_id ${beyond} ${from}
      UNION ALL
      SELECT (SELECT min(vault_id) FROM reconciliations WHERE vault_id > scopes.vault_id), n + 1
      FROM scopes WHERE scopes.vault_id IS NOT NULL AND n < ${scopesPerBatch})
    SELECT vault_id, EXISTS (SELECT 1 FROM reconciliations WHERE reconciliations.vault_id = scopes.vault_id
      LIMIT 1 OFFSET ${reconciliationsKept}) AS is_over
    FROM scopes WHERE vault_id IS NOT NULL`.execute(store.db);
  const over = rows.flatMap(({ vault_id, is_over }) => (is_over === 1 ? [vault_id] : []));
  return { last: rows.length < scopesPerBatch ? null : (rows.at(-1)?.vault_id ?? null), over };
}

/** The reports of one vault beyond those that are kept, the newest of them first. */
export function reportsBeyond(vaultId: string): ClearedRows {
  return {
    max: clearedPerBatch,
    clear: async (trx, max) => {
      const { numAffectedRows = 0n } = await sql`DELETE FROM reconciliations WHERE ${rowId} IN
        (SELECT ${rowId} FROM reconciliations WHERE vault_id = ${vaultId}
        ORDER BY began_at DESC, id DESC LIMIT ${max} OFFSET ${reconciliationsKept})`.execute(trx);
      return Number(numAffectedRows);
    },
  };
}
