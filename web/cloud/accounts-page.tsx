import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useNavigate } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useList, useWholeList, type ItemOf } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { FirstSteps } from '../overview/first-steps.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { Time } from '../parts/time.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { accounts as t } from '../texts/cloud.ts';
import { parts } from '../texts/parts.ts';
import { AccountDialog } from './account-dialog.tsx';

type CspAccount = ItemOf<'listCspAccounts'>;

export function AccountsPage() {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const may = useMay();
  const navigate = useNavigate();
  const sort = useSort(['name', '-name', 'createdAt', '-createdAt', 'updatedAt', '-updatedAt'], 'name');
  const list = useList('listCspAccounts', { vaultId }, { query: { sort } });
  const groups = useWholeList('listAdminGroups', { vaultId });
  const groupName = (id: string) => groups.data?.find((group) => group.id === id)?.name ?? parts.none;
  const keySets = useWholeList('listKeySets', { vaultId });
  const keySetsOf = ({ id }: CspAccount) =>
    keySets.data?.filter(({ cspAccountId }) => cspAccountId === id).length;
  const [creating, setCreating] = useState(false);
  const create = may('createCspAccount') && (
    <Button variant="primary" onClick={() => setCreating(true)}>
      {t.create}
    </Button>
  );
  return (
    <Page title={t.title} headless>
      <ResourceTable<CspAccount>
        id="csp-accounts"
        title={t.title}
        description={t.why}
        list={list}
        sort={sort}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        actions={create}
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
            cell: ({ id, name }) => <Link href={`${home}/csp-accounts/${id}`}>{name}</Link>,
          },
          {
            id: 'type',
            header: t.type,
            text: ({ type }) => t.types[type],
            cell: ({ type }) => t.types[type],
            width: 140,
          },
          {
            id: 'account',
            header: t.account,
            width: 140,
            text: ({ awsAccountId }) => awsAccountId,
            cell: ({ awsAccountId, name }) => <Copyable text={awsAccountId} what={`${t.account}: ${name}`} />,
          },
          {
            id: 'check',
            header: t.check,
            text: checkWords,
            cell: (account) => <CheckState account={account} />,
            width: 165,
          },
          {
            id: 'keySets',
            header: t.keySets,
            wide: true,
            width: 108,
            file: (account) => String(keySetsOf(account) ?? ''),
            cell: (account) => keySetsOf(account) ?? parts.none,
          },
          {
            id: 'region',
            header: t.region,
            width: 125,
            text: ({ defaultRegion }) => defaultRegion,
            cell: ({ defaultRegion }) => defaultRegion || parts.none,
          },
          {
            id: 'group',
            header: t.group,
            width: 115,
            text: ({ adminGroupId }) => groupName(adminGroupId),
            cell: ({ adminGroupId }) => groupName(adminGroupId),
          },
          {
            id: 'age',
            header: t.age,
            wide: true,
            cell: ({ accessKeyCreatedAt }) => <Time at={accessKeyCreatedAt} />,
          },
          {
            id: 'next',
            header: t.nextRotation,
            width: 134,
            cell: ({ nextAccessKeyRotationAt }) => <Time at={nextAccessKeyRotationAt} none={parts.never} />,
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
        ]}
      />
      {creating && (
        <AccountDialog
          onClose={() => setCreating(false)}
          onMade={(id) => void navigate(`${home}/csp-accounts/${id}`)}
        />
      )}
    </Page>
  );
}

/** Whether AWS takes the credential, and gives it what is needed. */
export function CheckState({ account }: { account: Schemas['CspAccount'] }) {
  const { check, type } = account;
  if (check === null)
    return (
      <StatusIndicator type="pending">{type === 'manual' ? t.types.manual : t.notChecked}</StatusIndicator>
    );
  return (
    <StatusIndicator type={check.ok ? 'success' : check.arn === null ? 'error' : 'warning'}>
      {checkWords(account)}, <Time at={check.at} />
    </StatusIndicator>
  );
}

function checkWords({ check, type }: Schemas['CspAccount']): string {
  if (check === null) return type === 'manual' ? t.types.manual : t.notChecked;
  if (check.ok) return t.checkedOk;
  return check.arn === null ? t.refused : t.missing(check.missing.length);
}
