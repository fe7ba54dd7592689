import type { Transaction } from 'kysely';
import { ownAuthority } from '../evidence/trail.ts';
import type { Caller } from '../identity/caller.ts';
import { readCallerAgain } from '../identity/callers.ts';
import type { Tables } from '../store/schema.ts';
import type { Authority } from '../store/store.ts';
import type { Sight } from '../vault/context.ts';
import { checkAccess } from './access.ts';
import { Problem } from './problem.ts';
import type { Route } from './route.ts';
import type { AdminServices } from './services.ts';

/**
 * What lets a caller do what they ask of a route, as each transaction of the act confirms it: their session or API key,
 * user, role, scope and admin groups as they are in that transaction. Who has lost anything of what the request was let
 * in with is refused, since what came before the transaction was decided by it: nothing commits after somebody was
 * disabled, deleted or demoted, after a key or group was taken away, or after what the request names was given to another
 * group. A sign-in proves itself who it is.
 */
export function authorityOf(
  services: Pick<AdminServices, 'sessions' | 'now'>,
  route: Route,
  caller: Caller | undefined,
  named: Named,
): Authority {
  if (caller === undefined) return ownAuthority;
  return {
    confirm: async (trx) => {
      const now = await readCallerAgain(trx, services.sessions, services.now(), caller);
      if (now === undefined)
        throw new Problem(
          'unauthenticated',
          'the session or API key has ended while the request was under way; it was not done',
          { remediation: 'sign in again: holdfast login' },
        );
      checkAccess(route, now, named.vaultId);
      if (hasLost(caller, now))
        throw new Problem(
          'forbidden',
          'what you may do was changed while the request was under way; it was not done',
          { remediation: 'look at what you may do now (holdfast whoami), then repeat it' },
        );
      const others = await othersNow(trx, now.sight, named);
      if (others !== undefined) throw new Problem('not-found', `there is no such ${others}`);
    },
  };
}

/** What a request is about and belongs to an admin group, or to something that does. */
interface Named {
  vaultId?: string;
  keySetId?: string;
  cloudKeyId?: string;
  cspAccountId?: string;
}

/**
 * What a request names in its path, and the key set that its body does, which what is made belongs to for ever. What a
 * key set or an account is to be given besides is looked at in the one transaction that gives it.
 */
export function namedIn(params: Record<string, string>, body: unknown): Record<string, string> & Named {
  const { keySetId } = (body ?? {}) as { keySetId?: unknown };
  return { ...params, ...(typeof keySetId === 'string' && !('keySetId' in params) ? { keySetId } : {}) };
}

/** What of it is another group's by now, in a word. One that is gone is looked for by the act itself. */
async function othersNow(
  trx: Transaction<Tables>,
  sight: Sight,
  { keySetId, cloudKeyId, cspAccountId }: Named,
): Promise<string | undefined> {
  if (sight === 'all') return undefined;
  const accounts = trx.selectFrom('csp_accounts').select('admin_group_id');
  const keySets = trx.selectFrom('key_sets').select('key_sets.admin_group_id');
  const owners = [
    ['CSP account', cspAccountId, accounts.where('id', '=', cspAccountId ?? '')],
    ['key set', keySetId, keySets.where('id', '=', keySetId ?? '')],
    [
      'CloudKey',
      cloudKeyId,
      keySets
        .innerJoin('cloud_keys', 'cloud_keys.key_set_id', 'key_sets.id')
        .where('cloud_keys.id', '=', cloudKeyId ?? ''),
    ],
  ] as const;
  for (const [what, id, query] of owners) {
    const owner = id === undefined ? undefined : await query.executeTakeFirst();
    if (owner !== undefined && !sight.includes(owner.admin_group_id ?? '')) return what;
  }
  return undefined;
}

function hasLost(before: Caller, now: Caller): boolean {
  if (now.role !== before.role || now.vaultId !== before.vaultId) return true;
  if ([...before.permissions].some((permission) => !now.permissions.has(permission))) return true;
  if (now.sight === 'all') return false;
  const groups = now.sight;
  return before.sight === 'all' || before.sight.some((group) => !groups.includes(group));
}
