import Table from 'cli-table3';
import { printable } from './printable.ts';
import { print } from './streams.ts';

export interface OutputOptions {
  json?: boolean | undefined;
}

/** Heading and what of the item stands under it. */
export type Columns<T> = Readonly<Record<string, (item: T) => unknown>>;

/** Items for people as a table of `columns`, for programs as the JSON that the API gave. */
export function printList<T>(items: readonly T[], columns: Columns<T>, { json }: OutputOptions): void {
  if (json === true) {
    print(JSON.stringify(items, null, 2));
    return;
  }
  if (items.length === 0) {
    print('none');
    return;
  }
  const table = new Table({
    head: Object.keys(columns),
    style: { head: [], border: [], compact: true },
    chars: plainChars,
  });
  for (const item of items) table.push(Object.values(columns).map((of) => cell(of(item))));
  for (const line of table.toString().split('\n')) print(line.trimEnd());
}

/** Columns that show fields of the same name. */
export function fields(...names: string[]): Columns<Readonly<Record<string, unknown>>> {
  return Object.fromEntries(names.map((name) => [name, (item) => item[name]]));
}

/** One record: name and value a line for people, an object for programs. */
export function printRecord(record: object, { json }: OutputOptions): void {
  if (json === true) {
    print(JSON.stringify(record, null, 2));
    return;
  }
  const width = Math.max(...Object.keys(record).map((name) => name.length));
  for (const [name, value] of Object.entries(record)) {
    const text = cell(value);
    // A list of more than a few short values is read better down than across.
    const lines = Array.isArray(value) && text.length > 80 ? value.map(cell) : [text];
    for (const [index, line] of lines.entries()) print(`${(index === 0 ? name : '').padEnd(width)}  ${line}`);
  }
}

/** What was done, where the API answers with nothing: a sentence for people, the record for programs. */
export function printDone(sentence: string, record: object, { json }: OutputOptions): void {
  print(json === true ? JSON.stringify(record, null, 2) : printable(sentence));
}

function cell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(cell).join(', ');
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([name, inner]) => `${printable(name)} ${cell(inner)}`)
      .join(', ');
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
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
