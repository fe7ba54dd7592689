import { randomUUID } from 'node:crypto';
import { dnsSuffixOf } from '../principal.ts';
import type { SimulatedCall } from '../service.ts';
import { newMaterial } from './key-material.ts';
import type { Kms } from './kms-house.ts';
import type { KmsKey } from './records.ts';
import { arnOf } from './state.ts';

/** The account's AWS managed key for a service, made at first use. Its policy lets the account's principals use it through the service. */
export function managedKey(kms: Kms, call: SimulatedCall, name: `alias/aws/${string}`): KmsKey {
  const place = kms.state.place(call.accountId, call.region);
  const known = place.keys.get(place.aliases.get(name)?.targetKeyId ?? '');
  if (known !== undefined) return known;
  const id = randomUUID();
  const now = kms.house.now().getTime();
  const service = name.slice('alias/aws/'.length);
  const key: KmsKey = {
    ...newMaterial(),
    id,
    arn: arnOf(call, `key/${id}`),
    accountId: call.accountId,
    region: call.region,
    createdAt: now,
    origin: 'AWS_KMS',
    manager: 'AWS',
    description: `Default key that protects ${service} objects when no other key is defined`,
    state: 'Enabled',
    policy: policyOf(call, service),
    tags: {},
    grants: [],
  };
  place.keys.set(id, key);
  place.aliases.set(name, { name, createdAt: now, updatedAt: now, targetKeyId: id, effectiveAt: now });
  kms.house.changed();
  return key;
}

function policyOf({ accountId, region, partition }: SimulatedCall, service: string): string {
  const use = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'];
  const view = ['kms:Describe*', 'kms:Get*', 'kms:List*'];
  return JSON.stringify({
    Version: '2012-10-17',
    Id: `auto-${service}`,
    Statement: [
      {
        Sid: `Allow access through ${service} for all principals in the account that are authorized to use it`,
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: use,
        Resource: '*',
        Condition: {
          StringEquals: {
            'kms:CallerAccount': accountId,
            'kms:ViaService': `${service}.${region}.${dnsSuffixOf(region)}`,
          },
        },
      },
      {
        Sid: 'Allow direct access to key metadata to the account',
        Effect: 'Allow',
        Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
        Action: view,
        Resource: '*',
      },
    ],
  });
}
