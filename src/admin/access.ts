import type { Caller } from '../identity/caller.ts';
import { Problem, type ProblemKind } from './problem.ts';
import type { Route } from './route.ts';

/** What a session that is not ACTIVE yet must do first. */
const stillToDo: Record<Exclude<Caller['state'], 'ACTIVE'>, [ProblemKind, string, string]> = {
  SECOND_FACTOR: [
    'second-factor-required',
    'the sign-in is not complete: a second factor code is required',
    'POST /api/v1/session/second-factor',
  ],
  PASSWORD_CHANGE: [
    'password-change-required',
    'the password was set by someone else and must be changed first',
    'POST /api/v1/session/password, or: holdfast password',
  ],
};

/** Who administers a vault may administer the appliance too, by another sign-in. */
export const wayToTheAppliance =
  'sign in to the appliance (holdfast login without --vault), or ask an appliance administrator';

/**
 * Deny by default: throws unless the route is public or the caller may use it. Of a vault that is not theirs a vault's
 * user learns nothing, not even that it is there.
 */
// oxlint-disable-next-line complexity -- one refusal after another, in the order that a caller is told them
export function checkAccess(
  { access }: Route,
  caller: Caller | undefined,
  vaultId: string | undefined,
): void {
  if (access.kind === 'public') return;
  if (caller === undefined)
    throw new Problem('unauthenticated', 'the request has neither a session nor an API key', {
      remediation: 'sign in: holdfast login',
    });
  if (access.kind === 'own' && access.sessionsOnly === true && caller.kind !== 'user')
    throw new Problem('forbidden', 'an API key cannot do this', { remediation: 'sign in as its owner' });
  const states = access.kind === 'own' ? (access.states ?? ['ACTIVE']) : ['ACTIVE'];
  if (!states.includes(caller.state)) {
    if (caller.state === 'ACTIVE') throw new Problem('conflict', 'this sign-in step is already complete');
    const [kind, detail, remediation] = stillToDo[caller.state];
    throw new Problem(kind, detail, { remediation });
  }
  if (access.kind === 'own') return;
  const ofAppliance = caller.vaultId === '';
  if (!ofAppliance && vaultId !== undefined && vaultId !== caller.vaultId)
    throw new Problem('not-found', 'not found', { beyond: true });
  const needed = ofAppliance ? access.appliance : access.vault;
  if (needed === undefined)
    throw new Problem(
      'forbidden',
      ofAppliance
        ? 'users of the appliance have no access to the contents of a vault'
        : 'only users of the appliance can do this',
      { remediation: ofAppliance ? 'sign in to the vault itself' : wayToTheAppliance },
    );
  if (!caller.permissions.has(needed))
    throw new Problem('forbidden', `this requires the permission ${needed}`, {
      remediation:
        caller.kind === 'api-key'
          ? 'use an API key with this permission in its scope'
          : 'ask an administrator for a role that includes it',
    });
}
