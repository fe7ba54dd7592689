import { readTokensOnRecord } from '../../keys/own-key-proofs.ts';
import type { AdminServices } from '../services.ts';
import { onToken } from './affected.ts';
import { hsmsThatCount } from '../token-ivs.ts';
import type { StatusFinding } from './findings.ts';

/**
 * Tokens whose keys are, or were, in several HSMs that may each count their IVs: what was encrypted under one key by two of them can have
 * an IV in common. Nodes may each have an HSM of their own, so that no configuration shows it.
 */
export async function ivFindings(
  services: Pick<AdminServices, 'store' | 'tokenFacts'>,
): Promise<StatusFinding[]> {
  const counting = services.tokenFacts.filter(({ drawsIvs }) => !drawsIvs);
  if (counting.length === 0) return [];
  const known = await readTokensOnRecord(services.store);
  const findings: StatusFinding[] = [];
  for (const token of counting) {
    const { name } = token;
    const serials = await hsmsThatCount(services, token, known);
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
