import { z } from 'zod';
import type { KmsKeyPreview } from '../../cloud/kms-keys/new-key.ts';
import type { CloudKeyRecord } from '../../keys/cloud-keys.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import { policySources, showPolicySource } from '../cloud/kms-key-forms.ts';
import { region } from './key-forms.ts';

/* A CloudKey that is not made yet, as the API shows what would be. */

export const shownPreview = z
  .strictObject({
    keySetId: z.uuid(),
    keySetName: z.string(),
    token: z.string().describe('Token in which its AES-256 key would be generated.'),
    region,
    kmsKey: z
      .strictObject({
        externalKeyStoreId: z.uuid(),
        externalKeyStoreName: z.string(),
        customKeyStoreId: z.string().nullable().describe('Its id in AWS; null while unknown.'),
        region,
        accountId: z.string().nullable().describe('The AWS account; null while unknown.'),
        alias: z.string().describe('Empty for none.'),
        description: z.string(),
        tags: z
          .record(z.string(), z.string())
          .describe('Besides `holdfast:kms-key` and `holdfast:cloud-key`, which name the records.'),
        policySource: policySources,
        policy: z
          .unknown()
          .describe('The key policy; null if it is generated and AWS has not told the account id yet.'),
      })
      .nullable()
      .describe('Its KMS key in AWS; null if none would be created.'),
  })
  .meta({ id: 'CloudKeyPreview', description: 'What creating a CloudKey would make.' });

export function showPreview(
  { region }: CloudKeyRecord,
  { id, name, token }: KeySet,
  kmsKey: KmsKeyPreview | undefined,
): z.output<typeof shownPreview> {
  return {
    keySetId: id,
    keySetName: name,
    token,
    region,
    kmsKey: kmsKey === undefined ? null : showKmsKeyPreview(kmsKey),
  };
}

function showKmsKeyPreview({ store, accountId, policySource, ...told }: KmsKeyPreview) {
  const { alias, description, tags, policy } = told;
  return {
    externalKeyStoreId: store.id,
    externalKeyStoreName: store.name,
    customKeyStoreId: store.custom_key_store_id === '' ? null : store.custom_key_store_id,
    region: store.region,
    accountId: accountId === '' ? null : accountId,
    ...{ alias, description, tags, policy },
    policySource: showPolicySource(policySource),
  };
}
