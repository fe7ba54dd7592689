import Table from 'cli-table3';

export interface OutputOptions {
  json?: boolean | undefined;
}

/** Rows for people as a table, for programs as JSON. */
export function printRows(
  rows: readonly Record<string, unknown>[],
  columns: readonly string[],
  { json }: OutputOptions,
): void {
  if (json === true) {
    console.log(JSON.stringify(rows, null, 2));
    return;
  }
  if (rows.length === 0) {
    console.log('none');
    return;
  }
  const table = new Table({
    head: [...columns],
    style: { head: [], border: [], compact: true },
    chars: plainChars,
  });
  for (const row of rows) table.push(columns.map((column) => cell(row[column])));
  console.log(table.toString());
}

/** One record: name and value a line for people, an object for programs. */
export function printRecord(record: Record<string, unknown>, { json }: OutputOptions): void {
  if (json === true) {
    console.log(JSON.stringify(record, null, 2));
    return;
  }
  const width = Math.max(...Object.keys(record).map((name) => name.length));
  for (const [name, value] of Object.entries(record)) console.log(`${name.padEnd(width)}  ${cell(value)}`);
}

function cell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const plainChars = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};
