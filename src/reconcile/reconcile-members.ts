import { TokenError } from '../token/faults.ts';
import { proveOn } from '../keys/hsm/group-members.ts';
import { identityOfVersion } from '../keys/key-identities.ts';
import { about, tell, type Comparing, type VersionOnRecord } from './reconcile-records.ts';
import type { FindingKind } from './reconciliation-report.ts';

const kindOf: Partial<Record<TokenError['fault'], FindingKind>> = {
  'key-missing': 'missing',
  'key-duplicate': 'duplicate',
  'key-unfit': 'unfit',
};

/** Whether each member that can be asked has the key of a version that one of them has shown. Throws TokenError. */
export async function compareMembers(comparing: Comparing, row: VersionOnRecord): Promise<void> {
  const pool = comparing.context.tokens.pool(comparing.token);
  if (pool.members.length === 1) return;
  const named = { key: row.objectId, identity: identityOfVersion(row) };
  for (const member of comparing.members)
    try {
      await proveOn(pool, member, named);
    } catch (error) {
      const kind = error instanceof TokenError ? kindOf[error.fault] : undefined;
      if (kind === undefined) throw error;
      tell(comparing, { ...about(row), kind, outcome: 'none', detail: inWords(member, kind, error), member });
    }
}

function inWords(member: string, kind: FindingKind, error: unknown): string {
  const wrong =
    kind === 'missing'
      ? 'has no key object for this version'
      : kind === 'duplicate'
        ? 'has several key objects with the CKA_ID of this version'
        : `has another key object in place of this version (${error instanceof TokenError ? (error.detail ?? '') : ''})`;
  return (
    `member ${member} ${wrong}; another member has the right one, and requests go there: what was encrypted with it cannot be read ` +
    'once that one is gone. Have the vendor’s means bring the keys of the members into line'
  );
}

/** What of a group could not be asked; undefined where all could. */
export function whyNotAll(comparing: Comparing): string | undefined {
  const { members } = comparing.context.tokens.pool(comparing.token);
  const away = members.filter((member) => !comparing.members.includes(member));
  if (away.length === 0) return undefined;
  return (
    `${away.length === 1 ? 'member' : 'members'} ${away.join(', ')} of the HSM group could not be asked, so what is missing there is not known; ` +
    'once it answers: holdfast reconcile run'
  );
}
