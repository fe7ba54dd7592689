import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useAct, useList, useRecord } from '../api/queries.ts';
import type { QueryOf } from '../api/operation-types.ts';
import { useMay, useSession } from '../session/session.tsx';
import { reconciliation as t } from '../texts/reconciliation.ts';

export type Report = Schemas['Reconciliation'];
export type Finding = Schemas['Finding'];

/** Reports of the vault, or of the appliance. */
export function useReports(query: QueryOf<'listReconciliations'>) {
  const { vaultId } = useSession().user;
  const params = { vaultId: vaultId ?? '' };
  const inVault = useList('listVaultReconciliations', params, { query, enabled: vaultId !== null });
  const ofAppliance = useList('listReconciliations', undefined, { query, enabled: vaultId === null });
  return vaultId === null ? ofAppliance : inVault;
}

/** One of them; it never changes. */
export function useReport(reconciliationId: string) {
  const { vaultId } = useSession().user;
  const of = (enabled: boolean) => ({ enabled, every: false as const });
  const inVault = useRecord(
    'getVaultReconciliation',
    { vaultId: vaultId ?? '', reconciliationId },
    of(vaultId !== null),
  );
  const ofAppliance = useRecord('getReconciliation', { reconciliationId }, of(vaultId === null));
  return vaultId === null ? ofAppliance : inVault;
}

/** Has the records compared now; answers the report. */
export function useCompare(): { mayCompare: boolean; compare: (key: string) => Promise<Report> } {
  const { vaultId } = useSession().user;
  const may = useMay();
  const inVault = useAct('createVaultReconciliation');
  const ofAppliance = useAct('createReconciliation');
  return {
    mayCompare: may(vaultId === null ? 'createReconciliation' : 'createVaultReconciliation'),
    compare: async (idempotencyKey) => {
      const { body } = await (vaultId === null
        ? ofAppliance.mutateAsync({ idempotencyKey })
        : inVault.mutateAsync({ params: { vaultId }, idempotencyKey }));
      return body;
    },
  };
}

/** As in the lists of tokens: those that nobody has to look at are counted too. */
export function countOf({ tokens }: Report): number {
  return tokens.flatMap(({ counts }) => Object.values(counts)).reduce((all, count) => all + count, 0);
}

/** Of those that are listed, how many somebody has to look at. */
export function openOf({ tokens }: Report): number {
  return tokens.flatMap(({ findings }) => findings).filter(isOpen).length;
}

export function isOpen({ outcome }: Finding): boolean {
  return outcome === 'none' || outcome === 'failed';
}

/** Who asked for it; the API has a word for those who have no name. */
export function askedBy({ askedBy: who, vaultId }: Report, isVault: boolean): string {
  if (who === 'start') return t.start;
  return isVault && vaultId === null && who === 'appliance' ? t.appliance : who;
}
