import { makeId, makeSecretAccessKey } from '../ids.ts';
import { ServiceError } from '../service-error.ts';
import type { IamAction, IamCall } from './action.ts';
import { noSuchEntity, type AccessKey, type IamUser } from './iam-state.ts';
import { page } from './pages.ts';
import { FORMS } from './parameters.ts';
import { findUser } from './users.ts';

/** IAM quota AccessKeysPerUser: so a rotation that was interrupted finds the place taken. */
const MAX_KEYS = 2;

/** The user that is named, else the caller. */
function userOf(iam: IamCall, action: string): IamUser {
  const { call, parameters } = iam;
  const given = parameters.optional('UserName', FORMS.userName);
  if (given === undefined && call.principal.kind === 'root')
    throw new ServiceError('NotImplemented', 501, "The simulator does not do the root user's access keys");
  if (given === undefined && call.principal.kind === 'assumed-role')
    throw new ServiceError(
      'ValidationError',
      400,
      'Must specify userName when calling with non-User credentials',
    );
  return findUser(iam, given ?? call.principal.name, (arn) => call.authorize(action, arn));
}

const createAccessKey: IamAction = (iam) => {
  const { call, house, state } = iam;
  const user = userOf(iam, 'iam:CreateAccessKey');
  if (user.accessKeys.length >= MAX_KEYS)
    throw new ServiceError('LimitExceeded', 409, `Cannot exceed quota for AccessKeysPerUser: ${MAX_KEYS}`);
  const key: AccessKey = {
    id: makeId('AKIA'),
    secret: makeSecretAccessKey(),
    createdAt: call.at.toISOString(),
    status: 'Active',
    unknownFrom: new Date(house.consistency.now()).toISOString(),
    knownFrom: new Date(house.consistency.now() + delayOf(house)).toISOString(),
  };
  state.changingAccessKeys(user);
  user.accessKeys.push(key);
  house.changed();
  call.trail.responseElements = {
    accessKey: { accessKeyId: key.id, status: key.status, userName: user.name, createDate: key.createdAt },
  };
  return { AccessKey: { ...show(user, key), SecretAccessKey: key.secret } };
};

const listAccessKeys: IamAction = (iam) => {
  const user = userOf(iam, 'iam:ListAccessKeys');
  const { items, rest } = page(iam.state.accessKeysOf(user), (key) => key.createdAt + key.id, iam.parameters);
  return { AccessKeyMetadata: items.map((key) => show(user, key)), ...rest };
};

const updateAccessKey: IamAction = (iam) => {
  const { parameters, house, state } = iam;
  const user = userOf(iam, 'iam:UpdateAccessKey');
  const key = keyOf(iam, user, parameters.required('AccessKeyId', FORMS.accessKeyId));
  const status = parameters.required('Status');
  if (status !== 'Active' && status !== 'Inactive')
    throw new ServiceError('ValidationError', 400, 'Status must be Active or Inactive');
  state.changingAccessKeys(user);
  key.status = status;
  house.changed();
  return undefined;
};

const deleteAccessKey: IamAction = (iam) => {
  const { parameters, house, state } = iam;
  const user = userOf(iam, 'iam:DeleteAccessKey');
  const key = keyOf(iam, user, parameters.required('AccessKeyId', FORMS.accessKeyId));
  state.changingAccessKeys(user);
  user.accessKeys = user.accessKeys.filter((other) => other !== key);
  house.changed();
  return undefined;
};

const getAccessKeyLastUsed: IamAction = (iam) => {
  const { call, parameters, state, accountId, house } = iam;
  const id = parameters.required('AccessKeyId', FORMS.accessKeyId);
  const user = state.of(accountId).users.find((one) => one.accessKeys.some((key) => key.id === id));
  call.authorize(
    'iam:GetAccessKeyLastUsed',
    user === undefined ? state.userArn(accountId, { path: '/', name: '*' }) : state.userArn(accountId, user),
  );
  if (user === undefined) throw noSuchEntity('The Access Key with this id cannot be found');
  const last = keyOf(iam, user, id).lastUsed;
  const toldFrom = Date.parse(last?.since ?? last?.at ?? '') + (house.options.time?.lastUsedDelayMs ?? 0);
  const used = last !== undefined && toldFrom <= house.consistency.now() ? last : undefined;
  return {
    UserName: user.name,
    AccessKeyLastUsed:
      used === undefined
        ? { ServiceName: 'N/A', Region: 'N/A' }
        : { LastUsedDate: new Date(used.at), ServiceName: used.service, Region: used.region },
  };
};

export const accessKeyActions = {
  CreateAccessKey: createAccessKey,
  ListAccessKeys: listAccessKeys,
  UpdateAccessKey: updateAccessKey,
  DeleteAccessKey: deleteAccessKey,
  GetAccessKeyLastUsed: getAccessKeyLastUsed,
} satisfies Record<string, IamAction>;

/** Whom the services know an access key late. */
function delayOf({ options, consistency }: IamCall['house']): number {
  return options.time?.accessKeyDelayMs ?? consistency.window;
}

/** The key itself, where whoever is asked knows of it. */
function keyOf({ state }: IamCall, user: IamUser, id: string): AccessKey {
  const isSeen = state.accessKeysOf(user).some((key) => key.id === id);
  const found = user.accessKeys.find((key) => key.id === id);
  if (found === undefined || !isSeen) throw noSuchEntity('The Access Key with this id cannot be found');
  return found;
}

function show(user: IamUser, key: AccessKey): Record<string, unknown> {
  return {
    UserName: user.name,
    AccessKeyId: key.id,
    Status: key.status,
    CreateDate: new Date(key.createdAt),
  };
}
