import { useState } from 'react';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { pace } from '../api/looks.ts';
import { useAct, useList, useRecord } from '../api/queries.ts';
import { useMay, useSession } from '../session/session.tsx';
import type { Archive } from './archive-file.ts';

export type Pruning = Schemas['AuditPruning'];

/** The trail of the vault, of the appliance or, for the latter, of a vault that was deleted; and what was pruned of it. */
export function useTrail(sort: '-askedAt' | 'askedAt', deletedVault: string | undefined) {
  const { vaultId } = useSession().user;
  const may = useMay();
  const params = { vaultId: vaultId ?? '' };
  const isVault = vaultId !== null;
  const [isUnderWay, setUnderWay] = useState(false);
  const every = isUnderWay ? pace.pending : pace.list;
  const trailInVault = useRecord('getAuditTrail', params, { enabled: isVault, every: pace.rare });
  const trailOfAppliance = useRecord('getApplianceAuditTrail', undefined, {
    query: { deletedVault },
    enabled: !isVault,
    every: pace.rare,
  });
  const inVault = useList('listAuditPrunings', params, { query: { sort }, enabled: isVault, every });
  const ofAppliance = useList('listApplianceAuditPrunings', undefined, {
    query: { sort, deletedVault },
    enabled: !isVault,
    every,
  });
  const prunings = isVault ? inVault : ofAppliance;
  const goesOn = prunings.items.some(({ endedAt }) => endedAt === null);
  if (goesOn !== isUnderWay) setUnderWay(goesOn);
  return {
    trail: isVault ? trailInVault : trailOfAppliance,
    prunings,
    mayPrune: may(isVault ? 'createAuditPruning' : 'createApplianceAuditPruning'),
  };
}

/** Asks the node to delete exactly the events of an archive. */
export function usePrune(): (archive: Archive, idempotencyKey: string) => Promise<unknown> {
  const { vaultId } = useSession().user;
  const inVault = useAct('createAuditPruning');
  const ofAppliance = useAct('createApplianceAuditPruning');
  return async ({ vault, from, before, count, sha256 }, idempotencyKey) => {
    const body = { from, before, count, sha256 };
    if (vaultId !== null) return inVault.mutateAsync({ params: { vaultId }, body, idempotencyKey });
    const deleted = vault === null ? {} : { deletedVault: vault.id };
    return ofAppliance.mutateAsync({ body: { ...body, ...deleted }, idempotencyKey });
  };
}
