import test from 'ava';
import { matchesOf } from '../../web/frame/search-matches.ts';

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
