import { sql } from 'kysely';
import { TokenError } from '../token/faults.ts';
import { keepResealedSecret } from '../keys/credentials/credential-making.ts';
import { xksSecretContext } from '../keys/credentials/credential-secrets.ts';
import { keepResealedKey } from '../cloud/accounts/access-keys.ts';
import { secretContext } from '../cloud/accounts/sign-in.ts';
import { inPages } from '../vault/in-pages.ts';
import { tell, type Comparing } from './reconcile-records.ts';
import type { Finding } from './reconciliation-report.ts';
import { reseal, type Sealed } from '../vault/sealing.ts';

interface SealedRecord extends Sealed {
  /** Access key id. */
  name: string;
  /** The CSP account that it is of; '' for an XKS credential. */
  accountId: string;
  vaultId: string;
  keySetId: string | null;
  what: string;
  /** Puts the secret, sealed anew, into the record as it was read. */
  keep: (sealed: Buffer) => Promise<void>;
}

/**
 * Looks whether the sealed secrets of live credentials and CSP accounts belong to the records that they are in, without
 * opening them outside of the token host; those in the format of before are sealed anew, bound to all that they belong to.
 */
export async function compareSeals(comparing: Comparing): Promise<void> {
  for (const recordsOf of [credentialsOf, accountKeysOf])
    for await (const records of inPages<SealedRecord>(async (after, limit) =>
      recordsOf(comparing, after, limit),
    ))
      for (const record of records) await compareSeal(comparing, record);
}

async function compareSeal(comparing: Comparing, record: SealedRecord): Promise<void> {
  try {
    const sealed = await reseal(comparing.context, record);
    if (!sealed.equals(record.sealed)) await record.keep(sealed);
  } catch (error) {
    if (!(error instanceof TokenError) || error.fault !== 'seal-broken') throw error;
    tell(comparing, findingOf(record));
  }
}

function findingOf({ name, vaultId, keySetId, what }: SealedRecord): Finding {
  return {
    kind: 'seal-broken',
    outcome: 'none',
    detail: `the secret of ${what} does not belong to this record: it was altered, or moved from another record; it cannot be used`,
    vaultId,
    keySetId,
    cloudKeyId: null,
    name,
    externalKeyId: null,
    version: null,
    objectId: '',
    label: null,
    member: null,
  };
}

async function credentialsOf(
  { context, token, vaultId }: Comparing,
  after: SealedRecord | undefined,
  limit: number,
): Promise<SealedRecord[]> {
  const { store } = context;
  let query = store.db
    .selectFrom('xks_credentials')
    .innerJoin('key_sets', 'key_sets.id', 'xks_credentials.key_set_id')
    .select(['access_key_id', 'key_set_id', 'vault_id', 'sealed_secret'])
    .where('key_sets.token', '=', token)
    .where('withdrawn_at', 'is', null)
    .where('access_key_id', '>', after?.name ?? '')
    .orderBy('access_key_id')
    .limit(limit);
  if (vaultId !== undefined) query = query.where('vault_id', '=', vaultId);
  return (await query.execute()).map((row) => ({
    name: row.access_key_id,
    accountId: '',
    vaultId: row.vault_id,
    keySetId: row.key_set_id,
    what: `XKS credential ${row.access_key_id}`,
    token,
    sealed: row.sealed_secret,
    context: xksSecretContext({
      vaultId: row.vault_id,
      keySetId: row.key_set_id,
      accessKeyId: row.access_key_id,
    }),
    keep: async (sealed) => keepResealedSecret(context, row, sealed),
  }));
}

async function accountKeysOf(
  { context, token, vaultId }: Comparing,
  after: SealedRecord | undefined,
  limit: number,
): Promise<SealedRecord[]> {
  const { store } = context;
  let query = store.db
    .selectFrom('csp_access_keys')
    .innerJoin('csp_accounts', 'csp_accounts.id', 'csp_access_keys.csp_account_id')
    .select(['csp_accounts.id', 'vault_id', 'access_key_id', 'sealed_secret'])
    .where('sealed_token', '=', token)
    .where(sql<boolean>`(csp_account_id, access_key_id) > (${after?.accountId ?? ''}, ${after?.name ?? ''})`)
    .orderBy('csp_account_id')
    .orderBy('access_key_id')
    .limit(limit);
  if (vaultId !== undefined) query = query.where('vault_id', '=', vaultId);
  return (await query.execute()).map((row) => ({
    name: row.access_key_id,
    accountId: row.id,
    vaultId: row.vault_id,
    keySetId: null,
    what: `access key ${row.access_key_id} of CSP account ${row.id}`,
    token,
    sealed: row.sealed_secret,
    context: secretContext(row, row.access_key_id),
    keep: async (sealed) => keepResealedKey(context, row, sealed),
  }));
}
