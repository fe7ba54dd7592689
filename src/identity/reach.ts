import type { Transaction } from 'kysely';
import type { Role, Tables } from '../store/schema.ts';
import { VaultError } from '../vault/vault-error.ts';
import type { Caller } from './caller.ts';
import { untilUnlocked } from './lockout.ts';
import { firstPasswordDays } from './password-policy.ts';
import { permissionsOf } from './permissions.ts';
import type { UserRow } from './sessions.ts';

/** Who changes users: someone with a session or an API key, or a command on the machine itself. */
export type Changer = Pick<Caller, 'userId' | 'permissions'> | 'command';

/**
 * Nobody gives a role, or takes over or takes down somebody of a role, that may do more than they may themselves: an API
 * key for users alone must not be a way to everything else. Throws VaultError `forbidden`.
 */
export function checkReach(changer: Changer, ...roles: readonly Role[]): void {
  if (changer === 'command') return;
  for (const role of roles)
    if (!permissionsOf[role].every((permission) => changer.permissions.has(permission)))
      throw new VaultError(
        'forbidden',
        'the role has permissions that you do not have',
        'ask someone who has all permissions of the role',
      );
}

/** Throws VaultError `forbidden` where someone would do to themselves what another has to do. */
export function checkNotSelf(changer: Changer, user: UserRow, what: string, remediation: string): void {
  if (changer !== 'command' && changer.userId === user.id)
    throw new VaultError('forbidden', `you cannot ${what} yourself`, remediation);
}

/** One of those of whom some must be left. */
export function isAdministrator(user: UserRow): boolean {
  return user.state === 'ACTIVE' && user.role === administratorOf(user.vault_id);
}

/**
 * Throws VaultError `conflict` where nobody would be left to administer the vault or the appliance. Call it after the
 * change, in its transaction, so that of two administrators who take each other down one stays.
 */
export async function checkAdministratorLeft(trx: Transaction<Tables>, vaultId: string): Promise<void> {
  const left = await trx
    .selectFrom('users')
    .select('id')
    .where('vault_id', '=', vaultId)
    .where('role', '=', administratorOf(vaultId))
    .where('state', '=', 'ACTIVE')
    .executeTakeFirst();
  if (left === undefined)
    throw new VaultError(
      'conflict',
      `nobody would be left to administer the ${vaultId === '' ? 'appliance' : 'vault'}`,
      'create another administrator first',
    );
}

/**
 * Makes a change after which somebody can still sign in to administer the vault or the appliance, where somebody could
 * before: with a password that is theirs, or a first one that still counts; or by single sign-on, for those who have signed in
 * at the provider that is set up, since of nobody else it is known that it lets them in. An API key is no way in. Throws
 * VaultError `conflict`.
 */
export async function keepingSomebody<T>(
  trx: Transaction<Tables>,
  vaultId: string,
  now: Date,
  change: () => Promise<T>,
): Promise<T> {
  const could = await canSomebodySignIn(trx, vaultId, now);
  const changed = await change();
  if (could && !(await canSomebodySignIn(trx, vaultId, now)))
    throw new VaultError(
      'conflict',
      `nobody would be left who can sign in to administer the ${vaultId === '' ? 'appliance' : 'vault'}`,
      'let an administrator have a password, or sign in once by single sign-on (user edit --sign-in both), first',
    );
  return changed;
}

async function canSomebodySignIn(trx: Transaction<Tables>, vaultId: string, now: Date): Promise<boolean> {
  const firstPasswordsSince = new Date(now.getTime() - firstPasswordDays * 86_400_000).toISOString();
  const found = await trx
    .selectFrom('users')
    .leftJoin('oidc_providers', 'oidc_providers.vault_id', 'users.vault_id')
    .select('users.id')
    .where('users.vault_id', '=', vaultId)
    .where('users.role', '=', administratorOf(vaultId))
    .where('users.state', '=', 'ACTIVE')
    // A lock that ends by itself keeps nobody out for long.
    .where((eb) => eb.or([eb('locked_until', 'is', null), eb('locked_until', '<>', untilUnlocked)]))
    .where((eb) =>
      eb.or([
        eb.and([
          eb('sign_in', 'in', ['password', 'both']),
          eb('password_hash', 'is not', null),
          eb.or([
            eb('must_change_password', '=', 0),
            eb('password_changed_at', 'is', null),
            eb('password_changed_at', '>', firstPasswordsSince),
          ]),
        ]),
        eb.and([
          eb('sign_in', 'in', ['oidc', 'both']),
          eb('oidc_subject', 'is not', null),
          eb('oidc_providers.issuer', 'is not', null),
        ]),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

export function administratorOf(vaultId: string): Role {
  return vaultId === '' ? 'appliance-admin' : 'vault-admin';
}
