/*
 * Key policies of KMS keys (KMS Developer Guide, "Key policies in AWS KMS"): written from administrators and users, and
 * read where somebody brings a document of their own.
 */

/** What a key policy is written from. */
export interface KeyPolicyInput {
  /** Such as `aws` or `aws-us-gov`. */
  partition: string;
  /** 12 digits: the account that the KMS key is in. */
  accountId: string;
  /** ARNs of IAM users and roles. */
  administrators: readonly string[];
  users: readonly string[];
  /** ARN of the user or role that Holdfast calls AWS as; undefined where it is not known. */
  holdfast?: string | undefined;
  /**
   * With the statement for the account: IAM policies of the account may allow things too, and the key can never become
   * unmanageable. Without, the policy alone says who may do what.
   */
  root: boolean;
}

/** CreateKey, PutKeyPolicy: 32 kilobytes, 32,768 characters. */
export const maxKeyPolicyLength = 32_768;

/** A key policy cannot be written, or AWS would refuse it. Quotes nothing of it. */
export class KeyPolicyError extends Error {
  readonly remediation: string;

  constructor(message: string, remediation: string) {
    super(message);
    this.name = 'KeyPolicyError';
    this.remediation = remediation;
  }
}

/** The console's list for key administrators, who may not encrypt or decrypt ("Default key policy"). */
const administer = [
  'kms:Create*',
  'kms:Describe*',
  'kms:Enable*',
  'kms:List*',
  'kms:Put*',
  'kms:Update*',
  'kms:Revoke*',
  'kms:Disable*',
  'kms:Get*',
  'kms:Delete*',
  'kms:TagResource',
  'kms:UntagResource',
  'kms:ScheduleKeyDeletion',
  'kms:CancelKeyDeletion',
];

/** The console's list for key users. */
const use = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'];
const grant = ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'];

/** What Holdfast does to a KMS key that is there; it can neither encrypt nor decrypt with it. */
export const holdfastActions: readonly string[] = [
  'kms:CancelKeyDeletion',
  'kms:CreateAlias',
  'kms:DeleteAlias',
  'kms:DescribeKey',
  'kms:DisableKey',
  'kms:EnableKey',
  'kms:GetKeyPolicy',
  'kms:ListResourceTags',
  'kms:PutKeyPolicy',
  'kms:ScheduleKeyDeletion',
  'kms:TagResource',
  'kms:UntagResource',
  'kms:UpdateAlias',
  'kms:UpdateKeyDescription',
];

/**
 * The key policy as JSON text, the same for the same input whatever the order of its lists. The statements are called
 * what AWS's console calls them, so that it shows administrators and users in its default view. Throws KeyPolicyError.
 */
export function writeKeyPolicy(input: KeyPolicyInput): string {
  const { partition, accountId, holdfast, root } = input;
  const administrators = sorted(input.administrators);
  const users = sorted(input.users);
  const account = `arn:${partition}:iam::${accountId}:root`;
  if ([...administrators, ...users].some((arn) => !arn.startsWith(`arn:${partition}:`)))
    throw new KeyPolicyError(
      `an administrator or user is not in the partition ${partition}, which the KMS key is in`,
      'name users and roles of the same partition: AWS accepts no others in a key policy',
    );
  if (!root && holdfast === undefined && administrators.length === 0)
    throw new KeyPolicyError(
      'nobody could administer the KMS key: the policy names neither the account, administrators nor Holdfast',
      'name an administrator, check the CSP account (holdfast csp-account check), or choose the policy with the account statement',
    );
  // Named as a principal, the account itself lets its IAM policies decide: the very thing that was not wanted.
  if (!root && holdfast === account)
    throw new KeyPolicyError(
      'the CSP account signs in as the root user, who cannot be named without the whole account',
      'sign in as an IAM user or role, or choose the policy with the account statement',
    );
  const text = JSON.stringify({
    Version: '2012-10-17',
    Id: 'holdfast',
    Statement: [
      ...(root ? [allow('Enable IAM User Permissions', [account], 'kms:*')] : []),
      // Who signs in as the account itself may do everything by its statement.
      ...(holdfast === undefined || (root && holdfast === account)
        ? []
        : [allow('Allow Holdfast to administer the key', [holdfast], holdfastActions)]),
      ...(administrators.length === 0
        ? []
        : [allow('Allow access for Key Administrators', administrators, administer)]),
      ...(users.length === 0
        ? []
        : [
            allow('Allow use of the key', users, use),
            {
              ...allow('Allow attachment of persistent resources', users, grant),
              Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
            },
          ]),
    ],
  });
  checkLength(text);
  return text;
}

/**
 * A document of somebody's as JSON text. Only its form is checked here; whether its principals exist and whether it
 * locks its author out is AWS's to say. Throws KeyPolicyError.
 */
export function parseKeyPolicy(document: unknown): string {
  const { Version, Statement } = isRecord(document) ? document : {};
  const statements: unknown[] = Array.isArray(Statement) ? Statement : [Statement];
  const isPolicy =
    (Version === undefined || Version === '2012-10-17' || Version === '2008-10-17') &&
    statements.length > 0 &&
    statements.every(isStatement);
  if (!isPolicy)
    throw new KeyPolicyError(
      'this is not a key policy: each statement needs Effect, Principal, Action and Resource',
      'see the KMS Developer Guide, "Key policies in AWS KMS"',
    );
  const text = JSON.stringify(document);
  checkLength(text);
  // CreateKey, Policy: tab, line feed, carriage return, and U+0020 to U+00FF.
  if (/[^\t\n\r -ÿ]/.test(text))
    throw new KeyPolicyError(
      'the key policy has characters that AWS does not accept',
      'use tab, line feed, carriage return and U+0020 to U+00FF only',
    );
  return text;
}

function checkLength(text: string): void {
  if (Buffer.byteLength(text) > maxKeyPolicyLength)
    throw new KeyPolicyError(
      'the key policy is longer than the 32 KiB that AWS accepts',
      'name fewer administrators and users: one role that they may assume, instead of each of them',
    );
}

function allow(Sid: string, principals: readonly string[], Action: string | readonly string[]) {
  return { Sid, Effect: 'Allow', Principal: { AWS: single(principals) }, Action, Resource: '*' };
}

function single(values: readonly string[]): string | readonly string[] {
  const [first] = values;
  return values.length === 1 && first !== undefined ? first : values;
}

function sorted(values: readonly string[]): string[] {
  return [...new Set(values)].toSorted();
}

function isStatement(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const has = (name: string) => value[name] !== undefined;
  const one = (a: string, b: string) => has(a) !== has(b);
  return (
    (value['Effect'] === 'Allow' || value['Effect'] === 'Deny') &&
    one('Principal', 'NotPrincipal') &&
    one('Action', 'NotAction') &&
    one('Resource', 'NotResource')
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
