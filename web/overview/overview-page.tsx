import { lazy, Suspense, type ReactNode } from 'react';
import Box from '@cloudscape-design/components/box';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { RecentActs } from '../audit/recent-acts.tsx';
import { FirstRun } from '../appliance/first-run.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { useStatus } from '../frame/status-strip.tsx';
import { homeOf, useMay, useSession } from '../session/session.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { State } from '../parts/state.tsx';
import { Time, useNow } from '../parts/time.tsx';
import { numberText } from '../texts/locale.ts';
import { overview as t } from '../texts/overview.ts';
import { vitals } from '../texts/vitals.ts';
import { Findings } from './findings.tsx';
import { FirstSteps } from './first-steps.tsx';
import { Vitals } from './vitals.tsx';

type Status = Schemas['Status'];

/** Charts are half of what a first page would load. */
const TrafficCharts = lazy(async () => import('./traffic.tsx'));

/** Whether all is well, in five seconds; of the vault or of the appliance, whichever is signed in to. */
export function OverviewPage() {
  const read = useStatus();
  const may = useMay();
  const mayRead = may(useSession().user.vaultId === null ? 'getTraffic' : 'getVaultTraffic');
  return (
    <RecordState read={read}>
      {(status) => (
        <Page
          title={t.title}
          description={
            <>
              {t.asOf} <Time at={status.at} />
            </>
          }
        >
          <SpaceBetween size="l">
            {status.vaults?.total === 0 && <FirstRun />}
            {status.vaults === undefined && sum(status.cloudKeys) === 0 && <FirstSteps />}
            <Tiles status={status} />
            <Findings status={status} />
            <Suspense fallback={null}>
              <TrafficCharts enabled={mayRead} />
            </Suspense>
            <Vitals title={vitals.title} hasRange={false} />
            <ColumnLayout columns={2}>
              <Tokens status={status} />
              {status.nodes !== undefined && <Nodes status={status} />}
            </ColumnLayout>
            <RecentActs />
          </SpaceBetween>
        </Page>
      )}
    </RecordState>
  );
}

function Tiles({ status }: { status: Status }) {
  const { cloudKeys, externalKeyStores, keySets, credentials, quotas, vaults, disk, auditEvents } = status;
  const { user } = useSession();
  const home = homeOf(user);
  const inVault = (path: string) => (user.vaultId === null ? {} : { href: `${home}/${path}` });
  return (
    <Container>
      <ColumnLayout columns={4} variant="text-grid" minColumnWidth={170}>
        {vaults !== undefined && (
          <Tile
            label={t.vaults}
            number={vaults.total}
            href={`${home}/vaults`}
            notes={vaults.frozen > 0 ? [`${vaults.frozen} ${t.frozen}`] : []}
          />
        )}
        <Tile
          label={t.cloudKeys}
          number={sum(cloudKeys)}
          notes={byState(cloudKeys)}
          {...inVault('cloud-keys')}
        />
        <Tile
          label={t.keyStores}
          number={sum(externalKeyStores)}
          notes={byState(externalKeyStores)}
          {...inVault('external-key-stores')}
        />
        <Tile
          label={t.keySets}
          number={keySets.total}
          {...inVault('key-sets')}
          notes={[
            t.liveCredentials(credentials.live),
            ...(keySets.frozen > 0 ? [`${keySets.frozen} ${t.frozen}`] : []),
          ]}
        />
        {quotas !== null && (
          <Tile
            label={t.quotas}
            number={quotas.refused}
            notes={[t.refused(quotas.refused), t.near(quotas.near)]}
          />
        )}
        {disk !== undefined && (
          <Tile
            label={t.disk}
            text={bytes(disk.freeBytes)}
            notes={[t.free(bytes(disk.freeBytes), bytes(disk.totalBytes))]}
          />
        )}
        {auditEvents !== undefined && <Tile label={t.auditEvents} number={auditEvents} notes={[]} />}
      </ColumnLayout>
    </Container>
  );
}

function Tile({
  label,
  number,
  text,
  notes,
  href,
}: {
  label: string;
  number?: number;
  text?: string;
  notes: readonly string[];
  /** Of the list of what is counted. */
  href?: string;
}) {
  const shown = text ?? (number === undefined ? undefined : numberText(number));
  return (
    <div>
      <Box variant="awsui-key-label">{label}</Box>
      <Box fontSize="display-l" fontWeight="light">
        {href === undefined ? (
          shown
        ) : (
          <Link href={href} fontSize="display-l" ariaLabel={`${shown} ${label}`}>
            {shown}
          </Link>
        )}
      </Box>
      {notes.map((note) => (
        <Box key={note} color="text-body-secondary" fontSize="body-s">
          {note}
        </Box>
      ))}
    </div>
  );
}

function Tokens({ status }: { status: Status }) {
  return (
    <Section title={t.tokens}>
      {status.tokens.map((token) => (
        <Line key={token.name} name={token.name}>
          <State of={token.health} more={t.hosts(token.hostsUp, token.hosts)} />
        </Line>
      ))}
    </Section>
  );
}

function Nodes({ status }: { status: Status }) {
  const now = useNow();
  return (
    <SpaceBetween size="l">
      <Section title={t.nodes}>
        {(status.nodes ?? []).map((node) => (
          <Line key={`${node.hostname} ${node.version}`} name={node.hostname}>
            <State of={node.state} more={node.version} />
          </Line>
        ))}
      </Section>
      <Section title={t.certificates}>
        {(status.certificates ?? []).map(({ subject, listeners, expiresAt }) => (
          <Line key={`${subject} ${listeners.join()}`} name={listeners.join(', ')}>
            <StatusIndicator type={Date.parse(expiresAt) - now > thirtyDays ? 'success' : 'warning'}>
              {subject}, <Time at={expiresAt} />
            </StatusIndicator>
          </Line>
        ))}
      </Section>
    </SpaceBetween>
  );
}

const thirtyDays = 30 * 86_400_000;

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Container header={<Header variant="h2">{title}</Header>}>
      <SpaceBetween size="xs">{children}</SpaceBetween>
    </Container>
  );
}

function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="line">
      <Box variant="strong">{name}</Box>
      {children}
    </div>
  );
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((all, one) => all + one, 0);
}

function byState(counts: Record<string, number>): string[] {
  const told = Object.entries(counts).filter(([, count]) => count > 0);
  return told.length === 0
    ? [t.noKeys]
    : told.map(([state, count]) => `${count} ${t.states[state] ?? state}`);
}

export function bytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(count, 1)) / 3)));
  return `${(count / 1000 ** at).toFixed(at === 0 ? 0 : 1)} ${units[at]}`;
}
