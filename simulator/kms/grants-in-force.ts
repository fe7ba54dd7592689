import type { EncryptionContext } from '../kms-for-services.ts';
import type { SimulatedCall } from '../service.ts';
import type { Grant, KmsKey } from './records.ts';

/** Whether a grant on the key lets the caller do this. */
export function grantAllows(
  key: KmsKey,
  call: SimulatedCall,
  action: string,
  context: EncryptionContext,
): boolean {
  const operation = action.replace(/^kms:/, '');
  return key.grants.some(
    (grant) =>
      isPrincipal(grant.grantee, call) &&
      grant.operations.includes(operation) &&
      constraintsHold(grant, context),
  );
}

/** The principal itself, its role, or its account's root. */
export function isPrincipal(arn: string | undefined, { principal }: SimulatedCall): boolean {
  return arn === principal.arn || arn === principal.policyArn;
}

function constraintsHold({ contextEquals, contextSubset }: Grant, context: EncryptionContext): boolean {
  const has = (pairs: Readonly<Record<string, string>>) =>
    Object.entries(pairs).every(([name, value]) => context[name] === value);
  if (contextEquals !== undefined)
    return has(contextEquals) && Object.keys(contextEquals).length === Object.keys(context).length;
  return contextSubset === undefined || has(contextSubset);
}
