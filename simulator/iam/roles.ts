import { uriEncode } from '../canonical-request.ts';
import { makeId } from '../ids.ts';
import { parsePolicy, PolicyError } from '../policy.ts';
import { ServiceError } from '../service-error.ts';
import type { IamAction, IamCall } from './action.ts';
import { sameName, type IamRole } from './iam-state.ts';
import { page } from './pages.ts';
import { FORMS } from './parameters.ts';

/** IAM and AWS STS quotas: roles per account, characters of a trust policy without white space. */
const MAX_ROLES = 1000;
const MAX_TRUST_POLICY = 2048;

const createRole: IamAction = (iam) => {
  const { call, parameters, state, house, accountId } = iam;
  const name = parameters.required('RoleName', FORMS.roleName);
  const path = parameters.optional('Path', FORMS.path) ?? '/';
  call.authorize('iam:CreateRole', state.roleArn(accountId, { path, name }));
  if (parameters.has('PermissionsBoundary'))
    throw new ServiceError('NotImplemented', 501, 'The simulator does not do permissions boundaries');
  const trustPolicy = readTrustPolicy(iam, 'AssumeRolePolicyDocument');
  const maxSessionSeconds = parameters.integer('MaxSessionDuration', 3600, 43_200) ?? 3600;
  const { roles } = state.of(accountId);
  if (roles.some((role) => sameName(role.name, name)))
    throw new ServiceError('EntityAlreadyExists', 409, `Role with name ${name} already exists.`);
  if (roles.length >= MAX_ROLES)
    throw new ServiceError('LimitExceeded', 409, `Cannot exceed quota for RolesPerAccount: ${MAX_ROLES}`);
  const role: IamRole = {
    ...{ path, name, id: makeId('AROA'), createdAt: call.at.toISOString(), tags: parameters.tags() },
    ...{ policies: [], maxSessionSeconds, trustPolicy },
    description: parameters.optional('Description', { min: 0, max: 1000 }),
  };
  state.making(role);
  roles.push(role);
  house.changed();
  call.trail.responseElements = { role: { path, roleName: name, roleId: role.id } };
  return { Role: showRole(iam, role) };
};

const getRole: IamAction = (iam) => {
  const role = findRole(iam, iam.parameters.required('RoleName', FORMS.roleName), 'iam:GetRole');
  const used = role.lastUsed;
  return {
    Role: {
      ...showRole(iam, role),
      ...(role.tags.length === 0 ? {} : { Tags: role.tags }),
      RoleLastUsed: used === undefined ? {} : { LastUsedDate: new Date(used.at), Region: used.region },
    },
  };
};

const listRoles: IamAction = (iam) => {
  const { call, parameters, state, accountId } = iam;
  const prefix = parameters.optional('PathPrefix', FORMS.pathPrefix) ?? '/';
  call.authorize('iam:ListRoles', state.roleArn(accountId, { path: prefix, name: '' }));
  const roles = state.of(accountId).roles.filter((role) => role.path.startsWith(prefix) && state.sees(role));
  const { items, rest } = page(roles, (role) => role.name, parameters);
  return {
    Roles: items.map((role) => showRole(iam, role)),
    ...rest,
  };
};

const updateAssumeRolePolicy: IamAction = (iam) => {
  const name = iam.parameters.required('RoleName', FORMS.roleName);
  const role = findRole(iam, name, 'iam:UpdateAssumeRolePolicy');
  role.trustPolicy = readTrustPolicy(iam, 'PolicyDocument');
  iam.house.changed();
  return undefined;
};

const deleteRole: IamAction = (iam) => {
  const { parameters, state, house, accountId } = iam;
  const role = findRole(iam, parameters.required('RoleName', FORMS.roleName), 'iam:DeleteRole');
  if (role.policies.length > 0)
    throw new ServiceError('DeleteConflict', 409, 'Cannot delete entity, must delete policies first.');
  const { roles } = state.of(accountId);
  roles.splice(roles.indexOf(role), 1);
  house.changed();
  return undefined;
};

export const roleActions = {
  CreateRole: createRole,
  GetRole: getRole,
  ListRoles: listRoles,
  UpdateAssumeRolePolicy: updateAssumeRolePolicy,
  DeleteRole: deleteRole,
} satisfies Record<string, IamAction>;

export function findRole({ call, state, accountId }: IamCall, name: string, action: string): IamRole {
  const known = state.of(accountId).roles.find((role) => sameName(role.name, name));
  call.authorize(action, state.roleArn(accountId, known ?? { path: '/', name }));
  return state.role(accountId, name);
}

/** Whoever a trust policy names must be there, as in AWS. */
function readTrustPolicy({ parameters, house }: IamCall, name: string): string {
  const text = parameters.required(name, FORMS.policyDocument);
  if (text.replaceAll(/\s/g, '').length > MAX_TRUST_POLICY)
    throw new ServiceError(
      'LimitExceeded',
      409,
      `Cannot exceed quota for ACLSizePerRole: ${MAX_TRUST_POLICY}`,
    );
  try {
    const document = parsePolicy(text, 'trust');
    for (const { principals } of document.statements)
      for (const { type, value } of principals?.names ?? [])
        if (type === 'AWS' && !house.accounts.mayBeNamed(value))
          throw new PolicyError('Invalid principal in policy: an AWS principal that does not exist');
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new ServiceError('MalformedPolicyDocument', 400, error.message);
  }
  return text;
}

/** The API answers with policies percent-encoded after RFC 3986. */
function showRole({ state, accountId }: IamCall, role: IamRole): Record<string, unknown> {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: state.roleArn(accountId, role),
    CreateDate: new Date(role.createdAt),
    AssumeRolePolicyDocument: uriEncode(role.trustPolicy),
    Description: role.description,
    MaxSessionDuration: role.maxSessionSeconds,
  };
}
