import { AwsError } from '../aws/aws-error.ts';
import { isAwsCode } from '../aws/kms-errors.ts';
import type { KmsKeys } from '../aws/kms-keys.ts';
import type { KmsKey } from './kms-key-records.ts';

export type AliasResult =
  | { kind: 'made' }
  /** It was taken from another key, as somebody had asked for. */
  | { kind: 'moved' }
  | { kind: 'taken'; error: AwsError; keyArn: string | undefined };

/**
 * Gives the KMS key its alias. One that it has already is as good as made: an answer was lost. One of another key stays
 * there unless somebody asked for it to be taken. Throws AwsError.
 */
export async function giveAlias(
  kms: KmsKeys,
  row: Pick<KmsKey, 'alias' | 'key_id' | 'take_alias'>,
): Promise<AliasResult> {
  try {
    await kms.createAlias(row.alias, row.key_id);
    return { kind: 'made' };
  } catch (error) {
    if (!isAwsCode(error, 'AlreadyExistsException')) throw error;
    if ((await kms.aliases(row.key_id)).includes(row.alias)) return { kind: 'made' };
    if (row.take_alias === 0) return { kind: 'taken', error, keyArn: await holderOf(kms, row.alias) };
    await kms.moveAlias(row.alias, row.key_id);
    return { kind: 'moved' };
  }
}

/** The key that has the alias, where we may see it. */
async function holderOf(kms: KmsKeys, alias: string): Promise<string | undefined> {
  try {
    return (await kms.describe(alias)).arn;
  } catch (error) {
    if (error instanceof AwsError) return undefined;
    throw error;
  }
}
