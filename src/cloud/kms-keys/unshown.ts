import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { comparePolicies } from '../aws/kms-policy-comparison.ts';
import { isSettling, settleTime } from '../aws/presence.ts';
import { dateOf, seenOf, type KmsKeyRow, type SeenKey } from './records.ts';

/*
 * AWS may show for a while what was there before a change of ours. That, and nothing else, is held back: of each thing that
 * we changed exactly what it was, for so long after the first change from it, and until AWS has shown what we gave it.
 * Whatever else AWS shows somebody has put there, and it is told at once.
 */

const things = ['policy', 'alias', 'description', 'tags', 'state'] as const;

type Thing = (typeof things)[number];

const unshownForm = z.partialRecord(
  z.enum(things),
  z.object({
    before: z.array(z.object({ value: z.unknown(), at: z.string() })),
    /** Since when AWS shows one of them and nothing later. */
    shownSince: z.string().nullable(),
  }),
);

type Unshown = z.output<typeof unshownForm>;

/** So long, milliseconds: a KMS key that somebody has enabled again is told within minutes. */
const heldBack: Readonly<Record<Thing, number>> = {
  ...{ policy: settleTime, alias: settleTime, description: settleTime, tags: settleTime },
  state: 2 * 60_000,
};

/** So many values of each: what a script changed more often than that is told too soon, which passes. */
const maxValues = 8;

/** Those that a key is put into. Its key store's are not ours to change. */
const states = ['Enabled', 'Disabled', 'PendingDeletion'];

function unshownOf({ unshown }: Pick<KmsKeyRow, 'unshown'>): Unshown {
  return unshownForm.parse(JSON.parse(unshown));
}

/**
 * AWS has confirmed that it has `given` now: what it had before as far as we know, and what it had `between` two requests,
 * it may still show.
 */
export function confirmed(
  row: Pick<KmsKeyRow, 'seen' | 'unshown'>,
  given: Partial<SeenKey>,
  now: Date,
  between: Partial<SeenKey> = {},
): Pick<KmsKeyRow, 'unshown'> {
  const known = seenOf(row);
  const unshown = unshownOf(row);
  for (const thing of things) {
    const value = partOf[thing](given);
    if (value === undefined || known === null) continue;
    const open = stillOpen(unshown, thing, now);
    const before = [partOf[thing](known), partOf[thing](between)].filter(
      (one) => isValue(thing, one) && !isSame(thing, one, value) && !isAmong(open, thing, one),
    );
    const all = [...open, ...before.map((one) => ({ value: one, at: now.toISOString() }))];
    unshown[thing] = { before: all.slice(-maxValues), shownSince: null };
  }
  return { unshown: JSON.stringify(unshown) };
}

/** What is to be taken for what AWS has, where AWS shows this. */
export function believed(
  row: Pick<KmsKeyRow, 'seen' | 'unshown'>,
  shown: SeenKey,
  now: Date,
): { seen: SeenKey } & Pick<KmsKeyRow, 'unshown'> {
  const known = seenOf(row);
  const unshown = unshownOf(row);
  const left: Unshown = {};
  const seen = { ...shown };
  for (const thing of things) {
    const before = stillOpen(unshown, thing, now);
    if (known === null || before.length === 0) continue;
    const value = partOf[thing](shown);
    const isAsKnown = isSame(thing, value, partOf[thing](known));
    const isAsBefore = isAmong(before, thing, value);
    // Once it has shown ours, the old is news. What was changed and changed back is both.
    if (isAsKnown && !isAsBefore) continue;
    const isHeldBack = isAsBefore && !isAsKnown;
    const since = unshown[thing]?.shownSince ?? now.toISOString();
    left[thing] = { before, shownSince: isHeldBack ? since : null };
    if (isHeldBack) Object.assign(seen, asKnown[thing](known));
  }
  return { seen, unshown: JSON.stringify(left) };
}

/** Something that AWS shows as it was before our own change. */
export interface MayBeStale {
  what: Thing;
  /** When AWS was first seen to show it so. */
  since: string;
}

export function mayBeStaleOf(row: Pick<KmsKeyRow, 'unshown' | 'step'>): MayBeStale[] {
  if (row.step === 'GONE') return [];
  const unshown = unshownOf(row);
  return things.flatMap((what) => {
    const since = unshown[what]?.shownSince ?? null;
    return since === null ? [] : [{ what, since }];
  });
}

const partOf: Readonly<Record<Thing, (seen: Partial<SeenKey>) => unknown>> = {
  policy: ({ policy }) => policy,
  alias: ({ aliases }) => aliases,
  description: ({ description }) => description,
  tags: ({ tags }) => tags,
  state: ({ state }) => state,
};

const asKnown: Readonly<Record<Thing, (known: SeenKey) => Partial<SeenKey>>> = {
  policy: ({ policy }) => ({ policy }),
  alias: ({ aliases }) => ({ aliases }),
  description: ({ description }) => ({ description }),
  tags: ({ tags }) => ({ tags }),
  state: ({ state, deletionAt }) => ({ state, deletionAt }),
};

function stillOpen(unshown: Unshown, thing: Thing, now: Date) {
  return (unshown[thing]?.before ?? []).filter(({ at }) => isSettling(dateOf(at), now, heldBack[thing]));
}

function isAmong(before: readonly { value: unknown }[], thing: Thing, value: unknown): boolean {
  return before.some((one) => isSame(thing, one.value, value));
}

function isValue(thing: Thing, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return thing !== 'state' || (states as unknown[]).includes(value);
}

function isSame(thing: Thing, one: unknown, other: unknown): boolean {
  if (thing === 'policy' && typeof one === 'string' && typeof other === 'string')
    return comparePolicies(one, other).same;
  return isDeepStrictEqual(one, other);
}
