import { createHash } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import { rowsOf, type ClearedRows } from '../store/cleared-rows.ts';
import type { FailedRequestTable, Tables } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

/** Requests that differ in nothing but their time, KMS request id and KMS key, and from where they came. */
export type FailedRequests = Omit<FailedRequestTable, 'id'>;

/** So many rows a vault may have, and so many what belongs to none: the oldest go, and nobody's drive out another's. */
const rowsOfOneVault = 10_000;

/** So many go with each write: more than come with it. */
const clearedAtOnce = 500;

/** Adds them to what stands there of the same minute, in one transaction. */
export async function addFailedRequests(
  store: Pick<Store, 'bookkeep'>,
  requests: readonly FailedRequests[],
  most = rowsOfOneVault,
): Promise<void> {
  if (requests.length === 0) return;
  // In one order, so that two nodes do not wait for each other's rows.
  const rows = requests
    .map((row) => ({ id: idOf(row), ...row }))
    .toSorted((one, other) => (one.id < other.id ? -1 : 1));
  await store.bookkeep('failed request', async (trx) => {
    await trx
      .insertInto('failed_requests')
      .values(rows)
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet((eb) => {
          // Another worker may have written what came later.
          const newer = <C extends 'last_at' | 'address' | 'message' | 'kms_key_arn' | 'kms_request_id'>(
            column: C,
          ) =>
            eb
              .case()
              .when('excluded.last_at', '>=', eb.ref('failed_requests.last_at'))
              .then(eb.ref(`excluded.${column}`))
              .else(eb.ref(`failed_requests.${column}`))
              .end();
          return {
            count: eb('failed_requests.count', '+', eb.ref('excluded.count')),
            last_at: newer('last_at'),
            address: newer('address'),
            message: newer('message'),
            kms_key_arn: newer('kms_key_arn'),
            kms_request_id: newer('kms_request_id'),
          };
        }),
      )
      .execute();
    for (const vaultId of new Set(rows.map((row) => row.vault_id))) await clearBeyond(trx, vaultId, most);
  });
}

/** Those whose last request came before this moment. */
export function oldFailedRequests(before: string): ClearedRows {
  return rowsOf('failed_requests', sql`last_at <= ${before}`);
}

async function clearBeyond(trx: Transaction<Tables>, vaultId: string, most: number): Promise<void> {
  const ofVault = trx.selectFrom('failed_requests').where('vault_id', '=', vaultId);
  const beyond = await ofVault
    .select('last_at')
    .orderBy('last_at', 'desc')
    .orderBy('id', 'desc')
    .offset(most)
    .limit(1)
    .executeTakeFirst();
  if (beyond === undefined) return;
  const oldest = ofVault
    .select('id')
    .where('last_at', '<=', beyond.last_at)
    .orderBy('last_at')
    .orderBy('id')
    .limit(clearedAtOnce);
  await trx.deleteFrom('failed_requests').where('id', 'in', oldest).execute();
}

/** The same for requests of one minute that differ in nothing that they are told apart by. */
function idOf(row: FailedRequests): string {
  const { vault_id, key_set_id, external_key_id, operation, error, reason, principal, via_service } = row;
  const whose = vault_id === '' ? row.address : '';
  const minute = row.first_at.slice(0, 'yyyy-mm-ddThh:mm'.length);
  const same = [
    minute,
    vault_id,
    key_set_id,
    external_key_id,
    operation,
    error,
    reason,
    principal,
    via_service,
  ];
  return createHash('sha256')
    .update(JSON.stringify([...same, row.kms_operation, whose]))
    .digest('hex');
}
