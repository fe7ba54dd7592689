import type { Transaction } from 'kysely';
import { record, type Act } from '../../evidence/trail.ts';
import { Secret } from '../../secret.ts';
import type { Tables } from '../../store/schema.ts';
import type { ActTransaction } from '../../store/store.ts';
import type { SealContext } from '../../token/seal-context.ts';
import { bumpRecord, bumpRecords, noteOn } from '../../vault/edit-record.ts';
import { checkRowVersion, checkUnchanged, type VaultContext, type VaultTarget } from '../../vault/context.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { isCertificateBundle } from '../mail-settings.ts';
import type { OidcClients } from './clients.ts';
import type { OidcProvider } from './provider-record.ts';
import { OidcError } from './error.ts';
import { keepingSomebody } from '../reach.ts';
import { isOfBefore, partOfCa, reseal, seal, unseal } from '../../vault/sealing.ts';

export interface ProviderInput {
  issuer: string;
  clientId: string;
  /** Undefined keeps the one that is there, where it still goes to the same provider; null for a public client. */
  clientSecret?: Secret | null | undefined;
  scopes: readonly string[];
  usernameClaim: 'email' | 'preferred_username';
  /** PEM; null for the CAs of the system. */
  caCertificates: string | null;
}

/** The provider of a vault, or of the appliance (''). Throws VaultError `not-found`. */
export async function findProvider(
  { db }: { db: VaultContext['store']['db'] | Transaction<Tables> },
  vaultId: string,
): Promise<OidcProvider> {
  const provider = await db
    .selectFrom('oidc_providers')
    .selectAll()
    .where('vault_id', '=', vaultId)
    .executeTakeFirst();
  if (provider === undefined)
    throw new VaultError('not-found', 'no single sign-on is set up here', 'sign in with a password');
  return provider;
}

/**
 * Sets up single sign-on, after having asked the provider whether it is one: a mistake is told to who made it, not to
 * the first who cannot sign in. Sign-ins under way end. With another issuer what bound users to the old one ends too: a
 * subject is unique within its issuer alone (OpenID Connect Core, 2). Throws VaultError.
 */
export async function putProvider(
  context: VaultContext,
  clients: OidcClients,
  act: Act,
  { vaultId, expected }: VaultTarget,
  input: ProviderInput,
): Promise<OidcProvider> {
  checkInput(input);
  const before = await context.store.db
    .selectFrom('oidc_providers')
    .selectAll()
    .where('vault_id', '=', vaultId)
    .executeTakeFirst();
  // Before the provider is asked anything: who has not seen the record does not move us to call anyone.
  checkRowVersion(before ?? { row_version: 0 }, expected);
  await askProvider(clients, input);
  const row = {
    issuer: input.issuer,
    client_id: input.clientId,
    scopes: input.scopes.join(' '),
    username_claim: input.usernameClaim,
    ca_certificates: input.caCertificates ?? '',
    ...(await secretOf(context, vaultId, input, before)),
  };
  return context.store.write(act, async (trx) => {
    const current = await trx
      .selectFrom('oidc_providers')
      .select(['vault_id', 'row_version'])
      .where('vault_id', '=', vaultId)
      .executeTakeFirst();
    // What was kept of the record must be the record's still.
    checkUnchanged(current ?? { row_version: 0 }, before ?? { row_version: 0 });
    checkRowVersion(current ?? { row_version: 0 }, expected);
    const at = trx.at.toISOString();
    const put =
      current !== undefined
        ? await bumpRecord(trx, 'oidc_providers', current, row)
        : await trx
            .insertInto('oidc_providers')
            .values({ vault_id: vaultId, ...row, created_at: at, updated_at: at })
            .returningAll()
            .executeTakeFirstOrThrow();
    await trx.deleteFrom('oidc_sign_ins').where('vault_id', '=', vaultId).execute();
    const unlinked =
      before !== undefined && before.issuer !== put.issuer
        ? await keepingSomebody(trx, vaultId, context.now(), async () => unlinkAll(trx, vaultId))
        : 0;
    await record(trx, act, {
      action: 'oidc-provider.update',
      vaultId,
      target: targetOf(put),
      ...(before === undefined ? {} : { before: shownInTrail(before) }),
      after: {
        ...shownInTrail(put),
        ...(input.clientSecret instanceof Secret ? { clientSecret: 'a new one' } : {}),
        ...(unlinked === 0 ? {} : { usersUnlinked: unlinked }),
      },
    });
    return put;
  });
}

/** Whoever came by it is signed out and bound to nobody there any more. Throws VaultError `not-found`. */
export async function deleteProvider(
  context: VaultContext,
  act: Act,
  { vaultId, expected }: VaultTarget,
): Promise<void> {
  await context.store.write(act, async (trx) => {
    const provider = await findProvider({ db: trx }, vaultId);
    checkRowVersion(provider, expected);
    const unlinked = await keepingSomebody(trx, vaultId, context.now(), async () => {
      await trx.deleteFrom('oidc_providers').where('vault_id', '=', vaultId).execute();
      return unlinkAll(trx, vaultId);
    });
    await trx.deleteFrom('oidc_sign_ins').where('vault_id', '=', vaultId).execute();
    await record(trx, act, {
      action: 'oidc-provider.delete',
      vaultId,
      target: targetOf(provider),
      before: { ...shownInTrail(provider), ...(unlinked === 0 ? {} : { usersUnlinked: unlinked }) },
    });
  });
}

/** In the transaction that deletes the vault: from then on nobody comes into it by its provider. */
export async function dropProvider(trx: ActTransaction, vaultId: string): Promise<void> {
  await trx.deleteFrom('oidc_providers').where('vault_id', '=', vaultId).execute();
  await trx.deleteFrom('oidc_sign_ins').where('vault_id', '=', vaultId).execute();
}

/** Undefined for a public client. Throws TokenError: `seal-broken` where the record was tampered with. */
export async function clientSecretOf(
  context: VaultContext,
  provider: OidcProvider,
): Promise<Secret | undefined> {
  const { client_secret_sealed: sealed, client_secret_token: token } = provider;
  if (sealed === null || token === null) return undefined;
  const kept = { context: clientSecretContext(provider), sealed, token };
  const secret = await unseal(context, kept);
  if (isOfBefore(kept)) {
    const anew = await reseal(context, kept);
    await context.store.bookkeep('sealed anew', async (trx) =>
      noteOn(trx, 'oidc_providers')
        .set({ client_secret_sealed: anew })
        .where('vault_id', '=', provider.vault_id)
        .where('client_secret_sealed', '=', sealed)
        .execute(),
    );
  }
  return secret;
}

async function askProvider(clients: OidcClients, input: ProviderInput): Promise<void> {
  try {
    await clients.metadataOf({ issuer: input.issuer, ca_certificates: input.caCertificates ?? '' }, true);
  } catch (error) {
    if (!(error instanceof OidcError)) throw error;
    throw new VaultError('invalid', error.message, error.remediation);
  }
}

async function secretOf(
  context: VaultContext,
  vaultId: string,
  { clientSecret, issuer, clientId, caCertificates }: ProviderInput,
  before: OidcProvider | undefined,
): Promise<Pick<OidcProvider, 'client_secret_sealed' | 'client_secret_token'>> {
  if (clientSecret === null) return { client_secret_sealed: null, client_secret_token: null };
  if (clientSecret !== undefined) {
    const ca_certificates = caCertificates ?? '';
    const sealContext = clientSecretContext({
      vault_id: vaultId,
      issuer,
      client_id: clientId,
      ca_certificates,
    });
    const { sealed, token } = await seal(context, sealContext, clientSecret);
    return { client_secret_sealed: sealed, client_secret_token: token };
  }
  const kept = before?.client_secret_sealed ?? null;
  const goesElsewhere =
    before?.issuer !== issuer ||
    before.client_id !== clientId ||
    before.ca_certificates !== (caCertificates ?? '');
  if (kept !== null && goesElsewhere)
    throw new VaultError(
      'invalid',
      'with another issuer, client id or CA certificates the client secret must be given again',
      'send clientSecret, or null for a client without one',
    );
  return { client_secret_sealed: kept, client_secret_token: before?.client_secret_token ?? null };
}

/** Bound to whom it goes, and to who vouches for them: moved to another vault, provider or CA it does not open. */
export function clientSecretContext({
  vault_id,
  issuer,
  client_id,
  ca_certificates,
}: Pick<OidcProvider, 'vault_id' | 'issuer' | 'client_id' | 'ca_certificates'>): SealContext {
  const of = vault_id === '' ? 'the appliance' : `vault ${vault_id}`;
  return {
    purpose: 'oidc-client-secret',
    parts: [vault_id, issuer, client_id, partOfCa(ca_certificates)],
    former: `holdfast oidc client secret of ${of} for client ${client_id} at ${issuer}`,
  };
}

/** Takes the subjects of a vault's users away, and their sessions by OIDC with them. */
async function unlinkAll(trx: ActTransaction, vaultId: string): Promise<number> {
  const users = trx.selectFrom('users').select('id').where('vault_id', '=', vaultId);
  await trx.deleteFrom('sessions').where('method', '=', 'oidc').where('user_id', 'in', users).execute();
  const bound = users.where('oidc_subject', 'is not', null);
  return (await bumpRecords(trx, 'users', bound, { oidc_subject: null })).length;
}

function checkInput({ issuer, caCertificates, scopes }: ProviderInput): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  // OpenID Connect Discovery, 3: https, no query, no fragment. Anything else in it would be of no use but to deceive.
  if (
    url?.protocol !== 'https:' ||
    url.username !== '' ||
    url.password !== '' ||
    /[?#\s\\]/.test(issuer) ||
    issuer.length > 500
  )
    throw new VaultError('invalid', 'the issuer is an https URL without user, query and fragment');
  if (!scopes.includes('openid'))
    throw new VaultError('invalid', 'the scopes lack openid', 'without it there is no ID token');
  if (caCertificates !== null && !isCertificateBundle(caCertificates))
    throw new VaultError('invalid', 'the CA certificates are not certificates in PEM form');
}

function shownInTrail(provider: OidcProvider): Record<string, unknown> {
  const { issuer, client_id, scopes, username_claim, ca_certificates, client_secret_sealed } = provider;
  return {
    issuer,
    clientId: client_id,
    scopes,
    usernameClaim: username_claim,
    caCertificates: ca_certificates,
    hasClientSecret: client_secret_sealed !== null,
  };
}

function targetOf({ vault_id, issuer }: OidcProvider): { kind: string; id: string; name: string } {
  return { kind: 'oidc-provider', id: vault_id, name: issuer };
}
