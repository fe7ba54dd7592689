import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useNavigate, useParams } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { pace } from '../api/looks.ts';
import { again, useRecord } from '../api/queries.ts';
import { ActivityTab } from '../audit/activity-tab.tsx';
import { Page } from '../frame/page.tsx';
import { PageTabs } from '../parts/page-tabs.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { keys as t } from '../texts/keys.ts';
import { parts } from '../texts/parts.ts';
import { AccessTab } from './access-tab.tsx';
import { AwsTab } from './aws-tab.tsx';
import { KeyDialog, type KeyAct } from './key-dialog.tsx';
import { KeyOverviewTab } from './key-overview-tab.tsx';
import { KeyState } from './key-state.tsx';
import { Progress } from './progress.tsx';
import { VersionsTab } from './versions-tab.tsx';

type CloudKey = Schemas['OneCloudKey'];

/** A CloudKey: what it is here, what AWS has of it, and what can be done with it. */
export function CloudKeyPage() {
  const vaultId = useVaultId();
  const { cloudKeyId = '' } = useParams();
  const read = useRecord(
    'getCloudKey',
    { vaultId, cloudKeyId },
    { every: (key) => (isBecoming(key) ? pace.pending : pace.list) },
  );
  return (
    <RecordState read={read}>
      {(key, etag) => <Known cloudKey={key} etag={etag} refetch={async () => again(read)} />}
    </RecordState>
  );
}

interface Props {
  cloudKey: CloudKey;
  etag: string;
  refetch: () => Promise<Answered<CloudKey>>;
}

function Known({ cloudKey, etag, refetch }: Props) {
  const home = homeOf(useSession().user);
  const may = useMay();
  const navigate = useNavigate();
  // What is seen when the dialog is opened is what the act is made against.
  const [open, setOpen] = useState<{ act: KeyAct; cloudKey: CloudKey; etag: string }>();
  const acts = useActs(cloudKey);
  const start = (act: KeyAct) => setOpen({ act, cloudKey, etag });
  const primary = acts.primary;
  return (
    <Page
      title={cloudKey.name}
      above={[{ text: t.title, href: `${home}/cloud-keys` }]}
      description={cloudKey.description === '' ? undefined : cloudKey.description}
      info={<KeyState of={cloudKey} />}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {acts.more.length > 0 && (
            <ButtonDropdown
              items={acts.more}
              onItemClick={({ detail }) => {
                if (detail.id === 'edit') void navigate(`${home}/cloud-keys/${cloudKey.id}/edit`);
                else start(detail.id as KeyAct);
              }}
            >
              {parts.actions}
            </ButtonDropdown>
          )}
          {primary !== undefined && (
            <Button variant="primary" onClick={() => start(primary.id)}>
              {primary.text}
            </Button>
          )}
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        <Progress cloudKey={cloudKey} />
        <PageTabs
          of={cloudKey.name}
          tabs={[
            { id: 'overview', label: t.overview, content: <KeyOverviewTab cloudKey={cloudKey} /> },
            { id: 'aws', label: t.aws, content: <AwsTab cloudKey={cloudKey} /> },
            { id: 'access', label: t.access, content: <AccessTab cloudKey={cloudKey} /> },
            { id: 'versions', label: t.versions, content: <VersionsTab cloudKey={cloudKey} /> },
            ...(may('listAuditEvents')
              ? [{ id: 'activity', label: parts.activity, content: <ActivityTab of={cloudKey.id} /> }]
              : []),
          ]}
        />
      </SpaceBetween>
      {open !== undefined && <KeyDialog {...open} refetch={refetch} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

/** What its state and one's role let one do. */
function useActs({ state }: CloudKey) {
  const may = useMay();
  const isThere = state !== 'DELETED' && state !== 'CREATING';
  const primary =
    state === 'AVAILABLE' && may('disableCloudKey')
      ? ({ id: 'disable', text: t.disable } as const)
      : state === 'DISABLED' && may('enableCloudKey')
        ? ({ id: 'enable', text: t.enable } as const)
        : state === 'PENDING_DELETION' && may('cancelCloudKeyDeletion')
          ? ({ id: 'cancel', text: t.cancelDeletion } as const)
          : undefined;
  const more = [
    ...(isThere && state !== 'PENDING_DELETION' && may('updateCloudKey')
      ? [{ id: 'edit', text: t.edit }]
      : []),
    ...(state === 'AVAILABLE' && may('rotateCloudKey') ? [{ id: 'rotate', text: t.rotate }] : []),
    ...(isThere && state !== 'PENDING_DELETION' && may('scheduleCloudKeyDeletion')
      ? [{ id: 'remove', text: t.remove }]
      : []),
  ];
  return { primary, more };
}

/** Something of it is under way, here or in AWS. */
function isBecoming({ state, kmsKeys }: CloudKey): boolean {
  return (
    state === 'CREATING' ||
    kmsKeys.some(
      ({ origin, step, problem, wanted }) =>
        wanted !== null || (origin !== 'MANUAL' && step !== 'DONE' && step !== 'GONE' && problem === null),
    )
  );
}
