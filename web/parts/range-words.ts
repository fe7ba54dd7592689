/* From when to when, in words that the address and the command line have in common. */

/** Both moments, or how long ago it begins, such as `24h`; nothing for all times. */
export interface Range {
  from?: string;
  to?: string;
}

const minutes = { min: 1, h: 60, d: 1_440 } as const;

export type SpanUnit = keyof typeof minutes;

/** `24h` as 24 and `h`; undefined where it is no span. */
export function spanOf(word: string | undefined): { amount: number; unit: SpanUnit } | undefined {
  const [, amount, unit] = /^([1-9]\d{0,4})(min|h|d)$/.exec(word ?? '') ?? [];
  return amount === undefined ? undefined : { amount: Number(amount), unit: unit as SpanUnit };
}

/** What the address says, and what the API is asked for it. What is no range is none: the page then says that it shows all. */
export function readRange(
  { from, to }: { from: string | null; to: string | null },
  now: number,
): { words: Range; query: Range } {
  const span = spanOf(from ?? undefined);
  if (span !== undefined && from !== null && to === null) {
    const start = now - span.amount * minutes[span.unit] * 60_000;
    return { words: { from }, query: { from: new Date(start).toISOString() } };
  }
  const [start, end] = [Date.parse(from ?? ''), Date.parse(to ?? '')];
  if (!(start < end)) return { words: {}, query: {} };
  const range = { from: new Date(start).toISOString(), to: new Date(end).toISOString() };
  return { words: range, query: range };
}

/** Of its first second and its last: the API takes the moment after that. */
export function writeRange(first: string, last: string): Range {
  return {
    from: new Date(first).toISOString(),
    to: new Date(Date.parse(last) + 1_000).toISOString(),
  };
}

/** The last second of a range that ends before `to`. */
export function lastSecondBefore(to: string): string {
  return new Date(Date.parse(to) - 1_000).toISOString();
}
