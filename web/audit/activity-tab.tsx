import { useOpenInAddress } from '../parts/open-in-address.ts';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';
import { eventColumns } from './event-columns.tsx';
import { EventPanel } from './event-panel.tsx';
import { useEvents, type Event } from './events.ts';

/** What was done to one record, however long ago: the node is asked by the record's id. */
export function ActivityTab({ of }: { of: string }) {
  const sort = useSort(['-sequence', 'sequence'], '-sequence');
  const query = { target: of, sort };
  const list = useEvents(query);
  const [shown, show, close] = useOpenInAddress('event');
  return (
    <>
      <ResourceTable<Event>
        inner
        id="activity"
        title={parts.activity}
        description={t.activityWhy}
        list={list}
        sort={sort}
        idOf={({ sequence }) => String(sequence)}
        nameOf={({ action }) => action}
        download={{ name: 'activity', command: commands.auditList(query) }}
        empty={<Empty title={t.noEvents} why={t.noEventsWhy} />}
        columns={eventColumns(show).filter(({ id }) => id !== 'target')}
      />
      {shown !== undefined && (
        <EventPanel
          sequence={shown}
          known={list.items.find(({ sequence }) => String(sequence) === shown)}
          onClose={close}
        />
      )}
    </>
  );
}
