import { useMemo, useState } from 'react';
import DateRangePicker, { type DateRangePickerProps } from '@cloudscape-design/components/date-range-picker';
import { useSearchParams } from 'react-router';
import { locale } from '../texts/locale.ts';
import { rangeTexts as t } from '../texts/range.ts';
import { lastSecondBefore, readRange, spanOf, writeRange, type Range, type SpanUnit } from './range-words.ts';
import { useNow } from './time.tsx';

type Value = DateRangePickerProps.Value;

/** From when to when a list is asked for, as the address says. */
export function useRange(): ReturnType<typeof readRange> {
  const [search] = useSearchParams();
  const [from, to] = [search.get('from'), search.get('to')];
  const now = useNow();
  const [begun, setBegun] = useState({ from, to, now });
  // A span is counted from when it was chosen or the page opened: were it to move on, so would the list under one's eyes.
  if (begun.from !== from || begun.to !== to) setBegun({ from, to, now });
  return useMemo(() => readRange({ from, to }, begun.now), [from, to, begun.now]);
}

const words: Partial<Record<DateRangePickerProps.TimeUnit, SpanUnit>> = {
  minute: 'min',
  hour: 'h',
  day: 'd',
};
const units = Object.keys(words) as DateRangePickerProps.TimeUnit[];

const spans = (['1h', '24h', '7d', '30d'] as const).map((span) => relativeOf(span, spanOf(span)));

/** Beside a list of what has happened. */
export function RangePicker() {
  const [, setSearch] = useSearchParams();
  const { words: range } = useRange();
  const change = (value: Value | null) =>
    setSearch(
      (before) => {
        const after = new URLSearchParams(before);
        for (const name of ['from', 'to']) after.delete(name);
        for (const [name, word] of Object.entries(rangeOf(value))) after.set(name, word as string);
        return after;
      },
      { replace: true },
    );
  return (
    <div className="range">
      <DateRangePicker
        value={valueOf(range)}
        onChange={({ detail }) => change(detail.value)}
        isValidRange={validityOf}
        relativeOptions={spans}
        customRelativeRangeUnits={units}
        placeholder={t.all}
        locale={locale}
        dateInputFormat="iso"
        expandToViewport
        i18nStrings={{ ...t.picker, ariaLabel: t.label }}
      />
    </div>
  );
}

function relativeOf(key: string, span: ReturnType<typeof spanOf>): DateRangePickerProps.RelativeOption {
  const unit = units.find((one) => words[one] === span?.unit) ?? 'day';
  return { key, type: 'relative', amount: span?.amount ?? 1, unit };
}

function valueOf({ from, to }: Range): Value | null {
  if (from === undefined) return null;
  if (to === undefined) return relativeOf(from, spanOf(from));
  return { type: 'absolute', startDate: from, endDate: lastSecondBefore(to) };
}

function rangeOf(value: Value | null): Range {
  if (value === null) return {};
  if (value.type === 'absolute') return writeRange(value.startDate, value.endDate);
  return { from: `${value.amount}${words[value.unit] ?? 'd'}` };
}

function validityOf(value: Value | null): DateRangePickerProps.ValidationResult {
  if (value === null) return { valid: true };
  if (value.type === 'relative')
    return spanOf(rangeOf(value).from) === undefined
      ? { valid: false, errorMessage: t.noSpan }
      : { valid: true };
  const [first, last] = [Date.parse(value.startDate), Date.parse(value.endDate)];
  if (Number.isNaN(first) || Number.isNaN(last)) return { valid: false, errorMessage: t.noDates };
  return first > last ? { valid: false, errorMessage: t.backwards } : { valid: true };
}
