import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { mostGroups, type Group, type Unexplained } from '../../src/cloudtrail/unexplained.ts';
import { CommandLine } from '../frame/command.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Page } from '../frame/page.tsx';
import { Facts } from '../parts/facts.tsx';
import { FileField } from '../parts/file-field.tsx';
import { wholeList, type Column } from '../parts/list.ts';
import { Empty, ResourceTable } from '../parts/resource-table.tsx';
import { Time, utcTime } from '../parts/time.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { cloudtrail as t } from '../texts/cloudtrail.ts';
import { commands } from '../texts/commands.ts';
import { numberText } from '../texts/locale.ts';
import { parts } from '../texts/parts.ts';
import { requests } from '../texts/requests.ts';
import { compareFiles, FileProblem } from './compare-files.ts';

type Where = 'unexplained' | 'notInLog';
interface Listed extends Group {
  where: Where;
  id: string;
}

/** What is under way or came of it; the files are read here and sent nowhere. */
type State =
  { kind: 'idle' | 'busy' } | { kind: 'problem'; why: string } | { kind: 'done'; found: Unexplained };

/** Requests that AWS KMS knows nothing of, and what it knows of that no node served. */
export function CloudTrailPage() {
  const home = homeOf(useSession().user);
  const [trails, setTrails] = useState<readonly File[]>([]);
  const [logs, setLogs] = useState<readonly File[]>([]);
  const [state, setState] = useState<State>({ kind: 'idle' });
  // What came of other files is no answer to these.
  const change = (set: (files: readonly File[]) => void) => (files: readonly File[]) => {
    set(files);
    setState({ kind: 'idle' });
  };
  const compare = () => {
    const begun: State = { kind: 'busy' };
    setState(begun);
    const came = (next: State) => setState((now) => (now === begun ? next : now));
    compareFiles(trails, logs).then(
      (found) => came({ kind: 'done', found }),
      (error: unknown) =>
        came({ kind: 'problem', why: error instanceof FileProblem ? error.message : t.notReadable }),
    );
  };
  const names = (files: readonly File[]) => files.map(({ name }) => name);
  return (
    <Page title={t.title} description={t.why} above={[{ text: requests.title, href: `${home}/requests` }]}>
      <SpaceBetween size="l">
        <Container>
          <SpaceBetween size="m">
            <FileField
              label={t.trails}
              description={t.trailsWhy}
              multiple
              accept=".json,.gz"
              files={trails}
              onFiles={change(setTrails)}
            />
            <FileField
              label={t.logs}
              description={t.logsWhy}
              multiple
              files={logs}
              onFiles={change(setLogs)}
            />
            {state.kind === 'problem' && <Alert type="error">{state.why}</Alert>}
            <Button
              variant="primary"
              loading={state.kind === 'busy'}
              loadingText={t.comparing}
              disabled={trails.length === 0 || logs.length === 0}
              onClick={compare}
            >
              {t.compare}
            </Button>
            <CommandLine command={commands.requestUnexplained(names(trails), names(logs))} />
          </SpaceBetween>
        </Container>
        {state.kind === 'done' && <Result found={state.found} onAgain={compare} />}
      </SpaceBetween>
    </Page>
  );
}

function Result({ found, onAgain }: { found: Unexplained; onAgain: () => void }) {
  const { unexplained, notInLog, notCovered } = found;
  const missing = notInLog?.count ?? 0;
  const listed = [
    ...unexplained.groups.map((group) => listedOf(group, 'unexplained')),
    ...(notInLog?.groups ?? []).map((group) => listedOf(group, 'notInLog')),
  ];
  const isCut = [unexplained, notInLog].some((one) => (one?.groups.length ?? 0) >= mostGroups);
  return (
    <SpaceBetween size="l">
      {unexplained.count > 0 && (
        <Alert type="error" header={t.unexplained(numberText(unexplained.count))}>
          {t.unexplainedWhy}
        </Alert>
      )}
      {missing > 0 && (
        <Alert type="warning" header={t.notInLog(numberText(missing))}>
          {t.notInLogWhy}
        </Alert>
      )}
      {unexplained.count + missing === 0 && (
        <Alert type="success">{notCovered === 0 ? t.clean : t.cleanNotAll}</Alert>
      )}
      {notInLog === null && <Alert type="info">{t.sampled}</Alert>}
      {isCut && <Alert type="info">{t.notListed(mostGroups)}</Alert>}
      <Container>
        <Facts
          columns={4}
          items={[
            [t.requests, numberText(found.requests)],
            [t.explained, numberText(found.explained)],
            [t.notCovered, numberText(notCovered)],
            [
              t.covered,
              found.covered.map(({ awsAccountId, region, from, to }) => (
                <div key={`${awsAccountId} ${region}`}>
                  {t.coveredOf(awsAccountId, region, utcTime(from), utcTime(to))}
                </div>
              )),
            ],
          ]}
        />
      </Container>
      <ResourceTable<Listed>
        id="unexplained-requests"
        title={t.found}
        inner
        list={wholeList(listed, onAgain)}
        columns={columns}
        idOf={({ id }) => id}
        nameOf={({ principal, operation }) => `${operation} ${principal}`}
        empty={<Empty title={t.nothing} why={t.nothingWhy} />}
      />
    </SpaceBetween>
  );
}

function listedOf(group: Group, where: Where): Listed {
  const { count: _, firstAt, lastAt, kmsRequestId, ...same } = group;
  return { ...group, where, id: JSON.stringify([where, same, firstAt, lastAt, kmsRequestId]) };
}

/** A column of plain text. */
function text(id: string, header: string, of: (listed: Listed) => string, width?: number): Column<Listed> {
  return {
    ...{ id, header, text: of, cell: (listed: Listed) => of(listed) || parts.none },
    ...(width === undefined ? {} : { width }),
  };
}

const columns: readonly Column<Listed>[] = [
  {
    id: 'where',
    header: t.where,
    width: 140,
    text: ({ where }) => t.wheres[where],
    cell: ({ where }) => (
      <StatusIndicator type={where === 'unexplained' ? 'error' : 'warning'}>
        {t.wheres[where]}
      </StatusIndicator>
    ),
  },
  { id: 'count', header: t.count, width: 95, cell: ({ count }) => numberText(count) },
  { ...text('operation', t.operation, ({ operation }) => operation, 120), isRowHeader: true },
  text('principal', requests.principal, ({ principal }) => principal, 240),
  text('keySet', requests.keySet, ({ keySet }) => keySet, 120),
  {
    ...text('accessKeyId', t.accessKeyId, ({ accessKeyId }) => accessKeyId, 200),
    cell: ({ accessKeyId }) => <Copyable text={accessKeyId} what={`${t.accessKeyId}: ${accessKeyId}`} />,
  },
  text('remote', requests.address, ({ remote }) => remote, 120),
  { id: 'lastAt', header: t.last, width: 105, cell: ({ lastAt }) => <Time at={lastAt} /> },
  { id: 'firstAt', header: t.first, hidden: true, cell: ({ firstAt }) => <Time at={firstAt} /> },
  { ...text('externalKeyId', requests.externalKeyId, ({ externalKeyId }) => externalKeyId), hidden: true },
  { ...text('kmsKeyArn', requests.keyArn, ({ kmsKeyArn }) => kmsKeyArn), hidden: true },
  {
    ...text('kmsRequestId', requests.requestId, ({ kmsRequestId }) => kmsRequestId),
    hidden: true,
    cell: ({ kmsRequestId }) => (
      <Copyable text={kmsRequestId} what={`${requests.requestId}: ${kmsRequestId}`} />
    ),
  },
];
