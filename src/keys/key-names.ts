import type { Reading } from '../vault/edits.ts';
import { notByIndex } from '../vault/page.ts';

/*
 * What people may have of a CloudKey: from our lists, from a ticket about AWS, from CloudTrail. All of it is looked up by
 * index, whatever else there is in the vault.
 */

/** More CloudKeys than this of one name are not told apart by hand. Of more, those that are in use come first. */
const max = 200;

/**
 * Ids of the CloudKeys of a vault, or of all, that somebody may call so: by id, external key id or name, or as AWS calls their KMS
 * keys: key id, key ARN, alias with or without `alias/`, alias ARN. Letter for letter, but for our own ids.
 */
export async function idsOfKeysCalled(
  db: Reading,
  within: { vaultId: string } | 'all',
  called: string,
): Promise<string[]> {
  const vaultId = within === 'all' ? '' : within.vaultId;
  const { alias, region, account } = aliasOf(called);
  const kmsKeys = db
    .selectFrom('kms_keys')
    .select('kms_keys.cloud_key_id as id')
    .$if(within !== 'all', (all) => all.where('kms_keys.vault_id', '=', vaultId));
  let byAlias = kmsKeys
    .where('kms_keys.alias', '=', alias)
    // One that was given up has no alias any more that another could not have.
    .where('kms_keys.step', '<>', 'GONE');
  // By the index of aliases: a Region may have all of them.
  if (region !== undefined)
    byAlias = byAlias.where((eb) => eb(notByIndex(eb.ref('kms_keys.region')), '=', region));
  if (account !== undefined)
    byAlias = byAlias.where((eb) =>
      eb.or([
        eb('kms_keys.key_arn', '=', ''),
        eb('kms_keys.key_arn', 'like', `arn:%:kms:%:${account}:key/%`),
      ]),
    );
  const keys = db.selectFrom('cloud_keys').select('cloud_keys.id as id');
  const named = keys
    .where('cloud_keys.id', '=', called.toLowerCase())
    .union(keys.where('cloud_keys.external_key_id', '=', called))
    .union(
      keys
        .$if(within !== 'all', (all) => all.where('cloud_keys.listed_in', '=', vaultId))
        .where('cloud_keys.name', '=', called),
    )
    .union(
      // Indexes that the list's own order would not use.
      db
        .selectFrom('kms_keys')
        .select('kms_keys.cloud_key_id as id')
        .where('kms_keys.key_id', '=', called.toLowerCase())
        .where('kms_keys.key_id', '<>', ''),
    )
    .union(
      db
        .selectFrom('kms_keys')
        .select('kms_keys.cloud_key_id as id')
        .where('kms_keys.key_arn', '=', called)
        .where('kms_keys.key_arn', '<>', ''),
    )
    .union(byAlias);
  const rows = await db
    .selectFrom(named.as('named'))
    .innerJoin('cloud_keys', 'cloud_keys.id', 'named.id')
    .select('named.id')
    // A name may have been given again and again, each time after the key before was deleted.
    .orderBy((eb) => eb('cloud_keys.state', '=', 'DELETED'))
    .orderBy('named.id')
    .limit(max)
    .execute();
  return rows.map(({ id }) => id);
}

/** `alias/payroll`, `payroll` or `arn:aws:kms:eu-central-1:111122223333:alias/payroll`. */
function aliasOf(called: string): { alias: string; region?: string; account?: string } {
  const [, region, account, alias] =
    /^arn:[a-z0-9-]+:kms:([a-z0-9-]+):(\d{12}):(alias\/.+)$/.exec(called) ?? [];
  if (region !== undefined && account !== undefined && alias !== undefined) return { alias, region, account };
  return { alias: called.startsWith('alias/') ? called : `alias/${called}` };
}
