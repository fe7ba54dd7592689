import { ownAuthority } from '../audit/trail.ts';
import type { Caller } from '../identity/caller.ts';
import { readCallerAgain } from '../identity/callers.ts';
import type { Authority } from '../store/store.ts';
import { checkAccess } from './access.ts';
import { Problem } from './problem.ts';
import type { Route } from './route.ts';
import type { AdminServices } from './services.ts';

/**
 * What lets a caller do what they ask of a route, as each transaction of the act confirms it: their session or API key,
 * user, role, scope and admin groups as they are in that transaction. Who has lost anything of what the request was let
 * in with is refused, since what came before the transaction was decided by it: nothing commits after somebody was
 * disabled, deleted or demoted, or a key or group was taken away. A sign-in proves itself who it is.
 */
export function authorityOf(
  services: Pick<AdminServices, 'sessions' | 'now'>,
  route: Route,
  caller: Caller | undefined,
  vaultId: string | undefined,
): Authority {
  if (caller === undefined) return ownAuthority;
  return {
    confirm: async (trx) => {
      const now = await readCallerAgain(trx, services.sessions, services.now(), caller);
      if (now === undefined)
        throw new Problem(
          'unauthenticated',
          'the session or API key has ended while the request was under way; it was not done',
          { wayOut: 'sign in again: holdfast login' },
        );
      checkAccess(route, now, vaultId);
      if (hasLost(caller, now))
        throw new Problem(
          'forbidden',
          'what you may do was changed while the request was under way; it was not done',
          { wayOut: 'look at what you may do now (holdfast session show), then repeat it' },
        );
    },
  };
}

function hasLost(before: Caller, now: Caller): boolean {
  if (now.role !== before.role || now.vaultId !== before.vaultId) return true;
  if ([...before.permissions].some((permission) => !now.permissions.has(permission))) return true;
  if (now.sight === 'all') return false;
  const groups = now.sight;
  return before.sight === 'all' || before.sight.some((group) => !groups.includes(group));
}
