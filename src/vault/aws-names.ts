import { NameError } from './names.ts';

/*
 * Names of AWS's that CloudKeys and CSP accounts keep for the KMS keys made of them. Only their form is checked: no
 * list of Regions or partitions that would be old before long. Errors never quote the input.
 */

/** Such as eu-central-1, us-gov-west-1, us-isob-east-1, eusc-de-east-1, cn-north-1; never fips-us-east-1, an SDK's word. */
const region =
  /^(?!fips-)[a-z]{2,4}(?:-[a-z]{2,5})?-(?:central|(?:north|south)(?:east|west)?|east|west)-[1-9][0-9]?$/;

/** Such as aws, aws-cn, aws-us-gov, aws-iso-b, aws-eusc. */
const partition = 'aws(?:-[a-z]{1,8}){0,3}';

/** IAM API reference, CreateRole and CreateUser: path of at most 512 characters of ! to ~, name of at most 64. */
const principal = new RegExp(
  `^arn:${partition}:iam::[0-9]{12}:(?:user|role)(?<path>/(?:[!-~]+/)?)[A-Za-z0-9_+=,.@-]{1,64}$`,
);

/** Bounds what the expression has to look at: 512 and 64 characters after the longest head. */
const maxArnLength = 700;

/** So many administrators, and so many users, may stand at a CloudKey: a key policy has at most 32 KiB. */
export const maxPrincipals = 50;

/** An AWS Region; '' where it is not told. */
export function parseRegion(text: string): string {
  if (text !== '' && !region.test(text))
    throw new NameError('an AWS Region is called such as eu-central-1 or us-gov-west-1');
  return text;
}

/** '' where it is not told. */
export function parseAwsAccountId(text: string): string {
  if (text !== '' && !/^[0-9]{12}$/.test(text)) throw new NameError('an AWS account id has 12 digits');
  return text;
}

/** ARNs of IAM users and roles, of one partition or several, none of them twice. */
export function parsePrincipals(arns: readonly string[]): readonly string[] {
  if (arns.length > maxPrincipals)
    throw new NameError(`a CloudKey has at most ${maxPrincipals} administrators and as many users`);
  for (const arn of arns) {
    const path = arn.length > maxArnLength ? undefined : principal.exec(arn)?.groups?.['path'];
    if (path === undefined || path.length > 512)
      throw new NameError(
        'administrators and users are ARNs of IAM users and roles, such as arn:aws:iam::111122223333:role/KeyAdmins',
      );
  }
  if (new Set(arns).size !== arns.length)
    throw new NameError('administrators, and users, are each told once');
  return arns;
}
