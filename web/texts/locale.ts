/* How numbers, times and dates are told: a translation brings another of these, and nothing else names a language. */

/** The day before the month. */
export const locale = 'en-GB';

const numbers = new Intl.NumberFormat(locale);

/** With separators between thousands. */
export function number(n: number): string {
  return numbers.format(n);
}
