import type { EncryptionContext } from '../kms-for-services.ts';
import { parsePolicy, type ConditionContext, type PolicyDocument } from '../policy.ts';
import type { SimulatedCall } from '../service.ts';
import { targetNow } from './find-key.ts';
import { grantAllows } from './grants-in-force.ts';
import type { Kms } from './kms-house.ts';
import type { KmsKey } from './records.ts';

export interface UseOfKey {
  readonly context?: EncryptionContext;
  /** By which the caller named the key. */
  readonly alias?: string | undefined;
  readonly conditions?: ConditionContext;
}

/**
 * Throws AccessDeniedException unless the key policy, with the caller's IAM policies where it leaves the decision to them, or a
 * grant allows the action on the key.
 */
export function authorizeKey(
  kms: Kms,
  call: SimulatedCall,
  action: string,
  key: KmsKey,
  { context = {}, alias, conditions = {} }: UseOfKey = {},
): void {
  const policy = parsePolicy(key.policy, 'resource');
  const granted = grantAllows(key, call, action, context);
  call.authorize(action, key.arn, {
    resourcePolicy: granted ? withAllow(policy, call, action) : policy,
    resourceAccountId: key.accountId,
    resourcePolicyIs: 'required',
    context: {
      ...callConditions(call),
      ...keyConditions(kms, key),
      ...contextConditions(context),
      'kms:RequestAlias': alias,
      ...conditions,
    },
  });
}

/** For operations on no key in particular: IAM policies alone decide. */
export function authorizeCall(call: SimulatedCall, action: string, resourceArn = '*', conditions = {}): void {
  call.authorize(action, resourceArn, { context: { ...callConditions(call), ...conditions } });
}

/** Developer guide, "AWS KMS condition keys". */
export function callConditions(call: SimulatedCall): ConditionContext {
  return { 'kms:CallerAccount': call.accountId, 'kms:ViaService': call.viaService };
}

function keyConditions(kms: Kms, key: KmsKey): ConditionContext {
  const { aliases } = kms.state.place(key.accountId, key.region);
  return {
    'kms:KeyOrigin': key.origin,
    'kms:KeySpec': 'SYMMETRIC_DEFAULT',
    'kms:KeyUsage': 'ENCRYPT_DECRYPT',
    'kms:MultiRegion': 'false',
    'kms:ResourceAliases': [...aliases.values()]
      .filter((alias) => targetNow(kms, alias) === key.id)
      .map(({ name }) => name),
    ...Object.fromEntries(
      Object.entries(key.tags).map(([name, value]) => [`aws:ResourceTag/${name}`, value]),
    ),
  };
}

function contextConditions(context: EncryptionContext): ConditionContext {
  const names = Object.keys(context);
  return {
    'kms:EncryptionContextKeys': names.length === 0 ? undefined : names,
    ...Object.fromEntries(
      Object.entries(context).map(([name, value]) => [`kms:EncryptionContext:${name}`, value]),
    ),
  };
}

/** A grant allows what no policy denies: as one more statement of the key policy. */
function withAllow(policy: PolicyDocument, call: SimulatedCall, action: string): PolicyDocument {
  const allow = {
    effect: 'Allow' as const,
    principals: { not: false, names: [{ type: 'AWS', value: call.principal.arn }] },
    actions: { not: false, patterns: [action] },
    resources: { not: false, patterns: ['*'] },
    conditions: [],
  };
  return { statements: [...policy.statements, allow] };
}
