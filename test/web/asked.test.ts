import test from 'ava';
import { askedOf, equal, filterWords, type Ways } from '../../web/parts/asked.ts';
import { mostLookedThrough, searchedWords } from '../../web/parts/table-filter.ts';
import { lastSecondBefore, readRange, writeRange } from '../../web/parts/range-words.ts';

/* What of a filter the node is asked, and what is left to be looked for in what was read. */

interface Query {
  action?: string;
  sequence?: number;
}
const ways: Ways<Query> = {
  action: equal('action'),
  sequence: ({ operator, value }) =>
    operator === '=' && /^\d+$/.test(value) ? { sequence: Number(value) } : undefined,
};
const token = (propertyKey: string, operator: string, value: string) => ({ propertyKey, operator, value });
const asked = (operation: 'and' | 'or', ...tokens: ReturnType<typeof token>[]) => {
  const { query, rest } = askedOf({ operation, tokens }, ways);
  return [query, rest.tokens.map(({ value }) => value as string)];
};

test('what the API compares is asked of it, all else is left', (t) => {
  t.deepEqual(asked('and', token('by-action', '=', 'a'), token('by-who', '=', 'ada')), [
    { action: 'a' },
    ['ada'],
  ]);
  t.deepEqual(asked('and', token('by-action', '!=', 'a'), token('by-action', ':', 'b')), [{}, ['a', 'b']]);
  t.deepEqual(asked('and', token('by-sequence', '=', '7'), token('by-action', '=', 'a')), [
    { sequence: 7, action: 'a' },
    [],
  ]);
  t.deepEqual(asked('and', token('by-sequence', '=', 'seven')), [{}, ['seven']]);
  // An address without a value would ask for all.
  t.deepEqual(asked('and', token('by-action', '=', '')), [{}, ['']]);
  const free = { operator: ':', value: 'x' };
  t.deepEqual(askedOf({ operation: 'and', tokens: [free] }, ways).rest.tokens, [free]);
});

test('of two values of one field, and of several of which one is enough, nothing is left out', (t) => {
  t.deepEqual(asked('and', token('by-action', '=', 'a'), token('by-action', '=', 'b')), [
    { action: 'a' },
    ['b'],
  ]);
  t.deepEqual(asked('or', token('by-action', '=', 'a'), token('by-sequence', '=', '7')), [{}, ['a', '7']]);
  t.deepEqual(asked('or', token('by-action', '=', 'a')), [{ action: 'a' }, []]);
});

test('the part of a filter that a command does not know is told in words', (t) => {
  const filter = {
    operation: 'or' as const,
    tokens: [token('by-action', '!=', 'a'), { operator: ':', value: 'x' }],
  };
  t.is(
    filterWords(filter, (key) => (key === undefined ? '' : 'What')),
    'What != a or : x',
  );
});

test('a range is a span until now, or both its moments, and what is none is all times', (t) => {
  const now = Date.parse('2026-11-30T20:00:00Z');
  const read = (from: string | null, to: string | null = null) => readRange({ from, to }, now);
  t.deepEqual(read('24h'), { words: { from: '24h' }, query: { from: '2026-11-29T20:00:00.000Z' } });
  t.deepEqual(read('90min').query, { from: '2026-11-30T18:30:00.000Z' });
  const day = { from: '2026-11-01T00:00:00.000Z', to: '2026-11-02T00:00:00.000Z' };
  t.deepEqual(read('2026-11-01T01:00:00+01:00', day.to), { words: day, query: day });
  for (const [from, to] of [
    [null],
    ['0h'],
    ['7w'],
    ['24h', day.to],
    [day.from],
    [null, day.to],
    [day.to, day.from],
  ])
    t.deepEqual(read(from ?? null, to), { words: {}, query: {} }, `${from} ${to}`);
});

test('a range that is chosen holds all of its last second', (t) => {
  const day = writeRange('2026-11-01T00:00:00+01:00', '2026-11-01T23:59:59+01:00');
  t.deepEqual(day, { from: '2026-10-31T23:00:00.000Z', to: '2026-11-01T23:00:00.000Z' });
  t.is(lastSecondBefore(day.to ?? ''), '2026-11-01T22:59:59.000Z');
});

test('what was not found is called missing only where all of the list was searched', (t) => {
  const columns = [
    { id: 'action', header: 'What', cell: () => null },
    { id: 'who', header: 'Who', cell: () => null },
  ];
  const words = (
    list: { items: number; hasNextPage: boolean; error?: unknown },
    search: { isFiltered?: boolean; goesThrough?: boolean; looksOn?: boolean } = {},
  ) =>
    searchedWords(
      {
        list: {
          items: Array.from({ length: list.items }, () => 0),
          ...{ error: list.error ?? null, isPending: false, hasNextPage: list.hasNextPage },
        },
        ...{ isFiltered: true, goesThrough: false, looksOn: false },
        ...search,
      },
      columns,
      { query: {}, rest: { operation: 'and', tokens: [] }, columns: ['action'] },
      'Mind the rest.',
    );
  const how = words({ items: 200, hasNextPage: true }, { isFiltered: false });
  t.regex(how, /^Filters with = on What search the whole list\. Others.* the first 5,000/);
  t.is(words({ items: 1, hasNextPage: false }), 'The whole list was searched. Mind the rest.');
  t.regex(words({ items: 200, hasNextPage: true }), /^The whole list is being searched: 200 found so far/);
  t.regex(words({ items: 7, hasNextPage: false }, { goesThrough: true }), /searched: 7 were read/);
  const part = { items: mostLookedThrough, hasNextPage: true };
  t.regex(words({ ...part, items: 400 }, { goesThrough: true, looksOn: true }), /400 so far$/);
  for (const none of [words(part, { goesThrough: true }), words({ ...part, error: new Error('no answer') })])
    t.notRegex(none, /whole list was/);
});
