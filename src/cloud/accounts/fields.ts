import { homeRegion, knowsFips, partitionOf, partitions, type Partition } from '../aws/partitions.ts';
import type { Secret } from '../../secret.ts';
import { parseAwsAccountId, parseRegion } from '../../vault/aws-names.ts';
import type { CspAccount } from './sign-in.ts';
import { parseRotationDays } from '../../vault/limits.ts';
import { NameError, parseDescription, parseTitle } from '../../vault/names.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** How a CSP account signs in. */
export type CspAccountType = CspAccount['type'];

/** What may be told of a CSP account, and changed later. */
export interface CspAccountInput {
  name: string;
  description?: string | undefined;
  adminGroupId: string;
  /** 12 digits; '' or nothing where it is not told. AWS says it of all types but manual. */
  awsAccountId?: string | undefined;
  /** AWS Region of its CloudKeys that tell none. */
  defaultRegion?: string | undefined;
  /** `manual` if left out. */
  type?: CspAccountType | undefined;
  /** That of role and Region if left out. */
  partition?: Partition | undefined;
  fips?: boolean | undefined;
  /** Of an IAM user; null takes it away, where a role is assumed with the node's own credentials from then on. */
  accessKeyId?: string | null | undefined;
  secretAccessKey?: Secret | undefined;
  roleArn?: string | undefined;
  /** Days between rotations of the access key; null for never. */
  accessKeyRotationDays?: number | null | undefined;
}

type Columns = Pick<
  CspAccount,
  | 'name'
  | 'description'
  | 'admin_group_id'
  | 'type'
  | 'aws_account_id'
  | 'default_region'
  | 'partition'
  | 'fips'
  | 'role_arn'
  | 'access_key_rotation_days'
>;

/** The columns that are told, each of the right form. Throws NameError, VaultError `invalid`. */
export function parseAccountInput(input: {
  [F in keyof CspAccountInput]?: CspAccountInput[F] | undefined;
}): Partial<Columns> {
  const { name, description, adminGroupId, awsAccountId, defaultRegion, type, partition, fips, roleArn } =
    input;
  const days = input.accessKeyRotationDays;
  return {
    ...(name === undefined ? {} : { name: parseTitle(name) }),
    ...(description === undefined ? {} : { description: parseDescription(description) }),
    ...(adminGroupId === undefined ? {} : { admin_group_id: adminGroupId }),
    ...(awsAccountId === undefined ? {} : { aws_account_id: parseAwsAccountId(awsAccountId) }),
    ...(defaultRegion === undefined ? {} : { default_region: parseRegion(defaultRegion) }),
    ...(type === undefined ? {} : { type }),
    ...(partition === undefined ? {} : { partition }),
    ...(fips === undefined ? {} : { fips: fips ? 1 : 0 }),
    ...(roleArn === undefined ? {} : { role_arn: parseRoleArn(roleArn) }),
    ...(days === undefined ? {} : { access_key_rotation_days: parseRotationDays(days) }),
  };
}

/** IAM API reference: path of at most 512 characters, name of at most 64. */
const role = new RegExp(
  String.raw`^arn:(${partitions.join('|')}):iam::([0-9]{12}):role/(?:[!-.0-~]{1,128}/){0,8}[A-Za-z0-9_+=,.@-]{1,64}$`,
);

/** '' for none. */
function parseRoleArn(text: string): string {
  if (text !== '' && (text.length > 700 || !role.test(text)))
    throw new NameError('a role is told as its ARN, such as arn:aws:iam::111122223333:role/Holdfast');
  return text;
}

/** Partition and AWS account of a role. */
export function partsOfRole(arn: string): { partition: Partition; accountId: string } | undefined {
  const [, partition, accountId] = role.exec(arn) ?? [];
  return accountId === undefined ? undefined : { partition: partition as Partition, accountId };
}

/** Which partition is meant where none is told: the role's, else the Region's. */
export function guessPartition({
  roleArn,
  defaultRegion,
}: Pick<CspAccountInput, 'roleArn' | 'defaultRegion'>): Partition {
  return partsOfRole(roleArn ?? '')?.partition ?? partitionOf(defaultRegion ?? '') ?? 'aws';
}

/** IAM API reference, AccessKey: 16 to 128 characters; those of temporary credentials begin with ASIA. Throws NameError. */
export function parseAwsAccessKeyId(text: string): string {
  if (!/^[A-Z0-9]{16,128}$/.test(text))
    throw new NameError('an AWS access key id has 16 characters or more of A-Z and 0-9, such as AKIA…');
  if (text.startsWith('ASIA'))
    throw new NameError(
      'this access key is of a session and ends within hours; give one of an IAM user (AKIA…), or a role',
    );
  return text;
}

/** Throws NameError, which does not quote it. */
export function checkSecretAccessKey(secret: Secret): Secret {
  if (!/^[!-~]{16,256}$/.test(secret.reveal()))
    throw new NameError('a secret access key has 40 characters without blanks');
  return secret;
}

/** Whether the parts go together. `hasKey`: it will have an access key. Throws VaultError `invalid`. */
// oxlint-disable-next-line complexity -- one check after another
export function checkShape(
  row: Pick<
    CspAccount,
    | 'type'
    | 'partition'
    | 'fips'
    | 'default_region'
    | 'role_arn'
    | 'aws_account_id'
    | 'access_key_rotation_days'
  >,
  hasKey: boolean,
): void {
  const { type, partition } = row;
  const refuse = (message: string, remediation?: string) => {
    throw new VaultError('invalid', message, remediation);
  };
  if (type === 'access-key' && !hasKey)
    refuse('type access-key needs an access key', 'tell accessKeyId and secretAccessKey');
  if (type !== 'access-key' && type !== 'role' && hasKey)
    refuse(`a CSP account of type ${type} has no access key`, 'take type access-key or role');
  if (type === 'role' && row.role_arn === '') refuse('type role needs a role', 'tell roleArn');
  if (type !== 'role' && row.role_arn !== '')
    refuse(`a CSP account of type ${type} has no role`, 'take type role');
  if (row.access_key_rotation_days !== null && !hasKey)
    refuse('there is no access key to rotate', 'leave the rotation schedule out');
  if (row.default_region !== '' && type !== 'manual' && partitionOf(row.default_region) !== partition)
    refuse(
      `the default Region is not one of the partition ${partition}`,
      `take one of it, such as ${homeRegion[partition]}, or tell another partition`,
    );
  if (row.fips === 1 && !knowsFips(partition))
    refuse(`AWS has no FIPS endpoints in the partition ${partition}`, 'leave fips out');
  const assumed = partsOfRole(row.role_arn);
  if (assumed !== undefined && assumed.partition !== partition)
    refuse(`the role is not one of the partition ${partition}`, 'tell the partition of its ARN');
  if (assumed !== undefined && row.aws_account_id !== '' && assumed.accountId !== row.aws_account_id)
    refuse(
      'the role is one of another AWS account than told',
      'leave the AWS account id out: the role tells it',
    );
}
