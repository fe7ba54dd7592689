import Box from '@cloudscape-design/components/box';
import LineChart from '@cloudscape-design/components/line-chart';
import { days, hours, numberText } from '../texts/locale.ts';
import { traffic as t } from '../texts/traffic.ts';
import type { Range } from './use-traffic.ts';

interface Line {
  title: string;
  type: 'line';
  data: { x: Date; y: number }[];
}
type Series = Line | { title: string; type: 'threshold'; y: number };

/** Where nothing is known of a point the line has none. */
export function line<P extends { at: string }>(
  title: string,
  points: readonly P[],
  of: (point: P) => number | null | undefined,
): Line {
  const data = points.flatMap((point) => {
    const y = of(point);
    return y === null || y === undefined ? [] : [{ x: new Date(point.at), y }];
  });
  return { title, type: 'line', data };
}

/** Lines over a range of time. */
export function TimeChart({
  span: { from, to, range },
  title,
  series,
  top,
  format = numberText,
  empty = t.noRequests,
  height = 180,
}: {
  span: { from: string; to: string; range: Range };
  title: string;
  series: readonly Series[];
  /** Of the axis. */
  top: number;
  format?: (value: number) => string;
  empty?: string;
  height?: number;
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
        height={height}
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
