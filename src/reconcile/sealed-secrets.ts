import type { Store } from '../store/store.ts';
import { xksSecretContext } from '../keys/credentials/credential-secrets.ts';
import { secretContext } from '../cloud/accounts/sign-in.ts';
import { inPages } from '../vault/in-pages.ts';
import type { NamedSecret } from '../vault/sealing.ts';

interface CredentialRow {
  access_key_id: string;
  key_set_id: string;
  vault_id: string;
  token: string;
  sealed_secret: Buffer;
}

/** The secrets of the vaults' XKS credentials that open something, and of their CSP accounts. */
export async function* sealedSecretsOfVaults({
  db,
}: Pick<Store, 'db'>): AsyncGenerator<NamedSecret, void, undefined> {
  const credentials = inPages<CredentialRow>(async (after, limit) =>
    db
      .selectFrom('xks_credentials')
      .innerJoin('key_sets', 'key_sets.id', 'xks_credentials.key_set_id')
      .select(['access_key_id', 'key_set_id', 'vault_id', 'token', 'sealed_secret'])
      .where('withdrawn_at', 'is', null)
      .where('access_key_id', '>', after?.access_key_id ?? '')
      .orderBy('access_key_id')
      .limit(limit)
      .execute(),
  );
  for await (const page of credentials)
    for (const { access_key_id: accessKeyId, key_set_id: keySetId, vault_id: vaultId, ...row } of page)
      yield {
        what: `XKS credential ${accessKeyId}`,
        context: xksSecretContext({ vaultId, keySetId, accessKeyId }),
        sealed: row.sealed_secret,
        token: row.token,
      };
  const accounts = await db
    .selectFrom('csp_access_keys')
    .innerJoin('csp_accounts', 'csp_accounts.id', 'csp_access_keys.csp_account_id')
    .select(['csp_accounts.id', 'vault_id', 'name', 'access_key_id', 'sealed_secret', 'sealed_token'])
    .execute();
  for (const {
    access_key_id: accessKeyId,
    sealed_secret: sealed,
    sealed_token: token,
    ...account
  } of accounts)
    yield {
      what: `AWS access key ${accessKeyId} of CSP account ${account.name}`,
      context: secretContext(account, accessKeyId),
      sealed,
      token,
    };
}
