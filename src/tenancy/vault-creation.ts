import type { Act } from '../evidence/trail.ts';
import type { ChangeTransaction } from '../store/store.ts';
import { VaultError } from '../vault/vault-error.ts';
import {
  findVault,
  insertVault,
  nameAdministrator,
  recordInBoth,
  type Vault,
  type VaultInput,
} from '../vault/vaults.ts';
import { revokeApiKeysOf } from '../identity/api-keys.ts';
import { firstGroupName, insertAdminGroup } from '../identity/admin-groups.ts';
import { laneOf } from '../fair-queue.ts';
import { deliverPassword, type Delivery, type Site } from '../identity/first-passwords.ts';
import { firstPassword, hashPassword } from '../identity/passwords.ts';
import { clearTotp } from '../identity/second-factor.ts';
import type { UserRow } from '../identity/sessions.ts';
import { parseEmail, parsePlainName, usernameKey } from '../identity/user-forms.ts';
import { admitAgain, setFirstPassword } from '../identity/user-access.ts';
import { insertUser, newUser } from '../identity/users.ts';

const firstGroup = {
  name: firstGroupName,
  description: 'Made with the vault: its members see what belongs to it',
};

export interface NewVaultInput extends VaultInput {
  administrator: { username: string; name: string; email: string };
}

/**
 * Makes a vault with its first vault administrator and its "Cloud Admin Group", all or none. The first password goes by
 * mail or into the answer, and must be changed at the first sign-in.
 */
export async function createVault(
  site: Site,
  act: Act,
  input: NewVaultInput,
): Promise<{ vault: Vault; administrator: UserRow; delivery: Delivery }> {
  const administrator = parseAdministrator(input.administrator);
  const password = firstPassword();
  const hash = await hashPassword(password, laneOf(act.address), site.passwordCost);
  // What was made by the key is the vault.
  const { idempotency: _, ...within } = act;
  const made = await site.store.change(act, async (trx) => {
    const vault = await insertVault(trx, site, act, { ...input, administrator });
    const row = newUser(site, vault.id, {
      username: input.administrator.username,
      displayName: administrator.name,
      email: administrator.email,
      role: 'vault-admin',
    });
    const user = await insertUser(trx, within, { ...row, password_hash: hash });
    await insertAdminGroup(trx, site, within, vault.id, firstGroup);
    return { vault, administrator: user };
  });
  return { ...made, delivery: await deliverPassword(site, made.administrator, password, 'first') };
}

/**
 * Gives a vault administrator a new first password, unlocks and enables them; without `username` the one who is there
 * the longest. A vault that has none, such as what an upgrade has made, gets its first, named by `username` and `email`.
 * It stands in the trail of the vault as well as in that of the appliance: nobody gets into a vault in this way unseen.
 * Throws VaultError `not-found`, `invalid`.
 */
export async function resetVaultAdministrator(
  site: Site,
  act: Act,
  vaultId: string,
  input: {
    username?: string | undefined;
    email?: string | undefined;
    removeSecondFactor?: boolean | undefined;
  },
): Promise<{ user: UserRow; delivery: Delivery }> {
  const password = firstPassword();
  const hash = await hashPassword(password, laneOf(act.address), site.passwordCost);
  const user = await site.store.change(act, async (trx) => {
    const vault = await findVault(trx, vaultId);
    const there = await trx
      .selectFrom('users')
      .selectAll()
      .where('vault_id', '=', vaultId)
      .where('role', '=', 'vault-admin')
      .orderBy('created_at')
      .execute();
    if (there.length === 0) return makeFirst(trx, site, act, vault, hash, input);
    const before =
      input.username === undefined
        ? there[0]
        : there.find(({ username_key }) => username_key === usernameKey(input.username ?? ''));
    if (before === undefined) throw new VaultError('not-found', 'the vault has no such vault administrator');
    const cleared = input.removeSecondFactor === true ? await clearTotp(trx, before) : before;
    const reset = await setFirstPassword(trx, act, cleared, hash);
    // Whoever asks for this has lost hold of the account, and perhaps not to nobody.
    await revokeApiKeysOf(trx, before.id);
    await recordInBoth(trx, act, vault, {
      action: 'vault.reset-administrator',
      after: { username: before.username, secondFactorRemoved: input.removeSecondFactor === true },
    });
    return admitAgain(trx, reset);
  });
  return { user, delivery: await deliverPassword(site, user, password, 'reset') };
}

// oxlint-disable-next-line max-params -- what the transaction of its two callers has found
async function makeFirst(
  trx: ChangeTransaction,
  site: Site,
  act: Act,
  vault: Vault,
  hash: string,
  { username, email }: { username?: string | undefined; email?: string | undefined },
): Promise<UserRow> {
  if (username === undefined || email === undefined)
    throw new VaultError(
      'invalid',
      'the vault has no vault administrator yet',
      'provide one: a username and an email address',
    );
  const row = newUser(site, vault.id, { username, email, role: 'vault-admin' });
  const user = await insertUser(trx, act, { ...row, password_hash: hash });
  await nameAdministrator(trx, vault, { name: user.display_name, email: user.email });
  const { groups } = await trx
    .selectFrom('admin_groups')
    .select((eb) => eb.fn.countAll<number>().as('groups'))
    .where('vault_id', '=', vault.id)
    .executeTakeFirstOrThrow();
  if (groups === 0) await insertAdminGroup(trx, site, act, vault.id, firstGroup);
  await recordInBoth(trx, act, vault, {
    action: 'vault.reset-administrator',
    after: { username: user.username, made: true },
  });
  return user;
}

/** Name and address as they stand in the details of a vault. */
export function parseAdministrator({ name, email }: { name: string; email: string }): {
  name: string;
  email: string;
} {
  return { name: parsePlainName(name, 'the name of the administrator'), email: parseEmail(email) };
}
