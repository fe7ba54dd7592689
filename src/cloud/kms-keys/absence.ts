import { AwsError } from '../aws/aws-error.ts';
import { lastsAfterSeen, mayBeThere, notYetShown, type Sighting } from '../aws/presence.ts';
import type { AwsContext } from '../accounts/context.ts';
import { dateOf, sightingOf, type KmsKey } from './records.ts';

/** What a failed step on a KMS key means, where AWS does not find something: not shown yet, or gone, and then the way out. */
export async function toldOf(context: AwsContext, row: KmsKey, error: unknown): Promise<unknown> {
  if (!(error instanceof AwsError) || error.fault !== 'not-found') return error;
  const now = context.now();
  if (error.code === 'CustomKeyStoreNotFoundException')
    return mayBeThere(await sightingOfStore(context, row), lastsAfterSeen.any, now)
      ? notYetShown(error)
      : error;
  // The external key is looked for by AWS at the proxy: nothing of AWS's own.
  if (error.code !== 'NotFoundException' || row.key_id === '') return error;
  if (mayBeThere(sightingOf(row), lastsAfterSeen.kmsKey, now)) return notYetShown(error);
  const { code, operation, requestId } = error;
  return new AwsError('not-found', code, operation, {
    message: `AWS has the KMS key, or its alias, no more: ${operation} (${code})`,
    remediation:
      row.seen_at === null
        ? 'see that account, Region and id of the KMS key are right'
        : 'where the KMS key was deleted in AWS: holdfast kms-key delete, then create',
    requestId,
  });
}

async function sightingOfStore({ store }: AwsContext, { external_key_store_id }: KmsKey): Promise<Sighting> {
  const { made_at, seen_at } = await store.db
    .selectFrom('external_key_stores')
    .select(['made_at', 'seen_at'])
    .where('id', '=', external_key_store_id)
    .executeTakeFirstOrThrow();
  return { madeAt: dateOf(made_at), seenAt: dateOf(seen_at) };
}
