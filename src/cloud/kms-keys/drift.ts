import { isDeepStrictEqual } from 'node:util';
import { comparePolicies, type PolicyComparison } from '../aws/kms-policy-comparison.ts';
import { seenOf, tagsOf, type KmsKey, type SeenKey } from './records.ts';

/** Something that AWS has otherwise than we. */
export interface Drift {
  what: 'policy' | 'alias' | 'description' | 'tags' | 'state' | 'key-store';
  ours: unknown;
  aws: unknown;
  /** What it comes from, where it can be told. */
  note?: string;
}

type Compared = Pick<
  KmsKey,
  | 'seen'
  | 'step'
  | 'policy'
  | 'alias'
  | 'description'
  | 'tags'
  | 'cloud_wish'
  | 'custom_key_store_id'
  | 'external_key_id'
>;

/** How AWS's word for the state that was asked for here reads. */
const wanted = { ENABLED: 'Enabled', DISABLED: 'Disabled', PENDING_DELETION: 'PendingDeletion' } as const;

/** Where what AWS said last differs from ours; nothing before AWS was asked, and once the KMS key record was given up. */
export function driftOf(row: Compared): Drift[] {
  const seen = seenOf(row);
  if (seen === null || row.step === 'GONE') return [];
  if (seen.state === 'NotFound')
    return row.cloud_wish === 'PENDING_DELETION'
      ? []
      : [
          {
            what: 'state',
            ours: wanted[row.cloud_wish],
            aws: 'NotFound',
            note: 'the KMS key is not there any more',
          },
        ];
  return [...keyStoreDrift(row, seen), ...stateDrift(row, seen), ...valueDrift(row, seen)];
}

function keyStoreDrift(row: Compared, seen: SeenKey): Drift[] {
  const ours = { customKeyStoreId: row.custom_key_store_id, xksKeyId: row.external_key_id };
  const aws = { customKeyStoreId: seen.customKeyStoreId, xksKeyId: seen.xksKeyId };
  if (isDeepStrictEqual(ours, aws)) return [];
  const note = 'the KMS key is one of another key store or external key; that of a KMS key can never change';
  return [{ what: 'key-store', ours, aws, note }];
}

function stateDrift(row: Compared, seen: SeenKey): Drift[] {
  const ours = wanted[row.cloud_wish];
  // Of the states of AWS these are passing, or the key store's: a disconnected one makes its keys Unavailable.
  if (seen.state === ours || !['Enabled', 'Disabled', 'PendingDeletion'].includes(seen.state)) return [];
  return [{ what: 'state', ours, aws: seen.state }];
}

function valueDrift(row: Compared, seen: SeenKey): Drift[] {
  const found: Drift[] = [];
  if (seen.policy !== null && row.policy !== '') {
    const comparison = comparePolicies(row.policy, seen.policy);
    if (!comparison.same)
      found.push({
        what: 'policy',
        ours: asJson(row.policy),
        aws: asJson(seen.policy),
        ...noteOf(comparison),
      });
  }
  // Further aliases are nobody's fault: a KMS key may have 50.
  if (seen.aliases !== null && row.alias !== '' && row.step === 'DONE' && !seen.aliases.includes(row.alias))
    found.push({ what: 'alias', ours: row.alias, aws: seen.aliases });
  if (seen.description !== row.description)
    found.push({ what: 'description', ours: row.description, aws: seen.description });
  const tags = tagsOf(row);
  if (seen.tags !== null && !isDeepStrictEqual(seen.tags, tags))
    found.push({ what: 'tags', ours: tags, aws: seen.tags });
  return found;
}

function noteOf({ deletedPrincipals, opensToAll }: PolicyComparison): { note?: string } {
  const notes = [
    ...(opensToAll ? ['AWS’s allows something to everyone, of whatever account, without a condition'] : []),
    ...(deletedPrincipals.length === 0
      ? []
      : [
          `users or roles of it are deleted in IAM, and AWS shows their ids: ${deletedPrincipals.join(', ')}`,
        ]),
  ];
  return notes.length === 0 ? {} : { note: notes.join('; ') };
}

/** A policy as it is shown: as a document, or as the text that AWS gave where that is none. */
export function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
