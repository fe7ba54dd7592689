import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useParams } from 'react-router';
import { CommandLine } from '../frame/command.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { wholeList, type Column } from '../parts/list.ts';
import { RecordState } from '../parts/record-state.tsx';
import { Empty, ResourceTable } from '../parts/resource-table.tsx';
import { utcTime, WholeTime } from '../parts/time.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { reconciliation as t } from '../texts/reconciliation.ts';
import { askedBy, countOf, isOpen, useReport, type Finding, type Report } from './reports.ts';
import { Result } from './result.tsx';

type Compared = Report['tokens'][number];

interface Listed extends Finding {
  token: string;
  /** One of its own among those of the report, since a key object may be found to differ more than once. */
  id: string;
}

/** One report: each token, and each difference. */
export function ReconciliationPage() {
  const { report = '' } = useParams();
  const read = useReport(report);
  return (
    <RecordState read={read}>
      {(body) => <Known report={body} onAgain={() => void read.refetch()} />}
    </RecordState>
  );
}

function Known({ report, onAgain }: { report: Report; onAgain: () => void }) {
  const { user } = useSession();
  const home = homeOf(user);
  const isVault = user.vaultId !== null;
  const { id, beganAt, endedAt, vaultId, tokens } = report;
  const findings = tokens.flatMap(({ token, findings: those }) =>
    those.map((finding, at): Listed => ({ ...finding, token, id: `${token} ${at}` })),
  );
  const all = countOf(report);
  return (
    <Page
      title={t.report(utcTime(beganAt))}
      above={[{ text: t.title, href: `${home}/reconciliations` }]}
      info={<Result of={report} />}
    >
      <SpaceBetween size="l">
        <Container>
          <SpaceBetween size="m">
            <Facts
              ids
              items={[
                [t.began, <WholeTime key="began" at={beganAt} />],
                [t.ended, <WholeTime key="ended" at={endedAt} />],
                [t.askedBy, askedBy(report, isVault)],
                [t.of, vaultId === null && !isVault ? t.ofAll : t.ofVault],
                [t.id, <Copyable key="id" text={id} what={t.id} />],
              ]}
            />
            <CommandLine command={commands.reconcileShow(id)} />
          </SpaceBetween>
        </Container>
        {tokens.map((token) => (
          <Token key={token.token} compared={token} isVault={isVault} />
        ))}
        {findings.length < all && <Alert type="info">{t.notListed(findings.length, all)}</Alert>}
        <ResourceTable<Listed>
          id="reconciliation-findings"
          title={t.findings}
          inner
          list={wholeList(findings, onAgain)}
          columns={columnsOf(home, isVault)}
          idOf={({ id: one }) => one}
          nameOf={({ name, objectId }) => name ?? objectId}
          empty={<Empty title={t.noFindings} why={t.noFindingsWhy} />}
        />
      </SpaceBetween>
    </Page>
  );
}

function Token({ compared: { token, compared, problem, keyObjects, counts }, isVault }: TokenProps) {
  const found = Object.entries(counts).filter(([, count]) => count > 0);
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <StatusIndicator type={compared ? 'success' : 'error'}>
              {compared ? t.compared : t.notCompared}
            </StatusIndicator>
          }
        >
          {t.tokenOf(token)}
        </Header>
      }
    >
      <SpaceBetween size="m">
        {problem !== null && <Alert type="error">{sentence(problem)}</Alert>}
        <Facts
          items={[
            ...(isVault ? [] : [[t.keyObjects, keyObjects ?? parts.none] as const]),
            ...(found.length === 0 ? [[t.findings, parts.no] as const] : []),
            ...found.map(([kind, count]) => [t.kinds[kind as Finding['kind']], count] as const),
          ]}
        />
      </SpaceBetween>
    </Container>
  );
}

interface TokenProps {
  compared: Compared;
  isVault: boolean;
}

function columnsOf(home: string, isVault: boolean): readonly Column<Listed>[] {
  const text = (id: string, header: string, of: (finding: Listed) => string): Column<Listed> => ({
    ...{ id, header, text: of },
    cell: (finding) => of(finding) || parts.none,
  });
  return [
    { ...text('kind', t.kind, ({ kind }) => t.kinds[kind]), isRowHeader: true, width: 190 },
    {
      id: 'outcome',
      header: t.outcome,
      width: 160,
      text: ({ outcome }) => t.outcomes[outcome],
      cell: (finding) => (
        <StatusIndicator type={isOpen(finding) ? 'warning' : 'success'}>
          {t.outcomes[finding.outcome]}
        </StatusIndicator>
      ),
    },
    {
      id: 'key',
      header: t.key,
      width: 150,
      text: ({ name, externalKeyId }) => name ?? externalKeyId ?? '',
      cell: ({ cloudKeyId, name, externalKeyId }) =>
        isVault && cloudKeyId !== null ? (
          <Link href={`${home}/cloud-keys/${cloudKeyId}`}>{name ?? externalKeyId ?? cloudKeyId}</Link>
        ) : (
          (name ?? externalKeyId ?? parts.none)
        ),
    },
    { ...text('version', t.version, ({ version }) => version?.toString() ?? ''), width: 95 },
    { ...text('detail', t.detail, ({ detail }) => sentence(detail)), width: 330 },
    { ...text('token', t.token, ({ token }) => token), wide: true },
    {
      id: 'objectId',
      header: t.objectId,
      hidden: true,
      text: ({ objectId }) => objectId,
      cell: ({ objectId }) => <Copyable text={objectId} what={`${t.objectId}: ${objectId}`} />,
    },
    { ...text('label', t.label, ({ label }) => label ?? ''), hidden: true },
    { ...text('externalKeyId', t.externalKeyId, ({ externalKeyId }) => externalKeyId ?? ''), hidden: true },
    ...(isVault ? [] : [{ ...text('vault', t.vault, ({ vaultId }) => vaultId ?? ''), hidden: true }]),
  ];
}
