import { counted } from '../../counted.ts';
import { countLeft, readHsmsNotAsked } from '../../keys/replaced-tokens.ts';
import type { Reading } from '../../vault/edits.ts';
import { onToken } from './affected.ts';
import type { StatusFinding } from './findings.ts';

/** HSMs that versions which are to be destroyed wait for: no schedule asks them, and nobody else tells of it. */
export async function notAskedFindings(db: Reading, tokens: readonly string[]): Promise<StatusFinding[]> {
  const noted = await readHsmsNotAsked(db, tokens);
  if (noted.length === 0) return [];
  const left = await countLeft(db);
  return noted
    .filter(({ id }) => left.has(id))
    .map((hsm) => ({
      trouble: 'HSM_NOT_ASKED',
      where: hsm.token,
      on: onToken(hsm.token),
      things: [hsm.id],
      message: `token ${hsm.token}: ${counted(left.get(hsm.id) ?? 0, 'key version')} to be destroyed may be in the HSM of serial ${hsm.serials.join(' or ')}`,
      remediation:
        'holdfast reconcile run on a node that has it; or erase it by its vendor’s means, then: ' +
        `holdfast token record-erased ${hsm.token} ${hsm.id}`,
    }));
}
