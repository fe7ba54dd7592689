import stringWidth from 'string-width';

/* Tables of text that fit a terminal. Nothing here knows what is in them. */

export interface TextColumn {
  heading: string;
  /** One for each row, on one line, printable. */
  cells: readonly string[];
  /** Where there is no room for all, the column of the highest rank goes first; that of names, which is the first, stays. */
  rank: number;
  /** Free text, which may end in an ellipsis. Nothing else is ever cut: half a name is another name. */
  isFreeText?: boolean;
  isNumber?: boolean;
  paint?: (cell: string, padded: string) => string;
}

export interface TextTable {
  lines: string[];
  /** Headings of the columns that there was no room for. */
  leftOut: string[];
}

const gap = '  ';
/** Below this free text says nothing any more. */
const minFreeText = 16;

/** How many cells of a terminal it takes. */
export function widthOf(text: string): number {
  // Nearly all of it, in lists of thousands.
  if (/^[ -~]*$/.test(text)) return text.length;
  return stringWidth(text, { countAnsiEscapeCodes: true });
}

/**
 * The rows under their headings. No line is wider than `width`, but for a name that is so by itself: one that takes more
 * than half of the line stands on a line of its own.
 */
export function textTable(columns: readonly TextColumn[], width = Infinity): TextTable {
  const sized = columns.map((column, place) => {
    const isFreeText = place > 0 && column.isFreeText === true;
    const natural = Math.max(widthOf(column.heading), ...column.cells.map(widthOf));
    const min = isFreeText ? Math.min(natural, Math.max(minFreeText, widthOf(column.heading))) : natural;
    return { column, isFreeText, natural, min, width: natural };
  });
  const [names] = sized;
  if (names === undefined) return { lines: [], leftOut: [] };
  if (total(sized, 'natural') > width) {
    const widths = names.column.cells.map(widthOf).filter((one) => one <= width / 2);
    names.min = Math.max(widthOf(names.column.heading), ...widths);
    names.natural = names.min;
  }
  const kept = new Set([names]);
  for (const one of sized.slice(1).toSorted((a, b) => a.column.rank - b.column.rank))
    if (total([...kept, one], 'min') <= width) kept.add(one);
  const shown = sized.filter((one) => kept.has(one));
  let spare = width - total(shown, 'min');
  for (const one of shown) {
    one.width = Math.min(one.natural, one.min + spare);
    spare -= one.width - one.min;
  }
  return {
    lines: linesOf(shown),
    leftOut: sized.filter((one) => !kept.has(one)).map(({ column }) => column.heading),
  };
}

interface Sized {
  column: TextColumn;
  isFreeText: boolean;
  natural: number;
  min: number;
  width: number;
}

function total(columns: readonly Sized[], by: 'natural' | 'min'): number {
  return columns.reduce((sum, one) => sum + one[by], (columns.length - 1) * gap.length);
}

function linesOf(columns: readonly Sized[]): string[] {
  const rows = columns[0]?.column.cells.length ?? 0;
  const heading = columns.map(({ column, width }) => padded(column.heading, width, column.isNumber));
  const lines = [heading.join(gap).trimEnd()];
  for (let row = 0; row < rows; row++) {
    const [name = '', ...rest] = columns.map(({ column, isFreeText, width }) => {
      const text = cut(column.cells[row] ?? '', isFreeText ? width : Infinity);
      const cell = padded(text, width, column.isNumber);
      return column.paint?.(text, cell) ?? cell;
    });
    const [names] = columns;
    const isTooLong = names !== undefined && widthOf(names.column.cells[row] ?? '') > names.width;
    if (isTooLong) lines.push(name);
    if (!isTooLong || rest.length > 0)
      lines.push([isTooLong ? ' '.repeat(names.width) : name, ...rest].join(gap).trimEnd());
  }
  return lines;
}

function padded(text: string, width: number, atTheRight = false): string {
  const padding = ' '.repeat(Math.max(0, width - widthOf(text)));
  return atTheRight ? padding + text : text + padding;
}

const graphemes = new Intl.Segmenter();

/** Its beginning and an ellipsis where it is too long. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  for (const { segment } of graphemes.segment(text)) {
    if (widthOf(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
