import type { Act } from '../evidence/trail.ts';
import { Secret } from '../secret.ts';
import type { VaultContext } from '../vault/context.ts';
import { VaultError } from '../vault/vault-error.ts';
import { laneOf } from '../fair-queue.ts';
import { beginAttempt, takeBack } from './lockout.ts';
import { isBeyondPasswords } from './password-policy.ts';
import { checkPassword } from './passwords.ts';
import { recordRefusal } from './refused-sign-ins.ts';
import type { UserRow } from './sessions.ts';

/**
 * Asks again for the password of someone who has a session: a session that was left open or taken is not enough for
 * what would let its taker stay. Counted like a sign-in, so that a session is no place to guess either. Throws
 * VaultError `forbidden`, BusyError.
 */
export async function confirmPassword(
  context: VaultContext,
  act: Act,
  user: UserRow,
  password: Secret,
): Promise<void> {
  if (user.password_hash === null)
    throw new VaultError('conflict', 'you have no password: you sign in at the OpenID provider');
  const { admitted, right } = await checkPassword(
    guess(password),
    laneOf(act.address),
    async () => {
      const attempt = await beginAttempt(context, user.id);
      return { admitted: attempt, hash: attempt === undefined ? null : user.password_hash };
    },
    context.passwordCost,
  );
  if (right && admitted !== undefined) {
    await context.store.bookkeep('attempt', async (trx) => takeBack(trx, admitted));
    return;
  }
  await recordRefusal(context, act, { action: 'session.confirm-password', vaultId: user.vault_id, user });
  throw notConfirmed();
}

/** The same for a wrong password, a wrong code and a locked account. */
export function notConfirmed(): VaultError {
  return new VaultError(
    'forbidden',
    'the password or the code is wrong, or too many wrong ones were tried',
    'wait up to an hour, or have the account unlocked',
  );
}

/** What is hashed for a text that somebody sent as a password: nothing that is longer than a password can be. */
export function guess(password: Secret): Secret {
  return isBeyondPasswords(password.reveal()) ? new Secret('') : password;
}
