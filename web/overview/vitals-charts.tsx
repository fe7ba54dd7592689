import Alert from '@cloudscape-design/components/alert';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { CommandLine } from '../frame/command.tsx';
import { traffic } from '../texts/traffic.ts';
import { vitals as t } from '../texts/vitals.ts';
import { RangeControl } from './range-control.tsx';
import { line, TimeChart } from './time-chart.tsx';
import { useRange } from './use-traffic.ts';
import { useVitals, type Vitals } from './use-vitals.ts';

const height = 120;

/** With `hasRange` it says how far back; else another part of the page does. */
export default function VitalsCharts({
  node,
  token,
  title,
  hasRange = true,
}: {
  node?: string;
  token?: string;
  title: string;
  hasRange?: boolean;
}) {
  const [range] = useRange();
  const { data, error } = useVitals(range, node);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={node !== undefined || data === undefined ? t.why : traffic.ofNodes(data.nodes)}
          actions={hasRange && <RangeControl />}
        >
          {title}
        </Header>
      }
    >
      <SpaceBetween size="l">
        {error !== null && <Alert type="warning">{error.message}</Alert>}
        {data !== undefined && (
          <>
            <TokenCharts vitals={data} token={token} />
            {token === undefined && <NodeCharts vitals={data} hasCertificate={node !== undefined} />}
          </>
        )}
        <CommandLine
          command={`holdfast vitals --range ${range}${node === undefined ? '' : ` --node ${node}`}`}
        />
      </SpaceBetween>
    </Container>
  );
}

function TokenCharts({ vitals, token }: { vitals: Vitals; token: string | undefined }) {
  const { points, tokens } = vitals;
  const names = tokens.map(({ name }) => name).filter((name) => token === undefined || name === token);
  const of = (point: Vitals['points'][number], name: string) => point.tokens.find((one) => one.name === name);
  const waits = points.flatMap((point) => point.tokens.map(({ p99WaitMs }) => p99WaitMs ?? 0));
  return (
    <ColumnLayout columns={2}>
      <TimeChart
        span={vitals}
        title={t.fit}
        series={names.map((name) => line(name, points, (point) => of(point, name)?.leastFitPercent))}
        {...shares}
      />
      <TimeChart
        span={vitals}
        title={t.waits}
        series={names.flatMap((name) => [
          line(
            names.length > 1 ? t.waited(name) : t.waitedOne,
            points,
            (point) => of(point, name)?.p99WaitMs,
          ),
          ...(token === undefined
            ? []
            : [line(t.estimated, points, (point) => of(point, name)?.estimatedWaitMs)]),
        ])}
        top={Math.max(10, ...waits)}
        format={milliseconds}
        empty={t.noWaits}
        height={height}
      />
    </ColumnLayout>
  );
}

function NodeCharts({ vitals, hasCertificate }: { vitals: Vitals; hasCertificate: boolean }) {
  const { points, leastLeasePercent } = vitals;
  return (
    <ColumnLayout columns={2}>
      {/* A store in a file has none. */}
      {leastLeasePercent !== null && (
        <TimeChart
          span={vitals}
          title={t.leases}
          series={[line(t.leaseLeft, points, (point) => point.leastLeasePercent)]}
          {...shares}
        />
      )}
      <TimeChart
        span={vitals}
        title={t.database}
        series={[
          line(t.average, points, ({ storeAverageMs }) => storeAverageMs),
          line(t.slowest, points, ({ storeSlowestMs }) => storeSlowestMs),
        ]}
        top={Math.max(10, ...points.map(({ storeSlowestMs }) => storeSlowestMs ?? 0))}
        format={milliseconds}
        empty={t.none}
        height={height}
      />
      <TimeChart
        span={vitals}
        title={t.databaseUp}
        series={[line(t.databaseUp, points, ({ storeUpPercent }) => storeUpPercent)]}
        {...shares}
      />
      <TimeChart
        span={vitals}
        title={t.budget}
        series={[line(t.budget, points, ({ budgetPercent }) => budgetPercent)]}
        {...shares}
      />
      {hasCertificate && <CertificateChart vitals={vitals} />}
    </ColumnLayout>
  );
}

function CertificateChart({ vitals }: { vitals: Vitals }) {
  const { points } = vitals;
  return (
    <TimeChart
      span={vitals}
      title={traffic.certificateDays}
      series={[line(traffic.certificateDays, points, ({ certificateDays }) => certificateDays)]}
      top={Math.max(1, ...points.map(({ certificateDays }) => certificateDays ?? 0))}
      empty={traffic.noCertificate}
      height={height}
    />
  );
}

const shares = { top: 100, format: (value: number) => `${value}%`, empty: t.none, height };

function milliseconds(value: number): string {
  return `${value} ms`;
}
