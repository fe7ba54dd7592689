import { useMemo } from 'react';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { Page } from '../frame/page.tsx';
import { useStatus } from '../frame/status-strip.tsx';
import { Empty, ResourceTable } from '../parts/resource-table.tsx';
import { useNow, WholeTime } from '../parts/time.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { commands } from '../texts/commands.ts';

type Certificate = NonNullable<Schemas['Status']['certificates']>[number];

const none: Certificate[] = [];
const day = 86_400_000;
/** As `holdfast status` counts it. */
const soon = 30;

/** What the listeners of the node that responds serve, and for how long yet. */
export function CertificatesPage() {
  const { data, error, isPending, refetch } = useStatus();
  const items = data?.body.certificates ?? none;
  const list = useMemo(
    () => ({
      ...{ items, error, isPending, refetch },
      ...{
        hasNextPage: false,
        isFetchingNextPage: false,
        fetchNextPage: () => undefined,
        onView: () => undefined,
      },
    }),
    [items, error, isPending, refetch],
  );
  return (
    <Page title={t.certificates} headless>
      <ResourceTable<Certificate>
        id="certificates"
        title={t.certificates}
        description={t.certificatesWhy}
        list={list}
        download={{ name: 'certificates', command: commands.status() }}
        idOf={({ listeners }) => listeners.join(' ')}
        nameOf={({ subject }) => subject}
        empty={<Empty title={t.noCertificates} why={t.noCertificatesWhy} />}
        columns={[
          {
            id: 'listeners',
            header: t.listeners,
            isRowHeader: true,
            text: ({ listeners }) => listenersOf(listeners),
            cell: ({ listeners }) => listenersOf(listeners),
          },
          {
            id: 'left',
            header: t.daysLeft,
            cell: ({ expiresAt }) => <Left expiresAt={expiresAt} />,
          },
          {
            id: 'expires',
            header: t.certificateExpires,
            file: ({ expiresAt }) => expiresAt,
            cell: ({ expiresAt }) => <WholeTime at={expiresAt} />,
            width: 240,
          },
          {
            id: 'subject',
            header: t.subject,
            text: ({ subject }) => subject,
            cell: ({ subject }) => subject,
            width: 240,
          },
        ]}
      />
    </Page>
  );
}

function listenersOf(listeners: Certificate['listeners']): string {
  return listeners.map((one) => t.listenerOf[one]).join(', ');
}

function Left({ expiresAt }: { expiresAt: string }) {
  const days = Math.floor((Date.parse(expiresAt) - useNow()) / day);
  if (days < 0) return <StatusIndicator type="error">{t.expired}</StatusIndicator>;
  return <StatusIndicator type={days < soon ? 'warning' : 'success'}>{t.days(days)}</StatusIndicator>;
}
