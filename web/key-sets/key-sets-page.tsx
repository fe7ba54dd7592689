import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useNavigate } from 'react-router';
import { useList, useWholeList, type ItemOf } from '../api/queries.ts';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { useStatus } from '../frame/status-strip.tsx';
import { filtered } from '../parts/filter-in-address.ts';
import { FirstSteps } from '../overview/first-steps.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { keySets as t } from '../texts/key-sets.ts';
import { parts } from '../texts/parts.ts';
import { quotaTexts } from '../texts/quota.ts';
import { FreezeSeveralDialog } from './freeze-several-dialog.tsx';

type KeySet = ItemOf<'listKeySets'>;

export function KeySetsPage() {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const may = useMay();
  const navigate = useNavigate();
  const sort = useSort(['name', '-name', 'createdAt', '-createdAt', 'updatedAt', '-updatedAt'], 'name');
  const list = useList('listKeySets', { vaultId }, { query: { sort } });
  const groups = useWholeList('listAdminGroups', { vaultId });
  const accounts = useWholeList('listCspAccounts', { vaultId });
  const groupOf = ({ adminGroupId: of }: KeySet) =>
    of === null ? t.noGroup : (groups.data?.find(({ id }) => id === of)?.name ?? of);
  const accountOf = ({ cspAccountId: of }: KeySet) =>
    of === null ? t.noAccount : (accounts.data?.find(({ id }) => id === of)?.name ?? of);
  const quotaUse = useQuotaUse();
  const [selectedIds, setSelectedIds] = useState<readonly string[]>([]);
  const [act, setAct] = useState<'freeze' | 'thaw'>();
  const selected = list.items.filter(({ id }) => selectedIds.includes(id));
  const create = may('createKeySet') && (
    <Button variant="primary" onClick={() => void navigate(`${home}/key-sets/create`)}>
      {t.create}
    </Button>
  );
  return (
    <Page title={t.title} headless>
      <ResourceTable<KeySet>
        id="key-sets"
        title={t.title}
        description={t.why}
        list={list}
        sort={sort}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        selected={selected}
        {...(may('freezeKeySets') ? { onSelect: (some) => setSelectedIds(some.map(({ id }) => id)) } : {})}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {may('freezeKeySets') && (
              <ButtonDropdown
                disabled={selected.length === 0}
                items={[
                  { id: 'freeze', text: t.freeze },
                  { id: 'thaw', text: t.thaw },
                ]}
                onItemClick={({ detail }) => setAct(detail.id as 'freeze' | 'thaw')}
              >
                {parts.actions}
              </ButtonDropdown>
            )}
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
            width: 140,
            text: ({ name }) => name,
            cell: ({ id, name }) => <Link href={`${home}/key-sets/${id}`}>{name}</Link>,
          },
          {
            id: 'state',
            header: parts.state,
            text: ({ state }) => stateWord(state),
            cell: ({ state }) => <State of={state} />,
          },
          { id: 'token', header: t.token, text: ({ token }) => token, cell: ({ token }) => token },
          {
            id: 'keys',
            header: t.keys,
            width: 108,
            cell: ({ name, cloudKeys }) => (
              <Link
                href={filtered(`${home}/cloud-keys`, ['by-keySet', '=', name])}
                ariaLabel={`${cloudKeys} ${t.keys}: ${name}`}
              >
                {cloudKeys}
              </Link>
            ),
          },
          {
            id: 'stores',
            header: t.stores,
            width: 125,
            file: ({ externalKeyStores }) => String(externalKeyStores),
            cell: ({ name, externalKeyStores }) => (
              <Link
                href={filtered(`${home}/external-key-stores`, ['by-keySet', '=', name])}
                ariaLabel={`${externalKeyStores} ${t.stores}: ${name}`}
              >
                {externalKeyStores}
              </Link>
            ),
          },
          {
            id: 'liveCredentials',
            header: t.liveCredentials,
            width: 140,
            file: ({ liveCredentials }) => String(liveCredentials),
            cell: ({ id, name, liveCredentials }) => (
              <Link
                href={`${home}/key-sets/${id}?tab=credentials`}
                ariaLabel={`${liveCredentials} ${t.liveCredentials}: ${name}`}
              >
                {liveCredentials}
              </Link>
            ),
          },
          {
            id: 'quotaUse',
            header: quotaTexts.use,
            wide: true,
            width: 150,
            file: quotaUse,
            cell: quotaUse,
          },
          {
            id: 'prefix',
            header: t.prefix,
            text: ({ pathPrefix }) => pathPrefix,
            cell: ({ pathPrefix }) => <span className="mono">{pathPrefix}</span>,
            width: 180,
          },
          {
            id: 'rotation',
            header: t.rotation,
            wide: true,
            width: 130,
            cell: ({ rotation }) => (rotation.days === null ? t.never : t.every(rotation.days)),
          },
          { id: 'group', header: t.group, wide: true, width: 150, text: groupOf, cell: groupOf },
          {
            id: 'account',
            header: t.account,
            hidden: true,
            text: accountOf,
            cell: (keySet) =>
              keySet.cspAccountId === null ? (
                t.noAccount
              ) : (
                <Link href={`${home}/csp-accounts/${keySet.cspAccountId}`}>{accountOf(keySet)}</Link>
              ),
          },
          {
            id: 'quota',
            header: t.quota,
            hidden: true,
            cell: ({ quota }) =>
              quota === null ? t.noQuota : t.quotaOf(quota.requestsPerSecond, quota.burst),
          },
          {
            id: 'description',
            header: parts.description,
            wide: true,
            text: ({ description }) => description,
            cell: ({ description }) => description || parts.none,
            width: 165,
          },
          {
            id: 'createdAt',
            header: parts.created,
            sortedAs: 'createdAt',
            hidden: true,
            cell: ({ createdAt }) => <Time at={createdAt} />,
          },
          {
            id: 'updatedAt',
            header: parts.updated,
            sortedAs: 'updatedAt',
            hidden: true,
            cell: ({ updatedAt }) => <Time at={updatedAt} />,
          },
        ]}
      />
      {act !== undefined && (
        <FreezeSeveralDialog act={act} chosen={selected} onClose={() => setAct(undefined)} />
      )}
    </Page>
  );
}

/** How much of its request quota a key set uses, in words: the status names those that are near theirs. */
function useQuotaUse(): (keySet: KeySet) => string {
  const { data } = useStatus();
  const near = data?.body.quotas?.of;
  return ({ name, quota }) => {
    if (quota === null) return t.noQuota;
    if (near === undefined) return parts.none;
    const found = near.find((one) => one.kind === 'key-set' && one.name === name);
    return found === undefined ? quotaTexts.notNear : quotaTexts.used(found.usedPercent, found.refused);
  };
}
