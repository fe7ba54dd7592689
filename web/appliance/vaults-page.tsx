import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { call } from '../api/client.ts';
import { useList, type ItemOf } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { Page } from '../frame/page.tsx';
import { actsColumn } from '../parts/acts-column.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { Opened } from '../parts/seen.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { EditVaultDialog, FreezeVaultDialog } from '../people/settings-page.tsx';
import { useMay } from '../session/session.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { freezes } from '../texts/freezes.ts';
import { parts } from '../texts/parts.ts';
import { FirstRun } from './first-run.tsx';
import { FreezeAllDialog } from './freeze-all-dialog.tsx';
import { CreateVaultDialog, RemoveVaultDialog, ResetAdministratorDialog } from './vault-dialogs.tsx';

type Vault = ItemOf<'listVaults'>;
type VaultAct = 'edit' | 'freeze' | 'thaw' | 'reset' | 'remove';

/** Every vault of the appliance; while there is none, what comes before the first. */
export function VaultsPage() {
  const may = useMay();
  const sort = useSort(['name', '-name', 'createdAt', '-createdAt', 'updatedAt', '-updatedAt'], 'name');
  const list = useList('listVaults', undefined, { query: { sort } });
  const [creating, setCreating] = useState(false);
  const [freezingAll, setFreezingAll] = useState(false);
  const [open, setOpen] = useState<{ act: VaultAct; vault: Vault }>();
  const create = may('createVault') && (
    <Button variant="primary" onClick={() => setCreating(true)}>
      {t.createVault}
    </Button>
  );
  return (
    <Page title={t.vaults} headless>
      <ResourceTable<Vault>
        id="vaults"
        title={t.vaults}
        description={t.vaultsWhy}
        list={list}
        sort={sort}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {may('freezeAllVaults') && list.items.some(({ frozenSince }) => frozenSince.vault === null) && (
              <Button onClick={() => setFreezingAll(true)}>{freezes.freezeAll}</Button>
            )}
            {create}
          </SpaceBetween>
        }
        empty={
          <>
            <Empty title={t.noVaults} why={t.noVaultsWhy}>
              {create}
            </Empty>
            <FirstRun />
          </>
        }
        columns={[
          {
            id: 'name',
            header: t.name,
            sortedAs: 'name',
            isRowHeader: true,
            width: 140,
            text: ({ name }) => name,
            cell: ({ name }) => name,
          },
          {
            id: 'state',
            header: parts.state,
            width: 110,
            text: ({ state }) => stateWord(state),
            cell: ({ state }) => <State of={state} />,
          },
          {
            id: 'address',
            header: t.address,
            width: 240,
            cell: ({ signInUrl, name }) => <Copyable text={signInUrl} what={`${t.address}: ${name}`} />,
          },
          {
            id: 'apiUrl',
            header: t.apiAddress,
            hidden: true,
            cell: ({ apiUrl, name }) => <Copyable text={apiUrl} what={`${t.apiAddress}: ${name}`} />,
          },
          {
            id: 'administrator',
            header: t.administrator,
            width: 135,
            text: ({ administrator }) => administrator.name,
            cell: ({ administrator }) => administrator.name,
          },
          { id: 'keySets', header: t.keySets, width: 103, cell: ({ keySets }) => keySets },
          { id: 'cloudKeys', header: t.cloudKeys, width: 112, cell: ({ cloudKeys }) => cloudKeys },
          {
            id: 'tokens',
            header: t.tokens,
            hidden: true,
            text: ({ tokens }) => tokens.join(', '),
            cell: ({ tokens }) => tokens.join(', '),
          },
          {
            id: 'description',
            header: parts.description,
            hidden: true,
            text: ({ description }) => description,
            cell: ({ description }) => description,
          },
          {
            id: 'createdAt',
            header: parts.created,
            sortedAs: 'createdAt',
            hidden: true,
            cell: ({ createdAt }) => <Time at={createdAt} />,
          },
          ...(may('updateVault')
            ? [
                actsColumn({
                  nameOf: (vault: Vault) => vault.name,
                  actsOf: (vault) => [
                    { id: 'edit', text: t.edit },
                    vault.frozenSince.appliance === null
                      ? { id: 'freeze', text: t.freeze }
                      : { id: 'thaw', text: t.thaw },
                    { id: 'reset', text: t.reset },
                    { id: 'remove', text: t.remove },
                  ],
                  onAct: (act: VaultAct, vault) => setOpen({ act, vault }),
                  width: 112,
                }),
              ]
            : []),
        ]}
      />
      {freezingAll && <FreezeAllDialog onClose={() => setFreezingAll(false)} />}
      {creating && <CreateVaultDialog onClose={() => setCreating(false)} />}
      {open !== undefined && <VaultDialog {...open} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

/** An act on one vault, against what is seen of it as the dialog opens. */
function VaultDialog({ act, vault, onClose }: { act: VaultAct; vault: Vault; onClose: () => void }) {
  if (act === 'reset') return <ResetAdministratorDialog vault={vault} onClose={onClose} />;
  const refetch = async () => call('getVault', { params: { vaultId: vault.id } });
  return (
    <Opened title={vault.name} read={refetch} onClose={onClose}>
      {({ body, etag }) => {
        const seen = { vault: body, etag, refetch, onClose };
        if (act === 'edit') return <EditVaultDialog {...seen} />;
        if (act === 'remove') return <RemoveVaultDialog {...seen} />;
        return <FreezeVaultDialog {...seen} act={act} />;
      }}
    </Opened>
  );
}
