import { tokensOf } from '../../vault/granted-tokens.ts';
import type { Transaction } from 'kysely';
import type { Tables } from '../../store/schema.ts';
import { liveCredentials } from '../credentials/credential-records.ts';
import type { VaultContext, Sight } from '../../vault/context.ts';
import type { KeySet } from './key-set-records.ts';
import { notByIndex } from '../../vault/page.ts';
import { seenBy } from '../../vault/sight.ts';
import { rowsPerBatch } from '../../vault/unfinished-work.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** A key object of a deleted CloudKey is in a token still, or may be. */
export const remediationOfKeyObjects =
  'have the store reconciled, then try again; holdfast token show lists the tokens that were replaced and the HSMs that were not asked, ' +
  'and once one is erased, holdfast token record-erased puts that on record';

/** Throws VaultError `invalid` unless the CSP account is one of the vault that they see. */
export async function checkCspAccount(
  trx: Transaction<Tables>,
  sight: Sight,
  { vault_id, csp_account_id }: Pick<KeySet, 'vault_id' | 'csp_account_id'>,
): Promise<void> {
  if (csp_account_id === null) return;
  const account = await trx
    .selectFrom('csp_accounts')
    .select('id')
    .where('id', '=', csp_account_id)
    .where('vault_id', '=', vault_id)
    .where((eb) => seenBy(eb.ref('admin_group_id'), sight))
    .executeTakeFirst();
  if (account === undefined) throw new VaultError('invalid', 'there is no such CSP account');
}

/** Throws VaultError `invalid` unless the vault may use the token and the configuration names it. */
export async function checkToken(
  trx: Transaction<Tables>,
  context: Pick<VaultContext, 'tokens'>,
  { vault_id, token }: Pick<KeySet, 'vault_id' | 'token'>,
): Promise<void> {
  const vault = await trx.selectFrom('vaults').select('tokens').where('id', '=', vault_id).executeTakeFirst();
  if (vault === undefined) throw new VaultError('not-found', 'there is no such vault');
  const tokens = tokensOf(vault);
  if (!tokens.includes(token))
    throw new VaultError(
      'invalid',
      'the vault may not use this token',
      'name one of the tokens of the vault',
    );
  if (!context.tokens.has(token))
    throw new VaultError(
      'invalid',
      'the configuration of this node has no such token',
      'have it configured, or name another token of the vault',
    );
}

/** Throws VaultError `conflict` where the name or the path prefix is another key set's. */
export async function checkClash(
  trx: Transaction<Tables>,
  { id, vault_id, name, path_prefix }: Pick<KeySet, 'id' | 'vault_id' | 'name' | 'path_prefix'>,
): Promise<void> {
  const others = await trx
    .selectFrom('key_sets')
    .select('path_prefix')
    .where('id', '<>', id)
    .where((eb) =>
      eb.or([
        eb.and([eb('vault_id', '=', vault_id), eb('name', '=', name)]),
        ...(path_prefix === '' ? [] : [eb('path_prefix', '=', path_prefix)]),
      ]),
    )
    .execute();
  if (others.length === 0) return;
  if (path_prefix !== '' && others.some((other) => other.path_prefix === path_prefix))
    throw new VaultError('conflict', 'another key set has this path prefix');
  throw new VaultError('conflict', 'another key set of the vault has this name');
}

/** Throws VaultError `conflict` where keys lie in its token, or AWS may know its path and credentials. */
export async function checkUnused(
  trx: Transaction<Tables>,
  { id }: Pick<KeySet, 'id'>,
  now: Date,
  what: string,
): Promise<void> {
  const key = await trx
    .selectFrom('cloud_keys')
    .select('id')
    .where('key_set_id', '=', id)
    .where('state', '<>', 'DELETED')
    .executeTakeFirst();
  if (key !== undefined)
    throw new VaultError('conflict', `${what}: the key set has CloudKeys`, 'delete its CloudKeys first');
  const object =
    (await livingVersion(trx, id)) ??
    (await trx
      .selectFrom('key_versions')
      .innerJoin('cloud_keys', 'cloud_keys.id', 'key_versions.cloud_key_id')
      .select('version')
      // Of these there are few, in the whole store.
      .where('key_versions.state', '=', 'DESTROYING')
      .where((eb) => eb(notByIndex(eb.ref('key_set_id')), '=', id))
      .executeTakeFirst());
  if (object !== undefined)
    throw new VaultError(
      'conflict',
      `${what}: key objects of its deleted CloudKeys are still in the token`,
      remediationOfKeyObjects,
    );
  if ((await liveCredentials(trx, id, now)) > 0)
    throw new VaultError('conflict', `${what}: the key set has live credentials`, 'withdraw them first');
}

/** Of its first CloudKeys, which are DELETED: no version of them should be there, and of the others neither. */
async function livingVersion(trx: Transaction<Tables>, keySetId: string) {
  return trx
    .selectFrom((eb) =>
      eb
        .selectFrom('cloud_keys')
        .select('id')
        .where('key_set_id', '=', keySetId)
        .limit(rowsPerBatch)
        .as('first'),
    )
    .innerJoin('key_versions', 'key_versions.cloud_key_id', 'first.id')
    .select('version')
    .where('key_versions.state', '<>', 'DESTROYED')
    .limit(1)
    .executeTakeFirst();
}
