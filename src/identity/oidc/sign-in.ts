import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { recordAlone, type Act } from '../../evidence/trail.ts';
import type { Selectable } from 'kysely';
import { leaveUnrecorded } from '../../store/act-transaction.ts';
import { signsIn } from '../../store/read-back.ts';
import type { OidcSignInTable } from '../../store/schema.ts';
import type { VaultContext } from '../../vault/context.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { SignInRefusedError } from '../identity-error.ts';
import type { Checks, OidcClients, OidcIdentity } from './clients.ts';
import { OidcError } from './error.ts';
import type { OidcProvider } from './provider-record.ts';
import { clientSecretOf, findProvider } from './providers.ts';
import { laneOf, shareOf } from '../../fair-queue.ts';
import { makeRoom } from './under-way.ts';
import { parseReturnTo, withParameter } from './return.ts';
import { userOf, whyNot } from './users.ts';
import { recordRefusal } from '../refused-sign-ins.ts';
import { openSession, type OpenedSession, type SessionLimits, type UserRow } from '../sessions.ts';

/*
 * Signing in by OpenID Connect. Three secrets keep a sign-in with who began it:
 * - `state`, in the browser's cookie and in the provider's answer: the answer is taken from that browser alone;
 * - the code, in the address that the browser is sent back to, good once and for two minutes;
 * - the verifier, which never leaves who began but to fetch the session, and whose hash came first (as RFC 7636 does).
 * Whoever gets hold of one or two of them has nothing.
 */

/** The way to the provider and back, milliseconds: someone may have to look for their phone. */
const maxSignIn = 10 * 60_000;
const codeLife = 2 * 60_000;
type BegunSignIn = Selectable<OidcSignInTable>;

export interface StartInput {
  /** '' for the appliance. */
  vaultId: string;
  returnTo: string;
  /** Where the request came from. */
  address: string;
  /** SHA-256 of the verifier, base64url. */
  challenge: string;
}

/** Where the provider sends the browser back to; to be registered there. */
export function redirectUriOf(publicUrl: string): string {
  return `${publicUrl}/api/v1/oidc/callback`;
}

/** The browser's cookie for one sign-in: several may be under way side by side. */
export function stateCookie(state: string): string {
  return `__Host-holdfast-oidc-${sha256(state).toString('hex').slice(0, 16)}`;
}

/** How long that cookie is kept, seconds. */
export const stateCookieSeconds = maxSignIn / 1000;

/**
 * Begins a sign-in: where to send the browser, and the state that it must bring back. Throws VaultError `not-found`,
 * `invalid`, `conflict` where the provider does not answer; BusyError.
 */
export async function startOidcSignIn(
  context: VaultContext,
  clients: OidcClients,
  publicUrl: string,
  input: StartInput,
): Promise<{ location: string; state: string }> {
  const returnTo = parseReturnTo(input.returnTo);
  const bindingHash = parseChallenge(input.challenge);
  const provider = await findProvider(context.store, input.vaultId);
  const checks: Checks = { state: secret(), nonce: secret(), codeVerifier: secret() };
  const location = await clients
    .authorizationUrl(provider, redirectUriOf(publicUrl), checks)
    .catch((error: unknown) => {
      if (!(error instanceof OidcError)) throw error;
      throw new VaultError('conflict', error.message, error.remediation);
    });
  const now = context.now();
  const share = shareOf(laneOf(input.address));
  await context.store.bookkeep('sign-in under way', async (trx) => {
    signsIn(trx);
    // The provider may have been changed while it was asked: an answer is never taken to another one.
    const current = await findProvider({ db: trx }, input.vaultId);
    if (current.row_version !== provider.row_version || current.issuer !== provider.issuer)
      throw new VaultError('conflict', 'single sign-on was changed meanwhile', 'begin again');
    await trx.deleteFrom('oidc_sign_ins').where('expires_at', '<=', now.toISOString()).execute();
    await makeRoom(trx, input.vaultId, share);
    await trx
      .insertInto('oidc_sign_ins')
      .values({
        state_hash: sha256(checks.state),
        vault_id: input.vaultId,
        nonce: checks.nonce,
        code_verifier: checks.codeVerifier,
        binding_hash: bindingHash,
        return_to: returnTo,
        share,
        code_hash: null,
        user_id: null,
        created_at: now.toISOString(),
        expires_at: new Date(now.getTime() + maxSignIn).toISOString(),
      })
      .execute();
  });
  return { location: location.href, state: checks.state };
}

/**
 * Takes the provider's answer and says where to send the browser on: with a code, or with an error. `cookie` gives the
 * browser's cookie of a name. Throws VaultError `invalid` where the answer belongs to no sign-in of this browser.
 */
export async function takeOidcAnswer(
  context: VaultContext,
  clients: OidcClients,
  publicUrl: string,
  act: Act,
  { state, query, cookie }: { state: string; query: string; cookie: (name: string) => string | undefined },
): Promise<{ location: string; cause: unknown }> {
  const begun = isSame(cookie(stateCookie(state)) ?? '', state)
    ? await claim(context, state, act.at)
    : undefined;
  if (begun === undefined)
    throw new VaultError(
      'invalid',
      'this belongs to no sign-in that was begun in this browser and is still under way',
      `begin again, within ten minutes, in one browser, at ${publicUrl}`,
    );
  const checks: Checks = { state, nonce: begun.nonce, codeVerifier: begun.code_verifier };
  const callback = new URL(`${redirectUriOf(publicUrl)}?${query}`);
  try {
    const provider = await findProvider(context.store, begun.vault_id);
    const identity = await clients.exchange(
      provider,
      await clientSecretOf(context, provider),
      callback,
      checks,
    );
    const { code, refused } = await bind(context, act, begun, provider, identity);
    return code === undefined
      ? { location: withParameter(begun.return_to, publicUrl, 'error', 'sign-in-refused'), cause: refused }
      : { location: withParameter(begun.return_to, publicUrl, 'code', code), cause: undefined };
  } catch (error) {
    const trouble = error instanceof OidcError ? error.trouble : 'failed';
    await recordNotIn(context, act, begun.vault_id, undefined, trouble);
    return { location: withParameter(begun.return_to, publicUrl, 'error', trouble), cause: error };
  }
}

/**
 * Fetches the session, once, for who has both the code and the verifier. A code that is shown with a wrong verifier is
 * spent. Throws SignInRefusedError, alike for every reason.
 */
export async function finishOidcSignIn(
  context: VaultContext,
  limits: SessionLimits,
  act: Act,
  input: { code: string; verifier: string; cookie: boolean; userAgent: string },
): Promise<OpenedSession> {
  const { begun, user, opened } = await context.store.write(act, async (trx) => {
    leaveUnrecorded(trx, 'sign-in under way');
    signsIn(trx);
    const begun = await trx
      .deleteFrom('oidc_sign_ins')
      .where('code_hash', '=', sha256(input.code))
      .returningAll()
      .executeTakeFirst();
    const user = await trx
      .selectFrom('users')
      .selectAll()
      .where('id', '=', begun?.user_id ?? '')
      .where('vault_id', '=', begun?.vault_id ?? '')
      .executeTakeFirst();
    const holds =
      begun !== undefined &&
      begun.expires_at > act.at.toISOString() &&
      timingSafeEqual(begun.binding_hash, sha256(input.verifier));
    if (!holds || user === undefined || user.oidc_subject === null || whyNot(user, act.at) !== undefined)
      return { begun, user, opened: undefined };
    const { cookie, userAgent } = input;
    const session = { method: 'oidc' as const, cookie, address: act.address, userAgent };
    return { begun, user, opened: await openSession(trx, { context, limits }, act, user, session) };
  });
  if (opened !== undefined) return opened;
  await recordRefusal(context, act, { action: 'session.begin', vaultId: begun?.vault_id ?? '', user });
  throw new SignInRefusedError();
}

/** Takes a sign-in out of the table: of two answers to one, one is taken. */
async function claim(context: VaultContext, state: string, now: Date): Promise<BegunSignIn | undefined> {
  return context.store.bookkeep('sign-in under way', async (trx) => {
    signsIn(trx);
    return trx
      .deleteFrom('oidc_sign_ins')
      .where('state_hash', '=', sha256(state))
      .where('code_hash', 'is', null)
      .where('expires_at', '>', now.toISOString())
      .returningAll()
      .executeTakeFirst();
  });
}

/** Puts it back with the user who signed in and a code to fetch the session with. */
async function bind(
  context: VaultContext,
  act: Act,
  begun: BegunSignIn,
  provider: OidcProvider,
  identity: OidcIdentity,
): Promise<{ code: string | undefined; refused: string | undefined }> {
  const code = secret();
  const now = context.now();
  const { user, refused } = await context.store.write(act, async (trx) => {
    leaveUnrecorded(trx, 'sign-in under way');
    signsIn(trx);
    const current = await findProvider({ db: trx }, provider.vault_id);
    if (current.row_version !== provider.row_version || current.issuer !== provider.issuer)
      throw new VaultError('conflict', 'single sign-on was changed meanwhile', 'begin again');
    const found = await userOf(trx, act, provider, identity);
    if (found.refused !== undefined || found.user === undefined) return found;
    await trx
      .insertInto('oidc_sign_ins')
      .values({
        ...begun,
        code_hash: sha256(code),
        user_id: found.user.id,
        expires_at: new Date(now.getTime() + codeLife).toISOString(),
      })
      .execute();
    return found;
  });
  if (refused === undefined) return { code, refused };
  await recordNotIn(context, act, begun.vault_id, user, refused);
  return { code: undefined, refused };
}

async function recordNotIn(
  context: VaultContext,
  act: Act,
  vaultId: string,
  user: UserRow | undefined,
  why: string,
): Promise<void> {
  await recordAlone(context.store, act, {
    action: 'session.begin',
    vaultId,
    outcome: 'refused',
    target: { kind: 'user', id: user?.id ?? '', name: user?.username ?? '' },
    after: { method: 'oidc', why },
  });
}

function parseChallenge(text: string): Buffer {
  const hash = Buffer.from(text, 'base64url');
  if (!/^[A-Za-z0-9_-]{43}$/.test(text) || hash.length !== 32)
    throw new VaultError('invalid', 'the challenge must be a base64url-encoded SHA-256 digest');
  return hash;
}

function secret(): string {
  return randomBytes(32).toString('base64url');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(sha256(one), sha256(other));
}
