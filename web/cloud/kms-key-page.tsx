import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useParams } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { pace } from '../api/looks.ts';
import { again, useAct, useRecord } from '../api/queries.ts';
import { ActivityTab } from '../audit/activity-tab.tsx';
import { CommandLine } from '../frame/command.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { AwsState } from '../keys/aws-state.tsx';
import { AwsProblem } from '../keys/aws-tab.tsx';
import { Facts } from '../parts/facts.tsx';
import { PageTabs } from '../parts/page-tabs.tsx';
import { recordFacts } from '../parts/record-facts.tsx';
import { RecordState } from '../parts/record-state.tsx';
import type { Seen } from '../parts/seen.tsx';
import { Time, WholeTime } from '../parts/time.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { useSubmit } from '../session/use-submit.ts';
import { byHand } from '../texts/by-hand.ts';
import { kmsKeys as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { kmsKeyProgress } from '../texts/kms-keys.ts';
import { parts } from '../texts/parts.ts';
import { Json } from './account-policy.tsx';
import { DriftTable } from './drift-table.tsx';
import { EditKmsKeyDialog } from './edit-kms-key-dialog.tsx';
import { KmsKeyConsole } from './kms-key-console.tsx';
import { KmsKeyDialog, type KmsKeyAct } from './kms-key-dialog.tsx';
import { KmsKeyPending } from './kms-key-pending.tsx';

type KmsKey = Schemas['KmsKey'];

/** A KMS key: what AWS has of it beside what is on record here. */
export function KmsKeyPage() {
  const vaultId = useVaultId();
  const { cloudKeyId = '', kmsKeyId = '' } = useParams();
  const read = useRecord(
    'getKmsKey',
    { vaultId, cloudKeyId, kmsKeyId },
    {
      every: ({ origin, wanted, toApply, step, leaving }) =>
        (leaving !== null && step !== 'GONE') ||
        // What a person makes comes in minutes, or in days.
        (origin !== 'MANUAL' && (wanted !== null || toApply.length > 0 || step === 'KEY' || step === 'ALIAS'))
          ? pace.pending
          : pace.list,
    },
  );
  return (
    <RecordState read={read}>
      {(kmsKey, etag) => <Known kmsKey={kmsKey} etag={etag} refetch={async () => again(read)} />}
    </RecordState>
  );
}

interface Props {
  kmsKey: KmsKey;
  etag: string;
  refetch: () => Promise<Answered<KmsKey>>;
}

function Known({ kmsKey, etag, refetch }: Props) {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const may = useMay();
  const [open, setOpen] = useState<{ act: KmsKeyAct; kmsKey: KmsKey; etag: string }>();
  const [editing, setEditing] = useState<Seen<KmsKey>>();
  const refresh = useAct('refreshKmsKey');
  const look = useSubmit(async () => {
    await refresh.mutateAsync({ params: { vaultId, cloudKeyId: kmsKey.cloudKeyId, kmsKeyId: kmsKey.id } });
  });
  const title = kmsKey.alias || kmsKey.cloudKeyName;
  const more = actsOf(kmsKey, may);
  const openAct = (act: KmsKeyAct) => setOpen({ act, kmsKey, etag });
  const edit = () => setEditing({ body: kmsKey, etag });
  const isByHand = kmsKey.origin === 'MANUAL';
  const isToMake = isByHand && kmsKey.step === 'KEY' && kmsKey.leaving === null;
  const records = [
    { id: 'overview', label: t.overview, content: <Overview kmsKey={kmsKey} /> },
    { id: 'policy', label: t.policy, content: <Policy kmsKey={kmsKey} /> },
    ...(may('listAuditEvents')
      ? [{ id: 'activity', label: parts.activity, content: <ActivityTab of={kmsKey.id} /> }]
      : []),
  ] as const;
  const values = { id: 'console', label: byHand.values, content: <KmsKeyConsole kmsKey={kmsKey} /> };
  return (
    <Page
      title={title}
      above={[{ text: t.title, href: `${home}/kms-keys` }]}
      description={kmsKey.description === '' ? undefined : kmsKey.description}
      info={<AwsState kmsKey={{ ...kmsKey, drift: kmsKey.drift.length > 0 }} />}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {may('refreshKmsKey') && !isByHand && (
            <Button iconName="refresh" loading={look.busy} onClick={look.submit}>
              {t.refresh}
            </Button>
          )}
          {more.length > 0 && (
            <ButtonDropdown
              items={more}
              onItemClick={({ detail }) =>
                detail.id === 'edit' ? edit() : openAct({ kind: detail.id as 'enable' })
              }
            >
              {parts.actions}
            </ButtonDropdown>
          )}
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {look.problem !== undefined && <ProblemAlert problem={look.problem} />}
        {kmsKey.problem !== null && <AwsProblem problem={kmsKey.problem} />}
        <KmsKeyPending kmsKey={kmsKey} />
        {isToMake && (
          <Alert
            type="info"
            header={byHand.toMake}
            action={may('updateKmsKey') && <Button onClick={edit}>{byHand.enterArn}</Button>}
          >
            {byHand.toMakeWhy}
          </Alert>
        )}
        {!isByHand && (
          <Container
            header={
              <Header variant="h2" description={kmsKey.drift.length === 0 ? undefined : t.driftWhy}>
                {t.driftTitle}
              </Header>
            }
          >
            {kmsKey.drift.length === 0 ? (
              <StatusIndicator type="success">{t.noDriftTitle}</StatusIndicator>
            ) : (
              <DriftTable kmsKey={kmsKey} onAct={openAct} mayAct={may('applyKmsKey')} />
            )}
          </Container>
        )}
        {kmsKey.mayBeStale.length > 0 && (
          <Alert type="info" header={t.stale}>
            {kmsKey.mayBeStale.map(({ what, since }) => (
              <div key={what}>
                {t.what[what]} (<Time at={since} />)
              </div>
            ))}
          </Alert>
        )}
        <PageTabs
          of={title}
          tabs={
            isToMake
              ? [values, ...records]
              : isByHand && kmsKey.step !== 'GONE'
                ? [...records, values]
                : records
          }
        />
      </SpaceBetween>
      {editing !== undefined && (
        <EditKmsKeyDialog first={editing} refetch={refetch} onClose={() => setEditing(undefined)} />
      )}
      {open !== undefined && <KmsKeyDialog {...open} refetch={refetch} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

function actsOf(
  { cloudStatus, step, problem, origin }: KmsKey,
  may: ReturnType<typeof useMay>,
): { id: string; text: string }[] {
  if (step === 'GONE') return [];
  const edit = may('updateKmsKey') ? [{ id: 'edit', text: t.edit }] : [];
  const remove = may('deleteKmsKey') ? [{ id: 'remove', text: t.remove }] : [];
  // What is done in AWS a person does.
  if (origin === 'MANUAL') return [...edit, ...remove];
  return [
    ...edit,
    ...(problem !== null && may('retryKmsKey') ? [{ id: 'retry', text: t.retry }] : []),
    ...(cloudStatus === 'DISABLED' && may('enableKmsKey') ? [{ id: 'enable', text: t.enable }] : []),
    ...(cloudStatus === 'AVAILABLE' && may('disableKmsKey') ? [{ id: 'disable', text: t.disable }] : []),
    ...(cloudStatus === 'PENDING_DELETION' && may('cancelKmsKeyDeletion')
      ? [{ id: 'cancel', text: t.cancel }]
      : []),
    ...(cloudStatus !== 'PENDING_DELETION' && step === 'DONE' && may('scheduleKmsKeyDeletion')
      ? [{ id: 'schedule', text: t.schedule }]
      : []),
    ...remove,
  ];
}

function Overview({ kmsKey }: { kmsKey: KmsKey }) {
  const home = homeOf(useSession().user);
  const may = useMay();
  return (
    <Container>
      <SpaceBetween size="l">
        <Facts
          ids
          items={[
            [
              t.cloudKey,
              <Link key="key" href={`${home}/cloud-keys/${kmsKey.cloudKeyId}`}>
                {kmsKey.cloudKeyName}
              </Link>,
            ],
            [
              t.store,
              <Link
                key="store"
                href={`${home}/external-key-stores/${kmsKey.keySetId}/${kmsKey.externalKeyStoreId}`}
              >
                {t.toStore}
              </Link>,
            ],
            ['ARN', <Copyable key="arn" text={kmsKey.keyArn} what="ARN" />],
            [t.keyId, <Copyable key="id" text={kmsKey.keyId} what={t.keyId} />],
            [t.alias, <Copyable key="alias" text={kmsKey.alias} what={t.alias} />],
            [
              kmsKeyProgress.awsAliases,
              kmsKey.awsAliases === null
                ? kmsKeyProgress.notKnown
                : kmsKey.awsAliases.join(', ') || parts.none,
            ],
            [t.region, kmsKey.region],
            [t.origin, t.origins[kmsKey.origin]],
            [t.seen, <WholeTime key="seen" at={kmsKey.cloudStatusAt} none={parts.never} />],
            [t.inAws, kmsKey.awsState ?? parts.none],
            [t.awsDeletion, <WholeTime key="deletion" at={kmsKey.awsDeletionAt} none={parts.never} />],
            [
              t.what.tags,
              <span key="tags" className="mono">
                {Object.entries(kmsKey.tags)
                  .map(([name, value]) => `${name}=${value}`)
                  .join(', ') || parts.none}
              </span>,
            ],
            ...recordFacts(may, home, kmsKey.id),
            [parts.created, <WholeTime key="created" at={kmsKey.createdAt} />],
          ]}
        />
        {may('refreshKmsKey') && kmsKey.origin !== 'MANUAL' && (
          <CommandLine command={commands.kmsKeyRefresh(kmsKey)} label={t.refreshCommand} />
        )}
      </SpaceBetween>
    </Container>
  );
}

function Policy({ kmsKey }: { kmsKey: KmsKey }) {
  const { ours, aws } = kmsKey.policy;
  const mayDiffer = [...kmsKey.drift, ...kmsKey.mayBeStale].some(({ what }) => what === 'policy');
  return (
    <Container
      header={
        <Header variant="h2" description={t.policyOf[kmsKey.policySource]}>
          {t.policy}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <Json text={JSON.stringify(ours, undefined, 2)} label={t.policy} />
        {aws !== null && !mayDiffer && (
          <StatusIndicator type="success">{kmsKeyProgress.samePolicy}</StatusIndicator>
        )}
        {aws !== null && mayDiffer && (
          <div>
            <Box variant="awsui-key-label">{t.theirs}</Box>
            <Json text={JSON.stringify(aws, undefined, 2)} label={`${t.theirs}: ${t.policy}`} />
          </div>
        )}
        {aws === null && (
          <div>
            <Box variant="awsui-key-label">{t.theirs}</Box>
            {kmsKeyProgress.notKnown}
          </div>
        )}
      </SpaceBetween>
    </Container>
  );
}
