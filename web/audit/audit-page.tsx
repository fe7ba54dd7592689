import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { useAsked, equal, type Ways } from '../parts/asked.ts';
import { useOpenInAddress } from '../parts/open-in-address.ts';
import { RangePicker, useRange } from '../parts/range.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { people as t } from '../texts/people.ts';
import { retention } from '../texts/retention.ts';
import { eventColumns } from './event-columns.tsx';
import { EventPanel } from './event-panel.tsx';
import { isSequence, useEvents, type Event, type EventQuery } from './events.ts';

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
        columns={eventColumns(show)}
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
