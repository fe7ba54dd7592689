import type { KeyMetadata, KMSClient } from '@aws-sdk/client-kms';
import type { AwsAccount } from './clients.ts';
import { AwsError } from './aws-error.ts';
import { callKms } from './kms-errors.ts';
import type { KmsKeyMemory, KmsKeyPage } from './kms-key-memory.ts';

/* KMS keys in an external key store, and their aliases, policies and tags, as AWS KMS has them. Throws AwsError. */

/** A KMS key as DescribeKey shows it. */
export interface AwsKmsKey {
  keyId: string;
  arn: string;
  /** AWS's word: Enabled, Disabled, PendingDeletion, Unavailable … */
  state: string;
  description: string;
  /** `cks-…`; '' for one that is in no custom key store. */
  customKeyStoreId: string;
  /** External key id; '' for one of another origin. */
  xksKeyId: string;
  /** ISO 8601; with PendingDeletion. */
  deletionAt: string | null;
}

export interface NewKmsKey {
  customKeyStoreId: string;
  xksKeyId: string;
  description: string;
  tags: Readonly<Record<string, string>>;
  policy: string;
}

/** More aliases, or tags, than any quota lets a KMS key have: a page that never ends is not followed for ever. */
const maxPages = 20;

/**
 * Sent once: whether an answer that was lost was obeyed is looked for in AWS first, and a repetition waits for its turn
 * like any other request. The SDK would repeat it at once, beside the pace.
 */
const sentOnce: ReadonlySet<string> = new Set(['CreateKey', 'CreateAlias']);

/** One AWS account and Region, as KMS has it. */
export class KmsKeys {
  readonly #account: AwsAccount;
  readonly #region: string;

  constructor(account: AwsAccount, region: string) {
    this.#account = account;
    this.#region = region;
  }

  /** What those who look for a key of this account and Region know together. */
  get memory(): KmsKeyMemory {
    return this.#account.keyMemory(this.#region);
  }

  /** Whether many requests wait to make such: AWS takes few a second. */
  isBusy(operation: 'CreateKey' | 'CreateAlias'): boolean {
    return this.#account.pace.isBusy(operation, this.#region);
  }

  async create(input: NewKmsKey): Promise<AwsKmsKey> {
    const { CreateKeyCommand } = await sdk();
    const command = new CreateKeyCommand({
      Origin: 'EXTERNAL_KEY_STORE',
      KeySpec: 'SYMMETRIC_DEFAULT',
      KeyUsage: 'ENCRYPT_DECRYPT',
      CustomKeyStoreId: input.customKeyStoreId,
      XksKeyId: input.xksKeyId,
      Description: input.description,
      Tags: toTags(input.tags),
      Policy: input.policy,
    });
    const { KeyMetadata } = await this.#call('CreateKey', async (kms) => kms.send(command));
    return parseKey(KeyMetadata);
  }

  /** By id, ARN or alias (`alias/…`). Throws AwsError `not-found`. */
  async describe(key: string): Promise<AwsKmsKey> {
    const { DescribeKeyCommand } = await sdk();
    const command = new DescribeKeyCommand({ KeyId: key });
    const { KeyMetadata } = await this.#call('DescribeKey', async (kms) => kms.send(command));
    return parseKey(KeyMetadata);
  }

  async policy(keyId: string): Promise<string> {
    const { GetKeyPolicyCommand } = await sdk();
    const command = new GetKeyPolicyCommand({ KeyId: keyId, PolicyName: 'default' });
    return (await this.#call('GetKeyPolicy', async (kms) => kms.send(command))).Policy ?? '';
  }

  /** Never past AWS's lockout check: a policy that its author could not change again is refused. */
  async putPolicy(keyId: string, policy: string): Promise<void> {
    const { PutKeyPolicyCommand } = await sdk();
    const command = new PutKeyPolicyCommand({ KeyId: keyId, PolicyName: 'default', Policy: policy });
    await this.#call('PutKeyPolicy', async (kms) => kms.send(command));
  }

  /** In order. */
  async aliases(keyId: string): Promise<string[]> {
    const { ListAliasesCommand } = await sdk();
    const found: string[] = [];
    let Marker: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      const command = new ListAliasesCommand({ KeyId: keyId, Limit: 100, Marker });
      const { Aliases, NextMarker, Truncated } = await this.#call('ListAliases', async (kms) =>
        kms.send(command),
      );
      found.push(...(Aliases ?? []).flatMap(({ AliasName }) => AliasName ?? []));
      if (Truncated !== true || NextMarker === undefined) break;
      Marker = NextMarker;
    }
    return found.toSorted();
  }

  async createAlias(alias: string, keyId: string): Promise<void> {
    const { CreateAliasCommand } = await sdk();
    const command = new CreateAliasCommand({ AliasName: alias, TargetKeyId: keyId });
    await this.#call('CreateAlias', async (kms) => kms.send(command));
  }

  /** Moves an alias that is there to this key. */
  async moveAlias(alias: string, keyId: string): Promise<void> {
    const { UpdateAliasCommand } = await sdk();
    const command = new UpdateAliasCommand({ AliasName: alias, TargetKeyId: keyId });
    await this.#call('UpdateAlias', async (kms) => kms.send(command));
  }

  /** Whether one that is not found is gone, `removed` (presence.ts) says. */
  async deleteAlias(alias: string): Promise<void> {
    const { DeleteAliasCommand } = await sdk();
    const command = new DeleteAliasCommand({ AliasName: alias });
    await this.#call('DeleteAlias', async (kms) => kms.send(command));
  }

  /** Those of AWS itself (`aws:…`) are left out: nobody else can change them. */
  async tags(keyId: string): Promise<Record<string, string>> {
    const { ListResourceTagsCommand } = await sdk();
    const found: [string, string][] = [];
    let Marker: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      const command = new ListResourceTagsCommand({ KeyId: keyId, Limit: 50, Marker });
      const { Tags, NextMarker, Truncated } = await this.#call('ListResourceTags', async (kms) =>
        kms.send(command),
      );
      for (const { TagKey = '', TagValue = '' } of Tags ?? [])
        if (!TagKey.startsWith('aws:')) found.push([TagKey, TagValue]);
      if (Truncated !== true || NextMarker === undefined) break;
      Marker = NextMarker;
    }
    return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  async tag(keyId: string, tags: Readonly<Record<string, string>>): Promise<void> {
    const { TagResourceCommand } = await sdk();
    const command = new TagResourceCommand({ KeyId: keyId, Tags: toTags(tags) });
    await this.#call('TagResource', async (kms) => kms.send(command));
  }

  async untag(keyId: string, names: readonly string[]): Promise<void> {
    const { UntagResourceCommand } = await sdk();
    const command = new UntagResourceCommand({ KeyId: keyId, TagKeys: [...names] });
    await this.#call('UntagResource', async (kms) => kms.send(command));
  }

  async describeAs(keyId: string, description: string): Promise<void> {
    const { UpdateKeyDescriptionCommand } = await sdk();
    const command = new UpdateKeyDescriptionCommand({ KeyId: keyId, Description: description });
    await this.#call('UpdateKeyDescription', async (kms) => kms.send(command));
  }

  async enable(keyId: string): Promise<void> {
    const { EnableKeyCommand } = await sdk();
    const command = new EnableKeyCommand({ KeyId: keyId });
    await this.#call('EnableKey', async (kms) => kms.send(command));
  }

  async disable(keyId: string): Promise<void> {
    const { DisableKeyCommand } = await sdk();
    const command = new DisableKeyCommand({ KeyId: keyId });
    await this.#call('DisableKey', async (kms) => kms.send(command));
  }

  /** ISO 8601 of when AWS will delete it. `days` 7 to 30. */
  async scheduleDeletion(keyId: string, days: number): Promise<string | null> {
    const { ScheduleKeyDeletionCommand } = await sdk();
    const command = new ScheduleKeyDeletionCommand({ KeyId: keyId, PendingWindowInDays: days });
    const { DeletionDate } = await this.#call('ScheduleKeyDeletion', async (kms) => kms.send(command));
    return DeletionDate?.toISOString() ?? null;
  }

  /** It is Disabled afterwards. */
  async cancelDeletion(keyId: string): Promise<void> {
    const { CancelKeyDeletionCommand } = await sdk();
    const command = new CancelKeyDeletionCommand({ KeyId: keyId });
    await this.#call('CancelKeyDeletion', async (kms) => kms.send(command));
  }

  /** Ids of KMS keys of every kind, page by page; `next` undefined at the end. */
  async list(marker: string | undefined, limit: number): Promise<KmsKeyPage> {
    const { ListKeysCommand } = await sdk();
    const command = new ListKeysCommand({ Limit: limit, Marker: marker });
    const { Keys, NextMarker, Truncated } = await this.#call('ListKeys', async (kms) => kms.send(command));
    return {
      keyIds: (Keys ?? []).flatMap(({ KeyId }) => KeyId ?? []),
      next: Truncated === true ? NextMarker : undefined,
    };
  }

  async #call<T>(operation: string, call: (kms: KMSClient) => Promise<T>): Promise<T> {
    const { pace } = this.#account;
    const sentAt = await pace.turn(operation, this.#region);
    const options = { once: sentOnce.has(operation) };
    try {
      const answer = await callKms(operation, async () =>
        call(await this.#account.kms(this.#region, options)),
      );
      pace.taken(operation, this.#region);
      return answer;
    } catch (error) {
      if (error instanceof AwsError && error.fault === 'throttled')
        pace.throttled(operation, this.#region, sentAt);
      else if (error instanceof AwsError && error.certain) pace.taken(operation, this.#region);
      throw error;
    }
  }
}

/** Loaded with the first call: a node without CSP accounts does without. */
const sdk = async () => import('@aws-sdk/client-kms');

function parseKey(metadata: KeyMetadata | undefined): AwsKmsKey {
  const { KeyId = '', Arn = '', KeyState = '', Description = '', CustomKeyStoreId = '' } = metadata ?? {};
  return {
    keyId: KeyId,
    arn: Arn,
    state: KeyState,
    description: Description,
    customKeyStoreId: CustomKeyStoreId,
    xksKeyId: metadata?.XksKeyConfiguration?.Id ?? '',
    deletionAt: metadata?.DeletionDate?.toISOString() ?? null,
  };
}

function toTags(tags: Readonly<Record<string, string>>) {
  return Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }));
}
