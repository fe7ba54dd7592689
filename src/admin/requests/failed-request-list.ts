import type { Selectable } from 'kysely';
import type { FailedRequestTable } from '../../store/schema.ts';
import type { Sight, VaultContext } from '../../vault/context.ts';
import { notByIndex, readPage, type Page, type PageInput } from '../../vault/page.ts';
import { seenBy } from '../../vault/sight.ts';

export interface FailedRequestInput extends PageInput {
  /** One row. */
  id?: string | undefined;
  keySetId?: string | undefined;
  externalKeyId?: string | undefined;
  error?: string | undefined;
  principal?: string | undefined;
  kmsRequestId?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export interface ListedFailedRequest extends Selectable<FailedRequestTable> {
  /** Null where it is not there any more, or none was asked for. */
  key_set_name: string | null;
  cloud_key_id: string | null;
  cloud_key_name: string | null;
}

export const failedRequestOrders = { lastAt: 'failed_requests.last_at' } as const;

/** The columns that are looked for by the whole text. */
const equal = {
  keySetId: 'failed_requests.key_set_id',
  externalKeyId: 'failed_requests.external_key_id',
  error: 'failed_requests.error',
  principal: 'failed_requests.principal',
  kmsRequestId: 'failed_requests.kms_request_id',
} as const;

/**
 * Of one vault what goes to the key sets that `sight` sees, or with '' what belongs to none. Of either there are no more
 * than are written down (src/keys/failed-request-rows.ts), so that all may be gone through.
 */
export async function listFailedRequests(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
  sight: Sight,
  input: FailedRequestInput,
): Promise<Page<ListedFailedRequest>> {
  let through = store.db.selectFrom('failed_requests').where('failed_requests.vault_id', '=', vaultId);
  const { id, from, to } = input;
  if (from !== undefined)
    through = through.where('failed_requests.last_at', '>=', new Date(from).toISOString());
  if (to !== undefined) through = through.where('failed_requests.last_at', '<', new Date(to).toISOString());
  let query = through
    .leftJoin('key_sets', 'key_sets.id', 'failed_requests.key_set_id')
    .leftJoin('cloud_keys', (join) =>
      join
        .onRef('cloud_keys.key_set_id', '=', 'failed_requests.key_set_id')
        .onRef('cloud_keys.external_key_id', '=', 'failed_requests.external_key_id'),
    )
    .selectAll('failed_requests')
    .select([
      'key_sets.name as key_set_name',
      'cloud_keys.id as cloud_key_id',
      'cloud_keys.name as cloud_key_name',
    ])
    .where((eb) => seenBy(eb.ref('key_sets.admin_group_id'), sight));
  if (id !== undefined) query = query.where('failed_requests.id', '=', id);
  for (const name of Object.keys(equal) as (keyof typeof equal)[]) {
    const value = input[name];
    if (value !== undefined) query = query.where((eb) => eb(notByIndex(eb.ref(equal[name])), '=', value));
  }
  return readPage(
    query,
    id === undefined ? through : 'few',
    failedRequestOrders,
    'failed_requests.id',
    input,
  );
}
