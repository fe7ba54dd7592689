import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useNavigate } from 'react-router';
import { useList, type ItemOf } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { AwsState } from '../keys/aws-state.tsx';
import { FirstSteps } from '../overview/first-steps.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { stateWord } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { kmsKeys as t } from '../texts/cloud.ts';
import { parts } from '../texts/parts.ts';
import { UnlinkedKeysDialog } from './unlinked-keys-dialog.tsx';

export type KmsKey = ItemOf<'listKmsKeys'>;

/** Every KMS key that refers to a CloudKey of the vault. */
export function KmsKeysPage() {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const sort = useSort(
    ['alias', '-alias', 'region', '-region', 'createdAt', '-createdAt', 'updatedAt', '-updatedAt'],
    'alias',
  );
  const list = useList('listKmsKeys', { vaultId }, { query: { sort } });
  const may = useMay();
  const navigate = useNavigate();
  const [linking, setLinking] = useState(false);
  return (
    <Page title={t.title} headless>
      <ResourceTable<KmsKey>
        id="kms-keys"
        title={t.title}
        description={t.why}
        list={list}
        sort={sort}
        idOf={({ id }) => id}
        nameOf={({ alias, cloudKeyName }) => alias || cloudKeyName}
        actions={
          may('listUnlinkedKmsKeys') &&
          may('createKmsKey') && <Button onClick={() => setLinking(true)}>{t.unlinked}</Button>
        }
        empty={
          <>
            <Empty title={t.none} why={t.noneWhy} />
            <FirstSteps />
          </>
        }
        columns={[
          {
            id: 'alias',
            header: t.alias,
            sortedAs: 'alias',
            isRowHeader: true,
            width: 170,
            text: ({ alias }) => alias,
            cell: ({ id, cloudKeyId, alias, cloudKeyName }) => (
              <Link href={`${home}/kms-keys/${cloudKeyId}/${id}`}>{alias || cloudKeyName}</Link>
            ),
          },
          {
            id: 'aws',
            header: t.inAws,
            width: 180,
            text: ({ cloudStatus }) => stateWord(cloudStatus),
            cell: (kmsKey) => <AwsState kmsKey={{ ...kmsKey, drift: false }} />,
          },
          {
            id: 'drift',
            header: t.drift,
            width: 160,
            text: driftWords,
            cell: (kmsKey) => <Drift kmsKey={kmsKey} />,
          },
          {
            id: 'cloudKey',
            header: t.cloudKey,
            text: ({ cloudKeyName }) => cloudKeyName,
            cell: ({ cloudKeyId, cloudKeyName }) => (
              <Link href={`${home}/cloud-keys/${cloudKeyId}`}>{cloudKeyName}</Link>
            ),
          },
          {
            id: 'region',
            header: t.region,
            width: 125,
            sortedAs: 'region',
            text: ({ region }) => region,
            cell: ({ region }) => region,
          },
          {
            id: 'seen',
            header: t.seen,
            cell: ({ cloudStatusAt }) => <Time at={cloudStatusAt} none={parts.never} />,
          },
          {
            id: 'arn',
            header: 'ARN',
            hidden: true,
            text: ({ keyArn }) => keyArn ?? '',
            cell: ({ keyArn, alias }) => <Copyable text={keyArn} what={`ARN: ${alias}`} />,
          },
          {
            id: 'origin',
            header: t.origin,
            hidden: true,
            text: ({ origin }) => t.origins[origin],
            cell: ({ origin }) => t.origins[origin],
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
      {linking && (
        <UnlinkedKeysDialog
          onClose={() => setLinking(false)}
          onLinked={(cloudKeyId, id) => void navigate(`${home}/kms-keys/${cloudKeyId}/${id}`)}
        />
      )}
    </Page>
  );
}

function driftWords({ drift }: KmsKey): string {
  return drift.length === 0
    ? t.noDrift
    : t.driftIn(drift.map(({ what }) => t.what[what].toLowerCase()).join(', '));
}

export function Drift({ kmsKey }: { kmsKey: KmsKey }) {
  return (
    <StatusIndicator type={kmsKey.drift.length === 0 ? 'success' : 'warning'}>
      {driftWords(kmsKey)}
    </StatusIndicator>
  );
}
