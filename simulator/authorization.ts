import { evaluate, type ConditionContext } from './policy.ts';
import { commonError } from './protocol.ts';
import type { AuthorizeOptions, SimulatedCall } from './service.ts';

/** Throws AccessDenied under the service's name unless policies allow the action. */
export function authorize(
  call: SimulatedCall,
  action: string,
  resourceArn: string,
  options: AuthorizeOptions,
): void {
  const decision = evaluate({
    principal: call.principal,
    action,
    resourceArn,
    resourceAccountId: options.resourceAccountId ?? accountOf(resourceArn) ?? call.accountId,
    resourcePolicyIs: options.resourcePolicyIs ?? 'optional',
    context: { ...globalContext(call), ...options.context },
    ...(options.resourcePolicy === undefined ? {} : { resourcePolicy: options.resourcePolicy }),
  });
  if (decision.allowed) return;
  throw commonError(
    call.service,
    'denied',
    `${call.principal.kind === 'root' ? 'Root user' : 'User'}: ${call.principal.arn} is not authorized to perform: ${action} on resource: ${resourceArn} because ${decision.reason}`,
  );
}

function accountOf(arn: string): string | undefined {
  const account = arn.split(':')[4];
  return account === undefined || account === '' ? undefined : account;
}

/** IAM User Guide, "AWS global condition context keys", as far as the simulator knows them. */
export function globalContext(call: SimulatedCall): ConditionContext {
  const { principal } = call;
  return {
    'aws:PrincipalArn': principal.policyArn,
    'aws:PrincipalAccount': principal.accountId,
    'aws:PrincipalType': { root: 'Account', user: 'User', 'assumed-role': 'AssumedRole' }[principal.kind],
    'aws:userid': principal.id,
    ...(principal.kind === 'user' ? { 'aws:username': principal.name } : {}),
    ...(principal.session === undefined ? {} : { 'aws:MultiFactorAuthPresent': 'false' }),
    'aws:SourceIp': call.sourceAddress,
    'aws:SecureTransport': String(call.http.secure),
    'aws:UserAgent': call.userAgent,
    'aws:CurrentTime': call.at.toISOString(),
    'aws:EpochTime': String(Math.floor(call.at.getTime() / 1000)),
    'aws:RequestedRegion': call.region,
    'aws:ViaAWSService': String(call.viaService !== undefined),
  };
}
