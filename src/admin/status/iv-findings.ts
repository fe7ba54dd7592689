import { hsmsShown } from '../../fleet/hsms-shown.ts';
import { readTokensOnRecord } from '../../keys/own-key-proofs.ts';
import type { AdminServices } from '../services.ts';
import { onToken } from './affected.ts';
import type { StatusFinding } from './findings.ts';

/**
 * Tokens whose keys are, or were, in several HSMs that may each count their IVs: what was encrypted under one key by two of them can have
 * an IV in common. Nodes may each have an HSM of their own, so that no configuration shows it.
 */
export async function ivFindings({
  store: { db },
  tokenFacts,
}: Pick<AdminServices, 'store' | 'tokenFacts'>): Promise<StatusFinding[]> {
  const counting = tokenFacts.filter(({ drawsIvs }) => !drawsIvs);
  if (counting.length === 0) return [];
  const known = await readTokensOnRecord({ db });
  const findings: StatusFinding[] = [];
  for (const { name } of counting) {
    const shown = await hsmsShown(db, name);
    const serials = [...new Set([...(known.get(name)?.serials ?? []), ...shown])].toSorted();
    if (serials.length > 1)
      findings.push({
        trouble: 'TOKEN_IVS_MAY_REPEAT',
        where: name,
        on: onToken(name),
        things: serials,
        message: `token ${name}: its keys were seen in several HSMs (serial ${serials.join(', ')}) that may each count their IVs, and two that do use one twice under a key`,
        remediation:
          'have one HSM alone serve until its vendor has confirmed that all of each IV is random, then state iv.random: docs/profiles.md, HSM groups',
      });
  }
  return findings;
}
