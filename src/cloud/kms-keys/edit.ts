import type { Act } from '../../evidence/trail.ts';
import { awsAccountOf } from '../accounts/context.ts';
import type { AwsContext } from '../controller/context.ts';
import type { Edit } from '../../vault/edits.ts';
import { findCloudKeyIn, type CloudKeyRecord } from '../../keys/key-records.ts';
import { actOnKmsKey, again, checkLive, type OnKmsKey } from './acts.ts';
import { lookForLink, parsePastedArn } from './look.ts';
import { acceptedFrom, checkUnlinked, whereOf } from './create.ts';
import { accountOfStore, factsOf, generatedPolicy } from './policy.ts';
import {
  formerAliasesOf,
  getKmsKey,
  isManual,
  tagsOf,
  toApplyOf,
  type Applied,
  type KmsKey,
} from './records.ts';
import { settled, type KmsKeyChange } from './changes.ts';
import {
  asVaultError,
  defaultAlias,
  ownTags,
  parseKmsKeyInput,
  tagsToText,
  type KmsKeyInput,
} from './fields.ts';
import { VaultError } from '../../vault/vault-error.ts';

export interface KmsKeyEdit extends KmsKeyInput {
  /** The KMS key that is there already, for a KMS key record that has none. */
  keyArn?: string | undefined;
}

/**
 * Changes what we want a KMS key to have, and with `apply` has AWS given it. Throws VaultError, NameError; AwsError and
 * TokenError where a key is looked at.
 */
export async function editKmsKey(
  context: AwsContext,
  act: Act,
  on: OnKmsKey,
  { keyArn, ...input }: Edit<KmsKeyEdit>,
  { apply }: { apply: boolean },
): Promise<void> {
  const linked = keyArn === undefined ? undefined : await lookFor(context, on, keyArn);
  const { tags, ...told } = parseKmsKeyInput(input);
  await actOnKmsKey(context, act, on, linked === undefined ? 'update' : 'link', async (trx, row) => {
    checkLive(row);
    if (row.leaving !== null) throw new VaultError('conflict', 'the KMS key record is being given up');
    if (linked !== undefined) {
      checkKeyless(row);
      await checkUnlinked(trx, row.vault_id, linked.key_arn);
    }
    const change: KmsKeyChange = {
      ...told,
      ...(tags === undefined ? {} : { tags: tagsToText({ ...tags, ...ownPart(row) }) }),
    };
    if (told.policy_source !== undefined && told.policy_source !== 'DOCUMENT') {
      const cloudKey = await findCloudKeyIn(trx, row.vault_id, 'all', row.cloud_key_id);
      const account = await accountOfStore(trx, row.external_key_store_id);
      const facts = factsOf(account, row);
      change.policy = asVaultError(() => generatedPolicy(cloudKey, facts, told.policy_source ?? 'GENERATED'));
    }
    return { ...withFollowUp(row, change, apply, act.at), ...linked };
  });
}

/** What is said of a tag that marks the key as ours stays. */
function ownPart(row: KmsKey): Record<string, string> {
  const own = ownTags(row);
  const there = tagsOf(row);
  return Object.fromEntries(Object.entries(own).filter(([name]) => Object.hasOwn(there, name)));
}

/** A change of ours with what follows from it: what AWS is to be given, and the alias that it is to lose. */
export function withFollowUp(row: KmsKey, change: KmsKeyChange, apply: boolean, now: Date): KmsKeyChange {
  const changed = (['policy', 'alias', 'description', 'tags'] as const).filter(
    (what) => change[what] !== undefined && change[what] !== row[what],
  );
  if (changed.length === 0) return change;
  const former =
    changed.includes('alias') && row.alias !== '' && row.step === 'DONE'
      ? [...new Set([...formerAliasesOf(row), row.alias])].filter((alias) => alias !== change.alias)
      : formerAliasesOf(row);
  return {
    ...change,
    former_aliases: JSON.stringify(former),
    ...(apply && row.key_id !== '' && !isManual(row)
      ? { to_apply: JSON.stringify(union(toApplyOf(row), changed, row)) }
      : {}),
    // What stood against the old values says nothing about the new ones.
    ...(isManual(row) || !(apply || row.step === 'ALIAS') ? {} : again(now)),
  };
}

/** While the alias is still to be made its own step makes it. */
function union(before: readonly Applied[], changed: readonly Applied[], { step }: KmsKey): Applied[] {
  return [...new Set([...before, ...changed])].filter((what) => what !== 'alias' || step === 'DONE');
}

async function lookFor(
  context: AwsContext,
  on: OnKmsKey,
  keyArn: string,
): Promise<KmsKeyChange & { key_arn: string }> {
  const row = await getKmsKey(context, on.vaultId, on.sight, on.cloudKeyId, on.id);
  checkKeyless(row);
  const account = await accountOfStore(context.store.db, row.external_key_store_id);
  const { keyArn: key_arn, keyId: key_id } = parsePastedArn(keyArn, whereOf(row, account));
  const common = { ...settled, key_arn, key_id, step: 'DONE', search: null } as const;
  if (account === undefined || isManual(row)) return { ...common, origin: 'MANUAL' };
  const seen = await lookForLink(await awsAccountOf(context, account, row.region), row.region, key_id, row);
  return {
    ...common,
    origin: 'LINKED',
    ...acceptedFrom(seen, context.now()),
    next_check_at: context.now().toISOString(),
  };
}

function checkKeyless(row: KmsKey): void {
  if (row.step === 'KEY' && row.key_id === '') return;
  throw new VaultError(
    'conflict',
    'the KMS key record has a KMS key already',
    'give it up first (holdfast kms-key delete), then make one for the other key',
  );
}

/**
 * What a KMS key record of a CloudKey becomes when the CloudKey is changed: what it had as the CloudKey had it follows. Throws
 * VaultError.
 */
export function following(
  row: KmsKey,
  before: CloudKeyRecord,
  after: CloudKeyRecord,
  facts: Parameters<typeof generatedPolicy>[1],
): KmsKeyChange {
  const oldAlias = defaultAlias(before.name);
  return {
    ...(row.alias === oldAlias && oldAlias !== '' ? { alias: defaultAlias(after.name) } : {}),
    ...(row.description === before.description ? { description: after.description } : {}),
    ...(row.policy_source === 'DOCUMENT'
      ? {}
      : { policy: asVaultError(() => generatedPolicy(after, facts, row.policy_source)) }),
  };
}
