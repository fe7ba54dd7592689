import type { Principal } from '../principal.ts';
import { documentsOf, type IamRole, type IamState, type IamUser } from './iam-state.ts';

export function principalOfUser(
  state: IamState,
  accountId: string,
  user: IamUser,
  accessKeyId: string,
): Principal {
  const arn = state.userArn(accountId, user);
  return {
    ...{ kind: 'user', accountId, arn, policyArn: arn, id: user.id, name: user.name, accessKeyId },
    policies: documentsOf(state.policiesOf(user)),
    sessionPolicies: [],
  };
}

/** The role itself, as SimulatePrincipalPolicy sees it: nobody's session. */
export function principalOfRole(state: IamState, accountId: string, role: IamRole): Principal {
  const arn = state.roleArn(accountId, role);
  return {
    ...{
      kind: 'assumed-role',
      accountId,
      arn,
      policyArn: arn,
      id: role.id,
      name: role.name,
      accessKeyId: '',
    },
    policies: documentsOf(state.policiesOf(role)),
    sessionPolicies: [],
  };
}
