import { AwsError, callAws } from './aws-error.ts';
import type { AwsAccount } from './clients.ts';
import type { Identity } from './identity-check.ts';
import { listAccessKeys } from './iam-access-keys.ts';
import { listPrincipals } from './iam-principals.ts';
import { permissionsOf, type PermissionGroup, type PolicySubject } from './permissions.ts';

export type Verdict = 'allowed' | 'missing' | 'not-tried';

export interface CheckedAction {
  action: string;
  verdict: Verdict;
}

export interface PermissionCheck {
  /** How it was found out: IAM was asked, or what only reads was tried. */
  method: 'simulated' | 'tried' | 'none';
  actions: CheckedAction[];
}

/** An example of each kind of resource; no key of this id can be there. */
const noKey = 'key/00000000-0000-0000-0000-000000000000';

/**
 * Which of the permissions are there. IAM's simulation knows of identity policies, permissions boundaries and service
 * control policies, not of key policies. Throws AwsError where AWS is not reached.
 */
export async function checkPermissions(
  account: AwsAccount,
  identity: Identity,
  groups: readonly PermissionGroup[],
  subject: PolicySubject,
): Promise<PermissionCheck> {
  // The root user may everything, and can be simulated by nobody.
  if (identity.kind === 'root')
    return { method: 'none', actions: actionsOf(groups).map((action) => ({ action, verdict: 'allowed' })) };
  try {
    return {
      method: 'simulated',
      actions: await simulate(account, sourceOf(identity, subject), groups, subject),
    };
  } catch (error) {
    // Not allowed, or a role whose path is not known: then by trying.
    if (!(error instanceof AwsError) || !['denied', 'not-found', 'invalid'].includes(error.fault))
      throw error;
  }
  return { method: 'tried', actions: await tryReading(account, identity, groups) };
}

function actionsOf(groups: readonly PermissionGroup[]): string[] {
  return [...new Set(permissionsOf(groups).flatMap(({ actions }) => actions))];
}

function sourceOf({ kind, arn, partition, accountId, name }: Identity, { roleArn }: PolicySubject): string {
  if (kind !== 'role') return arn;
  return roleArn === '' ? `arn:${partition}:iam::${accountId}:role/${name}` : roleArn;
}

/** One request for each statement, since a simulation asks every action of every resource. */
async function simulate(
  account: AwsAccount,
  source: string,
  groups: readonly PermissionGroup[],
  subject: PolicySubject,
): Promise<CheckedAction[]> {
  const { SimulatePrincipalPolicyCommand } = await import('@aws-sdk/client-iam');
  const client = await account.iam();
  const verdicts = new Map<string, Verdict>();
  for (const { actions, resources } of permissionsOf(groups)) {
    const { EvaluationResults: results = [] } = await callAws('SimulatePrincipalPolicy', async () =>
      client.send(
        new SimulatePrincipalPolicyCommand({
          PolicySourceArn: source,
          ActionNames: [...actions],
          ResourceArns: resources(subject).map((arn) => example(arn, account.region)),
          ContextEntries: [
            {
              ContextKeyName: 'kms:KeyOrigin',
              ContextKeyType: 'string',
              ContextKeyValues: ['EXTERNAL_KEY_STORE'],
            },
            {
              ContextKeyName: 'kms:BypassPolicyLockoutSafetyCheck',
              ContextKeyType: 'boolean',
              ContextKeyValues: ['false'],
            },
          ],
        }),
      ),
    );
    for (const action of actions) {
      const mine = results.filter(({ EvalActionName: name }) => name?.toLowerCase() === action.toLowerCase());
      const allowed =
        mine.length > 0 &&
        mine.every(
          ({ EvalDecision: decision, OrganizationsDecisionDetail: organization }) =>
            decision === 'allowed' && organization?.AllowedByOrganizations !== false,
        );
      // An alias is asked for twice, on the alias and on the key: both must let it.
      verdicts.set(action, allowed && verdicts.get(action) !== 'missing' ? 'allowed' : 'missing');
    }
  }
  return [...verdicts].map(([action, verdict]) => ({ action, verdict }));
}

function example(arn: string, region: string): string {
  return arn
    .replace(':kms:*:', `:kms:${region}:`)
    .replace(/key\/\*$/, noKey)
    .replace(/alias\/\*$/, 'alias/holdfast');
}

async function tryReading(
  account: AwsAccount,
  identity: Identity,
  groups: readonly PermissionGroup[],
): Promise<CheckedAction[]> {
  const tries = new Map<string, () => Promise<unknown>>([
    ['kms:DescribeCustomKeyStores', async () => describeKeyStores(account)],
    ['kms:ListAliases', async () => listAliases(account)],
    ['kms:ListKeys', async () => listKeys(account)],
    ['iam:ListUsers', async () => listPrincipals(account, { kind: 'user', limit: 1 })],
    ['iam:ListRoles', async () => listPrincipals(account, { kind: 'role', limit: 1 })],
    ['iam:ListAccessKeys', async () => listAccessKeys(account, identity.name)],
  ]);
  const found: CheckedAction[] = [];
  for (const action of actionsOf(groups)) {
    const attempt = tries.get(action);
    if (action === 'iam:SimulatePrincipalPolicy') found.push({ action, verdict: 'missing' });
    else if (attempt === undefined) found.push({ action, verdict: 'not-tried' });
    else found.push({ action, verdict: await verdictOf(attempt) });
  }
  return found;
}

async function verdictOf(attempt: () => Promise<unknown>): Promise<Verdict> {
  try {
    await attempt();
    return 'allowed';
  } catch (error) {
    if (!(error instanceof AwsError) || error.fault !== 'denied') throw error;
    return 'missing';
  }
}

async function describeKeyStores(account: AwsAccount): Promise<void> {
  const { DescribeCustomKeyStoresCommand } = await import('@aws-sdk/client-kms');
  const client = await account.kms();
  await callAws('DescribeCustomKeyStores', async () =>
    client.send(new DescribeCustomKeyStoresCommand({ Limit: 1 })),
  );
}

async function listAliases(account: AwsAccount): Promise<void> {
  const { ListAliasesCommand } = await import('@aws-sdk/client-kms');
  const client = await account.kms();
  await callAws('ListAliases', async () => client.send(new ListAliasesCommand({ Limit: 1 })));
}

async function listKeys(account: AwsAccount): Promise<void> {
  const { ListKeysCommand } = await import('@aws-sdk/client-kms');
  const client = await account.kms();
  await callAws('ListKeys', async () => client.send(new ListKeysCommand({ Limit: 1 })));
}
