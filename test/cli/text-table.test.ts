import test from 'ava';
import fc from '../../testing/properties.ts';
import { printable } from '../../src/cli/output/printable.ts';
import { cut, textTable, widthOf } from '../../src/cli/output/text-table.ts';

/** Each asks for the width of hundreds of texts. */
const runs = { numRuns: 40 };

const text = fc
  .oneof(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.stringMatching(/^[a-z-]{1,60}$/))
  .map(printable);

const tables = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 6 }))
  .chain(([columns, rows]) =>
    fc.array(
      fc.record({
        heading: fc.stringMatching(/^[A-Z]{1,12}$/),
        cells: fc.array(text, { minLength: rows, maxLength: rows }),
        rank: fc.nat(9),
        isFreeText: fc.boolean(),
        isNumber: fc.boolean(),
      }),
      { minLength: columns, maxLength: columns },
    ),
  );

test('whatever is in a table, no line is wider than the terminal but one that is a name alone', (t) => {
  fc.assert(
    fc.property(tables, fc.integer({ min: 20, max: 200 }), (columns, width) => {
      const names = new Set(columns[0]?.cells);
      for (const line of textTable(columns, width).lines)
        if (widthOf(line) > width && !names.has(line)) return false;
      return true;
    }),
    runs,
  );
  t.pass();
});

test('names are never cut or left out, and what is shown or left out is all there is', (t) => {
  fc.assert(
    fc.property(tables, fc.integer({ min: 20, max: 200 }), (columns, width) => {
      const { lines, leftOut } = textTable(columns, width);
      for (const name of columns[0]?.cells ?? [])
        if (!lines.some((line) => line.includes(name.trim()))) return false;
      const shown = columns.filter(({ heading }, place) => place === 0 || !leftOut.includes(heading));
      for (const { cells, isFreeText } of shown)
        if (!isFreeText)
          for (const cell of cells) if (!lines.some((line) => line.includes(cell.trim()))) return false;
      return shown.every(({ heading }) => lines[0]?.includes(heading));
    }),
    runs,
  );
  t.pass();
});

test('without a terminal everything is there, whole', (t) => {
  fc.assert(
    fc.property(tables, (columns) => {
      const { lines, leftOut } = textTable(columns);
      const all = columns.flatMap(({ cells }) => cells.map((cell) => cell.trim()));
      return leftOut.length === 0 && all.every((cell) => lines.some((line) => line.includes(cell)));
    }),
    runs,
  );
  t.pass();
});

test('wide characters take two cells, marks on letters none, and neither is cut in two', (t) => {
  t.is(widthOf('鍵'), 2);
  t.is(widthOf('e\u0301'), 1);
  t.is(cut('鍵鍵鍵鍵', 6), '鍵鍵…');
  t.is(cut('e\u0301e\u0301e\u0301e\u0301', 3), 'e\u0301e\u0301…');
  const { lines } = textTable([
    { heading: 'NAME', cells: ['鍵', 'ab'], rank: 0 },
    { heading: 'STATE', cells: ['A', 'B'], rank: 1 },
  ]);
  t.deepEqual(lines, ['NAME  STATE', '鍵    A', 'ab    B']);
});

test('what moves the cursor, hides or turns text is shown as a character that it is not', (t) => {
  for (const evil of [
    '\u001b',
    '\u0000',
    '\r',
    '\n',
    '\u009b',
    '\u202e',
    '\u2066',
    '\u200b',
    '\u200f',
    '\u061c',
    '\u{e0041}',
  ])
    t.is(printable(`a${evil}b`), 'a\ufffdb', evil.codePointAt(0)?.toString(16));
  t.is(printable('👩‍🔧 e\u0301 鍵'), '👩‍🔧 e\u0301 鍵');
});
