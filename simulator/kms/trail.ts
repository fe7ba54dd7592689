import type { SimulatedCall } from '../service.ts';
import type { KmsKey } from './records.ts';

type Details = Readonly<Record<string, unknown>>;

/** What CloudTrail says of a call on a key; `keyId` as the caller gave it. */
export function recordKey(call: SimulatedCall, key: KmsKey, parameters: Details = {}): void {
  call.trail.requestParameters = { ...call.trail.requestParameters, ...parameters };
  const resource = { accountId: key.accountId, type: 'AWS::KMS::Key', ARN: key.arn };
  const others = (call.trail.resources ?? []).filter(({ ARN }) => ARN !== key.arn);
  call.trail.resources = [...others, resource];
  if (key.keyStoreId !== undefined)
    call.trail.additionalEventData = { customKeyStoreId: key.keyStoreId, xksKeyId: key.xksKeyId };
}

export function recordParameters(call: SimulatedCall, parameters: Details): void {
  call.trail.requestParameters = parameters;
}

export function recordResponse(call: SimulatedCall, elements: Details): void {
  call.trail.responseElements = elements;
}
