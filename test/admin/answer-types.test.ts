import test from 'ava';
import { z } from 'zod';
import { route, shownPage, type Route } from '../../src/admin/route.ts';
import { onToken } from '../../src/admin/status/affected.ts';
import type { StatusFinding } from '../../src/admin/status/findings.ts';

/* Each plant is held by the compiler: where one compiles, its `@ts-expect-error` is an error of `npm run types`. */

const shelf = z.strictObject({
  id: z.string(),
  colour: z.enum(['red', 'green']),
  books: z.array(z.strictObject({ title: z.string(), lentTo: z.string().nullable() })),
  lock: z.strictObject({ code: z.string() }).nullable(),
  note: z.string().optional(),
});
type Shelf = z.output<typeof shelf>;

const whole: Shelf = { id: '1', colour: 'red', books: [{ title: 'x', lentTo: null }], lock: null };
const { id: _, ...withoutId } = whole;
const ofNobody = { ...whole, owner: 'nobody' };
const withPages = { ...whole, books: [{ title: 'x', lentTo: null, pages: 3 }] };
const withLocks = { ...whole, lock: { code: '1', master: '2' } };
const ofOtherColour = { ...whole, colour: 'blue' };

const common = {
  operation: 'getShelf',
  method: 'GET',
  path: '/shelf',
  tag: 'Vaults',
  summary: 'Show the shelf',
  access: { kind: 'public' },
} as const;
const shown = { ...common, answer: shelf };

const good: Route[] = [
  route({ ...shown, handle: async () => Promise.resolve({ body: whole, rowVersion: 1 }) }),
  route({ ...shown, handle: async () => Promise.resolve({ body: { ...whole, note: 'a' } }) }),
  route({ ...common, handle: async () => Promise.resolve({ status: 204 }) }),
  route({
    ...common,
    answer: z.strictObject({ items: z.array(shelf), next: z.string().nullable() }),
    handle: async () => Promise.resolve(shownPage({ items: [1], next: null }, () => whole)),
  }),
];

test('a handler answers what its schema describes: no field more, at any depth, and none less', (t) => {
  const planted: Route[] = [
    // @ts-expect-error -- a field that the schema lacks
    route({ ...shown, handle: async () => Promise.resolve({ body: ofNobody }) }),
    // @ts-expect-error -- one inside an array
    route({ ...shown, handle: async () => Promise.resolve({ body: withPages }) }),
    // @ts-expect-error -- one inside what may be null
    route({ ...shown, handle: async () => Promise.resolve({ body: withLocks }) }),
    // @ts-expect-error -- a field that is missing
    route({ ...shown, handle: async () => Promise.resolve({ body: withoutId }) }),
    // @ts-expect-error -- a value that the schema does not list
    route({ ...shown, handle: async () => Promise.resolve({ body: ofOtherColour }) }),
    // @ts-expect-error -- no body
    route({ ...shown, handle: async () => Promise.resolve({ status: 204 }) }),
    // @ts-expect-error -- a body that no schema describes
    route({ ...common, handle: async () => Promise.resolve({ body: whole }) }),
    route({
      ...shown,
      // @ts-expect-error -- a repetition with a field more
      creates: { again: async () => Promise.resolve({ body: ofNobody }) },
      handle: async () => Promise.resolve({ body: whole }),
    }),
    route({
      ...common,
      answer: z.strictObject({ items: z.array(shelf), next: z.string().nullable() }),
      // @ts-expect-error -- a field more in the items of a page
      handle: async () => Promise.resolve(shownPage({ items: [1], next: null }, () => ofNobody)),
    }),
  ];
  t.is(good.length + planted.length, 13);
});

test('a finding tells what it is on, or that it is on the appliance as a whole', (t) => {
  const words = { trouble: 'TOKEN_DOWN', where: 'token', message: '', remediation: '' } as const;
  const told: StatusFinding[] = [
    { ...words, on: 'appliance' },
    { ...words, on: onToken('token') },
  ];
  const planted: StatusFinding[] = [
    // @ts-expect-error -- it does not tell
    { ...words },
    // @ts-expect-error -- it is on nothing
    { ...words, on: [] },
  ];
  t.is(told.length + planted.length, 4);
});
