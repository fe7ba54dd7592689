import Button from '@cloudscape-design/components/button';
import { Copyable } from '../frame/copyable.tsx';
import type { Column } from '../parts/list.ts';
import { Time } from '../parts/time.tsx';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';
import { Outcome } from './event-panel.tsx';
import { actorOf, reasonOf, type Event } from './events.ts';

/** Of a list of events; `show` opens one. */
export function eventColumns(show: (sequence: string) => void): Column<Event>[] {
  return [
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
  ];
}
