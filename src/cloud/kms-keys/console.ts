import type { VaultContext, Sight } from '../../vault/context.ts';
import { findCloudKeyIn } from '../../keys/key-records.ts';
import { asJson } from './drift.ts';
import { accountOfStore, factsOf, generatedPolicy } from './policy.ts';
import { findKmsKeyIn, tagsOf } from './records.ts';
import { asVaultError } from './fields.ts';

/** What somebody types in AWS who makes or keeps the KMS key by hand. */
export interface KmsKeyConsole {
  region: string;
  /** 12 digits, '' where it is not known. */
  accountId: string;
  keyStoreName: string;
  /** `cks-…`, '' where it is not known. */
  customKeyStoreId: string;
  externalKeyId: string;
  alias: string;
  description: string;
  tags: Record<string, string>;
  /** Null where the AWS account id is not known: AWS's default policy is for the account, then. */
  policy: unknown;
  /** In AWS's console, step by step. */
  steps: string[];
  /** The same with AWS's command line, each a line for a shell; the policy is in policy.json. */
  commands: string[];
}

export async function consoleOfKmsKey(
  { store: { db } }: Pick<VaultContext, 'store'>,
  on: { vaultId: string; sight: Sight; cloudKeyId: string; id: string },
): Promise<KmsKeyConsole> {
  const row = await findKmsKeyIn(db, on.vaultId, on.sight, on.cloudKeyId, on.id);
  const cloudKey = await findCloudKeyIn(db, on.vaultId, on.sight, on.cloudKeyId);
  const account = await accountOfStore(db, row.external_key_store_id);
  const { name } = await db
    .selectFrom('external_key_stores')
    .select('name')
    .where('id', '=', row.external_key_store_id)
    .executeTakeFirstOrThrow();
  const facts = factsOf(account, row);
  const policy =
    row.policy_source === 'DOCUMENT' || row.policy !== ''
      ? row.policy
      : asVaultError(() => generatedPolicy(cloudKey, facts, row.policy_source));
  const told = {
    region: row.region,
    accountId: facts.accountId,
    keyStoreName: name,
    customKeyStoreId: row.custom_key_store_id,
    externalKeyId: row.external_key_id,
    alias: row.alias,
    description: row.description,
    tags: tagsOf(row),
    policy: policy === '' ? null : asJson(policy),
  };
  return row.key_id === ''
    ? { ...told, steps: stepsToMake(told), commands: commandsToMake(told) }
    : { ...told, steps: stepsToKeep, commands: commandsToKeep(told, row.key_arn) };
}

type Told = Omit<KmsKeyConsole, 'steps' | 'commands'>;

/** KMS Developer Guide, "Create a KMS key in an external key store (console)". */
function stepsToMake({ region, keyStoreName, externalKeyId, alias, policy }: Told): string[] {
  return [
    `Sign in to the AWS console of the account, Region ${region}, and open Key Management Service, External key stores.`,
    `Choose the key store ${keyStoreName}; it must be Connected. Choose Create a KMS key in this key store.`,
    `External key ID: ${externalKeyId}. Confirm that you take responsibility for the external key.`,
    `Alias: ${alias === '' ? '(any)' : alias.slice('alias/'.length)}. Description and tags: as below.`,
    policy === null
      ? 'Key administrators and key users: as the CloudKey has them.'
      : 'Take the key policy below (Edit, in the policy view), or choose administrators and users as the CloudKey has them.',
    'Finish; then enter the ARN of the KMS key in Holdfast (holdfast kms-key edit --key-arn).',
  ];
}

const stepsToKeep = [
  'Open the KMS key in the AWS console; set alias, description, tags and key policy as below where they differ.',
];

function commandsToMake({
  region,
  customKeyStoreId,
  externalKeyId,
  alias,
  description,
  tags,
  policy,
}: Told): string[] {
  return [
    [
      `aws kms create-key --region ${region} --origin EXTERNAL_KEY_STORE`,
      `--custom-key-store-id ${customKeyStoreId === '' ? 'CUSTOM-KEY-STORE-ID' : customKeyStoreId}`,
      `--xks-key-id ${externalKeyId}`,
      ...(description === '' ? [] : [`--description ${quote(description)}`]),
      ...tagsOption(tags),
      ...(policy === null ? [] : ['--policy file://policy.json']),
    ].join(' '),
    ...(alias === ''
      ? []
      : [`aws kms create-alias --region ${region} --alias-name ${alias} --target-key-id KEY-ID`]),
  ];
}

/** JSON, since the short form of AWS's command line has no way to write a comma. */
function tagsOption(tags: Record<string, string>): string[] {
  const pairs = Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }));
  return pairs.length === 0 ? [] : [`--tags ${quote(JSON.stringify(pairs))}`];
}

function commandsToKeep({ region, alias, description, tags, policy }: Told, arn: string): string[] {
  const on = `--region ${region} --key-id ${arn}`;
  return [
    `aws kms update-key-description ${on} --description ${quote(description)}`,
    ...tagsOption(tags).map((option) => `aws kms tag-resource ${on} ${option}`),
    ...(policy === null
      ? []
      : [`aws kms put-key-policy ${on} --policy-name default --policy file://policy.json`]),
    ...(alias === ''
      ? []
      : [`aws kms update-alias --region ${region} --alias-name ${alias} --target-key-id ${arn}`]),
    `aws kms disable-key ${on}`,
    `aws kms enable-key ${on}`,
    `aws kms schedule-key-deletion ${on} --pending-window-in-days 30`,
    `aws kms cancel-key-deletion ${on}`,
  ];
}

/** For a POSIX shell, whatever is in it. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
