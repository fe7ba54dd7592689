import type { Store } from '../store/store.ts';
import type { NamedSecret } from '../vault/sealing.ts';
import { readMailSettings } from './mail-settings.ts';
import { clientSecretContext } from './oidc/providers.ts';
import { totpContext } from './second-factor.ts';

/** The secrets with which people sign in and mail is sent. */
export async function* sealedSecretsOfPeople(
  store: Pick<Store, 'db'>,
): AsyncGenerator<NamedSecret, void, undefined> {
  const mail = await readMailSettings({ store });
  if (mail?.sealed !== undefined) yield { what: 'the password of the mail server', ...mail.sealed };
  const providers = await store.db
    .selectFrom('oidc_providers')
    .selectAll()
    .where('client_secret_sealed', 'is not', null)
    .execute();
  for (const provider of providers)
    if (provider.client_secret_sealed !== null && provider.client_secret_token !== null)
      yield {
        what: `the client secret of the OpenID provider ${provider.issuer}`,
        context: clientSecretContext(provider),
        sealed: provider.client_secret_sealed,
        token: provider.client_secret_token,
      };
  const users = await store.db
    .selectFrom('users')
    .select(['id', 'username', 'totp_sealed', 'totp_token', 'totp_enrolment'])
    .where('totp_sealed', 'is not', null)
    .execute();
  for (const { totp_sealed: sealed, totp_token: token, ...user } of users)
    if (sealed !== null && token !== null)
      yield { what: `the second factor of ${user.username}`, context: totpContext(user), sealed, token };
}
