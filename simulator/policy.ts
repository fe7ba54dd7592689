import { conditionsHold } from './policy-conditions.ts';
import { parsePolicy, PolicyError, type PolicyDocument, type Statement } from './policy-document.ts';
import { fillVariables, matches, matchesAction, type ConditionContext } from './policy-match.ts';
import { grantTo } from './policy-principal.ts';
import type { Principal } from './principal.ts';

export { parsePolicy, PolicyError, type ConditionContext, type PolicyDocument };

export interface Request {
  readonly principal: Principal;
  /** `kms:Encrypt` */
  readonly action: string;
  readonly resourceArn: string;
  readonly resourceAccountId: string;
  readonly resourcePolicy?: PolicyDocument;
  /** See `AuthorizeOptions`. */
  readonly resourcePolicyIs: 'required' | 'optional';
  readonly context: ConditionContext;
}

/** `reason` completes "… is not authorized to perform … because". */
export type Decision =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly explicit: boolean; readonly reason: string };

/**
 * IAM User Guide, "Policy evaluation logic": an explicit deny anywhere wins; else the resource's policy may allow the principal
 * itself, or leave it to the principal's account, whose identity policies then decide. Across accounts both must allow.
 */
export function evaluate(request: Request): Decision {
  const { principal, action } = request;
  const identity = principal.policies.flatMap((policy) => policy.statements);
  const session = principal.sessionPolicies.flatMap((policy) => policy.statements);
  const applying = (statements: readonly Statement[], effect: 'Allow' | 'Deny') =>
    statements.filter((statement) => statement.effect === effect && applies(statement, request));
  if (applying(identity, 'Deny').length > 0)
    return denied('there is an explicit deny in an identity-based policy', true);
  if (applying(session, 'Deny').length > 0)
    return denied('there is an explicit deny in a session policy', true);
  const grant = grantOf(request);
  if (grant === 'denied') return denied('there is an explicit deny in a resource-based policy', true);
  if (principal.sessionPolicies.length > 0 && applying(session, 'Allow').length === 0)
    return denied(`no session policy allows the ${action} action`);
  const byIdentity = principal.kind === 'root' || applying(identity, 'Allow').length > 0;
  const sameAccount = principal.accountId === request.resourceAccountId;
  if (sameAccount && grant === 'principal') return { allowed: true };
  if (grant === 'none' && (request.resourcePolicyIs === 'required' || !sameAccount))
    return denied(`no resource-based policy allows the ${action} action`);
  return byIdentity ? { allowed: true } : denied(`no identity-based policy allows the ${action} action`);
}

function denied(reason: string, explicit = false): Decision {
  return { allowed: false, explicit, reason };
}

/** What the resource's policy says of this principal: itself named, its account named, nothing, or a deny. */
function grantOf(request: Request): 'principal' | 'account' | 'none' | 'denied' {
  let best: 'principal' | 'account' | 'none' = 'none';
  for (const statement of request.resourcePolicy?.statements ?? []) {
    const named = grantTo(statement, request.principal);
    if (named === 'none' || !applies(statement, request)) continue;
    if (statement.effect === 'Deny') return 'denied';
    if (named === 'principal' || best === 'none') best = named;
  }
  return best;
}

function applies(statement: Statement, request: Request): boolean {
  const action = statement.actions.patterns.some((pattern) => matchesAction(pattern, request.action));
  if (action === statement.actions.not) return false;
  if (statement.resources !== undefined) {
    const resource = statement.resources.patterns.some((pattern) => {
      const filled = fillVariables(pattern, request.context);
      return filled !== undefined && matches(filled, request.resourceArn);
    });
    if (resource === statement.resources.not) return false;
  }
  return conditionsHold(statement.conditions, request.context);
}
