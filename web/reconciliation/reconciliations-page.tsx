import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import { useNavigate } from 'react-router';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import type { Column } from '../parts/list.ts';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { Time, utcTime } from '../parts/time.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { reconciliation as t } from '../texts/reconciliation.ts';
import { CompareDialog } from './compare-dialog.tsx';
import { askedBy, countOf, openOf, useCompare, useReports, type Report } from './reports.ts';
import { Result } from './result.tsx';

/** Reports of comparing the records with the tokens, the newest first. */
export function ReconciliationsPage() {
  const { user } = useSession();
  const home = homeOf(user);
  const navigate = useNavigate();
  const sort = useSort(['-beganAt', 'beganAt'], '-beganAt');
  const list = useReports({ sort });
  const { mayCompare } = useCompare();
  const [comparing, setComparing] = useState(false);
  return (
    <Page title={t.title} headless>
      <ResourceTable<Report>
        id="reconciliations"
        title={t.title}
        description={t.why}
        list={list}
        sort={sort}
        idOf={({ id }) => id}
        nameOf={({ beganAt }) => t.report(utcTime(beganAt))}
        columns={columnsOf(home, user.vaultId !== null)}
        download={{ name: 'reconciliations', command: commands.reconcileList() }}
        actions={
          mayCompare && (
            <Button variant="primary" onClick={() => setComparing(true)}>
              {t.run}
            </Button>
          )
        }
        empty={<Empty title={t.none} why={t.noneWhy} />}
      />
      {comparing && (
        <CompareDialog
          onClose={() => setComparing(false)}
          onDone={({ id }) => void navigate(`${home}/reconciliations/${id}`)}
        />
      )}
    </Page>
  );
}

function columnsOf(home: string, isVault: boolean): readonly Column<Report>[] {
  return [
    {
      id: 'beganAt',
      header: t.began,
      sortedAs: 'beganAt',
      isRowHeader: true,
      width: 220,
      file: ({ beganAt }) => beganAt,
      cell: ({ id, beganAt }) => (
        <Link href={`${home}/reconciliations/${id}`}>
          <time dateTime={beganAt}>{utcTime(beganAt)}</time>
        </Link>
      ),
    },
    {
      id: 'result',
      header: t.result,
      width: 160,
      text: ({ clean }) => (clean ? t.clean : t.notClean),
      cell: (report) => <Result of={report} />,
    },
    {
      id: 'tokens',
      header: t.tokens,
      width: 140,
      file: comparedWords,
      cell: comparedWords,
    },
    { id: 'findings', header: t.findings, width: 120, file: (one) => String(countOf(one)), cell: countOf },
    { id: 'open', header: t.open, width: 140, file: (one) => String(openOf(one)), cell: openOf },
    {
      id: 'askedBy',
      header: t.askedBy,
      width: 170,
      text: (report) => askedBy(report, isVault),
      cell: (report) => askedBy(report, isVault),
    },
    {
      id: 'endedAt',
      header: t.ended,
      wide: true,
      file: ({ endedAt }) => endedAt,
      cell: ({ endedAt }) => <Time at={endedAt} />,
    },
    {
      id: 'id',
      header: t.id,
      hidden: true,
      text: ({ id }) => id,
      cell: ({ id }) => <Copyable text={id} what={t.id} />,
    },
  ];
}

function comparedWords({ tokens }: Report): string {
  return t.comparedOf(tokens.filter(({ compared }) => compared).length, tokens.length);
}
