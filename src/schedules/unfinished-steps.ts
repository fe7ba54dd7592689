import { removeKeySet } from '../keys/key-sets/key-set-removal.ts';
import { planRotations } from '../keys/rotation-plan.ts';
import type { Step, UnfinishedKind } from '../vault/unfinished-work.ts';
import { endVault } from '../tenancy/vault-end.ts';

/** How each kind of work is gone on with. */
export const unfinishedSteps: Readonly<Record<UnfinishedKind, Step>> = {
  'rotation-plan': planRotations,
  'key-set-removal': removeKeySet,
  'vault-end': endVault,
};
