import { record, type Act } from '../evidence/trail.ts';
import type { ActTransaction } from '../store/store.ts';
import { bumpRecord } from '../vault/edit-record.ts';
import type { Secret } from '../secret.ts';
import type { VaultContext } from '../vault/context.ts';
import { VaultError } from '../vault/vault-error.ts';
import { laneOf } from '../fair-queue.ts';
import { deliverPassword, type Delivery, type Site } from './first-passwords.ts';
import { clean } from './lockout.ts';
import { firstPassword, hashPassword } from './passwords.ts';
import { checkNotSelf, type Changer } from './reach.ts';
import { clearTotp } from './second-factor.ts';
import { endSessionsOf, type UserRow } from './sessions.ts';
import { findInReach, userEntry, type UserTarget } from './users.ts';

/** Forgets the wrong passwords and codes of a user. */
export async function unlockUser(
  context: VaultContext,
  act: Act,
  changer: Changer,
  { vaultId, userId, expected }: UserTarget,
): Promise<UserRow> {
  return context.store.write(act, async (trx) => {
    const before = await findInReach(trx, changer, { vaultId, userId, expected });
    // A session that somebody took must not be a place to guess the password at without end.
    checkNotSelf(changer, before, 'unlock', 'another administrator can do it');
    const user = await bumpRecord(trx, 'users', before, clean);
    await record(trx, act, {
      ...userEntry('unlock', user),
      before: { failures: before.failures, lockedUntil: before.locked_until },
      after: { failures: 0, lockedUntil: null },
    });
    return user;
  });
}

/** Gives a user a new first password, unlocks them and ends their sessions. Their API keys stay. */
export async function resetPassword(
  site: Site,
  act: Act,
  changer: Changer,
  { vaultId, userId, expected }: UserTarget,
): Promise<{ user: UserRow; delivery: Delivery }> {
  const password = firstPassword();
  const hash = await hashPassword(password, laneOf(act.address), site.passwordCost);
  const user = await site.store.write(act, async (trx) => {
    const before = await findInReach(trx, changer, { vaultId, userId, expected });
    checkNotSelf(changer, before, 'reset the password of', 'change it instead, with your current one');
    if (before.sign_in === 'oidc')
      throw new VaultError(
        'conflict',
        'the user signs in at the OpenID provider alone',
        'let them sign in by password first (signIn)',
      );
    return setFirstPassword(trx, act, before, hash);
  });
  return { user, delivery: await deliverPassword(site, user, password, 'reset') };
}

/** In a transaction: the new hash, no lock, no session, and an entry in the trail. */
export async function setFirstPassword(
  trx: ActTransaction,
  act: Act,
  user: UserRow,
  hash: string,
): Promise<UserRow> {
  const changed = await bumpRecord(trx, 'users', user, {
    ...clean,
    password_hash: hash,
    must_change_password: 1,
    password_changed_at: trx.at.toISOString(),
  });
  await endSessionsOf(trx, user.id);
  await record(trx, act, userEntry('reset-password', user));
  return changed;
}

/** In a transaction: whoever was disabled, or signed in at the OpenID provider alone, can sign in by password. */
export async function admitAgain(trx: ActTransaction, user: UserRow): Promise<UserRow> {
  return bumpRecord(trx, 'users', user, {
    state: 'ACTIVE',
    sign_in: user.sign_in === 'oidc' ? 'both' : user.sign_in,
  });
}

/** Gives a user a password that is their own already: nobody has to change it. For commands on the machine itself. */
export async function setOwnPassword(
  context: VaultContext,
  act: Act,
  user: UserRow,
  password: Secret,
): Promise<void> {
  const hash = await hashPassword(password, 'command', context.passwordCost);
  await context.store.write(act, async (trx) => {
    await bumpRecord(trx, 'users', user, { password_hash: hash, must_change_password: 0 });
    await record(trx, act, userEntry('change-password', user));
  });
}

/** Takes away the second factor of someone who has lost it, and ends their sessions. */
export async function removeTotp(
  context: VaultContext,
  act: Act,
  changer: Changer,
  { vaultId, userId, expected }: UserTarget,
): Promise<UserRow> {
  return context.store.write(act, async (trx) => {
    const user = await findInReach(trx, changer, { vaultId, userId, expected });
    checkNotSelf(changer, user, 'take the second factor from', 'remove it with your password and a code');
    const cleared = await clearTotp(trx, user);
    await endSessionsOf(trx, userId);
    await record(trx, act, userEntry('remove-totp', user));
    return cleared;
  });
}
