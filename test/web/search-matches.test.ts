import test from 'ava';
import { kmsNames, matchesOf, placesOf } from '../../web/frame/search-matches.ts';

const named = (...names: [string, ...string[]]) => ({ names, href: `/${names[0]}` });
const kinds = [
  { label: 'Vaults', things: [named('apac-emea'), named('emea', '4711'), named('us')] },
  { label: 'Users', things: [named('ada', 'Ada Lovelace', 'ada@emea.example'), named('grace', '')] },
];
const found = (text: string) =>
  matchesOf(text, kinds).map(({ label, options }) => [label, options.map((option) => option.label)]);

test('what is typed is found in any name of a thing, what begins with it first, by kind', (t) => {
  t.deepEqual(found(' EMEA '), [
    ['Vaults', ['emea', 'apac-emea']],
    ['Users', ['ada']],
  ]);
  t.deepEqual(found('lovelace'), [['Users', ['ada']]]);
  t.deepEqual(matchesOf('4711', kinds)[0]?.options, [{ value: '/emea', label: 'emea' }]);
});

test('nothing is offered for nothing, and of many no more than five', (t) => {
  t.deepEqual(found(' '), []);
  t.deepEqual(found('nobody'), []);
  const many = [{ label: 'Nodes', things: Array.from({ length: 9 }, (_, n) => named(`node-${n}`)) }];
  t.is(matchesOf('node', many)[0]?.options.length, 5);
});

test('an id may be looked for where the page knows nothing of it, and what is none may not', (t) => {
  const places = [{ label: 'As a request', hrefOf: (id: string) => `/requests/${id}` }];
  const id = '4d2b1c5f-0e6f-4c7e-9a55-0D4f4a1f3c11';
  t.deepEqual(placesOf(` ${id} `, 'By its id', places), [
    { label: 'By its id', options: [{ value: `/requests/${id}`, label: 'As a request' }] },
  ]);
  t.deepEqual(placesOf(id, 'By its id', []), []);
  for (const none of ['', 'payroll', `${id}0`, id.slice(1)]) t.deepEqual(placesOf(none, '', places), []);
});

test('a name from AWS is offered where such names are known, and a part of one is not', (t) => {
  const places = [{ label: 'As a CloudKey', hrefOf: (called: string) => `/find/${called}`, ids: kmsNames }];
  const key = '1234abcd-12ab-34cd-56ef-1234567890ab';
  const names = [
    ...[key, `arn:aws:kms:eu-central-1:111122223333:key/${key}`, 'alias/payroll'],
    `mrk-${key.replaceAll('-', '')}`,
  ];
  for (const name of names)
    t.deepEqual(placesOf(name, 'By its id', places)[0]?.options, [
      { value: `/find/${name}`, label: 'As a CloudKey' },
    ]);
  for (const none of ['', 'payroll', 'my-alias/payroll', 'mrk-1234', key.slice(1)])
    t.deepEqual(placesOf(none, '', places), []);
});
