import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useSearchParams } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { CommandLine } from '../frame/command.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Page } from '../frame/page.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import type { Column } from '../parts/list.ts';
import { RecordState } from '../parts/record-state.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { Time, utcTime, WholeTime } from '../parts/time.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { numberText } from '../texts/locale.ts';
import { parts } from '../texts/parts.ts';
import { people } from '../texts/people.ts';
import { retention as t } from '../texts/retention.ts';
import { actorOf } from './events.ts';
import { PruneDialog } from './prune-dialog.tsx';
import { useTrail, type Pruning } from './use-trail.ts';

/** How long events are kept, and what was archived and deleted: of the vault, of the appliance, or of a deleted vault. */
export function RetentionPage() {
  const home = homeOf(useSession().user);
  const [search, setSearch] = useSearchParams();
  const deletedVault = search.get('deletedVault') ?? undefined;
  const sort = useSort(['-askedAt', 'askedAt'], '-askedAt');
  const { trail, prunings, mayPrune } = useTrail(sort, deletedVault);
  const [pruning, setPruning] = useState(false);
  return (
    <RecordState read={trail}>
      {(body) => (
        <Page
          title={t.title}
          description={t.why}
          above={[{ text: people.audit, href: `${home}/audit` }]}
          actions={
            mayPrune && (
              <Button variant="primary" onClick={() => setPruning(true)}>
                {t.prune}
              </Button>
            )
          }
        >
          <SpaceBetween size="l">
            <Trail trail={body} deletedVault={deletedVault} />
            <ResourceTable<Pruning>
              id="audit-prunings"
              title={t.prunings}
              inner
              list={prunings}
              sort={sort}
              columns={columns}
              idOf={({ id }) => id}
              nameOf={({ before }) => utcTime(before)}
              download={{ name: 'audit-prunings', command: commands.auditPrunings(deletedVault) }}
              empty={<Empty title={t.none} why={t.noneWhy} />}
            />
          </SpaceBetween>
          {pruning && (
            <PruneDialog
              known={prunings.items}
              onClose={() => setPruning(false)}
              onDone={(vault) => {
                // Of a deleted vault: its own trail is shown, with how far it is.
                if (body.vault?.id !== vault?.id)
                  setSearch(vault === null ? {} : { deletedVault: vault.id }, { replace: true });
              }}
            />
          )}
        </Page>
      )}
    </RecordState>
  );
}

interface TrailProps {
  trail: Schemas['AuditTrail'];
  deletedVault: string | undefined;
}

function Trail({ trail, deletedVault }: TrailProps) {
  const { vault, keepAtLeastDays, prunableBefore, prunedBefore } = trail;
  return (
    <Container>
      <SpaceBetween size="m">
        <Facts
          columns={4}
          items={[
            [t.trail, vault?.name ?? t.appliance],
            [
              t.keepAtLeast,
              <div key="keep">
                {t.days(keepAtLeastDays)}
                <Box color="text-body-secondary" fontSize="body-s">
                  {t.keepWhy}
                </Box>
              </div>,
            ],
            [t.prunable, <WholeTime key="prunable" at={prunableBefore} />],
            [t.pruned, <WholeTime key="pruned" at={prunedBefore} none={t.notPruned} />],
          ]}
        />
        <CommandLine label={t.archive} command={commands.auditArchive(keepAtLeastDays + 1, deletedVault)} />
        <Box color="text-body-secondary">{t.archiveWhy}</Box>
      </SpaceBetween>
    </Container>
  );
}

const columns: readonly Column<Pruning>[] = [
  {
    id: 'askedAt',
    header: t.askedAt,
    sortedAs: 'askedAt',
    width: 120,
    file: ({ askedAt }) => askedAt,
    cell: ({ askedAt }) => <Time at={askedAt} />,
  },
  {
    id: 'state',
    header: parts.state,
    width: 150,
    text: ({ state }) => stateWord(state),
    cell: ({ state, problem }) => (
      <>
        <State of={state} />
        {problem !== null && <div>{sentence(problem)}</div>}
      </>
    ),
  },
  {
    id: 'from',
    header: t.from,
    width: 190,
    file: ({ from }) => from ?? '',
    cell: ({ from }) => (from === null ? t.beginning : utcTime(from)),
  },
  {
    id: 'before',
    header: t.before,
    isRowHeader: true,
    width: 190,
    file: ({ before }) => before,
    cell: ({ before }) => utcTime(before),
  },
  number('count', t.archived, ({ count }) => count),
  number('deleted', t.deleted, ({ deleted }) => deleted),
  number('kept', t.kept, ({ kept }) => kept),
  {
    id: 'by',
    header: t.by,
    width: 120,
    text: ({ actor }) => actorOf(actor),
    cell: ({ actor }) => actorOf(actor),
  },
  {
    id: 'id',
    header: t.id,
    hidden: true,
    text: ({ id }) => id,
    cell: ({ id }) => <Copyable text={id} what={t.id} />,
  },
];

function number(id: string, header: string, of: (pruning: Pruning) => number): Column<Pruning> {
  return {
    ...{ id, header, width: 110 },
    file: (pruning) => String(of(pruning)),
    cell: (pruning) => numberText(of(pruning)),
  };
}
