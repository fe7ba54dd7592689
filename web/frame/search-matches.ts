/* What somebody who types in the field at the top may mean, of what the page knows by name. */

export interface Named {
  /** What it is found by, the first of which is shown. */
  names: readonly [string, ...string[]];
  href: string;
}

export interface Kind {
  label: string;
  things: readonly Named[];
}

export interface Match {
  label: string;
  options: readonly { value: string; label: string }[];
}

/** Of each kind no more than this is offered. */
const most = 5;

/** By kind, what begins with the text before what only has it; nothing for no text. */
export function matchesOf(text: string, kinds: readonly Kind[]): Match[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return [];
  return kinds.flatMap(({ label, things }) => {
    const found = things
      .map((thing) => ({ thing, place: placeIn(thing, wanted) }))
      .filter(({ place }) => place >= 0)
      .toSorted((one, other) => one.place - other.place)
      .slice(0, most);
    if (found.length === 0) return [];
    return [{ label, options: found.map(({ thing }) => ({ value: thing.href, label: thing.names[0] })) }];
  });
}

/** Where an id is looked for that the page knows nothing of. */
export interface Place {
  label: string;
  /** The address that looks for it there. */
  hrefOf: (id: string) => string;
  /** What may be an id there; a UUID unless told otherwise. */
  ids?: RegExp;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** As AWS names a KMS key: by an ARN, an alias, an id of one Region or, with `mrk-`, of several. */
export const kmsNames = new RegExp(`^arn:|^alias/|^mrk-[0-9a-f]{32}$|${uuid.source}`, 'i');

/** An id does not say of what it is: somebody who has one chooses where it is looked for. */
export function placesOf(text: string, label: string, places: readonly Place[]): Match[] {
  const id = text.trim();
  const fit = places.filter(({ ids = uuid }) => ids.test(id));
  if (fit.length === 0) return [];
  return [{ label, options: fit.map(({ label: place, hrefOf }) => ({ value: hrefOf(id), label: place })) }];
}

/** Where the text begins in the name that has it earliest; -1 where none has it. */
function placeIn({ names }: Named, wanted: string): number {
  const places = names.map((name) => name.toLowerCase().indexOf(wanted)).filter((place) => place >= 0);
  return places.length === 0 ? -1 : Math.min(...places);
}
