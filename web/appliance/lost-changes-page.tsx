import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Toggle from '@cloudscape-design/components/toggle';
import { useSearchParams } from 'react-router';
import { useList } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { Page } from '../frame/page.tsx';
import type { Column } from '../parts/list.ts';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { Time } from '../parts/time.tsx';
import { useMay } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { lostChanges as t } from '../texts/lost-changes.ts';
import { parts } from '../texts/parts.ts';
import { ApplyDialog, effectsOf, LeaveDialog, nameOf, type LostChange } from './lost-change-dialogs.tsx';

/** What is being done: with some of them, or by `applyAll` with every one that is open. */
type Doing = { act: 'apply' | 'leave'; chosen: readonly LostChange[] } | { act: 'applyAll' };

/** What the store has lost by going back in time, until somebody has decided on it. */
export function LostChangesPage() {
  const may = useMay();
  const sort = useSort(['noticedAt', '-noticedAt'], 'noticedAt');
  const [decidedToo, setDecidedToo] = useDecidedToo();
  const open = decidedToo ? 'false' : 'true';
  const list = useList('listLostChanges', undefined, { query: { sort, open } });
  const [selectedIds, setSelectedIds] = useState<readonly string[]>([]);
  const [doing, setDoing] = useState<Doing>();
  const mayDecide = may('applyLostChanges');
  const selected = list.items.filter(({ id }) => selectedIds.includes(id));
  // What somebody has decided meanwhile is decided.
  const chosen = selected.filter(isOpen);
  const close = () => setDoing(undefined);
  return (
    <Page title={t.title} headless>
      <ResourceTable<LostChange>
        id="lost-changes"
        title={t.title}
        description={t.why}
        list={list}
        sort={sort}
        columns={columns}
        idOf={({ id }) => id}
        nameOf={nameOf}
        selected={selected}
        {...(mayDecide ? { onSelect: (some) => setSelectedIds(some.map(({ id }) => id)) } : {})}
        download={{ name: 'lost-changes', command: commands.lostChangeList(decidedToo) }}
        actions={
          <SpaceBetween direction="horizontal" size="xs" alignItems="center">
            <Toggle checked={decidedToo} onChange={({ detail }) => setDecidedToo(detail.checked)}>
              {t.decidedToo}
            </Toggle>
            {mayDecide && (
              <ButtonDropdown
                disabled={chosen.length === 0}
                items={[
                  { id: 'apply', text: t.apply },
                  { id: 'leave', text: t.leave },
                ]}
                onItemClick={({ detail }) => setDoing({ act: detail.id as 'apply' | 'leave', chosen })}
              >
                {parts.actions}
              </ButtonDropdown>
            )}
            {mayDecide && list.items.some(isOpen) && (
              <Button variant="primary" onClick={() => setDoing({ act: 'applyAll' })}>
                {t.applyAll}
              </Button>
            )}
          </SpaceBetween>
        }
        empty={<Empty title={t.none} why={t.noneWhy} />}
      />
      {doing?.act === 'applyAll' && <ApplyDialog changes="all" onClose={close} />}
      {doing?.act === 'apply' && <ApplyDialog changes={doing.chosen} onClose={close} />}
      {doing?.act === 'leave' && <LeaveDialog changes={doing.chosen} onClose={close} />}
    </Page>
  );
}

function isOpen({ decidedAt }: LostChange): boolean {
  return decidedAt === null;
}

/** Stands in the address, which can be sent to somebody. */
function useDecidedToo(): [boolean, (decidedToo: boolean) => void] {
  const [search, setSearch] = useSearchParams();
  const change = (decidedToo: boolean) =>
    setSearch(
      (before) => {
        const after = new URLSearchParams(before);
        if (decidedToo) after.set('decided', 'too');
        else after.delete('decided');
        return after;
      },
      { replace: true },
    );
  return [search.get('decided') !== null, change];
}

const signs = { open: 'warning', applied: 'success', 'as-in-store': 'info' } as const;

const columns: readonly Column<LostChange>[] = [
  {
    id: 'what',
    header: t.what,
    isRowHeader: true,
    width: 170,
    text: ({ kind }) => t.kinds[kind],
    cell: ({ kind }) => t.kinds[kind],
  },
  {
    id: 'name',
    header: parts.name,
    width: 250,
    text: ({ name }) => name,
    cell: ({ name, kind }) => <Copyable text={name} what={`${t.kinds[kind]}: ${name}`} />,
  },
  {
    id: 'effect',
    header: t.effect,
    width: 190,
    text: (change) => effectsOf(change).join(', '),
    cell: (change) => effectsOf(change).map((effect) => <div key={effect}>{effect}</div>),
  },
  {
    id: 'expires',
    header: t.expires,
    wide: true,
    file: ({ expiresAt }) => expiresAt ?? '',
    cell: ({ expiresAt }) => <Time at={expiresAt} />,
  },
  {
    id: 'decision',
    header: t.decision,
    width: 170,
    text: ({ decision }) => t.decisions[decision ?? 'open'],
    cell: ({ decision }) => (
      <StatusIndicator type={signs[decision ?? 'open']}>{t.decisions[decision ?? 'open']}</StatusIndicator>
    ),
  },
  {
    id: 'noticedAt',
    header: t.noticed,
    sortedAs: 'noticedAt',
    width: 120,
    file: ({ noticedAt }) => noticedAt,
    cell: ({ noticedAt }) => <Time at={noticedAt} />,
  },
  {
    id: 'node',
    header: t.node,
    wide: true,
    text: ({ hostname }) => hostname,
    cell: ({ hostname }) => hostname,
  },
  {
    id: 'revision',
    header: t.revision,
    hidden: true,
    text: ({ revision }) => String(revision),
    cell: ({ revision }) => revision,
  },
  {
    id: 'id',
    header: t.id,
    hidden: true,
    text: ({ id }) => id,
    cell: ({ id }) => <Copyable text={id} what={t.id} />,
  },
];
