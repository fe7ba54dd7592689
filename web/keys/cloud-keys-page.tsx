import { useMemo, useState } from 'react';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useNavigate } from 'react-router';
import type { QueryOf } from '../api/operation-types.ts';
import { useList } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { useKeySetWay } from '../key-sets/key-set-way.ts';
import { equal, useAsked, type Ways } from '../parts/asked.ts';
import type { Column } from '../parts/list.ts';
import { FirstSteps } from '../overview/first-steps.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { stateWord } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { adopt } from '../texts/adopt.ts';
import { commands } from '../texts/commands.ts';
import { keys as t } from '../texts/keys.ts';
import { parts } from '../texts/parts.ts';
import { AdoptDialog } from './adopt-dialog.tsx';
import { AwsStates, awsText } from './aws-state.tsx';
import { canBe, type BulkAct } from './bulk-acts.ts';
import { BulkDialog } from './bulk-dialog.tsx';
import { KeyStateLines } from './key-state.tsx';
import { lastUse, type CloudKey } from './use.ts';

/** Every CloudKey of the vault; key set and Region are filters, not questions that come first. */
export function CloudKeysPage() {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const may = useMay();
  const navigate = useNavigate();
  const sort = useSort(
    ['name', '-name', 'region', '-region', 'createdAt', '-createdAt', 'updatedAt', '-updatedAt'],
    'name',
  );
  const { isKnown, way: keySet, name } = useKeySetWay();
  const ways = useMemo<Ways<QueryOf<'listCloudKeys'>>>(() => ({ keySet, region: equal('region') }), [keySet]);
  const asked = useAsked(ways);
  const list = useList('listCloudKeys', { vaultId }, { query: { sort, ...asked.query }, enabled: isKnown });
  const { keySetId, region } = asked.query;
  const command = commands.cloudKeyList({
    ...(keySetId === undefined ? {} : { keySet: name }),
    region,
    ...(sort === 'name' ? {} : { sort }),
  });
  const [selectedIds, setSelectedIds] = useState<readonly string[]>([]);
  const [act, setAct] = useState<BulkAct>();
  const [adopting, setAdopting] = useState(false);
  const selected = list.items.filter(({ id }) => selectedIds.includes(id));
  const create = may('createCloudKey') && (
    <Button variant="primary" onClick={() => void navigate(`${home}/cloud-keys/create`)}>
      {t.create}
    </Button>
  );
  return (
    <Page title={t.title} headless>
      <ResourceTable<CloudKey>
        id="cloud-keys"
        title={t.title}
        description={t.why}
        list={list}
        sort={sort}
        columns={columnsOf(home)}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        selected={selected}
        asked={asked}
        download={{ name: 'cloud-keys', command }}
        {...(may('disableCloudKey') ? { onSelect: (some) => setSelectedIds(some.map(({ id }) => id)) } : {})}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {may('disableCloudKey') && (
              <ButtonDropdown
                disabled={selected.length === 0}
                items={bulkActs(may, selected)}
                onItemClick={({ detail }) => setAct(detail.id as BulkAct)}
              >
                {parts.actions}
              </ButtonDropdown>
            )}
            {may('adoptCloudKey') && <Button onClick={() => setAdopting(true)}>{adopt.adopt}</Button>}
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
      />
      {act !== undefined && <BulkDialog act={act} keys={selected} onClose={() => setAct(undefined)} />}
      {adopting && (
        <AdoptDialog
          onClose={() => setAdopting(false)}
          onAdopted={(id) => void navigate(`${home}/cloud-keys/${id}`)}
        />
      )}
    </Page>
  );
}

/** What can be done with all that is selected; what only some of it lets one do says so. */
function bulkActs(may: ReturnType<typeof useMay>, selected: readonly CloudKey[]) {
  const item = (act: 'rotate' | 'remove', text: string) => {
    const not = selected.filter((key) => !canBe(act, key)).map(({ name }) => name);
    if (not.length === 0) return { id: act, text };
    return { id: act, text, disabled: true, disabledReason: t.bulkNot[act](not.join(', ')) };
  };
  return [
    { id: 'disable', text: t.disable },
    { id: 'enable', text: t.enable },
    ...(may('rotateCloudKey') ? [item('rotate', t.rotate)] : []),
    ...(may('scheduleCloudKeyDeletion') ? [item('remove', t.remove)] : []),
  ];
}

/** The AWS accounts that its KMS keys are in. */
function accountsOf(kmsKeys: CloudKey['kmsKeys']): string {
  return [...new Set(kmsKeys.flatMap(({ accountId }) => accountId ?? []))].join(', ');
}

function columnsOf(home: string): Column<CloudKey>[] {
  return [
    {
      id: 'name',
      header: parts.name,
      sortedAs: 'name',
      isRowHeader: true,
      text: ({ name }) => name,
      cell: ({ id, name }) => <Link href={`${home}/cloud-keys/${id}`}>{name}</Link>,
      width: 118,
    },
    {
      id: 'state',
      header: t.here,
      text: ({ effectiveState }) => stateWord(effectiveState),
      cell: (key) => <KeyStateLines of={key} />,
      width: 172,
    },
    {
      id: 'aws',
      header: t.inAws,
      text: ({ kmsKeys }) => awsText(kmsKeys),
      cell: ({ kmsKeys }) => <AwsStates kmsKeys={kmsKeys} />,
      width: 120,
    },
    {
      id: 'keySet',
      header: t.keySet,
      width: 106,
      text: ({ keySetName }) => keySetName,
      cell: ({ keySetId, keySetName }) => <Link href={`${home}/key-sets/${keySetId}`}>{keySetName}</Link>,
    },
    {
      id: 'region',
      header: t.region,
      wide: true,
      width: 125,
      sortedAs: 'region',
      text: ({ region }) => region,
      cell: ({ region }) => region || parts.none,
    },
    {
      id: 'account',
      header: t.account,
      wide: true,
      width: 135,
      text: ({ kmsKeys }) => accountsOf(kmsKeys),
      cell: ({ kmsKeys }) => accountsOf(kmsKeys) || parts.none,
    },
    {
      id: 'alias',
      header: t.alias,
      text: ({ kmsKeys }) => kmsKeys.map(({ alias }) => alias).join(', '),
      cell: ({ kmsKeys }) =>
        kmsKeys
          .map(({ alias }) => alias)
          .filter(Boolean)
          .join(', ') || parts.none,
      width: 148,
    },
    {
      id: 'lastUsed',
      header: t.lastUsed,
      width: 113,
      file: ({ use }) => lastUse(use) ?? '',
      cell: ({ use }) => <Time at={lastUse(use)} none={parts.never} />,
    },
    {
      id: 'nextRotation',
      header: t.nextRotation,
      width: 134,
      file: ({ nextRotationAt }) => nextRotationAt ?? '',
      cell: ({ nextRotationAt }) => <Time at={nextRotationAt} none={parts.never} />,
    },
    {
      id: 'expires',
      header: t.expires,
      wide: true,
      file: ({ expiresAt }) => expiresAt ?? '',
      cell: ({ expiresAt }) => <Time at={expiresAt} none={parts.never} />,
    },
    {
      id: 'version',
      header: t.version,
      wide: true,
      width: 92,
      file: ({ currentVersion }) => String(currentVersion),
      cell: ({ currentVersion }) => currentVersion,
    },
    {
      id: 'usage',
      header: t.usage,
      hidden: true,
      text: ({ usage }) => t.usages[usage],
      cell: ({ usage }) => t.usages[usage],
    },
    {
      id: 'externalKeyId',
      header: t.externalKeyId,
      hidden: true,
      text: ({ externalKeyId }) => externalKeyId,
      cell: ({ externalKeyId, name }) => (
        <Copyable text={externalKeyId} what={`${t.externalKeyId}: ${name}`} />
      ),
    },
    {
      id: 'keyArn',
      header: 'ARN',
      hidden: true,
      text: ({ kmsKeys }) => kmsKeys.map(({ keyArn }) => keyArn ?? '').join(' '),
      cell: ({ kmsKeys, name }) =>
        kmsKeys.map(({ id, keyArn }) => (
          <div key={id}>
            <Copyable text={keyArn} what={`ARN: ${name}`} />
          </div>
        )),
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
      hidden: true,
      sortedAs: 'createdAt',
      file: ({ createdAt }) => createdAt,
      cell: ({ createdAt }) => <Time at={createdAt} />,
    },
    {
      id: 'updatedAt',
      header: parts.updated,
      hidden: true,
      sortedAs: 'updatedAt',
      file: ({ updatedAt }) => updatedAt,
      cell: ({ updatedAt }) => <Time at={updatedAt} />,
    },
  ];
}
