import test from 'ava';
import { displayOf, roomOf, widthsOf } from '../../web/parts/table-layout.ts';

const columns = [
  { id: 'name', width: 200 },
  { id: 'region', width: 100, wide: true },
  { id: 'state' },
  { id: 'expires', width: 150, wide: true },
  { id: 'id', width: 300, hidden: true },
];
const shown = (room: number) => displayOf(columns, room).flatMap(({ id, visible }) => (visible ? [id] : []));

test('a column that is not needed is shown where the window has room for all of it', (t) => {
  t.deepEqual(shown(0), ['name', 'state']);
  t.deepEqual(shown(417), ['name', 'state']);
  t.deepEqual(shown(418), ['name', 'region', 'state']);
  t.deepEqual(shown(567), ['name', 'region', 'state']);
  t.deepEqual(shown(568), ['name', 'region', 'state', 'expires']);
  // Not because there is more room than anybody needs.
  t.deepEqual(shown(5_000), ['name', 'region', 'state', 'expires']);
  // One that does not fit keeps none out that does.
  const broadFirst = [{ id: 'broad', width: 500, wide: true }, ...columns];
  t.deepEqual(
    displayOf(broadFirst, 600).flatMap(({ id, visible }) => (visible ? [id] : [])),
    ['name', 'region', 'state', 'expires'],
  );
});

test('room that is left goes to every column that is shown, and none is made narrower', (t) => {
  const widths = (room: number) => widthsOf(columns, displayOf(columns, room), room);
  t.is(widths(0).get('name'), 200);
  t.is(widths(300).get('state'), 118);
  const roomy = widths(1_136);
  t.deepEqual(
    ['name', 'region', 'state', 'expires'].map((id) => roomy.get(id)),
    [400, 200, 236, 300],
  );
  // Whole pixels, and none of them more than there are: a list would scroll for the sake of one.
  const odd = displayOf(columns, 601).flatMap(({ id, visible }) =>
    visible ? [widths(601).get(id) ?? 0] : [],
  );
  t.deepEqual(odd, [211, 105, 124, 158]);
});

test('what is beside the cells is no room', (t) => {
  const free = roomOf(1_000, { boxes: false, frame: false });
  t.true(free < 1_000);
  t.true(roomOf(1_000, { boxes: true, frame: false }) < free);
  t.true(roomOf(1_000, { boxes: false, frame: true }) < free);
});
