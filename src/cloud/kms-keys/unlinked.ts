import { z } from 'zod';
import { walkOn, walkStart, type WalkProgress } from '../aws/kms-key-search.ts';
import { KmsKeys } from '../aws/kms-keys.ts';
import { awsAccountOf } from '../accounts/context.ts';
import type { AwsContext } from '../controller/context.ts';
import type { Sight } from '../../vault/context.ts';
import { getKeySet } from '../../keys/key-sets/key-set-records.ts';
import { accountOfStore } from './policy.ts';
import { notByIndex } from '../../vault/page.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** A KMS key of the key set's key store that no KMS key record knows. */
export interface UnlinkedKmsKey {
  keyArn: string;
  externalKeyStoreId: string;
  region: string;
  /** AWS's word. */
  state: string;
  description: string;
  /** What it refers to. */
  externalKeyId: string;
  /** Null where the key set has no such CloudKey: a store that was put back knows none that was made since. */
  cloudKeyId: string | null;
  cloudKeyName: string | null;
}

export interface UnlinkedPage {
  items: UnlinkedKmsKey[];
  /** Goes on where this page ended; null at the end. */
  next: string | null;
  /** KMS keys that were looked at so far, and that AWS does not let us look at. */
  looked: number;
  hidden: number;
}

/** Pages of 100 KMS keys for one request: a few seconds. */
const pagesPerBatch = 3;

const cursorForm = z.tuple([
  z.uuid(),
  z.object({ marker: z.string(), looked: z.number(), hidden: z.number() }),
]);

/**
 * Looks in AWS, on demand, through the KMS keys of the account and Region of a key store. Throws VaultError, AwsError,
 * TokenError.
 */
export async function listUnlinkedKmsKeys(
  context: AwsContext,
  vaultId: string,
  sight: Sight,
  keySetId: string,
  { region, cursor }: { region: string; cursor?: string | undefined },
): Promise<UnlinkedPage> {
  const keySet = await getKeySet(context, vaultId, sight, keySetId);
  const { db } = context.store;
  const store = await db
    .selectFrom('external_key_stores')
    .selectAll()
    .where('key_set_id', '=', keySet.id)
    .where('region', '=', region)
    .executeTakeFirst();
  const account = store === undefined ? undefined : await accountOfStore(db, store.id);
  if (store === undefined || store.custom_key_store_id === '')
    throw new VaultError('conflict', 'the key set has no external key store in this Region');
  if (account === undefined) throw new VaultError('conflict', 'the key store has no CSP account');
  const kms = new KmsKeys(await awsAccountOf(context, account, region), region);
  let progress: WalkProgress = readCursor(cursor, store.id);
  const items: UnlinkedKmsKey[] = [];
  let more = true;
  for (let page = 0; page < pagesPerBatch && more; page++) {
    const walked = await walkOn(kms, progress);
    ({ progress, more } = walked);
    const ofStore = walked.keys.filter((key) => key.customKeyStoreId === store.custom_key_store_id);
    const known = await knownArns(
      context,
      vaultId,
      ofStore.map(({ arn }) => arn),
    );
    const found = ofStore.filter(({ arn }) => !known.has(arn));
    for (const key of found) {
      const cloudKey = await db
        .selectFrom('cloud_keys')
        .select(['id', 'name'])
        .where('key_set_id', '=', keySet.id)
        .where('external_key_id', '=', key.xksKeyId)
        .executeTakeFirst();
      items.push({
        ...{
          keyArn: key.arn,
          externalKeyStoreId: store.id,
          region,
          state: key.state,
          description: key.description,
        },
        ...{
          externalKeyId: key.xksKeyId,
          cloudKeyId: cloudKey?.id ?? null,
          cloudKeyName: cloudKey?.name ?? null,
        },
      });
    }
  }
  const { looked, hidden } = progress;
  return { items, next: more ? writeCursor(store.id, progress) : null, looked, hidden };
}

/** Which of the KMS keys of one page a KMS key record of the vault knows. */
async function knownArns(
  { store }: AwsContext,
  vaultId: string,
  arns: readonly string[],
): Promise<ReadonlySet<string>> {
  if (arns.length === 0) return new Set();
  const rows = await store.db
    .selectFrom('kms_keys')
    .select('key_arn')
    .where('key_arn', 'in', arns)
    .where((eb) => eb(notByIndex(eb.ref('vault_id')), '=', vaultId))
    .where('step', '<>', 'GONE')
    .execute();
  return new Set(rows.map(({ key_arn }) => key_arn));
}

function writeCursor(storeId: string, progress: WalkProgress): string {
  return Buffer.from(JSON.stringify([storeId, progress])).toString('base64url');
}

function readCursor(cursor: string | undefined, storeId: string): WalkProgress {
  if (cursor === undefined) return walkStart;
  const wrong = new VaultError('invalid', 'the cursor is not one of this list', 'begin the list again');
  try {
    const [of, progress] = cursorForm.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    if (of === storeId) return progress;
  } catch {
    throw wrong;
  }
  throw wrong;
}
