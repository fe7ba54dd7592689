import { makeId } from '../ids.ts';
import { ServiceError } from '../service-error.ts';
import type { IamAction, IamCall } from './action.ts';
import { sameName, type IamUser } from './iam-state.ts';
import { page } from './pages.ts';
import { FORMS } from './parameters.ts';

/** IAM and AWS STS quotas. */
const MAX_USERS = 5000;

const createUser: IamAction = ({ call, parameters, state, house, accountId }) => {
  const name = parameters.required('UserName', FORMS.userName);
  const path = parameters.optional('Path', FORMS.path) ?? '/';
  call.authorize('iam:CreateUser', state.userArn(accountId, { path, name }));
  if (parameters.has('PermissionsBoundary'))
    throw new ServiceError('NotImplemented', 501, 'The simulator does not do permissions boundaries');
  const { users } = state.of(accountId);
  if (users.some((user) => sameName(user.name, name)))
    throw new ServiceError('EntityAlreadyExists', 409, `User with name ${name} already exists.`);
  if (users.length >= MAX_USERS)
    throw new ServiceError('LimitExceeded', 409, `Cannot exceed quota for UsersPerAccount: ${MAX_USERS}`);
  const user: IamUser = {
    ...{ path, name, id: makeId('AIDA'), createdAt: call.at.toISOString(), tags: parameters.tags() },
    ...{ policies: [], accessKeys: [] },
  };
  state.making(user);
  users.push(user);
  house.changed();
  call.trail.responseElements = { user: { path, userName: name, userId: user.id } };
  return { User: showUser(user, state.userArn(accountId, user)) };
};

/** Without a name: the caller; for the root user that is the account. */
const getUser: IamAction = ({ call, parameters, state, accountId }) => {
  const name = parameters.optional('UserName', FORMS.userName);
  const { principal } = call;
  if (name === undefined && principal.kind === 'root')
    return { User: { UserId: accountId, Arn: principal.arn, CreateDate: new Date(0) } };
  if (name === undefined && principal.kind === 'assumed-role')
    throw new ServiceError(
      'ValidationError',
      400,
      'Must specify userName when calling with non-User credentials',
    );
  const user = findUser({ state, accountId }, name ?? principal.name, (arn) =>
    call.authorize('iam:GetUser', arn),
  );
  return { User: { ...showUser(user, state.userArn(accountId, user)), Tags: tagsOf(user) } };
};

const listUsers: IamAction = ({ call, parameters, state, accountId }) => {
  const prefix = parameters.optional('PathPrefix', FORMS.pathPrefix) ?? '/';
  call.authorize('iam:ListUsers', state.userArn(accountId, { path: prefix, name: '' }));
  const users = state.of(accountId).users.filter((user) => user.path.startsWith(prefix) && state.sees(user));
  const { items, rest } = page(users, (user) => user.name, parameters);
  return { Users: items.map((user) => showUser(user, state.userArn(accountId, user))), ...rest };
};

const deleteUser: IamAction = ({ call, parameters, state, house, accountId }) => {
  const name = parameters.required('UserName', FORMS.userName);
  const user = findUser({ state, accountId }, name, (arn) => call.authorize('iam:DeleteUser', arn));
  if (user.accessKeys.length > 0)
    throw new ServiceError('DeleteConflict', 409, 'Cannot delete entity, must delete access keys first.');
  if (user.policies.length > 0)
    throw new ServiceError('DeleteConflict', 409, 'Cannot delete entity, must delete policies first.');
  const { users } = state.of(accountId);
  users.splice(users.indexOf(user), 1);
  house.changed();
  return undefined;
};

export const userActions = {
  CreateUser: createUser,
  GetUser: getUser,
  ListUsers: listUsers,
  DeleteUser: deleteUser,
} satisfies Record<string, IamAction>;

/** Permission is asked first, with the user's path where it exists, so that nobody learns which users there are. */
export function findUser(
  { state, accountId }: Pick<IamCall, 'state' | 'accountId'>,
  name: string,
  authorize: (arn: string) => void,
): IamUser {
  const known = state.of(accountId).users.find((user) => sameName(user.name, name));
  authorize(state.userArn(accountId, known ?? { path: '/', name }));
  return state.user(accountId, name);
}

function showUser(user: IamUser, arn: string): Record<string, unknown> {
  return {
    Path: user.path,
    UserName: user.name,
    UserId: user.id,
    Arn: arn,
    CreateDate: new Date(user.createdAt),
  };
}

function tagsOf(user: IamUser): IamUser['tags'] | undefined {
  return user.tags.length === 0 ? undefined : user.tags;
}
