import { useMemo } from 'react';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { Copyable } from '../frame/copyable.tsx';
import { useKeySetWay } from '../key-sets/key-set-way.ts';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { equal, useAsked, type Ways } from '../parts/asked.ts';
import { useFilterInAddress } from '../parts/filter-in-address.ts';
import type { Column } from '../parts/list.ts';
import { useOpenInAddress } from '../parts/open-in-address.ts';
import { RangePicker, useRange } from '../parts/range.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { Time } from '../parts/time.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { cloudtrail } from '../texts/cloudtrail.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { requests as t } from '../texts/requests.ts';
import { RequestPanel, useRequests, type Request, type RequestQuery } from './request-panel.tsx';

const ofAll = { error: equal('error') } as const;
const ofVaults = {
  ...ofAll,
  externalKeyId: equal('externalKeyId'),
  principal: equal('principal'),
  kmsRequestId: equal('kmsRequestId'),
} as const;

/** What a line does not have of each of the requests that it stands for. */
const notOfEach: ReadonlySet<string> = new Set([
  'by-key',
  'by-keySet',
  'by-externalKeyId',
  'by-principal',
  'by-kmsRequestId',
  'by-address',
]);

/** What AWS was refused: of the vault, or, for the appliance, what belongs to none. */
export function RequestsPage() {
  const { user } = useSession();
  const isVault = user.vaultId !== null;
  const sort = useSort(['-lastAt', 'lastAt'], '-lastAt');
  const { isKnown, way: keySet, name } = useKeySetWay();
  const ways = useMemo<Ways<RequestQuery>>(
    () => (isVault ? { ...ofVaults, keySet } : ofAll),
    [isVault, keySet],
  );
  const asked = useAsked(ways);
  const range = useRange();
  const list = useRequests({ sort, ...asked.query, ...range.query }, isKnown);
  const { keySetId, ...others } = asked.query;
  const command = commands.requestList({
    sort,
    ...others,
    ...range.words,
    ...(keySetId === undefined ? {} : { keySet: name }),
  });
  const [filter] = useFilterInAddress();
  const isByOne = filter.tokens.some(({ propertyKey }) => notOfEach.has(propertyKey ?? ''));
  const [shown, show, close] = useOpenInAddress('request');
  return (
    <Page title={t.title} headless>
      <ResourceTable<Request>
        id="requests"
        title={t.title}
        description={
          <>
            {isVault ? t.why : t.whyAppliance}{' '}
            <Link href={`${homeOf(user)}/requests/cloudtrail`}>{cloudtrail.title}</Link>
          </>
        }
        list={list}
        sort={sort}
        asked={asked}
        {...(isByOne ? { caution: t.caution } : {})}
        idOf={({ id }) => id}
        nameOf={({ error }) => error}
        actions={<RangePicker />}
        download={{ name: 'requests', command }}
        empty={
          isVault ? (
            <Empty title={t.none} why={t.noneWhy} />
          ) : (
            <Empty title={t.noneAppliance} why={t.noneApplianceWhy} />
          )
        }
        columns={[
          ...common(show),
          ...(isVault ? ofVault(homeOf(user)) : []),
          text('address', t.address, ({ address }) => address, isVault),
        ]}
      />
      {shown !== undefined && (
        <RequestPanel id={shown} known={list.items.find(({ id }) => id === shown)} onClose={close} />
      )}
    </Page>
  );
}

/** A column of plain text. */
function text(id: string, header: string, of: (request: Request) => string, hidden = false): Column<Request> {
  return { id, header, hidden, text: of, cell: (request) => of(request) || parts.none };
}

const common = (show: (id: string) => void): readonly Column<Request>[] => [
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
    cell: (request) => <ErrorName of={request} onShow={() => show(request.id)} />,
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
    text('externalKeyId', t.externalKeyId, ({ externalKeyId }) => externalKeyId, true),
    { ...text('principal', t.principal, ({ principal }) => principal), width: 217 },
    text('viaService', t.service, ({ viaService }) => viaService, true),
    text('kmsOperation', t.asked, ({ kmsOperation }) => kmsOperation, true),
    {
      ...text('kmsRequestId', t.requestId, ({ kmsRequestId }) => kmsRequestId, true),
      cell: ({ kmsRequestId }) => <Copyable text={kmsRequestId} what={`${t.requestId}: ${kmsRequestId}`} />,
    },
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
