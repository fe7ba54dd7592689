import { printable } from '../../output/printable.ts';

/* Two key policies, side by side. */

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const order = [
  'Version',
  'Id',
  'Statement',
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
];

/**
 * Lines of both documents beside each other; what differs has a mark between, and is painted. `width` of the terminal,
 * characters.
 */
export function sideBySide(
  ours: unknown,
  aws: unknown,
  width: number,
  paint: (line: string) => string = (line) => line,
): string[] {
  const cell = Math.max(20, Math.floor((width - 3) / 2));
  const rows = align(linesOf(ours), linesOf(aws));
  const head = `${'ours'.padEnd(cell)}   AWS`;
  const lines = rows.flatMap(([left, right]) => {
    const isDifferent = left === undefined || right === undefined;
    return wrapped(left, right, cell).map((line) => (isDifferent ? paint(line.trimEnd()) : line.trimEnd()));
  });
  return [head.trimEnd(), ...lines];
}

/** In one form: the same policy written otherwise shows no difference. */
function linesOf(policy: unknown): string[] {
  if (policy === null || policy === undefined) return ['(not known)'];
  return JSON.stringify(normal(policy as Json), null, 2)
    .split('\n')
    .map(printable);
}

function normal(value: Json): Json {
  if (Array.isArray(value)) {
    const items = value.map(normal);
    const [only] = items;
    if (items.length === 1 && only !== undefined && typeof only !== 'object') return only;
    return items.every((item) => typeof item === 'string') ? items.toSorted() : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const names = Object.keys(value).toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
  return Object.fromEntries(names.map((name) => [name, normal(value[name] ?? null)]));
}

function place(name: string): number {
  const at = order.indexOf(name);
  return at === -1 ? order.length : at;
}

type Row = [left: string | undefined, right: string | undefined];

/** The longest lines in common are beside each other. */
function align(left: readonly string[], right: readonly string[]): Row[] {
  const common = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
  const at = (i: number, j: number) => common[i]?.[j] ?? 0;
  for (let i = left.length - 1; i >= 0; i--)
    for (let j = right.length - 1; j >= 0; j--) {
      const row = common[i];
      if (row !== undefined)
        row[j] = left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  const rows: Row[] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) rows.push([left[i++], right[j++]]);
    else if (j >= right.length || (i < left.length && at(i + 1, j) >= at(i, j + 1)))
      rows.push([left[i++], undefined]);
    else rows.push([undefined, right[j++]]);
  }
  return rows;
}

/** `<` stands only in ours, `>` only in AWS's. */
function wrapped(left: string | undefined, right: string | undefined, cell: number): string[] {
  const mark = left === undefined ? '>' : right === undefined ? '<' : ' ';
  const parts = (text = '') => text.match(new RegExp(`.{1,${cell}}`, 'g')) ?? [''];
  const [a, b] = [parts(left), parts(right)];
  return Array.from(
    { length: Math.max(a.length, b.length) },
    (_, line) => `${(a[line] ?? '').padEnd(cell)} ${mark} ${b[line] ?? ''}`,
  );
}
