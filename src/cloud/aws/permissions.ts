import type { Partition } from './partitions.ts';

/** What Holdfast does in AWS, by what it is for. */
export type PermissionGroup =
  'check' | 'key-stores' | 'keys' | 'principals' | 'own-access-key' | 'assume-role';

/** Of whom the resources are. */
export interface PolicySubject {
  partition: Partition;
  /** 12 digits; '' where it is not known: any. */
  accountId: string;
  /** ARN of the IAM user who has the access key; '' where it is not known. */
  userArn: string;
  roleArn: string;
}

interface Permission {
  sid: string;
  group: PermissionGroup;
  why: string;
  actions: readonly string[];
  resources: (subject: PolicySubject) => readonly string[];
  condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const kms = ({ partition, accountId }: PolicySubject, resource: string) =>
  `arn:${partition}:kms:*:${accountId === '' ? '*' : accountId}:${resource}`;

const ownUser = ({ partition, accountId, userArn }: PolicySubject) =>
  userArn === ''
    ? `arn:${partition}:iam::${accountId === '' ? '*' : accountId}:user/\${aws:username}`
    : userArn;

/** Only keys of external key stores: other keys of the account stay out of reach. */
const ofExternalKeyStores = { StringEquals: { 'kms:KeyOrigin': 'EXTERNAL_KEY_STORE' } } as const;

/**
 * The least that Holdfast needs. Resources and conditions are as narrow as the Service Authorization Reference has them
 * for the action: custom key stores have no ARN, and a key that is not there yet has none either.
 */
const permissions: readonly Permission[] = [
  {
    sid: 'HoldfastExternalKeyStores',
    group: 'key-stores',
    why: 'creates external key stores, connects, updates and disconnects them, gives them new XKS credentials and watches their state',
    actions: [
      'kms:CreateCustomKeyStore',
      'kms:DescribeCustomKeyStores',
      'kms:ConnectCustomKeyStore',
      'kms:DisconnectCustomKeyStore',
      'kms:UpdateCustomKeyStore',
      'kms:DeleteCustomKeyStore',
    ],
    resources: () => ['*'],
  },
  {
    sid: 'HoldfastCreateKeys',
    group: 'keys',
    why: 'creates the KMS key of a CloudKey; only in external key stores, and never with a key policy that would lock everybody out',
    actions: ['kms:CreateKey'],
    resources: () => ['*'],
    condition: { ...ofExternalKeyStores, Bool: { 'kms:BypassPolicyLockoutSafetyCheck': 'false' } },
  },
  {
    sid: 'HoldfastKeys',
    group: 'keys',
    why: 'reads KMS keys of external key stores, their policies and tags, enables and disables them, and schedules and cancels their deletion',
    actions: [
      'kms:DescribeKey',
      'kms:GetKeyPolicy',
      'kms:PutKeyPolicy',
      'kms:ListResourceTags',
      'kms:UntagResource',
      'kms:UpdateKeyDescription',
      'kms:EnableKey',
      'kms:DisableKey',
      'kms:ScheduleKeyDeletion',
      'kms:CancelKeyDeletion',
      'kms:CreateAlias',
      'kms:UpdateAlias',
      'kms:DeleteAlias',
    ],
    resources: (subject) => [kms(subject, 'key/*')],
    condition: ofExternalKeyStores,
  },
  {
    sid: 'HoldfastTagKeys',
    group: 'keys',
    why: 'tags a KMS key while it is created, when it has no origin yet that a condition could require',
    actions: ['kms:TagResource'],
    resources: (subject) => [kms(subject, 'key/*')],
  },
  {
    sid: 'HoldfastAliases',
    group: 'keys',
    why: 'gives the KMS key its alias; required on the alias too, where the origin of the key cannot be a condition',
    actions: ['kms:CreateAlias', 'kms:UpdateAlias', 'kms:DeleteAlias'],
    resources: (subject) => [kms(subject, 'alias/*')],
  },
  {
    sid: 'HoldfastListKeys',
    group: 'keys',
    why: 'finds what an interrupted act has created, and which key an alias belongs to',
    actions: ['kms:ListAliases', 'kms:ListKeys'],
    resources: () => ['*'],
  },
  {
    sid: 'HoldfastListPrincipals',
    group: 'principals',
    why: 'lists users and roles to choose administrators and users of a key from; without it their ARNs are pasted',
    actions: ['iam:ListUsers', 'iam:ListRoles'],
    resources: () => ['*'],
  },
  {
    sid: 'HoldfastOwnAccessKey',
    group: 'own-access-key',
    why: 'rotates the access key of this CSP account, and finds one whose creation response was lost',
    actions: [
      ...['iam:ListAccessKeys', 'iam:CreateAccessKey', 'iam:DeleteAccessKey'],
      ...['iam:GetAccessKeyLastUsed', 'iam:UpdateAccessKey'],
    ],
    resources: (subject) => [ownUser(subject)],
  },
  {
    sid: 'HoldfastCheckPermissions',
    group: 'check',
    why: 'finds out which of these permissions are missing; without it only read operations are tried',
    actions: ['iam:SimulatePrincipalPolicy'],
    resources: (subject) => [subject.roleArn === '' ? ownUser(subject) : subject.roleArn],
  },
  {
    sid: 'HoldfastAssumeRole',
    group: 'assume-role',
    why: 'assumes the role of this CSP account',
    actions: ['sts:AssumeRole'],
    resources: ({ roleArn }) => [roleArn],
  },
];

/** For the role or user that works in KMS, without rotating an access key. */
export const workingGroups = [
  'key-stores',
  'keys',
  'principals',
  'check',
] as const satisfies PermissionGroup[];

export function permissionsOf(groups: readonly PermissionGroup[]): readonly Permission[] {
  return permissions.filter(({ group }) => groups.includes(group));
}

export interface PolicyDocument {
  Version: '2012-10-17';
  Statement: Readonly<Record<string, unknown>>[];
}

/** The least policy for these groups, as IAM takes it. */
export function minPolicy(groups: readonly PermissionGroup[], subject: PolicySubject): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: permissionsOf(groups).map((permission) => statementOf(permission, subject)),
  };
}

function statementOf({ sid, actions, resources, condition }: Permission, subject: PolicySubject) {
  return {
    Sid: sid,
    Effect: 'Allow',
    Action: actions,
    Resource: oneOrAll(resources(subject)),
    ...(condition === undefined ? {} : { Condition: condition }),
  };
}

function oneOrAll(resources: readonly string[]): string | readonly string[] {
  return resources.length === 1 ? (resources[0] ?? '*') : resources;
}

/** Who assumes the role: an ARN of IAM, or a role's session, whose ARN does not have the path of the role. */
export function trustPolicy(assumedBy: string, externalId: string): PolicyDocument {
  const session = /^arn:([a-z-]+):sts::([0-9]{12}):assumed-role\/([^/]+)\//.exec(assumedBy);
  const [, partition, accountId, name] = session ?? [];
  const role = `arn:${partition}:iam::${accountId}:role/`;
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'HoldfastAssumesThisRole',
        Effect: 'Allow',
        Principal: { AWS: session === null ? assumedBy : `arn:${partition}:iam::${accountId}:root` },
        Action: 'sts:AssumeRole',
        Condition: {
          StringEquals: { 'sts:ExternalId': externalId },
          ...(session === null
            ? {}
            : { ArnLike: { 'aws:PrincipalArn': [`${role}${name}`, `${role}*/${name}`] } }),
        },
      },
    ],
  };
}
