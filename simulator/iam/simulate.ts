import { evaluate, parsePolicy, PolicyError, type ConditionContext, type PolicyDocument } from '../policy.ts';
import type { Principal } from '../principal.ts';
import { ServiceError } from '../service-error.ts';
import type { IamAction, IamCall } from './action.ts';
import { noSuchEntity, type InlinePolicy } from './iam-state.ts';
import { page } from './pages.ts';
import { FORMS, type Parameters } from './parameters.ts';
import { principalOfRole, principalOfUser } from './principals.ts';

/** SimulatePrincipalPolicy: what a user's or role's identity policies say of actions, without doing them. */
export const simulatePrincipalPolicy: IamAction = (iam) => {
  const { call, parameters } = iam;
  const arn = parameters.required('PolicySourceArn', FORMS.arn);
  call.authorize('iam:SimulatePrincipalPolicy', arn);
  for (const name of ['PermissionsBoundaryPolicyInputList', 'CallerArn', 'ResourceHandlingOption'])
    if (parameters.has(name))
      throw new ServiceError(
        'NotImplemented',
        501,
        `The simulator does not do ${name} of SimulatePrincipalPolicy`,
      );
  const source = findSource(iam, arn);
  const actions = parameters.list('ActionNames', { min: 3, max: 128 });
  if (actions.length === 0)
    throw new ServiceError(
      'ValidationError',
      400,
      "1 validation error detected: Value at 'actionNames' must not be null",
    );
  const resources = parameters.list('ResourceArns');
  const added = parameters
    .list('PolicyInputList', FORMS.policyDocument)
    .map((text, index) => ({ name: `PolicyInputList.${index + 1}`, text }));
  const resourceText = parameters.optional('ResourcePolicy', FORMS.policyDocument);
  const resourcePolicy = resourceText === undefined ? undefined : read(resourceText, 'resource');
  const policies = [...source.policies, ...added];
  const documents = policies.map(({ name, text }) => ({ name, document: read(text, 'identity') }));
  const context = { ...contextOf(source.principal, call.at), ...entries(parameters) };
  const pairs = actions
    .flatMap((action) => (resources.length === 0 ? ['*'] : resources).map((resource) => [action, resource]))
    .map(([action = '', resource = ''], index) => ({
      action,
      resource,
      place: String(index).padStart(6, '0'),
    }));
  const { items, rest } = page(pairs, ({ place }) => place, parameters);
  const results = items.map(({ action, resource }) =>
    resultOf({ source, documents, action, resource, context, resourcePolicy }),
  );
  return { EvaluationResults: results, ...rest };
};

interface Source {
  readonly principal: Principal;
  readonly policies: readonly InlinePolicy[];
}

/** A session's or the root user's ARN is refused, as AWS does: permissions are those of the role. */
function findSource({ state, accountId }: IamCall, arn: string): Source {
  for (const user of state.of(accountId).users)
    if (state.userArn(accountId, user) === arn)
      return { principal: principalOfUser(state, accountId, user, ''), policies: state.policiesOf(user) };
  for (const role of state.of(accountId).roles)
    if (state.roleArn(accountId, role) === arn)
      return { principal: principalOfRole(state, accountId, role), policies: state.policiesOf(role) };
  if (!/^arn:[a-z-]+:iam::\d{12}:(user|role)\//.test(arn))
    throw new ServiceError('InvalidInput', 400, 'PolicySourceArn must be the ARN of a user or a role of IAM');
  throw noSuchEntity('The user or role of PolicySourceArn cannot be found.');
}

function resultOf(parts: {
  source: Source;
  documents: readonly { name: string; document: PolicyDocument }[];
  action: string;
  resource: string;
  context: ConditionContext;
  resourcePolicy: PolicyDocument | undefined;
}): Record<string, unknown> {
  const { source, documents, action, resource, context, resourcePolicy } = parts;
  const decide = (policies: readonly PolicyDocument[], withResource: boolean) =>
    evaluate({
      principal: { ...source.principal, policies },
      ...{ action, context, resourceArn: resource, resourceAccountId: source.principal.accountId },
      resourcePolicyIs: 'optional',
      ...(withResource && resourcePolicy !== undefined ? { resourcePolicy } : {}),
    });
  const decision = decide(
    documents.map(({ document }) => document),
    true,
  );
  const matched = documents.filter(({ document }) => {
    const alone = decide([document], false);
    return alone.allowed ? decision.allowed : alone.explicit;
  });
  return {
    EvalActionName: action,
    EvalResourceName: resource,
    EvalDecision: decisionName(decision),
    MatchedStatements: matched.map(({ name }) => ({
      SourcePolicyId: `${source.principal.kind === 'user' ? 'user' : 'role'}_${source.principal.name}_${name}`,
      SourcePolicyType: 'IAM Policy',
    })),
    MissingContextValues: missingKeys(documents, context),
  };
}

function decisionName(decision: ReturnType<typeof evaluate>): string {
  if (decision.allowed) return 'allowed';
  return decision.explicit ? 'explicitDeny' : 'implicitDeny';
}

function missingKeys(
  documents: readonly { document: PolicyDocument }[],
  context: ConditionContext,
): string[] {
  const given = new Set(Object.keys(context).map((key) => key.toLowerCase()));
  const keys = documents
    .flatMap(({ document }) => document.statements)
    .flatMap(({ conditions }) => conditions.map(({ key }) => key));
  return [...new Set(keys)].filter((key) => !given.has(key.toLowerCase()));
}

function contextOf(principal: Principal, at: Date): ConditionContext {
  return {
    'aws:PrincipalArn': principal.policyArn,
    'aws:PrincipalAccount': principal.accountId,
    'aws:userid': principal.id,
    ...(principal.kind === 'user' ? { 'aws:username': principal.name } : {}),
    'aws:CurrentTime': at.toISOString(),
    'aws:EpochTime': String(Math.floor(at.getTime() / 1000)),
  };
}

function entries(parameters: Parameters): ConditionContext {
  const context: Record<string, string[]> = {};
  for (let index = 1; parameters.has(`ContextEntries.member.${index}`) && index <= 100; index += 1) {
    const base = `ContextEntries.member.${index}`;
    context[parameters.required(`${base}.ContextKeyName`, { max: 256 })] = parameters.list(
      `${base}.ContextKeyValues`,
    );
  }
  return context;
}

function read(text: string, kind: 'identity' | 'resource'): PolicyDocument {
  try {
    return parsePolicy(text, kind);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new ServiceError('InvalidInput', 400, error.message);
  }
}
