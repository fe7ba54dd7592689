import { parsePolicy, PolicyError, type PolicyDocument } from '../policy.ts';
import { ServiceError } from '../service-error.ts';
import type { SimulatedCall } from '../service.ts';
import { authorizeKey, callConditions } from './access.ts';
import { kmsError } from './errors.ts';
import { changingKey, findKey, seenKey } from './find-key.ts';
import { Input } from './input.ts';
import type { Kms } from './kms-house.ts';
import { page } from './pages.ts';
import { recordKey } from './trail.ts';

const largestPolicy = 32 * 1024;

/** What KMS gives a key that is made without one: the account's IAM policies decide. */
export function defaultPolicy(partition: string, accountId: string): string {
  return stored(partition, {
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  });
}

/**
 * A policy as KMS takes it: valid, of principals that are there, and such that the caller can change it again unless the safety check
 * is bypassed. Gives the text that GetKeyPolicy will show.
 */
export function acceptPolicy(
  kms: Kms,
  call: SimulatedCall,
  text: string,
  { arn, bypass }: { arn: string; bypass: boolean },
): string {
  if (Buffer.byteLength(text) > largestPolicy)
    throw kmsError('LimitExceededException', 'A key policy has at most 32 KiB');
  const policy = parse(text);
  for (const { principals } of policy.statements)
    for (const { type, value } of principals?.names ?? [])
      if (type === 'AWS' && value.startsWith('arn:') && !kms.house.accounts.exists(value))
        throw malformed('A statement has a principal that does not exist');
  if (!bypass && !allowsPutKeyPolicy(call, arn, policy))
    throw malformed('With this key policy the caller could not change the key policy again');
  return stored(call.partition, JSON.parse(text));
}

export function getKeyPolicy(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const keyId = input.text('KeyId');
  const { key } = findKey(kms, call, keyId);
  recordKey(call, key, { keyId });
  authorizeKey(kms, call, 'kms:GetKeyPolicy', key);
  requireDefault(input);
  return { Policy: (seenKey(kms, key) ?? key).policy, PolicyName: 'default' };
}

export function putKeyPolicy(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const keyId = input.text('KeyId');
  const text = input.text('Policy', { max: 131_072 });
  const bypass = input.flag('BypassPolicyLockoutSafetyCheck');
  const { key } = findKey(kms, call, keyId);
  recordKey(call, key, {
    keyId,
    policyName: 'default',
    policy: text,
    bypassPolicyLockoutSafetyCheck: bypass,
  });
  authorizeKey(kms, call, 'kms:PutKeyPolicy', key, {
    conditions: { 'kms:BypassPolicyLockoutSafetyCheck': String(bypass) },
  });
  requireDefault(input);
  const policy = acceptPolicy(kms, call, text, { arn: key.arn, bypass });
  changingKey(kms, key);
  key.policy = policy;
  kms.house.changed();
}

export function listKeyPolicies(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const keyId = input.text('KeyId');
  const { key } = findKey(kms, call, keyId);
  recordKey(call, key, { keyId });
  authorizeKey(kms, call, 'kms:ListKeyPolicies', key);
  const { items, truncation } = page(input, ['default'], (name) => name, { standard: 100, max: 1000 });
  return { PolicyNames: items, ...truncation };
}

/** KMS knows one name of a key policy. */
function requireDefault(input: Input): void {
  if ((input.optionalText('PolicyName') ?? 'default') !== 'default')
    throw kmsError('NotFoundException', 'The only policy of a key is called default');
}

function allowsPutKeyPolicy(call: SimulatedCall, arn: string, resourcePolicy: PolicyDocument): boolean {
  try {
    call.authorize('kms:PutKeyPolicy', arn, {
      resourcePolicy,
      resourcePolicyIs: 'required',
      context: callConditions(call),
    });
    return true;
  } catch (error) {
    if (error instanceof ServiceError) return false;
    throw error;
  }
}

function parse(text: string): PolicyDocument {
  try {
    return parsePolicy(text, 'resource');
  } catch (error) {
    if (error instanceof PolicyError) throw malformed(error.message);
    throw error;
  }
}

function malformed(message: string): ServiceError {
  return kmsError('MalformedPolicyDocumentException', message);
}

/** As KMS gives a policy back: laid out anew, and accounts named by id as their root ARN. So it is not the text that was put. */
function stored(partition: string, document: unknown): string {
  const accountAsArn = (name: string, value: unknown): unknown => {
    if (name !== 'AWS') return value;
    const rename = (one: unknown) =>
      typeof one === 'string' && /^\d{12}$/.test(one) ? `arn:${partition}:iam::${one}:root` : one;
    return Array.isArray(value) ? value.map(rename) : rename(value);
  };
  return JSON.stringify(document, accountAsArn, 2).replaceAll(/^( *"(?:[^"\\]|\\.)*"): /gm, '$1 : ');
}
