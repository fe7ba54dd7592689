import type { ActEntry, RequestEntry } from '../../chaos/history.ts';

/*
 * What the checker's rule is held against: every order in which the acts of one key can have taken effect, tried one after another.
 * Times are whole numbers, and no two things happen at the same.
 */

/** An act's effect comes after `invoked` and, where it was acknowledged, before `ended`; in doubt it may never come. */
interface Moment {
  value: boolean | undefined;
  /** Places of acts that have neither taken effect nor been given up. */
  open: ReadonlySet<number>;
}

/** Whether the key can have been as the answer has it at some moment while the request was under way. */
export function isPossible(acts: readonly ActEntry[], request: RequestEntry): boolean {
  const wanted = request.result === 'success';
  const last = Math.max(request.ended, ...acts.map(({ ended }) => ended));
  let moments: Moment[] = [{ value: undefined, open: new Set() }];
  for (let at = 0; at <= last; at++) {
    moments = distinct(
      moments.map((moment) => happen(acts, at, moment)).filter((moment) => moment !== undefined),
    );
    moments = distinct(moments.flatMap((moment) => takingEffect(acts, moment)));
    if (at < request.began || at >= request.ended) continue;
    // A path that has seen what was answered stays possible whatever follows: each act can still take effect in its own time.
    if (moments.some(({ value }) => value === undefined || value === wanted)) return true;
  }
  return false;
}

/** What begins, ends and is settled at this time; undefined where an acknowledged act has had no effect by then. */
function happen(acts: readonly ActEntry[], at: number, { value, open }: Moment): Moment | undefined {
  let left = new Set(open);
  for (const [place, { act, invoked, ended, result }] of acts.entries()) {
    if (invoked === at && act !== 'touch') left.add(place);
    if (ended !== at || result !== 'acknowledged') continue;
    if (act === 'touch') left = new Set([...left].filter((other) => other > place));
    else if (left.has(place)) return undefined;
  }
  return { value, open: left };
}

/** As it is, and after each of the acts that can take effect now, one or several. */
function takingEffect(acts: readonly ActEntry[], moment: Moment): Moment[] {
  return [
    moment,
    ...[...moment.open].flatMap((place) =>
      takingEffect(acts, {
        value: acts[place]?.act === 'enable',
        open: new Set([...moment.open].filter((other) => other !== place)),
      }),
    ),
  ];
}

function distinct(moments: readonly Moment[]): Moment[] {
  return [
    ...new Map(
      moments.map((one) => [`${one.value} ${[...one.open].toSorted((a, b) => a - b).join()}`, one]),
    ).values(),
  ];
}
