import { useList, type ListName } from '../api/queries.ts';
import { Checklist } from '../parts/checklist.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { firstSteps as t } from '../texts/overview.ts';

/** From an empty vault to the first CloudKey that AWS can use. Nothing once all of it is there. */
export function FirstSteps() {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const may = useMay();
  const steps = [
    {
      ...t.account,
      done: useAny('listCspAccounts', vaultId),
      may: may('createCspAccount'),
      path: '/csp-accounts',
    },
    { ...t.keySet, done: useAny('listKeySets', vaultId), may: may('createKeySet'), path: '/key-sets/create' },
    {
      ...t.store,
      done: useAny('listExternalKeyStoresInVault', vaultId),
      may: may('createExternalKeyStore'),
      path: '/external-key-stores',
    },
    {
      ...t.cloudKey,
      done: useAny('listCloudKeys', vaultId),
      may: may('createCloudKey'),
      path: '/cloud-keys/create',
    },
  ];
  // While it is not known there is nothing to say.
  if (steps.some(({ done }) => done === undefined) || steps.every(({ done }) => done === true)) return null;
  return (
    <Checklist
      title={t.title}
      why={t.why}
      steps={steps.map(({ text, act, done, may: mayDo, path }) => ({
        text,
        done: done === true,
        act: mayDo ? { text: act, href: `${home}${path}` } : undefined,
      }))}
    />
  );
}

type InVault = Extract<
  ListName,
  'listCspAccounts' | 'listKeySets' | 'listExternalKeyStoresInVault' | 'listCloudKeys'
>;

/** Whether the vault has one; undefined before it is known. */
function useAny(operation: InVault, vaultId: string): boolean | undefined {
  const { items, isPending } = useList(operation, { vaultId }, { query: { limit: 1 } });
  return isPending ? undefined : items.length > 0;
}
