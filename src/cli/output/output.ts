import { coloured, styleOfState } from './colour.ts';
import { CliError } from './cli-error.ts';
import { folded } from './folded.ts';
import { isForPrograms, isWide, serialized, type OutputOptions } from './output-options.ts';
import { printable } from './printable.ts';
import { isOwnId, labelOf, said, textOf } from './said.ts';
import { note, print, terminal } from './streams.ts';
import { textTable, type TextColumn } from './text-table.ts';

export { isForPrograms, type OutputOptions } from './output-options.ts';

/** What of the item stands under a heading, and what becomes of it where there is little room. */
export interface Column<T> {
  of: (item: T) => unknown;
  /** Only with `-o wide`: ids, and what is seldom asked for. */
  wide?: boolean;
  /** The higher, the sooner it is left out; its place from the left unless given. */
  rank?: number;
  /** Text of people's own, which may be cut. */
  freeText?: boolean;
}

/** By their headings, from the left: what the items are called comes first. */
export type Columns<T> = Readonly<Record<string, Column<T>['of'] | Column<T>>>;

export interface ListOptions<T> {
  /** What another command takes for it, with `-o name`; the first column unless given. */
  name?: (item: T) => unknown;
}

/** Items for people as a table of `columns`, for programs as the API gave them. */
export function printList<T extends object>(
  items: readonly T[],
  columns: Columns<T>,
  options: OutputOptions,
  { name }: ListOptions<T> = {},
): void {
  if (isForPrograms(options)) {
    printData(items, options);
    return;
  }
  const all = Object.entries(columns).map(([heading, column], place) => columnAt(heading, column, place));
  if (options.output === 'name') {
    for (const line of namesOf(items, name ?? all.find(({ wide }) => !wide)?.of)) print(line);
    return;
  }
  const chosen =
    options.columns === undefined
      ? all.filter(({ wide }) => !wide || isWide(options)).toSorted((a, b) => Number(a.wide) - Number(b.wide))
      : options.columns.map((asked) => columnOf(all, items, asked));
  if (items.length === 0) {
    print('none');
    return;
  }
  // Who asks for columns, or for all of them, gets them.
  const isFitted = options.columns === undefined && !isWide(options);
  const width = isFitted ? terminal()?.columns : undefined;
  const { lines, leftOut } = textTable(
    chosen.map((column, place) => textColumn(column, items, place === 0, options)),
    width,
  );
  for (const line of lines) print(line);
  if (leftOut.length > 0) tellLeftOut(leftOut, chosen, width);
}

/** As the headings are written in the code: `XksProxyUriPath`, `id in AWS`. */
function tellLeftOut(headings: readonly string[], columns: readonly { heading: string }[], width = Infinity) {
  const named = columns.map(({ heading }) => heading).filter((one) => headings.includes(one.toUpperCase()));
  const what = `no room for: ${named.join(', ')}`;
  const how = '(-o wide shows all, --columns a,b the ones you name)';
  const line = `${what} ${how}`;
  for (const text of line.length <= width ? [line] : [...folded(what, width), ...folded(how, width)])
    note(text);
}

type Named<T> = Column<T> & { heading: string; rank: number };

function columnAt<T>(heading: string, column: Columns<T>[string], place: number): Named<T> {
  const told = typeof column === 'function' ? { of: column } : column;
  return { heading, wide: heading === 'id', rank: place, ...told };
}

function textColumn<T>(
  { heading, of, rank, freeText }: Named<T>,
  items: readonly T[],
  isFirst: boolean,
  { color }: OutputOptions,
): TextColumn {
  const values = items.map(of);
  return {
    heading: heading.toUpperCase(),
    cells: values.map((value) => textOf(value)),
    rank,
    isFreeText: freeText === true,
    isNumber: values.every((value) => typeof value === 'number'),
    paint: (cell, padded) => {
      const style = isFirst ? undefined : styleOfState(cell);
      return style === undefined ? padded : padded.replace(cell, () => coloured(style, cell, color));
    },
  };
}

/** One for each, which names it and no other of them. */
function namesOf<T extends object>(items: readonly T[], of: ((item: T) => unknown) | undefined): string[] {
  const names = items.map((item) => textOf(of?.(item)));
  const count = new Map<string, number>();
  for (const name of names) count.set(name, (count.get(name) ?? 0) + 1);
  return items.map((item, index) => {
    const name = names[index] ?? '-';
    const isClear = name !== '-' && count.get(name) === 1;
    return isClear || !('id' in item) ? name : textOf(item.id);
  });
}

/** `last-used` is the column `last used`; fields of the API that are no column are taken too. */
function columnOf<T extends object>(all: readonly Named<T>[], items: readonly T[], asked: string): Named<T> {
  const found = all.find(({ heading }) => slug(heading) === slug(asked));
  if (found !== undefined) return found;
  if (items.length > 0 && !items.some((item) => Object.hasOwn(item, asked)))
    throw noColumn(
      asked,
      all.map(({ heading }) => slug(heading)),
      Object.keys(items[0] ?? {}),
    );
  return { heading: labelOf(asked), rank: 0, of: (item) => Reflect.get(item, asked) };
}

function noColumn(asked: string, columns: string[], fields: string[]): CliError {
  const all = [...new Set([...columns, ...fields])];
  return new CliError('usage', `there is no column ${printable(asked)}`, `one of: ${all.join(', ')}`);
}

function slug(heading: string): string {
  return heading.toLowerCase().replaceAll(' ', '-');
}

/** Columns that show fields of the same name; ids only with `-o wide`. */
export function fields(...names: string[]): Columns<Readonly<Record<string, unknown>>> {
  return Object.fromEntries(
    names.map((name) => [
      labelOf(name),
      { of: (item: Readonly<Record<string, unknown>>) => said(name, item[name]), wide: name === 'id' },
    ]),
  );
}

/** One record: name and value a line for people, an object for programs. */
export function printRecord(record: object, options: OutputOptions): void {
  if (isForPrograms(options)) {
    printData(record, options);
    return;
  }
  if (options.output === 'name') {
    print(nameOf(record));
    return;
  }
  const lines = linesOf(record, options);
  const width = Math.max(...lines.map(({ label }) => label.length));
  for (const { label, field, value } of lines) {
    const text = textOf(value, field);
    // A list of more than a few short values is read better down than across.
    const parts =
      Array.isArray(value) && text.length > (terminal()?.columns ?? 80) - width - 2
        ? value.map((one) => textOf(one))
        : [text];
    for (const [index, part] of parts.entries())
      print(`${(index === 0 ? label : '').padEnd(width)}  ${painted(part, options)}`.trimEnd());
  }
}

function linesOf(record: object, options: OutputOptions): { label: string; field: string; value: unknown }[] {
  const all = Object.entries(record).map(([field, value]) => ({ label: labelOf(field), field, value }));
  if (options.columns !== undefined)
    return options.columns.map((asked) => {
      const found = all.find(({ label, field }) => field === asked || slug(label) === slug(asked));
      if (found !== undefined) return found;
      throw noColumn(
        asked,
        all.map(({ label }) => slug(label)),
        [],
      );
    });
  const isBrief = !isWide(options) && options.verbose !== true;
  const shown = all.filter(({ field, value }) => !isBrief || !isOwnId(field, value));
  return shown.length === 0 ? all : shown;
}

function painted(text: string, { color }: OutputOptions): string {
  const style = /^[A-Z_]+\b/.test(text) ? styleOfState(text) : undefined;
  return style === undefined ? text : text.replace(/^[A-Z_]+/, (state) => coloured(style, state, color));
}

/** What another command takes for it. */
function nameOf(record: object): string {
  const of = new Map(Object.entries(record));
  return textOf(
    ['name', 'username', 'accessKeyId', 'alias', 'id'].map((field) => of.get(field)).find(Boolean),
  );
}

/**
 * What was changed: for people in sentences, for programs as the record. People get the record too where they ask for it:
 * by `--verbose`, or a form of output.
 */
export function printChanged(
  sentences: string | readonly string[],
  record: object,
  options: OutputOptions,
  show: () => void = () => printRecord(record, options),
): void {
  if (options.output === undefined)
    for (const sentence of [sentences].flat()) print(painted(printable(sentence), options));
  if (options.output !== undefined || options.verbose === true) show();
}

/** What was done, where the API answers with nothing: a sentence for people, the record for programs. */
export function printDone(sentence: string, record: object, options: OutputOptions): void {
  if (isForPrograms(options)) printData(record, options);
  else print(printable(sentence));
}

/** What is for programs, or a document by itself. */
export function printData(value: unknown, options: OutputOptions): void {
  print(serialized(value, options));
}
