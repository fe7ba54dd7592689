import type { Changed } from '../client/api-client.ts';
import { isOwnId, labelOf, textOf } from '../output/said.ts';

/** `payroll is changed: expires 2028-01-31 00:00 UTC; region eu-west-1.` What was told, as it is afterwards. */
export function editedSentence(name: string, told: object, { after, changed }: Changed<object>): string {
  const parts = Object.keys(told)
    .filter((field) => field in after)
    .map((field) => {
      const value: unknown = Reflect.get(after, field);
      return isOwnId(field, value)
        ? `another ${labelOf(field.replace(/Id$/, ''))}`
        : `${labelOf(field.replace(/Id$/, ''))} ${setTo(value, field)}`;
    });
  const verdict = changed ? `${name} is changed` : `${name} was like that already; nothing has changed`;
  return `${verdict}${parts.length === 0 ? '' : `: ${parts.join('; ')}`}.`;
}

/** What is taken away is told as it was typed, `--expires never`, and not as the `-` of a table. */
function setTo(value: unknown, field: string): string {
  if (value !== null && value !== '') return textOf(value, field);
  return field === 'expiresAt' ? 'never' : 'none';
}

/** What is shown this once, for people: a line each, beside what it is. */
export function secretLines(secrets: Readonly<Record<string, unknown>>): string[] {
  const width = Math.max(...Object.keys(secrets).map((field) => labelOf(field).length));
  return Object.entries(secrets).map(
    ([field, value]) => `  ${labelOf(field).padEnd(width)}  ${String(value)}`,
  );
}
