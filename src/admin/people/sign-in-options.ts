import { z } from 'zod';
import { findProvider } from '../../identity/oidc/providers.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { shownEnvironment } from '../environment.ts';
import { vaultId } from '../keys/key-forms.ts';
import { route, type Route } from '../route.ts';
import type { AdminServices } from '../services.ts';

const tag = 'Sessions';
const access = { kind: 'public' } as const;

const options = z
  .strictObject({
    singleSignOn: z
      .strictObject({
        issuerHost: z.string().describe('Host of the OpenID Connect provider, for the words on a button.'),
      })
      .nullable()
      .describe('Null where none is set up.'),
    environment: shownEnvironment,
  })
  .meta({ id: 'SignInOptions' });

const description =
  'For a page that offers them. What is answered is no more than a sign-in at the provider shows; a vault that is not ' +
  'there is answered as one without single sign-on.';

export const signInOptionRoutes: readonly Route[] = [
  route({
    operation: 'getSignInOptions',
    method: 'GET',
    path: '/sign-in-options',
    tag,
    summary: 'Show how one may sign in to the appliance',
    description,
    access,
    answer: options,
    handle: async ({ services }) => show(services, ''),
  }),
  route({
    operation: 'getVaultSignInOptions',
    method: 'GET',
    path: '/vaults/{vaultId}/sign-in-options',
    tag,
    summary: 'Show how one may sign in to a vault',
    description,
    access,
    params: z.strictObject({ vaultId }),
    answer: options,
    handle: async ({ services, params }) => show(services, params.vaultId),
  }),
];

async function show(
  { store, environment }: AdminServices,
  vault: string,
): Promise<{ body: z.infer<typeof options> }> {
  return { body: { singleSignOn: await providerOf(store, vault), environment: environment ?? null } };
}

async function providerOf(
  store: AdminServices['store'],
  vault: string,
): Promise<z.infer<typeof options>['singleSignOn']> {
  try {
    const { issuer } = await findProvider(store, vault);
    return { issuerHost: new URL(issuer).host };
  } catch (error) {
    if (error instanceof VaultError && error.problem === 'not-found') return null;
    throw error;
  }
}
