import { record, type Act } from '../evidence/trail.ts';
import type { Secret } from '../secret.ts';
import type { Reading } from '../vault/edits.ts';
import type { VaultContext } from '../vault/context.ts';
import { VaultError } from '../vault/vault-error.ts';
import { revokeApiKeysOf } from './api-keys.ts';
import { checkNewPassword } from './password-policy.ts';
import { firstPassword, hashPassword } from './passwords.ts';
import { clearTotp } from './second-factor.ts';
import type { UserRow } from './sessions.ts';
import { usernameKey } from './user-forms.ts';
import { admitAgain, setFirstPassword } from './user-access.ts';
import { insertUser, newUser, userEntry } from './users.ts';

/** Commands wait in a line of their own. */
const lane = 'command';

/**
 * Makes the first administrator of the appliance; where there is one already, answers who. Without `password` one is
 * made, shown this once, and must be changed at the first sign-in; one that is given is the administrator's own. Throws
 * VaultError `invalid` for a password that will not do.
 */
export async function ensureFirstAdministrator(
  context: VaultContext,
  act: Act,
  input: { username: string; password?: Secret | undefined; email?: string | undefined },
): Promise<{ username: string; firstPassword?: Secret; made: boolean }> {
  const existing = await administrators(context);
  if (existing[0] !== undefined) return { username: existing[0].username, made: false };
  const row = newUser(context, '', {
    username: input.username,
    email: input.email ?? 'root@localhost',
    role: 'appliance-admin',
  });
  if (input.password !== undefined) checkNewPassword(input.password, [row.username]);
  const password = input.password ?? firstPassword();
  const hash = await hashPassword(password, lane, context.passwordCost);
  const winner = await context.store.write(act, async (trx) => {
    const other = await trx
      .selectFrom('users')
      .select('username')
      .where('vault_id', '=', '')
      .where('role', '=', 'appliance-admin')
      .executeTakeFirst();
    if (other !== undefined) return other.username;
    await insertUser(trx, act, {
      ...row,
      password_hash: hash,
      must_change_password: input.password === undefined ? 1 : 0,
    });
    return undefined;
  });
  if (winner !== undefined) return { username: winner, made: false };
  return {
    username: row.username,
    made: true,
    ...(input.password === undefined ? { firstPassword: password } : {}),
  };
}

/**
 * Break-glass, for someone at the machine itself: gives an administrator of the appliance a new first password, unlocks
 * and enables them, takes their second factor away, and ends their sessions and API keys. Without `username` the only
 * administrator. Throws VaultError `not-found`, `conflict`.
 */
export async function resetAdministrator(
  context: VaultContext,
  act: Act,
  { username }: { username?: string | undefined } = {},
): Promise<{ username: string; firstPassword: Secret }> {
  const all = await administrators(context);
  const fitting =
    username === undefined ? all : all.filter((user) => user.username_key === usernameKey(username));
  const [user] = fitting;
  if (user === undefined) throw noSuchAdministrator(all);
  if (fitting.length > 1)
    throw new VaultError(
      'conflict',
      'the appliance has more than one administrator',
      `name one of: ${all.map((one) => one.username).join(', ')}`,
    );
  const password = firstPassword();
  const hash = await hashPassword(password, lane, context.passwordCost);
  await context.store.write(act, async (trx) => {
    const before = (await administrators({ store: { db: trx } })).find(({ id }) => id === user.id);
    if (before === undefined) throw noSuchAdministrator(all);
    const cleared = await clearTotp(trx, before);
    await revokeApiKeysOf(trx, user.id);
    const reset = await setFirstPassword(trx, act, cleared, hash);
    await admitAgain(trx, reset);
    await record(trx, act, { ...userEntry('break-glass', user), before: { state: before.state } });
  });
  return { username: user.username, firstPassword: password };
}

function noSuchAdministrator(all: readonly UserRow[]): VaultError {
  return new VaultError(
    'not-found',
    'there is no such administrator of the appliance',
    all.length === 0 ? 'run: holdfast init' : `there are: ${all.map((one) => one.username).join(', ')}`,
  );
}

async function administrators({ store: { db } }: { store: { db: Reading } }): Promise<UserRow[]> {
  return db
    .selectFrom('users')
    .selectAll()
    .where('vault_id', '=', '')
    .where('role', '=', 'appliance-admin')
    .orderBy('created_at')
    .execute();
}
