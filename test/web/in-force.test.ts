import { globSync, readFileSync } from 'node:fs';
import test from 'ava';
import { allRoutes } from '../../src/admin/routes.ts';
import { readInForce } from '../../web/api/in-force.ts';
import { inForceWords } from '../../web/texts/in-force.ts';

test('what the node tells of where a disable is in force is read whole, or not at all', (t) => {
  const told = { nodes: 3, confirmed: 2, ended: 1, milliseconds: 312 };
  t.deepEqual(readInForce('nodes=3, confirmed=2, ended=1, milliseconds=312'), told);
  t.deepEqual(readInForce('nodes=3,confirmed=2,ended=1,milliseconds=312'), told);
  for (const text of [
    null,
    '',
    'nodes=3',
    'nodes=3, confirmed=2, milliseconds=1',
    'nodes=3, confirmed=x, ended=1, milliseconds=1',
    'nodes',
  ])
    t.is(readInForce(text), undefined);
});

test('it is told in one sentence, and nothing is where no node serves from memory', (t) => {
  const words = (nodes: number, confirmed: number, ended: number) =>
    inForceWords({ nodes, confirmed, ended, milliseconds: 312 });
  t.is(words(3, 3, 0), 'In force on 3 of 3 nodes, after 0.3 s.');
  t.is(words(1, 1, 0), 'In force on 1 of 1 node, after 0.3 s.');
  t.is(words(3, 2, 1), 'In force on 2 of 3 nodes, after 0.3 s; 1 was not heard and serves nothing any more.');
  t.is(words(0, 0, 0), undefined);
});

test('whatever takes something away has its answer shown, on how many nodes it is in force', (t) => {
  const takesAway = new Set(
    allRoutes.filter((route) => route.takesAway === true).map((route) => route.operation),
  );
  const pages = globSync('web/**/*.tsx').map((file) => [file, readFileSync(file, 'utf8')] as const);
  const doing = pages.flatMap(([file, text]) =>
    [...text.matchAll(/\b(?:useAct|call)\('(\w+)'/g)]
      .filter(([, operation = '']) => takesAway.has(operation))
      .map(([, operation]) => ({ file, operation, text })),
  );
  t.true(doing.length > 8);
  for (const { file, operation, text } of doing) t.regex(text, /\binForce\b/, `${operation} in ${file}`);
});
