import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { CommandLine } from '../frame/command.tsx';
import { Time } from '../parts/time.tsx';
import { traffic as t } from '../texts/traffic.ts';
import { RangeControl } from './range-control.tsx';
import { line, TimeChart } from './time-chart.tsx';
import { useRange, useTraffic, type Traffic } from './use-traffic.ts';

/** AWS KMS gives up after so long, milliseconds. */
const patience = 250;
/** Errors in the chart; the others are few. */
const topErrors = 5;

/** What AWS asks and how it is answered, as AWS shows it for an external key store: five charts. */
export default function TrafficCharts({ enabled }: { enabled: boolean }) {
  const [range] = useRange();
  const { data, error } = useTraffic(range, enabled);
  if (!enabled) return null;
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={data === undefined ? undefined : t.ofNodes(data.nodes)}
          actions={<RangeControl />}
        >
          {t.title}
        </Header>
      }
    >
      <SpaceBetween size="l">
        {error !== null && <Alert type="warning">{error.message}</Alert>}
        {data !== undefined && <Sums traffic={data} />}
        {data !== undefined && <Charts traffic={data} />}
        <CommandLine command={`holdfast traffic --range ${range}`} />
      </SpaceBetween>
    </Container>
  );
}

function Sums({ traffic }: { traffic: Traffic }) {
  const { requests, requestsPerSecond, reliabilityPercent, p50Ms, p99Ms, late, certificateExpiresAt } =
    traffic;
  return (
    <ColumnLayout columns={4} variant="text-grid" minColumnWidth={150}>
      <Sum label={t.now} value={t.perSecond(requestsPerSecond)} note={t.inAll(requests)} />
      <Sum label={t.reliability} value={percent(reliabilityPercent)} note={t.reliabilityNote} />
      <Sum label={t.latency} value={`${ms(p50Ms)} / ${ms(p99Ms)}`} note={t.late(late)} />
      <div>
        <Box variant="awsui-key-label">{t.certificate}</Box>
        <Box fontSize="heading-l">
          <Time at={certificateExpiresAt} none={t.none} />
        </Box>
      </div>
    </ColumnLayout>
  );
}

function Sum({ label, value, note }: { label: string; value: string; note: string }) {
  return (
    <div>
      <Box variant="awsui-key-label">{label}</Box>
      <Box fontSize="heading-l">{value}</Box>
      <Box color="text-body-secondary" fontSize="body-s">
        {note}
      </Box>
    </div>
  );
}

function Charts({ traffic }: { traffic: Traffic }) {
  const { points, errors } = traffic;
  const busy = points.filter(({ requests }) => requests > 0);
  const named = Object.entries(errors)
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, topErrors);
  return (
    <ColumnLayout columns={2}>
      <TimeChart
        span={traffic}
        title={t.total}
        series={[line(t.requests, points, ({ requests }) => requests)]}
        top={highest(points.map(({ requests }) => requests))}
      />
      <TimeChart
        span={traffic}
        title={t.reliability}
        series={[
          line(t.reliability, busy, ({ requests, retryable }) => (100 * (requests - retryable)) / requests),
        ]}
        top={100}
        format={(value) => `${value}%`}
      />
      <TimeChart
        span={traffic}
        title={t.latency}
        series={[
          line('p50', busy, ({ p50Ms }) => p50Ms ?? 0),
          line('p99', busy, ({ p99Ms }) => p99Ms ?? 0),
          { title: t.patience, type: 'threshold', y: patience },
        ]}
        top={Math.max(patience * 1.2, highest(busy.map(({ p99Ms }) => p99Ms ?? 0)))}
        format={(value) => `${value} ms`}
      />
      <TimeChart
        span={traffic}
        title={t.errors}
        series={named.map(([name]) => line(name, points, (point) => point.errors[name] ?? 0))}
        top={highest(points.map(({ failed }) => failed))}
        empty={t.noErrors}
      />
      <TimeChart
        span={traffic}
        title={t.certificateDays}
        series={[line(t.certificateDays, points, ({ certificateDays }) => certificateDays)]}
        top={highest(points.map(({ certificateDays }) => certificateDays ?? 0))}
        empty={t.noCertificate}
      />
    </ColumnLayout>
  );
}

function highest(values: readonly number[]): number {
  return Math.max(1, ...values);
}

function ms(value: number | null): string {
  return value === null ? t.none : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** 99.995 is not 100. */
function percent(value: number | null): string {
  return value === null ? t.none : `${Math.floor(value * 100) / 100}%`;
}
