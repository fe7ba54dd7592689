import { domainToUnicode } from 'node:url';
import type { Transaction } from 'kysely';
import { record, type Act } from '../../evidence/trail.ts';
import type { Tables } from '../../store/schema.ts';
import type { ActTransaction } from '../../store/store.ts';
import { bumpRecord } from '../../vault/edit-record.ts';
import { isLocked } from '../lockout.ts';
import type { OidcIdentity } from './clients.ts';
import type { OidcProvider } from './provider-record.ts';
import { actOf, type UserRow } from '../sessions.ts';
import { emailKey, parseEmail, usernameKey } from '../user-forms.ts';

/** Why somebody whom the provider has let in is not let in here; for the audit trail, never for who signs in. */
export type NoUser =
  | 'the provider sends no preferred_username that is valid as a username'
  | 'the provider does not vouch for an email address of its user: it sends none, or email_verified is not true'
  | 'no user has this name or email address'
  | 'more than one user has this email address'
  | 'the user is disabled'
  | 'the user is locked'
  | 'the user does not sign in by single sign-on'
  | 'the user is bound to another subject of the provider';

/**
 * Whose sign-in it is: the user whom this subject was bound to, else at the first sign-in the one whom the provider
 * names, who is bound from then on. Nobody is made, and nobody is bound twice: names at the provider change hands,
 * subjects do not (OpenID Connect Core, 5.7).
 */
export async function userOf(
  trx: ActTransaction,
  act: Act,
  provider: OidcProvider,
  identity: OidcIdentity,
): Promise<{ user: UserRow | undefined; refused: NoUser | undefined }> {
  const bound = await trx
    .selectFrom('users')
    .selectAll()
    .where('vault_id', '=', provider.vault_id)
    .where('oidc_subject', '=', identity.subject)
    .executeTakeFirst();
  if (bound !== undefined) return { user: bound, refused: whyNot(bound, act.at) };
  const named = await findNamed(trx, provider, identity);
  if (typeof named === 'string') return { user: undefined, refused: named };
  const refused =
    whyNot(named, act.at) ??
    (named.oidc_subject === null ? undefined : 'the user is bound to another subject of the provider');
  if (refused !== undefined) return { user: named, refused };
  const user = await bumpRecord(trx, 'users', named, { oidc_subject: identity.subject });
  await record(trx, actOf(act, user), {
    action: 'user.link-oidc',
    vaultId: user.vault_id,
    target: { kind: 'user', id: user.id, name: user.username },
    after: { issuer: provider.issuer, subject: identity.subject, by: provider.username_claim },
  });
  return { user, refused: undefined };
}

/** What keeps a user from signing in by OIDC now. */
export function whyNot(user: UserRow, now: Date): NoUser | undefined {
  if (user.state !== 'ACTIVE') return 'the user is disabled';
  if (isLocked(user, now)) return 'the user is locked';
  if (user.sign_in === 'password') return 'the user does not sign in by single sign-on';
  return undefined;
}

async function findNamed(
  trx: Transaction<Tables>,
  provider: OidcProvider,
  { verifiedEmail, preferredUsername }: OidcIdentity,
): Promise<UserRow | NoUser> {
  const byEmail = provider.username_claim === 'email';
  const name = byEmail ? emailOf(verifiedEmail) : preferredUsername;
  if (name === undefined || (!byEmail && !/^[\x21-\x7e]{1,254}$/.test(name)))
    return byEmail
      ? 'the provider does not vouch for an email address of its user: it sends none, or email_verified is not true'
      : 'the provider sends no preferred_username that is valid as a username';
  const query = trx.selectFrom('users').selectAll().where('vault_id', '=', provider.vault_id).limit(2);
  const [first, second] = await (
    byEmail
      ? query.where((eb) => eb(eb.fn<string>('lower', ['email']), '=', emailKey(name)))
      : query.where('username_key', '=', usernameKey(name))
  ).execute();
  if (first === undefined) return 'no user has this name or email address';
  return second === undefined ? first : 'more than one user has this email address';
}

/**
 * As addresses are kept here; undefined for what is none, or is another address in a form that is only read like one of ours:
 * NFC makes a K of the Kelvin sign, IDNA letters of full width those of ASCII.
 */
function emailOf(claim: string | undefined): string | undefined {
  if (claim === undefined) return undefined;
  try {
    const email = parseEmail(claim);
    const host = email.slice(email.indexOf('@') + 1);
    const [local, domain = ''] = claim.split('@');
    const asItIs = email === `${local}@${host}` && [host, domainToUnicode(host)].includes(emailKey(domain));
    return asItIs ? email : undefined;
  } catch {
    return undefined;
  }
}
