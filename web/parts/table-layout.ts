import type { CollectionPreferencesProps } from '@cloudscape-design/components/collection-preferences';
import type { Column } from './list.ts';

/* Which columns of a list are shown, and how wide. Widths are in pixels. */

type Display = NonNullable<CollectionPreferencesProps.Preferences['contentDisplay']>;
type Laid = Pick<Column<never>, 'id' | 'hidden' | 'wide' | 'width'>;

/** Of a column that does not say: a short word, or how long ago. */
const usual = 118;

/** What cells do not get of a list: its boxes to tick, its frame, a scroll bar that may come beside the page. */
const taken = { boxes: 44, frame: 42, scrollBar: 16 } as const;

/** What the columns of a list have between them. */
export function roomOf(width: number, { boxes, frame }: { boxes: boolean; frame: boolean }): number {
  return width - (boxes ? taken.boxes : 0) - (frame ? taken.frame : 0) - taken.scrollBar;
}

function sum(columns: readonly Laid[]): number {
  return columns.reduce((all, { width = usual }) => all + width, 0);
}

/** Unless somebody has chosen otherwise: those that are `wide` one after another, as long as there is room for them. */
export function displayOf(columns: readonly Laid[], room: number): { id: string; visible: boolean }[] {
  let left = room - sum(columns.filter(({ hidden, wide }) => hidden !== true && wide !== true));
  return columns.map(({ id, hidden, wide, width = usual }) => {
    if (hidden === true) return { id, visible: false };
    if (wide !== true) return { id, visible: true };
    const visible = width <= left;
    if (visible) left -= width;
    return { id, visible };
  });
}

/** Room that is left is every column's, in proportion: Cloudscape would give all of it to the last. */
export function widthsOf(
  columns: readonly Laid[],
  display: Display,
  room: number,
): ReadonlyMap<string, number> {
  const shown = new Set(display.flatMap(({ id, visible }) => (visible ? [id] : [])));
  const stretch = Math.max(1, room / Math.max(1, sum(columns.filter(({ id }) => shown.has(id)))));
  return new Map(columns.map(({ id, width = usual }) => [id, Math.floor(width * stretch)]));
}
