import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import LineChart from '@cloudscape-design/components/line-chart';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { CommandLine } from '../frame/command.tsx';
import { Time } from '../parts/time.tsx';
import { days, hours, numberText } from '../texts/locale.ts';
import { traffic as t } from '../texts/traffic.ts';
import { ranges, useRange, useTraffic, type Range, type Traffic } from './use-traffic.ts';

/** AWS KMS gives up after so long, milliseconds. */
const patience = 250;
/** Errors in the chart; the others are few. */
const topErrors = 5;

/** What AWS asks and how it is answered, as AWS shows it for an external key store: five charts. */
export default function TrafficCharts({ enabled }: { enabled: boolean }) {
  const [range, setRange] = useRange();
  const { data, error } = useTraffic(range, enabled);
  if (!enabled) return null;
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={data?.nodes === 'ONE' ? t.ofThisNode : t.ofAllNodes}
          actions={
            <SegmentedControl
              label={t.range}
              selectedId={range}
              options={ranges.map((id) => ({ id, text: t.ranges[id] }))}
              onChange={({ detail }) => setRange(detail.selectedId as Range)}
            />
          }
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
      <Chart
        traffic={traffic}
        title={t.total}
        series={[line(t.requests, points, ({ requests }) => requests)]}
        top={highest(points.map(({ requests }) => requests))}
      />
      <Chart
        traffic={traffic}
        title={t.reliability}
        series={[
          line(t.reliability, busy, ({ requests, retryable }) => (100 * (requests - retryable)) / requests),
        ]}
        top={100}
        format={(value) => `${value}%`}
      />
      <Chart
        traffic={traffic}
        title={t.latency}
        series={[
          line('p50', busy, ({ p50Ms }) => p50Ms ?? 0),
          line('p99', busy, ({ p99Ms }) => p99Ms ?? 0),
          { title: t.patience, type: 'threshold', y: patience },
        ]}
        top={Math.max(patience * 1.2, highest(busy.map(({ p99Ms }) => p99Ms ?? 0)))}
        format={(value) => `${value} ms`}
      />
      <Chart
        traffic={traffic}
        title={t.errors}
        series={named.map(([name]) => line(name, points, (point) => point.errors[name] ?? 0))}
        top={highest(points.map(({ failed }) => failed))}
        empty={t.noErrors}
      />
    </ColumnLayout>
  );
}

type Point = Traffic['points'][number];
type Line = { title: string; type: 'line'; data: { x: Date; y: number }[] };
type Series = Line | { title: string; type: 'threshold'; y: number };

function line(title: string, points: readonly Point[], of: (point: Point) => number): Line {
  return { title, type: 'line', data: points.map((point) => ({ x: new Date(point.at), y: of(point) })) };
}

function Chart({
  traffic: { from, to, range },
  title,
  series,
  top,
  format = numberText,
  empty = t.noRequests,
}: {
  traffic: Traffic;
  title: string;
  series: readonly Series[];
  top: number;
  format?: (value: number) => string;
  empty?: string;
}) {
  const isEmpty = !series.some((one) => one.type === 'line' && one.data.length > 0);
  return (
    <div>
      {/* The highest label of the axis stands above it. */}
      <Box variant="h3" padding={{ bottom: 'xs' }}>
        {title}
      </Box>
      <LineChart
        ariaLabel={title}
        height={180}
        hideFilter
        series={isEmpty ? [] : series}
        xScaleType="time"
        xDomain={[new Date(from), new Date(to)]}
        yDomain={[0, top]}
        i18nStrings={{
          xTickFormatter: (at) => tick(at, range),
          yTickFormatter: format,
          legendAriaLabel: t.legend,
          chartAriaRoleDescription: t.chart,
        }}
        empty={<Box color="text-body-secondary">{empty}</Box>}
      />
    </div>
  );
}

function tick(at: Date, range: Range): string {
  return (range === '1w' || range === '30d' ? days : hours).format(at);
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
