import type { Transaction } from 'kysely';
import type { Role, Tables } from '../store/schema.ts';
import { VaultError } from '../vault/vault-error.ts';
import type { Caller } from './caller.ts';
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
        'this is about a role that may do more than you may',
        'ask someone who has all permissions of the role',
      );
}

/** Throws VaultError `forbidden` where someone would do to themselves what another has to do. */
export function checkNotSelf(changer: Changer, user: UserRow, what: string, wayOut: string): void {
  if (changer !== 'command' && changer.userId === user.id)
    throw new VaultError('forbidden', `you cannot ${what} yourself`, wayOut);
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
      'make another administrator first',
    );
}

export function administratorOf(vaultId: string): Role {
  return vaultId === '' ? 'appliance-admin' : 'vault-admin';
}
