import { isAlias } from '../aws/kms-arns.ts';
import { KeyPolicyError, parseKeyPolicy } from '../aws/key-policy.ts';
import type { Edit } from '../../vault/edits.ts';
import type { KmsKeyRow } from './records.ts';
import { parseDescription } from '../../vault/names.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** How the key policy comes about: from administrators and users, with or without the account's statement; or as told. */
export type PolicyInput = 'generated' | 'generated-without-root' | Readonly<Record<string, unknown>>;

/** What may be told of a KMS key record, and changed later. */
export interface KmsKeyInput {
  /** With or without `alias/` before it; '' for none. `alias/` and the CloudKey's name if left out. */
  alias?: string | undefined;
  /** Besides ours, which begin with `holdfast:`. */
  tags?: Readonly<Record<string, string>> | undefined;
  /** That of the CloudKey if left out. */
  description?: string | undefined;
  policy?: PolicyInput | undefined;
}

/** AWS takes 50 tags; two are ours (TagResource). */
const maxTags = 48;

/** What KMS takes in keys and values of tags: letters, digits, blanks and `_.:/=+-@` (API Reference, Tag). */
const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

export function parseAlias(text: string): string {
  if (text === '') return '';
  const alias = text.startsWith('alias/') ? text : `alias/${text}`;
  if (!isAlias(alias))
    throw new VaultError(
      'invalid',
      'an alias is alias/ and 1 to 250 of A-Z, a-z, 0-9, "/", "_" and "-", and does not begin with alias/aws/',
    );
  return alias;
}

/** The alias of a CloudKey of this name; '' where AWS keeps such names for itself. */
export function defaultAlias(name: string): string {
  const alias = `alias/${name}`;
  return isAlias(alias) ? alias : '';
}

/** The tags by which a KMS key is known to be that of the KMS key record. */
export function ownTags({
  id,
  cloud_key_id,
}: Pick<KmsKeyRow, 'id' | 'cloud_key_id'>): Record<string, string> {
  return { 'holdfast:kms-key': id, 'holdfast:cloud-key': cloud_key_id };
}

function parseTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.keys(tags);
  if (names.length > maxTags)
    throw new VaultError('invalid', `a KMS key has at most ${maxTags} tags besides ours`);
  for (const [name, value] of Object.entries(tags)) {
    if (name === '' || name.length > 128 || value.length > 256 || !tagText.test(name) || !tagText.test(value))
      throw new VaultError(
        'invalid',
        'the key of a tag has 1 to 128 characters and its value up to 256: letters, digits, blanks and _ . : / = + - @',
      );
    if (/^(?:aws|holdfast):/i.test(name))
      throw new VaultError(
        'invalid',
        'tags that begin with aws: are AWS’s, and those with holdfast: are ours',
      );
  }
  return Object.fromEntries(Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Tags in the order in which they are kept. */
export function tagsToText(tags: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

export type ParsedKmsKeyInput = Partial<
  Pick<KmsKeyRow, 'alias' | 'description' | 'policy' | 'policy_source'> & { tags: Record<string, string> }
>;

/** What is told, parsed; what is left out stays out. A generated policy is written later. Throws VaultError, NameError. */
export function parseKmsKeyInput(input: Edit<KmsKeyInput>): ParsedKmsKeyInput {
  const { alias, tags, description, policy } = input;
  return {
    ...(alias === undefined ? {} : { alias: parseAlias(alias) }),
    ...(tags === undefined ? {} : { tags: parseTags(tags) }),
    ...(description === undefined ? {} : { description: parseDescription(description) }),
    ...(policy === undefined ? {} : parsePolicy(policy)),
  };
}

function parsePolicy(policy: PolicyInput): Pick<KmsKeyRow, 'policy' | 'policy_source'> {
  if (policy === 'generated') return { policy: '', policy_source: 'GENERATED' };
  if (policy === 'generated-without-root') return { policy: '', policy_source: 'GENERATED_WITHOUT_ROOT' };
  return { policy: asVaultError(() => parseKeyPolicy(policy)), policy_source: 'DOCUMENT' };
}

/** What is wrong with a policy, as a VaultError `invalid`. */
export function asVaultError<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof KeyPolicyError) throw new VaultError('invalid', error.message, error.remediation);
    throw error;
  }
}
