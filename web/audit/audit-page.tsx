import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Box from '@cloudscape-design/components/box';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import { useSearchParams } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useList } from '../api/queries.ts';
import { Json } from '../cloud/account-policy.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { Facts } from '../parts/facts.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { Time, WholeTime } from '../parts/time.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { frame } from '../texts/frame.ts';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';

type Event = Schemas['AuditEvent'];

/** Milliseconds back from now. */
const ranges = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000, month: 30 * 86_400_000 } as const;

/** The trail of the vault, or of the appliance. */
export function AuditPage() {
  const { vaultId } = useSession().user;
  const [search, setSearch] = useSearchParams();
  const sort = useSort(['-sequence', 'sequence'], '-sequence');
  const range = search.get('range') ?? 'all';
  const from = search.get('from') ?? undefined;
  const query = { sort, ...(from === undefined ? {} : { from }) };
  const inVault = useList(
    'listAuditEvents',
    { vaultId: vaultId ?? '' },
    { query, enabled: vaultId !== null },
  );
  const ofAppliance = useList('listApplianceAuditEvents', undefined, { query, enabled: vaultId === null });
  const list = vaultId === null ? ofAppliance : inVault;
  const [shown, setShown] = useState<Event>();
  const choose = (id: string) =>
    setSearch(
      (before) => {
        const after = new URLSearchParams(before);
        after.delete('range');
        after.delete('from');
        if (id in ranges) {
          after.set('range', id);
          after.set('from', new Date(Date.now() - ranges[id as keyof typeof ranges]).toISOString());
        }
        return after;
      },
      { replace: true },
    );
  return (
    <Page title={t.audit} headless>
      <ResourceTable<Event>
        id="audit"
        title={t.audit}
        description={t.auditWhy}
        list={list}
        sort={sort}
        idOf={({ sequence }) => String(sequence)}
        nameOf={({ action }) => action}
        actions={
          <SegmentedControl
            label={t.range}
            selectedId={range in ranges ? range : 'all'}
            onChange={({ detail }) => choose(detail.selectedId)}
            options={[
              { id: 'all', text: t.rangeAll },
              ...(Object.keys(ranges) as (keyof typeof ranges)[]).map((id) => ({ id, text: t.ranges[id] })),
            ]}
          />
        }
        download={{ name: 'audit', command: commands.auditList(from) }}
        empty={<Empty title={t.noEvents} why={t.noEventsWhy} />}
        columns={[
          { id: 'at', header: t.when, width: 120, file: ({ at }) => at, cell: ({ at }) => <Time at={at} /> },
          {
            id: 'who',
            header: t.who,
            width: 125,
            text: ({ actor }) => actorOf(actor),
            cell: ({ actor }) => actorOf(actor),
          },
          {
            id: 'action',
            header: t.action,
            isRowHeader: true,
            width: 240,
            text: ({ action }) => action,
            cell: (event) => (
              <Button
                variant="inline-link"
                ariaLabel={`${t.show}: ${event.action}, ${t.event(event.sequence)}`}
                onClick={() => setShown(event)}
              >
                <span className="mono">{event.action}</span>
              </Button>
            ),
          },
          {
            id: 'target',
            header: t.target,
            width: 140,
            text: ({ target }) => target.name || target.id,
            cell: ({ target }) => target.name || target.id || parts.none,
          },
          {
            id: 'outcome',
            header: t.outcome,
            width: 112,
            text: ({ outcome }) => t.outcomes[outcome],
            cell: ({ outcome }) => <Outcome of={outcome} />,
          },
          {
            id: 'address',
            header: t.from,
            width: 105,
            text: ({ address }) => address,
            cell: ({ address }) => address || parts.none,
          },
          {
            id: 'sequence',
            width: 117,
            header: t.sequence,
            sortedAs: 'sequence',
            text: ({ sequence }) => String(sequence),
            cell: ({ sequence }) => sequence,
          },
          {
            id: 'requestId',
            header: t.requestId,
            hidden: true,
            text: ({ requestId }) => requestId,
            cell: ({ requestId }) => <span className="mono">{requestId}</span>,
          },
        ]}
      />
      {shown !== undefined && <EventPanel event={shown} onClose={() => setShown(undefined)} />}
    </Page>
  );
}

function actorOf({ name, kind }: Event['actor']): string {
  return name === '' ? kind : kind === 'user' ? name : `${name} (${kind})`;
}

function Outcome({ of }: { of: Event['outcome'] }) {
  return <StatusIndicator type={of === 'done' ? 'success' : 'error'}>{t.outcomes[of]}</StatusIndicator>;
}

/** All of an event, with what was before and what after. */
function EventPanel({ event, onClose }: { event: Event; onClose: () => void }) {
  return (
    <Modal
      visible
      size="large"
      header={t.event(event.sequence)}
      closeAriaLabel={frame.close}
      onDismiss={onClose}
    >
      <SpaceBetween size="l">
        <Facts
          columns={2}
          ids
          items={[
            [t.when, <WholeTime key="at" at={event.at} />],
            [t.who, actorOf(event.actor)],
            [
              t.action,
              <span key="action" className="mono">
                {event.action}
              </span>,
            ],
            [t.target, <Target key="target" of={event.target} />],
            [t.outcome, <Outcome key="outcome" of={event.outcome} />],
            [t.from, event.address || parts.none],
            [t.requestId, <Copyable key="request" text={event.requestId} what={t.requestId} />],
          ]}
        />
        <ColumnLayout columns={2}>
          <Side title={t.before} value={event.before} />
          <Side title={t.after} value={event.after} />
        </ColumnLayout>
      </SpaceBetween>
    </Modal>
  );
}

/** Beneath the home of a vault. */
const pagesOf: Readonly<Record<string, string>> = {
  'cloud-key': 'cloud-keys',
  'key-set': 'key-sets',
  'csp-account': 'csp-accounts',
};

/** With the way to what has a page of its own. */
function Target({ of: { kind, id, name } }: { of: Event['target'] }) {
  const { user } = useSession();
  const page = user.vaultId === null ? undefined : pagesOf[kind];
  if (page === undefined || id === '') return <>{`${kind} ${name || id}`}</>;
  return (
    <>
      {kind} <Link href={`${homeOf(user)}/${page}/${id}`}>{name || id}</Link>
    </>
  );
}

function Side({ title, value }: { title: string; value: Record<string, unknown> | null }) {
  return (
    <div>
      <Box variant="awsui-key-label">{title}</Box>
      {value === null ? parts.none : <Json text={JSON.stringify(value, undefined, 2)} label={title} />}
    </div>
  );
}
