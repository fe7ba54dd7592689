import SegmentedControl from '@cloudscape-design/components/segmented-control';
import { traffic as t } from '../texts/traffic.ts';
import { ranges, useRange, type Range } from './use-traffic.ts';

/** How far back the charts of the page go. */
export function RangeControl() {
  const [range, setRange] = useRange();
  return (
    <SegmentedControl
      label={t.range}
      selectedId={range}
      options={ranges.map((id) => ({ id, text: t.ranges[id] }))}
      onChange={({ detail }) => setRange(detail.selectedId as Range)}
    />
  );
}
