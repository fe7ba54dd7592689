import { z } from 'zod';
import { counted } from '../../counted.ts';
import type { LastComparison, Unsettled, UnsettledKind } from '../../reconcile/unsettled-findings.ts';
import { onToken } from './affected.ts';
import type { StatusFinding } from './findings.ts';

export const shownNote = z.strictObject({
  where: z.string().describe('The token.'),
  message: z.string(),
  more: z.string().describe('The command that shows more.'),
});

/** Something to know that needs nobody. */
export type StatusNote = z.infer<typeof shownNote>;

const unsettledWords: Readonly<Record<UnsettledKind, readonly [one: string, several: string]>> = {
  missing: ['key version without a key object', 'key versions without a key object'],
  'in-replaced-token': [
    'key version in a token that was replaced, or in an HSM that is not asked',
    'key versions in a token that was replaced, or in an HSM that is not asked',
  ],
  duplicate: ['CKA_ID that several key objects have', 'CKA_IDs that several key objects have'],
  unfit: ['key object that is not the key on record', 'key objects that are not the keys on record'],
  'seal-broken': ['sealed secret that does not open', 'sealed secrets that do not open'],
  drift: ['key object that is not as it was made', 'key objects that are not as they were made'],
  interrupted: [
    'act that was cut off and could not be ended',
    'acts that were cut off and could not be ended',
  ],
  orphan: ['key object that no record knows', 'key objects that no record knows'],
};

/** Of what reconciliation has left to somebody, and of tokens that it could not look at. */
export function reconciliationFindings(unsettled: readonly Unsettled[]): StatusFinding[] {
  return unsettled.flatMap(({ token, compared, notCompared }) => {
    const kinds = kindsOf(compared, (kind) => kind !== 'orphan');
    const found = `as compared at ${compared?.at ?? ''}: ${kinds.join(', ')}`;
    if (notCompared === undefined)
      return kinds.length === 0
        ? []
        : [
            {
              ...{ trouble: 'RECONCILIATION_FINDINGS' as const, where: token, on: onToken(token) },
              message: `token ${token}, ${found}`,
              things: compared?.things,
              command: `holdfast reconcile show ${compared?.reportId ?? ''}`,
              remediation: `holdfast reconcile show ${compared?.reportId ?? ''}; once it is seen to: holdfast reconcile run`,
            },
          ];
    const since = compared === undefined ? 'was not compared yet' : `was not compared since ${compared.at}`;
    return [
      {
        ...{ trouble: 'RECONCILIATION_FINDINGS' as const, where: token, on: onToken(token) },
        message:
          `token ${token} ${since}: ${notCompared.problem}` +
          (kinds.length === 0 ? '' : `; ${found} (holdfast reconcile show ${compared?.reportId ?? ''})`),
        remediation: 'once the token answers: holdfast reconcile run',
      },
    ];
  });
}

/**
 * What is kept on purpose as often as not: key objects of another installation in the same token, and those that a restored
 * store does not know. Nobody but the operator can tell, and nothing is done with them.
 */
export function reconciliationNotes(unsettled: readonly Unsettled[]): StatusNote[] {
  return unsettled.flatMap(({ token, compared }) => {
    const kinds = kindsOf(compared, (kind) => kind === 'orphan');
    return kinds.length === 0
      ? []
      : [
          {
            where: token,
            message: `token ${token}, as compared at ${compared?.at ?? ''}: ${kinds.join(', ')}, left as they are`,
            more: `holdfast reconcile show ${compared?.reportId ?? ''}`,
          },
        ];
  });
}

function kindsOf(compared: LastComparison | undefined, wanted: (kind: UnsettledKind) => boolean): string[] {
  return [...(compared?.counts ?? [])]
    .filter(([kind]) => wanted(kind))
    .map(([kind, n]) => counted(n, ...unsettledWords[kind]));
}
