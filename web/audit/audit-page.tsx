import Button from '@cloudscape-design/components/button';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { useAsked, equal, type Ways } from '../parts/asked.ts';
import { useOpenInAddress } from '../parts/open-in-address.ts';
import { RangePicker, useRange } from '../parts/range.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { Time } from '../parts/time.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';
import { retention } from '../texts/retention.ts';
import { EventPanel, Outcome } from './event-panel.tsx';
import { actorOf, isSequence, reasonOf, useEvents, type Event, type EventQuery } from './events.ts';

const actor = equal('actor');
/** What is told in place of a name where there is none: the API knows names and ids alone. */
const kinds: ReadonlySet<string> = new Set<Event['actor']['kind']>([
  'user',
  'api-key',
  'system',
  'command',
  'nobody',
]);

const ways: Ways<EventQuery> = {
  action: ({ operator, value }) => {
    // All that begin so, or one: for the API the dot at the end tells them apart, and no action has capitals.
    const isAsked = operator === (value.endsWith('.') ? '^' : '=') && value !== '';
    return isAsked && value === value.toLowerCase() ? { action: value } : undefined;
  },
  who: (comparison) => (kinds.has(comparison.value) ? undefined : actor(comparison)),
  target: equal('target'),
  requestId: equal('requestId'),
  outcome: ({ operator, value }) => {
    const outcome = (['done', 'refused'] as const).find((one) => t.outcomes[one] === value);
    return operator === '=' && outcome !== undefined ? { outcome } : undefined;
  },
  sequence: ({ operator, value }) =>
    operator === '=' && isSequence(value) ? { sequence: Number(value) } : undefined,
};

/** The trail of the vault, or of the appliance. */
export function AuditPage() {
  const home = homeOf(useSession().user);
  const sort = useSort(['-sequence', 'sequence'], '-sequence');
  const asked = useAsked(ways);
  const range = useRange();
  const list = useEvents({ sort, ...asked.query, ...range.query });
  const [shown, show, close] = useOpenInAddress('event');
  return (
    <Page title={t.audit} headless>
      <ResourceTable<Event>
        id="audit"
        title={t.audit}
        description={
          <>
            {t.auditWhy} <Link href={`${home}/audit/retention`}>{retention.title}</Link>
          </>
        }
        list={list}
        sort={sort}
        asked={asked}
        idOf={({ sequence }) => String(sequence)}
        nameOf={({ action }) => action}
        actions={<RangePicker />}
        download={{ name: 'audit', command: commands.auditList({ sort, ...asked.query, ...range.words }) }}
        empty={<Empty title={t.noEvents} why={t.noEventsWhy} />}
        columns={[
          { id: 'at', header: t.when, width: 120, file: ({ at }) => at, cell: ({ at }) => <Time at={at} /> },
          {
            id: 'who',
            header: t.who,
            width: 125,
            text: ({ actor: { name, kind } }) => name || kind,
            alias: ({ actor: { id } }) => id,
            file: (event) => actorOf(event.actor),
            cell: (event) => actorOf(event.actor),
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
                onClick={() => show(String(event.sequence))}
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
            alias: ({ target }) => target.id,
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
            id: 'reason',
            header: parts.reason,
            wide: true,
            width: 150,
            text: reasonOf,
            cell: (event) => reasonOf(event) || parts.none,
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
            cell: ({ requestId, sequence }) => (
              <Copyable text={requestId} what={`${t.requestId}: ${t.event(sequence)}`} />
            ),
          },
        ]}
      />
      {shown !== undefined && (
        <EventPanel
          sequence={shown}
          known={list.items.find(({ sequence }) => String(sequence) === shown)}
          onClose={close}
        />
      )}
    </Page>
  );
}
