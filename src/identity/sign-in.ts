import { setTimeout as delay } from 'node:timers/promises';
import { record, type Act } from '../evidence/trail.ts';
import type { Secret } from '../secret.ts';
import { bumpRecord, noteOn } from '../vault/edit-record.ts';
import type { VaultContext } from '../vault/context.ts';
import { VaultError } from '../vault/vault-error.ts';
import { confirmPassword, guess } from './confirmation.ts';
import { laneOf } from '../fair-queue.ts';
import { SignInRefusedError } from './identity-error.ts';
import { beginAttempt, clean, takeBack } from './lockout.ts';
import { checkNewPassword, firstPasswordDays, normalPassword } from './password-policy.ts';
import { checkPassword, hashPassword } from './passwords.ts';
import { recordRefusal } from './refused-sign-ins.ts';
import { spendCode, tryCode, type Own } from './second-factor.ts';
import {
  endSessionsOf,
  findSession,
  openSession,
  elevateSession,
  stateAfterSecondFactor,
  actOf,
  type OpenedSession,
  type SessionLimits,
  type UserRow,
} from './sessions.ts';
import { ofLivingVault } from '../vault/living-vault.ts';
import { usernameKey } from './user-forms.ts';
import { vaultNameOf } from './vault-of.ts';

export interface SignInInput {
  /** '' for the appliance. */
  vaultId: string;
  username: string;
  password: Secret;
  cookie: boolean;
  userAgent: string;
}

/**
 * A refusal is not answered before so long, milliseconds: what it was refused for differs by a write or two, which must
 * not be seen from outside.
 */
const refusedAfter = 1000;

/**
 * Signs in by password; what is left to do stands in the session's state. Throws SignInRefusedError, alike for every
 * reason; BusyError.
 */
export async function signIn(
  context: VaultContext,
  limits: SessionLimits,
  act: Act,
  input: SignInInput,
): Promise<OpenedSession> {
  const began = performance.now();
  const opened = await trySignIn(context, limits, act, input);
  if (opened !== undefined) return opened;
  // A timer counts from when the event loop last looked at the clock, so it may end some milliseconds too soon.
  for (;;) {
    const left = began + refusedAfter - performance.now();
    if (left <= 0) break;
    await delay(Math.ceil(left));
  }
  throw new SignInRefusedError();
}

async function trySignIn(
  context: VaultContext,
  limits: SessionLimits,
  act: Act,
  input: SignInInput,
): Promise<OpenedSession | undefined> {
  const { admitted, right, better } = await checkPassword(
    guess(input.password),
    laneOf(act.address),
    async () => {
      const user = await findByName(context, input.vaultId, input.username);
      const attempt =
        user !== undefined && mayUsePassword(user, context.now())
          ? await beginAttempt(context, user.id)
          : undefined;
      return {
        admitted: { user, attempt },
        hash: attempt === undefined ? null : (user?.password_hash ?? null),
      };
    },
    context.passwordCost,
  );
  const { user, attempt } = admitted;
  const opened =
    right && user !== undefined && attempt !== undefined
      ? await context.store.write(act, async (trx) => {
          const fresh = await noteOn(trx, 'users')
            .set({
              ...(user.totp_state === 'ON' ? {} : clean),
              password_hash: better ?? user.password_hash,
            })
            .where('id', '=', user.id)
            // What the password was compared with must still be so.
            .where('password_hash', '=', user.password_hash)
            .where('state', '=', 'ACTIVE')
            .where('totp_state', '=', user.totp_state)
            .returningAll()
            .executeTakeFirst();
          if (fresh === undefined) return undefined;
          if (fresh.totp_state === 'ON') await takeBack(trx, attempt);
          return openSession(trx, { context, limits }, act, fresh, {
            method: 'password',
            cookie: input.cookie,
            address: act.address,
            userAgent: input.userAgent,
          });
        })
      : undefined;
  if (opened === undefined)
    await recordRefusal(context, act, {
      action: 'session.begin',
      vaultId: user?.vault_id ?? ((await vaultNameOf(context, input.vaultId)) === '' ? '' : input.vaultId),
      user,
    });
  return opened;
}

/**
 * Completes a sign-in with a code of the app or a recovery code. Wrong ones count like wrong passwords. Throws
 * SignInRefusedError; VaultError `conflict` where none is asked for; TokenError.
 */
export async function giveSecondFactor(
  context: VaultContext,
  limits: SessionLimits,
  act: Act,
  own: Own,
  code: string,
): Promise<OpenedSession> {
  const { session, user } = await findSession(context, own.userId, own.sessionId);
  if (session.state !== 'SECOND_FACTOR')
    throw new VaultError('conflict', 'this sign-in step is already complete');
  const attempt = await beginAttempt(context, user.id);
  const right = attempt === undefined ? undefined : await tryCode(context, user, code, attempt);
  const opened =
    right === undefined
      ? undefined
      : await context.store.write(act, async (trx) => {
          if (!(await spendCode(trx, context, user.id, right))) return undefined;
          await noteOn(trx, 'users').set(clean).where('id', '=', user.id).execute();
          const raised = await elevateSession(
            trx,
            { context, limits },
            user,
            session,
            stateAfterSecondFactor(user, session.method),
          );
          await record(trx, actOf(act, user), {
            action: 'session.second-factor',
            vaultId: user.vault_id,
            target: { kind: 'session', id: session.id, name: user.username },
            after: { by: right.kind, state: raised.session.state },
          });
          return raised;
        });
  if (opened !== undefined) return opened;
  await recordRefusal(context, act, { action: 'session.second-factor', vaultId: user.vault_id, user });
  throw new SignInRefusedError('the code was refused');
}

/**
 * Changes the user's own password. Ends their other sessions and gives this one another token. Throws VaultError
 * `forbidden` for a wrong current password, `invalid` for a new one that will not do; BusyError.
 */
export async function changePassword(
  context: VaultContext,
  limits: SessionLimits,
  act: Act,
  own: Own,
  { current, wanted }: { current: Secret; wanted: Secret },
): Promise<OpenedSession> {
  const { session, user } = await findSession(context, own.userId, own.sessionId);
  if (session.state === 'SECOND_FACTOR')
    throw new VaultError('conflict', 'the second factor is required first');
  checkNewPassword(wanted, await namesOf(context, user));
  await confirmPassword(context, act, user, current);
  if (normalPassword(wanted.reveal()) === normalPassword(current.reveal()))
    throw new VaultError('invalid', 'the new password is the current one');
  const hash = await hashPassword(wanted, laneOf(act.address), context.passwordCost);
  return context.store.write(act, async (trx) => {
    const before = await trx
      .selectFrom('users')
      .selectAll()
      .where('id', '=', user.id)
      .where('password_hash', '=', user.password_hash)
      .executeTakeFirst();
    if (before === undefined)
      throw new VaultError('conflict', 'the password was changed meanwhile', 'sign in again');
    const changed = await bumpRecord(trx, 'users', before, {
      password_hash: hash,
      must_change_password: 0,
      password_changed_at: trx.at.toISOString(),
    });
    await endSessionsOf(trx, user.id, session.id);
    const raised = await elevateSession(trx, { context, limits }, changed, session, 'ACTIVE');
    await record(trx, actOf(act, user), {
      action: 'user.change-password',
      vaultId: user.vault_id,
      target: { kind: 'user', id: user.id, name: user.username },
    });
    return raised;
  });
}

/** A user by name, of a vault that is there or of the appliance. */
export async function findByName(
  context: VaultContext,
  vaultId: string,
  username: string,
): Promise<UserRow | undefined> {
  return context.store.db
    .selectFrom('users')
    .selectAll()
    .where('vault_id', '=', vaultId)
    .where('username_key', '=', usernameKey(username))
    .where((eb) => ofLivingVault(eb.ref('users.vault_id')))
    .executeTakeFirst();
}

function mayUsePassword(user: UserRow, now: Date): boolean {
  if (user.sign_in === 'oidc' || user.password_hash === null) return false;
  if (user.must_change_password === 0 || user.password_changed_at === null) return true;
  return now.getTime() < Date.parse(user.password_changed_at) + firstPasswordDays * 86_400_000;
}

/** What a password of the user must not contain. */
export async function namesOf(
  context: VaultContext,
  user: { username: string; email: string; vault_id: string },
): Promise<string[]> {
  return [user.username, user.email.split('@')[0] ?? '', await vaultNameOf(context, user.vault_id)];
}
