import test from 'ava';
import fc from '../testing/properties.ts';
import { nameTrouble } from '../src/json-names.ts';

/* What two readers of JSON may take for two requests. */

function troubleOf(text: string): string | undefined {
  return nameTrouble(text, JSON.parse(text));
}

test('a name that an object has twice is seen, however it is written and wherever it stands', (t) => {
  for (const text of [
    '{"name":"a","name":"b"}',
    '{"name":"a","name":"a"}',
    '{"name" \t\r\n:"a","\\u006eame":1}',
    '{"a":{"b":[0,{"c":1,"d":2,"c":{}}]}}',
    '[{"":1,"":2}]',
    '{"__proto__":1,"__proto__":2}',
    '{"a\\"b":1,"a\\"b":2}',
    '{"1":"x","1":"y"}',
  ])
    t.is(troubleOf(text), 'twice', text);
});

test('what has each name once is taken, whatever stands in its strings', (t) => {
  for (const text of [
    '{}',
    '[]',
    '0',
    'null',
    '"a\\":"',
    '{"a":"\\"b\\":1,\\"b\\":2"}',
    '{"a\\\\":"\\\\","b":"c\\\\\\":"}',
    '{"__proto__":1,"constructor":2}',
    '{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]}',
    '{"name":1,"Name":2,"name ":3}',
  ])
    t.is(troubleOf(text), undefined, text);
});

test('what is nested deep uses up no stack', (t) => {
  const levels = 60_000;
  t.is(troubleOf('['.repeat(levels) + ']'.repeat(levels)), undefined);
  for (const name of ['b', '\\u0062'])
    t.is(troubleOf(`${'{"a":'.repeat(levels)}{"b":1,"${name}":1}${'}'.repeat(levels)}`), 'twice');
});

/** A value as its own text: objects as lists of members, so that a name can come twice. */
type Written = { text: string; twice: boolean };

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const scalar = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  )
  .map((value): Written => ({ text: JSON.stringify(value), twice: false }));

const { value } = fc.letrec<{ value: Written }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }).map((items) => ({
      text: `[${items.map(({ text }) => text).join(',')}]`,
      twice: items.some(({ twice }) => twice),
    })),
    fc
      .array(
        fc.tuple(
          fc.oneof(fc.constantFrom('a', 'b', '"', '\\', ':', '__proto__'), fc.string()),
          space,
          tie('value'),
        ),
        {
          maxLength: 5,
        },
      )
      .map((members) => ({
        text: `{${members.map(([name, gap, { text }]) => `${JSON.stringify(name)}${gap}:${gap}${text}`).join(`,`)}}`,
        twice:
          new Set(members.map(([name]) => name)).size < members.length ||
          members.some(([, , { twice }]) => twice),
      })),
  ),
}));

test('of any text that JSON.parse takes it is told exactly whether an object has a name twice', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(value, ({ text, twice }) => {
        const trouble = troubleOf(text);
        return twice ? trouble === 'twice' : trouble !== 'twice';
      }),
      { numRuns: 2000 },
    ),
  );
});

test('a name that V8 takes for one of another text is not believed, nor is a second one hidden by that', (t) => {
  // Of one value: whether V8 goes wrong depends on what it has parsed before.
  const text = '{"name":"a","\\u0062cde":"b"}';
  t.is(nameTrouble(text, { name: 'a', bcde: 'b' }), undefined);
  t.is(nameTrouble(text, { name: 'a', '\\u00': 'b' }), 'misread');
  t.is(nameTrouble('{"name":"a","\\u006eame":"b"}', { name: 'a', '\\u00': 'b' }), 'twice');
  t.is(nameTrouble('{"\\"":1,"\\\\":2}', { '\\': 2 }), 'misread');
});
