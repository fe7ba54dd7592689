import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useList } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import type { Column } from '../parts/list.ts';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { Time, WholeTime } from '../parts/time.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { frame } from '../texts/frame.ts';
import { parts } from '../texts/parts.ts';
import { requests as t } from '../texts/requests.ts';

type Request = Schemas['FailedRequest'];

/** What AWS was refused: of the vault, or, for the appliance, what belongs to none. */
export function RequestsPage() {
  const { user } = useSession();
  const { vaultId } = user;
  const sort = useSort(['-lastAt', 'lastAt'], '-lastAt');
  const inVault = useList(
    'listFailedRequests',
    { vaultId: vaultId ?? '' },
    { query: { sort }, enabled: vaultId !== null },
  );
  const ofNobody = useList('listUnauthenticatedRequests', undefined, {
    query: { sort },
    enabled: vaultId === null,
  });
  const [shown, setShown] = useState<Request>();
  const isVault = vaultId !== null;
  return (
    <Page title={t.title} headless>
      <ResourceTable<Request>
        id="requests"
        title={t.title}
        description={isVault ? t.why : t.whyAppliance}
        list={isVault ? inVault : ofNobody}
        sort={sort}
        idOf={({ id }) => id}
        nameOf={({ error }) => error}
        download={{ name: 'requests', command: commands.requestList() }}
        empty={
          isVault ? (
            <Empty title={t.none} why={t.noneWhy} />
          ) : (
            <Empty title={t.noneAppliance} why={t.noneApplianceWhy} />
          )
        }
        columns={[
          ...common(setShown),
          ...(isVault ? ofVault(homeOf(user)) : []),
          text('address', t.address, ({ address }) => address, isVault),
        ]}
      />
      {shown !== undefined && <RequestPanel request={shown} onClose={() => setShown(undefined)} />}
    </Page>
  );
}

/** A column of plain text. */
function text(id: string, header: string, of: (request: Request) => string, hidden = false): Column<Request> {
  return { id, header, hidden, text: of, cell: (request) => of(request) || parts.none };
}

const common = (show: (request: Request) => void): readonly Column<Request>[] => [
  {
    id: 'lastAt',
    header: t.at,
    width: 106,
    sortedAs: 'lastAt',
    file: ({ lastAt }) => lastAt,
    cell: ({ lastAt }) => <Time at={lastAt} />,
  },
  {
    id: 'count',
    header: t.count,
    width: 103,
    file: ({ count }) => String(count),
    cell: ({ count }) => count,
  },
  {
    id: 'error',
    header: t.error,
    isRowHeader: true,
    width: 258,
    text: ({ error }) => error,
    cell: (request) => <ErrorName of={request} onShow={() => show(request)} />,
  },
  // It stands beneath the error: here it is for filters and files.
  text('reason', t.reason, ({ reason }) => reason, true),
  { ...text('operation', t.operation, ({ operation }) => operation), width: 145 },
];

function ofVault(home: string): Column<Request>[] {
  return [
    {
      id: 'key',
      header: t.key,
      width: 130,
      text: ({ cloudKey, externalKeyId }) => cloudKey?.name ?? externalKeyId,
      cell: ({ cloudKey, externalKeyId }) =>
        cloudKey === null ? (
          <span className="mono">{externalKeyId || parts.none}</span>
        ) : (
          <Link href={`${home}/cloud-keys/${cloudKey.id}`}>{cloudKey.name}</Link>
        ),
    },
    {
      id: 'keySet',
      header: t.keySet,
      hidden: true,
      text: ({ keySet }) => keySet?.name ?? '',
      cell: ({ keySet }) =>
        keySet === null ? parts.none : <Link href={`${home}/key-sets/${keySet.id}`}>{keySet.name}</Link>,
    },
    { ...text('principal', t.principal, ({ principal }) => principal), width: 217 },
    text('viaService', t.service, ({ viaService }) => viaService, true),
    text('kmsOperation', t.asked, ({ kmsOperation }) => kmsOperation, true),
    text('kmsRequestId', t.requestId, ({ kmsRequestId }) => kmsRequestId, true),
  ];
}

/** What AWS retries is trouble of ours; the rest was refused as it should be. Opens what is known of it. */
function ErrorName({
  of: { error, reason, retryable, lastAt },
  onShow,
}: {
  of: Request;
  onShow: () => void;
}) {
  return (
    <>
      <StatusIndicator type={retryable ? 'error' : 'warning'}>
        <Button variant="inline-link" ariaLabel={t.showOne(error, lastAt)} onClick={onShow}>
          {error}
        </Button>
      </StatusIndicator>
      {reason !== '' && (
        <Box color="text-body-secondary" fontSize="body-s" fontWeight="normal">
          {reason}
        </Box>
      )}
    </>
  );
}

function RequestPanel({ request, onClose }: { request: Request; onClose: () => void }) {
  const home = homeOf(useSession().user);
  const { cloudKey, keySet } = request;
  return (
    <Modal
      visible
      size="large"
      header={`${request.operation} ${request.error}`.trim()}
      closeAriaLabel={frame.close}
      onDismiss={onClose}
    >
      <SpaceBetween size="l">
        <Alert type="info" header={t.remediation}>
          {sentence(request.remediation)}
        </Alert>
        <Facts
          columns={2}
          ids
          items={[
            [t.at, <WholeTime key="last" at={request.lastAt} />],
            [t.first, <WholeTime key="first" at={request.firstAt} />],
            [t.count, String(request.count)],
            [t.told, request.message || parts.none],
            [t.reason, request.reason || parts.none],
            [t.retried, t.retriedWords(request.retryable)],
            [
              t.key,
              cloudKey === null ? (
                <Copyable key="key" text={request.externalKeyId} what={t.key} />
              ) : (
                <Link key="key" href={`${home}/cloud-keys/${cloudKey.id}`}>
                  {cloudKey.name}
                </Link>
              ),
            ],
            [
              t.keySet,
              keySet === null ? (
                parts.none
              ) : (
                <Link key="set" href={`${home}/key-sets/${keySet.id}`}>
                  {keySet.name}
                </Link>
              ),
            ],
            [t.principal, <Copyable key="principal" text={request.principal} what={t.principal} />],
            [t.service, request.viaService || parts.none],
            [t.asked, request.kmsOperation || parts.none],
            [t.keyArn, <Copyable key="arn" text={request.kmsKeyArn} what={t.keyArn} />],
            [t.requestId, <Copyable key="id" text={request.kmsRequestId} what={t.requestId} />],
            [t.address, request.address || parts.none],
          ]}
        />
        <Box color="text-body-secondary">{t.lastOnly}</Box>
      </SpaceBetween>
    </Modal>
  );
}
