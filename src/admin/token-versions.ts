import { z } from 'zod';
import type { NotEverywhere } from '../reconcile/not-everywhere.ts';
import { time } from './keys/key-forms.ts';

/** So many key versions are told of; the report of the reconciliation has all that it lists. */
const maxShown = 50;

const known = z.string().nullable();

export const shownNotEverywhere = z.strictObject({
  reconciliationId: z.uuid().describe('The reconciliation that compared the members last.'),
  comparedAt: time,
  problem: known.describe(
    'Why not all of them could be compared, so that there may be more; null if they could.',
  ),
  keyVersions: z
    .array(
      z.strictObject({
        member: z.string().describe('The member that lacks it.'),
        kind: z
          .enum(['missing', 'duplicate', 'unfit'])
          .describe(
            '`missing`: it has no key object for this version; `duplicate`: several with its CKA_ID; `unfit`: another in its place.',
          ),
        vaultId: known,
        cloudKeyId: known,
        name: known.describe('Name of the CloudKey.'),
        externalKeyId: known,
        version: z.int().nullable(),
        objectId: z.string().describe('CKA_ID of the key object, in hexadecimal digits.'),
      }),
    )
    .max(maxShown)
    .describe('Versions that are in use; another member has each of them, and requests go there.'),
  more: z.int().describe('How many more there are that the reconciliation lists.'),
});

type Shown = z.infer<typeof shownNotEverywhere>;
const kinds = ['missing', 'duplicate', 'unfit'] as const satisfies Shown['keyVersions'][number]['kind'][];

export function showNotEverywhere({ reportId, at, problem, findings }: NotEverywhere): Shown {
  const all = findings.flatMap((finding) => {
    const kind = kinds.find((one) => one === finding.kind);
    if (kind === undefined || finding.member === null) return [];
    const { member, vaultId, cloudKeyId, name, externalKeyId, version, objectId } = finding;
    return [{ ...{ member, kind, vaultId, cloudKeyId, name, externalKeyId, version, objectId } }];
  });
  return {
    ...{ reconciliationId: reportId, comparedAt: at, problem },
    keyVersions: all.slice(0, maxShown),
    more: Math.max(0, all.length - maxShown),
  };
}
