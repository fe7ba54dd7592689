import { uriEncode } from '../canonical-request.ts';
import { parsePolicy, PolicyError } from '../policy.ts';
import { ServiceError } from '../service-error.ts';
import type { IamAction, IamCall } from './action.ts';
import { noSuchEntity, type IamRole, type IamUser, type InlinePolicy } from './iam-state.ts';
import { page } from './pages.ts';
import { FORMS } from './parameters.ts';
import { findRole } from './roles.ts';
import { findUser } from './users.ts';

/** IAM quotas: characters of all inline policies together, without white space. */
const MAX_LENGTH = { User: 2048, Role: 10_240 } as const;

type Kind = 'User' | 'Role';

function owner(iam: IamCall, kind: Kind, action: string): IamUser | IamRole {
  const { call, parameters } = iam;
  if (kind === 'Role') return findRole(iam, parameters.required('RoleName', FORMS.roleName), action);
  const name = parameters.required('UserName', FORMS.userName);
  return findUser(iam, name, (arn) => call.authorize(action, arn));
}

function put(kind: Kind): IamAction {
  return (iam) => {
    const { parameters, house, state } = iam;
    const of = owner(iam, kind, `iam:Put${kind}Policy`);
    const { policies } = of;
    const name = parameters.required('PolicyName', FORMS.policyName);
    const text = parameters.required('PolicyDocument', FORMS.policyDocument);
    try {
      parsePolicy(text, 'identity');
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      throw new ServiceError('MalformedPolicyDocument', 400, error.message);
    }
    const others = policies.filter((policy) => policy.name !== name);
    const length = [...others, { text }].reduce((sum, one) => sum + one.text.replaceAll(/\s/g, '').length, 0);
    if (length > MAX_LENGTH[kind])
      throw new ServiceError(
        'LimitExceeded',
        409,
        `Maximum policy size of ${MAX_LENGTH[kind]} bytes exceeded for the ${kind.toLowerCase()}`,
      );
    state.changingPolicies(of);
    const known = policies.find((policy) => policy.name === name);
    if (known === undefined) policies.push({ name, text });
    else known.text = text;
    house.changed();
    return undefined;
  };
}

function get(kind: Kind): IamAction {
  return (iam) => {
    const found = owner(iam, kind, `iam:Get${kind}Policy`);
    const { name, text } = policyOf(iam.state.policiesOf(found), iam, kind);
    return { [`${kind}Name`]: found.name, PolicyName: name, PolicyDocument: uriEncode(text) };
  };
}

function remove(kind: Kind): IamAction {
  return (iam) => {
    const of = owner(iam, kind, `iam:Delete${kind}Policy`);
    const at = of.policies.indexOf(policyOf(of.policies, iam, kind));
    iam.state.changingPolicies(of);
    of.policies.splice(at, 1);
    iam.house.changed();
    return undefined;
  };
}

function list(kind: Kind): IamAction {
  return (iam) => {
    const policies = iam.state.policiesOf(owner(iam, kind, `iam:List${kind}Policies`));
    const { items, rest } = page(policies, (policy) => policy.name, iam.parameters);
    return { PolicyNames: items.map((policy) => policy.name), ...rest };
  };
}

function policyOf(policies: readonly InlinePolicy[], iam: IamCall, kind: Kind): InlinePolicy {
  const name = iam.parameters.required('PolicyName', FORMS.policyName);
  const found = policies.find((policy) => policy.name === name);
  if (found === undefined)
    throw noSuchEntity(`The ${kind.toLowerCase()} policy with name ${name} cannot be found.`);
  return found;
}

export const inlinePolicyActions = {
  PutUserPolicy: put('User'),
  GetUserPolicy: get('User'),
  DeleteUserPolicy: remove('User'),
  ListUserPolicies: list('User'),
  PutRolePolicy: put('Role'),
  GetRolePolicy: get('Role'),
  DeleteRolePolicy: remove('Role'),
  ListRolePolicies: list('Role'),
} satisfies Record<string, IamAction>;
