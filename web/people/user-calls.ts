import type { Schemas } from '../../src/cli/client/api-types.ts';
import { call, type Answered } from '../api/client.ts';
import type { BodyOf } from '../api/operation-types.ts';
import { useDo, useList } from '../api/queries.ts';
import type { Why } from '../parts/act-dialog.tsx';
import { useSession } from '../session/session.tsx';

/* Users of a vault and of the appliance: the same people’s business by operations of two names. */

export type User = Schemas['User'];
export type Role = User['role'];
type Change = BodyOf<'updateUser'> & BodyOf<'updateApplianceUser'>;

export interface NewUser {
  username: string;
  displayName: string;
  email: string;
  role: Role;
  signIn: User['signIn'];
}

/** What making a user or resetting their password answers. */
export type WithPassword = User & { firstPassword?: string; mailed: boolean; mailProblem?: string };

/** A repetition after a lost answer is answered without it. Who signs in by single sign-on alone has none. */
export function isPasswordLost(made: { firstPassword?: string; mailed: boolean; signIn?: string }): boolean {
  return made.firstPassword === undefined && !made.mailed && made.signIn !== 'oidc';
}

/** Roles that there are where one is signed in. */
export function useRoles(): readonly Role[] {
  const { vaultId } = useSession().user;
  return vaultId === null
    ? ['appliance-admin', 'appliance-auditor']
    : ['vault-admin', 'cloud-admin', 'auditor'];
}

export function useUsers(
  sort: 'username' | '-username' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt',
) {
  const { vaultId } = useSession().user;
  const inVault = useList(
    'listUsers',
    { vaultId: vaultId ?? '' },
    { query: { sort }, enabled: vaultId !== null },
  );
  const ofAppliance = useList('listApplianceUsers', undefined, {
    query: { sort },
    enabled: vaultId === null,
  });
  return vaultId === null ? ofAppliance : inVault;
}

interface UserCalls {
  get: (userId: string) => Promise<Answered<User>>;
  create: (user: NewUser, idempotencyKey: string) => Promise<Answered<WithPassword>>;
  update: (
    userId: string,
    change: Partial<NewUser> & { state?: User['state'] },
    ifMatch: string,
  ) => Promise<unknown>;
  unlock: (userId: string, ifMatch: string) => Promise<unknown>;
  reset: (userId: string, ifMatch: string) => Promise<Answered<WithPassword>>;
  removeFactor: (userId: string, ifMatch: string) => Promise<unknown>;
  remove: (userId: string, ifMatch: string, why: Why) => Promise<unknown>;
}

export function useUserCalls(): UserCalls {
  const { vaultId } = useSession().user;
  const run = useDo();
  if (vaultId === null)
    return {
      get: async (userId) => call('getApplianceUser', { params: { userId } }),
      create: async (user, idempotencyKey) =>
        run(async () =>
          call('createApplianceUser', {
            body: user as BodyOf<'createApplianceUser'>,
            idempotencyKey,
          }),
        ),
      update: async (userId, change, ifMatch) =>
        run(async () => call('updateApplianceUser', { params: { userId }, body: change as Change, ifMatch })),
      unlock: async (userId, ifMatch) =>
        run(async () => call('unlockApplianceUser', { params: { userId }, ifMatch })),
      reset: async (userId, ifMatch) =>
        run(async () => call('resetApplianceUserPassword', { params: { userId }, ifMatch })),
      removeFactor: async (userId, ifMatch) =>
        run(async () => call('removeApplianceUserTotp', { params: { userId }, ifMatch })),
      remove: async (userId, ifMatch, body) =>
        run(async () => call('deleteApplianceUser', { params: { userId }, body, ifMatch })),
    };
  return {
    get: async (userId) => call('getUser', { params: { vaultId, userId } }),
    create: async (user, idempotencyKey) =>
      run(async () =>
        call('createUser', {
          params: { vaultId },
          body: user as BodyOf<'createUser'>,
          idempotencyKey,
        }),
      ),
    update: async (userId, change, ifMatch) =>
      run(async () => call('updateUser', { params: { vaultId, userId }, body: change as Change, ifMatch })),
    unlock: async (userId, ifMatch) =>
      run(async () => call('unlockUser', { params: { vaultId, userId }, ifMatch })),
    reset: async (userId, ifMatch) =>
      run(async () => call('resetUserPassword', { params: { vaultId, userId }, ifMatch })),
    removeFactor: async (userId, ifMatch) =>
      run(async () => call('removeUserTotp', { params: { vaultId, userId }, ifMatch })),
    remove: async (userId, ifMatch, body) =>
      run(async () => call('deleteUser', { params: { vaultId, userId }, body, ifMatch })),
  };
}
