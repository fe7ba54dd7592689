import { randomUUID } from 'node:crypto';
import { AwsError } from '../aws/aws-error.ts';
import type { AwsAccount } from '../aws/clients.ts';
import { listAccessKeys } from '../aws/iam-access-keys.ts';
import { whoIs, type Identity } from '../aws/identity-check.ts';
import { checkPermissions, type CheckedAction, type PermissionCheck } from '../aws/permission-check.ts';
import { permissionsOf, workingGroups } from '../aws/permissions.ts';
import type { AwsContext } from '../controller/context.ts';
import { accessOf, checkAmbient, type CspAccessFields, type CspAccount, type OpenKey } from './sign-in.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** What went wrong, as records keep it and the API shows it. */
export interface AwsProblem {
  /** AWS's name for it, or one of ours. */
  code: string;
  message: string;
  remediation: string;
}

/** What a check found out, as `check_report` keeps it. */
export interface CheckReport {
  /** AWS takes the credential, and of what Holdfast needs nothing is known to be missing. */
  ok: boolean;
  /** Who we are there; '' where AWS did not take the credential. */
  arn: string;
  accountId: string;
  /** Who assumes the role; '' with other types. */
  assumedBy: string;
  method: PermissionCheck['method'];
  actions: CheckedAction[];
  problem: AwsProblem | null;
  /** The role was assumed with the external id, and not without: the node's own credentials may be lent for it. */
  asksForExternalId?: boolean;
}

/** What it is checked with: a record that may not be stored yet. */
export type CheckedAccount = Omit<CspAccessFields, 'check_report'> &
  Pick<CspAccount, 'access_key_rotation_days'>;

export interface Checked {
  report: CheckReport;
  /** When IAM made the access key, where it may be asked. */
  keyCreatedAt: Date | undefined;
}

/**
 * Signs in to AWS as the account would, and looks at its permissions. A credential that AWS refuses is an AwsError; what
 * it may not do stands in the report. `strict: false`: a role that may not be assumed is reported too, since nobody can
 * have written its trust policy before the external id was known.
 */
export async function checkAccess(
  context: AwsContext,
  account: CheckedAccount,
  key: OpenKey | undefined,
  { strict }: { strict: boolean },
): Promise<Checked> {
  await checkAmbient(context, account);
  const access = accessOf(account, key, randomUUID());
  const aws = context.aws.once(access);
  if (access.kind !== 'role') {
    const identity = await whoIs(aws);
    checkPartition(account, identity);
    const groups = [...workingGroups, ...(key === undefined ? [] : (['own-access-key'] as const))];
    const subject = subjectOf(account, identity, identity);
    const check = await checkPermissions(aws, identity, groups, subject);
    return {
      report: reportOf(account, identity, '', check, identity.kind === 'root' ? rootProblem : null),
      keyCreatedAt: await creationOf(aws, identity, key),
    };
  }
  const baseAccess =
    key === undefined ? { ...access, kind: 'ambient' as const } : { ...access, ...keyAccess(key) };
  const base = context.aws.once(baseAccess);
  const assumer = await whoIs(base);
  checkPartition(account, assumer);
  const keyCreatedAt = await creationOf(base, assumer, key);
  let identity: Identity;
  try {
    identity = await whoIs(aws);
  } catch (error) {
    if (strict || !(error instanceof AwsError) || error.fault !== 'denied') throw error;
    return { report: notAssumed(account, assumer, error), keyCreatedAt };
  }
  const check = await checkPermissions(aws, identity, workingGroups, subjectOf(account, identity, assumer));
  if (key !== undefined) {
    const own = await checkPermissions(
      base,
      assumer,
      ['own-access-key'],
      subjectOf(account, assumer, assumer),
    );
    check.actions.push(...own.actions);
  }
  const problem = await externalIdProblem(context, access);
  if (problem !== null && key === undefined) throw new ExternalIdError(problem, { isNew: !strict });
  const report = reportOf(account, identity, assumer.arn, check, problem);
  return { report: { ...report, asksForExternalId: problem === null }, keyCreatedAt };
}

/**
 * The node's own credentials are not lent for the role. Where it is the role of no CSP account yet (`isNew`) there is no
 * trust policy that could be printed.
 */
export class ExternalIdError extends VaultError {
  readonly found: AwsProblem;

  constructor(found: AwsProblem, { isNew }: { isNew: boolean }) {
    const remediation =
      'give the role a trust policy that lets nobody assume it, such as a Deny for everybody, then repeat this; ' +
      'holdfast csp-account policy then prints the one that asks for the external id';
    super('forbidden', found.message, isNew ? remediation : found.remediation);
    this.found = found;
  }
}

function keyAccess({ accessKeyId, secret }: OpenKey) {
  return { kind: 'access-key' as const, accessKeyId, secret };
}

function checkPartition({ partition }: CheckedAccount, identity: Identity): void {
  if (identity.partition !== partition)
    throw new VaultError(
      'invalid',
      `the credential is of another partition of AWS than ${partition}`,
      'tell the right partition',
    );
}

function subjectOf(account: CheckedAccount, identity: Identity, user: Identity) {
  return {
    partition: account.partition,
    accountId: identity.accountId,
    userArn: user.kind === 'user' ? user.arn : '',
    roleArn: account.type === 'role' && identity.kind === 'role' ? account.role_arn : '',
  };
}

/**
 * Whether the role asks for the external id. One that does not can be assumed for any CSP account of this node, of
 * whichever vault (the confused deputy, IAM user guide), so the node's own credentials are not lent for it.
 */
async function externalIdProblem(
  context: AwsContext,
  access: ReturnType<typeof accessOf>,
): Promise<AwsProblem | null> {
  if (access.kind !== 'role') return null;
  for (let look = 0; look < externalIdLooks; look++) {
    if (await isAssumed(context, { ...access, externalId: randomUUID() })) return notAskedFor;
    // With the right one it is let in all the while: or it was refused for another reason, such as what was before.
    await whoIs(context.aws.once(access));
  }
  return null;
}

/**
 * Whatever was just changed, one of IAM's hosts may still refuse by what was before (IAM User Guide, "Changes that I make are
 * not always immediately visible"): a single refusal proves nothing.
 */
const externalIdLooks = 3;

async function isAssumed(context: AwsContext, access: ReturnType<typeof accessOf>): Promise<boolean> {
  try {
    await whoIs(context.aws.once(access));
    return true;
  } catch (error) {
    // The trust policy, and nothing else that keeps the node from a role or a Region.
    if (error instanceof AwsError && /^AccessDenied(?:Exception)?$/.test(error.code)) return false;
    throw error;
  }
}

const notAskedFor: AwsProblem = {
  code: 'EXTERNAL_ID_NOT_ASKED_FOR',
  message: 'the role can be assumed without the external id of this CSP account',
  remediation: 'give the role the trust policy that holdfast csp-account policy prints, then check again',
};

const rootProblem: AwsProblem = {
  code: 'ROOT_USER',
  message: 'this is an access key of the root user of the AWS account, which nothing can hold back',
  remediation: 'make an IAM user or a role with the least policy, and delete the access key of the root user',
};

function notAssumed(account: CheckedAccount, assumer: Identity, error: AwsError): CheckReport {
  return {
    ok: false,
    arn: '',
    accountId: /:([0-9]{12}):/.exec(account.role_arn)?.[1] ?? '',
    assumedBy: assumer.arn,
    method: 'none',
    actions: [],
    problem: {
      code: error.code,
      message: 'AWS does not let the role be assumed',
      remediation:
        'give the role the trust policy that holdfast csp-account policy prints, allow sts:AssumeRole to whoever assumes it, then check again',
    },
  };
}

/** Missing, and without it something that this account is for does not work. */
const neededAnyway = new Set(permissionsOf(['key-stores', 'keys']).flatMap(({ actions }) => actions));
const neededToRotate = new Set(permissionsOf(['own-access-key']).flatMap(({ actions }) => actions));

function reportOf(
  { access_key_rotation_days: days }: CheckedAccount,
  identity: Identity,
  assumedBy: string,
  { method, actions }: PermissionCheck,
  problem: AwsProblem | null,
): CheckReport {
  const lacking = actions.some(
    ({ action, verdict }) =>
      verdict === 'missing' && (neededAnyway.has(action) || (days !== null && neededToRotate.has(action))),
  );
  return {
    ok: !lacking,
    arn: identity.arn,
    accountId: identity.accountId,
    assumedBy,
    method,
    actions,
    problem,
  };
}

/** For the age of an access key that is entered: it counts from when IAM made it. */
async function creationOf(
  aws: AwsAccount,
  identity: Identity,
  key: OpenKey | undefined,
): Promise<Date | undefined> {
  if (key === undefined || identity.kind !== 'user') return undefined;
  try {
    const keys = await listAccessKeys(aws, identity.name);
    return keys.find(({ id }) => id === key.accessKeyId)?.createdAt;
  } catch (error) {
    if (error instanceof AwsError && error.fault === 'denied') return undefined;
    throw error;
  }
}

/** Of a report that could not be made; what the one before had found out of the external id still holds. */
export function failedReport(error: AwsError | ExternalIdError, before?: CheckReport): CheckReport {
  const { code, message, remediation } =
    error instanceof ExternalIdError
      ? error.found
      : { code: error.code, message: error.message, remediation: error.remediation };
  return {
    ok: false,
    arn: '',
    accountId: '',
    // Who assumes the role is still to be named in its trust policy.
    assumedBy: before?.assumedBy ?? '',
    method: 'none',
    actions: [],
    problem: { code, message, remediation },
    asksForExternalId: error instanceof AwsError && before?.asksForExternalId === true,
  };
}
