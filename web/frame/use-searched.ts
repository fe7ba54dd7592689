import { useWholeList } from '../api/queries.ts';
import { filtered } from '../parts/filter-in-address.ts';
import { homeOf, useMay, useSession } from '../session/session.tsx';
import { navigation as t } from '../texts/navigation.ts';
import type { Kind } from './search-matches.ts';

const every = false;

/** What can be found by name where somebody is signed in: asked for once they type, and of what they may see. */
export function useSearched(isTyping: boolean): Kind[] {
  const { user } = useSession();
  const ofVault = useInVault(user.vaultId ?? '', isTyping && user.vaultId !== null);
  const ofAppliance = useInAppliance(isTyping && user.vaultId === null);
  return user.vaultId === null ? ofAppliance : ofVault;
}

function useInVault(vaultId: string, enabled: boolean): Kind[] {
  const home = homeOf(useSession().user);
  const may = useMay();
  const keySets = useWholeList('listKeySets', { vaultId }, { enabled, every });
  const stores = useWholeList('listExternalKeyStoresInVault', { vaultId }, { enabled, every });
  const accounts = useWholeList('listCspAccounts', { vaultId }, { enabled, every });
  const users = useWholeList('listUsers', { vaultId }, { enabled: enabled && may('listUsers'), every });
  return [
    {
      label: t.keySets,
      things: (keySets.data ?? []).map(({ id, name, pathPrefix }) => ({
        names: [name, pathPrefix],
        href: `${home}/key-sets/${id}`,
      })),
    },
    {
      label: t.stores,
      things: (stores.data ?? []).map(({ id, keySetId, name, customKeyStoreId }) => ({
        names: [name, customKeyStoreId ?? ''],
        href: `${home}/external-key-stores/${keySetId}/${id}`,
      })),
    },
    {
      label: t.accounts,
      things: (accounts.data ?? []).map(({ id, name, awsAccountId }) => ({
        names: [name, awsAccountId],
        href: `${home}/csp-accounts/${id}`,
      })),
    },
    {
      label: t.users,
      things: (users.data ?? []).map(({ username, displayName, email }) => ({
        names: [username, displayName, email],
        href: filtered(`${home}/users`, ['by-username', '=', username]),
      })),
    },
  ];
}

function useInAppliance(enabled: boolean): Kind[] {
  const home = homeOf(useSession().user);
  const vaults = useWholeList('listVaults', undefined, { enabled, every });
  const users = useWholeList('listApplianceUsers', undefined, { enabled, every });
  const tokens = useWholeList('listTokens', undefined, { enabled, every });
  const nodes = useWholeList('listNodes', undefined, { enabled, every });
  return [
    {
      label: t.vaults,
      things: (vaults.data ?? []).map(({ id, name, administrator }) => ({
        names: [name, id, administrator.name],
        href: filtered(`${home}/vaults`, ['by-name', '=', name]),
      })),
    },
    {
      label: t.users,
      things: (users.data ?? []).map(({ username, displayName, email }) => ({
        names: [username, displayName, email],
        href: filtered(`${home}/users`, ['by-username', '=', username]),
      })),
    },
    {
      label: t.tokens,
      things: (tokens.data ?? []).map(({ name, vendor, model }) => ({
        names: [name, vendor, model],
        href: filtered(`${home}/tokens`, ['by-name', '=', name]),
      })),
    },
    {
      label: t.nodes,
      things: (nodes.data ?? []).map(({ hostname, id }) => ({
        names: [hostname, id],
        href: filtered(`${home}/nodes`, ['by-hostname', '=', hostname]),
      })),
    },
  ];
}
