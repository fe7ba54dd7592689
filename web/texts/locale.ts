/*
 * How numbers, times and dates are told: nothing else in web/ names a language (a lint rule keeps it), and a translation
 * brings another of these.
 */

/** Of Cloudscape's own words. */
export const language = 'en';

/** The day before the month. */
export const locale = 'en-GB';

const numbers = new Intl.NumberFormat(locale);

/** With separators between thousands. */
export function numberText(n: number): string {
  return numbers.format(n);
}

/** "Next year" may be tomorrow, and is not said of twelve months. */
const relativeFormats = (style: 'long' | 'short') => ({
  named: new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style }),
  counted: new Intl.RelativeTimeFormat(locale, { numeric: 'always', style }),
});

export const relative = { long: relativeFormats('long'), short: relativeFormats('short') } as const;

export type RelativeFormats = ReturnType<typeof relativeFormats>;

/** With the name of the zone. */
export const exact = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'long' });

/** On the axis of a chart. */
export const hours = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
export const days = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
