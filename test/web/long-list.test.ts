import test from 'ava';
import { pagesOf, withFresh, type ListPage } from '../../web/api/long-list.ts';

interface Item {
  id: string;
  state: string;
}

/** Three to a page; the cursor of the next is the last item's name. */
const page = (names: string, state: 'before' | 'now' = 'before', isLast = false): ListPage<Item> => ({
  items: Array.from(names, (id) => ({ id, state })),
  next: isLast ? null : (names.at(-1) ?? null),
});
const pages = [page('abc'), page('def'), page('ghi', 'before', true)];
const told = (fresh: [number, ListPage<Item>][]) =>
  withFresh(pages, new Map(fresh))
    .map(({ id, state }) => (state === 'now' ? id.toUpperCase() : id))
    .join('');

test('what is looked at is shown as it is now, and what is not as it was', (t) => {
  t.is(told([]), 'abcdefghi');
  t.is(told([[1, page('def', 'now')]]), 'abcDEFghi');
  t.deepEqual(pagesOf(pages, ['c', 'd']), [0, 1]);
  t.deepEqual(pagesOf(pages, ['x']), []);
});

test('what is new is shown, and what it pushes off the page stays', (t) => {
  t.is(told([[0, page('xab', 'now')]]), 'XABcdefghi');
  t.is(told([[1, page('xyz', 'now')]]), 'abcXYZdefghi');
  t.is(told([[0, page('zabc', 'now')]]), 'ZABCdefghi');
});

test('what is gone is gone, and no item is there twice', (t) => {
  t.is(told([[1, page('dfg', 'now')]]), 'abcDFGhi');
  t.is(told([[0, page('abd', 'now')]]), 'ABDefghi');
  // Of the last one, and of all after one that has become the last.
  t.is(told([[2, page('gi', 'now', true)]]), 'abcdefGI');
  t.is(told([[1, page('d', 'now', true)]]), 'abcD');
  // Moved to where somebody looks.
  t.is(told([[0, page('hab', 'now')]]), 'HABcdefgi');
  t.is(
    told([
      [0, page('abd', 'now')],
      [1, page('def', 'now')],
    ]),
    'ABDEFghi',
  );
});
