import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useNavigate } from 'react-router';
import { useList, useWholeList, type ItemOf } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { FirstSteps } from '../overview/first-steps.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { stateWord } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { stores as t } from '../texts/cloud.ts';
import { keySets } from '../texts/key-sets.ts';
import { parts } from '../texts/parts.ts';
import { storeHealth } from '../texts/store-edit.ts';
import { CreateStoreDialog } from './create-store-dialog.tsx';
import { LinkStoreDialog } from './link-store-dialog.tsx';
import { healthWords, StoreHealth, StoreState } from './store-state.tsx';

type Store = ItemOf<'listExternalKeyStoresInVault'>;

/** Every external key store of the vault. */
export function StoresPage() {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const may = useMay();
  const navigate = useNavigate();
  const sort = useSort(
    ['name', '-name', 'region', '-region', 'createdAt', '-createdAt', 'updatedAt', '-updatedAt'],
    'name',
  );
  const list = useList('listExternalKeyStoresInVault', { vaultId }, { query: { sort } });
  const accounts = useWholeList('listCspAccounts', { vaultId });
  const accountOf = ({ cspAccountId: of }: Store) =>
    of === null ? keySets.noAccount : (accounts.data?.find(({ id }) => id === of)?.name ?? of);
  const [creating, setCreating] = useState(false);
  const [linking, setLinking] = useState(false);
  const open = (keySetId: string, id: string) =>
    void navigate(`${home}/external-key-stores/${keySetId}/${id}`);
  const create = may('createExternalKeyStore') && (
    <Button variant="primary" onClick={() => setCreating(true)}>
      {t.create}
    </Button>
  );
  return (
    <Page title={t.title} headless>
      <ResourceTable<Store>
        id="external-key-stores"
        title={t.title}
        description={t.why}
        list={list}
        sort={sort}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {may('linkExternalKeyStore') && <Button onClick={() => setLinking(true)}>{t.link}</Button>}
            {create}
          </SpaceBetween>
        }
        empty={
          <>
            <Empty title={t.none} why={t.noneWhy}>
              {create}
            </Empty>
            <FirstSteps />
          </>
        }
        columns={[
          {
            id: 'name',
            header: parts.name,
            sortedAs: 'name',
            isRowHeader: true,
            width: 120,
            text: ({ name }) => name,
            cell: ({ id, keySetId, name }) => (
              <Link href={`${home}/external-key-stores/${keySetId}/${id}`}>{name}</Link>
            ),
          },
          {
            id: 'state',
            header: t.state,
            text: ({ state }) => stateWord(state),
            cell: (store) => <StoreState store={store} />,
            width: 140,
          },
          {
            id: 'region',
            header: t.region,
            width: 122,
            sortedAs: 'region',
            text: ({ region }) => region,
            cell: ({ region }) => region,
          },
          {
            id: 'account',
            header: keySets.account,
            wide: true,
            width: 140,
            text: accountOf,
            cell: (store) =>
              store.cspAccountId === null ? (
                keySets.noAccount
              ) : (
                <Link href={`${home}/csp-accounts/${store.cspAccountId}`}>{accountOf(store)}</Link>
              ),
          },
          {
            id: 'keySet',
            header: t.keySet,
            width: 108,
            text: ({ keySetName }) => keySetName,
            cell: ({ keySetId, keySetName }) => (
              <Link href={`${home}/key-sets/${keySetId}`}>{keySetName}</Link>
            ),
          },
          {
            id: 'endpoint',
            header: t.endpoint,
            text: ({ uriEndpoint }) => uriEndpoint,
            cell: ({ uriEndpoint }) => uriEndpoint,
            width: 230,
          },
          {
            id: 'health',
            header: storeHealth.health,
            width: 140,
            text: healthWords,
            cell: (store) => <StoreHealth store={store} />,
          },
          {
            id: 'seen',
            header: t.since,
            width: 116,
            cell: ({ checkedAt }) => <Time at={checkedAt} none={parts.never} />,
          },
          {
            id: 'connectivity',
            header: t.connectivity,
            hidden: true,
            text: ({ connectivity }) => t.connectivities[connectivity],
            cell: ({ connectivity }) => t.connectivities[connectivity],
          },
          {
            id: 'origin',
            header: t.origin,
            hidden: true,
            text: ({ origin }) => t.origins[origin],
            cell: ({ origin }) => t.origins[origin],
          },
          {
            id: 'id',
            header: t.id,
            hidden: true,
            text: ({ customKeyStoreId }) => customKeyStoreId ?? '',
            cell: ({ customKeyStoreId, name }) => (
              <Copyable text={customKeyStoreId} what={`${t.id}: ${name}`} />
            ),
          },
        ]}
      />
      {creating && <CreateStoreDialog onClose={() => setCreating(false)} onMade={open} />}
      {linking && <LinkStoreDialog onClose={() => setLinking(false)} onLinked={open} />}
    </Page>
  );
}
